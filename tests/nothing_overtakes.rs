//! P5, P6: a broker that refuses some events, or takes them without an answer, gets each of them in the end, and no event of a person
//! before an earlier one of the same person.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use hub_core::broker::{Broker, BrokerError, Message, Session, Verdict};
use hub_core::delivery::PersonId;
use hub_core::publisher::Publisher;

use crate::store_conformance::many_events;
use crate::support::{mint, sqlite};

/// Events that wait.
const EVENTS: u64 = 120;

/// What a broker took, in order, and whom it once treated badly.
#[derive(Default)]
struct Taken {
    events: Vec<(PersonId, String)>,
    tried: HashSet<String>,
}

/// A broker in a bad mood: of each event some of its kind, the first time.
#[derive(Clone, Default)]
struct Moody(Arc<Mutex<Taken>>);

#[async_trait]
impl Broker for Moody {
    async fn open(&self) -> Result<Arc<dyn Session>, BrokerError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Session for Moody {
    fn lanes(&self) -> usize {
        4
    }

    async fn publish(&self, lane: usize, wave: &[Message]) -> Result<Vec<Verdict>, BrokerError> {
        // The lanes answer in turns.
        tokio::time::sleep(Duration::from_millis(1 + lane as u64)).await;
        let mut taken = self.0.lock().expect("a lock");
        let verdicts = wave.iter().map(|event| taken.take(event));
        Ok(verdicts.collect())
    }

    fn is_open(&self) -> bool {
        true
    }
}

impl Taken {
    fn take(&mut self, event: &Message) -> Verdict {
        let id = event.id.to_string();
        let verdict = match (self.tried.insert(id.clone()), event.place % 71) {
            (true, 0) => Verdict::Refused,
            (true, 1) => Verdict::Unroutable,
            (true, 2) => Verdict::Unknown,
            _ => Verdict::Confirmed,
        };
        if matches!(verdict, Verdict::Confirmed | Verdict::Unknown) {
            self.events.push((event.person, id));
        }
        verdict
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_of_a_person_overtakes_one_that_was_not_taken() {
    let (_folder, store) = sqlite().await;
    let expected = many_events(store.as_ref(), EVENTS).await;
    let broker = Moody::default();
    let publisher = Publisher::new(Arc::clone(&store), Arc::new(broker.clone()), mint());
    let emptied = async {
        while store.waiting().await.expect("counts") > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    publisher.run_until(emptied).await;
    let taken = broker.0.lock().expect("a lock");
    assert!(taken.tried.len() == usize::try_from(EVENTS).expect("small"), "all were tried");
    let mut first: BTreeMap<PersonId, Vec<&str>> = BTreeMap::new();
    for (person, id) in &taken.events {
        let own = first.entry(*person).or_default();
        // What comes again counts once.
        if !own.contains(&id.as_str()) {
            own.push(id);
        }
    }
    let mut first: Vec<Vec<&str>> = first.into_values().collect();
    let mut expected: Vec<Vec<&str>> =
        expected.iter().map(|own| own.iter().map(String::as_str).collect()).collect();
    first.sort_unstable();
    expected.sort_unstable();
    assert_eq!(first, expected);
}
