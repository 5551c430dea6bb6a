//! The order in which sources arrive does not matter: whatever comes first, the same persons with the same values.

use std::path::Path;

use hub::installation::{pipeline, receive};
use hub::settings::Settings;
use hub::synth::{self, Extract, Plan};
use hub_core::pipeline::{Order, Pipeline};
use hub_core::store::KnownPerson;
use serde_json::Value as Json;

use crate::support::population::{everybody, known};

const PLAN: Plan = Plan { households: 40, seed: 11, night: 1, changed_per_million: 0 };

async fn hub(folder: &Path) -> Pipeline {
    let settings =
        Settings { home: folder.join("home"), store: None, archive: None, broker: None, mappings: None };
    pipeline(&settings).await.expect("an installation")
}

async fn deliver(hub: &Pipeline, source: &str, file: &Path) {
    let delivery = receive(hub, source, file).await.expect("a received delivery");
    hub.run(Order::new(delivery), &()).await.expect("a run");
}

fn orders(extracts: &[Extract]) -> Vec<Vec<&Extract>> {
    let mut orders: Vec<Vec<&Extract>> = vec![vec![]];
    for _ in extracts {
        let longer = orders.iter().flat_map(|order| {
            let rest =
                extracts.iter().filter(|extract| !order.iter().any(|taken| taken.file == extract.file));
            rest.map(|extract| order.iter().copied().chain([extract]).collect())
        });
        orders = longer.collect();
    }
    orders
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_of_arrival_gives_the_same_persons() {
    let files = tempfile::tempdir().expect("a folder");
    let extracts = synth::write(&PLAN, files.path(), &|_| {}).expect("extracts");
    let mut first: Option<Vec<String>> = None;
    let mut mergers = 0;
    let orders = orders(&extracts);
    assert_eq!(orders.len(), 24);
    for order in orders {
        let folder = tempfile::tempdir().expect("a folder");
        let hub = hub(folder.path()).await;
        for extract in &order {
            deliver(&hub, extract.source, &extract.file).await;
        }
        let (persons, events) = everybody(hub.store.as_ref()).await;
        mergers += persons.iter().filter(|person| person.merged_into.is_some()).count();
        says_who_became_whom(&persons, &events);
        let known = known(&hub.canon, &persons);
        let names: Vec<_> = order.iter().map(|e| e.file.file_name().expect("a name")).collect();
        let first = first.get_or_insert_with(|| known.clone());
        let differ = first.iter().zip(&known).filter(|(a, b)| a != b).count();
        assert!(*first == known, "{names:?}: {} persons, not {}; {differ} differ", known.len(), first.len());
    }
    assert!(mergers > 0, "no order made a person twice: this shows nothing");
}

/// Each absorbed person's last event names the one it is, and every event is what the schema says.
fn says_who_became_whom(persons: &[KnownPerson], events: &[Json]) {
    let schema: Json = serde_json::from_str(include_str!("../schemas/evenement/v1.json")).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a valid schema");
    assert!(events.iter().all(|event| schema.is_valid(event)));
    for person in persons.iter().filter(|person| person.merged_into.is_some()) {
        assert!(person.statements.is_empty() && person.state.fields.is_empty());
        let id = person.id.to_string();
        let own = |event: &&Json| event.get("subject").and_then(Json::as_str) == Some(id.as_str());
        let last = events.iter().rfind(own).expect("an event");
        assert_eq!(last.get("type").and_then(Json::as_str), Some("fr.dlnuf.personne.fusionnee"));
        // Who absorbed it may have been absorbed since: the chain of events ends where the store says.
        let mut into =
            last.pointer("/data/fusionnee_dans").and_then(Json::as_str).expect("a name").to_owned();
        while let Some(further) =
            persons.iter().find(|p| p.id.to_string() == into).and_then(|p| p.merged_into)
        {
            into = further.to_string();
        }
        assert_eq!(Some(into), person.merged_into.map(|id| id.to_string()));
    }
}
