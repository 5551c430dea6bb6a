//! Extracts as institutions really send them, with the corners their documents do not show: right persons, right rights, no
//! event for what did not change. Every person is invented.

use std::path::Path;

use serde_json::Value as Json;

use crate::support::extracts::{Hub, JULIE, Member, PAUL, codes, daily, figures, household, made, monthly};
use crate::support::program::{command, dlnuf};

#[test]
fn two_persons_of_one_household_are_never_one_whatever_number_they_share() {
    let hub = Hub::fresh();
    let twin = Member { given: "JULIE", rank: "2", nir: "", ..JULIE };
    let other = Member { name: "ROUVRAY", nir: "", ..JULIE };
    let alike = [Member { name: "ROUVRAY", ..twin }, other];
    let report = hub.deliver(
        "caf",
        "1.xml",
        &monthly(
            &made("2026-03-05", "01:00:00"),
            2,
            &[household("2055990", "521", "2", &[PAUL, JULIE]), household("2055991", "521", "2", &alike)],
        ),
    );
    assert_eq!(figures(&report, ["persons", "events"]), [4, 4]);
    let mended = Member { nir: "2820552121007", ..JULIE };
    let report = hub.deliver(
        "caf",
        "2.xml",
        &monthly(
            &made("2026-04-05", "01:00:00"),
            2,
            &[household("2055990", "521", "2", &[PAUL, mended]), household("2055991", "521", "2", &alike)],
        ),
    );
    assert_eq!(figures(&report, ["persons", "events", "unchanged"]), [0, 1, 1], "only her number changed");
}

#[test]
fn a_corrected_name_or_birth_goes_on_as_the_same_person() {
    let hub = Hub::fresh();
    let paul = |name, born| Member { name, born, nir: "", ..PAUL };
    for (day, name, born, persons) in [
        ("2026-03-05", "DURANT", "1980-01-02", 1),
        ("2026-04-05", "DURAND", "1980-01-02", 0),
        ("2026-05-05", "DURAND", "1980-02-01", 0),
    ] {
        let file =
            monthly(&made(day, "01:00:00"), 1, &[household("2055990", "521", "2", &[paul(name, born)])]);
        let report = hub.deliver("caf", &format!("{day}.xml"), &file);
        assert_eq!(figures(&report, ["persons", "events"]), [persons, 1], "{name} {born}");
    }
}

#[test]
fn after_a_mutation_the_open_right_counts() {
    let hub = Hub::fresh();
    let old = |state| household("2055990", "521", state, &[PAUL]);
    let new = household("3055990", "931", "2", &[PAUL]);
    hub.deliver("caf", "1.xml", &monthly(&made("2026-03-05", "01:00:00"), 1, &[old("2")]));
    hub.deliver("caf", "2.xml", &monthly(&made("2026-03-06", "01:00:00"), 1, &[new]));
    let closed = hub.deliver("caf", "3.xml", &monthly(&made("2026-04-05", "01:00:00"), 1, &[old("5")]));
    assert_eq!(figures(&closed, ["persons", "rejected"]), [0, 0]);
    assert_eq!(
        hub.last("droits.rsa.etat").as_ref().and_then(Json::as_str),
        Some("rsa_droit_ouvert_versable")
    );
    let alphabet = Hub::fresh();
    let both = [household("2055990", "521", "0", &[PAUL]), household("2055991", "521", "2", &[PAUL])];
    alphabet.deliver("caf", "1.xml", &monthly(&made("2026-03-05", "01:00:00"), 2, &both));
    assert_eq!(
        alphabet.last("droits.rsa.etat").as_ref().and_then(Json::as_str),
        Some("rsa_droit_ouvert_versable")
    );
}

