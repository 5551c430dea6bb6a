//! What looks like a mistake and is one, and what looks like one person and is two: misprints, exchanged names, twins, generations.

use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, codes, figures, household, made, monthly};

const BORD: &str = "Identifiant dans le SI*;Prénom*;Nom*;Date de naissance*;NIR;Adresse;Code postal;Ville;Numéro allocataire CAF/MSA;Droits RSA;Accompagnateurs\n";
const PRINCIPAL: &str = "identifiant_unique_de;nom;prenom;date_naissance;categorie_inscription;modalite_accompagnement;adresse_ligne4;adresse_ligne6\n";
const HOME: &str = "12 rue des Tilleuls;52000;Chaumont";
const ELSEWHERE: &str = "7 place du Marché;52100;Saint-Dizier";

type Extract = (&'static str, &'static str, Vec<u8>);

fn caf(member: Member<'_>) -> Extract {
    let dossier = household("2055990", "521", "2", &[member]);
    ("caf", "caf.xml", monthly(&made("2026-03-05", "01:00:00"), 1, &[dossier]))
}

/// Rows of an identifier, a given name, a name, a birth, a NIR and a home.
fn bord(rows: &[&str]) -> Extract {
    ("departement", "bord.csv", format!("{BORD}{};;;\n", rows.join(";;;\n")).into_bytes())
}

/// Somebody of an identifier, name, given names and birth, at 12 rue des Tilleuls.
fn principal(rows: &[[&str; 4]]) -> Extract {
    let row = |[id, name, given, born]: &[&str; 4]| {
        format!("{id};{name};{given};{born} 00:00:00.0;1;SUI;12 RUE DES TILLEULS;52000 CHAUMONT\n")
    };
    let rows: String = rows.iter().map(row).collect();
    ("france-travail", "principal.csv", format!("{PRINCIPAL}{rows}").into_bytes())
}

/// The same, with how they are addressed.
fn principal_titled(rows: &[[&str; 4]], title: &str) -> Extract {
    let (source, name, bytes) = principal(rows);
    let text = String::from_utf8(bytes).expect("text");
    let titled = |(at, line): (usize, &str)| format!("{line};{}\n", if at == 0 { "civilite" } else { title });
    (source, name, text.lines().enumerate().map(titled).collect::<String>().into_bytes())
}

/// How many persons there are and what is asked, once all is delivered; the same in any order.
fn outcome(extracts: &[Extract]) -> (usize, Vec<String>) {
    let in_order = |order: Vec<&Extract>| {
        let hub = Hub::fresh();
        for (source, name, bytes) in order {
            hub.deliver(source, name, bytes);
        }
        let doubt = |question: &Json| question["doute"].as_str().expect("a doubt").to_owned();
        let mut asked: Vec<String> = hub.ask(&["identity", "queue"]).json().iter().map(doubt).collect();
        asked.sort();
        (hub.persons().len(), asked)
    };
    let forward = in_order(extracts.iter().collect());
    assert_eq!(in_order(extracts.iter().rev().collect()), forward);
    forward
}

#[test]
fn a_nir_wrong_in_one_character_is_a_misprint_when_the_whole_name_and_the_day_are_the_same() {
    let misprinted =
        |given: &str| bord(&[&format!("SI-1;{given};Verdier;02/01/1980;1800152121019;{ELSEWHERE}")]);
    assert_eq!(outcome(&[caf(PAUL), misprinted("Paul")]), (1, vec![]));
    assert_eq!(outcome(&[caf(PAUL), misprinted("Jean")]), (2, vec![]), "twins have neighbouring numbers");
}

/// A NIR with the key that belongs to it.
fn keyed(nir: &str) -> String {
    format!("{nir}{:02}", hub_core::canonical::nir::key(nir).expect("a number"))
}

#[test]
fn two_nir_stated_with_their_keys_are_two_persons_and_whoever_states_one_without_changes_nothing() {
    let row = |id, nir: &str| format!("{id};Paul;Verdier;02/01/1980;{};{HOME}", keyed(nir));
    let two = bord(&[&row("SI-1", PAUL.nir), &row("SI-2", "1800152121019")]);
    assert_eq!(outcome(std::slice::from_ref(&two)), (2, vec!["autre_nir".to_owned()]));
    assert_eq!(outcome(&[caf(PAUL), two]), (2, vec!["autre_nir".to_owned()]));
}

