//! Who is who: what makes two claims one person, and what keeps two persons apart, on small extracts with one corner each.

use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, codes, daily, figures, household, made, monthly};

const LOUISE: Member<'static> =
    Member { role: "DEM", name: "LEGRAND", given: "MARIE LOUISE", born: "1990-01-01", rank: "1", nir: "" };
const ANNE: Member<'static> = Member { given: "MARIE ANNE", ..LOUISE };

const LIST: &str = "Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;NIR;ID IODAS\n";
const PRINCIPAL: &str =
    "identifiant_unique_de;nom;prenom;date_naissance;categorie_inscription;modalite_accompagnement\n";

fn caf(households: &[String]) -> (&'static str, &'static str, Vec<u8>) {
    ("caf", "caf.xml", monthly(&made("2026-03-05", "01:00:00"), households.len(), households))
}

fn list(rows: &str) -> (&'static str, &'static str, Vec<u8>) {
    ("departement", "liste.csv", format!("{LIST}{rows}").into_bytes())
}

/// Rows of an identifier, a name, given names and a birth.
fn principal(rows: &[[&str; 4]]) -> (&'static str, &'static str, Vec<u8>) {
    let row = |[id, name, given, born]: &[&str; 4]| format!("{id};{name};{given};{born} 00:00:00.0;1;SUI\n");
    let rows: String = rows.iter().map(row).collect();
    ("france-travail", "principal.csv", format!("{PRINCIPAL}{rows}").into_bytes())
}

