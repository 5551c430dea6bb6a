//! Numbers a source passed on: the claim that bore one before tells it no more once its record speaks by another claim.
//!
//! Statements whose number a claim of the batch bears enter; they leave with that number told by their silence. Who the two claims
//! speak of does not matter: where they are one person, the other claim states the number still; and what tells who is who stays. Pure.

use hashbrown::HashMap;

use crate::canonical::FieldId;
use crate::code::Code;
use crate::delivery::PersonId;
use crate::statement::{Origin, Statement};

use super::pairing::{Pending, Told};
use super::people::People;

/// A statement whose record speaks by another claim now, under the same numbers.
#[derive(Debug)]
pub(super) struct Passed {
    pub old: Statement,
    /// The claim that bears them now, by place.
    pub to: usize,
    pub numbers: Vec<FieldId>,
    /// Where the other says so.
    pub by: Origin,
}

/// The statements that pass numbers on, by row.
pub(super) struct Passing(HashMap<i64, Passed>);

/// Of each claim just read that bears the number of one another person had until now, what to tell; nothing where it is `told` that two
/// rows of one file bear it.
pub(super) fn told(
    passed: &[Passed],
    told: &[Told],
    (pending, persons): (&[Pending], &[Option<PersonId>]),
    people: &People,
) -> Vec<Told> {
    let until_now = passed.iter().filter(|passed| !passed.old.absent);
    let handed_on = until_now.filter_map(|passed| {
        let now = persons.get(passed.to).copied().flatten()?;
        let number = pending.get(passed.to)?.position.number;
        let news = now != people.owner(&passed.old) && !told.contains(&(Code::SharedNumber, number));
        news.then_some((Code::PassedNumber, number))
    });
    handed_on.collect()
}

impl Passing {
    pub fn of(passed: Vec<Passed>) -> Self {
        Self(passed.into_iter().filter_map(|passed| Some((passed.old.id?, passed))).collect())
    }

    /// A statement that went silent, the numbers it passes on told by its silence.
    pub fn mark(&mut self, silent: Statement) -> Statement {
        match silent.id.and_then(|id| self.0.remove(&id)) {
            Some(passed) => silent.passing_on(&passed.numbers, &passed.by),
            None => silent,
        }
    }

    /// Those that had gone silent before.
    pub fn rest(self) -> impl Iterator<Item = Statement> {
        self.0.into_values().map(|Passed { old, numbers, by, .. }| old.passing_on(&numbers, &by))
    }
}
