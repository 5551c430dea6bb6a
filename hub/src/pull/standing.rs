//! Where each pull stands: kept in the ledger, so that schedules, cursors and retries outlive a restart.

use std::collections::HashMap;

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

/// What came of an offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// What the place calls it.
    pub name: String,
    /// When.
    pub at: Timestamp,
    /// Why it was set apart, or could not be read, instead of being taken in.
    pub failure: Option<Failure>,
    /// Why the place did not let it be put away once it was taken in.
    #[serde(default)]
    pub stays: Option<Failure>,
}

impl Taken {
    /// Whether the place may come to let it be read, though it stays as it is.
    pub fn is_tried_again(&self) -> bool {
        let codes = [Code::PlaceRefused, Code::AnswerNotUnderstood];
        self.failure.as_ref().is_some_and(|failure| codes.contains(&failure.code))
    }
}

/// Notes read at once.
const PAGE: u32 = 1_000;

/// The notes of a pull's offers, by entry.
///
/// # Errors
/// When the ledger fails.
pub async fn known<L: Ledger + ?Sized>(ledger: &L, pull: &str) -> Result<HashMap<String, Taken>, StoreError> {
    let prefix = format!("{pull}/");
    let (mut found, mut after) = (HashMap::new(), prefix.clone());
    loop {
        let mut page = TAKEN.page(ledger, &after, PAGE).await?;
        let whole = page.len();
        page.retain(|(note, _)| note.starts_with(&prefix));
        let ended = page.len() < whole;
        let Some((last, _)) = page.last() else { return Ok(found) };
        after.clone_from(last);
        found.extend(page);
        if ended {
            return Ok(found);
        }
    }
}

/// Forgets what was taken by a pull; how much that was.
///
/// # Errors
/// When the ledger fails.
pub async fn forget<L: Ledger + ?Sized>(ledger: &L, pull: &str) -> Result<usize, StoreError> {
    let notes = known(ledger, pull).await?;
    for note in notes.keys() {
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