#[test]
fn the_nir_that_came_with_its_key_is_kept_before_a_misprint_whoever_states_it() {
    let dossier = caf(Member { nir: "1800152121019", ..PAUL });
    let bord = bord(&[&format!("SI-1;Paul;Verdier;02/01/1980;{};{HOME}", keyed(PAUL.nir))]);
    for extracts in [[&dossier, &bord], [&bord, &dossier]] {
        let hub = Hub::fresh();
        for (source, name, bytes) in extracts {
            hub.deliver(source, name, bytes);
        }
        let persons = hub.persons();
        let [person] = persons.as_slice() else { panic!("{} persons", persons.len()) };
        assert_eq!(person["identite"]["nir"], PAUL.nir);
        assert_eq!(person["identite"]["nir_avec_cle"], true);
    }
}

#[test]
fn two_of_one_name_and_birth_under_two_nir_in_one_dossier_are_two_in_whatever_order_it_names_them() {
    let other = Member { role: "CJT", nir: "1800152121207", ..PAUL };
    let night = |created: &str, members: &[Member<'_>]| {
        monthly(&made(created, "01:00:00"), 1, &[household("2055990", "521", "2", members)])
    };
    let hub = Hub::fresh();
    hub.deliver("caf", "1.xml", &night("2026-03-05", &[PAUL, other]));
    let before = hub.persons();
    assert_eq!(before.len(), 2);
    let report = hub.deliver("caf", "2.xml", &night("2026-04-05", &[other, PAUL]));
    assert_eq!(figures(&report, ["persons", "events"]), [0, 0]);
    assert_eq!(hub.persons(), before);
}

#[test]
fn a_first_of_january_bridges_no_two_known_days() {
    let rows = ["SI-1;Paul;Verdier;14/06/1980;;;;;;;", "SI-2;Paul;Verdier;22/09/1980;;;;;;;"];
    let rows = rows.map(|row| row.replace(";;;;;;;", &format!(";;{HOME}")));
    let two = bord(&[&rows[0], &rows[1]]);
    let unknown = caf(Member { born: "1980-01-01", rank: "", nir: "", ..PAUL });
    let (persons, _) = outcome(&[two, unknown, principal(&[["de-1", "VERDIER", "PAUL", "1980-01-01"]])]);
    assert!(persons > 1, "two days of birth are two persons'");
}

#[test]
fn a_source_that_numbers_one_person_twice_under_one_nir_keeps_nobody_apart() {
    let rows = [
        format!("SI-1;Marie-Claude;Verdier;02/01/1980;{};{ELSEWHERE}", PAUL.nir),
        format!("SI-2;MaroieClaude;Verdier;02/01/1980;{};{HOME}", PAUL.nir),
    ];
    let marie = Member { given: "MARIE CLAUDE", rank: "", ..PAUL };
    let extracts = [
        caf(marie),
        bord(&[&rows[0], &rows[1]]),
        principal(&[["de-1", "VERDIER", "MARIE-CLAUDE", "1980-01-02"]]),
    ];
    assert_eq!(outcome(&extracts), (1, vec![]));
}

#[test]
fn names_exchanged_in_one_source_part_nobody() {
    let exchanged = bord(&[&format!("SI-1;Verdier;Paul;02/01/1980;{};{HOME}", PAUL.nir)]);
    let named = Member { given: "PAUL MARC", ..PAUL };
    let extracts = [caf(named), exchanged, principal(&[["de-1", "VERDIER", "PAUL", "1980-01-02"]])];
    assert_eq!(outcome(&extracts), (1, vec![]));
}

#[test]
fn a_twin_or_a_son_of_the_same_names_is_asked_about_and_never_made_one() {
    for (given, born, at_home, elsewhere) in [
        ("JEAN", "1980-01-02", Some("jumeaux"), Some("ressemblance")),
        ("PAUL", "1951-06-17", Some("ressemblance"), None),
    ] {
        for (home, asked) in [(HOME, at_home), (ELSEWHERE, elsewhere)] {
            let asked: Vec<String> = asked.into_iter().map(str::to_owned).collect();
            let listed = bord(&[&format!("SI-1;Paul;Verdier;02/01/1980;;{home}")]);
            let other = principal(&[["de-1", "VERDIER", given, born]]);
            assert_eq!(outcome(&[listed, other]), (2, asked), "{given} {born} {home}");
        }
    }
}

