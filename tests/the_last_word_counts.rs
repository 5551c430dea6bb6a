//! The last word counts: of one source's claims the one stated last, and nothing refused comes back over what was said since.

use serde_json::Value as Json;

use crate::support::extracts::{Hub, JULIE, Member, PAUL, codes, daily, figures, household, made, monthly};

const LIST: &str = "Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;NIR;ID IODAS\n";

/// The fields an event names.
fn fields(event: &Json) -> Vec<&str> {
    let changes = event.pointer("/data/changements").and_then(Json::as_array).map(Vec::as_slice);
    changes.unwrap_or_default().iter().filter_map(|change| change["champ"].as_str()).collect()
}

#[test]
fn a_name_corrected_in_an_undated_list_of_the_same_day_is_one_event() {
    for number in ["77", ""] {
        let hub = Hub::fresh();
        for (name, events) in [("Vanternier", 1), ("Vanternier-Dupont", 1), ("Vanternier", 0)] {
            let rows = format!("{LIST}{name};Mélinda;14/07/1986;2860752448017;{number}\n");
            let report = hub.deliver("departement", &format!("{name}.csv"), rows.as_bytes());
            let received = report["status"] == "already_received";
            assert_eq!((figures(&report, ["events"]), received), ([events], events == 0), "{name} {number}");
        }
        let last = hub.events().pop().expect("an event");
        assert_eq!(fields(&last), ["identite.nom_usage"]);
    }
}

#[test]
fn a_list_that_says_nothing_of_the_right_has_its_say_on_the_rest() {
    let hub = Hub::fresh();
    let first = "Identifiant dans le SI*;Prénom*;Nom*;Date de naissance*;NIR;Numéro allocataire CAF/MSA;Droits RSA;Adresse;\
Ville;Accompagnateurs\n77;Mélinda;Vanternier;1986-07-14;2860752448017;;rsa_clos;3 rue du Puits;Chaumont;\n";
    hub.deliver("departement", "1.csv", first.as_bytes());
    for (file, street) in [("2.csv", "8 rue Haute"), ("3.csv", "9 rue Haute")] {
        let rows = format!(
            "Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;NIR;ID IODAS;Adresse;CP Ville\n\
Vanternier;Mélinda;14/07/1986;2860752448017;77;{street};52000 Chaumont\n"
        );
        hub.deliver("departement", file, rows.as_bytes());
        let person = hub.persons().pop().expect("a person");
        assert_eq!(
            (&person["adresse"]["voie"], &person["droits"]["rsa"]["etat"]),
            (&street.into(), &"rsa_clos".into())
        );
    }
}

#[test]
fn a_second_dossier_of_the_month_is_the_one_that_counts() {
    let hub = Hub::fresh();
    let first = household("2055990", "521", "4", &[PAUL]);
    let second = household("3055990", "521", "4", &[PAUL]);
    hub.deliver("caf", "1.xml", &daily(&made("2026-03-03", "01:00:00"), &[first]));
    let report = hub.deliver("caf", "2.xml", &daily(&made("2026-03-09", "01:00:00"), &[second]));
    assert_eq!(figures(&report, ["persons", "events"]), [0, 1]);
    assert_eq!(hub.persons()[0]["identifiants"]["numero_demande_rsa"], "03055990052");
}

#[test]
fn a_member_a_dossier_no_longer_states_has_left_it_in_a_daily_file_too() {
    let hub = Hub::fresh();
    let julie = Member { nir: "", ..JULIE };
    let both = household("2055990", "521", "2", &[PAUL, julie]);
    hub.deliver("caf", "1.xml", &daily(&made("2026-03-03", "01:00:00"), &[both]));
    let alone = household("2055990", "521", "2", &[PAUL]);
    let report = hub.deliver("caf", "2.xml", &daily(&made("2026-03-04", "01:00:00"), &[alone]));
    assert_eq!(figures(&report, ["gone", "events"]), [1, 1]);
    let own = household("3055990", "521", "2", &[Member { role: "DEM", ..julie }]);
    let report = hub.deliver("caf", "3.xml", &daily(&made("2026-03-05", "01:00:00"), &[own]));
    assert_eq!(figures(&report, ["persons", "rejected"]), [0, 0]);
    let julie = hub.persons().into_iter().find(|person| person["identite"]["prenoms"] == "JULIE");
    assert_eq!(julie.expect("known")["droits"]["rsa"]["etat"], "rsa_droit_ouvert_versable");
}

