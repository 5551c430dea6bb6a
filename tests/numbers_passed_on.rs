//! Numbers that name two persons: in one file, from one file to the next, or none where only name and birth tell: each is told.

use crate::support::extracts::{
    Hub, JULIE, Member, PAUL, codes, figures, household, made, monthly, somebody,
};

fn list(rows: &[&str]) -> Vec<u8> {
    let head = "N° CAF;Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;CP Ville;NIR;ID IODAS\n";
    format!("{head}{}\n", rows.join("\n")).into_bytes()
}

#[test]
fn namesakes_of_one_birth_on_a_list_without_numbers_are_told_where_a_nir_or_a_dossier_tells_them_apart() {
    for (row, expected) in [
        ("4300005;Martin;Jeanne;04/07/1985;10000 Troyes;;", vec!["DLN0119"]),
        (";Martin;Jeanne;04/07/1985;10000 Troyes;2850710387001;", vec!["DLN0119"]),
        // The same person, of whom the second row says more.
        ("4300004;Martin;Jeanne;04/07/1985;10000 Troyes;;", vec![]),
    ] {
        let hub = Hub::fresh();
        let first = "4300004;Martin;Jeanne;04/07/1985;52000 Chaumont;2850752121001;";
        let report = hub.deliver("departement", "1.csv", &list(&[first, row]));
        assert_eq!(codes(&report), expected, "{row}");
    }
}

#[test]
fn one_name_and_birth_under_two_numbers_of_a_list_is_one_person_in_one_town_and_told_and_asked_about_in_two()
{
    let row = |number, town| format!(";Martin;Jeanne;04/07/1985;{town};;{number}");
    let report = Hub::fresh().deliver(
        "departement",
        "1.csv",
        &list(&[&row("SI-4", "52000 Chaumont"), &row("SI-5", "52000 Chaumont")]),
    );
    assert_eq!((figures(&report, ["persons"]), codes(&report)), ([1], vec![]));
    let hub = Hub::fresh();
    let rows = [row("SI-4", "10000 Troyes"), row("SI-5", "52000 Chaumont")];
    let report = hub.deliver("departement", "1.csv", &list(&[&rows[0], &rows[1]]));
    assert_eq!((figures(&report, ["persons"]), codes(&report)), ([2], vec!["DLN0315"]));
    let asked = hub.ask(&["identity", "queue"]).json();
    assert_eq!(asked.len(), 1, "{asked:?}");
    // Neither is told again by a row that changes.
    let moved = rows[1].replace("Chaumont", "Langres").replace("52000", "52200");
    let report = hub.deliver("departement", "2.csv", &list(&[&rows[0], &moved]));
    assert_eq!((figures(&report, ["persons", "events"]), codes(&report)), ([0, 1], vec![]));
}

#[test]
fn a_number_that_named_somebody_else_the_night_before_is_told_and_one_corrected_is_not() {
    let before = ";Martin;Jeanne;04/07/1985;52000 Chaumont;;SI-4";
    for (row, persons, expected) in [
        (";Ouazzani;Karim;01/09/1979;52000 Chaumont;;SI-4", 1, vec!["DLN0320"]),
        (";Martinet;Jeanne;04/07/1985;52000 Chaumont;;SI-4", 0, vec![]),
        // Taken for a correction, which it need not be: a daughter, a twin.
        (";Martin;Jeanne;09/10/2009;52000 Chaumont;;SI-4", 0, vec!["DLN0332"]),
        (";Martin;Odile;04/07/1985;52000 Chaumont;;SI-4", 0, vec!["DLN0332"]),
        // The same person to whom more was corrected at once.
        (";Martinet;Jeanne;14/07/1985;52000 Chaumont;;SI-4", 0, vec![]),
    ] {
        let hub = Hub::fresh();
        hub.deliver("departement", "1.csv", &list(&[before]));
        let report = hub.deliver("departement", "2.csv", &list(&[row]));
        assert_eq!((figures(&report, ["persons"]), codes(&report)), ([persons], expected), "{row}");
    }
}

