//! Bound: by which keys the queue of a subscriber may be bound on the broker, which tells nobody.
//!
//! What it is about to be bound by is kept before it is; what else it may be bound by, from another territory, another profile, another
//! day, leaves, so that just that is undone. Of a queue never kept here nothing is known until all there may be was undone once.

use std::collections::BTreeSet;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::ledger::Book;
use crate::store::{Store, StoreError};

/// By subscriber.
const BOUND: Book<Bound> = Book::named("liaisons");

/// A profile, and a routing key of its exchange.
pub type Bond = (CompactString, String);

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Bound {
    /// All it was ever bound by.
    keys: BTreeSet<Bond>,
    /// There is nothing besides.
    alone: bool,
}

/// Keeps what a queue is about to be bound by; what else it may be bound by, `None` when nobody knows.
///
/// # Errors
/// When the store fails: then nothing may be bound.
pub async fn about_to_bind(
    store: &dyn Store,
    subscriber: &str,
    wanted: &BTreeSet<Bond>,
) -> Result<Option<Vec<Bond>>, StoreError> {
    let known = BOUND.read(store, subscriber).await?.unwrap_or_default();
    if !known.keys.is_superset(wanted) {
        let with = |known: Option<Bound>| {
            let mut known = known.unwrap_or_default();
            known.keys.extend(wanted.iter().cloned());
            known
        };
        BOUND.change(store, subscriber, with).await?;
    }
    Ok(known.alone.then(|| known.keys.difference(wanted).cloned().collect()))
}

/// Keeps that queues are bound by nothing but what is kept of them.
///
/// # Errors
/// When the store fails.
pub async fn bound_by_nothing_else(
    store: &dyn Store,
    subscribers: &[CompactString],
) -> Result<(), StoreError> {
    for subscriber in subscribers {
        if !BOUND.read(store, subscriber).await?.unwrap_or_default().alone {
            let alone = |known: Option<Bound>| Bound { alone: true, ..known.unwrap_or_default() };
            BOUND.change(store, subscriber, alone).await?;
        }
    }
    Ok(())
}

/// Forgets a queue that was taken away.
///
/// # Errors
/// When the store fails.
pub async fn forget_bonds(store: &dyn Store, subscriber: &str) -> Result<(), StoreError> {
    BOUND.erase(store, subscriber).await
}