/// A hub that refused Paul's dossier in a first file, and the run that did; its mappings take it now.
fn refused_once(monthly_file: bool) -> (Hub, String) {
    let hub = Hub::fresh();
    let dossiers = [
        household("2055990", "521", "2", &[Member { born: "1980", ..PAUL }]),
        household("2055991", "521", "2", &[Member { nir: "", ..JULIE }]),
    ];
    let header = made("2026-03-03", "01:00:00");
    let file = if monthly_file { monthly(&header, 2, &dossiers) } else { daily(&header, &dossiers) };
    let report = hub.deliver("caf", "1.xml", &file);
    assert_eq!(figures(&report, ["rejected", "persons"]), [1, 1]);
    (with_mended_mappings(hub), report["run"].as_str().expect("a run").to_owned())
}

/// The hub, with mappings beside it that take a birth that cannot be read.
fn with_mended_mappings(hub: Hub) -> Hub {
    let mappings = hub.folder().join("mappings");
    hub.ask(&["mapping", "export", mappings.to_str().expect("a path")]);
    let vrsb = mappings.join("caf/vrsb0801.yaml");
    let text = std::fs::read_to_string(&vrsb).expect("a mapping");
    std::fs::write(&vrsb, text.replace("      invalid: reject\n", "")).expect("mended");
    hub
}

fn replay(hub: &Hub, run: &str) -> Json {
    let mappings = hub.folder().join("mappings").display().to_string();
    let ended = hub.ask(&["--mappings", &mappings, "replay", "rejects", run]);
    ended.json().pop().unwrap_or_else(|| panic!("a report: {}", ended.errors))
}

#[test]
fn what_a_file_refused_is_taken_in_once_its_mapping_is_mended() {
    let (hub, run) = refused_once(true);
    let report = replay(&hub, &run);
    assert_eq!(figures(&report, ["persons", "gone", "rejected"]), [1, 0, 0]);
}

#[test]
fn what_a_month_refused_is_not_put_over_the_next_month() {
    let (hub, run) = refused_once(true);
    let closed = household("2055990", "521", "5", &[PAUL]);
    let julie = household("2055991", "521", "2", &[Member { nir: "", ..JULIE }]);
    hub.deliver("caf", "2.xml", &monthly(&made("2026-04-03", "01:00:00"), 2, &[closed, julie]));
    let report = replay(&hub, &run);
    assert_eq!((report["status"].as_str(), codes(&report)), (Some("held"), vec!["DLN0114"]));
    assert_eq!(hub.last("droits.rsa.etat").as_ref().and_then(Json::as_str), Some("rsa_clos"));
}

#[test]
fn what_a_day_refused_is_not_put_over_a_later_day() {
    let (hub, run) = refused_once(false);
    let closed = household("2055990", "521", "5", &[PAUL]);
    hub.deliver("caf", "2.xml", &daily(&made("2026-03-04", "01:00:00"), &[closed]));
    let report = replay(&hub, &run);
    assert_eq!(
        (figures(&report, ["events", "claims"]), codes(&report)),
        ([0, 0], vec!["DLN0118", "DLN0302"])
    );
    assert_eq!(hub.last("droits.rsa.etat").as_ref().and_then(Json::as_str), Some("rsa_clos"));
}

#[test]
fn what_a_day_refused_is_not_put_over_another_dossier_of_a_later_day() {
    let (hub, run) = refused_once(false);
    let newer = household("3055990", "521", "2", &[PAUL]);
    hub.deliver("caf", "2.xml", &daily(&made("2026-03-04", "01:00:00"), &[newer]));
    replay(&hub, &run);
    let paul = hub.persons().into_iter().find(|person| person["identite"]["prenoms"] == "PAUL");
    assert_eq!(paul.expect("known")["identifiants"]["numero_demande_rsa"], "03055990052");
}

#[test]
fn what_a_file_refused_is_not_put_over_what_it_said_further_on() {
    let hub = Hub::fresh();
    let refused = household("2055990", "521", "2", &[Member { born: "1980", ..PAUL }]);
    let mended = household("2055990", "521", "5", &[PAUL]);
    let file = daily(&made("2026-03-03", "01:00:00"), &[refused, mended]);
    let report = hub.deliver("caf", "1.xml", &file);
    let replayed = replay(&with_mended_mappings(hub), report["run"].as_str().expect("a run"));
    assert_eq!((figures(&replayed, ["events"]), codes(&replayed)), ([0], vec!["DLN0118", "DLN0302"]));
}

#[test]
fn two_dossiers_of_one_file_stay_as_they_are_when_one_is_read_again() {
    let hub = Hub::fresh();
    let odd = household("3055990", "521", "2", &[PAUL]).replace("<MATRICULE>", "<MATRICULE>!");
    let both = [household("2055990", "521", "2", &[PAUL]), odd];
    for (day, events) in [("2026-03-05", 1), ("2026-03-06", 0), ("2026-03-07", 0)] {
        let report = hub.deliver("caf", &format!("{day}.xml"), &monthly(&made(day, "01:00:00"), 2, &both));
        assert_eq!((figures(&report, ["events"]), codes(&report)), ([events], vec!["DLN0309"]), "{day}");
    }
}

