//! What [`Hub`] asks and makes of the answers, against a listener that plays the hub.
//!
//! What no error may show says SECRET; an error's whole text is compared, so that a person or an address in it is found.

mod played;

use dlnuf_client::{Change, Effect, Etat, Failure, Gap, Hub, HubError, Tool};
use played::{Asked, Played, TOKEN};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::timeout;

const ANNE: &str = "aa000000-0000-8000-8000-000000000001";
const PAUL: &str = "aa000000-0000-8000-8000-000000000002";
const ZOE: &str = "bb000000-0000-8000-8000-000000000003";
/// `sha256sum` of Anne at 3 and Paul at 10, then of both without sequence.
const AT_3_AND_10: &str = "3acb52e8cff7d6c807a73b41077d4306b24105c61dca04c498df8d742f04908d";
const BOTH: &str = "867e5f047d38969f8bee08af479878a140ce8eee82a55204f312604186ad15b8";

/// Knows everybody it is asked to repair but the first of each request.
fn repairs(asked: &Asked) -> (u16, String) {
    let subjects = asked.json()["subjects"].as_array().expect("persons").clone();
    (202, json!({ "a_montrer": subjects.len() - 1, "inconnus": subjects[..1] }).to_string())
}

/// Tells Anne at 3 and Paul at 10, the digests of `lines`, and Zoé at 1.
fn digests(lines: &'static str, digest: &'static str) -> impl Fn(&Asked) -> (u16, String) {
    move |asked| {
        let part = |name, digest| json!({ "compartiment": name, "personnes": 1, "empreinte": digest });
        let line = |person, at| json!({ "subject": person, "sequence": at });
        let persons = match asked.line.rsplit('/').next() {
            Some("digests") => {
                let parts = [part("aa", digest), part("bb", "00")];
                return (200, json!({ "lignes": lines, "compartiments": parts }).to_string());
            }
            Some("aa") => json!([line(ANNE, "3"), line(PAUL, "10")]),
            Some("bb") => json!([line(ZOE, "1")]),
            _ => json!([]),
        };
        (200, json!({ "lignes": lines, "personnes": persons }).to_string())
    }
}

fn known(persons: &[(&str, u64)]) -> BTreeMap<String, u64> {
    persons.iter().map(|(person, at)| ((*person).to_owned(), *at)).collect()
}

fn names(persons: &[&str]) -> BTreeSet<String> {
    persons.iter().map(|person| (*person).to_owned()).collect()
}

fn effect(id: &str) -> Effect {
    Effect { id: id.into(), etat: Etat::Applique, time: None, cause: None }
}

#[tokio::test]
async fn persons_are_named_once_in_order_and_a_thousand_at_once() {
    let mut played = Played::answering(repairs).await;
    let persons: Vec<String> = (0..1001).rev().chain(0..5).map(|number| format!("{number:08}")).collect();
    let unknown = played.hub().repair(persons).await.expect("repairs");
    assert_eq!(unknown, ["00000000", "00001000"], "those of both answers");
    let asked = played.asked();
    let bodies: Vec<Value> = asked.iter().map(Asked::json).collect();
    let first: Vec<String> = (0..1000).map(|number| format!("{number:08}")).collect();
    assert_eq!(bodies, [json!({ "subjects": first }), json!({ "subjects": ["00001000"] })]);
    assert!(asked.iter().all(|asked| asked.line == "POST /v1/subscribers/me/repairs"));
}

#[tokio::test]
async fn a_request_bears_the_token_and_says_that_it_is_json() {
    let mut played = Played::answering(repairs).await;
    let below = Hub::new(&format!("{}/porte/", played.url), TOKEN).expect("a hub below a path");
    below.repair([ANNE]).await.expect("repairs");
    let asked = played.asked().pop().expect("one request");
    assert_eq!(asked.line, "POST /porte/v1/subscribers/me/repairs");
    assert_eq!(asked.headers["authorization"], "Bearer TOKEN-0123");
    assert_eq!(asked.headers["content-type"], "application/json");
}

