//! Where each pull stands: kept in the ledger, so that schedules, cursors and retries outlive a restart.

use hub_core::code::Code;
use hub_core::ledger::{Book, Ledger};
use hub_core::store::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How pulls stand, by `SOURCE/PULL`.
pub const STANDINGS: Book<Standing> = Book::named("pull");

/// What was taken from places, by `SOURCE/PULL/HASH` of the offer's name and version.
pub const TAKEN: Book<Taken> = Book::named("taken");

/// Sources of which several files are being fetched, until when at most: what came of them waits, so that all are in order.
pub const FETCHING: Book<Timestamp> = Book::named("fetching");

/// How a pull stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// Where the next look goes on from, for places read by cursor.
    pub cursor: Option<String>,
    /// When it is looked at next; once due, a look is owed, however late.
    pub next: Option<Timestamp>,
    /// Looks that failed since the last good one.
    pub tries: u32,
    /// Nothing is fetched until somebody resumes it: a person paused it, or a failure that needs one.
    pub paused: bool,
    /// The last look.
    pub last: Option<Look>,
}

/// A look at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// Deliveries it brought.
    pub deliveries: u64,
    /// What went wrong, if something did.
    pub failure: Option<Failure>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The stable code.
    pub code: Code,
    /// What was expected and found.
    pub detail: String,
}

/// An offer that needs no second fetch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// What the place calls it.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// Why it was set apart instead of being taken in, if it was.
    pub failure: Option<Failure>,
}

/// Notes read at once.
const PAGE: u32 = 1_000;

/// The notes of what was taken by a pull.
///
/// # Errors
/// When the ledger fails.
pub async fn taken_by<L: Ledger + ?Sized>(ledger: &L, pull: &str) -> Result<Vec<String>, StoreError> {
    let prefix = format!("{pull}/");
    let (mut found, mut after) = (Vec::new(), prefix.clone());
    loop {
        let page = ledger.notes(TAKEN.name(), &after, PAGE).await?;
        let whole = page.len();
        let own: Vec<String> =
            page.into_iter().map(|(note, _)| note).filter(|note| note.starts_with(&prefix)).collect();
        let more = own.len() == whole;
        let Some(last) = own.last() else { return Ok(found) };
        after.clone_from(last);
        found.extend(own);
        if !more {
            return Ok(found);
        }
    }
}

/// Forgets what was taken by a pull; how much that was.
///
/// # Errors
/// When the ledger fails.
pub async fn forget<L: Ledger + ?Sized>(ledger: &L, pull: &str) -> Result<usize, StoreError> {
    let notes = taken_by(ledger, pull).await?;
    for note in &notes {
        TAKEN.erase(ledger, note).await?;
    }
    Ok(notes.len())
}

/// The entry of a pull.
pub fn entry(source: &str, pull: &str) -> String {
    format!("{source}/{pull}")
}

/// The entry of an offer.
pub fn offer_entry(pull: &str, name: &str, version: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(name.as_bytes()).update(&[0]).update(version.as_bytes());
    format!("{pull}/{}", hasher.finalize().to_hex())
}
