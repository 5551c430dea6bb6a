//! What a person decided of a held delivery: release it in spite of what holds it, or refuse it.
//!
//! A decision is a dated note with its reason. A refused delivery is never run again by itself; a released one is run with its guards
//! off, and again until that came to its end.

use hub_core::code::Code;
use hub_core::delivery::{Delivery, DeliveryId, Status};
use hub_core::guard::Guards;
use hub_core::ledger::Book;
use hub_core::pipeline::Order;
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

impl Verdict {
    /// The word shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Refused => "refused",
        }
    }
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    pub verdict: Verdict,
    /// Why, in the words of whoever decided; for the hub's operators.
    pub note: String,
    /// What the institution is told of it, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
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

impl DecisionError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Unknown(_) => Code::NotFound,
            Self::NotHeld { .. } => Code::NotHeld,
            Self::Store(error) => error.code(),
        }
    }
}

/// Notes a decision on a held delivery. A refusal is for good; a release is for what held it then: held again by something else, it
/// is decided of again.
///
/// # Errors
/// When there is no such delivery, it is not held, or somebody decided meanwhile.
pub async fn decide(
    store: &dyn Store,
    id: DeliveryId,
    decision: &Decision,
) -> Result<Delivery, DecisionError> {
    let delivery = store.delivery(id).await?.ok_or(DecisionError::Unknown(id))?;
    let runs = store.runs_of(id).await?;
    let not_held = |found: &str| DecisionError::NotHeld { delivery: id, found: found.replace('_', " ") };
    let last = runs.first().ok_or_else(|| not_held("never run"))?;
    if runs.iter().any(hub_core::store::Run::took_in) {
        return Err(not_held(last.status.word()));
    }
    let entry = id.to_string();
    let Some(before) = DECISIONS.read(store, &entry).await? else {
        if last.status != Status::Held {
            return Err(not_held(last.status.word()));
        }
        // Of two who decide at once, one does.
        return match DECISIONS.claim(store, &entry, decision).await? {
            None => Ok(delivery),
            Some(other) => Err(not_held(other.verdict.word())),
        };
    };
    let held_again = last.status == Status::Held && last.started_at > before.at;
    let once_more = before.verdict == Verdict::Released && decision.verdict == Verdict::Released;
    if before.verdict == Verdict::Refused || !(held_again || once_more) {
        return Err(not_held(before.verdict.word()));
    }
    let unchanged =
        |now: Option<Decision>| now.filter(|now| *now != before).unwrap_or_else(|| decision.clone());
    let stands = DECISIONS.change(store, &entry, unchanged).await?;
    if stands == *decision { Ok(delivery) } else { Err(not_held(stands.verdict.word())) }
}

/// How a released delivery is run: no guard holds it, and its place in time only when that is not what it was released from.
///
/// # Errors
/// When the store fails.
pub async fn released(store: &dyn Store, order: Order) -> Result<Order, StoreError> {
    let runs = store.runs_of(order.delivery.id).await?;
    let held = runs.iter().find(|run| run.status == Status::Held);
    let from_its_place =
        held.is_some_and(|run| run.warnings.iter().any(|warning| warning.code == Code::OlderDelivery));
    Ok(Order { again: from_its_place, guards: Guards::OFF, ..order })
}
