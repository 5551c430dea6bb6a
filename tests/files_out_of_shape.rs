//! Files that lack a column, hold two files in one, or say nothing where they must say something: what was known stays, what
//! cannot be right is told, and the rest is taken in. Every person is invented.

use serde_json::Value as Json;

use crate::support::extracts::{Hub, JULIE, Member, PAUL, codes, figures, household, made, monthly};

/// A CSV file of one row, without some of its columns.
fn row_without(cells: &[(&str, &str)], lacking: &[&str]) -> Vec<u8> {
    let kept: Vec<_> = cells.iter().filter(|(name, _)| !lacking.contains(name)).collect();
    let line = |pick: fn(&(&str, &str)) -> String| kept.iter().map(|c| pick(c)).collect::<Vec<_>>().join(";");
    format!("{}\n{}\n", line(|(name, _)| (*name).into()), line(|(_, cell)| (*cell).into())).into_bytes()
}

const ACTION: &[(&str, &str)] = &[
    ("identifiant_unique_de", "de-1"),
    ("codeaction", "FOR"),
    ("lblaction", "Formation"),
    ("date_prescription", "2026-01-10 00:00:00.0"),
    ("objectif_formation", "Certification"),
    ("date_debut", "2026-02-01 00:00:00.0"),
];
const PERSON: &[(&str, &str)] = &[
    ("identifiant_unique_de", "de-1"),
    ("nom", "DUPONT"),
    ("prenom", "LUC"),
    ("date_naissance", "1985-05-07 00:00:00.0"),
    ("categorie_inscription", "1"),
    ("modalite_accompagnement", "SUI"),
    ("inscription", "2026-01-02 00:00:00.0"),
    ("adresse_ligne2", "APT 1"),
    ("adresse_ligne3", "BAT B"),
    ("adresse_ligne4", "3 RUE DU PUITS"),
    ("rome_1", "A1101"),
    ("rome_2", "K2204"),
    ("struct_principale", "AGENCE DE CHAUMONT"),
];

#[test]
fn a_column_that_vanishes_takes_nothing_back_wherever_it_is_read() {
    for (cells, lacking) in [
        (ACTION, "date_debut"),
        (ACTION, "objectif_formation"),
        (PERSON, "rome_2"),
        (PERSON, "adresse_ligne3"),
        (PERSON, "inscription"),
        (PERSON, "struct_principale"),
    ] {
        let hub = Hub::fresh();
        hub.deliver("france-travail", "1.csv", &row_without(cells, &[]));
        let report = hub.deliver("france-travail", "2.csv", &row_without(cells, &[lacking]));
        assert_eq!(figures(&report, ["events", "rejected"]), [0, 0], "{lacking}");
        let told = report.pointer("/warnings/0/message").and_then(Json::as_str).unwrap_or_default();
        assert!(codes(&report).contains(&"DLN0116") && told.contains(lacking), "{report}");
    }
}

#[test]
fn what_stands_beside_a_column_that_vanished_still_changes() {
    let hub = Hub::fresh();
    hub.deliver("france-travail", "1.csv", &row_without(ACTION, &[]));
    let ended = [ACTION, &[("date_fin", "2026-03-01 00:00:00.0")]].concat();
    let report = hub.deliver("france-travail", "2.csv", &row_without(&ended, &["date_debut"]));
    assert_eq!(figures(&report, ["events"]), [1]);
    let action = hub.persons()[0]["parcours"]["actions"][0].clone();
    assert_eq!((&action["date_debut"], &action["date_fin"]), (&"2026-02-01".into(), &"2026-03-01".into()));

    let hub = Hub::fresh();
    hub.deliver("france-travail", "1.csv", &row_without(PERSON, &[]));
    let moved: Vec<_> =
        PERSON.iter().map(|c| if c.0 == "adresse_ligne4" { (c.0, "8 RUE HAUTE") } else { *c }).collect();
    hub.deliver("france-travail", "2.csv", &row_without(&moved, &["adresse_ligne3"]));
    let address = hub.persons()[0]["adresse"].clone();
    let found = (&address["voie"], &address["complement"]);
    assert_eq!(found, (&"8 RUE HAUTE".into(), &"APT 1".into()), "no half of the old address");
    hub.deliver("france-travail", "3.csv", &row_without(PERSON, &["adresse_ligne2", "adresse_ligne3"]));
    let address = hub.persons()[0]["adresse"].clone();
    assert_eq!((&address["voie"], address.get("complement")), (&"3 RUE DU PUITS".into(), None));
}