#[test]
fn of_two_persons_far_apart_under_one_number_of_a_file_the_last_bears_it() {
    let row =
        |name: &str, born: &str, number: &str| format!(";{name};Jeanne;{born};52000 Chaumont;;{number}");
    let between = (1..3_000).map(|number| {
        let (name, born) = somebody(number);
        let born: Vec<&str> = born.split('-').rev().collect();
        row(&name, &born.join("/"), &format!("N-{number}"))
    });
    let mut rows = vec![row("Martin", "04/07/1985", "SI-4")];
    rows.extend(between);
    rows.push(";Ouazzani;Karim;01/09/1979;52000 Chaumont;;SI-4".to_owned());
    let hub = Hub::fresh();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let report = hub.deliver("departement", "1.csv", &list(&rows));
    assert!(codes(&report).contains(&"DLN0119") && !codes(&report).contains(&"DLN0320"), "{report}");
    let bearers = hub.ask(&["events", "snapshot"]).output.matches("\"SI-4\"").count();
    assert_eq!(bearers, 1, "one number, one bearer");
}

/// A list of the carnet de bord.
fn carnet(rows: &[&str]) -> Vec<u8> {
    let head = "Identifiant dans le SI*;Prénom*;Nom*;Date de naissance*;NIR;Numéro allocataire CAF/MSA;Droits RSA;Adresse;\
Code postal;Ville;Téléphone;Emploi recherché (code ROME);Accompagnateurs\n";
    format!("{head}{}\n", rows.join("\n")).into_bytes()
}

#[test]
fn a_number_passed_on_is_no_more_that_of_who_bore_it_before_and_one_given_back_is_again() {
    let hub = Hub::fresh();
    let jeanne = ";Martin;Jeanne;04/07/1985;52000 Chaumont;;SI-4";
    let karim = ";Ouazzani;Karim;01/09/1979;52000 Chaumont;;SI-4";
    for (night, row, bearer) in [(1, jeanne, 0), (2, karim, 1), (3, jeanne, 0)] {
        let mut rows = list(&[row]);
        rows.extend(std::iter::repeat_n(b'\n', night));
        let report = hub.deliver("departement", &format!("{night}.csv"), &rows);
        // Jeanne is somebody new, then Karim; given back, the number is hers as it was.
        assert_eq!(figures(&report, ["persons"]), [u64::from(night < 3)], "{night}");
        assert_eq!(codes(&report), if night == 1 { vec![] } else { vec!["DLN0320"] }, "{night}");
        let numbers: Vec<_> = hub
            .persons()
            .iter()
            .map(|person| person["identifiants"]["identifiant_departement"].as_str().map(str::to_owned))
            .collect();
        for (at, number) in numbers.iter().enumerate() {
            assert_eq!(number.is_some(), at == bearer, "{night}: {numbers:?}");
        }
    }
    let last = hub.events().pop().expect("an event");
    assert_eq!(last["data"]["changements"].as_array().map(Vec::len), Some(1), "the number alone moved");
}

#[test]
fn a_row_stated_twice_in_one_file_counts_whole_where_a_blank_leaves_what_was_known() {
    let full = "77;Mélinda;Vanternier;1986-07-14;2860752448017;;rsa_droit_ouvert_versable;3 rue du Puits;52000;Chaumont;0639981234;;";
    let sparse = "77;Mélinda;Vanternier;1986-07-14;;;;;;;0639985678;;";
    let hub = Hub::fresh();
    let report = hub.deliver("departement", "1.csv", &carnet(&[full, sparse]));
    assert_eq!((figures(&report, ["persons", "events"]), codes(&report)), ([1, 1], vec![]));
    let person = hub.persons().pop().expect("a person");
    assert_eq!(person["adresse"]["voie"], "3 rue du Puits");
    assert_eq!(person["droits"]["rsa"]["etat"], "rsa_droit_ouvert_versable");
    assert_eq!(person["contacts"]["telephones"][0]["numero"], "+33639985678", "the last word");
    let event = hub.events().pop().expect("an event");
    let id = event["subject"].as_str().expect("a person");
    for (field, line) in [("adresse.voie", 2), ("contacts.telephones", 3)] {
        let told = hub.ask(&["person", "why", id, field]).json().pop().expect("a reason");
        assert_eq!(told["provenance"]["ligne"], line, "{field}");
    }
    // The next night the same file changes nothing.
    let mut again = carnet(&[full, sparse]);
    again.extend_from_slice(b"\n");
    assert_eq!(figures(&hub.deliver("departement", "2.csv", &again), ["persons", "events"]), [0, 0]);
}