#[test]
fn an_incomplete_snapshot_closes_nobody_and_a_wrong_date_blocks_nobody() {
    let hub = Hub::fresh();
    let both = [
        household("2055990", "521", "2", &[PAUL]),
        household("2055991", "521", "2", &[Member { nir: "", ..JULIE }]),
    ];
    hub.deliver("caf", "1.xml", &monthly(&made("", ""), 2, &both));
    let cut = hub.deliver("caf", "2.xml", &monthly(&made("2999-01-01", "01:00:00"), 2, &both[..1]));
    assert_eq!((figures(&cut, ["gone"]), codes(&cut)), ([0], vec!["DLN0112", "DLN0115", "DLN0117"]));
    let same = hub.deliver("caf", "3.xml", &monthly(&made("2026-03-05", "03:00:17.5200"), 2, &both));
    assert_eq!(codes(&same), Vec::<&str>::new());
    let spelt = hub.deliver("caf", "4.xml", &monthly(&made("2026-03-05", "03:00:17.52"), 2, &both));
    assert_eq!((figures(&spelt, ["events"]), codes(&spelt)), ([0], vec!["DLN0113"]));
    let whole = hub.deliver("caf", "5.xml", &monthly(&made("2026-04-05", "01:00:00"), 1, &both[..1]));
    assert_eq!(figures(&whole, ["gone", "events"]), [1, 1]);
}

#[test]
fn a_dossier_stated_twice_is_no_change_night_after_night() {
    let hub = Hub::fresh();
    let of = |at: usize, state| {
        let name: String = at.to_string().bytes().map(|digit| char::from(digit - b'0' + b'A')).collect();
        let (born, dossier) =
            (format!("19{:02}-{:02}-{:02}", 40 + at % 60, 1 + at % 12, 1 + at % 28), 2_000_000 + at);
        let member = Member { name: &name, born: &born, nir: "", ..PAUL };
        household(&dossier.to_string(), "521", state, &[member])
    };
    let night = |day: &str, first, last, change| {
        let mut all: Vec<String> =
            (0..1_200).map(|at| of(at, if at == 700 { change } else { "2" })).collect();
        all[0] = of(0, first);
        all.push(of(0, last));
        monthly(&made(day, "01:00:00"), all.len(), &all)
    };
    for (day, first, last, change, events) in [
        ("2026-03-05", "4", "2", "2", None),
        ("2026-04-05", "4", "2", "2", Some(0)),
        ("2026-05-05", "4", "2", "3", Some(1)),
        ("2026-06-05", "2", "4", "3", Some(1)),
        ("2026-07-05", "2", "4", "3", Some(0)),
        ("2026-08-05", "3", "3", "3", Some(1)),
    ] {
        let report = hub.deliver("caf", &format!("{day}.xml"), &night(day, first, last, change));
        let [found, gone] = figures(&report, ["events", "gone"]);
        assert!(events.is_none_or(|wanted| wanted == found) && gone == 0, "{day}: {report}");
    }
}

#[test]
fn control_characters_and_a_record_without_its_end_cost_themselves() {
    let hub = Hub::fresh();
    let escape = Member { name: "VER\u{1b}DIER", nir: "", ..PAUL };
    let mut file = String::from_utf8(monthly(
        &made("2026-03-05", "01:00:00"),
        3,
        &[
            household("2055990", "521", "2", &[escape]),
            household("2055991", "521", "2", &[PAUL]),
            household("2055992", "521", "2", &[Member { nir: "", ..JULIE }]),
        ],
    ))
    .expect("text");
    let last = file.rfind("</InfosFoyerRSA>").expect("a record");
    file.replace_range(last..last + "</InfosFoyerRSA>".len(), "");
    let report = hub.deliver("caf", "1.xml", file.as_bytes());
    assert_eq!(figures(&report, ["records", "rejected", "persons"]), [3, 2, 1]);
}

const LIST: &str = "Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;NIR;ID IODAS;Adresse;CP Ville\n";

#[test]
fn a_number_a_spreadsheet_shortened_makes_nobody_somebody_else() {
    let hub = Hub::fresh();
    let rows = "Dupont;Luc;07/05/1985;1,85058E+12;1;;\nBernard;Marc;07/05/1985;1,85058E+12;2;;\n";
    let report = hub.deliver("departement", "l.csv", format!("{LIST}{rows}").as_bytes());
    assert_eq!((figures(&report, ["persons"]), codes(&report)), ([2], vec!["DLN0303"]));
}

