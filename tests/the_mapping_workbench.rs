//! The mapping workbench as its users type it: coverage, impact, pages, skeletons; what may leave and what may not.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::support::program::{Ended, command, dlnuf};

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn at<'j>(value: &'j Json, pointer: &str) -> &'j Json {
    value.pointer(pointer).unwrap_or_else(|| panic!("`{pointer}` in {value}"))
}

/// The mappings of the program in a folder, with one change: `from` is `to` in the CAF's mapping.
fn changed(folder: &Path, from: &str, to: &str) -> PathBuf {
    let mappings = folder.join("mappings");
    assert_eq!(dlnuf(&["mapping", "export", text(&mappings)]).code, 0);
    let file = mappings.join("caf/vrsb0801.yaml");
    let before = fs::read_to_string(&file).expect("a mapping");
    assert!(before.contains(from), "{from}");
    fs::write(&file, before.replace(from, to)).expect("written");
    mappings
}

/// A hub with one CAF night of synthetic households.
fn hub(folder: &Path) -> PathBuf {
    let synth = dlnuf(&["synth", "--households", "120", "--seed", "5", "--night", "1", text(folder)]);
    assert_eq!(synth.code, 0, "{}", synth.errors);
    let (home, extract) = (folder.join("hub"), folder.join("caf-vrsb0801-n1.xml"));
    let delivered = dlnuf(&["--home", text(&home), "deliver", "caf", text(&extract)]);
    assert!([0, 3].contains(&delivered.code), "{}{}", delivered.output, delivered.errors);
    home
}

fn impact(home: &Path, mappings: &Path, more: &[&str]) -> Ended {
    let arguments =
        ["--home", text(home), "--mappings", text(mappings), "--output", "json", "mapping", "impact"];
    dlnuf(&[&arguments[..], more].concat())
}

#[test]
fn coverage_names_what_no_case_goes_through_and_fails_under_a_floor() {
    let covered = dlnuf(&["--output", "json", "mapping", "test", "--coverage", "caf/vrsb0801"]);
    assert_eq!(covered.code, 0, "{}", covered.errors);
    let report = covered.json().remove(0);
    assert_eq!(at(&report, "/mapping"), "caf/vrsb0801");
    let percent = at(&report, "/percent").as_u64().expect("a number");
    assert!((1..=100).contains(&percent));
    let floor = (percent + 1).min(100).to_string();
    let under = dlnuf(&["mapping", "test", "--coverage", "caf/vrsb0801", "--min", &floor]);
    assert_eq!(under.code, if percent == 100 { 0 } else { 5 });
    assert_eq!(dlnuf(&["mapping", "test", "--coverage", "caf/vrsb0801", "--min", "1"]).code, 0);
}

#[test]
fn a_condition_on_what_reads_a_piece_holds_for_each_piece_and_one_that_is_missing_costs_the_record() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("essai")).expect("a folder");
    let mapping = r#"mapping: essai/liste
version: "1"
source: essai
title: Essai
format: {csv: {}}
detect: [{columns: [Nom, Rome]}]
record: {key: [Nom]}
persons:
  fields:
    identite.nom_usage: Nom
    identite.date_naissance: Naissance
    parcours.metiers:
      from: Rome
      split: "|"
      as: rome
      do: ["pattern_or_bracketed('A9999')"]
      fields:
        appellation: {from: Rome, do: ["before_last('(')"], when: "Public = 'oui'", missing: reject}
"#;
    fs::write(folder.path().join("essai/liste.yaml"), mapping).expect("written");
    let file = folder.path().join("liste.csv");
    let rows = "Nom,Naissance,Public,Rome\nUN,1990-02-03,oui,Cuisine (G1602)|Salle (G1803)\nDEUX,1990-02-04,non,Cuisine (G1602)\n\
TROIS,1990-02-05,oui,Cuisine (G1602)|(G1803)\n";
    fs::write(&file, rows).expect("written");
    let mappings = text(folder.path());
    let tried = dlnuf(&["--mappings", mappings, "--output", "json", "mapping", "try", "essai", text(&file)]);
    let answer: Json = serde_json::from_str(&tried.output).expect("JSON");
    let jobs = |claim: usize| at(&answer, &format!("/claims/{claim}/fields/parcours.metiers")).to_string();
    assert_eq!(
        [jobs(0), jobs(1)],
        [
            r#"[{"appellation":"Cuisine","rome":"G1602"},{"appellation":"Salle","rome":"G1803"}]"#,
            r#"[{"rome":"G1602"}]"#
        ]
    );
    let rejects = at(&answer, "/rejects").as_array().expect("a list");
    assert_eq!(rejects.len(), 1, "{answer}");
    assert_eq!((at(&rejects[0], "/code"), at(&rejects[0], "/record")), (&"DLN0301".into(), &3.into()));
}

