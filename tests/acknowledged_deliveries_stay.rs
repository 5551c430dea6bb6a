//! P1, P2, P20 of arrivals: what was acknowledged is in the archive byte for byte and takes effect once, whenever the hub is killed;
//! memory does not grow with what is pushed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::extracts::{Hub, Member, PAUL, daily, household, made, somebody};
use crate::support::serving::{PATIENCE, Serving, archived, delivery_of, token_of};

/// Kills of one hub, at random moments; `DLNUF_TEST_KILLS` asks for more.
const KILLS: u64 = 12;
/// Longest life of a hub, in milliseconds.
const LIFE_MS: u64 = 400;
const SEED: u64 = 3;
/// The first extract that is put down in the drop folder; those before it are pushed.
const FIRST_PUT: u64 = 500_000;

/// An extract of one person, of a CAF of its own, so that no order between extracts matters.
fn extract(at: u64) -> Vec<u8> {
    let (name, born) = somebody(at);
    let person = Member { name: &name, born: &born, nir: "", ..PAUL };
    daily(
        &made("2026-03-01", "01:00:00"),
        &[household(&format!("7{at:06}"), &format!("{at:03}"), "2", &[person])],
    )
}

fn sources(line: &str) -> String {
    format!("sources: {{ caf: {{ tokens: [{line}], max_bytes: 2GiB }} }}")
}