#[test]
fn a_date_without_end_is_no_date_where_one_is_required() {
    let hub = Hub::fresh();
    let of = |born| household("2055990", "521", "2", &[Member { born, ..PAUL }]);
    hub.deliver("caf", "1.xml", &monthly(&made("2026-03-05", "01:00:00"), 1, &[of("1980-01-02")]));
    let report =
        hub.deliver("caf", "2.xml", &monthly(&made("2026-04-05", "01:00:00"), 1, &[of("9999-12-31")]));
    assert_eq!(figures(&report, ["rejected", "events", "gone"]), [1, 0, 0]);
    let row = "1850578006084;1234567A075;DUPONT;LUC;07/05/1985;31/12/9999;90;FIN;1850578006084\n";
    let report = hub.deliver("france-travail", "cessations.csv", row.as_bytes());
    assert_eq!(figures(&report, ["rejected", "persons"]), [1, 0]);
}

#[test]
fn the_same_bytes_under_another_name_may_be_another_file() {
    let row = b"1850578006084;1234567A075;DUPONT;LUC;07/05/1985;02/03/2026;90;FIN;1850578006084\n";
    let hub = Hub::fresh();
    let unnamed = hub.deliver("france-travail", "flux.csv", row);
    assert_eq!((unnamed["status"].as_str(), codes(&unnamed)), (Some("held"), vec!["DLN0109"]));
    let named = hub.deliver("france-travail", "cessations.csv", row);
    assert_eq!((named["status"].as_str(), figures(&named, ["persons"])), (Some("done"), [1]));
    let again = hub.deliver("france-travail", "cessations-2.csv", row);
    assert_eq!(again["status"], "already_received");
    let other = hub.deliver("france-travail", "radiations.csv", row);
    assert_eq!((other["status"].as_str(), figures(&other, ["persons"])), (Some("done"), [0]));
    assert_eq!(hub.persons()[0]["inscription_emploi"]["statut"], "radie", "delivered last");
    let run = other["run"].as_str().expect("a run").to_owned();
    let again = hub.ask(&["replay", "run", &run, "--yes"]).json().pop().expect("a report");
    assert!(
        again["mapping"].as_str().is_some_and(|name| name.starts_with("france-travail/radiations")),
        "{again}"
    );
}

#[test]
fn one_byte_of_another_encoding_costs_its_record() {
    let hub = Hub::fresh();
    let text = "Identifiant dans le SI*;Prénom*;Nom*;Date de naissance*;Numéro allocataire CAF/MSA;\
Droits RSA;Accompagnateurs;Ville\n1;Zoé;Favier;1998-05-25;;;;Ly#n\n2;Bob;Favier;1997-05-25;;;;Lyon\n";
    let mut bytes = text.as_bytes().to_vec();
    let at = bytes.iter().position(|byte| *byte == b'#').expect("a mark");
    bytes[at] = 0xF4;
    let report = hub.deliver("departement", "1.csv", &bytes);
    assert_eq!(figures(&report, ["records", "rejected", "persons"]), [2, 1, 1]);
}

#[test]
fn the_columns_that_may_be_missing_are_missing_together_and_a_header_is_no_person() {
    let hub = Hub::fresh();
    let nine = "1850578006084;1234567A075;DUPONT;LUC;07/05/1985;02/03/2026;90;FIN;1850578006084\n";
    let report = hub.deliver("france-travail", "inscriptions.csv", nine.as_bytes());
    assert_eq!(figures(&report, ["rejected", "persons"]), [1, 0], "neither eight cells nor twelve");
    let once = String::from_utf8(row_without(ACTION, &[])).expect("text");
    let (header, row) = once.split_once('\n').expect("two lines");
    let shouted =
        header.to_uppercase().split(';').map(|name| format!("\"{name} \"")).collect::<Vec<_>>().join(";");
    for again in [header, &shouted] {
        let report = hub.deliver("france-travail", "1.csv", format!("{once}{again}\n{row}").as_bytes());
        assert_eq!(figures(&report, ["records", "rejected"]), [3, 1], "{again}");
    }
    assert_eq!(hub.persons().len(), 1);
    for (first, separator) in [("sep=,", ","), ("sep=\t", "\t"), ("\"sep=;\";;;", ";")] {
        let text = format!("{first}\r\n{}\u{1A}", once.trim_end().replace(';', separator));
        let report = hub.deliver("france-travail", "2.csv", text.as_bytes());
        assert_eq!(figures(&report, ["records", "rejected", "events"]), [1, 0, 0], "{first:?}");
    }
}