#[test]
fn a_rule_no_case_fills_is_told_with_its_line_and_a_column_nobody_reads_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let case = folder.path().join("essai/cases/liste/un");
    fs::create_dir_all(&case).expect("a folder");
    let mapping = "mapping: essai/liste\nversion: \"1\"\nsource: essai\nformat: {csv: {}}\nrecord: {key: [NIR]}\npersons:\n  fields:\n    \
identite.nir: NIR\n    identite.nom_usage: {from: [Nom, Nom usuel], when: \"present(Nom) or present(Autre)\"}\n    adresse.commune: Ville\n";
    fs::write(folder.path().join("essai/liste.yaml"), mapping).expect("written");
    fs::write(case.join("input.csv"), "NIR;Nom;Couleur\n1900501001001;FICTIF;bleu\n").expect("written");
    fs::write(case.join("expected.yaml"), "records: 1\n").expect("written");
    let covered =
        dlnuf(&["--mappings", text(folder.path()), "--output", "json", "mapping", "test", "--coverage"]);
    let report = covered.json().remove(0);
    let untouched: Vec<String> = at(&report, "/untouched")
        .as_array()
        .expect("a list")
        .iter()
        .map(|u| format!("{} {}", at(u, "/line"), at(u, "/what").as_str().expect("a text")))
        .collect();
    assert_eq!(
        untouched,
        [
            "9 `when` always holds",
            "9 the 2nd path is never used",
            "9 the 2nd term of `or` in `when` never holds",
            "10 never gives a value"
        ]
    );
    assert_eq!(at(&report, "/unread"), &serde_json::json!(["Couleur"]));
    assert_eq!((at(&report, "/rules/done"), at(&report, "/rules/of")), (&Json::from(2), &Json::from(3)));
}

#[test]
fn impact_counts_what_a_changed_mapping_changes_tells_the_events_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = hub(folder.path());
    let before = dlnuf(&["--home", text(&home), "--output", "json", "events", "tail"]).output;
    let mappings = changed(folder.path(), "    identite.nom_usage: Identification/NOM\n", "");
    let told = impact(&home, &mappings, &[]);
    assert_eq!(told.code, 0, "{}", told.errors);
    let one = told.json().remove(0);
    assert_eq!(at(&one, "/differs"), &Json::Bool(true));
    let removed = at(&one, "/fields/identite.nom_usage/removed").as_u64().expect("a number");
    assert!(removed > 0);
    assert_eq!(
        at(&one, "/fields").as_object().map(serde_json::Map::len),
        Some(1),
        "nothing else changes: {one}"
    );
    let events: u64 =
        at(&one, "/rehearsal/events").as_object().expect("kinds").values().filter_map(Json::as_u64).sum();
    assert!(events > 0, "{one}");
    assert_eq!(impact(&home, &mappings, &["--check"]).code, 5);
    let after = dlnuf(&["--home", text(&home), "--output", "json", "events", "tail"]).output;
    assert_eq!(before, after, "nothing is written");
}

