//! The events that wait, and the waves cut from them.
//!
//! A wave holds at most one event of a person: the next one leaves only when the broker has confirmed the one before, so
//! neither a refused nor a repeated publish can turn a person's events around.

use std::collections::{HashSet, VecDeque};

use crate::store::JournalEvent;

/// Events in journal order, waiting to leave.
#[derive(Debug, Default)]
pub(super) struct Line(VecDeque<JournalEvent>);

impl Line {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn join(&mut self, events: Vec<JournalEvent>) {
        self.0.extend(events);
    }

    /// The first event of each person, at most `limit`, in order; what stays keeps its order.
    pub fn cut(&mut self, limit: usize) -> Vec<JournalEvent> {
        let mut persons = HashSet::new();
        let mut wave = Vec::new();
        for event in std::mem::take(&mut self.0) {
            if wave.len() < limit && persons.insert(event.person) {
                wave.push(event);
            } else {
                self.0.push_back(event);
            }
        }
        wave
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::delivery::PersonId;

    fn event(cursor: u64, person: u8) -> JournalEvent {
        let id = Uuid::from_u128(u128::from(cursor));
        let person = PersonId(Uuid::from_u128(person.into()));
        JournalEvent { cursor, person, id, routing_key: String::new(), json: String::new() }
    }

    proptest! {
        #[test]
        fn each_person_leaves_once_a_wave_and_in_order(persons in prop::collection::vec(0u8..6, 0..60), limit in 1usize..9) {
            let mut line = Line::default();
            line.join(persons.iter().zip(1..).map(|(person, cursor)| event(cursor, *person)).collect());
            let mut left: Vec<JournalEvent> = Vec::new();
            while line.len() > 0 {
                let wave = line.cut(limit);
                let once: HashSet<PersonId> = wave.iter().map(|event| event.person).collect();
                prop_assert!(!wave.is_empty() && wave.len() <= limit && once.len() == wave.len());
                left.extend(wave);
            }
            prop_assert_eq!(left.len(), persons.len());
            for person in 0u8..6 {
                let of = PersonId(Uuid::from_u128(person.into()));
                let cursors: Vec<u64> = left.iter().filter(|e| e.person == of).map(|e| e.cursor).collect();
                prop_assert!(cursors.is_sorted());
            }
        }
    }
}