#[test]
fn a_mapping_of_another_source_is_not_used_and_another_of_the_source_is() {
    let hub = Hub::fresh();
    let file = hub
        .file("1.xml", &daily(&made("2026-03-03", "01:00:00"), &[household("2055990", "521", "2", &[PAUL])]));
    let with = |mapping: &str| hub.ask(&["deliver", "caf", &file, "--mapping", mapping]);
    let other = with("france-travail/inscriptions");
    assert!(other.code == 1 && other.errors.contains("DLN0109"), "{}", other.errors);
    for (mapping, status) in
        [("caf/vrsd0301", "done"), ("caf/vrsb0801", "done"), ("caf/vrsb0801", "already_received")]
    {
        let report = with(mapping).json().pop().expect("a report");
        assert_eq!(report["status"], status, "{mapping}");
    }
}

#[test]
fn two_versions_of_one_flow_are_in_one_order() {
    let hub = Hub::fresh();
    let of = |state, day| daily(&made(day, "01:00:00"), &[household("2055990", "521", state, &[PAUL])]);
    let newer = String::from_utf8(of("2", "2026-04-05")).expect("text");
    let newer = newer.replace("<TYPEFLUX>", "<VERSIONFLUX>0301</VERSIONFLUX><TYPEFLUX>");
    assert_eq!(hub.deliver("caf", "vrsd.xml", newer.as_bytes())["mapping"], "caf/vrsd0301@1");
    let older = hub.deliver("caf", "vrsb.xml", &of("5", "2026-03-05"));
    assert_eq!((older["status"].as_str(), codes(&older)), (Some("held"), vec!["DLN0114"]));
}

#[test]
fn a_mapping_changed_without_its_version_is_not_the_one_the_run_used() {
    let (hub, run) = refused_once(true);
    let mappings = hub.folder().join("mappings").display().to_string();
    let again = |mappings: &[&str]| {
        hub.ask(&[mappings, &["replay", "run", &run, "--mapping", "as-run", "--dry-run"]].concat())
    };
    assert_eq!(again(&[]).code, 3, "as it ran, it refuses the same record");
    let changed = again(&["--mappings", &mappings]);
    assert!(changed.code == 1 && changed.errors.contains("raise `version`"), "{}", changed.errors);
}

#[test]
fn a_closing_under_a_new_matricule_closes() {
    let hub = Hub::fresh();
    let of = |matricule: &str, state| {
        household("2055990", "521", state, &[PAUL])
            .replace("<MATRICULE>2055990", &format!("<MATRICULE>{matricule}"))
    };
    for (day, matricule, state, shown) in [
        ("2026-03-03", "4123456", "2", "rsa_droit_ouvert_versable"),
        ("2026-03-04", "4999999", "2", "rsa_droit_ouvert_versable"),
        ("2026-03-05", "4999999", "5", "rsa_clos"),
    ] {
        hub.deliver("caf", &format!("{day}.xml"), &daily(&made(day, "01:00:00"), &[of(matricule, state)]));
        let paul = hub.persons().pop().expect("known");
        assert_eq!(paul["droits"]["rsa"]["etat"], shown, "{day}");
        assert_eq!(paul["identifiants"]["numero_allocataire"], matricule, "{day}");
    }
}

#[test]
fn what_a_day_refused_is_not_put_over_what_was_restated_unchanged() {
    let hub = Hub::fresh();
    let of = |born, state| household("2055990", "521", state, &[Member { born, ..PAUL }]);
    let file = |day, dossier| daily(&made(day, "01:00:00"), &[dossier]);
    hub.deliver("caf", "1.xml", &file("2026-03-03", of("1980-01-02", "2")));
    let refused = hub.deliver("caf", "2.xml", &file("2026-03-04", of("1980", "5")));
    hub.deliver("caf", "3.xml", &file("2026-03-05", of("1980-01-02", "2")));
    let replayed = replay(&with_mended_mappings(hub), refused["run"].as_str().expect("a run"));
    assert_eq!((figures(&replayed, ["events"]), codes(&replayed)), ([0], vec!["DLN0118", "DLN0302"]));
}

#[test]
fn elements_that_can_be_read_take_nothing_back_when_others_cannot() {
    let hub = Hub::fresh();
    let rows =
        |phones: &str| format!("{};Téléphone\nVerdier;Paul;02/01/1980;;77;{phones}\n", LIST.trim_end());
    for (at, (phones, events)) in
        [("0612345678,0712345678", 1), ("0612345678,12", 0), ("0612345678", 1)].into_iter().enumerate()
    {
        let report = hub.deliver("departement", &format!("{at}.csv"), rows(phones).as_bytes());
        assert_eq!(figures(&report, ["events"]), [events], "{phones}");
    }
}