/// The same, and a drop folder that is looked at every second.
fn with_depot(line: &str, depot: &Path) -> String {
    let folder = format!("{{ path: {}, settle_seconds: 0 }}", depot.display());
    let pull = format!("{{ depot: {{ folder: {folder}, schedule: {{ every_seconds: 1 }} }} }}");
    format!("sources: {{ caf: {{ tokens: [{line}], pulls: {pull} }} }}")
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the moment of the kill is what is tried: nothing is awaited")]
async fn a_hub_killed_at_any_moment_of_any_arrival_loses_nothing_and_does_nothing_twice() {
    let kills = std::env::var("DLNUF_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let (hub, mut chance) = (Hub::fresh(), StdRng::seed_from_u64(SEED));
    let home = hub.folder().join("hub");
    let (token, line) = token_of("caf");
    let (mut acknowledged, mut next) = (BTreeMap::new(), 0);
    let depot = hub.folder().join("depot");
    fs::create_dir_all(&depot).expect("a folder");
    let mut serving = Serving::start(&home, &with_depot(&line, &depot), &[]);
    for kill in 0..kills {
        // Written whole under another name, as an institution should.
        let (part, whole) = (depot.join("x.part"), depot.join(format!("{kill}.xml")));
        fs::write(&part, extract(FIRST_PUT + kill))
            .and_then(|()| fs::rename(&part, whole))
            .expect("put down");
        let lived = Duration::from_millis(chance.random_range(0..LIFE_MS));
        let (base, token, from) = (serving.base.clone(), token.clone(), next);
        let pushing = tokio::spawn(async move { push_from(&base, &token, from).await });
        std::thread::sleep(lived);
        serving.kill();
        let pushed = pushing.await.expect("ended");
        next += pushed.len() as u64;
        acknowledged.extend(pushed);
        serving = Serving::again(&home, &[]);
    }
    assert!(
        acknowledged.len() as u64 >= kills,
        "{} acknowledged: the hub was killed too early to show anything",
        acknowledged.len()
    );
    let kept = archived(&home);
    for (at, id) in &acknowledged {
        let bytes = extract(*at);
        assert!(
            kept.iter().any(|(_, kept)| *kept == bytes),
            "seed {SEED}: extract {at} was acknowledged and is lost"
        );
        let receipt = serving.receipt(&token, id).await;
        assert_eq!(receipt["etat"], "integree", "seed {SEED}: extract {at}: {receipt}");
    }
    emptied(&depot, kills).await;
    for at in FIRST_PUT..FIRST_PUT + kills {
        let bytes = extract(at);
        assert!(
            archived(&home).iter().any(|(_, kept)| *kept == bytes),
            "seed {SEED}: {at} was moved and is lost"
        );
    }
    for listed in hub.ask(&["deliveries", "--limit", "10000"]).json() {
        let id = listed["delivery"].as_str().expect("an identifier");
        assert_eq!(serving.receipt(&token, id).await["etat"], "integree", "seed {SEED}: {listed}");
    }
    let created = hub.events().iter().filter(|event| event["type"] == "fr.dlnuf.personne.creee").count();
    // One that was on its way when the hub was killed may be there without having been acknowledged.
    let persons = hub.persons().len();
    assert_eq!(created, persons, "seed {SEED}: each person was made once");
    let wanted = acknowledged.len() + usize::try_from(kills).expect("few");
    assert!(persons >= wanted, "seed {SEED}: {persons} persons of {wanted}");
}

/// Waits until a drop folder's extracts, so many, were all taken.
async fn emptied(depot: &Path, count: u64) {
    let start = Instant::now();
    while fs::read_dir(depot.join("traites")).map_or(0, Iterator::count) as u64 != count {
        assert!(start.elapsed() < PATIENCE, "seed {SEED}: the drop folder is emptied");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Pushes one extract after the other until the hub answers no more; those it acknowledged, with their deliveries.
async fn push_from(base: &str, token: &str, from: u64) -> Vec<(u64, String)> {
    let client = connectors::transport::http::builder().no_proxy().build().expect("a client");
    let mut acknowledged = Vec::new();
    for at in from.. {
        let request = client.post(format!("{base}/v1/deliveries")).bearer_auth(token);
        let request = request.header("idempotency-key", format!("extract-{at}")).body(extract(at));
        match request.send().await {
            Ok(answer) if answer.status() == 201 => match answer.json::<Json>().await {
                Ok(body) => {
                    let id =
                        body.pointer("/livraisons/0/livraison").and_then(Json::as_str).expect("a delivery");
                    acknowledged.push((at, id.to_owned()));
                }
                Err(_) => break,
            },
            Ok(answer) => panic!("{}", answer.status()),
            Err(_) => break,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_is_pushed_in_little_memory() {
    const GIGABYTE: u64 = 1 << 30;
    let hub = Hub::fresh();
    let (token, line) = token_of("caf");
    let serving = Serving::start(&hub.folder().join("hub"), &sources(&line), &[]);
    let mut stream = TcpStream::connect(serving.base.trim_start_matches("http://")).await.expect("connects");
    let head = format!(
        "POST /v1/deliveries HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Length: {GIGABYTE}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("writes");
    let chunk = b"<Racine>".repeat(1 << 14);
    for _ in 0..GIGABYTE / chunk.len() as u64 {
        stream.write_all(&chunk).await.expect("writes");
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("reads");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let body: Json = serde_json::from_str(answer.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    let id = body.pointer("/livraisons/0/livraison").and_then(Json::as_str).expect("a delivery");
    assert_eq!(serving.receipt(&token, id).await["etat"], "retenue");
    let peak = serving.peak_memory() >> 20;
    assert!(peak < 150, "{peak} MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_uploads_at_once_are_all_acknowledged() {
    let hub = Hub::fresh();
    let (token, line) = token_of("caf");
    let serving = Serving::start(&hub.folder().join("hub"), &sources(&line), &[]);
    let pushes = (0..50_u8).map(|at| {
        let named = format!("attachment; filename=\"{at}.xml\"");
        let request =
            serving.ask(Method::POST, "/v1/deliveries", &token).header("content-disposition", named);
        request.body(vec![b'a' + at % 26; (4 << 20) + usize::from(at)]).send()
    });
    let answers = futures_util::future::join_all(pushes).await;
    let mut ids = Vec::new();
    for answer in answers {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 201);
        ids.push(delivery_of(answer).await);
    }
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), serving.archived().len()), (50, 50));
    let peak = serving.peak_memory() >> 20;
    assert!(peak < 300, "{peak} MiB");
}