#[test]
fn two_documents_in_one_are_held_and_the_end_of_an_old_text_is_no_record() {
    let of = |day, member| monthly(&made(day, "01:00:00"), 1, &[household("2055990", "521", "2", &[member])]);
    let (first, second) = (of("2026-03-05", PAUL), of("2026-04-05", Member { nir: "", ..JULIE }));
    let hub = Hub::fresh();
    for (name, between) in [("1.xml", ""), ("2.xml", "\r\n\x1A")] {
        let both = hub.deliver("caf", name, &[&first, between.as_bytes(), &second].concat());
        assert_eq!((both["status"].as_str(), figures(&both, ["persons"])), (Some("held"), [0]));
    }
    let ended = hub.deliver("caf", "3.xml", &[&first[..], b"\r\n\x1A"].concat());
    assert_eq!((ended["status"].as_str(), figures(&ended, ["persons"])), (Some("done"), [1]));
}

#[test]
fn a_refused_record_is_found_at_its_line_however_lines_end() {
    let wrong = household("2055990", "521", "2", &[Member { born: "2020", ..PAUL }]);
    let text = String::from_utf8(monthly(&made("2026-03-05", "01:00:00"), 1, &[wrong])).expect("text");
    for end in ["\n", "\r\n", "\r"] {
        let hub = Hub::fresh();
        let lines = text.replace("<InfosFoyerRSA>", &format!("{end}{end}<InfosFoyerRSA>{end}"));
        hub.deliver("caf", "1.xml", lines.as_bytes());
        let rejects = hub.ask(&["rejects"]).json();
        let line = rejects.iter().find_map(|reject| reject.get("line")?.as_u64());
        assert_eq!(line, Some(3), "{end:?} {rejects:?}");
    }
}

#[test]
fn two_persons_under_one_number_of_a_file_are_told() {
    let hub = Hub::fresh();
    let list = "Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;ID IODAS\n";
    let rows = "Vanternier;Mélinda;14/07/1986;77\nFavier;Zoé;25/05/1998;77\nFavier;Zoe;25/05/1998;77\n";
    let report = hub.deliver("departement", "1.csv", format!("{list}{rows}").as_bytes());
    assert_eq!((figures(&report, ["persons"]), codes(&report)), ([1], vec!["DLN0119"]));
    assert_eq!(report["warnings"][0]["count"], 1);
    // Night after night, whichever comes first, and however far apart.
    let other = |at: u32| format!("Favier;Anne;25/05/19{:02};1{at:03}\n", at % 90);
    let others = (0..600).map(other).collect::<Vec<_>>().concat();
    let [melinda, zoe] = ["Vanternier;Mélinda;14/07/1986;77\n", "Favier;Zoé;25/05/1998;77\n"];
    for rows in [[melinda, "", zoe], [zoe, "", melinda], [melinda, &others, zoe], [zoe, &others, melinda]] {
        for night in 1..=2 {
            let text = format!("{list}{}", rows.concat());
            let report = hub.deliver("departement", &format!("{night}.csv"), text.as_bytes());
            let again = codes(&report) == ["DLN0111"];
            assert!(again || codes(&report).contains(&"DLN0119"), "{rows:?} {report}");
        }
    }
}

#[test]
fn what_a_list_writes_for_no_number_or_to_protect_one_is_understood() {
    let hub = Hub::fresh();
    let list = "Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;ID IODAS\n";
    let of = |ids: [&str; 3]| {
        let [a, b, c] = ids;
        format!(
            "{list}Vanternier;Mélinda;14/07/1986;{a}\nFavier;Zoé;25/05/1998;{b}\nObren;Ivo;02/02/1971;{c}\n"
        )
    };
    let report = hub.deliver("departement", "1.csv", of(["NC", "NC", "=\"077\""]).as_bytes());
    assert_eq!((figures(&report, ["persons", "rejected"]), codes(&report)), ([3, 0], vec![]));
    let report = hub.deliver("departement", "2.csv", of(["", "-", "077"]).as_bytes());
    assert_eq!(figures(&report, ["persons", "events", "rejected"]), [0, 0, 0]);
}

