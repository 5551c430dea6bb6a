//! What a run that began on an empty store knows without asking: a key it has not written is not there.
//!
//! A first load looks millions of keys up, nearly all in vain. Whoever has the turn is the only one who writes, so as long as it
//! lasts, a filter of all that was written since the store was empty tells which keys cannot be found.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use fastbloom::AtomicBloomFilter;

use crate::store::batch::Batch;

/// 4 MiB: of a million persons' keys it lets one in twenty through that is not there, and the store is asked.
const BITS: usize = 1 << 25;
const HASHES: u32 = 4;

/// The filter, while there is one; shared by the store and the turn.
#[derive(Clone, Default)]
pub(super) struct Written(Arc<State>);

#[derive(Default)]
struct State {
    filter: RwLock<Option<Filter>>,
    /// Somebody has written: the store will not be empty again.
    peopled: AtomicBool,
}

struct Filter {
    keys: AtomicBloomFilter,
}

/// The turn: what holds it, and what was written under it.
pub(super) struct Taken<L> {
    _held_by: L,
    written: Written,
}

impl<L> Drop for Taken<L> {
    fn drop(&mut self) {
        self.written.end();
    }
}

impl Written {
    /// The turn somebody has just taken.
    pub(super) fn under<L>(&self, held_by: L) -> Taken<L> {
        Taken { _held_by: held_by, written: self.clone() }
    }

    /// Whether the store may still be empty.
    pub(super) fn may_be_first(&self) -> bool {
        !self.0.peopled.load(Relaxed)
    }

    /// When the store is empty, nothing is written yet, for nobody else will.
    pub(super) fn begin(&self, empty: bool) {
        if !empty {
            self.0.peopled.store(true, Relaxed);
            return;
        }
        let keys = AtomicBloomFilter::with_num_bits(BITS).hashes(HASHES);
        self.set(Some(Filter { keys }));
    }

    /// Others may write from now on.
    pub(super) fn end(&self) {
        self.set(None);
    }

    fn set(&self, filter: Option<Filter>) {
        *self.0.filter.write().unwrap_or_else(PoisonError::into_inner) = filter;
    }

    /// Leaves the keys that may be in the store.
    pub(super) fn retain(&self, keys: &mut Vec<i64>) {
        let filter = self.0.filter.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(filter) = filter.as_ref() {
            keys.retain(|key| filter.keys.contains_hash(key.cast_unsigned()));
        }
    }

    /// Adds the keys of a batch about to be written.
    pub(super) fn add(&self, batch: &Batch) {
        let filter = self.0.filter.read().unwrap_or_else(PoisonError::into_inner);
        let Some(filter) = filter.as_ref() else { return };
        let claims = batch.inserted.iter().chain(&batch.rewritten);
        let claims = claims.flat_map(|claim| claim.record_hash.into_iter().chain([claim.record_key]));
        let keys = batch.keys.iter().chain(&batch.first_keys).map(|(key, _)| *key);
        for key in claims.chain(keys) {
            filter.keys.insert_hash(key.cast_unsigned());
        }
    }
}
