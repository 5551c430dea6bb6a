//! Every built-in mapping compiles, every case beside it holds, every claim it makes fits the canonical schema.

use hub::mappings::{MappingFiles, PERSON_SCHEMA, is_mapping};
use hub::workbench::{run_case, try_mapping};
use hub_core::canonical::Canon;
use proptest::prelude::*;

fn canon() -> Canon {
    Canon::from_schema(PERSON_SCHEMA).expect("the canonical schema")
}

#[test]
fn every_mapping_compiles_and_has_cases() {
    let files = MappingFiles::built_in();
    let catalogue = files.compile(&canon()).expect("mappings without mistakes");
    assert!(catalogue.iter().count() >= 1);
    for mapping in catalogue.iter() {
        let cases = files.cases().filter(|case| case.mapping == mapping.id).count();
        assert!(cases >= 1, "{} has no case", mapping.id);
    }
}

#[test]
fn every_mapping_fits_the_schema_of_mappings() {
    let schema = serde_json::from_str(include_str!("../schemas/correspondance/v1.json")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let files = MappingFiles::built_in();
    for (name, text) in files.iter().filter(|(name, _)| is_mapping(name)) {
        let written: serde_json::Value = serde_saphyr::from_str(text).expect("YAML");
        let faults: Vec<String> = validator.iter_errors(&written).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
}

/// One thing done to a mapping's text: from a place (in thousandths of it), so many characters become this text.
fn damage() -> impl Strategy<Value = (usize, usize, String)> {
    let words = prop::sample::select(vec![
        "",
        " ",
        "\n",
        "  ",
        "-",
        ":",
        "[",
        "]",
        "{",
        "'",
        "\"",
        "|",
        "&a",
        "*a",
        "é",
        "🙂",
        "from",
        "type: date",
        "each: X",
        "when: a = ",
        "../..",
        "/",
        "@",
        "codes: nowhere",
        "0",
        "null",
        "~",
        "- - -",
        "#",
    ]);
    (0..1_000_usize, 0..40_usize, words.prop_map(str::to_owned))
}

fn damaged(text: &str, damages: &[(usize, usize, String)]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (place, count, instead) in damages {
        let from = letters.len() * place / 1_000;
        let to = (from + count).min(letters.len());
        letters.splice(from..to, instead.chars());
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// A damaged mapping is a mapping still, or is refused by diagnostics whose spans lie in its text. Never a panic.
    #[test]
    fn a_damaged_mapping_is_refused_with_diagnostics_inside_it(
        which in 0..100_usize,
        damages in prop::collection::vec(damage(), 1..4),
    ) {
        let (canon, files) = (canon(), MappingFiles::built_in());
        let mappings: Vec<(&str, &str)> = files.iter().filter(|(name, _)| is_mapping(name)).collect();
        let (name, text) = mappings[which % mappings.len()];
        let text = damaged(text, &damages);
        match files.compile_one(name, &text, &canon) {
            Ok(mapping) => {
                let case = files.cases().find(|case| name.starts_with(&case.mapping)).expect("a case");
                let _ = try_mapping(&mapping, &canon, case.input);
            }
            Err(mistakes) => {
                prop_assert!(!mistakes.is_empty());
                for mistake in mistakes {
                    prop_assert!(mistake.text.get(mistake.diagnostic.span.clone()).is_some(), "{mistake:?}");
                }
            }
        }
    }
}

#[test]
fn every_case_holds() {
    let (canon, files) = (canon(), MappingFiles::built_in());
    let catalogue = files.compile(&canon).expect("mappings without mistakes");
    let mut failures = Vec::new();
    for case in files.cases() {
        let mapping = catalogue.named(&case.mapping).expect("a case belongs to a mapping");
        let differences = run_case(&mapping, &canon, &case).expect("a readable expectation");
        failures.extend(differences.into_iter().map(|line| format!("{}: {line}", case.name)));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_claim_of_every_case_fits_the_canonical_schema() {
    let (canon, files) = (canon(), MappingFiles::built_in());
    let catalogue = files.compile(&canon).expect("mappings without mistakes");
    let schema: serde_json::Value = serde_json::from_str(PERSON_SCHEMA).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let mut claims = 0;
    for case in files.cases() {
        let mapping = catalogue.named(&case.mapping).expect("a case belongs to a mapping");
        let Ok(trial) = try_mapping(&mapping, &canon, case.input) else { continue };
        for (record, claim) in &trial.claims {
            let json = canon.to_json(&claim.fields);
            let faults: Vec<String> =
                validator.iter_errors(&json).map(|e| e.instance_path().to_string()).collect();
            // An unknown code is kept as stated and reported: the one thing a claim may hold outside an enumeration.
            let reported = trial
                .remarks
                .iter()
                .any(|(at, code, _)| at == record && *code == hub_core::code::Code::UnknownCode);
            assert!(faults.is_empty() || reported, "{} record {record}: {faults:?}", case.name);
            claims += 1;
        }
    }
    assert!(claims > 0);
}
