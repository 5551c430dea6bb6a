//! What every batch of a run shares: the schema, the policies, the mapping, and where the delivery's facts come from.

use jiff::Timestamp;

use crate::canonical::Canon;
use crate::delivery::RunId;
use crate::identity::IdentityFields;
use crate::mapping::Mapping;
use crate::merge::Precedence;
use crate::statement::Origin;

use super::repeated::Repeated;
use super::unread::Unread;

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
    /// Fields this delivery has no column for, or not all: what was known of them stays.
    pub unread: &'a Unread,
    /// It is at its end: nothing waits any more.
    pub ended: bool,
    /// It should say who is absent, and cannot: some of it could not be read.
    pub unjudged: bool,
    /// What may still come of this delivery.
    pub repeated: &'a Repeated,
    pub at: Timestamp,
    /// New persons are not announced one by one.
    pub first_load: bool,
    /// It takes up again what this run refused: what later runs stated stays.
    pub refused_by: Option<RunId>,
}

impl Context<'_> {
    /// Whether the rest of the delivery may show that claims are no longer stated.
    pub fn may_leave(&self) -> bool {
        !self.ended && self.refused_by.is_none()
    }
}
