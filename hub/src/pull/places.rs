//! From the sources file to the places it names.
//!
//! A place is opened once and kept: some remember what they saw the last time. One that cannot be opened is tried again at the
//! next look.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connectors::transport::folder::Folder;
use connectors::transport::http::{Collection, Enrichment, Milo, Time};
use connectors::transport::object_store::Bucket;
use connectors::transport::sftp::Sftp;
use hub_core::canonical::Canon;
use hub_core::clock::Clock;
use hub_core::roster::Roster;
use hub_core::store::Store;
use hub_core::transport::{Transport, TransportError};

use super::roster::StoreRoster;
use super::standing::entry;
use crate::sources::Pull;
use crate::sources::file::Place;

/// The places of the sources, those opened so far.
pub struct Places {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    canon: Arc<Canon>,
    open: Mutex<HashMap<String, Arc<dyn Transport>>>,
}

impl Places {
    /// No place is open yet; persons a place is asked about are those of the store.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, canon: Arc<Canon>) -> Self {
        Self { store, clock, canon, open: Mutex::default() }
    }

    /// The place a pull is from.
    ///
    /// # Errors
    /// When its configuration cannot be used: a key that is not there, an address that means nothing.
    pub fn of(&self, source: &str, name: &str, pull: &Pull) -> Result<Arc<dyn Transport>, TransportError> {
        let entry = entry(source, name);
        if let Some(place) = self.opened().get(&entry) {
            return Ok(Arc::clone(place));
        }
        let place = self.connect(&entry, pull)?;
        self.opened().insert(entry, Arc::clone(&place));
        Ok(place)
    }

    /// Forgets a place that was opened: the next look opens it anew, and reads its keys again.
    pub fn close(&self, entry: &str) {
        self.opened().remove(entry);
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<dyn Transport>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self, entry: &str, pull: &Pull) -> Result<Arc<dyn Transport>, TransportError> {
        let time = || Time::real(Arc::clone(&self.clock));
        Ok(match pull.place()? {
            Place::Folder(folder) => Arc::new(Folder::new(folder.clone(), Arc::clone(&self.clock))?),
            Place::Sftp(sftp) => Arc::new(Sftp::new(sftp.clone())?),
            Place::Bucket(bucket) => Arc::new(Bucket::open(bucket)?),
            Place::Collection(list) => Arc::new(Collection::new(list.clone(), time())?),
            Place::Milo(queue) => Arc::new(Milo::new(queue.clone(), time())?),
            Place::Persons(persons) => {
                let fresh_for = Duration::from_hours(pull.fresh_for_hours);
                Arc::new(Enrichment::new(persons.clone(), self.roster(entry, fresh_for), time())?)
            }
        })
    }

    fn roster(&self, entry: &str, fresh_for: Duration) -> Arc<dyn Roster> {
        let from = (Arc::clone(&self.store), Arc::clone(&self.clock));
        Arc::new(StoreRoster::new(from, &self.canon, entry.to_owned(), fresh_for))
    }
}
