//! What every batch of a run shares: the schema, the policies, the mapping, and where the delivery's facts come from.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::canonical::{Canon, FieldId};
use crate::delivery::RunId;
use crate::identity::IdentityFields;
use crate::mapping::Mapping;
use crate::merge::Precedence;
use crate::statement::{Origin, Statement};

use super::repeated::Repeated;

/// What every batch of a run shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub canon: &'a Canon,
    pub precedence: &'a Precedence,
    pub identity: &'a IdentityFields,
    pub mapping: &'a Mapping,
    pub run: RunId,
    /// Origin of the delivery's facts; record and line are set per record.
    pub origin: &'a Origin,
    /// Fields this delivery has no column for: what was known of them stays.
    pub unread: &'a BTreeSet<FieldId>,
    /// It states all its emitters have: what it leaves out is gone.
    pub snapshot: bool,
    /// What is in this delivery, and what may still come of it.
    pub repeated: &'a Repeated,
    pub at: Timestamp,
    /// New persons are not announced one by one.
    pub first_load: bool,
    /// It takes up again what this run refused: what later runs stated stays.
    pub refused_by: Option<RunId>,
}

impl Context<'_> {
    /// Whether this delivery, whole, has no record that states a claim as it was.
    pub fn leaves(&self, statement: &Statement) -> bool {
        let here = |hash| self.repeated.holds(hash);
        self.snapshot
            && statement.source == self.mapping.source
            && statement.record_hash.is_some_and(|hash| !here(hash))
    }
}
