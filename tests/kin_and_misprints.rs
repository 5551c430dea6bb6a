//! What looks like a mistake and is one, and what looks like one person and is two: misprints, exchanged names, twins, generations.

use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, household, made, monthly};

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
fn a_twin_or_a_son_of_the_same_names_is_asked_about_at_one_address_and_never_made_one() {
    for (given, born, doubt) in [("JEAN", "1980-01-02", "jumeaux"), ("PAUL", "1951-06-17", "ressemblance")] {
        for (home, asked) in [(HOME, vec![doubt.to_owned()]), (ELSEWHERE, vec![])] {
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
