//! A record that could not be taken in: kept apart with its position and cause, while the rest goes on.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::code::Code;
use crate::record::Position;

/// Where on the way a record failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its bytes could not be read.
    Decode,
    /// Its mapping refused it.
    Map,
}

impl Stage {
    /// The word stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Map => "map",
        }
    }
}

/// A refused record. The original text is personal: the store seals it, Debug hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Reject {
    /// Where the record stands in its delivery.
    pub position: Position,
    /// Where it failed.
    pub stage: Stage,
    /// Why.
    pub code: Code,
    /// The canonical field concerned, if one is.
    pub field: Option<String>,
    /// What was expected and found, without any value of a person.
    pub detail: String,
    /// The record's own text, cut at 64 KiB.
    pub original: Vec<u8>,
}

impl fmt::Debug for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reject({} at record {}, {} bytes)", self.code, self.position.number, self.original.len())
    }
}
