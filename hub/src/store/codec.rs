//! Domain values become what is stored: sealed payloads, keyed look-up hashes, fixed-width instants.
//!
//! A payload is bound to its row. Values are kept by field number, with the number of the [`FieldTable`] they are read by.

use std::sync::Arc;

use compact_str::CompactString;
use hub_core::canonical::{Canon, FieldReadings, FieldTable};
use hub_core::identity::IdentityKey;
use hub_core::ruling::{Absorbed, Word};
use hub_core::statement::{Origin, Stated, Statement};
use hub_core::store::{Kept, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::packing::{pack, unpack};
use super::{KNOWN_TEXT, TABLE};
use crate::seal::Seal;

/// Seals and opens; cheap to clone.
#[derive(Clone)]
pub(super) struct Codec {
    seal: Seal,
    canon: Arc<Canon>,
    table: Arc<FieldTable>,
    readings: Arc<FieldReadings>,
}

/// The row a payload is sealed for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row {
    Mark,
    /// By the look-up hash of its record: a claim may move to another person.
    Claim(i64),
    Person(Uuid),
    /// Person, sequence, when it was over.
    Version(Uuid, i64, i64),
    Event(Uuid),
    Ruling(Uuid),
    /// An event told to a profile.
    Told(Uuid),
    /// Run, record number, byte.
    Reject(Uuid, i64, i64),
}

impl Row {
    fn name(self) -> Vec<u8> {
        match self {
            Self::Mark => b"mark".to_vec(),
            Self::Claim(record) => [b"claim", &record.to_le_bytes()[..]].concat(),
            Self::Person(id) => [b"person", &id.as_bytes()[..]].concat(),
            Self::Version(id, sequence, until) => {
                [b"version", &id.as_bytes()[..], &sequence.to_le_bytes(), &until.to_le_bytes()].concat()
            }
            Self::Event(id) => [b"event", &id.as_bytes()[..]].concat(),
            Self::Ruling(id) => [b"ruling", &id.as_bytes()[..]].concat(),
            Self::Told(id) => [b"told", &id.as_bytes()[..]].concat(),
            Self::Reject(run, number, byte) => {
                [b"reject", &run.as_bytes()[..], &number.to_le_bytes(), &byte.to_le_bytes()].concat()
            }
        }
    }
}

/// A person's payload.
#[derive(Serialize)]
struct Written<'a> {
    table: u32,
    stated: &'a Stated,
}

#[derive(Deserialize)]
struct Read {
    table: u32,
    stated: Stated,
}

/// The payload of a version that is over, with what replaced it.
#[derive(Serialize)]
struct WrittenVersion<'a> {
    written: Written<'a>,
    by: &'a Origin,
}

#[derive(Deserialize)]
struct ReadVersion {
    read: Read,
    by: Origin,
}

/// A claim's payload.
#[derive(Serialize)]
struct WrittenClaim<'a> {
    record_key: &'a str,
    key: &'a str,
    written: Written<'a>,
}

#[derive(Deserialize)]
struct ReadClaim {
    record_key: CompactString,
    key: CompactString,
    read: Read,
}

/// A ruling's payload.
#[derive(Serialize, Deserialize)]
pub(super) struct RulingWords {
    pub word: Word,
    pub undone: Option<Word>,
    /// One, or none, reads as a list too.
    pub absorbed: Vec<Absorbed>,
}

/// A claim's payload, opened.
pub(super) struct Opened {
    pub record_key: CompactString,
    pub key: CompactString,
    pub stated: Stated,
}

impl Codec {
    pub(super) fn new(seal: Seal, canon: Arc<Canon>) -> Self {
        let table = Arc::new(FieldTable::of(&canon));
        let mut readings = FieldReadings::default();
        readings.learn(&canon, &table);
        Self { seal, canon, table, readings: Arc::new(readings) }
    }

    /// Name and content of the row of `store_meta` that keeps today's field table.
    pub(super) fn table(&self) -> (String, &[u8]) {
        (format!("{TABLE}{:08x}", self.table.number), self.table.paths.as_bytes())
    }

    /// Learns the field tables a store keeps.
    pub(super) fn learn(&mut self, tables: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        let mut readings = FieldReadings::default();
        for (name, paths) in tables {
            let paths = String::from_utf8(paths).ok();
            let table = paths.map(FieldTable::from_paths);
            let whole = table.filter(|table| name == format!("{TABLE}{:08x}", table.number));
            let table = whole.ok_or(StoreError::Unreadable { context: "a table of fields" })?;
            readings.learn(&self.canon, &table);
        }
        self.readings = Arc::new(readings);
        Ok(())
    }

    /// Packs and seals a text.
    pub(super) fn seal_text(&self, row: Row, clear: &[u8]) -> Vec<u8> {
        self.seal.seal(&row.name(), &pack(clear))
    }

    pub(super) fn open_text(
        &self,
        row: Row,
        sealed: &[u8],
        context: &'static str,
    ) -> Result<Vec<u8>, StoreError> {
        unpack(&self.open(row, sealed, context)?).ok_or(StoreError::Unreadable { context })
    }

