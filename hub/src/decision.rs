//! What a person decided of a held delivery: release it in spite of what holds it, or refuse it.
//!
//! A decision is a dated note with its reason. A refused delivery is never run again by itself; a released one is run with its guards
//! off, and again until that came to its end.

use hub_core::delivery::{Delivery, DeliveryId, Status};
use hub_core::ledger::Book;
use hub_core::store::{Store, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The decisions, by delivery.
pub const DECISIONS: Book<Decision> = Book::named("decision");

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Apply it all the same.
    Released,
    /// Do not apply it.
    Refused,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    pub verdict: Verdict,
    /// Why, in the words of whoever decided.
    pub note: String,
    /// Who, as the system names them.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A delivery that awaits no decision.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// There is none.
    #[error("there is no delivery `{0}`; `dlnuf deliveries` lists them")]
    Unknown(DeliveryId),
    /// It is not held.
    #[error("delivery `{delivery}` is not held: {found}")]
    NotHeld {
        /// Which.
        delivery: DeliveryId,
        /// How it stands.
        found: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Notes a decision on a held delivery; the last one counts, until it was taken in.
///
/// # Errors
/// When there is no such delivery, or it is not held.
pub async fn decide(
    store: &dyn Store,
    id: DeliveryId,
    decision: &Decision,
) -> Result<Delivery, DecisionError> {
    let delivery = store.delivery(id).await?.ok_or(DecisionError::Unknown(id))?;
    let runs = store.runs_of(id).await?;
    let taken = runs.iter().any(hub_core::store::Run::took_in);
    let status = runs.first().map(|run| run.status);
    // One that was released and interrupted may be released again.
    let released = DECISIONS.read(store, &id.to_string()).await?;
    let released = released.is_some_and(|before| before.verdict == Verdict::Released);
    if taken || !(released || status == Some(Status::Held)) {
        let found = status.map_or("never run", Status::word).replace('_', " ");
        return Err(DecisionError::NotHeld { delivery: id, found });
    }
    DECISIONS.change(store, &id.to_string(), |_| decision.clone()).await?;
    Ok(delivery)
}
