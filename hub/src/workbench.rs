//! Tries a mapping on bytes without any store: what the integrator's commands and the cases share.
//!
//! Bytes and a mapping enter; claims, refused records and remarks leave, in record order.

use std::io::Cursor;

use connectors::BuiltIn;
use hub_core::canonical::Canon;
use hub_core::claim::{Claim, Mapped, Refusal};
use hub_core::clock::Clock as _;
use hub_core::code::Code;
use hub_core::connector::{Accents, Dialect, Fault, Formats, Frames};
use hub_core::mapping::{Envelope, Mapping};
use hub_core::record::Record;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use crate::clock::MachineClock;
use crate::mappings::Case;

/// Records and bytes of a batch.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 4 << 20;

/// What a mapping makes of a file.
#[derive(Debug, Default)]
pub struct Trial {
    /// What the header says.
    pub envelope: Envelope,
    /// Records read.
    pub records: u64,
    /// Columns the mapping reads that the header does not have.
    pub unread: Vec<String>,
    /// Claims with the number of their record.
    pub claims: Vec<(u64, Claim)>,
    /// Remarks: record, code, field.
    pub remarks: Vec<(u64, Code, Option<String>)>,
    /// Refused records: record, code, field.
    pub rejects: Vec<(u64, Code, Option<String>)>,
}

/// Runs a mapping over a file's bytes.
///
/// # Errors
/// The fault that makes the whole file unreadable.
pub fn try_mapping(mapping: &Mapping, canon: &Canon, bytes: &[u8]) -> Result<Trial, Fault> {
    let tried = try_as(&mapping.dialect, mapping, canon, bytes);
    let foreign = Accents::are_foreign(tried.as_ref().map(|(_, accents)| *accents));
    let windows = mapping.dialect.of_windows().filter(|_| foreign);
    // As a delivery is surveyed.
    match windows.map(|dialect| try_as(&dialect, mapping, canon, bytes)) {
        Some(Ok((trial, accents))) if !accents.other => Ok(trial),
        _ => tried.map(|(trial, _)| trial),
    }
}

fn try_as(
    dialect: &Dialect,
    mapping: &Mapping,
    canon: &Canon,
    bytes: &[u8],
) -> Result<(Trial, Accents), Fault> {
    let today: String = MachineClock.now().to_string().chars().take(10).collect();
    let mut opened = BuiltIn.open(Box::new(Cursor::new(bytes.to_vec())), dialect)?;
    let mut accents = opened.columns.as_deref().map(Accents::of_header).unwrap_or_default();
    let mut trial = Trial { envelope: mapping.envelope(opened.framer.header()), ..Trial::default() };
    let unread = opened.columns.as_deref().map(|header| mapping.unread(header)).unwrap_or_default();
    trial.unread = unread.into_iter().flat_map(|unread| unread.columns).map(str::to_owned).collect();
    let (mut frames, mut record) = (Frames::default(), Record::default());
    loop {
        opened.framer.next_batch(&mut frames, BATCH, BATCH_BYTES)?;
        if frames.frames.is_empty() {
            return Ok((trial, accents));
        }
        accents.see(&frames);
        for frame in &frames.frames {
            trial.records += 1;
            let number = frame.position.number;
            let decoded = match &frame.fault {
                Some(fault) => Err(fault.clone()),
                None => opened.decoder.decode(frames.bytes_of(frame), &mut record),
            };
            match decoded {
                Ok(()) => trial.take(canon, number, mapping.map(&record, &today)),
                Err(fault) => trial.rejects.push((number, fault.code, None)),
            }
        }
    }
}

impl Trial {
    fn take(&mut self, canon: &Canon, number: u64, mapped: Result<Mapped, Refusal>) {
        let path = |field| canon.field(field).path.clone();
        match mapped {
            Ok(mapped) => {
                self.claims.extend(mapped.claims.into_iter().map(|claim| (number, claim)));
                self.remarks.extend(mapped.remarks.iter().map(|r| (number, r.code, r.field.map(path))));
            }
            Err(refusal) => self.rejects.push((number, refusal.code, refusal.field.map(path))),
        }
    }

    /// The trial in the shape of a case's expectation.
    pub fn to_json(&self, canon: &Canon) -> Json {
        let problem = |(record, code, field): &(u64, Code, Option<String>)| {
            let mut object =
                Map::from_iter([("record".to_owned(), json!(record)), ("code".to_owned(), json!(code))]);
            object.extend(field.as_ref().map(|field| ("field".to_owned(), json!(field))));
            Json::Object(object)
        };
        let claim = |(record, claim): &(u64, Claim)| {
            let fields =
                claim.fields.iter().map(|(id, value)| (canon.field(*id).path.clone(), value.to_json(canon)));
            json!({ "record": record, "fields": fields.collect::<Map<_, _>>() })
        };
        json!({
            "snapshot": self.envelope.snapshot,
            "records": self.records,
            "unread_columns": self.unread,
            "claims": self.claims.iter().map(claim).collect::<Vec<_>>(),
            "diagnostics": self.remarks.iter().map(problem).collect::<Vec<_>>(),
            "rejects": self.rejects.iter().map(problem).collect::<Vec<_>>(),
        })
    }
}

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