#[test]
fn the_old_matricules_closing_closes_nothing_the_new_one_states_open() {
    let hub = Hub::fresh();
    let of = |matricule: &str, state| {
        household("2055990", "521", state, &[PAUL])
            .replace("<MATRICULE>2055990", &format!("<MATRICULE>{matricule}"))
    };
    let (old, new) = (|state| of("4000001", state), || of("4999999", "2"));
    for (day, dossiers, events) in [
        ("2026-03-05", vec![old("2")], 1),
        ("2026-04-05", vec![old("2"), new()], 1),
        ("2026-05-05", vec![old("5"), new()], 0),
        ("2026-06-05", vec![new()], 0),
    ] {
        let file = monthly(&made(day, "01:00:00"), dossiers.len(), &dossiers);
        assert_eq!(figures(&hub.deliver("caf", &format!("{day}.xml"), &file), ["events"]), [events], "{day}");
    }
    assert_eq!(hub.persons()[0]["droits"]["rsa"]["etat"], "rsa_droit_ouvert_versable");
    assert_eq!(hub.persons()[0]["identifiants"]["numero_allocataire"], "4999999");
}

#[test]
fn two_dossiers_of_one_file_are_never_mixed() {
    for swap in [false, true] {
        let hub = Hub::fresh();
        let of = |matricule: &str, demand: &str| {
            let dossier = household(demand, "521", "2", &[PAUL]);
            dossier.replace(&format!("<MATRICULE>{demand}"), &format!("<MATRICULE>{matricule}"))
        };
        let mut both = [of("4000001", "2055992"), of("4999999", "2055991")];
        if swap {
            both.reverse();
        }
        hub.deliver("caf", "1.xml", &monthly(&made("2026-03-05", "01:00:00"), 2, &both));
        let numbers = &hub.persons()[0]["identifiants"];
        let last = if swap { ("4000001", "02055992052") } else { ("4999999", "02055991052") };
        let shown =
            ["numero_allocataire", "numero_demande_rsa"].map(|name| numbers[name].as_str().expect("stated"));
        assert_eq!((shown[0], shown[1]), last);
    }
}

#[test]
fn a_record_that_waits_is_not_put_over_what_the_file_said_of_it_further_on() {
    let hub = Hub::fresh();
    hub.deliver(
        "caf",
        "1.xml",
        &daily(&made("2026-03-03", "01:00:00"), &[household("2055990", "521", "2", &[PAUL])]),
    );
    let head = format!("{};Téléphone\n", LIST.trim_end());
    let known = format!("{head}Verdier;Paul;02/01/1980;1800152121009;76;\n");
    hub.deliver("departement", "1.csv", known.as_bytes());
    let mut rows = format!("{head}Verdier;Paul;02/01/1980;;77;0611111111\n");
    let between: Vec<String> = (100..800).map(|at| format!("Nom{at};Ode;01/01/1970;;{at};\n")).collect();
    rows.push_str(&between.concat());
    rows.push_str("Verdier;Paul;02/01/1980;1800152121009;77;0622222222\n");
    hub.deliver("departement", "2.csv", rows.as_bytes());
    let paul =
        hub.persons().into_iter().find(|person| person["identite"]["prenoms"] == "PAUL").expect("known");
    assert_eq!(paul["contacts"]["telephones"][0]["numero"], "+33622222222");
}

#[test]
fn a_replay_refused_again_makes_no_older_word_newer() {
    let hub = Hub::fresh();
    let of = |born, state| household("2055990", "521", state, &[Member { born, ..PAUL }]);
    let first = hub.deliver("caf", "1.xml", &daily(&made("2026-03-03", "01:00:00"), &[of("1980", "2")]));
    hub.deliver("caf", "2.xml", &daily(&made("2026-03-04", "01:00:00"), &[of("1980-01-02", "5")]));
    let run = first["run"].as_str().expect("a run");
    let again = hub.ask(&["replay", "rejects", run]).json().pop().expect("a report");
    assert_eq!(figures(&again, ["rejected"]), [1]);
    let replayed = replay(&with_mended_mappings(hub), again["run"].as_str().expect("a run"));
    assert_eq!((figures(&replayed, ["events"]), codes(&replayed)), ([0], vec!["DLN0118", "DLN0302"]));
}

#[test]
fn a_delivery_run_again_whole_is_no_later_word_than_itself() {
    let (hub, run) = refused_once(true);
    let whole = hub.ask(&["replay", "run", &run]).json().pop().expect("a report");
    assert_eq!(figures(&whole, ["rejected"]), [1]);
    let report = replay(&hub, whole["run"].as_str().expect("a run"));
    assert_eq!(figures(&report, ["persons", "rejected"]), [1, 0]);
}
