//! What profiles were told, while a rehearsal only pretends: read from the store beneath, never written.

use async_trait::async_trait;

use super::Rehearsal;
use crate::delivery::PersonId;
use crate::store::StoreError;
use crate::subscription::{Following, Telling, Tellings, Told, ToldEvent};

/// Nobody is told anything.
#[async_trait]
impl Tellings for Rehearsal {
    async fn following(&self, profile: &str) -> Result<Option<Following>, StoreError> {
        self.store.following(profile).await
    }

    async fn told_of(
        &self,
        profile: &str,
        persons: &[PersonId],
    ) -> Result<Vec<(PersonId, Told)>, StoreError> {
        self.store.told_of(profile, persons).await
    }

    async fn told_people(
        &self,
        profile: &str,
        behind: PersonId,
        limit: u32,
    ) -> Result<Vec<(PersonId, Told)>, StoreError> {
        self.store.told_people(profile, behind, limit).await
    }

    async fn tell(&self, _: &Telling) -> Result<(), StoreError> {
        Ok(())
    }

    async fn told(&self, profile: &str, after: u64, limit: u32) -> Result<Vec<ToldEvent>, StoreError> {
        self.store.told(profile, after, limit).await
    }

    async fn told_end(&self, profile: &str) -> Result<u64, StoreError> {
        self.store.told_end(profile).await
    }

    async fn told_outbox(&self, _: u64, _: u32) -> Result<Vec<ToldEvent>, StoreError> {
        Ok(Vec::new())
    }

    async fn told_waiting(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn confirm_told(&self, _: &[u64]) -> Result<(), StoreError> {
        Ok(())
    }
}