#[test]
fn a_blank_of_a_departement_takes_nothing_back() {
    let hub = Hub::fresh();
    let row = |place| format!("{LIST}Dupont;Luc;07/05/1985;;1;{place}\n");
    hub.deliver("departement", "1.csv", row("3 rue du Puits;52000 Chaumont").as_bytes());
    let blank = hub.deliver("departement", "2.csv", row(";").as_bytes());
    assert_eq!(figures(&blank, ["events"]), [0]);
    let moved = hub.deliver("departement", "3.csv", row("8 rue Haute;52200 Langres").as_bytes());
    assert_eq!(figures(&moved, ["events"]), [1]);
}

const PRINCIPAL: &str =
    "identifiant_unique_de;nom;prenom;date_naissance;categorie_inscription;modalite_accompagnement";

#[test]
fn a_column_that_is_not_there_takes_nothing_back_and_is_told() {
    let hub = Hub::fresh();
    let with = format!("{PRINCIPAL};brsa\nde-1;DUPONT;LUC;1985-05-07 00:00:00.0;1;SUI;O\n");
    let without = format!("{PRINCIPAL}\nde-1;DUPONT;LUC;1985-05-07 00:00:00.0;1;SUI\n");
    hub.deliver("france-travail", "1.csv", with.as_bytes());
    let report = hub.deliver("france-travail", "2.csv", without.as_bytes());
    assert_eq!(figures(&report, ["events"]), [0]);
    let told = report.pointer("/warnings/0/message").and_then(Json::as_str).unwrap_or_default();
    assert!(codes(&report) == ["DLN0116"] && told.contains("`brsa`"), "{report}");
}

#[test]
fn a_row_means_what_its_header_says_and_any_separator_will_do() {
    let hub = Hub::fresh();
    let swapped = PRINCIPAL.replace("nom;prenom", "prenom;nom");
    let row = "de-1;DUPONT;LUC;1985-05-07 00:00:00.0;1;SUI";
    hub.deliver("france-travail", "1.csv", format!("{swapped}\n{row}\n").as_bytes());
    let mended = hub.deliver("france-travail", "2.csv", format!("{PRINCIPAL}\n{row}\n").as_bytes());
    assert_eq!(figures(&mended, ["events", "unchanged"]), [1, 0]);
    let tabs = format!("{PRINCIPAL}\n{row}\n").replace(';', "\t");
    let tabs = hub.deliver("france-travail", "3.csv", tabs.as_bytes());
    assert_eq!(figures(&tabs, ["events", "rejected"]), [0, 0]);
}

#[test]
fn the_latest_fact_of_the_historical_files_says_how_it_is() {
    let row = |what: &str, day: &str| {
        format!("1850578006084;1234567A075;DUPONT;LUC;07/05/1985;{day};{what};1850578006084\n")
    };
    for swap in [false, true] {
        let hub = Hub::fresh();
        let began = ("inscriptions.csv", row("1", "01/02/2022"));
        let ended = ("cessations.csv", row("90;FIN", "15/03/2022") + &row("91;AUTRE", "15/03/2021"));
        let order = if swap { [ended, began] } else { [began, ended] };
        for (name, rows) in order {
            // Nine columns, as before November 2011, and no header: the first line is a person.
            let report = hub.deliver("france-travail", name, rows.as_bytes());
            assert_eq!(figures(&report, ["rejected"]), [0], "{name}");
        }
        assert_eq!(hub.last("inscription_emploi.statut").as_ref().and_then(Json::as_str), Some("cesse"));
        let motive = hub.last("inscription_emploi.motif_cessation_code");
        assert_eq!(motive.as_ref().and_then(Json::as_str), Some("90"));
    }
}

#[test]
fn a_fact_dated_years_ahead_is_refused_and_commas_at_the_end_of_a_line_say_nothing() {
    let hub = Hub::fresh();
    let row =
        |day: &str| format!("1850578006084;1234567A075;DUPONT;LUC;07/05/1985;{day};1;1850578006084,,,\n");
    let mistyped = hub.deliver("france-travail", "inscriptions-1.csv", row("03/04/2062").as_bytes());
    assert_eq!(figures(&mistyped, ["rejected", "persons"]), [1, 0]);
    let mended = hub.deliver("france-travail", "inscriptions-2.csv", row("03/04/2022").as_bytes());
    assert_eq!((figures(&mended, ["persons"]), codes(&mended)), ([1], Vec::<&str>::new()));
    assert_eq!(hub.persons()[0]["identite"]["nir"], "1850578006084");
}

