//! The queues of subscribers, and how each stands: what is told to one that nothing reaches would be lost.
//!
//! What a session with the broker is about to make, and what it made, enter; who may be told leaves, and who is to be shown everybody.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::Subscription;
use super::following::{ask_for_snapshot, paused};
use crate::ledger::Book;
use crate::store::{Store, StoreError};

/// By subscriber; of whoever once had one it stays.
const QUEUES: Book<Queue> = Book::named("files");
/// Queues read at once.
const PAGE: u32 = 1_000;

/// A queue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Queue {
    etat: State,
    /// Whose events it is bound for; of one made before this was kept, nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    profil: Option<CompactString>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It is there, and bound.
    #[default]
    Liee,
    /// It is made for the first time: until it is bound nothing reaches it.
    Neuve,
    /// It is made again: what it held is lost, and so is what comes until it is bound.
    Refaite,
    /// It was bound once, and is to be bound to nothing: paused, expired, declared no more, or its subscriber reads by another channel.
    Deliee,
}

/// Keeps that a subscriber's queue is not there, or not bound, and is about to be made.
///
/// # Errors
/// When the store fails.
pub async fn queue_is_missing(store: &dyn Store, subscriber: &str) -> Result<(), StoreError> {
    let missing = |known: Option<Queue>| match known {
        None => Queue { etat: State::Neuve, profil: None },
        Some(Queue { etat: State::Liee, profil }) => Queue { etat: State::Refaite, profil },
        Some(known) => known,
    };
    QUEUES.change(store, subscriber, missing).await.map(|_| ())
}

/// Keeps that a subscriber's queue is there, and bound for a profile. Who had one before is to be shown everybody, and so is who had it for
/// another profile; whose is new is told from now on what others are told, or shown everybody as whoever joins.
///
/// # Errors
/// When the store fails.
pub async fn queue_is_bound(
    store: &dyn Store,
    subscriber: &str,
    profile: &CompactString,
) -> Result<(), StoreError> {
    let bound = Queue { etat: State::Liee, profil: Some(profile.clone()) };
    let known = QUEUES.read(store, subscriber).await?;
    let missed = match &known {
        Some(known) if *known == bound => return Ok(()),
        None | Some(Queue { etat: State::Neuve, .. } | Queue { etat: State::Liee, profil: None }) => false,
        Some(_) => true,
    };
    if missed {
        ask_for_snapshot(store, subscriber).await?;
    }
    QUEUES.change(store, subscriber, |_| bound.clone()).await.map(|_| ())
}

/// Keeps that a subscriber's queue is to be bound to nothing.
///
/// # Errors
/// When the store fails.
pub async fn queue_is_unbound(store: &dyn Store, subscriber: &str) -> Result<(), StoreError> {
    match QUEUES.read(store, subscriber).await? {
        None | Some(Queue { etat: State::Neuve | State::Deliee, .. }) => Ok(()),
        Some(known) => {
            let unbound = Queue { etat: State::Deliee, ..known };
            QUEUES.change(store, subscriber, |_| unbound.clone()).await.map(|_| ())
        }
    }
}

/// Who may be told now: all but the paused, and those who read a queue that is not bound for their profile. They join once it is.
pub struct Reach {
    paused: BTreeSet<CompactString>,
    /// Whose events each queue is bound for.
    bound: BTreeMap<CompactString, Option<CompactString>>,
}

impl Reach {
    /// Reads it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn now(store: &dyn Store) -> Result<Self, StoreError> {
        let within = |queue: &Queue| matches!(queue.etat, State::Liee | State::Refaite);
        let bound = queues(store).await?.into_iter().filter(|(_, queue)| within(queue));
        let bound = bound.map(|(name, queue)| (name, queue.profil)).collect();
        Ok(Self { paused: paused(store).await?, bound })
    }

    /// Whether a subscriber is told.
    pub fn holds(&self, own: &Subscription) -> bool {
        let is_bound = || {
            let bound = self.bound.get(&own.subscriber);
            bound.is_some_and(|profile| profile.as_ref().is_none_or(|profile| *profile == own.profile))
        };
        !self.paused.contains(&own.subscriber) && (!own.is_queued() || is_bound())
    }
}

/// Those whose queue was made once.
///
/// # Errors
/// When the store fails.
pub async fn queues_made(store: &dyn Store) -> Result<Vec<CompactString>, StoreError> {
    Ok(queues(store).await?.into_iter().map(|(name, _)| name).collect())
}

async fn queues(store: &dyn Store) -> Result<Vec<(CompactString, Queue)>, StoreError> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = QUEUES.page(store, &after, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after.clone_from(last);
        all.extend(page.into_iter().map(|(name, queue)| (name.into(), queue)));
    }
}
