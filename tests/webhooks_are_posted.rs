//! A subscriber by webhook is posted what it may know, signed, in order, again until it takes it, by a hub that is killed too; and nothing is
//! posted where nothing may be called.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use crate::profiles_reach_the_broker::kind;
use crate::subscribers_read_over_http::{ANNE, LIST, PAUL};
use crate::support::extracts::Hub;
use crate::support::serving::Serving;

/// How long something may take to be posted: the first retry comes after five seconds, another hub takes over after thirty.
const PATIENCE: Duration = Duration::from_mins(1);
const HOUSE: &[&str] = &["--webhook-networks", "127.0.0.0/8"];

#[derive(Default)]
struct Heard {
    taken: Mutex<Vec<(HeaderMap, Vec<u8>)>>,
    /// What is answered.
    status: Mutex<u16>,
    tries: Mutex<u32>,
    came: Notify,
}

/// A tool that listens.
struct Listener {
    address: SocketAddr,
    heard: Arc<Heard>,
}

async fn take(State(heard): State<Arc<Heard>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let status = StatusCode::from_u16(*heard.status.lock().expect("a status")).expect("a status");
    *heard.tries.lock().expect("a count") += 1;
    if status.is_success() {
        heard.taken.lock().expect("events").push((headers, body.to_vec()));
    }
    heard.came.notify_one();
    status
}