#[tokio::test]
async fn nobody_and_nothing_ask_the_hub_nothing() {
    let mut played = Played::answering(|_| (400, String::new())).await;
    assert_eq!(played.hub().repair(Vec::<String>::new()).await, Ok(vec![]));
    assert_eq!(played.hub().report(&[]).await, Ok(()));
    assert_eq!(played.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_snapshot_is_asked_for_without_a_body_and_answered_without_one() {
    let mut played = Played::answering(|_| (202, String::new())).await;
    assert_eq!(played.hub().snapshot().await, Ok(()));
    let asked = played.asked().pop().expect("one request");
    assert_eq!(asked.line, "POST /v1/subscribers/me/snapshot");
    assert_eq!(asked.headers["content-length"], "0", "what stands in between may insist on a length");
}

#[tokio::test]
async fn effects_are_told_a_thousand_at_once_and_what_is_not_known_is_left_out() {
    let mut played = Played::answering(|_| (200, r#"{"appliques":1,"en_echec":0}"#.into())).await;
    let mut effects: Vec<Effect> = (0..1001).map(|number| effect(&number.to_string())).collect();
    let (time, cause) = (Some("2026-11-29T10:54:25Z".into()), Some("plein".into()));
    effects[0] = Effect { id: "0".into(), etat: Etat::Echec, time, cause };
    played.hub().report(&effects).await.expect("reports");
    let asked = played.asked();
    assert!(asked.iter().all(|asked| asked.line == "POST /v1/subscribers/me/effects"));
    let told: Vec<Value> = asked.iter().map(|asked| asked.json()["effets"].clone()).collect();
    assert_eq!(told[0].as_array().expect("effects").len(), 1000);
    let failed = json!({ "id": "0", "etat": "echec", "time": "2026-11-29T10:54:25Z", "cause": "plein" });
    assert_eq!(told[0][0], failed);
    assert_eq!(told[1], json!([{ "id": "1000", "etat": "applique" }]));
}

#[tokio::test]
async fn who_is_lacking_or_behind_is_to_be_repaired_and_who_was_not_told_forgotten() {
    let mut played = Played::answering(digests("subject sequence", AT_3_AND_10)).await;
    let gone = "cc000000-0000-8000-8000-000000000004";
    let other = "aa000000-0000-8000-8000-000000000005";
    let held = known(&[(ANNE, 3), (PAUL, 9), (other, 1), (gone, 7)]);
    let differing = played.hub().differing(&held).await.expect("compares");
    assert_eq!(differing.repair, names(&[PAUL, ZOE]));
    assert_eq!(differing.forget, names(&[other, gone]));
    let door = "GET /v1/subscribers/me/digests";
    assert_eq!(played.lines(), [door, &format!("{door}/aa"), &format!("{door}/bb"), &format!("{door}/cc")]);
}

#[tokio::test]
async fn a_compartment_of_the_same_digest_is_not_asked_for() {
    let mut played = Played::answering(digests("subject sequence", AT_3_AND_10)).await;
    let differing = played.hub().differing(&known(&[(PAUL, 10), (ANNE, 3)])).await.expect("compares");
    assert_eq!((differing.repair, differing.forget), (names(&[ZOE]), names(&[])));
    let door = "GET /v1/subscribers/me/digests";
    assert_eq!(played.lines(), [door, &format!("{door}/bb")]);
}

#[tokio::test]
async fn sequences_do_not_count_where_the_subscription_names_families() {
    for (digest, asked) in [(BOTH, 2), ("00", 3)] {
        let mut played = Played::answering(digests("subject", digest)).await;
        let differing = played.hub().differing(&known(&[(ANNE, 1), (PAUL, 1)])).await.expect("compares");
        assert_eq!((differing.repair, differing.forget), (names(&[ZOE]), names(&[])), "{digest}");
        assert_eq!(played.lines().len(), asked, "{digest}");
    }
}

#[tokio::test]
async fn a_refusal_says_its_status_and_code_and_nothing_else() {
    let problem = json!({
        "type": "https://dlnuf.fr/codes/DLN0801", "status": 403, "code": "DLN0801", "detail": "SECRET-detail",
    });
    let played = Played::answering(move |_| (403, problem.to_string())).await;
    let refused = played.hub().repair([ANNE]).await.expect_err("is refused");
    assert_eq!(refused.to_string(), "POST repairs: 403 DLN0801");
    let (call, code) = ("POST repairs".into(), Some("DLN0801".into()));
    assert_eq!(refused, HubError::Refused { call, status: 403, code });
    let refused = played.hub().differing(&known(&[(ANNE, 1)])).await.expect_err("is refused");
    assert_eq!(refused.to_string(), "GET digests: 403 DLN0801");
}

#[tokio::test]
async fn a_refusal_of_somebody_else_says_its_status_alone() {
    for body in ["<p>SECRET</p>", r#"{"code":"DLNSECR"}"#, r#"{"code":"SECRET-code"}"#, "[]", ""] {
        let played = Played::answering(move |_| (502, body.into())).await;
        let refused = played.hub().snapshot().await.expect_err("is refused");
        assert_eq!(refused.to_string(), "POST snapshot: 502", "{body}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_as_the_contract_says_is_told_without_quoting_it() {
    let broken = [
        "SECRET",
        "",
        "[]",
        r#"{"lignes":"SECRET","compartiments":[]}"#,
        r#"{"lignes":"subject","compartiments":[{"compartiment":"aa"}]}"#,
    ];
    for body in broken {
        let played = Played::answering(move |_| (200, body.into())).await;
        let repaired = played.hub().repair([ANNE]).await.expect_err("cannot be read");
        assert_eq!(repaired.to_string(), "POST repairs: no answer that can be read", "{body}");
        let compared = played.hub().differing(&known(&[])).await.expect_err("cannot be read");
        assert_eq!(compared.to_string(), "GET digests: no answer that can be read", "{body}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let played = Played::answering(|_| (202, " ".repeat(65 << 20) + r#"{"inconnus":[]}"#)).await;
    let too_much = played.hub().repair([ANNE]).await;
    assert_eq!(too_much, Err(HubError::Unanswered { call: "POST repairs".into() }));
}

#[tokio::test]
async fn a_redirection_is_a_refusal_and_the_token_goes_nowhere_else() {
    let mut played = Played::answering(|_| (307, String::new())).await;
    let refused = played.hub().snapshot().await.expect_err("is refused");
    assert_eq!(refused.to_string(), "POST snapshot: 307");
    assert_eq!(played.lines(), ["POST /v1/subscribers/me/snapshot"]);
}

#[tokio::test]
async fn a_hub_that_is_silent_or_gone_is_given_up_without_showing_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let hub = Hub::new(&url, TOKEN).expect("a hub").with_timeout(Duration::from_millis(100));
    let silent = timeout(Duration::from_secs(20), hub.snapshot()).await.expect("is given up");
    drop(listener);
    for error in [silent, hub.snapshot().await] {
        assert_eq!(error.expect_err("no answer").to_string(), "POST snapshot: no answer that can be read");
    }
}

#[tokio::test]
async fn what_cannot_be_called_is_refused_at_once_and_not_shown() {
    let urls = ["SECRET", "ftp://SECRET", "http://SECRET@hub", "http://u:SECRET@hub", "http://hub?k=SECRET"];
    for (url, token) in urls.map(|url| (url, TOKEN)).into_iter().chain([("http://hub", "SECRET\n")]) {
        let error = Hub::new(url, token).expect_err(url);
        assert!(matches!(error, HubError::Setup(_)), "{url}");
        assert!(!format!("{error} {error:?}").to_uppercase().contains("SECRET"), "{url}");
    }
    let shown = format!("{:?}", Hub::new("https://hub", TOKEN).expect("a hub"));
    assert!(!shown.contains(TOKEN), "{shown}");
}

struct Asking {
    hub: Hub,
}

impl Tool for Asking {
    async fn on_change(&mut self, _: &Change<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn on_gap(&mut self, gap: &Gap) -> Result<(), Failure> {
        match gap {
            Gap::Person { person, .. } => self.hub.repair([person]).await.map(drop)?,
            Gap::Snapshot { .. } => self.hub.snapshot().await?,
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_gap_is_repaired_from_the_callback_and_a_refusal_tries_the_event_again() {
    let refused = || (503, r#"{"code":"DLN0301"}"#.to_owned());
    let answer = move |asked: &Asked| {
        if asked.line.ends_with("repairs") { repairs(asked) } else { refused() }
    };
    let mut played = Played::answering(answer).await;
    let mut tool = Asking { hub: played.hub() };
    let gap = Gap::Person { person: ANNE.into(), last: Some(1), sequence: 3 };
    assert_eq!(tool.on_gap(&gap).await, Ok(()));
    assert_eq!(played.asked().pop().expect("one request").json(), json!({ "subjects": [ANNE] }));
    let gap = Gap::Snapshot { snapshot: "s".into(), read: 1, persons: 2 };
    let again = Failure::Again("POST snapshot: 503 DLN0301".into());
    assert_eq!(tool.on_gap(&gap).await, Err(again));
}
