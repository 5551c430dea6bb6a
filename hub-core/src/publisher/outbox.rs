//! Where events wait for the broker: the hub's own journal, or what profiles were told. Rows of the store enter, messages leave.

use std::sync::Arc;

use async_trait::async_trait;

use crate::broker::{Address, Message, Session};
use crate::event::SHOWN_KEY;
use crate::store::{JournalEvent, Store, StoreError};
use crate::subscription::{
    ToldEvent, bound_by_nothing_else, queue_is_bound, queue_is_missing, queue_is_unbound, queues_aside,
};

/// Events that wait, in order.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Its name: one publisher at a time empties it.
    fn name(&self) -> &'static str;

    /// How many wait.
    async fn waiting(&self) -> Result<u64, StoreError>;

    /// Those behind a place, in order.
    async fn read(&self, after: u64, limit: u32) -> Result<Vec<Message>, StoreError>;

    /// They wait no more: the broker has confirmed them.
    async fn confirm(&self, places: &[u64]) -> Result<(), StoreError>;

    /// Keeps what a session found: whose queues are to be made and whose cannot be had, which are both to be shown everybody, the latter once
    /// they can; whose are bound as they are to be.
    async fn found(&self, _session: &dyn Session) -> Result<(), StoreError> {
        Ok(())
    }

    /// Keeps that what a session was to make stands.
    async fn made(&self, _session: &dyn Session) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What the hub announces, to those within the house.
pub struct OfJournal(pub Arc<dyn Store>);

/// What profiles were told, and subscribers by themselves.
pub struct OfProfiles(pub Arc<dyn Store>);

#[async_trait]
impl Outbox for OfJournal {
    fn name(&self) -> &'static str {
        "outbox"
    }

    async fn waiting(&self) -> Result<u64, StoreError> {
        self.0.waiting().await
    }

    async fn read(&self, after: u64, limit: u32) -> Result<Vec<Message>, StoreError> {
        Ok(self.0.outbox(after, limit).await?.into_iter().map(Message::from).collect())
    }

    async fn confirm(&self, places: &[u64]) -> Result<(), StoreError> {
        self.0.confirm(places).await
    }
}

#[async_trait]
impl Outbox for OfProfiles {
    fn name(&self) -> &'static str {
        "profils"
    }

    async fn waiting(&self) -> Result<u64, StoreError> {
        self.0.told_waiting().await
    }

    async fn read(&self, after: u64, limit: u32) -> Result<Vec<Message>, StoreError> {
        Ok(self.0.told_outbox(after, limit).await?.into_iter().map(Message::from).collect())
    }

    async fn confirm(&self, places: &[u64]) -> Result<(), StoreError> {
        self.0.confirm_told(places).await
    }

    async fn found(&self, session: &dyn Session) -> Result<(), StoreError> {
        for subscriber in session.lost() {
            queue_is_missing(self.0.as_ref(), subscriber).await?;
        }
        queues_aside(self.0.as_ref(), session.aside()).await?;
        bound_by_nothing_else(self.0.as_ref(), session.in_order()).await
    }

    async fn made(&self, session: &dyn Session) -> Result<(), StoreError> {
        for subscriber in session.lost().iter().chain(session.in_order()) {
            match session.bound_for(subscriber) {
                Some(profile) => queue_is_bound(self.0.as_ref(), subscriber, profile).await?,
                None => queue_is_unbound(self.0.as_ref(), subscriber).await?,
            }
        }
        Ok(())
    }
}

impl From<JournalEvent> for Message {
    fn from(event: JournalEvent) -> Self {
        let JournalEvent { cursor, person, id, routing_key, json, .. } = event;
        Self { place: cursor, person, id, to: Address::Journal, routing_key, json, closing: false }
    }
}

impl From<ToldEvent> for Message {
    fn from(event: ToldEvent) -> Self {
        let ToldEvent { position, profile, to, subject, id, routing_key, json } = event;
        let to = to.map_or(Address::Profile(profile), Address::Subscriber);
        let closing = routing_key.starts_with(SHOWN_KEY);
        Self { place: position, person: subject, id, to, routing_key, json, closing }
    }
}