#[test]
fn a_wrong_year_of_birth_is_found_at_home() {
    let wrong = |home: &str| bord(&[&format!("SI-1;Paul;Verdier;02/01/1990;;{home}")]);
    let right = || principal(&[["de-1", "VERDIER", "PAUL", "1980-01-02"]]);
    assert_eq!(outcome(&[wrong(HOME), right()]), (1, vec![]));
    assert_eq!(outcome(&[wrong(ELSEWHERE), right()]).0, 2);
}

#[test]
fn twins_of_two_sexes_are_two_however_alike_their_given_names() {
    for (given, nir, other, title) in
        [("LOUIS", "1800152121009", "LOUISE", "MME"), ("FREDERIQUE", "2800152121009", "FREDERIC", "MR")]
    {
        let louis = Member { given, rank: "", nir, ..PAUL };
        let listed = principal_titled(&[["de-1", "VERDIER", other, "1980-01-02"]], title);
        assert_eq!(outcome(&[caf(louis), listed]).0, 2, "{given} {other}");
    }
}

#[test]
fn a_father_and_a_son_of_one_name_both_born_on_a_first_of_january_are_two() {
    let of = |born| Member { born, nir: "", rank: "", ..PAUL };
    let dossiers = [
        household("2055990", "521", "2", &[of("1960-01-01")]),
        household("2055991", "521", "2", &[of("1990-01-01")]),
    ];
    let both = ("caf", "caf.xml", monthly(&made("2026-03-05", "01:00:00"), 2, &dossiers));
    assert_eq!(outcome(&[both]).0, 2);
}

#[test]
fn a_nir_copied_from_a_parent_or_a_spouse_binds_nobody() {
    let row =
        |given: &str, born: &str| bord(&[&format!("SI-1;{given};Verdier;{born};{};{ELSEWHERE}", PAUL.nir)]);
    assert_eq!(outcome(&[caf(PAUL), row("Paul", "17/06/2004")]).0, 2, "a son");
    assert_eq!(
        outcome(&[caf(PAUL), row("Paul", "02/01/1981")]),
        (1, vec![]),
        "a year off by one is a misprint"
    );
}

#[test]
fn a_birth_or_a_sex_corrected_in_a_dossier_with_the_nir_it_changes_makes_nobody_new_and_closes_nothing() {
    let one = Member { nir: "1800152121009", ..PAUL };
    for (corrected, expected) in [
        (Member { born: "1981-01-02", nir: "1810152121009", ..one }, vec![]),
        (Member { born: "1979-01-02", nir: "1790152121009", ..one }, vec![]),
        (Member { born: "1980-02-02", nir: "1800252121009", ..one }, vec![]),
        (Member { given: "PAULINE", nir: "2800152121009", ..one }, vec!["DLN0332"]),
        (Member { given: "ALICE", nir: "2800152121009", ..one }, vec!["DLN0332"]),
    ] {
        let hub = Hub::fresh();
        let night = |day: &str, member| {
            monthly(&made(day, "01:00:00"), 1, &[household("2055990", "521", "2", &[member])])
        };
        hub.deliver("caf", "1.xml", &night("2026-03-05", one));
        let report = hub.deliver("caf", "2.xml", &night("2026-04-05", corrected));
        let label = format!("{} {} {}", corrected.given, corrected.born, corrected.nir);
        assert_eq!((figures(&report, ["persons", "events"]), codes(&report)), ([0, 1], expected), "{label}");
        assert_eq!(hub.persons().len(), 1, "{label}");
    }
}

#[test]
fn a_dossier_given_to_a_twin_is_another_person_s() {
    let hub = Hub::fresh();
    let twin = Member { given: "JEAN", nir: "1800152121010", ..PAUL };
    for (file, member) in [("1.xml", PAUL), ("2.xml", twin)] {
        let day = if file == "1.xml" { "2026-03-05" } else { "2026-04-05" };
        let dossier = household("2055990", "521", "2", &[member]);
        hub.deliver("caf", file, &monthly(&made(day, "01:00:00"), 1, &[dossier]));
    }
    assert_eq!(hub.persons().len(), 2);
}
