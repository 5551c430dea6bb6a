//! One crosswalk of the freins over all vocabularies: every row can be, and what the mappings do agrees with it.

use std::collections::BTreeSet;

use hub::mappings::{MappingFiles, PERSON_SCHEMA};
use hub::workbench::themes::{FREINS, Meaning, Tie, ties, vocabularies};
use hub_core::canonical::Canon;
use hub_core::mapping::CodeList;
use serde_json::Value as Json;

use crate::support::program::dlnuf;

fn canon() -> Canon {
    Canon::from_schema(PERSON_SCHEMA).expect("the canonical schema")
}

fn all() -> Vec<Tie> {
    ties(&canon(), FREINS).unwrap_or_else(|bad| panic!("schemas/themes/freins.csv, {bad}"))
}

/// The freins a code of a vocabulary speaks of.
fn freins(vocabulary: &str, code: &str) -> BTreeSet<&'static str> {
    let of = all().into_iter().filter(|tie| tie.vocabulary == vocabulary && tie.code == code);
    of.filter_map(|tie| tie.frein).collect()
}

/// The rules of a mapping that state freins: which, and the paths it reads.
fn rules(mapping: &str) -> Vec<(String, Vec<String>)> {
    let files = MappingFiles::built_in();
    let text = files.text(&format!("{mapping}.yaml")).expect("a mapping");
    let written: Json = serde_saphyr::from_str(text).expect("YAML");
    let fields = written.pointer("/persons/fields").and_then(Json::as_object).expect("fields");
    let paths = |rule: &Json| match rule.get("from").unwrap_or(rule) {
        Json::Array(paths) => paths.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        path => path.as_str().map(str::to_owned).into_iter().collect::<Vec<_>>(),
    };
    let of = |(field, rule): (&String, &Json)| {
        Some((field.strip_prefix("parcours.freins.")?.to_owned(), paths(rule)))
    };
    fields.iter().filter_map(of).collect()
}

#[test]
fn every_frein_is_tied_every_vocabulary_is_used_and_themes_are_the_freins() {
    let (canon, ties) = (canon(), all());
    let of_schema: BTreeSet<&str> =
        canon.fields().filter_map(|(_, field)| field.path.strip_prefix("parcours.freins.")).collect();
    for frein in &of_schema {
        assert!(ties.iter().any(|tie| tie.frein == Some(frein)), "nothing is tied to `{frein}`");
    }
    let used: BTreeSet<&str> = ties.iter().map(|tie| tie.vocabulary).collect();
    assert_eq!(used, vocabularies().into_keys().collect());
    for path in ["parcours.actions[].theme", "parcours.objectifs[].theme"] {
        let field = canon.field(canon.find(path).expect("a field"));
        let admitted = field.admitted.iter().flatten().map(String::as_str);
        assert_eq!(admitted.collect::<BTreeSet<_>>(), of_schema, "{path}");
    }
}

#[test]
fn the_mappings_read_each_code_as_the_crosswalk_does() {
    let mut read = 0;
    for (frein, paths) in rules("france-travail/usagers") {
        for path in paths {
            let contrainte = path.split_once("[code=").and_then(|(_, rest)| rest.split(']').next());
            let criterion = path.rsplit('/').next().filter(|last| last.starts_with("contrainte_"));
            let tied = match (contrainte, criterion) {
                (Some(code), _) if path.starts_with("diagnostic/") => {
                    freins("france-travail/diagnostic-v4-contrainte", code)
                }
                (_, Some(criterion)) => {
                    freins("france-travail/orientation-v1-contrainte", &format!("{criterion}=AUCUNE"))
                }
                _ => panic!("`{path}` is of no vocabulary"),
            };
            assert_eq!(tied, BTreeSet::from([frein.as_str()]), "{path}");
            read += 1;
        }
    }
    for (frein, paths) in rules("france-travail/spie-principal") {
        for path in paths {
            assert_eq!(
                freins("france-travail/extrait-spie", &path),
                BTreeSet::from([frein.as_str()]),
                "{path}"
            );
            read += 1;
        }
    }
    assert_eq!(read, 11 + 7);
}

#[test]
fn the_code_lists_say_present_and_ruled_out_as_the_crosswalk_does() {
    let files = MappingFiles::built_in();
    let list = |name: &str| {
        let text = files.text(&format!("france-travail/codes/{name}.csv")).expect("a list");
        CodeList::parse(name, text).expect("a list")
    };
    let lists = [
        list("orientationusager-v1-contrainte"),
        list("diagnosticargumente-v4-orientationusager-v1-contrainte"),
    ];
    let mut met = 0;
    for tie in all().iter().filter(|tie| tie.vocabulary == "france-travail/orientation-v1-contrainte") {
        let (_, value) = tie.code.split_once('=').expect("a criterion and its value");
        let said = if tie.meaning == Meaning::Present { "oui" } else { "non" };
        let found: Vec<&str> = lists.iter().filter_map(|list| Some(list.get(value)?.as_str())).collect();
        assert!(!found.is_empty(), "no list has `{value}`");
        assert!(found.iter().all(|found| *found == said), "`{value}`: {found:?}");
        met += 1;
    }
    assert!(met > 20, "{met}");
    let themes = list("diagnosticargumente-v4-objectif-theme");
    let tied =
        all().into_iter().filter(|tie| tie.vocabulary == "france-travail/diagnostic-v4-objectif").count();
    assert_eq!(themes.lines().len(), tied);
    for (_, code) in themes.lines() {
        let theme = themes.get(code).expect("it is there").as_str();
        assert_eq!(freins("france-travail/diagnostic-v4-objectif", code), BTreeSet::from([theme]));
    }
}

#[test]
fn a_reader_of_no_yaml_sees_the_codes_of_a_frein_in_french() {
    let logement = dlnuf(&["mapping", "themes", "logement"]);
    for said in [
        "logement",
        "DIFLOG",
        "1006  Fin de bail, expulsion (frein présent)",
        "27  Logement (selon la valeur)",
    ] {
        assert!(logement.output.contains(said), "{said}\n{}", logement.output);
    }
    assert!(!logement.output.contains("0402"));
    let json = dlnuf(&["--output", "json", "mapping", "themes"]).json();
    assert_eq!(json.len(), all().len());
    let wrong = dlnuf(&["mapping", "themes", "logemant"]);
    assert!(wrong.code == 1 && wrong.errors.contains("did you mean `logement`?"), "{}", wrong.errors);
}