impl Listener {
    async fn start() -> Self {
        let heard = Arc::new(Heard { status: Mutex::new(204), ..Heard::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("an address");
        let address = listener.local_addr().expect("an address");
        let doors = Router::new().route("/e", post(take)).with_state(Arc::clone(&heard));
        tokio::spawn(async move { axum::serve(listener, doors).await });
        Self { address, heard }
    }

    fn answers(&self, status: u16) {
        *self.heard.status.lock().expect("a status") = status;
    }

    fn tries(&self) -> u32 {
        *self.heard.tries.lock().expect("a count")
    }

    /// Waits until it has been tried so often.
    async fn tried(&self, times: u32) {
        while self.tries() < times {
            tokio::time::timeout(PATIENCE, self.heard.came.notified()).await.expect("it is posted to");
        }
    }

    /// What it has taken once an event of a type is among it.
    async fn until(&self, wanted: &str) -> Vec<Json> {
        loop {
            let events = self.events();
            if events.iter().any(|event| kind(event).ends_with(wanted)) {
                return events;
            }
            let came = tokio::time::timeout(PATIENCE, self.heard.came.notified()).await;
            assert!(
                came.is_ok(),
                "no {wanted} in {PATIENCE:?} after {:?}",
                events.iter().map(kind).collect::<Vec<_>>()
            );
        }
    }

    fn events(&self) -> Vec<Json> {
        let taken = self.heard.taken.lock().expect("events");
        taken.iter().map(|(_, body)| serde_json::from_slice(body).expect("JSON")).collect()
    }
}

/// HMAC-SHA256 by its definition (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0u8; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |with: u8| block.map(|byte| byte ^ with).to_vec();
    let inner = Sha256::digest([pad(0x36), message.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}

fn declare(hub: &Hub, url: &str, failures: u32) {
    let folder = std::path::Path::new(&hub.home()).join("abonnements");
    std::fs::create_dir_all(folder.join("profils")).expect("a folder");
    let profile = "profil: suivi\ntitre: Essai\nchamps: [identite, adresse]\n";
    std::fs::write(folder.join("profils/suivi.yaml"), profile).expect("a file");
    let subscription = format!(
        "abonne: outil\ntitre: Essai\nprofil: suivi\nfinalite: Essayer\nbase_legale: CASF L. 263-4-1\nexpire: 2099-12-31\n\
         territoire: [\"52\"]\ncanal:\n  webhook: {url}\n  desactive_apres: {failures}\n"
    );
    std::fs::write(folder.join("outil.yaml"), subscription).expect("a file");
}

fn add(hub: &Hub, more: &[&str]) -> Json {
    let ended = hub.ask(&[more, &["subscriber", "add", "outil"]].concat());
    ended.json().pop().unwrap_or_else(|| panic!("an answer: {}", ended.errors))
}

fn state(hub: &Hub) -> Json {
    hub.ask(&["subscriber", "state", "outil"]).json().pop().expect("a state")
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_posted_signed_in_order_and_again_until_they_are_taken_also_by_a_hub_that_was_killed() {
    let (hub, listener) = (Hub::fresh(), Listener::start().await);
    declare(&hub, &format!("http://{}/e", listener.address), 150);
    hub.deliver("departement", "1.csv", format!("{LIST}{PAUL}{ANNE}").as_bytes());
    let given = add(&hub, HOUSE);
    let secret = given["secret"].as_str().and_then(|secret| secret.strip_prefix("whsec_")).expect("a secret");
    let secret = STANDARD.decode(secret).expect("base64");
    let serving = Serving::again(hub.home().as_ref(), HOUSE);
    let events = listener.until("instantane.termine").await;
    let kinds: Vec<String> = events.iter().map(kind).collect();
    assert_eq!(
        &kinds[kinds.len() - 2..],
        ["1 personne.etat", "1 instantane.termine"],
        "Anne lives elsewhere: {kinds:?}"
    );
    for (headers, body) in listener.heard.taken.lock().expect("events").iter() {
        let said = |name: &str| headers[name].to_str().expect("a text").to_owned();
        let (id, stamp) = (said("webhook-id"), said("webhook-timestamp"));
        let event: Json = serde_json::from_slice(body).expect("JSON");
        assert_eq!(event["id"], id.as_str());
        let signed = hmac(&secret, &[format!("{id}.{stamp}.").as_bytes(), body].concat());
        assert_eq!(said("webhook-signature"), format!("v1,{}", STANDARD.encode(signed)));
        assert_eq!(said("content-type"), "application/cloudevents+json");
    }
    // It fails: the next ones wait behind.
    listener.answers(500);
    let tries = listener.tries();
    for (night, town) in [(2, "52100 Saint-Dizier"), (3, "52200 Langres")] {
        let moved = PAUL.replace("52000 Chaumont", town);
        hub.deliver("departement", &format!("{night}.csv"), format!("{LIST}{moved}{ANNE}").as_bytes());
    }
    listener.tried(tries + 1).await;
    let behind = state(&hub);
    assert_eq!(
        (&behind["etat"], &behind["webhook"]["derniere_reponse"]),
        (&"en_service".into(), &"500".into())
    );
    serving.kill();
    listener.answers(204);
    let serving = Serving::again(hub.home().as_ref(), HOUSE);
    while listener.events().iter().filter(|event| kind(event).ends_with("personne.modifiee")).count() < 2 {
        tokio::time::timeout(PATIENCE, listener.heard.came.notified())
            .await
            .expect("it goes on where it was");
    }
    let mut ids = BTreeSet::new();
    let told = listener.events();
    let own =
        told.iter().filter(|event| kind(event).contains("personne.") && ids.insert(event["id"].to_string()));
    let ranks: Vec<String> = own.map(kind).collect();
    assert_eq!(&ranks[ranks.len() - 3..], ["1 personne.etat", "2 personne.modifiee", "3 personne.modifiee"]);
    assert_eq!(serving.stop(), Some(0));
    assert!(
        !told.iter().any(|event| event.to_string().contains("Roussel") || event.to_string().contains("SI-1"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_as_often_as_declared_is_posted_nothing_until_it_is_resumed_and_misses_nothing() {
    let (hub, listener) = (Hub::fresh(), Listener::start().await);
    declare(&hub, &format!("http://{}/e", listener.address), 1);
    hub.deliver("departement", "1.csv", format!("{LIST}{PAUL}").as_bytes());
    add(&hub, HOUSE);
    listener.answers(503);
    let serving = Serving::again(hub.home().as_ref(), HOUSE);
    listener.tried(1).await;
    while state(&hub)["etat"] != "desactive" {}
    let notices = hub.ask(&["notices"]).json();
    assert!(notices.iter().any(|notice| notice["code"] == "DLN0604"), "{notices:?}");
    let tries = listener.tries();
    // What the profile lost meanwhile is not posted from what was told before.
    let profile = std::path::Path::new(&hub.home()).join("abonnements/profils/suivi.yaml");
    std::fs::write(profile, "profil: suivi\ntitre: Essai\nchamps: [identite]\n").expect("a file");
    let declared = async || {
        let answer = serving.ask(reqwest::Method::GET, "/v1/profils/suivi", "").send().await;
        answer.expect("answers").text().await.expect("a text")
    };
    while declared().await.contains("adresse") {}
    listener.answers(204);
    assert_eq!(hub.ask(&["subscriber", "resume", "outil"]).code, 0);
    let posted = listener.until("instantane.termine").await;
    let of_address = |event: &Json| event["data"]["changements"].to_string().contains("adresse.");
    assert!(posted.iter().any(|event| !event["data"]["changements"].is_null()));
    assert!(!posted.iter().any(of_address), "{posted:?}");
    let kinds: Vec<String> = posted.iter().map(kind).collect();
    assert_eq!(&kinds[kinds.len() - 2..], ["1 personne.etat", "1 instantane.termine"], "{kinds:?}");
    assert_eq!(tries, 1);
    assert_eq!(serving.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_posted_to_the_hub_s_own_machine_or_network_unless_it_is_named() {
    let (hub, listener) = (Hub::fresh(), Listener::start().await);
    declare(&hub, &format!("http://{}/e", listener.address), 150);
    let ended = hub.ask(&["subscriber", "add", "outil"]);
    assert_ne!(ended.code, 0, "an address within, without TLS");
    // A name that leads within is found out when it is resolved.
    declare(&hub, &format!("https://localhost:{}/e", listener.address.port()), 150);
    hub.deliver("departement", "1.csv", format!("{LIST}{PAUL}").as_bytes());
    add(&hub, &[]);
    let serving = Serving::again(hub.home().as_ref(), &[]);
    let until = tokio::time::Instant::now() + PATIENCE;
    while state(&hub)["webhook"]["derniere_reponse"] != "adresse interdite" {
        assert!(tokio::time::Instant::now() < until, "{}", state(&hub));
    }
    assert_eq!(listener.tries(), 0);
    assert_eq!(serving.stop(), Some(0));
}
