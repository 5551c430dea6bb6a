//! The port to what profiles were told: where each stands in the journal, what it knows of whom, and the events it was given.
//!
//! Contract: verbs may be called in parallel; one telling is one transaction or nothing; a telling that begins where the profile no
//! longer stands is [`StoreError::Conflict`] and changes nothing, so two hubs never tell the same twice. Events are sealed at rest.

use async_trait::async_trait;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::Standing;
use crate::delivery::PersonId;
use crate::event::Event;
use crate::store::StoreError;

/// Where a profile stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Following {
    /// The last event of the journal it was told of.
    pub cursor: u64,
    /// Everybody is gone through, those up to here have been; `None` when nobody is.
    pub sweep: Option<PersonId>,
    /// What it was declared to see, of which territories: first, then each time otherwise. The last one holds.
    pub declared: Vec<Declaration>,
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
    /// Its events also wait for the broker.
    pub to_broker: bool,
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
    pub id: uuid::Uuid,
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

    /// Writes one step.
    async fn tell(&self, telling: &Telling) -> Result<(), StoreError>;

    /// What a profile was told after a position, in order.
    async fn told(&self, profile: &str, after: u64, limit: u32) -> Result<Vec<ToldEvent>, StoreError>;

    /// The events that wait for the broker after a position, in order.
    async fn told_outbox(&self, after: u64, limit: u32) -> Result<Vec<ToldEvent>, StoreError>;

    /// How many wait for the broker.
    async fn told_waiting(&self) -> Result<u64, StoreError>;

    /// They wait no more: the broker has confirmed them.
    async fn confirm_told(&self, positions: &[u64]) -> Result<(), StoreError>;
}