#[test]
fn other_line_ends_are_no_change() {
    let hub = Hub::fresh();
    let rows = format!("{LIST}Dupont;Luc;07/05/1985;;1;\"3 rue du Puits\nescalier B\";52000 Chaumont\n");
    hub.deliver("departement", "1.csv", rows.as_bytes());
    let report = hub.deliver("departement", "2.csv", rows.replace('\n', "\r\n").as_bytes());
    assert_eq!((report["status"].as_str(), figures(&report, ["events"])), (Some("done"), [0]));
}

#[test]
fn whoever_stands_in_a_refused_record_is_not_absent_whatever_its_number() {
    let hub = Hub::fresh();
    let julie = Member { nir: "", ..JULIE };
    let other = household("2055991", "521", "2", &[Member { name: "ROUVRAY", nir: "", ..PAUL }]);
    let both = household("2055990", "521", "2", &[PAUL, julie]);
    hub.deliver("caf", "1.xml", &monthly(&made("2026-03-05", "01:00:00"), 2, &[both, other.clone()]));
    for (day, born, refused) in [
        ("2026-04-05", "2020", PAUL),
        // Paul can be recognised by nothing: he may be anybody.
        ("2026-05-05", "1982-05-06", Member { nir: "", born: "2020", ..PAUL }),
    ] {
        let renumbered = household("7055990", "521", "2", &[refused, Member { born, ..julie }]);
        let file = monthly(&made(day, "01:00:00"), 2, &[renumbered, other.clone()]);
        let report = hub.deliver("caf", &format!("{day}.xml"), &file);
        assert_eq!(figures(&report, ["rejected", "gone", "events"]), [1, 0, 0], "{day}");
    }
    let file = monthly(&made("2026-06-05", "01:00:00"), 1, &[other]);
    assert_eq!(figures(&hub.deliver("caf", "6.xml", &file), ["gone"]), [2], "who is nowhere is absent");
}

#[test]
fn a_withdrawn_action_is_one_no_more() {
    let hub = Hub::fresh();
    let head = "identifiant_unique_de;codeaction;lblaction;date_prescription;date_debut\n";
    let row = |id: &str, start: &str| format!("{id};A1;Atelier;2022-01-01 00:00:00.0;{start}\n");
    let file = |rows: &[String]| format!("{head}{}", rows.concat());
    hub.deliver("france-travail", "1.csv", file(&[row("a", ""), row("b", "")]).as_bytes());
    let begun =
        hub.deliver("france-travail", "2.csv", file(&[row("a", "2022-02-01"), row("b", "")]).as_bytes());
    assert_eq!(figures(&begun, ["events"]), [1], "an action that begins is one change");
    let gone = hub.deliver("france-travail", "3.csv", file(&[row("a", "2022-02-01")]).as_bytes());
    assert_eq!(figures(&gone, ["gone", "events"]), [1, 1]);
    let last = hub.events().pop().expect("an event");
    let (by, delivery) = (last.pointer("/data/provenance/livraison"), gone.get("delivery"));
    assert!(by.is_some() && by == delivery, "what is gone was taken back by the delivery that is silent");
}

#[test]
fn deliveries_made_at_once_take_turns() {
    let hub = Hub::fresh();
    let folder = hub.folder().display().to_string();
    assert_eq!(dlnuf(&["synth", "--households", "1500", "--seed", "3", &folder]).code, 0);
    let names = ["caf-vrsb0801-n1.xml", "caf-vrsb0801-n1.xml", "departement-carnet-de-bord-n1.csv"];
    let started = ["caf", "caf", "departement"].iter().zip(names).map(|(source, name)| {
        let file = hub.folder().join(name);
        let mut deliver = command();
        deliver.args(["--home", &hub.home(), "--output", "json", "deliver", source]).arg(file);
        deliver.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
        deliver.spawn().expect("the program starts")
    });
    let ended: Vec<_> = started.collect();
    let reports: Vec<Json> = ended
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().expect("it ends").stdout;
            serde_json::from_slice(&output).expect("a report")
        })
        .collect();
    let gone: u64 = reports.iter().map(|report| figures(report, ["gone"])[0]).sum();
    let received =
        reports.iter().filter(|r| r.get("status").is_some_and(|s| s == "already_received")).count();
    assert_eq!((gone, received), (0, 1), "{reports:?}");
}

