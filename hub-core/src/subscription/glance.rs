//! A glance: what was last read for one profile, kept for the others that stand at the same place.
//!
//! A place in the journal enters; the page behind it leaves, and the versions of whom it speaks of, read once for all profiles. Versions were
//! read after their page, so they hold all it tells of; what came since is on a later page, and read with that.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::delivery::PersonId;
use crate::store::{JournalEvent, Store, StoreError, Version};

/// The versions of persons.
pub(super) type Histories = BTreeMap<PersonId, Arc<Vec<Version>>>;

/// What was last read.
#[derive(Default)]
pub struct Glance(Mutex<Option<Read>>);

struct Read {
    after: u64,
    page: Arc<Vec<JournalEvent>>,
    /// Of these persons.
    histories: Option<(Vec<PersonId>, Arc<Histories>)>,
}

impl Glance {
    /// The page of the journal behind a place. Whoever asks meanwhile waits for it.
    pub(super) async fn page(
        &self,
        store: &dyn Store,
        (after, limit): (u64, u32),
    ) -> Result<Arc<Vec<JournalEvent>>, StoreError> {
        let mut last = self.0.lock().await;
        if let Some(read) = last.as_ref().filter(|read| read.after == after) {
            return Ok(Arc::clone(&read.page));
        }
        let page = Arc::new(store.events(after, limit).await?);
        // An empty page is asked for again: something may have come.
        *last = (!page.is_empty()).then(|| Read { after, page: Arc::clone(&page), histories: None });
        Ok(page)
    }

    /// The versions of those the page behind a place speaks of.
    pub(super) async fn histories(
        &self,
        store: &dyn Store,
        (after, persons): (u64, &[PersonId]),
    ) -> Result<Arc<Histories>, StoreError> {
        let mut last = self.0.lock().await;
        let of_page = last.as_mut().filter(|read| read.after == after);
        if let Some((of, histories)) = of_page.as_ref().and_then(|read| read.histories.as_ref())
            && of == persons
        {
            return Ok(Arc::clone(histories));
        }
        let histories = Arc::new(read(store, persons).await?);
        if let Some(of_page) = of_page {
            of_page.histories = Some((persons.to_vec(), Arc::clone(&histories)));
        }
        Ok(histories)
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
