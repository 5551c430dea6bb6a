//! Everybody a hub knows, to compare one hub with another.

use hub_core::canonical::Canon;
use hub_core::delivery::PersonId;
use hub_core::store::{KnownPerson, Store};
use serde_json::Value as Json;

/// Everybody ever announced, absorbed or not, and the events in journal order.
pub async fn everybody(store: &dyn Store) -> (Vec<KnownPerson>, Vec<Json>) {
    let events = store.events(0, 1_000_000).await.expect("the journal");
    let mut ids: Vec<PersonId> = events.iter().map(|event| event.person).collect();
    ids.sort();
    ids.dedup();
    let json = events.iter().map(|event| serde_json::from_str(&event.json).expect("JSON")).collect();
    (store.persons(&ids).await.expect("persons"), json)
}

/// What is known of each living person, without the names the hub gave them.
pub fn known(canon: &Canon, persons: &[KnownPerson]) -> Vec<String> {
    let alive = persons.iter().filter(|person| person.merged_into.is_none());
    let mut known: Vec<String> =
        alive.map(|person| canon.to_json(&person.state.values()).to_string()).collect();
    known.sort();
    known
}