fn field(person: &Json, pointer: &str) -> String {
    person.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// Given names and two identifiers of everybody, in order.
fn everybody(hub: &Hub) -> Vec<[String; 3]> {
    let of = |person: &Json| {
        ["/identite/prenoms", "/identifiants/identifiant_departement", "/identifiants/identifiant_ft_uuid"]
            .map(|at| field(person, at))
    };
    let mut everybody: Vec<[String; 3]> = hub.persons().iter().map(of).collect();
    everybody.sort();
    everybody
}

#[test]
fn given_names_tell_two_persons_of_one_name_and_birth_apart() {
    let (dossiers, numbered, uuid) = (
        caf(&[household("2055990", "521", "2", &[LOUISE]), household("2055991", "521", "2", &[ANNE])]),
        list("Legrand;Marie-Louise;01/01/1990;;71\nLegrand;Marie-Anne;01/01/1990;;72\n"),
        principal(&[["de-2", "LEGRAND", "MARIE-ANNE", "1990-01-01"]]),
    );
    for order in [[&dossiers, &numbered, &uuid], [&uuid, &numbered, &dossiers]] {
        let hub = Hub::fresh();
        for (source, name, bytes) in order {
            hub.deliver(source, name, bytes);
        }
        let wanted = [["MARIE ANNE", "72", "de-2"], ["MARIE LOUISE", "71", ""]];
        assert_eq!(everybody(&hub), wanted);
    }
}

#[test]
fn a_source_that_numbers_two_of_one_name_knows_two_and_a_name_chooses_none_of_them() {
    let hub = Hub::fresh();
    let two = [["de-1", "LEGRAND", "MARIE", "1990-01-01"], ["de-2", "LEGRAND", "MARIE", "1990-01-01"]];
    let (source, name, bytes) = principal(&two);
    assert_eq!(figures(&hub.deliver(source, name, &bytes), ["persons"]), [2]);
    let unnumbered = Member { given: "MARIE", ..LOUISE };
    let (source, name, bytes) = caf(&[household("2055990", "521", "2", &[unnumbered])]);
    let report = hub.deliver(source, name, &bytes);
    assert_eq!((figures(&report, ["persons"]), codes(&report)), ([1], vec!["DLN0315"]));
}

#[test]
fn a_number_that_changes_in_the_next_snapshot_makes_nobody_new() {
    let hub = Hub::fresh();
    for (id, persons) in [("de-1", 1), ("de-9", 0)] {
        let (source, _, bytes) = principal(&[[id, "LEGRAND", "MARIE", "1990-01-01"]]);
        let report = hub.deliver(source, &format!("{id}.csv"), &bytes);
        assert_eq!(figures(&report, ["persons", "events"]), [persons, 1]);
    }
}

#[test]
fn a_birth_one_day_off_in_two_sources_gives_one_person_whatever_comes_first() {
    let files = [
        caf(&[household("2055990", "521", "2", &[PAUL])]),
        list("Verdier;Paul;03/01/1980;1800152121009;SI-1\n"),
        principal(&[["de-1", "VERDIER", "PAUL", "1980-01-03"]]),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let hub = Hub::fresh();
        for (source, name, bytes) in order.map(|at| &files[at]) {
            hub.deliver(source, name, bytes);
        }
        assert_eq!(everybody(&hub), [["PAUL", "SI-1", "de-1"]], "{order:?}");
    }
}

#[test]
fn a_provisional_nir_hides_no_other_and_a_certification_goes_with_its_nir() {
    let certified = |nir: &str| {
        let member = household("2055990", "521", "2", &[Member { nir, ..PAUL }]);
        member.replace("</Identification>", "<TOPVALIEC>1</TOPVALIEC></Identification>")
    };
    let real = list("Verdier;Paul;02/01/1980;1800152121009;SI-1\n");
    for swap in [false, true] {
        let hub = Hub::fresh();
        let provisional = caf(&[certified("7800152121009")]);
        let both = if swap { [&provisional, &real] } else { [&real, &provisional] };
        for (source, name, bytes) in both {
            hub.deliver(source, name, bytes);
        }
        let persons = hub.persons();
        let identity = persons.iter().map(|person| &person["identite"]).collect::<Vec<_>>();
        assert_eq!(identity.len(), 1);
        assert_eq!(identity[0]["nir"], "1800152121009");
        assert_eq!(identity[0].get("nir_certifie"), None, "it was said of the other number");
    }
    let hub = Hub::fresh();
    let (source, name, bytes) = caf(&[certified("180015212100900")]);
    let report = hub.deliver(source, name, &bytes);
    assert_eq!(codes(&report), ["DLN0304"]);
    assert_eq!(hub.persons()[0]["identite"].get("nir_certifie"), None, "nothing is certified");
}

#[test]
fn a_value_that_cannot_be_read_leaves_what_was_known() {
    let hub = Hub::fresh();
    let of = |nir| household("2055990", "521", "2", &[Member { nir, ..PAUL }]);
    for (day, nir, told) in [
        ("2026-03-05", "180015212100924", vec![]),
        ("2026-04-05", "180015212100900", vec!["DLN0304"]),
        ("2026-05-05", "180015212100924", vec![]),
    ] {
        let report =
            hub.deliver("caf", &format!("{day}.xml"), &monthly(&made(day, "01:00:00"), 1, &[of(nir)]));
        let first = u64::from(day == "2026-03-05");
        assert_eq!((figures(&report, ["events"]), codes(&report)), ([first], told), "{day}");
    }
    let gone = monthly(&made("2026-06-05", "01:00:00"), 1, &[of("")]);
    assert_eq!(figures(&hub.deliver("caf", "6.xml", &gone), ["events"]), [1], "a NIR left out is taken back");
}

#[test]
fn a_birth_known_to_the_month_and_a_name_cut_short_meet_the_whole_ones() {
    let long = "MONTALEMBERT DE ROCHEBRUNE SAINT ANGE";
    let hub = Hub::fresh();
    let cut = Member { name: &long[..28], given: "ODE", born: "1971-06-01", nir: "", ..PAUL };
    let month = household("2055990", "521", "2", &[cut]).replace("<TYPEDTNAI>N", "<TYPEDTNAI>J");
    for (source, name, bytes) in [caf(&[month]), principal(&[["de-1", long, "ODE", "1971-06-17"]])] {
        hub.deliver(source, name, &bytes);
    }
    assert_eq!(everybody(&hub), [["ODE", "", "de-1"]]);
    let (source, _, bytes) = principal(&[["de-2", long, "ODE", "1971-07-17"]]);
    assert_eq!(figures(&hub.deliver(source, "juillet.csv", &bytes), ["persons"]), [1], "another month");
}

#[test]
fn two_columns_that_must_say_the_same_nir_and_do_not_say_none() {
    let hub = Hub::fresh();
    let row = "1800152121009;4471902K044;VERDIER;PAUL;02/01/1980;02/03/2026;1;1800152121010\n";
    let report = hub.deliver("france-travail", "inscriptions.csv", row.as_bytes());
    assert_eq!((figures(&report, ["persons"]), codes(&report)), ([1], vec!["DLN0316"]));
    assert_eq!(hub.persons()[0]["identite"].get("nir"), None);
}

#[test]
fn nobody_is_born_after_the_delivery() {
    let hub = Hub::fresh();
    let born = Member { born: "2100-01-02", ..PAUL };
    let (source, name, bytes) = caf(&[household("2055990", "521", "2", &[born])]);
    let report = hub.deliver(source, name, &bytes);
    assert_eq!(figures(&report, ["rejected", "persons"]), [1, 0]);
    let refused = hub.ask(&["rejects"]).json().pop().expect("a reject");
    assert_eq!(
        (refused["code"].as_str(), refused["field"].as_str()),
        (Some("DLN0317"), Some("identite.date_naissance"))
    );
}

#[test]
fn a_homonym_before_a_changed_row_is_another_person_and_a_renumbered_one_is_not() {
    let hub = Hub::fresh();
    let file = |rows: &[[&str; 3]]| {
        let row = |[id, given, category]: &[&str; 3]| {
            format!("{id};LEGRAND;{given};1990-01-01 00:00:00.0;{category};SUI\n")
        };
        format!("{PRINCIPAL}{}", rows.iter().map(row).collect::<String>()).into_bytes()
    };
    hub.deliver("france-travail", "1.csv", &file(&[["de-1", "MARIE", "1"], ["de-5", "ODE", "1"]]));
    let second = file(&[["de-3", "MARIE", "1"], ["de-1", "MARIE", "2"], ["de-6", "ODE", "1"]]);
    let report = hub.deliver("france-travail", "2.csv", &second);
    assert_eq!(figures(&report, ["persons", "gone", "events"]), [1, 1, 3]);
    let of = |given: &str| everybody(&hub).into_iter().filter(|[name, ..]| name == given).count();
    assert_eq!((of("MARIE"), of("ODE")), (2, 1));
}

#[test]
fn a_month_binds_nobody_to_two_of_its_days() {
    let hub = Hub::fresh();
    let ode = Member { name: "AUBIN", given: "ODE", born: "1971-06-01", nir: "", ..PAUL };
    let month = household("2055990", "521", "2", &[ode]).replace("<TYPEDTNAI>N", "<TYPEDTNAI>J");
    for (source, name, bytes) in [
        caf(&[month]),
        principal(&[["de-1", "AUBIN", "ODE", "1971-06-17"]]),
        list("Aubin;Ode;20/06/1971;;SI-9\n"),
    ] {
        hub.deliver(source, name, &bytes);
    }
    assert_eq!(everybody(&hub), [["ODE", "", ""], ["ODE", "", "de-1"], ["Ode", "SI-9", ""]]);
}

#[test]
fn a_nir_kept_where_a_list_is_silent_still_tells_two_persons_apart() {
    for (name, nir) in [("VERDIER", ""), ("VERDIER", "180015212100900")] {
        let hub = Hub::fresh();
        hub.deliver("departement", "1.csv", &list("Verdie;Paul;02/01/1980;1800152121017;SI-1\n").2);
        let (source, file, bytes) = caf(&[household("2055990", "521", "2", &[PAUL])]);
        hub.deliver(source, file, &bytes);
        let spelled = list(&format!("{name};Paul;02/01/1980;{nir};SI-1\n")).2;
        hub.deliver("departement", "2.csv", &spelled);
        assert_eq!(hub.persons().len(), 2, "{name} {nir}");
    }
}

#[test]
fn a_corrected_day_finds_its_person_in_either_order() {
    let right = list("Verdier;Paul;02/01/1980;;SI-1\n");
    let wrong = list("Verdier;Paul;03/01/1980;;SI-1\n");
    let dossier = caf(&[household("2055990", "521", "2", &[Member { nir: "", ..PAUL }])]);
    for order in [[&dossier, &wrong, &right], [&wrong, &right, &dossier], [&wrong, &dossier, &right]] {
        let hub = Hub::fresh();
        for (at, (source, _, bytes)) in order.iter().enumerate() {
            hub.deliver(source, &format!("{at}.txt"), bytes);
        }
        assert_eq!(everybody(&hub), [["PAUL", "SI-1", ""]]);
    }
}

#[test]
fn a_newcomer_of_a_dossier_takes_nobodys_place() {
    let hub = Hub::fresh();
    let father = Member { born: "1950-01-02", given: "JEAN", ..PAUL };
    let son = Member { role: "CJT", born: "1980-03-04", given: "JEAN", ..PAUL };
    hub.deliver("caf", "1.xml", &caf(&[household("2055990", "521", "2", &[father])]).2);
    let both =
        monthly(&made("2026-04-05", "01:00:00"), 1, &[household("2055990", "521", "2", &[son, father])]);
    let report = hub.deliver("caf", "2.xml", &both);
    assert_eq!(figures(&report, ["persons", "events", "gone"]), [1, 1, 0]);
    let born = hub.events().pop().expect("an event");
    let changes = born.pointer("/data/changements").and_then(Json::as_array).expect("changes").clone();
    assert!(changes.iter().any(|change| change["apres"] == "1980-03-04"), "the son is the new one");
}

#[test]
fn a_list_whose_only_value_cannot_be_read_is_not_taken_back() {
    let hub = Hub::fresh();
    let file = |rome: &str| {
        let head = PRINCIPAL.trim_end();
        format!("{head};rome_1\nde-1;LEGRAND;MARIE;1990-01-01 00:00:00.0;1;SUI;{rome}\n").into_bytes()
    };
    let unreadable = "X".repeat(65);
    for (rome, events) in [("H2913", 1), (unreadable.as_str(), 0), ("", 1)] {
        let report = hub.deliver("france-travail", &format!("{rome}.csv"), &file(rome));
        assert_eq!(figures(&report, ["events"]), [events], "{rome}");
    }
}

/// NIR of two persons who share nothing else.
const ANNES: &str = "2800152121008";
const BRUNOS: &str = "1810252121009";

fn anne_and_bruno() -> [String; 2] {
    let anne = Member { name: "ADAM", given: "ANNE", born: "1980-01-01", nir: ANNES, ..PAUL };
    let bruno = Member { name: "BLANC", given: "BRUNO", born: "1981-02-02", nir: BRUNOS, ..PAUL };
    [household("2055990", "521", "2", &[anne]), household("2055991", "521", "2", &[bruno])]
}

#[test]
fn a_row_given_to_somebody_else_moves_with_its_number() {
    for with_nir in [true, false] {
        let [anne, bruno] = if with_nir { [ANNES, BRUNOS] } else { ["", ""] };
        let hub = Hub::fresh();
        hub.deliver("caf", "1.xml", &caf(&anne_and_bruno()).2);
        let rows = format!("Adam;Anne;01/01/1980;{anne};1\nBlanc;Bruno;02/02/1981;{bruno};2\n");
        hub.deliver("departement", "1.csv", &list(&rows).2);
        // One row more on top, and the numbers of the others move on.
        let moved = format!(
            "Coste;Claire;03/03/1982;;1\nBlanc;Bruno;02/02/1981;{bruno};3\nAdam;Anne;01/01/1980;{anne};2\n"
        );
        let report = hub.deliver("departement", "2.csv", &list(&moved).2);
        assert_eq!(figures(&report, ["persons", "events"]), [1, 3]);
        assert_eq!(everybody(&hub), [["ANNE", "2", ""], ["BRUNO", "3", ""], ["Claire", "1", ""]]);
    }
}

#[test]
fn twins_whose_nirs_were_exchanged_are_two_before_and_after() {
    let twin = |given, nir| Member { given, nir, ..LOUISE };
    let file = |day, marie, jeanne| {
        let both = [twin("MARIE", marie), twin("JEANNE", jeanne)];
        let [marie, jeanne] = both;
        let dossiers =
            [household("2055990", "521", "2", &[marie]), household("2055991", "521", "2", &[jeanne])];
        monthly(&made(day, "01:00:00"), 2, &dossiers)
    };
    let (one, two) = ("2900152121001", "2900152121002");
    let hub = Hub::fresh();
    hub.deliver("caf", "1.xml", &file("2026-03-05", two, one));
    let report = hub.deliver("caf", "2.xml", &file("2026-04-05", one, two));
    assert_eq!(figures(&report, ["persons", "events"]), [0, 2]);
    let wrong = hub.deliver("departement", "1.csv", &list(&format!("Legrand;Marie;01/01/1990;{two};7\n")).2);
    assert_eq!((figures(&wrong, ["persons"]), codes(&wrong)), ([1], vec!["DLN0315"]));
    hub.deliver("departement", "2.csv", &list(&format!("Legrand;Marie;01/01/1990;{one};7\n")).2);
    assert_eq!(everybody(&hub), [["JEANNE", "", ""], ["MARIE", "7", ""]]);
}

#[test]
fn a_given_name_written_otherwise_under_one_nir_is_one_person_whatever_comes_first() {
    let nir = "2900152121001";
    let dossier = |nir| caf(&[household("2055990", "521", "2", &[Member { nir, ..LOUISE }])]);
    let of_list = |nir: &str| list(&format!("Legrand;Melina;01/01/1990;{nir};7\n"));
    for order in [
        [dossier(nir), of_list(""), of_list(nir)],
        [of_list(""), dossier(nir), of_list(nir)],
        [of_list(""), of_list(nir), dossier(nir)],
        [of_list(nir), dossier(nir), of_list(nir)],
    ] {
        let hub = Hub::fresh();
        for (at, (source, name, bytes)) in order.iter().enumerate() {
            hub.deliver(source, &format!("{at}-{name}"), bytes);
        }
        assert_eq!(everybody(&hub), [["MARIE LOUISE", "7", ""]]);
    }
}

#[test]
fn a_nir_somebody_no_longer_has_attracts_nobody() {
    let hub = Hub::fresh();
    let of = |dossier, given, nir| household(dossier, "521", "2", &[Member { given, nir, ..LOUISE }]);
    for (day, dossier, persons) in [
        ("2026-03-05", of("2055990", "MARIE", "2900152121002"), 1),
        ("2026-03-06", of("2055990", "MARIE", "2900152121001"), 0),
        ("2026-03-07", of("2055991", "JEANNE", "2900152121002"), 1),
    ] {
        let report = hub.deliver("caf", &format!("{day}.xml"), &daily(&made(day, "01:00:00"), &[dossier]));
        assert_eq!(figures(&report, ["persons"]), [persons], "{day}");
    }
}

#[test]
fn what_joins_a_person_may_show_it_to_be_another_whatever_comes_first() {
    let files = [
        caf(&[household("2055990", "521", "2", &[PAUL])]),
        (
            "departement",
            "liste.csv",
            format!(
                "{};ID France Travail\nVerdier;Paul;03/01/1980;1800152121009;SI-1;4471901K\n",
                LIST.trim_end()
            )
            .into_bytes(),
        ),
        (
            "france-travail",
            "inscriptions.csv",
            b";4471901K044;DURAND;PAUL;02/01/1980;02/03/2026;1;\n".to_vec(),
        ),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let hub = Hub::fresh();
        for (source, name, bytes) in order.map(|at| &files[at]) {
            hub.deliver(source, name, bytes);
        }
        assert_eq!(hub.persons().len(), 1, "{order:?}");
    }
}

#[test]
fn twins_are_told_apart_by_their_rank_and_names_met_however_they_are_written() {
    let hub = Hub::fresh();
    let twins = [Member { given: "MARIE", ..LOUISE }, Member { given: "MARIE ANNE", rank: "2", ..LOUISE }];
    let [marie, anne] = twins;
    let dossiers = [household("2055990", "521", "2", &[marie]), household("2055991", "521", "2", &[anne])];
    hub.deliver("caf", "1.xml", &caf(&dossiers).2);
    assert_eq!(everybody(&hub).len(), 2);
    let hub = Hub::fresh();
    let cut = Member { name: "LEFEVRE", given: "MELINDA ALEXANDRINE-JOS", ..LOUISE };
    let (source, name, bytes) = caf(&[household("2055990", "521", "2", &[cut])]);
    hub.deliver(source, name, &bytes);
    let whole = list("Lefe\u{300}vre;Mélinda Alexandrine-Joséphine;01/01/1990;;7\n");
    hub.deliver(whole.0, whole.1, &whole.2);
    assert_eq!(everybody(&hub).len(), 1);
}

#[test]
fn a_number_that_returns_beside_the_one_that_took_its_place_is_another_person() {
    let hub = Hub::fresh();
    let of = |ids: &[&str]| {
        let rows: Vec<[&str; 4]> = ids.iter().map(|id| [*id, "DUPONT", "JEAN", "1980-01-01"]).collect();
        principal(&rows).2
    };
    for (name, ids, persons) in
        [("1.csv", &["de-1"][..], 1), ("2.csv", &["de-3"], 0), ("3.csv", &["de-1", "de-3"], 1)]
    {
        let report = hub.deliver("france-travail", name, &of(ids));
        assert_eq!(figures(&report, ["persons"]), [persons], "{name}");
    }
    assert_eq!(everybody(&hub), [["JEAN", "", "de-1"], ["JEAN", "", "de-3"]]);
}

#[test]
fn any_number_of_renumbered_rows_makes_nobody_new() {
    let hub = Hub::unguarded("france-travail");
    let file = |scheme: &str| {
        let syllables = ["BA", "KO", "DU", "FI", "GOU", "JE", "LO", "MI", "NA", "RO"];
        let syllable = |digit: u8| syllables[usize::from(digit - b'0')];
        let name = |at: u32| at.to_string().bytes().map(syllable).collect::<String>();
        let row = |at| format!("{scheme}-{at};{};JEAN;1980-01-01 00:00:00.0;1;SUI\n", name(at));
        let rows = (10_000..12_600).map(row).collect::<Vec<String>>().concat();
        format!("{PRINCIPAL}{rows}").into_bytes()
    };
    for (scheme, persons) in [("de", 2_600), ("ft", 0)] {
        let report = hub.deliver("france-travail", &format!("{scheme}.csv"), &file(scheme));
        assert_eq!(figures(&report, ["persons", "events"]), [persons, 2_600], "{scheme}");
    }
}

#[test]
fn a_row_given_to_somebody_else_keeps_nothing_of_who_had_it() {
    let hub = Hub::fresh();
    for (at, (row, persons)) in
        [("Verdier;Paul;02/01/1980", 1), ("Verdier;Julie;06/05/1982", 1), ("Verdier;Julie;", 0)]
            .into_iter()
            .enumerate()
    {
        let report = hub.deliver("departement", &format!("{at}.csv"), &list(&format!("{row};;77\n")).2);
        assert_eq!(figures(&report, ["persons"]), [persons], "{row}");
    }
    let julie = hub.persons().into_iter().find(|person| field(person, "/identite/prenoms") == "Julie");
    assert_eq!(field(&julie.expect("known"), "/identite/date_naissance"), "1982-05-06");
}

#[test]
fn a_row_that_bears_only_a_number_goes_to_who_bears_it_now() {
    let hub = Hub::fresh();
    let person = |uuid: &str, name: &str| format!("{uuid};{name};LEA;1990-01-01 00:00:00.0;1;SUI\n");
    let head = PRINCIPAL.trim_end();
    for (file, rows) in [
        ("1.csv", person("de-1", "ALPHA") + &person("de-2", "BETA")),
        ("2.csv", person("de-2", "ALPHA") + &person("de-1", "BETA")),
    ] {
        hub.deliver("france-travail", file, format!("{head}\n{rows}").as_bytes());
    }
    let action = "identifiant_unique_de;codeaction;lblaction;date_prescription\nde-1;FOR;Formation;2026-01-10 00:00:00.0\n";
    hub.deliver("france-travail", "a.csv", action.as_bytes());
    let with: Vec<Json> =
        hub.persons().into_iter().filter(|person| person["parcours"].get("actions").is_some()).collect();
    assert_eq!((with.len(), &with[0]["identite"]["nom_usage"]), (1, &"BETA".into()));
}

#[test]
fn thousands_of_one_name_and_birth_are_told_and_take_no_time() {
    let hub = Hub::unguarded("departement");
    let row = |at| format!("Inconnu;Inconnu;01/01/1970;;SI-{at}\n");
    let rows = (0..3_000).map(row).collect::<Vec<String>>().concat();
    let start = std::time::Instant::now();
    let report = hub.deliver("departement", "1.csv", &list(&rows).2);
    assert_eq!(figures(&report, ["persons"]), [3_000]);
    assert!(codes(&report).contains(&"DLN0319"), "{:?}", codes(&report));
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_an_older_release_finds_its_persons_again() {
    let hub = Hub::fresh();
    hub.deliver("departement", "1.csv", &list("Verdier;Paul;02/01/1980;;SI-1\n").2);
    let url = format!("sqlite:{}", std::path::Path::new(&hub.home()).join("dlnuf.db").display());
    let pool = sqlx::SqlitePool::connect(&url).await.expect("the store");
    for statement in [
        "delete from identity_key",
        "delete from identity_key_recent",
        "delete from identity_key_fresh",
        "delete from ledger where book = 'identite'",
    ] {
        sqlx::query(statement).execute(&pool).await.expect("erased");
    }
    pool.close().await;
    let paul = Member { nir: "", ..PAUL };
    let report = hub.deliver("caf", "2.xml", &caf(&[household("2055990", "521", "2", &[paul])]).2);
    assert_eq!(figures(&report, ["persons"]), [0]);
    assert_eq!(everybody(&hub), [["PAUL", "SI-1", ""]]);
}
