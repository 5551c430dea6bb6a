//! The port to what profiles were told: where each stands in the journal, what it knows of whom, and the events it was given.
//!
//! Contract: verbs may be called in parallel; one telling is one transaction or nothing; a telling that begins where the profile no
//! longer stands is [`StoreError::Conflict`] and changes nothing, so two hubs never tell the same twice. Whoever has read what waits up to a
//! place never finds an earlier one later. Events are sealed at rest.

use std::collections::BTreeSet;

use async_trait::async_trait;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Standing;
use crate::delivery::PersonId;
use crate::event::Event;
use crate::store::{Store, StoreError};

/// Where a profile stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Following {
    /// The last event of the journal it was told of.
    pub cursor: u64,
    /// Everybody is gone through, those up to here have been; `None` when nobody is.
    pub sweep: Option<PersonId>,
    /// What it was declared to see, of which territories: first, then each time otherwise. The last one holds.
    pub declared: Vec<Declaration>,
    /// Those who subscribe to it, each with the territory it has been shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<Member>,
    /// One of them who is being shown persons, or told that they are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<Move>,
}

/// A subscriber, and what it has been shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub subscriber: CompactString,
    /// Codes of the territory it has been shown.
    pub territory: Vec<CompactString>,
    /// It was shown through a queue.
    #[serde(default)]
    pub queued: bool,
}

/// A subscriber on the way from one territory to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Its name.
    pub subscriber: CompactString,
    /// Codes of the territory it had; persons of one of the two alone are spoken of.
    pub from: Vec<CompactString>,
    /// Codes of the territory it has afterwards.
    pub to: Vec<CompactString>,
    /// Persons leave its sight; else they come into it.
    pub leaving: bool,
    /// Those up to here have been gone through.
    pub behind: PersonId,
    /// What all readings of this move bear.
    pub id: Uuid,
    /// How many persons it was shown.
    pub persons: u64,
}

/// What a profile was declared to see for a time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Declaration {
    /// Paths of the fields, in the order of the schema.
    pub fields: Vec<String>,
    /// Codes of each subscription's territory.
    pub territories: Vec<Vec<CompactString>>,
}

/// What a profile was last told of a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// The person's own sequence then.
    pub version: u64,
    /// Which declaration held then, by its place.
    pub declared: u32,
    /// What it was told.
    pub standing: Standing,
}

impl Told {
    /// Whether it was ever told anything.
    pub(super) fn is_known(&self) -> bool {
        self.standing.sequence > 0
    }
}

/// An event to a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressed {
    /// The person, as the hub knows it.
    pub person: PersonId,
    /// To one subscriber alone; to all of the profile when left out.
    pub to: Option<CompactString>,
    /// The event, which names the person as the profile does.
    pub event: Event,
    /// It also waits for the broker: somebody it is for has a queue.
    pub queued: bool,
}

/// One step of a profile, written whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// The profile.
    pub profile: CompactString,
    /// Where it must still stand; `None` when it is told for the first time.
    pub before: Option<Following>,
    /// Where it stands afterwards.
    pub after: Following,
    /// What it knows of persons afterwards.
    pub told: Vec<(PersonId, Told)>,
    /// What it is told, in order.
    pub events: Vec<Addressed>,
}

/// An event a profile was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldEvent {
    /// Its place among all that profiles were told; of one profile it only grows.
    pub position: u64,
    /// The profile.
    pub profile: CompactString,
    /// To whom alone.
    pub to: Option<CompactString>,
    /// The person, as the profile knows it.
    pub subject: PersonId,
    /// Identifier, equal to the `CloudEvent`'s.
    pub id: Uuid,
    /// Routing key.
    pub routing_key: String,
    /// The `CloudEvent`.
    pub json: String,
}

/// What profiles were told.
#[async_trait]
pub trait Tellings: Send + Sync {
    /// Where a profile stands; `None` for one never told anything.
    async fn following(&self, profile: &str) -> Result<Option<Following>, StoreError>;

    /// What a profile was told of these persons; those it never heard of are left out.
    async fn told_of(&self, profile: &str, persons: &[PersonId])
    -> Result<Vec<(PersonId, Told)>, StoreError>;

    /// Everybody a profile was told of behind a person, in the order of their identifiers, with what it was told.
    async fn told_people(
        &self,
        profile: &str,
        behind: PersonId,
        limit: u32,
    ) -> Result<Vec<(PersonId, Told)>, StoreError>;

    /// Writes one step.
    async fn tell(&self, telling: &Telling) -> Result<(), StoreError>;

    /// What a profile was told after a position, in order.
    async fn told(&self, profile: &str, after: u64, limit: u32) -> Result<Vec<ToldEvent>, StoreError>;

    /// The last place of what a profile was told; 0 when nothing was.
    async fn told_end(&self, profile: &str) -> Result<u64, StoreError>;

    /// The events that wait for the broker after a position, in order.
    async fn told_outbox(&self, after: u64, limit: u32) -> Result<Vec<ToldEvent>, StoreError>;

    /// How many wait for the broker.
    async fn told_waiting(&self) -> Result<u64, StoreError>;

    /// They wait no more: the broker has confirmed them.
    async fn confirm_told(&self, positions: &[u64]) -> Result<(), StoreError>;
}

/// The book of those who are to be shown everybody again, by subscriber.
pub(super) const SNAPSHOTS: &str = "instantanes";

/// The book of subscribers whose queue cannot be had.
const ASIDE: &str = "files-fautives";

/// Keeps whose queue cannot be had now; whose can be again is to be shown everybody.
///
/// # Errors
/// When the store fails.
pub async fn queues_aside(store: &dyn Store, aside: &[CompactString]) -> Result<(), StoreError> {
    for (name, _) in store.notes(ASIDE, "", ASKED).await? {
        if !aside.iter().any(|still| *still == name) {
            ask_for_snapshot(store, &name).await?;
            store.erase_note(ASIDE, &name).await?;
        }
    }
    for name in aside {
        let version = store.note(ASIDE, name).await?.map_or(0, |note| note.version);
        store.write_note(ASIDE, name, "{}", version).await?;
    }
    Ok(())
}

/// The book of subscribers who are told nothing for now.
pub const PAUSED: &str = "pauses";
/// Subscribers asked about at once.
const ASKED: u32 = 1_000;

/// The subscribers who are told nothing for now.
///
/// # Errors
/// When the store fails.
pub async fn paused(store: &dyn Store) -> Result<BTreeSet<CompactString>, StoreError> {
    Ok(store.notes(PAUSED, "", ASKED).await?.into_iter().map(|(name, _)| name.into()).collect())
}

/// Asks that a subscriber be shown everybody it may know, through its own channel.
///
/// # Errors
/// When the store fails.
pub async fn ask_for_snapshot(store: &dyn Store, subscriber: &str) -> Result<(), StoreError> {
    let asked = store.note(SNAPSHOTS, subscriber).await?.map_or(0, |note| note.version);
    // Another hub that asks for the same at the same time is as good.
    store.write_note(SNAPSHOTS, subscriber, "{}", asked).await.map(|_| ())
}
