//! Look-up keys written anew, when they are made in another way than when they were written.
//!
//! Everybody known enters page by page, the keys of their claims leave. Which making the keys are of stands in the ledger; killed midway,
//! it begins again. Keys of an older making stay: nobody asks for them any more.

use crate::delivery::{PersonId, RunId};
use crate::identity::{IdentityKey, KEYS_MADE};
use crate::store::{Commit, StoreError};

use super::{Pipeline, Progress};

/// Where the ledger tells which making the keys are of.
const BOOK: &str = "identite";
const ENTRY: &str = "cles";
/// Persons of a page.
const PAGE: u32 = 500;

impl Pipeline {
    /// Whether the keys are of another making than today's.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn has_old_keys(&self) -> Result<bool, StoreError> {
        let note = self.store.note(BOOK, ENTRY).await?;
        Ok(note.is_none_or(|note| note.value != KEYS_MADE))
    }

    /// Writes the keys of everybody known, in the turn of a run.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn index_again(&self, progress: &dyn Progress) -> Result<(), StoreError> {
        let _turn = self.turn(progress).await?;
        let (of, ..) = self.store.sizes().await?;
        let (mut after, mut done) = (PersonId(uuid::Uuid::nil()), 0);
        loop {
            let page = self.store.people(after, PAGE).await?;
            let Some(last) = page.last().copied() else { break };
            let mut commit = Commit::new(RunId(uuid::Uuid::nil()), self.clock.now());
            commit.keys = self.keys_of(&page).await?;
            self.store.commit(&commit).await?;
            done += page.len() as u64;
            progress.advance(done, of);
            after = last;
        }
        let version = self.store.note(BOOK, ENTRY).await?.map_or(0, |note| note.version);
        self.store.write_note(BOOK, ENTRY, KEYS_MADE, version).await?;
        Ok(())
    }

    async fn keys_of(&self, people: &[PersonId]) -> Result<Vec<(IdentityKey, PersonId)>, StoreError> {
        let mut keys = Vec::new();
        for person in self.store.persons(people).await? {
            for statement in &person.statements {
                let of_claim = self.identity.traits_of(statement);
                keys.extend(of_claim.keys().iter().map(|key| (*key, person.id)));
            }
        }
        keys.sort();
        keys.dedup();
        Ok(keys)
    }
}
