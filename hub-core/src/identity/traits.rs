//! What a claim tells of who it speaks of.
//!
//! The traits [`super::fields`] reads, and the keys to find others by. Debug shows sizes: every trait is a value of a person.

use std::fmt;

use compact_str::CompactString;

use super::birth::Birth;
use super::key::{IdentityKey, KeyKind};

/// An identifier somebody gives to persons: who, and the identifier. Two of one giver are two persons, as far as it knows.
pub(super) type OwnNumber = (Giver, CompactString);

/// Who numbers persons.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Giver {
    /// A source its own: by kind of number and source.
    Source(CompactString),
    /// A national system, whose numbers sources pass on.
    System(KeyKind),
}

/// The traits that tell persons apart, folded for comparison.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Traits {
    pub(super) nir: Option<CompactString>,
    /// Stated with the key that belongs to it, or certified: no character of it is wrong.
    pub(super) nir_is_sure: bool,
    /// Name at birth, then name in use.
    pub(super) names: Vec<CompactString>,
    pub(super) given: CompactString,
    pub(super) birth: Option<Birth>,
    pub(super) woman: Option<bool>,
    pub(super) birthplace: Option<Birthplace>,
    pub(super) rank: Option<i64>,
    pub(super) own: Vec<OwnNumber>,
    /// Who states it, as a number.
    pub(super) giver: u64,
    pub(super) around: Around,
    pub(super) keys: Vec<IdentityKey>,
}

/// Where somebody was born: Insee code and name, at least one of them.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Birthplace {
    pub code: CompactString,
    pub name: CompactString,
}

/// What a person shares with their household, or changes with time.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Around {
    pub postal_code: CompactString,
    pub street: CompactString,
    pub phones: Vec<CompactString>,
    pub emails: Vec<CompactString>,
    /// The household's number at its fund.
    pub household: CompactString,
}

impl fmt::Debug for Traits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Traits({} keys)", self.keys.len())
    }
}

impl Traits {
    /// The look-up keys, strongest first.
    pub fn keys(&self) -> &[IdentityKey] {
        &self.keys
    }

    /// Whether somebody is named: a claim of a number alone says nothing else.
    pub fn has_a_name(&self) -> bool {
        !self.names.is_empty() || !self.given.is_empty()
    }

    /// The 13-character NIR, unless provisional.
    pub fn nir(&self) -> Option<&str> {
        self.nir.as_deref()
    }
}
