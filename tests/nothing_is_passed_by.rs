//! P6, for those who subscribe: what waits for the broker is found in the order of its places, however many hubs tell.

use std::sync::Arc;
use std::time::Duration;

use hub_core::delivery::PersonId;
use hub_core::event::Event;
use hub_core::store::Store;
use hub_core::subscription::{Addressed, Following, Telling};

use crate::store_conformance::{canon, seal};
use crate::support::{Postgres, mint};

const TELLINGS: u64 = 60;
const EVENTS: u64 = 20;

/// Tells a profile often, a few events each time.
async fn tell_often(store: Arc<dyn Store>, profile: &'static str) {
    let following =
        |cursor| Following { cursor, sweep: None, declared: Vec::new(), members: Vec::new(), moving: None };
    let event = |sequence| {
        let event = Event {
            id: mint(),
            person: PersonId(mint()),
            sequence,
            kind: "fr.spie.essai",
            routing_key: "personne.modifiee.51".to_owned(),
            json: "{}".to_owned(),
        };
        Addressed { person: event.person, to: None, event, queued: true }
    };
    for step in 0..TELLINGS {
        let telling = Telling {
            profile: profile.into(),
            before: (step > 0).then(|| following(step)),
            after: following(step + 1),
            told: Vec::new(),
            events: (1..=EVENTS).map(event).collect(),
        };
        store.tell(&telling).await.expect("told");
    }
}

/// Somebody who has read to a place would else turn a person's events round.
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_found_in_the_order_of_its_places_however_many_hubs_tell() {
    let server = Postgres::fresh().await;
    let mut hubs = Vec::new();
    for _ in 0..3 {
        hubs.push(hub::store::open(&server.url, seal(1), canon()).await.expect("opens"));
    }
    let profiles = ["un", "deux", "trois", "quatre"];
    let telling = profiles.iter().zip([0, 1, 0, 1]).map(|(profile, hub)| {
        let hub = hubs.get(hub).map(Arc::clone).expect("a hub");
        tokio::spawn(tell_often(hub, profile))
    });
    let telling: Vec<_> = telling.collect();
    let reading = async {
        let (mut after, mut found) = (0, 0);
        while found < TELLINGS * EVENTS * 4 {
            let page = hubs[2].told_outbox(after, 1_000).await.expect("read");
            found += page.len() as u64;
            after = page.last().map_or(after, |event| event.position);
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reading).await.expect("none was passed by");
    for told in telling {
        told.await.expect("told");
    }
    drop(hubs);
    server.remove().await;
}