    fn open(&self, row: Row, sealed: &[u8], context: &'static str) -> Result<Vec<u8>, StoreError> {
        self.seal.open(&row.name(), sealed).ok_or(StoreError::Unreadable { context })
    }

    pub(super) fn known_text(&self) -> Vec<u8> {
        self.seal.seal(&Row::Mark.name(), KNOWN_TEXT)
    }

    pub(super) fn check_known_text(&self, sealed: &[u8]) -> Result<(), StoreError> {
        let context = "the store's own mark: it was written under another key, or by a release before 0.1";
        if self.open(Row::Mark, sealed, context)? == KNOWN_TEXT {
            Ok(())
        } else {
            Err(StoreError::Unreadable { context })
        }
    }

    pub(super) fn record_index(&self, source: &str, emitter: &str, record_key: &str) -> i64 {
        self.seal.index("record", &[source, "\0", emitter, "\0", record_key].map(str::as_bytes))
    }

    pub(super) fn key_index(&self, key: &IdentityKey) -> i64 {
        self.seal.index("identity", &[&key.bytes()])
    }

    /// Nothing for a state that is kept in a claim.
    pub(super) fn seal_kept(&self, person: Uuid, kept: &Kept) -> Vec<u8> {
        match kept {
            Kept::InClaim => Vec::new(),
            Kept::Apart(stated) => self.seal_values(Row::Person(person), &self.written(stated)),
        }
    }

    pub(super) fn open_kept(&self, person: Uuid, sealed: &[u8]) -> Result<Kept, StoreError> {
        if sealed.is_empty() {
            return Ok(Kept::InClaim);
        }
        let context = "a person";
        let clear = self.open(Row::Person(person), sealed, context)?;
        let read = postcard::from_bytes(&clear).map_err(|_| StoreError::Unreadable { context })?;
        self.read(read, context).map(Kept::Apart)
    }

    pub(super) fn seal_ruling(&self, ruling: Uuid, words: &RulingWords) -> Vec<u8> {
        self.seal_values(Row::Ruling(ruling), words)
    }

    pub(super) fn open_ruling(&self, ruling: Uuid, sealed: &[u8]) -> Result<RulingWords, StoreError> {
        let context = "a ruling";
        let clear = self.open(Row::Ruling(ruling), sealed, context)?;
        postcard::from_bytes(&clear).map_err(|_| StoreError::Unreadable { context })
    }

    pub(super) fn seal_version(&self, row: Row, state: &Stated, by: &Origin) -> Vec<u8> {
        self.seal_values(row, &WrittenVersion { written: self.written(state), by })
    }

    pub(super) fn open_version(&self, row: Row, sealed: &[u8]) -> Result<(Stated, Origin), StoreError> {
        let context = "a version of a person";
        let clear = self.open(row, sealed, context)?;
        let version: ReadVersion =
            postcard::from_bytes(&clear).map_err(|_| StoreError::Unreadable { context })?;
        Ok((self.read(version.read, context)?, version.by))
    }

    /// `record` is the claim's look-up hash.
    pub(super) fn seal_claim(&self, record: i64, claim: &Statement) -> Vec<u8> {
        let Statement { record_key, key, stated, .. } = claim;
        self.seal_values(Row::Claim(record), &WrittenClaim { record_key, key, written: self.written(stated) })
    }

    pub(super) fn open_claim(&self, record: i64, sealed: &[u8]) -> Result<Opened, StoreError> {
        let context = "a claim";
        let clear = self.open(Row::Claim(record), sealed, context)?;
        let claim: ReadClaim =
            postcard::from_bytes(&clear).map_err(|_| StoreError::Unreadable { context })?;
        let stated = self.read(claim.read, context)?;
        Ok(Opened { record_key: claim.record_key, key: claim.key, stated })
    }

    fn seal_values(&self, row: Row, values: &impl Serialize) -> Vec<u8> {
        let clear = postcard::to_stdvec(values).expect("texts, numbers and lists are always writable");
        self.seal.seal(&row.name(), &clear)
    }

    fn written<'a>(&self, stated: &'a Stated) -> Written<'a> {
        Written { table: self.table.number, stated }
    }

    fn read(&self, read: Read, context: &'static str) -> Result<Stated, StoreError> {
        let reading = self.readings.of(read.table).ok_or(StoreError::Unreadable { context })?;
        Ok(Stated::read(&self.canon, reading, read.stated))
    }
}

/// An instant as a number; one past 2262, as that day.
pub(super) fn nanoseconds(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

/// Reads [`nanoseconds`].
pub(super) fn of_nanoseconds(number: i64, context: &'static str) -> Result<Timestamp, StoreError> {
    Timestamp::from_nanosecond(number.into()).map_err(|_| StoreError::Unreadable { context })
}

/// An instant as text whose order is that of time.
pub(super) fn instant(at: Timestamp) -> String {
    format!("{at:.9}")
}

/// Reads [`instant`].
pub(super) fn read_instant(text: &str, context: &'static str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { context })
}
