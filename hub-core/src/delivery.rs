//! A delivery is a file or pull result that arrived; a run is one attempt to process it.
//!
//! Identifiers, status words and the report a run leaves. The two words are never mixed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::code::Code;

/// A delivery's identifier, time-ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeliveryId(pub Uuid);

/// A run's identifier, time-ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub Uuid);

/// A person's identifier inside the hub, opaque, time-ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub Uuid);

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// BLAKE3 digest of a delivery's bytes, as they arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Not a digest of 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 hexadecimal digits")]
pub struct BadDigest;

impl FromStr for Digest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(BadDigest);
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            let pair = text.get(at * 2..at * 2 + 2).ok_or(BadDigest)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| BadDigest)?;
        }
        Ok(Self(bytes))
    }
}

/// Bytes that arrived and are durable in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its identifier.
    pub id: DeliveryId,
    /// The source that sent it.
    pub source: String,
    /// Digest of its bytes.
    pub digest: Digest,
    /// How many bytes.
    pub size_bytes: u64,
    /// The name it arrived under: a hint, never trusted.
    pub filename: Option<String>,
    /// When it arrived.
    pub received_at: jiff::Timestamp,
}

/// How a run ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being processed, or interrupted and to be resumed.
    Running,
    /// Everything was taken in.
    Done,
    /// Taken in, some records refused.
    DoneWithRejects,
    /// Suspicious: nothing was applied; a person decides.
    Held,
    /// Stopped on a technical error; will go on from its checkpoint.
    Halted,
    /// The same bytes were processed before: nothing to do.
    AlreadyReceived,
}

impl Status {
    /// The word stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::DoneWithRejects => "done_with_rejects",
            Self::Held => "held",
            Self::Halted => "halted",
            Self::AlreadyReceived => "already_received",
        }
    }

    /// Whether a run that stands so has ended: its delivery is taken in, or waits for a person.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::DoneWithRejects | Self::Held)
    }
}

/// What one run counted. Every figure is of records or persons, never of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Records read.
    pub records: u64,
    /// Records whose bytes were known: nothing to do.
    pub unchanged: u64,
    /// Claims read from the others.
    pub claims: u64,
    /// Persons created or changed.
    pub changed: u64,
    /// Persons created.
    pub persons: u64,
    /// Claims this emitter no longer states.
    pub gone: u64,
    /// Records refused.
    pub rejected: u64,
    /// Events announced.
    pub events: u64,
}

impl Counts {
    /// Adds another count.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.unchanged += other.unchanged;
        self.claims += other.claims;
        self.changed += other.changed;
        self.persons += other.persons;
        self.gone += other.gone;
        self.rejected += other.rejected;
        self.events += other.events;
    }
}

/// Something to tell about a run, counted by cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code.
    pub code: Code,
    /// The canonical field concerned, if one is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// What was found, without any value of a person.
    pub message: String,
    /// How often.
    pub count: u64,
    /// The first record concerned, from 1; 0 is the delivery itself.
    pub first_record: u64,
}
