//! A tool that does not speak AMQP reads the same events over HTTP, page after page, by cursor.

use reqwest::StatusCode;
use serde_json::Value as Json;

use crate::store_conformance;
use crate::support::door::Door;
use crate::support::sqlite;

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_is_read_by_cursor_and_a_wrong_request_gets_a_coded_problem() {
    let (_folder, store) = sqlite().await;
    store_conformance::many_events(store.as_ref(), 25).await;
    let door = Door::open(store.clone()).await;
    let get = async |path: &str| door.get(path).send().await.expect("answers");

    let (mut read, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = get(&format!("/v1/evenements?after={after}&limit=10")).await;
        assert_eq!(page.headers()["content-type"], "application/cloudevents-batch+json");
        after = page.headers()["dlnuf-cursor"].to_str().expect("text").to_owned();
        let events: Vec<Json> = page.json().await.expect("a batch");
        if events.is_empty() {
            break;
        }
        read.extend(events);
    }
    let journal = store.events(0, 100).await.expect("reads");
    let journal: Vec<Json> =
        journal.iter().map(|event| serde_json::from_str(&event.json).expect("JSON")).collect();
    assert_eq!(read.len(), 25);
    assert_eq!(read, journal);

    for path in ["/v1/evenements?limit=0", "/v1/evenements?after=x", "/v1/evenements?limt=5"] {
        let answer = get(path).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
        let problem: Json = answer.json().await.expect("a problem");
        assert_eq!(problem["code"], "DLN0703");
    }
    let foreign = door.get("/v1/evenements").header("host", "evil.example");
    assert_eq!(foreign.send().await.expect("answers").status(), StatusCode::MISDIRECTED_REQUEST);
}
