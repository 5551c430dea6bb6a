//! Map's noun: what one source states of one person.
//!
//! A record may yield several claims (a CAF dossier is a household). A claim knows its fields in canonical form; where it was
//! stated is the record's matter, kept once for all of them.

use std::fmt;

use compact_str::CompactString;

use crate::canonical::{FieldId, FieldValues, Value};
use crate::code::Code;

/// What one record states of one person.
#[derive(Clone, PartialEq, Eq)]
pub struct Claim {
    /// Tells the persons of one record apart; empty when a record is one person. Holds personal text: never log it.
    pub key: CompactString,
    /// Canonical values, sorted by field.
    pub fields: FieldValues,
    /// Fields whose text was there and could not be read: nothing is known to have changed.
    pub unreadable: Vec<FieldId>,
}

impl Claim {
    /// The value of a field, if stated.
    pub fn get(&self, field: FieldId) -> Option<&Value> {
        self.fields
            .binary_search_by_key(&field, |(id, _)| *id)
            .ok()
            .and_then(|at| self.fields.get(at))
            .map(|(_, value)| value)
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claim({} fields)", self.fields.len())
    }
}

/// What a mapping made of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// Identifies the record inside its emitter, for as long as the institution keeps it.
    pub key: CompactString,
    /// Who inside the source states it (a CAF, a département): absence is judged inside one emitter.
    pub emitter: CompactString,
    /// The date its facts are valid at, `YYYY-MM-DD`, when the record says so itself.
    pub as_of: Option<CompactString>,
    /// One claim per person.
    pub claims: Vec<Claim>,
    /// Values that were dropped or kept with a doubt.
    pub remarks: Vec<Remark>,
}

/// A value problem that did not cost the record. Names the field, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remark {
    /// What is wrong.
    pub code: Code,
    /// The canonical field concerned.
    pub field: Option<FieldId>,
    /// Line of the rule in the mapping file.
    pub rule_line: u32,
}

/// Why a whole record was refused by its mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub code: Code,
    /// The canonical field concerned.
    pub field: Option<FieldId>,
    /// Line of the rule in the mapping file.
    pub rule_line: u32,
}
