//! Tries a mapping on bytes without any store: what the integrator's commands and the cases share.
//!
//! Bytes and a mapping enter; claims, refused records and remarks leave, in record order.

use std::io::Cursor;

use hub_core::canonical::Canon;
use hub_core::claim::{Claim, Mapped, Refusal};
use hub_core::clock::Clock as _;
use hub_core::code::Code;
use hub_core::connector::Fault;
use hub_core::mapping::{Envelope, Mapping, Watch};
use serde_json::{Map, Value as Json, json};

use super::reading::Reading;
use crate::clock::MachineClock;

/// What a mapping makes of a file.
#[derive(Debug, Default)]
pub struct Trial {
    /// What the header says.
    pub envelope: Envelope,
    /// Records read.
    pub records: u64,
    /// Another encoding than the mapping says, when the file is found to be in that one.
    pub read_as: Option<String>,
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
    watch_mapping(mapping, canon, bytes, &mut ())
}

/// As [`try_mapping`], each branch a rule takes told to `watch`.
///
/// # Errors
/// The fault that makes the whole file unreadable.
pub fn watch_mapping<W: Watch>(
    mapping: &Mapping,
    canon: &Canon,
    bytes: &[u8],
    watch: &mut W,
) -> Result<Trial, Fault> {
    let today: String = MachineClock.now().to_string().chars().take(10).collect();
    let mut reading = Reading::open(mapping, &|| Ok(Box::new(Cursor::new(bytes.to_vec()))))?;
    let mut trial = Trial { envelope: mapping.envelope(reading.header()), ..Trial::default() };
    let found = &reading.dialect.encoding;
    trial.read_as = found.clone().filter(|_| *found != mapping.dialect.encoding);
    let unread = reading.columns().map(|header| mapping.unread(header)).unwrap_or_default();
    trial.unread = unread.into_iter().flat_map(|unread| unread.columns).map(str::to_owned).collect();
    while let Some((number, decoded)) = reading.next()? {
        trial.records += 1;
        match decoded {
            Ok(record) => trial.take(canon, number, mapping.map_watched(record, &today, watch)),
            Err(fault) => trial.rejects.push((number, fault.code, None)),
        }
    }
    Ok(trial)
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

    /// Leaves one record alone.
    #[must_use]
    pub fn only(mut self, record: u64) -> Self {
        self.claims.retain(|(of, _)| *of == record);
        self.remarks.retain(|(of, ..)| *of == record);
        self.rejects.retain(|(of, ..)| *of == record);
        self
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
            "read_as": self.read_as,
            "unread_columns": self.unread,
            "claims": self.claims.iter().map(claim).collect::<Vec<_>>(),
            "diagnostics": self.remarks.iter().map(problem).collect::<Vec<_>>(),
            "rejects": self.rejects.iter().map(problem).collect::<Vec<_>>(),
        })
    }
}
