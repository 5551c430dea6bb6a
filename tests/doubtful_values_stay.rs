//! A value that is probably wrong is kept as stated: told once when it is read, shown with the person, and no reason to read its
//! record again the next night.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value as Json, json};

use crate::support::extracts::{Hub, codes, figures};

const MAPPING: &str = r#"mapping: essai/liste
version: "1"
source: essai
title: Essai
format: {csv: {separator: ";"}, encoding: utf-8}
detect:
  - {columns: [NOM, NIR]}
delivery: {snapshot: true}
record: {key: [NOM]}
persons:
  fields:
    identite.nir: NIR
    identite.sexe: SEXE
    identite.nom_usage: NOM
    identite.prenoms: PRENOM
    identite.date_naissance: NE_LE
    identite.commune_naissance: NE_A
    adresse.code_postal: CP
    adresse.commune_insee: INSEE
    adresse.commune: COMMUNE
    adresse.departement: DEP
    parcours.structure.siret: SIRET
    parcours.structure.code_safir: SAFIR
    parcours.metiers: {from: ROME, split: ",", as: rome}
"#;

const HEADER: &str = "NOM;PRENOM;NIR;SEXE;NE_LE;NE_A;CP;INSEE;COMMUNE;DEP;SIRET;SAFIR;ROME";

/// A person of the list, each value as it should be.
const FINE: [&str; 13] = [
    "",
    "ADELE",
    "",
    "femme",
    "1985-05-17",
    "52121",
    "52000",
    "52121",
    "CHAUMONT",
    "52",
    "73282932000074",
    "08012",
    "N1104,A1414",
];

/// Each mistake: who makes it, the column, what stands there, the field that is doubted, the code.
const MISTAKES: [(&str, &str, &str, &str, &str); 16] = [
    ("ALDRIN", "INSEE", "52999", "adresse.commune_insee", "DLN0321"),
    ("BRUNEL", "CP", "52100", "adresse.code_postal", "DLN0322"),
    ("CASTAN", "COMMUNE", "LANGRES", "adresse.commune", "DLN0323"),
    ("DELPUECH", "DEP", "51", "adresse.departement", "DLN0324"),
    ("ESCANDE", "SIRET", "73282932000075", "parcours.structure.siret", "DLN0325"),
    ("FABREGUE", "SIRET", "732829320", "parcours.structure.siret", "DLN0325"),
    ("GINESTE", "ROME", "N1104,38444", "parcours.metiers[].rome", "DLN0326"),
    ("HERAIL", "SAFIR", "931", "parcours.structure.code_safir", "DLN0327"),
    ("IZARN", "SEXE", "homme", "identite.nir", "DLN0328"),
    ("JALABERT", "NE_LE", "1985-06-17", "identite.nir", "DLN0329"),
    ("LAURENS", "NE_A", "51454", "identite.nir", "DLN0330"),
    ("NADAUD", "CP", "5200A", "adresse.code_postal", "DLN0313"),
    ("OLIVER", "INSEE", "CHAUMONT", "adresse.commune_insee", "DLN0313"),
    ("PELLERIN", "DEP", "99", "adresse.departement", "DLN0313"),
    ("QUERE", "NE_A", "521", "identite.commune_naissance", "DLN0313"),
    ("RAYNAL", "COMMUNE", "5200A CHAUMONT", "adresse.commune", "DLN0313"),
];

fn row(number: usize, name: &str, mistake: Option<(&str, &str)>) -> String {
    let nir = format!("2850552121{number:03}");
    let cell = |(column, fine): (&str, &str)| match (column, mistake) {
        ("NOM", _) => name.to_owned(),
        ("NIR", _) => nir.clone(),
        (column, Some((wrong, text))) if column == wrong => text.to_owned(),
        _ => fine.to_owned(),
    };
    HEADER.split(';').zip(FINE).map(cell).collect::<Vec<_>>().join(";")
}

fn rows() -> Vec<String> {
    let wrong = |(number, (name, column, text, ..)): (usize, &(&str, &str, &str, &str, &str))| {
        row(number, name, Some((*column, *text)))
    };
    (1..).zip(&MISTAKES).map(wrong).collect()
}