#[test]
fn a_store_without_its_key_is_refused_and_no_key_is_made() {
    let hub = Hub::fresh();
    hub.deliver(
        "caf",
        "1.xml",
        &monthly(&made("2026-03-05", "01:00:00"), 1, &[household("2055990", "521", "2", &[PAUL])]),
    );
    let key = Path::new(&hub.home()).join("protection.key");
    std::fs::remove_file(&key).expect("removed");
    for command in [&["runs"][..], &["doctor"], &["deliver", "caf", &hub.file("2.xml", b"<Racine/>")]] {
        let ended = dlnuf(&[&["--home", &hub.home()][..], command].concat());
        assert!(
            ended.code == 1 && format!("{}{}", ended.output, ended.errors).contains("key"),
            "{}",
            ended.errors
        );
        assert!(!key.exists());
    }
}

#[test]
fn only_the_hubs_user_may_look_into_its_home() {
    use std::os::unix::fs::PermissionsExt as _;
    let hub = Hub::fresh();
    hub.deliver(
        "caf",
        "1.xml",
        &monthly(&made("2026-03-05", "01:00:00"), 1, &[household("2055990", "521", "2", &[PAUL])]),
    );
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o077;
    assert_eq!(mode(Path::new(&hub.home())), 0);
    let nothing = dlnuf(&["--home", &hub.folder().join("typo").display().to_string(), "runs"]);
    assert!(nothing.code == 1 && nothing.errors.contains("does not exist"), "{}", nothing.errors);
    assert!(!hub.folder().join("typo").exists(), "reading makes nothing");
}

#[test]
fn every_suspension_of_a_dossier_counts_in_any_order_and_those_of_two_dossiers_are_not_mixed() {
    let hub = Hub::fresh();
    let of = |day: &str, dossier, state, suspended: &[&str]| {
        let each = |since: &&str| {
            let motive = if since.contains("99") { "" } else { "<MOTISUSDRORSA>DA</MOTISUSDRORSA>" };
            format!("<SuspensionDroit>{motive}<DDSUSDRORSA>{since}</DDSUSDRORSA></SuspensionDroit>")
        };
        let all: String = suspended.iter().map(each).collect();
        let household = household(dossier, "521", state, &[PAUL]);
        let household = household.replace("</SituationDossierRSA>", &format!("{all}</SituationDossierRSA>"));
        daily(&made(day, "01:00:00"), &[household])
    };
    for (day, suspended, events) in [
        ("2026-03-05", &["2026-01-01"][..], 1),
        ("2026-03-06", &["2026-01-01", "2026-02-01"], 1),
        ("2026-03-07", &["2026-02-01", "2026-01-01"], 0),
        ("2026-03-08", &["2026-02-01"], 1),
    ] {
        let report = hub.deliver("caf", &format!("{day}.xml"), &of(day, "2055990", "3", suspended));
        assert_eq!(figures(&report, ["events"]), [events], "{day}");
    }
    hub.deliver("caf", "u.xml", &of("2026-03-09", "2055990", "4", &["2026-02-01", "2026-99-99"]));
    let known = hub.persons()[0]["droits"]["rsa"]["suspensions"].clone();
    assert_eq!(known.as_array().map(Vec::len), Some(1), "one that cannot be read takes none back");
    let named = hub.last("droits.rsa.suspensions").expect("named");
    assert_eq!((named.as_array().map(Vec::len), &named[0]["date"]), (Some(1), &"2026-02-01".into()));
    hub.deliver("caf", "o.xml", &of("2026-03-10", "3055990", "2", &[]));
    assert_eq!(hub.persons()[0]["droits"]["rsa"].get("suspensions"), None, "of the dossier that counts");
}
