//! A subscriber is made, shown, cut off, silenced and taken away by the program, on a real RabbitMQ; what was changed behind the hub's back
//! is told.

use std::time::{Duration, Instant};

use hub::broker::{Management, Policy, Reader, of_profiles};
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value as Json, json};

use crate::events_reach_the_broker::{BROKER, url};
use crate::profiles_are_told::{ANNE, PAUL};
use crate::profiles_reach_the_broker::Tools;
use crate::support::program::{Ended, dlnuf};

/// A virtual host of its own: `broker lint` looks at all there is.
const VHOST: &str = "dlnuf-essai";

fn api() -> String {
    std::env::var("DLNUF_TEST_RABBITMQ_API").expect("DLNUF_TEST_RABBITMQ_API is not set: run `make test`")
}

/// Makes the virtual host anew; its URL.
async fn virtual_host() -> String {
    let client = connectors::transport::http::builder().no_proxy().build().expect("a client");
    let (api, [user, password]) = (api(), ["guest", "guest"]);
    let base = api.split_once('@').map(|(_, host)| format!("http://{host}/api")).expect("a host");
    let ask = |method: reqwest::Method, path: String, body: Json| {
        let request = client.request(method, format!("{base}/{path}")).basic_auth(user, Some(password));
        request.header("content-type", "application/json").body(body.to_string()).send()
    };
    ask(reqwest::Method::DELETE, format!("vhosts/{VHOST}"), json!({})).await.expect("answers");
    for (path, body) in [
        (format!("vhosts/{VHOST}"), json!({})),
        (format!("permissions/{VHOST}/guest"), json!({ "configure": ".*", "write": ".*", "read": ".*" })),
    ] {
        let answer = ask(reqwest::Method::PUT, path, body).await.expect("answers");
        assert!(answer.status().is_success(), "{}", answer.status());
    }
    let (host, _) =
        url().rsplit_once('/').map(|(host, vhost)| (host.to_owned(), vhost.to_owned())).expect("a URL");
    format!("{host}/{VHOST}")
}

struct Desk {
    tools: Tools,
    url: String,
}

impl Desk {
    fn ask(&self, command: &[&str]) -> Ended {
        let home = self.tools.hub.settings.home.to_str().expect("a path").to_owned();
        let options = ["--home", &home, "--output", "json", "--broker", &self.url, "--broker-api", &api()]
            .map(str::to_owned);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        dlnuf(&[&options, command].concat())
    }

    /// The only answer of a command that is done.
    fn done(&self, command: &[&str]) -> Json {
        let ended = self.ask(command);
        assert_eq!(ended.code, 0, "{command:?}: {}", ended.errors);
        ended.json().pop().unwrap_or_default()
    }

    fn drifts(&self) -> Vec<Json> {
        let ended = self.ask(&["broker", "lint"]);
        let drifts = ended.json();
        assert_eq!(ended.code, if drifts.is_empty() { 0 } else { 5 }, "{}", ended.errors);
        drifts
    }
}

async fn connected(url: &str) -> lapin::Result<(Connection, Channel)> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

async fn may_consume(url: &str, queue: &str) -> bool {
    let Ok((_connection, channel)) = connected(url).await else { return false };
    let options = BasicConsumeOptions::default();
    channel.basic_consume(queue.into(), "essai".into(), options, FieldTable::default()).await.is_ok()
}

