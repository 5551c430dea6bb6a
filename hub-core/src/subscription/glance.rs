//! A glance: what was last read for one profile, kept for the others that stand at the same place.
//!
//! A place in the journal enters; the page behind it leaves, and the versions of whom it speaks of, read once for all profiles. Versions were
//! read after their page, so they hold all it tells of; what came since is on a later page, and read with that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::delivery::PersonId;
use crate::store::{JournalEvent, Store, StoreError, Version};

/// The versions of persons.
pub(super) type Histories = BTreeMap<PersonId, Arc<Vec<Version>>>;

/// What was last read.
#[derive(Default)]
pub struct Glance(Mutex<Option<Read>>);

#[derive(Clone)]
struct Read {
    after: u64,
    page: Arc<Vec<JournalEvent>>,
    /// Of these persons.
    histories: Option<(Vec<PersonId>, Arc<Histories>)>,
}

impl Glance {
    /// The page of the journal behind a place.
    pub(super) async fn page(
        &self,
        store: &dyn Store,
        (after, limit): (u64, u32),
    ) -> Result<Arc<Vec<JournalEvent>>, StoreError> {
        if let Some(read) = self.last().filter(|read| read.after == after) {
            return Ok(read.page);
        }
        let page = Arc::new(store.events(after, limit).await?);
        // An empty page is asked for again: something may have come.
        let kept = Read { after, page: Arc::clone(&page), histories: None };
        self.keep((!page.is_empty()).then_some(kept));
        Ok(page)
    }

    /// The versions of those the page behind a place speaks of.
    pub(super) async fn histories(
        &self,
        store: &dyn Store,
        (after, persons): (u64, &[PersonId]),
    ) -> Result<Arc<Histories>, StoreError> {
        let last = self.last().filter(|read| read.after == after);
        let known = last.as_ref().and_then(|read| read.histories.clone());
        if let Some((_, histories)) = known.filter(|(of, _)| of == persons) {
            return Ok(histories);
        }
        let histories = Arc::new(read(store, persons).await?);
        let kept =
            last.map(|last| Read { histories: Some((persons.to_vec(), Arc::clone(&histories))), ..last });
        self.keep(kept);
        Ok(histories)
    }

    fn last(&self) -> Option<Read> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, read: Option<Read>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = read;
    }
}

/// The versions of persons, read now.
pub(super) async fn read(store: &dyn Store, persons: &[PersonId]) -> Result<Histories, StoreError> {
    if persons.is_empty() {
        return Ok(Histories::new());
    }
    let histories = store.histories(persons).await?.into_iter();
    Ok(histories.map(|(person, versions)| (person, Arc::new(versions))).collect())
}
