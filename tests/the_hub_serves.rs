//! `dlnuf serve` as an operator runs it: it publishes what another process delivers, answers over HTTP, stops when told.

use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt as _;
use hub::synth::{self, Plan};
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use serde_json::Value as Json;

use crate::events_reach_the_broker::{BROKER, emptied, url};
use crate::support::program::command;
use crate::support::serving::Serving;

const PLAN: Plan = Plan { households: 60, seed: 2, night: 1, changed_per_million: 0 };
/// How long the events of a small night may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_serving_hub_publishes_what_another_process_delivers_and_stops_when_told() {
    let _alone = BROKER.lock().await;
    let (_connection, channel) = emptied().await;
    let folder = tempfile::tempdir().expect("a folder");
    let extracts = synth::write(&PLAN, folder.path(), &|_| {}).expect("extracts");
    let caf = extracts.iter().find(|extract| extract.source == "caf").expect("the CAF's");
    let home = folder.path().join("hub");

    let serving = Serving::start(&home, "", &["--broker", &url()]);
    let base = format!("{}/v1/evenements", serving.base);
    let mut deliver = command();
    deliver.arg("--home").arg(&home).args(["deliver", "caf"]).arg(&caf.file).stdout(Stdio::null());
    assert!(matches!(deliver.status().expect("runs").code(), Some(0 | 3)));
    let client = connectors::transport::http::builder().no_proxy().build().expect("a client");
    let page = client.get(format!("{base}?limit=1000")).send().await.expect("answers");
    let events: Vec<Json> = page.json().await.expect("a batch");
    let id = |event: &Json| event.get("id").and_then(Json::as_str).expect("an id").to_owned();
    let mut journal: Vec<String> = events.iter().map(id).collect();
    assert!(journal.len() > 60, "{} events", journal.len());

    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let queue = hub::broker::QUEUE.into();
    let consumer =
        channel.basic_consume(queue, "".into(), options, FieldTable::default()).await.expect("reads");
    let arrived = consumer
        .take(journal.len())
        .map(|message| id(&serde_json::from_slice(&message.expect("a message").data).expect("JSON")));
    let mut arrived: Vec<String> =
        tokio::time::timeout(PATIENCE, arrived.collect()).await.expect("every event arrives");
    journal.sort();
    arrived.sort();
    assert_eq!(journal, arrived);

    let health = client.get(base.replace("/v1/evenements", "/sante")).send().await.expect("answers");
    assert!(health.status().is_success());
    assert_eq!(serving.stop(), Some(0));
}
