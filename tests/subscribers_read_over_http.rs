//! A subscriber behind a wall reads over HTTP what a queue would bring: waited for, streamed, each event once, none of anybody else's.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value as Json;

use crate::profiles_reach_the_broker::kind;
use crate::support::extracts::{Hub, figures};
use crate::support::serving::Serving;

pub const LIST: &str = "CP Ville;Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;ID IODAS\n";
pub const PAUL: &str = "52000 Chaumont;Verdier;Paul;02/01/1980;SI-1\n";
pub const ANNE: &str = "51100 Reims;Roussel;Anne;17/06/1991;SI-2\n";

pub struct Tool {
    pub serving: Serving,
    pub hub: Hub,
    pub token: String,
}

/// A hub that serves, and a tool that may see one département.
pub fn tool() -> Tool {
    tool_that("")
}

/// The same, with more declared of the tool.
pub fn tool_that(more: &str) -> Tool {
    let hub = Hub::fresh();
    let folder = std::path::Path::new(&hub.home()).join("abonnements");
    std::fs::create_dir_all(folder.join("profils")).expect("a folder");
    let profile = "profil: suivi\ntitre: Essai\nchamps: [identite, adresse]\n";
    std::fs::write(folder.join("profils/suivi.yaml"), profile).expect("a file");
    for (name, territory) in [("outil", "[\"52\"]"), ("autre", "tous")] {
        let subscription = format!(
            "abonne: {name}\ntitre: Essai\nprofil: suivi\nfinalite: Essayer\nbase_legale: CASF L. 263-4-1\n\
             expire: 2099-12-31\nterritoire: {territory}\ncanal: http\n{more}"
        );
        std::fs::write(folder.join(format!("{name}.yaml")), subscription).expect("a file");
    }
    let report = hub.deliver("departement", "1.csv", format!("{LIST}{PAUL}{ANNE}").as_bytes());
    assert_eq!(figures(&report, ["persons"]), [2]);
    let serving = Serving::start(hub.home().as_ref(), "", &[]);
    let token = minted(&hub, "add", "outil");
    Tool { serving, hub, token }
}

fn minted(hub: &Hub, verb: &str, name: &str) -> String {
    let ended = hub.ask(&["subscriber", verb, name]);
    let answer = ended.json().pop().unwrap_or_else(|| panic!("an answer: {}", ended.errors));
    answer["jeton"].as_str().expect("a token").to_owned()
}

impl Tool {
    pub fn request(&self, path: &str) -> reqwest::RequestBuilder {
        let client = connectors::transport::http::builder().no_proxy().build().expect("a client");
        let address = format!("{}/v1/subscribers/me/{path}", self.serving.base);
        client.get(address).header("authorization", format!("Bearer {}", self.token))
    }

    /// A page, and the cursor to go on from.
    pub async fn page(&self, query: &str) -> (Vec<Json>, u64) {
        let answer = self.request(&format!("events?{query}")).send().await.expect("answers");
        assert_eq!(answer.status(), StatusCode::OK);
        let cursor = answer.headers()["dlnuf-cursor"].to_str().expect("a text").parse().expect("a number");
        let text = answer.text().await.expect("a body");
        (serde_json::from_str(&text).expect("JSON"), cursor)
    }

