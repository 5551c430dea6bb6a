//! The events that wait, and the waves cut from them.
//!
//! At most one event of a person is on its way: the next one leaves only when the broker has confirmed the one before, so
//! neither a refused nor a repeated publish can turn a person's events around.

use std::collections::{HashSet, VecDeque};

use crate::broker::Message;
use crate::delivery::PersonId;

/// Events in journal order, waiting to leave.
#[derive(Debug, Default)]
pub(super) struct Line {
    waiting: VecDeque<Message>,
    /// Who has an event on its way.
    away: HashSet<PersonId>,
}

impl Line {
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn join(&mut self, events: Vec<Message>) {
        self.waiting.extend(events);
    }

    /// The first event of each person who has none on its way, at most `limit`, in order; what stays keeps its order. What closes a
    /// snapshot leaves alone, once nothing before it is on its way.
    pub fn cut(&mut self, limit: usize) -> Vec<Message> {
        let mut passed: HashSet<PersonId> = HashSet::new();
        let (mut wave, mut stays) = (Vec::new(), VecDeque::new());
        while wave.len() < limit {
            let Some(event) = self.waiting.pop_front() else { break };
            if event.closing {
                // All before it has to be confirmed first.
                let last = wave.is_empty() && stays.is_empty() && self.away.is_empty();
                if last && self.away.insert(event.person) {
                    wave.push(event);
                } else {
                    self.waiting.push_front(event);
                }
                break;
            }
            if !passed.contains(&event.person) && self.away.insert(event.person) {
                wave.push(event);
            } else {
                passed.insert(event.person);
                stays.push_back(event);
            }
        }
        while let Some(event) = stays.pop_back() {
            self.waiting.push_front(event);
        }
        wave
    }

    /// The wave is answered for: the next events of its persons may leave.
    pub fn back(&mut self, wave: &[Message]) {
        for event in wave {
            self.away.remove(&event.person);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::broker::Address;

    /// That of person 5 closes what was before it.
    fn event(place: u64, person: u8) -> Message {
        let id = Uuid::from_u128(u128::from(place));
        let person = PersonId(Uuid::from_u128(person.into()));
        let to = Address::Journal;
        let closing = person.0.as_u128() == 5;
        Message { place, person, id, to, routing_key: String::new(), json: String::new(), closing }
    }

    proptest! {
        #[test]
        fn a_person_has_one_event_on_its_way_and_all_leave_in_order(persons in prop::collection::vec(0u8..6, 0..60), limit in 1usize..9) {
            let mut line = Line::default();
            line.join(persons.iter().zip(1..).map(|(person, cursor)| event(cursor, *person)).collect());
            let mut left: Vec<Message> = Vec::new();
            let mut away: VecDeque<Vec<Message>> = VecDeque::new();
            while line.len() > 0 || !away.is_empty() {
                let wave = line.cut(limit);
                let idle = wave.is_empty();
                prop_assert!(wave.len() <= limit);
                if !idle {
                    away.push_back(wave);
                }
                let all: Vec<PersonId> = away.iter().flatten().map(|event| event.person).collect();
                let once: HashSet<PersonId> = all.iter().copied().collect();
                prop_assert!(once.len() == all.len() && !(idle && all.is_empty() && line.len() > 0));
                for (at, event) in left.iter().enumerate().filter(|(_, event)| event.closing) {
                    let before = (0..event.place).filter(|place| *place > 0);
                    let gone = |place: u64| left.iter().take(at).any(|earlier| earlier.place == place);
                    prop_assert!(before.into_iter().all(gone), "what closes comes after all before it");
                }
                // Up to two waves are on their way.
                if away.len() > 2 || idle {
                    let wave = away.pop_front().unwrap_or_default();
                    line.back(&wave);
                    left.extend(wave);
                }
            }
            prop_assert_eq!(left.len(), persons.len());
            for person in 0u8..6 {
                let of = PersonId(Uuid::from_u128(person.into()));
                let cursors: Vec<u64> = left.iter().filter(|e| e.person == of).map(|e| e.place).collect();
                prop_assert!(cursors.is_sorted());
            }
        }
    }
}
