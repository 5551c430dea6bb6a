//! Notices: what an operator should know without asking. The feed did not come, a pull fails, and when that is over.
//!
//! Each is logged once and kept in the ledger, in the order of time; no value of a person is in one.

use hub_core::clock::Clock;
use hub_core::code::Code;
use hub_core::ledger::{Book, Ledger};
use hub_core::store::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The notices; entries are time-ordered identifiers.
pub const NOTICES: Book<Notice> = Book::named("notice");

/// A notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// When.
    pub at: Timestamp,
    /// The source it concerns.
    pub source: String,
    /// What happened.
    pub code: Code,
    /// More of it.
    pub detail: String,
}

/// Tells operators something, once.
///
/// # Errors
/// When the ledger fails.
pub async fn notify<L: Ledger + ?Sized>(
    ledger: &L,
    clock: &dyn Clock,
    source: &str,
    (code, detail): (Code, &str),
) -> Result<(), StoreError> {
    tracing::warn!(source, %code, detail, "{}", code.entry().en.title);
    let notice = Notice { at: clock.now(), source: source.to_owned(), code, detail: detail.to_owned() };
    NOTICES.claim(ledger, &clock.mint().to_string(), &notice).await.map(|_| ())
}