    /// Reads on until an event of a type has come.
    pub async fn until(&self, wanted: &str, mut after: u64) -> (Vec<String>, u64) {
        let mut kinds = Vec::new();
        while !kinds.iter().any(|kind: &String| kind.ends_with(wanted)) {
            let (events, next) = self.page(&format!("after={after}&wait=30")).await;
            assert!(!events.is_empty(), "nothing came in 30 s after {kinds:?}");
            kinds.extend(events.iter().map(kind));
            after = next;
        }
        (kinds, after)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_reads_pages_waits_and_is_shown_everybody_when_it_asks() {
    let tool = tool();
    let (kinds, cursor) = tool.until("instantane.termine", 0).await;
    assert_eq!(&kinds[kinds.len() - 2..], ["1 personne.etat", "1 instantane.termine"], "{kinds:?}");
    // It is waited for, and what comes is answered at once.
    let waited = tool.page("wait=30&after=999999999");
    drop(waited);
    let moved = PAUL.replace("52000 Chaumont", "52100 Saint-Dizier");
    let (reading, delivered) = tokio::join!(tool.until("personne.modifiee", cursor), async {
        tool.hub.deliver("departement", "2.csv", format!("{LIST}{moved}{ANNE}").as_bytes())
    });
    assert_eq!((reading.0, figures(&delivered, ["persons"])), (vec!["2 personne.modifiee".to_owned()], [0]));
    let cursor = reading.1;
    let away = ANNE.replace("51100 Reims", "51000 Chalons");
    tool.hub.deliver("departement", "3.csv", format!("{LIST}{moved}{away}").as_bytes());
    let client = tool.request("snapshot").build().expect("a request").url().clone();
    let asked = connectors::transport::http::builder().no_proxy().build().expect("a client");
    let asked = asked.post(client).header("authorization", format!("Bearer {}", tool.token));
    assert_eq!(asked.send().await.expect("answers").status(), StatusCode::ACCEPTED);
    let (kinds, _) = tool.until("instantane.termine", cursor).await;
    assert_eq!(
        kinds,
        ["2 personne.etat", "1 instantane.termine"],
        "who lives elsewhere is told to nobody here"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_streamed_and_gone_on_with_behind_the_last_one() {
    let tool = tool();
    let (_, cursor) = tool.until("instantane.termine", 0).await;
    let request = |last: u64| {
        let request = tool.request("events").header("accept", "text/event-stream");
        request.header("last-event-id", last.to_string()).timeout(Duration::from_secs(30))
    };
    let mut stream = request(cursor).send().await.expect("answers");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let moved = PAUL.replace("52000 Chaumont", "52100 Saint-Dizier");
    tool.hub.deliver("departement", "2.csv", format!("{LIST}{moved}{ANNE}").as_bytes());
    let mut text = String::new();
    while !text.contains("\ndata: ") || !text.ends_with("\n\n") {
        let chunk = stream.chunk().await.expect("a chunk").expect("the stream goes on");
        text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
    }
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).expect("an event");
    let event: Json = serde_json::from_str(data).expect("JSON");
    assert_eq!(kind(&event), "2 personne.modifiee");
    let id: u64 = text.lines().find_map(|line| line.strip_prefix("id: ")?.parse().ok()).expect("a cursor");
    assert!(tool.page(&format!("after={id}")).await.0.is_empty(), "nothing is left behind it");
    assert_eq!(tool.page(&format!("after={}", id - 1)).await.0.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_no_token_in_force_is_told_nothing() {
    let mut tool = tool();
    let refused = async |tool: &Tool| tool.request("events").send().await.expect("answers").status();
    let first = tool.token.clone();
    tool.token = minted(&tool.hub, "rotate", "outil");
    assert_eq!(refused(&tool).await, StatusCode::OK);
    let beyond = tool.request("events?after=999999999").send().await.expect("answers");
    assert_eq!(beyond.status(), StatusCode::GONE, "nothing was told up to there");
    let lost = tool.request("events").header("accept", "text/event-stream").header("last-event-id", "hier");
    let lost = lost.send().await.expect("answers");
    assert_eq!(lost.status(), StatusCode::BAD_REQUEST, "and not all it has had once more");
    let wait = tool.request("events?wait=31").send().await.expect("answers");
    assert_eq!(wait.status(), StatusCode::BAD_REQUEST);
    assert_eq!(tool.hub.ask(&["subscriber", "pause", "outil"]).code, 0);
    assert_eq!(refused(&tool).await, StatusCode::FORBIDDEN);
    assert_eq!(tool.hub.ask(&["subscriber", "resume", "outil"]).code, 0);
    assert_eq!(refused(&tool).await, StatusCode::OK);
    for token in ["", "dlnuf_", first.as_str()] {
        token.clone_into(&mut tool.token);
        assert_eq!(refused(&tool).await, StatusCode::UNAUTHORIZED, "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_is_told_nothing_once_the_token_is_changed_or_the_subscription_paused() {
    for how in ["rotate", "pause"] {
        let tool = tool();
        let (_, cursor) = tool.until("instantane.termine", 0).await;
        let stream = tool.request("events").header("accept", "text/event-stream");
        let stream = stream.header("last-event-id", cursor.to_string()).timeout(Duration::from_secs(40));
        let mut stream = stream.send().await.expect("answers");
        assert!(stream.chunk().await.expect("a chunk").is_some(), "it has begun");
        let waiting = tool.request(&format!("events?after={cursor}&wait=30")).send();
        let changing = async {
            // The one who waits has been let in: its request is under way.
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert_eq!(tool.hub.ask(&["subscriber", how, "outil"]).code, 0);
            let moved = PAUL.replace("52000 Chaumont", "52100 Saint-Dizier");
            tool.hub.deliver("departement", "2.csv", format!("{LIST}{moved}{ANNE}").as_bytes())
        };
        let (answered, delivered) = tokio::join!(waiting, changing);
        assert_eq!(figures(&delivered, ["events"]), [1]);
        let wanted = if how == "pause" { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        assert_eq!(answered.expect("answers").status(), wanted, "{how}");
        assert_eq!(stream.chunk().await.expect("ends well"), None, "{how}: the stream is over");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_gone_on_with_from_where_nothing_was_told_is_refused() {
    let tool = tool();
    tool.until("instantane.termine", 0).await;
    let stream = tool.request("events").header("accept", "text/event-stream");
    let stream = stream.header("last-event-id", "999999999").send().await.expect("answers");
    assert_eq!(stream.status(), StatusCode::GONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_taken_away_beside_a_file_with_a_mistake_is_over_and_the_mistaken_one_goes_on() {
    let mut tool = tool();
    let folder = std::path::Path::new(&tool.hub.home()).join("abonnements");
    let other = minted(&tool.hub, "add", "autre");
    std::fs::write(folder.join("autre.yaml"), "abonne: [").expect("a file");
    std::fs::remove_file(folder.join("outil.yaml")).expect("removed");
    let status = async |tool: &Tool| tool.request("events").send().await.expect("answers").status();
    while status(&tool).await != StatusCode::UNAUTHORIZED {}
    tool.token = other;
    assert_eq!(status(&tool).await, StatusCode::OK, "what it said before holds until it is mended");
    let (kinds, _) = tool.until("instantane.termine", 0).await;
    assert!(kinds.len() > 1, "{kinds:?}");
    // One that is narrowed while its profile holds a mistake is narrowed.
    std::fs::write(folder.join("profils/suivi.yaml"), "profil: [").expect("a file");
    let narrowed = "abonne: autre\ntitre: Essai\nprofil: suivi\nfinalite: Essayer\nbase_legale: CASF L. 263-4-1\n\
                    expire: 2099-12-31\nterritoire: [\"51\"]\ncanal: http\n";
    std::fs::write(folder.join("autre.yaml"), narrowed).expect("a file");
    let declared = async || {
        let answer = tool.serving.ask(reqwest::Method::GET, "/v1/abonnements", "").send().await;
        answer.expect("answers").text().await.expect("a text")
    };
    while !declared().await.contains("[\"51\"]") {}
    assert_eq!(status(&tool).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_profile_holds_no_more_is_given_to_nobody_who_reads_what_it_was_told_before() {
    let tool = tool();
    tool.until("instantane.termine", 0).await;
    let fields = |events: &[Json]| {
        let changes = events.iter().filter_map(|event| event["data"]["changements"].as_array()).flatten();
        changes.map(|change| change["champ"].as_str().expect("a field").to_owned()).collect::<Vec<_>>()
    };
    let of_address = |fields: &[String]| fields.iter().any(|field| field.starts_with("adresse."));
    let (events, _) = tool.page("after=0").await;
    assert!(of_address(&fields(&events)), "{events:?}");
    let folder = std::path::Path::new(&tool.hub.home()).join("abonnements");
    let cut = "profil: suivi\ntitre: Essai\nchamps: [identite]\n";
    std::fs::write(folder.join("profils/suivi.yaml"), cut).expect("a file");
    let mut told = fields(&events);
    while of_address(&told) {
        told = fields(&tool.page("after=0").await.0);
    }
    assert!(told.iter().any(|field| field == "identite.nom_usage"), "{told:?}");
    // Who reads wider now than when it was told reads no more than the profile holds.
    let wider = std::fs::read_to_string(folder.join("outil.yaml")).expect("read");
    std::fs::write(folder.join("outil.yaml"), wider.replace("[\"52\"]", "[\"51\", \"52\"]")).expect("a file");
    tool.until("instantane.termine", 0).await;
    assert!(!of_address(&fields(&tool.page("after=0&limit=1000").await.0)));
    let printed = tool.hub.ask(&["subscriber", "events", "outil"]).json();
    assert!(!of_address(&fields(&printed)), "{printed:?}");
}
