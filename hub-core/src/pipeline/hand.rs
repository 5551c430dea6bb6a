//! What is at hand to say who is who: persons the store was asked for, and what was asked and ruled about them.

use crate::delivery::PersonId;
use crate::identity::IdentityKey;
use crate::ruling::{Absorbed, Question, Ruled};
use crate::store::KnownPerson;

/// What is at hand to say who is who.
#[derive(Default)]
pub(super) struct Hand {
    /// The keys the store was asked for, sorted.
    pub looked_up: Vec<IdentityKey>,
    /// Who bears them; nobody, for those too many bear.
    pub candidates: Vec<(IdentityKey, PersonId)>,
    /// Keys that more bear than anybody would compare.
    pub crowded: Vec<IdentityKey>,
    pub known: Vec<KnownPerson>,
    pub bench: Bench,
}

/// What was asked and ruled about the persons at hand.
#[derive(Default)]
pub(super) struct Bench {
    pub questions: Vec<Question>,
    pub ruled: Vec<Ruled>,
    /// Persons a ruling had absorbed and no longer does, with the claims they had.
    pub restored: Vec<Absorbed>,
    /// Persons to hear although none of their claims says anything new.
    pub summoned: Vec<PersonId>,
    /// Each of them by itself: they were summoned for no reason they share.
    pub one_by_one: bool,
    /// Who stays who they were, as claims of theirs are parted or come back.
    pub stays: Option<Stays>,
}

/// Who stays who they were, whatever their oldest claim becomes.
#[derive(Debug)]
pub(super) struct Stays {
    pub person: PersonId,
    /// Claims just said to be another's.
    pub apart: Vec<i64>,
    /// Claims said to be another's until now: whoever else has them had others before.
    pub again: Vec<i64>,
}
