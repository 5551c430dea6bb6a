//! What every batch of a run shares: the schema, the policies, the mapping, and where the delivery's facts come from.

use compact_str::CompactString;
use jiff::Timestamp;

use crate::canonical::Canon;
use crate::delivery::RunId;
use crate::identity::{IdentityFields, Policy};
use crate::mapping::Mapping;
use crate::merge::Precedence;
use crate::statement::Origin;

use super::repeated::Repeated;
use super::unread::Unread;

/// What it takes to say who is who and what is known of them: the same for a delivery and for a ruling.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grounds<'a> {
    pub canon: &'a Canon,
    pub precedence: &'a Precedence,
    pub identity: &'a IdentityFields,
    pub policy: &'a Policy,
    /// Origin of the facts; record and line are set per record.
    pub origin: &'a Origin,
    pub at: Timestamp,
    /// New persons are not announced one by one.
    pub first_load: bool,
    /// The rest of the delivery may show that claims are no longer stated.
    pub may_leave: bool,
    /// It should say who is absent, and cannot: some of it could not be read.
    pub unjudged: bool,
}

/// What every batch of a run shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub grounds: Grounds<'a>,
    pub mapping: &'a Mapping,
    pub run: RunId,
    /// Fields this delivery has no column for, or not all: what was known of them stays.
    pub unread: &'a Unread,
    /// What may still come of this delivery.
    pub repeated: &'a Repeated,
    /// It takes up again what this run refused: what later runs stated stays.
    pub refused_by: Option<RunId>,
}

/// An emitter of several parts as people read it.
pub(super) fn readable(emitter: &str) -> CompactString {
    emitter.chars().map(|letter| if letter == '\u{1f}' { '/' } else { letter }).collect()
}
