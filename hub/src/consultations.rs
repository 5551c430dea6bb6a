//! Consultations: who asked about whom, when, and what for. Kept of every one, also of those refused (CJEU C-579/21; CNIL 2021-122).
//!
//! A consultation enters the ledger under its subscriber, in the order of time, before anybody is looked for; what was answered is written
//! into it before it is shown. Whether one more is allowed leaves. No value that was asked by is kept.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use hub_core::clock::Clock;
use hub_core::delivery::PersonId;
use hub_core::ledger::Book;
use hub_core::store::{Store, StoreError};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

const CONSULTATIONS: Book<Consultation> = Book::named("consultations");
/// The day a subscriber was last refused.
const REFUSALS: Book<Date> = Book::named("consultations-refusees");
/// Nothing is answered yet.
const OPEN: &str = "en_cours";
/// It was not entitled to ask, or not any more that day.
pub const REFUSED: &str = "refusee";
/// What subscribers took of the number they may have.
const TAKEN: Book<Taken> = Book::named("consultations-comptees");
/// Seconds counted as one: what was taken comes back a day after the last of its ten minutes.
const SPAN: i64 = 600;
/// Of which a day has so many.
const SPANS: i64 = 24 * 3_600 / SPAN;
/// How long they are kept: a year (CASF R. 262-107).
const KEPT: Duration = Duration::from_hours(24 * 365);
/// Consultations looked at at once.
const PAGE: u32 = 1_000;

/// A consultation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consultation {
    /// When.
    pub at: Timestamp,
    /// What it was asked by: `nir` or `traits`.
    pub by: String,
    /// What was answered: `une`, `aucune`, `plusieurs`, `refusee`; `en_cours` until then.
    pub answer: String,
    /// Who was shown, as the hub knows the person.
    pub person: Option<PersonId>,
    /// What for, as the subscription says.
    pub purpose: String,
}

/// How many were taken, by ten minutes since the epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Taken(Vec<(i64, u32)>);

/// Opens a consultation; under which entry it is kept.
///
/// # Errors
/// When the store fails: then nobody may be looked for.
pub async fn open(
    store: &dyn Store,
    clock: &dyn Clock,
    (subscriber, by, purpose): (&str, &str, &str),
) -> Result<String, StoreError> {
    let entry = format!("{subscriber}/{}", clock.mint());
    let (by, purpose) = (by.to_owned(), purpose.to_owned());
    let asked = Consultation { at: clock.now(), by, answer: OPEN.to_owned(), person: None, purpose };
    CONSULTATIONS.claim(store, &entry, &asked).await?;
    Ok(entry)
}

/// Writes what is answered.
///
/// # Errors
/// When the store fails: then nothing may be shown.
pub async fn answer(
    store: &dyn Store,
    entry: &str,
    (answer, person): (&str, Option<PersonId>),
) -> Result<(), StoreError> {
    let Some(asked) = CONSULTATIONS.read(store, entry).await? else { return Err(StoreError::Conflict) };
    let answered = Consultation { answer: answer.to_owned(), person, ..asked };
    CONSULTATIONS.change(store, entry, |_| answered.clone()).await.map(|_| ())
}

/// Takes one consultation of the `most` a subscriber may have within twenty-four hours; whether there was one left. Those who ask at the
/// same time, of several hubs too, are given as many as there are.
///
/// # Errors
/// When the store fails: then nobody may be looked for.
pub async fn take(
    store: &dyn Store,
    subscriber: &str,
    now: Timestamp,
    most: u32,
) -> Result<bool, StoreError> {
    let taken = AtomicBool::new(false);
    let take = |known: Option<Taken>| {
        let (after, had_one) = known.unwrap_or_default().one_more(now, most);
        taken.store(had_one, Relaxed);
        after
    };
    TAKEN.change(store, subscriber, take).await?;
    Ok(taken.into_inner())
}

/// Whether a subscriber is refused for the first time that day.
///
/// # Errors
/// When the store fails.
pub async fn is_first_refusal(store: &dyn Store, subscriber: &str, day: Date) -> Result<bool, StoreError> {
    // Of those refused at the same time one finds another day there.
    let first = AtomicBool::new(false);
    let refused = |known: Option<Date>| {
        first.store(known != Some(day), Relaxed);
        day
    };
    REFUSALS.change(store, subscriber, refused).await?;
    Ok(first.into_inner())
}

/// The consultations of a subscriber, the first first, behind an entry.
///
/// # Errors
/// When the store fails.
pub async fn page(
    store: &dyn Store,
    subscriber: &str,
    after: Option<&str>,
) -> Result<Vec<(String, Consultation)>, StoreError> {
    let from = after.map_or_else(|| format!("{subscriber}/"), str::to_owned);
    let page = CONSULTATIONS.page(store, &from, PAGE).await?;
    Ok(page.into_iter().take_while(|(entry, _)| is_of(entry, subscriber)).collect())
}

/// Forgets those kept for as long as they are to be.
///
/// # Errors
/// When the store fails.
pub async fn sweep(store: &dyn Store, now: Timestamp) -> Result<u64, StoreError> {
    let limit = now.checked_sub(KEPT).unwrap_or(Timestamp::UNIX_EPOCH);
    let (mut after, mut count) = (String::new(), 0);
    loop {
        let page = CONSULTATIONS.page(store, &after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(count) };
        after.clone_from(last);
        for (entry, consultation) in &page {
            if consultation.at < limit {
                CONSULTATIONS.erase(store, entry).await?;
                count += 1;
            }
        }
    }
}

fn is_of(entry: &str, subscriber: &str) -> bool {
    entry.strip_prefix(subscriber).is_some_and(|rest| rest.starts_with('/'))
}

impl Taken {
    /// With one more, when fewer than `most` were taken of late; whether that was so.
    fn one_more(mut self, now: Timestamp, most: u32) -> (Self, bool) {
        let span = now.as_second().div_euclid(SPAN);
        self.0.retain(|(began, _)| began + SPANS >= span);
        if self.0.iter().map(|(_, count)| count).sum::<u32>() >= most {
            return (self, false);
        }
        match self.0.iter_mut().find(|(began, _)| *began == span) {
            Some((_, count)) => *count += 1,
            None => self.0.push((span, 1)),
        }
        (self, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_400 + minute * 60).expect("a moment")
    }

    #[test]
    fn what_was_taken_comes_back_after_a_day_and_what_was_refused_counts_for_nothing() {
        let (mut taken, mut given) = (Taken::default(), Vec::new());
        for minute in [0, 5, 30, 31, 24 * 60 - 1, 24 * 60 + 15, 24 * 60 + 16, 24 * 60 + 17] {
            let (after, had_one) = taken.one_more(at(minute), 3);
            taken = after;
            given.push(had_one);
        }
        assert_eq!(given, [true, true, true, false, false, true, true, false]);
    }

    #[test]
    fn who_may_have_none_is_given_none() {
        assert!(!Taken::default().one_more(at(0), 0).1);
    }
}
