//! The cases beside the mappings: an extract of invented persons, and what the mapping must make of it.
//!
//! A case enters; the differences between what was expected and what was found leave, a line each.

use hub_core::canonical::Canon;
use hub_core::mapping::Mapping;
use serde::Deserialize;
use serde_json::Value as Json;

use super::put;
use super::trial::{Trial, try_mapping};
use crate::mappings::Case;

/// A case's expectation, as written beside the mapping. What is left out is not checked, except `claims` and `rejects`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    snapshot: Option<bool>,
    records: Option<u64>,
    #[serde(default)]
    claims: Vec<Json>,
    #[serde(default)]
    diagnostics: Vec<Json>,
    #[serde(default)]
    rejects: Vec<Json>,
}

impl Expectation {
    /// Where a trial differs from the expectation, a line each; these are cases, whose persons are invented.
    pub fn differences(&self, trial: &Trial, canon: &Canon) -> Vec<String> {
        let found = trial.to_json(canon);
        let mut lines = Vec::new();
        let mut check = |name: &str, wanted: Option<Json>| {
            if let Some(wanted) = wanted {
                compare(name, &wanted, found.get(name).unwrap_or(&Json::Null), &mut lines);
            }
        };
        check("snapshot", self.snapshot.map(Json::from));
        check("records", self.records.map(Json::from));
        check("claims", Some(Json::from(self.claims.clone())));
        for (name, wanted) in [("diagnostics", &self.diagnostics), ("rejects", &self.rejects)] {
            let found = found.get(name).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
            compare(name, &in_order(wanted), &in_order(found), &mut lines);
        }
        lines
    }
}

/// Problems in a stable order: their order inside one record means nothing, nor does the mark of a repeated group.
fn in_order(problems: &[Json]) -> Json {
    let mut problems: Vec<Json> = problems.to_vec();
    for problem in &mut problems {
        if let Some(Json::String(field)) = problem.get_mut("field") {
            *field = field.replace("[]", "");
        }
    }
    problems.sort_by_key(|p| {
        let record = p.get("record").and_then(Json::as_u64);
        (record, [p.get("code"), p.get("field")].map(|t| t.map(Json::to_string)))
    });
    Json::from(problems)
}

fn compare(at: &str, wanted: &Json, found: &Json, lines: &mut Vec<String>) {
    match (wanted, found) {
        (Json::Object(w), Json::Object(f)) => {
            for name in w.keys().chain(f.keys().filter(|name| !w.contains_key(*name))) {
                let (w, f) = (w.get(name).unwrap_or(&Json::Null), f.get(name).unwrap_or(&Json::Null));
                // A problem written without its field does not say which field.
                if !(name == "field" && w.is_null()) {
                    compare(&format!("{at}.{name}"), w, f, lines);
                }
            }
        }
        (Json::Array(w), Json::Array(f)) => {
            for i in 0..w.len().max(f.len()) {
                let of = |list: &[Json]| list.get(i).cloned().unwrap_or(Json::Null);
                compare(&format!("{at}[{i}]"), &of(w), &of(f), lines);
            }
        }
        _ if wanted == found => {}
        _ => lines.push(format!("{at}: expected {wanted}, found {found}")),
    }
}

/// A trial, as [`Trial::to_json`] gives it, written as the expectation of a case. JSON is YAML, so that values need no care.
pub fn expectation(made: &Json) -> String {
    let list = |name: &str| made.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
    let none = |list: &[Json]| if list.is_empty() { " []" } else { "" };
    let records = made.get("records").unwrap_or(&Json::Null);
    let mut text = format!("records: {records}\nclaims:{}\n", none(&list("claims")));
    for claim in list("claims") {
        let fields = claim.get("fields").and_then(Json::as_object).cloned().unwrap_or_default();
        let nothing = if fields.is_empty() { " {}" } else { "" };
        let record = claim.get("record").unwrap_or(&Json::Null);
        put(&mut text, format_args!("  - record: {record}\n    fields:{nothing}\n"));
        for (field, value) in &fields {
            put(&mut text, format_args!("      {field}: {value}\n"));
        }
    }
    for name in ["diagnostics", "rejects"] {
        let found = list(name);
        put(&mut text, format_args!("{name}:{}\n", none(&found)));
        for problem in &found {
            put(&mut text, format_args!("  - {problem}\n"));
        }
    }
    text
}

/// Runs one case and tells the differences.
///
/// # Errors
/// When the expectation is not readable.
pub fn run_case(
    mapping: &Mapping,
    canon: &Canon,
    case: &Case<'_>,
) -> Result<Vec<String>, serde_saphyr::Error> {
    let expectation: Expectation = serde_saphyr::from_str(case.expected)?;
    Ok(match try_mapping(mapping, canon, case.input) {
        Ok(trial) => expectation.differences(&trial, canon),
        Err(fault) => vec![format!("the file cannot be read: {fault}")],
    })
}
