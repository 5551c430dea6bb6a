//! Consultations: who asked about whom, when, and what for. Kept of every one, also of those refused (CJEU C-579/21; CNIL 2021-122).
//!
//! A consultation enters the ledger under its subscriber, in the order of time, before anybody is looked for; what was answered is written
//! into it before it is shown. How many there were of late leaves. No value that was asked by is kept.

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
use uuid::{NoContext, Uuid};

const CONSULTATIONS: Book<Consultation> = Book::named("consultations");
/// The day a subscriber was last refused.
const REFUSALS: Book<Date> = Book::named("consultations-refusees");
/// Nothing is answered yet.
const OPEN: &str = "en_cours";
/// It was not entitled to ask, or not any more that day.
pub const REFUSED: &str = "refusee";
/// Within which a subscriber may ask so often.
const DAY: Duration = Duration::from_hours(24);
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

/// How many persons a subscriber asked about within twenty-four hours besides this consultation, counted up to `most`: also those it is
/// asking about now, not those refused.
///
/// # Errors
/// When the store fails.
pub async fn of_late(
    store: &dyn Store,
    (subscriber, consultation): (&str, &str),
    now: Timestamp,
    most: u32,
) -> Result<u32, StoreError> {
    let since = now.checked_sub(DAY).unwrap_or(Timestamp::UNIX_EPOCH);
    let (mut after, mut count) = (format!("{subscriber}/{}", first_of(since)), 0);
    while count < most {
        let page = CONSULTATIONS.page(store, &after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(last);
        let own = page.iter().take_while(|(entry, _)| is_of(entry, subscriber));
        let (mut seen, mut counted) = (0, 0);
        for (entry, asked) in own {
            seen += 1;
            counted += u32::from(asked.answer != REFUSED && entry != consultation);
        }
        count += counted;
        if seen < page.len() {
            break;
        }
    }
    Ok(count.min(most))
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

/// The first identifier minted at a moment.
fn first_of(moment: Timestamp) -> Uuid {
    let seconds = u64::try_from(moment.as_second()).unwrap_or(0);
    let whole = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, 0));
    let mut bytes = *whole.as_bytes();
    bytes[6..].fill(0);
    Uuid::from_bytes(bytes)
}