#[test]
fn impact_tells_records_newly_refused_by_number_and_no_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = hub(folder.path());
    let from = "identite.rang_naissance: Identification/RGNAI";
    let to = "identite.rang_naissance: {from: Identification/NOWHERE, missing: reject}";
    let told = impact(&home, &changed(folder.path(), from, to), &["caf/vrsb0801"]);
    let one = told.json().remove(0);
    let refused = at(&one, "/newly_refused/DLN0301 identite.rang_naissance");
    assert!(at(refused, "/count").as_u64() > Some(100), "{one}");
    assert_eq!(at(refused, "/records").as_array().map(Vec::len), Some(5));
    let extract = fs::read(folder.path().join("caf-vrsb0801-n1.xml")).expect("an extract");
    let extract = String::from_utf8_lossy(&extract);
    let names = extract.split("<NOMNAI>").skip(1).filter_map(|rest| rest.split('<').next());
    let names: Vec<&str> = names.filter(|name| name.len() > 3).collect();
    assert!(names.len() > 100);
    for name in names {
        assert!(!told.output.contains(name), "a value of a person was told");
    }
}

#[test]
fn impact_of_the_same_mappings_is_nothing_and_of_none_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = hub(folder.path());
    let mappings = changed(folder.path(), "title: B", "title: B");
    let same = impact(&home, &mappings, &["--check"]);
    assert_eq!(same.code, 0, "{}", same.errors);
    assert_eq!(at(&same.json().remove(0), "/differs"), &Json::Bool(false));
    assert_eq!(impact(&home, &mappings, &["--against", "as-run", "--check"]).code, 0);
    assert_eq!(dlnuf(&["--home", text(&home), "mapping", "impact"]).code, 1, "nothing to compare");
    let nowhere = folder.path().join("nowhere");
    assert_eq!((impact(&nowhere, &mappings, &[]).code, nowhere.exists()), (1, false), "no store is made");
}

#[test]
fn pages_are_french_unless_another_language_is_set() {
    let page = |locale: &str| {
        let mut command = command();
        for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
            command.env_remove(name);
        }
        let ended = command
            .env("LANG", locale)
            .args(["mapping", "docs", "caf/vrsb0801"])
            .output()
            .expect("it starts");
        String::from_utf8(ended.stdout).expect("text")
    };
    for locale in ["fr_FR.UTF-8", "C.UTF-8", ""] {
        assert!(page(locale).contains("## Ce qui n'est jamais lu"), "{locale}");
    }
    assert!(page("en_GB.UTF-8").contains("## What is never read"));
}

#[test]
fn every_mapping_has_a_page_that_needs_nothing_from_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let to = folder.path().join("pages");
    assert_eq!(dlnuf(&["mapping", "docs", "--html", "--to", text(&to)]).code, 0);
    let pages: Vec<_> = fs::read_dir(&to).expect("a folder").flatten().collect();
    let mappings = dlnuf(&["--output", "json", "mapping", "test", "--coverage"]).json().len();
    assert_eq!(pages.len(), mappings);
    for page in pages {
        let html = fs::read_to_string(page.path()).expect("a page");
        assert!(!["http:", "https:", "src=", "@import", "url("].iter().any(|outside| html.contains(outside)));
    }
}

#[test]
fn a_skeleton_passes_lint_reads_its_sample_and_holds_none_of_its_values() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mappings, sample) = (folder.path().join("mappings"), folder.path().join("extrait.csv"));
    let rows = "Dossier n°;Nom;Prénom;Date de naissance;Mail;Avis\n\
CANARI-7;CANARINOM;CANARIPRENOM;04/05/1987;canari@example.org;CANARIAVIS\n";
    fs::write(&sample, rows).expect("written");
    let with = ["--mappings", text(&mappings), "mapping"];
    let made = dlnuf(&[&with[..], &["new", "essai/flux", "--from", text(&sample), "--case"]].concat());
    assert_eq!(made.code, 0, "{}", made.errors);
    assert_eq!(dlnuf(&[&with[..], &["lint"]].concat()).code, 0);
    assert_eq!(dlnuf(&[&with[..], &["try", "essai/flux", text(&sample)]].concat()).code, 0);
    assert_eq!(dlnuf(&[&with[..], &["test"]].concat()).code, 0);
    let mut written = made.output;
    for file in ["flux.yaml", "cases/flux/exemple/input.csv", "cases/flux/exemple/expected.yaml"] {
        written += &fs::read_to_string(mappings.join("essai").join(file)).expect("a file");
    }
    assert!(!["CANARI", "canari", "1987"].iter().any(|value| written.contains(value)), "{written}");
    let again = dlnuf(&[&with[..], &["new", "essai/flux", "--from", text(&sample)]].concat());
    assert_eq!(again.code, 1, "a mapping that is there is not written over");
    assert_eq!(dlnuf(&["mapping", "new", "../flux", "--from", text(&sample)]).code, 1);
}