/// A hub with the mapping of the list.
fn hub() -> (Hub, String) {
    let hub = Hub::fresh();
    let mappings = hub.folder().join("mappings");
    fs::create_dir_all(mappings.join("essai")).expect("a folder");
    fs::write(mappings.join("precedence.yaml"), "default: [essai]\n").expect("a file");
    fs::write(mappings.join("essai/liste.yaml"), MAPPING).expect("a file");
    let mappings = mappings.display().to_string();
    (hub, mappings)
}

fn deliver(hub: &Hub, mappings: &str, rows: &[String]) -> Json {
    let file = hub.file("liste.csv", format!("{HEADER}\n{}\n", rows.join("\n")).as_bytes());
    let ended = hub.ask(&["--mappings", mappings, "deliver", "essai", &file]);
    ended.json().pop().unwrap_or_else(|| panic!("a report: {}", ended.errors))
}

/// Everybody as `person show` has them, by name.
fn shown(hub: &Hub) -> BTreeMap<String, Json> {
    let known = hub.ask(&["events", "snapshot"]).json();
    let ids = known.iter().filter_map(|event| event.get("subject").and_then(Json::as_str));
    let show = |id| hub.ask(&["person", "show", id]).json().pop().expect("a person");
    let name =
        |person: &Json| person["dossier"]["identite"]["nom_usage"].as_str().expect("a name").to_owned();
    ids.map(show).map(|person| (name(&person), person)).collect()
}

#[test]
fn what_is_doubtful_is_kept_told_once_and_shown_and_its_record_is_known_the_next_night() {
    let (hub, mappings) = hub();
    let mut rows = rows();
    rows.push(row(99, "MARTY", None));
    let report = deliver(&hub, &mappings, &rows);
    assert_eq!(figures(&report, ["records", "persons", "rejected"]), [17, 17, 0], "{report}");
    let mut wanted: Vec<(&str, &str)> = MISTAKES.iter().map(|(.., field, code)| (*code, *field)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let wanted: Vec<&str> = wanted.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes(&report), wanted);

    let id = report["delivery"].as_str().expect("a delivery");
    let receipt = hub.ask(&["deliveries", "receipt", id]).json().pop().expect("a receipt");
    let told = receipt["avertissements"].as_array().expect("warnings");
    let of = |code: &str| told.iter().find(|warning| warning["code"] == code).expect("a warning");
    assert_eq!((&of("DLN0325")["nombre"], &of("DLN0325")["premier_enregistrement"]), (&2.into(), &5.into()));
    assert_eq!(of("DLN0322")["champ"], "adresse.code_postal");

    let persons = shown(&hub);
    for (name, column, text, field, code) in MISTAKES {
        let person = &persons[name];
        assert_eq!(person["doutes"], json!({ field: [code] }), "{name}");
        let stated = person["dossier"].to_string();
        assert!(text.split(',').all(|text| stated.contains(&format!("\"{text}\""))), "{column} of {name}");
    }
    assert_eq!(persons["MARTY"]["doutes"], json!({}));

    rows.push(row(98, "ROUMENS", None));
    let night = deliver(&hub, &mappings, &rows);
    assert_eq!(figures(&night, ["records", "unchanged", "persons", "events"]), [18, 17, 1, 1], "{night}");
    assert_eq!(codes(&night), <[&str; 0]>::default(), "nothing of it was read again");
    assert_eq!(shown(&hub)["BRUNEL"]["doutes"], persons["BRUNEL"]["doutes"]);
}

#[test]
fn a_doubt_is_told_again_when_its_record_changes_and_goes_when_it_is_mended() {
    let (hub, mappings) = hub();
    let of = |text: &str| vec![row(1, "BRUNEL", Some(("CP", text)))];
    assert_eq!(codes(&deliver(&hub, &mappings, &of("52100"))), ["DLN0322"]);
    assert_eq!(codes(&deliver(&hub, &mappings, &of("52200"))), ["DLN0322"]);
    let mended = deliver(&hub, &mappings, &of("52000"));
    assert_eq!((codes(&mended), figures(&mended, ["changed"])), (vec![], [1]));
    assert_eq!(shown(&hub)["BRUNEL"]["doutes"], json!({}));
}
