//! What profiles were told lately, kept in memory until the broker has it: what was just written need not be read back.
//!
//! Events enter with the places they were given; copies of those asked for leave. What waits is for the store alone to say: this spares the
//! reading of rows, which never change. Full, it takes no more; the oldest are asked for first.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hub_core::subscription::ToldEvent;

/// Bytes of events kept.
const LIMIT: usize = 32 << 20;

#[derive(Default)]
pub(super) struct Fresh(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    events: BTreeMap<u64, ToldEvent>,
    bytes: usize,
}

impl Fresh {
    /// Keeps those there is room for, of events that are written.
    pub fn keep(&self, events: impl Iterator<Item = ToldEvent>) {
        let mut kept = self.lock();
        for event in events {
            let bytes = kept.bytes + event.json.len();
            if bytes > LIMIT {
                return;
            }
            kept.bytes = bytes;
            kept.events.insert(event.position, event);
        }
    }

    /// Those at these places that are known, and the places of the others.
    pub fn at(&self, places: &[i64]) -> (Vec<ToldEvent>, Vec<i64>) {
        let kept = self.lock();
        let (mut known, mut others) = (Vec::with_capacity(places.len()), Vec::new());
        for place in places {
            match kept.events.get(&place.cast_unsigned()) {
                Some(event) => known.push(event.clone()),
                None => others.push(*place),
            }
        }
        (known, others)
    }

    /// The broker has them.
    pub fn forget(&self, places: &[u64]) {
        let mut kept = self.lock();
        for place in places {
            if let Some(event) = kept.events.remove(place) {
                kept.bytes -= event.json.len();
            }
        }
    }

    /// Whatever stands before the first that waits was taken to the broker by another hub.
    pub fn forget_before(&self, first: u64) {
        let mut kept = self.lock();
        kept.events = kept.events.split_off(&first);
        kept.bytes = kept.events.values().map(|event| event.json.len()).sum();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hub_core::delivery::PersonId;
    use uuid::Uuid;

    use super::*;

    fn event(position: u64, bytes: usize) -> ToldEvent {
        let (profile, id) = ("un".into(), Uuid::from_u128(position.into()));
        let (to, routing_key, json) = (None, String::new(), "x".repeat(bytes));
        ToldEvent { position, profile, to, subject: PersonId(id), id, routing_key, json }
    }

    fn places(events: &[ToldEvent]) -> Vec<u64> {
        events.iter().map(|event| event.position).collect()
    }

    #[test]
    fn what_was_told_is_known_until_the_broker_has_it_as_far_as_there_is_room() {
        let fresh = Fresh::default();
        fresh.keep([event(3, 10), event(5, LIMIT / 2), event(6, LIMIT / 2), event(7, 1)].into_iter());
        let (known, others) = fresh.at(&[2, 3, 5, 6, 7]);
        assert_eq!((places(&known), others), (vec![3, 5], vec![2, 6, 7]));
        fresh.forget(&[3, 4, 5]);
        fresh.keep([event(8, LIMIT)].into_iter());
        let (known, others) = fresh.at(&[3, 5, 8]);
        assert_eq!((places(&known), others), (vec![8], vec![3, 5]));
        fresh.forget_before(9);
        fresh.keep([event(9, LIMIT)].into_iter());
        assert_eq!(places(&fresh.at(&[8, 9]).0), [9]);
    }
}