#[test]
fn two_rows_of_a_list_that_repeat_one_allocataire_number_are_no_dossier_and_the_sparser_one_takes_nothing_away()
 {
    let full = "77;Mélinda;Vanternier;1986-07-14;2860752448017;2055990;rsa_droit_ouvert_versable;3 rue du Puits;52000;Chaumont;;;";
    let sparse = "78;Mélinda;Vanternier;1986-07-14;2860752448017;2055990;;;;;0639985678;;";
    let hub = Hub::fresh();
    hub.deliver("departement", "1.csv", &carnet(&[full]));
    hub.deliver("departement", "2.csv", &carnet(&[sparse]));
    let persons = hub.persons();
    assert_eq!(persons.len(), 1);
    assert_eq!(persons[0]["adresse"]["voie"], "3 rue du Puits");
    assert_eq!(persons[0]["droits"]["rsa"]["etat"], "rsa_droit_ouvert_versable");
    assert_eq!(persons[0]["contacts"]["telephones"][0]["numero"], "+33639985678");
}

#[test]
fn a_wrong_job_code_of_the_carnet_de_bord_is_kept_and_told() {
    let hub = Hub::fresh();
    let row = "77;Mélinda;Vanternier;1986-07-14;;;;;;;;Pontier élingueur (N110)|Agent de tri (H/F)|Soudeur (H2913);";
    let report = hub.deliver("departement", "1.csv", &carnet(&[row]));
    assert_eq!(codes(&report), ["DLN0326"]);
    let person = hub.persons().pop().expect("a person");
    let jobs: Vec<(String, String)> = person["parcours"]["metiers"]
        .as_array()
        .expect("jobs")
        .iter()
        .map(|job| ["rome", "appellation"].map(|of| job[of].as_str().unwrap_or_default().to_owned()).into())
        .collect();
    assert_eq!(
        jobs,
        [("", "Agent de tri"), ("N110", "Pontier élingueur"), ("H2913", "Soudeur")]
            .map(|(rome, of)| (rome.to_owned(), of.to_owned()))
    );
}

#[test]
fn a_dossier_of_an_emitter_that_cannot_be_read_is_refused_and_closes_nobody() {
    let hub = Hub::unguarded("caf");
    let dossier = household("2055990", "521", "2", &[PAUL]);
    let other = household("3055990", "521", "2", &[Member { nir: "", ..JULIE }]);
    let first = [dossier.clone(), other.clone()];
    hub.deliver("caf", "1.xml", &monthly(&made("2026-03-03", "01:00:00"), 2, &first));
    let wrong = dossier.replace("<IDEPARTE>052<", "<IDEPARTE>5 2<");
    let report = hub.deliver("caf", "2.xml", &monthly(&made("2026-04-03", "01:00:00"), 2, &[wrong, other]));
    assert_eq!(figures(&report, ["rejected", "gone", "persons"]), [1, 0, 0]);
    let refused = hub.ask(&["rejects"]);
    let refused = refused.json();
    assert!(refused.iter().any(|reject| reject["code"] == "DLN0331"), "{refused:?}");
    let states: Vec<_> = hub.persons().iter().map(|person| person["droits"]["rsa"]["etat"].clone()).collect();
    assert_eq!(states, ["rsa_droit_ouvert_versable", "rsa_droit_ouvert_versable"]);
}