#[test]
fn a_list_saved_by_a_spreadsheet_of_windows_is_read_and_told() {
    let hub = Hub::fresh();
    let list =
        "Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;ID IODAS\nVanternier;Mélinda;14/07/1986;77\n";
    let bytes: Vec<u8> =
        list.chars().map(|letter| u8::try_from(u32::from(letter)).expect("Latin-1")).collect();
    let report = hub.deliver("departement", "1.csv", &bytes);
    assert_eq!((figures(&report, ["persons", "rejected"]), codes(&report)), ([1, 0], vec!["DLN0120"]));
    // A header of plain letters says nothing; a letter of any record does.
    let plain = "Nom beneficiaire;Prenom beneficiaire;Date de Naissance;ID IODAS\n";
    let deliver = |rows: &[&[u8]]| {
        let report = hub.deliver("departement", "plain.csv", &[&[plain.as_bytes()], rows].concat().concat());
        (figures(&report, ["persons", "rejected"]), codes(&report).join(" "))
    };
    let [zola, maelle] = [&b"Zola;Ana;01/02/1980;78\n"[..], b"Vanternier;Ma\xEBlle;14/07/1988;79\n"];
    assert_eq!(deliver(&[zola, maelle]), ([2, 0], "DLN0120".to_owned()));
    assert_eq!(deliver(&["Zola;Élie;01/02/1981;80\n".as_bytes(), maelle]), ([1, 1], String::new()));
    // The same list in UTF-8 states nothing else.
    let report = hub.deliver("departement", "2.csv", list.as_bytes());
    assert_eq!((figures(&report, ["events", "rejected"]), codes(&report)), ([0, 0], vec![]));
}

#[test]
fn what_the_dossier_before_stated_goes_with_it() {
    let hub = Hub::fresh();
    let of = |dossier: &str, activity: &str| {
        household(dossier, "521", "2", &[PAUL]).replace("</Personne>", &format!("{activity}</Personne>"))
    };
    let chomage = "<Activite><ACT>CHO</ACT><DDACT>2026-01-01</DDACT></Activite>";
    hub.deliver("caf", "1.xml", &monthly(&made("2026-03-05", "01:00:00"), 1, &[of("2055990", chomage)]));
    assert!(hub.persons()[0].get("activites").is_some());
    let report =
        hub.deliver("caf", "2.xml", &monthly(&made("2026-04-05", "01:00:00"), 1, &[of("2055991", "")]));
    assert_eq!(figures(&report, ["persons", "gone"]), [0, 1]);
    assert!(hub.persons()[0].get("activites").is_none());
}

#[test]
fn a_stray_quote_costs_its_line_and_swallows_no_row() {
    let hub = Hub::fresh();
    let list = "Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;ID IODAS;Email\n";
    let rows = "Vanternier;Mélinda;14/07/1986;77;\"a@exemple.fr\nFavier;Zoé;25/05/1998;78;\nObren;Ivo;02/02/1971;79;\"b@exemple.fr\"\n";
    let report = hub.deliver("departement", "1.csv", format!("{list}{rows}").as_bytes());
    assert_eq!(figures(&report, ["records", "persons", "rejected"]), [3, 2, 1]);
}

#[test]
fn a_number_that_changes_on_a_night_when_absence_is_not_judged_is_followed() {
    let hub = Hub::fresh();
    let of = |rows: &[(&str, &str, &str)]| {
        let names = PERSON.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let row = |(id, name, city): &(&str, &str, &str)| {
            format!("{id};{name};LUC;1985-05-07 00:00:00.0;1;SUI;2026-01-02 00:00:00.0;;;{city};;;\n")
        };
        format!("{names}\n{}", rows.iter().map(row).collect::<Vec<_>>().concat()).into_bytes()
    };
    hub.deliver("france-travail", "1.csv", &of(&[("de-1", "PETIT", "A"), ("de-2", "VERT", "B")]));
    let report =
        hub.deliver("france-travail", "2.csv", &of(&[("de-3", "PETIT", "A"), ("de-2", "VERT", "\u{1}")]));
    assert_eq!(figures(&report, ["persons", "rejected"]), [0, 1]);
    assert!(codes(&report).contains(&"DLN0115") && !codes(&report).contains(&"DLN0315"), "{report}");
}

#[test]
fn an_accent_set_apart_is_no_change() {
    let hub = Hub::fresh();
    let of = |day, given| {
        let text = monthly(
            &made(day, "01:00:00"),
            1,
            &[household("2055990", "521", "2", &[Member { given, ..PAUL }])],
        );
        String::from_utf8(text).expect("text").replace("windows-1252", "utf-8").into_bytes()
    };
    hub.deliver("caf", "1.xml", &of("2026-03-05", "ZO\u{C9}"));
    let report = hub.deliver("caf", "2.xml", &of("2026-04-05", "ZOE\u{301}"));
    assert_eq!(figures(&report, ["events", "rejected"]), [0, 0]);
}