async fn reads_its_queue_and_does_nothing_else((own, queue): (&str, &str), exchange: &str) {
    assert!(may_consume(own, queue).await);
    assert!(!may_consume(own, &queue.replace("un", "deux")).await);
    let (_connection, channel) = connected(own).await.expect("connects");
    let declared =
        channel.queue_declare("mine".into(), QueueDeclareOptions::default(), FieldTable::default());
    assert!(declared.await.is_err());
    let (_connection, channel) = connected(own).await.expect("connects");
    let key = "personne.creee.51";
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let sent = channel.basic_publish(exchange.into(), key.into(), options, b"{}", properties).await;
    drop(sent);
    assert!(
        channel.queue_declare(queue.into(), passive(), FieldTable::default()).await.is_err(),
        "the channel was closed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_is_made_cut_off_silenced_and_taken_away() {
    let alone = BROKER.lock().await;
    let url = virtual_host().await;
    let desk = Desk { tools: Tools::at("essai", url.clone(), alone).await, url };
    let tools = &desk.tools;
    tools.profile("suivi", "identite, adresse");
    tools.tool("un", "suivi", "tous", "");
    tools.tool("deux", "suivi", "[\"51\"]", "");
    assert!(!desk.drifts().is_empty(), "nothing stands yet");
    let (un, deux) = (tools.name("un"), tools.name("deux"));
    let access = desk.done(&["subscriber", "add", &un]);
    desk.done(&["subscriber", "add", &deux]);
    // The journal's own exchange and queue are made by those who publish to it.
    drop(hub::broker::at(&desk.url).expect("a URL").open().await.expect("opens"));
    assert_eq!(desk.drifts(), [] as [Json; 0]);

    let exchange = format!("dlnuf.profil.{}", tools.name("suivi"));
    let [own, queue] = ["url", "file"].map(|key| access[key].as_str().expect("a text").to_owned());
    reads_its_queue_and_does_nothing_else((&own, &queue), &exchange).await;

    let again = desk.done(&["subscriber", "rotate", &un])["url"].as_str().expect("a URL").to_owned();
    assert!(!may_consume(&own, &queue).await, "the old password is refused");
    assert!(may_consume(&again, &queue).await);

    // Paused, it is told nothing; resumed, it is shown everybody.
    tools.publish().await;
    tools.hub.deliver(&[PAUL], false).await;
    tools.publish().await;
    assert_eq!(tools.kinds("un").await, ["1 personne.creee"]);
    desk.done(&["subscriber", "pause", &un]);
    tools.hub.deliver(&[PAUL, ANNE], false).await;
    tools.publish().await;
    assert_eq!(
        (tools.kinds("un").await, tools.kinds("deux").await),
        (vec![], vec!["1 personne.entree".to_owned()])
    );
    assert_eq!(desk.drifts(), [] as [Json; 0], "paused is declared");
    desk.done(&["subscriber", "resume", &un]);
    tools.publish().await;
    let shown = tools.kinds("un").await;
    let count = |kind: &str| shown.iter().filter(|shown| shown.ends_with(kind)).count();
    assert_eq!((count("personne.etat"), count("instantane.termine")), (2, 1), "{shown:?}");

    // Behind the hub's back.
    let none = FieldTable::default();
    tools
        .channel
        .queue_unbind(queue.as_str().into(), exchange.as_str().into(), "*.*.*".into(), none)
        .await
        .expect("unbinds");
    let drifts = desk.drifts();
    assert_eq!(drifts.len(), 1, "{drifts:?}");
    assert_eq!((&drifts[0]["objet"], &drifts[0]["attendu"]), (&json!("binding"), &json!("*.*.*")));

    assert_ne!(desk.ask(&["subscriber", "remove", &un]).code, 0, "its file is there still");
    std::fs::remove_file(tools.hub.settings.subscriptions_folder().join(format!("{un}.yaml")))
        .expect("a file");
    assert!(desk.drifts().iter().any(|drift| drift["objet"] == "queue" && drift["attendu"].is_null()));
    desk.done(&["subscriber", "remove", &un]);
    assert_eq!(desk.drifts(), [] as [Json; 0]);
    assert!(!may_consume(&again, &queue).await);
    let waiting = desk.ask(&["broker", "queues"]).json();
    assert!(
        waiting.iter().any(|queue| queue["file"] == json!(format!("dlnuf.abonne.{deux}"))),
        "{waiting:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_taken_away_is_made_again_and_its_subscriber_counts_as_one_whose_queue_was_lost() {
    let _alone = BROKER.lock().await;
    let url = virtual_host().await;
    let keys = ["*.*.51", "*.*.52"].map(str::to_owned).to_vec();
    let reader = Reader { name: "lie".into(), profile: "liaisons".into(), keys, stale: None };
    let broker = of_profiles(&url, vec![reader.clone()], Some(&api())).expect("a URL");
    let lost = async || {
        let session = broker.open().await.expect("opens");
        session.make().await.expect("made");
        session.lost().to_vec()
    };
    assert_eq!(lost().await, ["lie"], "nothing stands yet");
    assert!(lost().await.is_empty());
    let (_connection, channel) = connected(&url).await.expect("connects");
    let (queue, exchange) = (reader.queue(), reader.exchange());
    let undone =
        channel.queue_unbind(queue.into(), exchange.into(), "*.*.52".into(), FieldTable::default()).await;
    undone.expect("unbinds");
    assert_eq!(lost().await, ["lie"], "what was published meanwhile did not reach it");
    assert!(lost().await.is_empty(), "it is bound again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_others_on_a_subscriber_s_queue_is_told() {
    let alone = BROKER.lock().await;
    let url = virtual_host().await;
    let desk = Desk { tools: Tools::at("policy", url.clone(), alone).await, url };
    desk.tools.profile("suivi", "identite");
    desk.tools.tool("un", "suivi", "tous", "");
    desk.done(&["subscriber", "add", &desk.tools.name("un")]);
    let management = Management::new(&api(), VHOST).expect("a URL");
    let policy = Policy {
        name: "menage".to_owned(),
        pattern: "^dlnuf\\.abonne\\.".to_owned(),
        apply_to: "queues".to_owned(),
        definition: json!({ "message-ttl": 1_000 }),
        priority: 7,
    };
    management.put_policy(&policy).await.expect("set");
    let queue = format!("dlnuf.abonne.{}", desk.tools.name("un"));
    let told = |drift: &Json| {
        drift["objet"] == "policy" && drift["nom"] == queue.as_str() && drift["trouve"] == "menage"
    };
    // The broker tells what applies to a queue every five seconds.
    let until = Instant::now() + Duration::from_secs(30);
    while !desk.drifts().iter().any(told) {
        assert!(Instant::now() < until, "{:?}", desk.drifts());
    }
}

fn passive() -> QueueDeclareOptions {
    QueueDeclareOptions { passive: true, ..Default::default() }
}