/// The mistakes `lint` tells of a folder: file, code, and what is underlined.
fn linted(mappings: &Path) -> Vec<[String; 3]> {
    let linted = dlnuf(&["--output", "json", "--mappings", text(mappings), "mapping", "lint"]);
    assert_eq!(linted.code, 5, "{}", linted.errors);
    let told = |mistake: &Json| {
        let of = |name: &str| at(mistake, name).as_str().expect("a text").to_owned();
        let place =
            |name: &str| usize::try_from(at(mistake, name).as_u64().expect("a place")).expect("small");
        let file = fs::read_to_string(mappings.join(of("/file"))).expect("the file");
        [of("/file"), of("/code"), file[place("/from")..place("/to")].to_owned()]
    };
    linted.json().iter().map(told).collect()
}

#[test]
fn a_wrong_code_list_is_told_once_and_where_it_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let mappings = changed(folder.path(), "record:", "record:");
    let list = mappings.join("caf/codes/civilite.csv");
    let codes = fs::read_to_string(&list).expect("a list");
    fs::write(&list, format!("\u{feff}{codes}XX;personne;X\nYY;personne;Y\n")).expect("written");
    let wrong = ["caf/codes/civilite.csv", "DLN0409", "XX;personne;X"].map(str::to_owned);
    assert_eq!(linted(&mappings), [wrong]);
}

#[test]
fn a_key_that_is_missing_is_not_told_to_be_unreadable_yaml() {
    let folder = tempfile::tempdir().expect("a folder");
    let mappings = changed(folder.path(), "\nrecord:", "\nrecrod:");
    let codes: Vec<String> = linted(&mappings).into_iter().map(|[_, code, _]| code).collect();
    assert!(codes.contains(&"DLN0417".to_owned()) && !codes.contains(&"DLN0401".to_owned()), "{codes:?}");
}

#[test]
fn a_try_tells_the_encoding_found_and_is_written_as_what_a_case_expects() {
    let folder = tempfile::tempdir().expect("a folder");
    let mappings = changed(folder.path(), "record:", "record:");
    let case = mappings.join("departement/cases/rdv-insertion/essai");
    fs::create_dir_all(&case).expect("a folder");
    let input = case.join("input.csv");
    let rows = "Pr\u{e9}nom b\u{e9}n\u{e9}ficiaire;Nom b\u{e9}n\u{e9}ficiaire;Date de Naissance;NIR\n\
        Zo\u{e9};FICTIVE;04/05/1990;\nNo\u{eb}l;FICTIF;05/06/1991;12\n;SANS PR\u{c9}NOM;05/06/1991;\n";
    let latin: Vec<u8> = rows.chars().map(|c| u8::try_from(u32::from(c)).expect("of Latin-1")).collect();
    fs::write(&input, latin).expect("written");
    let tried = |more: &[&str]| {
        let arguments =
            ["--mappings", text(&mappings), "mapping", "try", "departement/rdv-insertion", text(&input)];
        dlnuf(&[&arguments[..], more].concat())
    };
    let told = tried(&[]);
    assert_eq!(told.code, 3, "{}", told.errors);
    assert!(told.errors.contains("DLN0120"), "{}", told.errors);
    assert_eq!(at(&serde_json::from_str(&told.output).expect("JSON"), "/read_as"), "windows-1252");
    let second = tried(&["--record", "2"]).output;
    assert!(second.contains("FICTIF") && !second.contains("FICTIVE"), "{second}");
    fs::write(case.join("expected.yaml"), tried(&["--expected"]).output).expect("written");
    let tested = dlnuf(&["--mappings", text(&mappings), "mapping", "test", "departement/rdv-insertion"]);
    assert_eq!(tested.code, 0, "{}", tested.output);
    assert!(tested.output.contains("ok   departement/cases/rdv-insertion/essai"), "{}", tested.output);
}
