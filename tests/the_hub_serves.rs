//! `dlnuf serve` as an operator runs it: it publishes what another process delivers, answers over HTTP, stops when told.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::StreamExt as _;
use hub::synth::{self, Plan};
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use serde_json::Value as Json;

use crate::events_reach_the_broker::{BROKER, emptied, url};
use crate::support::program::command;

const PLAN: Plan = Plan { households: 60, seed: 2, night: 1, changed_per_million: 0 };
/// How long the events of a small night may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program that is killed when the test ends badly.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_serving_hub_publishes_what_another_process_delivers_and_stops_when_told() {
    let _alone = BROKER.lock().await;
    let (_connection, channel) = emptied().await;
    let folder = tempfile::tempdir().expect("a folder");
    let extracts = synth::write(&PLAN, folder.path(), &|_| {}).expect("extracts");
    let caf = extracts.iter().find(|extract| extract.source == "caf").expect("the CAF's");
    let home = folder.path().join("hub");

    let mut serve = command();
    serve.args(["--broker", &url(), "--home"]).arg(&home).args(["serve", "--listen", "127.0.0.1:0"]);
    let mut serving = Running(serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts"));
    let mut said = String::new();
    let output = serving.0.stdout.take().expect("its output");
    BufReader::new(output).read_line(&mut said).expect("a line");
    let base = said.split(' ').find(|word| word.ends_with("/v1/evenements")).expect("an address").to_owned();

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
    let told = Command::new("kill").args(["-TERM", &serving.0.id().to_string()]).status().expect("kill");
    assert!(told.success());
    assert_eq!(serving.0.wait().expect("ended").code(), Some(0));
}
