//! What tools say became of the events they were told: applied, or failed and why, in a word.
//!
//! Reports enter; what stands of each subscriber leaves: how many it applied, up to when, and what failed and was not applied since. A
//! cause is a word of the tool's own (`schema_inconnu`), never a text: texts come to hold values of persons.

use hub_core::ledger::Book;
use hub_core::store::{Store, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const EFFECTS: Book<Effects> = Book::named("effets");
const FAILURES: Book<Failure> = Book::named("effets-en-echec");
/// Failures kept of a subscriber; more are counted only.
const MOST: u64 = 10_000;
/// Longest cause.
const CAUSE: usize = 64;

/// What a tool says of an event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The event's `id`.
    pub id: Uuid,
    /// What became of it.
    pub etat: Outcome,
    /// The event's `time`.
    #[serde(default)]
    pub time: Option<Timestamp>,
    /// Why it failed, in a word: letters, digits, `_`, `-` and `.`.
    #[serde(default)]
    pub cause: Option<String>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The tool's data say what it says.
    Applique,
    /// They do not.
    Echec,
}

/// What stands of a subscriber.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Effects {
    /// Events reported applied.
    pub applied: u64,
    /// Events that failed and were not applied since.
    pub failed: u64,
    /// The latest `time` among those applied.
    pub up_to: Option<Timestamp>,
    /// When it last reported.
    pub reported: Option<Timestamp>,
}

/// An event that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Why, in the tool's word.
    pub cause: String,
    /// When it first failed.
    pub since: Timestamp,
    /// How often it was reported.
    pub times: u32,
}

impl Report {
    /// Whether it can be kept: a cause is a word.
    pub fn is_sound(&self) -> bool {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.');
        let word = |cause: &String| (1..=CAUSE).contains(&cause.len()) && cause.chars().all(plain);
        self.cause.as_ref().is_none_or(word)
    }
}

/// Keeps what a subscriber reports.
///
/// # Errors
/// When the store fails; what was kept so far stays.
pub async fn report(
    store: &dyn Store,
    (subscriber, now): (&str, Timestamp),
    reports: &[Report],
) -> Result<Effects, StoreError> {
    let open = EFFECTS.read(store, subscriber).await?.unwrap_or_default().failed;
    let (mut mended, mut fresh, mut applied, mut up_to) = (0, 0, 0, None);
    for said in reports {
        let entry = format!("{subscriber}/{}", said.id);
        match said.etat {
            Outcome::Applique => {
                applied += 1;
                // A clock that is ahead would hide every later lag.
                up_to = up_to.max(said.time.filter(|time| *time <= now));
                if open + fresh > mended && FAILURES.read(store, &entry).await?.is_some() {
                    FAILURES.erase(store, &entry).await?;
                    mended += 1;
                }
            }
            Outcome::Echec if open + fresh < MOST + mended => {
                let cause = said.cause.clone().unwrap_or_else(|| "non_precisee".to_owned());
                let kept = FAILURES
                    .change(store, &entry, |known: Option<Failure>| {
                        let (since, times) = known.map_or((now, 0), |known| (known.since, known.times));
                        Failure { cause: cause.clone(), since, times: times + 1 }
                    })
                    .await?;
                fresh += u64::from(kept.times == 1);
            }
            Outcome::Echec => fresh += 1,
        }
    }
    // Added to what stands then: others may report at the same time.
    EFFECTS
        .change(store, subscriber, |known: Option<Effects>| {
            let known = known.unwrap_or_default();
            let failed = (known.failed + fresh).saturating_sub(mended);
            let applied = known.applied + applied;
            Effects { applied, failed, up_to: known.up_to.max(up_to), reported: Some(now) }
        })
        .await
}

/// What stands of a subscriber.
///
/// # Errors
/// When the store fails.
pub async fn effects(store: &dyn Store, subscriber: &str) -> Result<Effects, StoreError> {
    Ok(EFFECTS.read(store, subscriber).await?.unwrap_or_default())
}

/// Its events that failed and were not applied since, up to `limit`.
///
/// # Errors
/// When the store fails.
pub async fn failures(
    store: &dyn Store,
    subscriber: &str,
    limit: u32,
) -> Result<Vec<(String, Failure)>, StoreError> {
    let prefix = format!("{subscriber}/");
    let page = FAILURES.page(store, &prefix, limit).await?;
    let own = page
        .into_iter()
        .map_while(|(entry, failure)| Some((entry.strip_prefix(&prefix)?.to_owned(), failure)));
    Ok(own.collect())
}

/// Forgets what a subscriber reported.
///
/// # Errors
/// When the store fails.
pub async fn forget(store: &dyn Store, subscriber: &str) -> Result<(), StoreError> {
    loop {
        let page = failures(store, subscriber, 1_000).await?;
        if page.is_empty() {
            return EFFECTS.erase(store, subscriber).await;
        }
        for (event, _) in page {
            FAILURES.erase(store, &format!("{subscriber}/{event}")).await?;
        }
    }
}
