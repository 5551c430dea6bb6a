//! RabbitMQ's management API answers the hub: users who may only consume, policies, what stands on the broker; and tells no secret.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use hub::broker::{Management, ManagementError, Permissions, Policy};
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::events_reach_the_broker::BROKER;

/// Longest a test waits for counts: a quorum queue tells them every five seconds, they are gathered every five more.
const PATIENCE: Duration = Duration::from_secs(40);

fn variable(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: run `make test`, which starts RabbitMQ"))
}

fn management() -> Management {
    Management::new(&variable("DLNUF_TEST_RABBITMQ_API"), "/").expect("a URL")
}

/// The AMQP connection of this user, or why there is none.
async fn connected(user: &str, password: &str) -> lapin::Result<Connection> {
    let mut uri: AMQPUri = variable("DLNUF_TEST_AMQP_URL").parse().expect("a URL");
    (uri.authority.userinfo.username, uri.authority.userinfo.password) = (user.into(), password.into());
    Connection::connect_uri(uri, ConnectionProperties::default()).await
}

async fn administrator() -> (Connection, Channel) {
    let url = variable("DLNUF_TEST_AMQP_URL");
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("connects");
    let channel = connection.create_channel().await.expect("opens");
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    (connection, channel)
}

async fn quorum_queue(channel: &Channel, name: &str) {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(20));
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(name.into(), options, arguments).await.expect("declares");
}

async fn topic(channel: &Channel, name: &str) {
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    let declared = channel.exchange_declare(name.into(), ExchangeKind::Topic, options, FieldTable::default());
    declared.await.expect("declares");
}

async fn bind(channel: &Channel, exchange: &str, queue: &str, key: &str) {
    let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind(queue.into(), exchange.into(), key.into(), options, arguments).await.expect("binds");
}

async fn published(channel: &Channel, exchange: &str, key: &str) -> lapin::Result<()> {
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let sent = channel.basic_publish(exchange.into(), key.into(), options, b"x", properties).await?;
    sent.await.map(drop)
}

/// Consumes as long as what it gives is kept.
async fn consumes(connection: &Connection, queue: &str) -> lapin::Result<(Channel, Consumer)> {
    let channel = connection.create_channel().await?;
    let options = BasicConsumeOptions::default();
    let consumer =
        channel.basic_consume(queue.into(), "essai".into(), options, FieldTable::default()).await?;
    Ok((channel, consumer))
}

/// Takes away what an earlier run that was cut short left.
async fn cleared(management: &Management, prefix: &str) {
    for user in management.users(prefix).await.expect("lists") {
        management.delete_user(&user).await.expect("deletes");
    }
    for queue in management.queues(prefix).await.expect("lists") {
        management.delete_queue(&queue.name).await.expect("deletes");
    }
    for exchange in management.exchanges(prefix).await.expect("lists") {
        management.delete_exchange(&exchange.name).await.expect("deletes");
    }
    for policy in management.policies(prefix).await.expect("lists") {
        management.delete_policy(&policy.name).await.expect("deletes");
    }
}

fn is_absent<T>(answer: &Result<T, ManagementError>) -> bool {
    matches!(answer, Err(ManagementError::NotFound { .. }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_may_do_what_they_are_permitted_and_nothing_once_deleted() {
    let _alone = BROKER.lock().await;
    let (management, user) = (management(), "essai.usager/é 1");
    cleared(&management, "essai.usager").await;
    let (_connection, channel) = administrator().await;
    for queue in ["essai.usager.sien", "essai.usager.autre"] {
        quorum_queue(&channel, queue).await;
    }
    management.put_user(user, "premier: mot/de passe é").await.expect("makes");
    assert_eq!(management.permissions(user).await.expect("reads"), None);
    assert!(connected(user, "premier: mot/de passe é").await.is_err(), "without permissions nobody enters");
    let permissions =
        Permissions { configure: "^$".into(), write: "^$".into(), read: r"^essai\.usager\.sien$".into() };
    management.permit(user, &permissions).await.expect("permits");
    assert_eq!(management.permissions(user).await.expect("reads"), Some(permissions));
    assert_eq!(management.users("essai.usager").await.expect("lists"), [user]);
    assert!(management.users("ESSAI.usager").await.expect("lists").is_empty(), "names differ by case");

    let connection = connected(user, "premier: mot/de passe é").await.expect("enters");
    consumes(&connection, "essai.usager.sien").await.expect("consumes");
    assert!(consumes(&connection, "essai.usager.autre").await.is_err());
    let publishing = connection.create_channel().await.expect("opens");
    publishing.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    assert!(published(&publishing, "amq.topic", "x").await.is_err());

    management.put_user(user, "second").await.expect("changes");
    assert!(connected(user, "premier: mot/de passe é").await.is_err());
    assert!(connected(user, "second").await.is_ok(), "permissions stay");
    management.delete_user(user).await.expect("deletes");
    assert!(connected(user, "second").await.is_err());
    let closed = async {
        while connection.status().connected() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("the connection of a deleted user is closed");
    assert!(is_absent(&management.delete_user(user).await));
    assert_eq!(management.permissions(user).await.expect("reads"), None);
    assert!(management.permit(user, &permissions_of_nothing()).await.is_err());
    cleared(&management, "essai.usager").await;
}

fn permissions_of_nothing() -> Permissions {
    Permissions { configure: "^$".into(), write: "^$".into(), read: "^$".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_is_read_and_taken_away() {
    let _alone = BROKER.lock().await;
    let (management, keys) =
        (management(), ["#", "droit.*.52", "a/b", "a~b", "~", "é x", "a%2Fb", "a+b", ""]);
    let (exchange, queue) = ("essai.debout/échange", "essai.debout/file");
    cleared(&management, "essai.debout").await;
    let (connection, channel) = administrator().await;
    quorum_queue(&channel, queue).await;
    topic(&channel, exchange).await;
    for key in keys {
        bind(&channel, exchange, queue, key).await;
    }
    let exchanges = management.exchanges("essai.debout").await.expect("lists");
    let read: Vec<_> = exchanges.iter().map(|e| (e.name.as_str(), e.kind.as_str(), e.durable)).collect();
    assert_eq!(read, [(exchange, "topic", true)]);
    let queues = management.queues("essai.debout").await.expect("lists");
    let read: Vec<_> = queues.iter().map(|q| (q.name.as_str(), q.kind.as_str(), q.durable)).collect();
    assert_eq!(read, [(queue, "quorum", true)]);
    assert_eq!(json!(queues[0].arguments), json!({ "x-queue-type": "quorum", "x-delivery-limit": 20 }));

    let bindings = management.bindings("essai.debout").await.expect("lists");
    let found: HashSet<&str> = bindings.iter().map(|binding| binding.routing_key.as_str()).collect();
    assert_eq!(found, HashSet::from(keys));
    assert_eq!(management.bindings_of(queue).await.expect("lists"), bindings);
    assert!(management.bindings_of("essai.debout.absente").await.expect("lists").is_empty());

    for _ in 0..3 {
        published(&channel, exchange, "droit.ouvert.52").await.expect("publishes");
    }
    let _consuming = consumes(&connection, queue).await.expect("consumes");
    counted(&management, queue).await;

    for binding in bindings {
        management.unbind(exchange, queue, &binding.properties_key).await.expect("unbinds");
        assert!(is_absent(&management.unbind(exchange, queue, &binding.properties_key).await));
    }
    assert!(management.bindings("essai.debout").await.expect("lists").is_empty());
    management.delete_queue(queue).await.expect("deletes");
    management.delete_exchange(exchange).await.expect("deletes");
    assert!(is_absent(&management.delete_queue(queue).await));
    assert!(is_absent(&management.delete_exchange(exchange).await));
    assert!(management.queues("essai.debout").await.expect("lists").is_empty());
}

/// Waits until three messages are with one consumer: the API tells of no change, it can only be asked again.
async fn counted(management: &Management, name: &str) {
    let counted = async {
        loop {
            let queues = management.queues(name).await.expect("lists");
            let counts = (queues[0].messages_ready, queues[0].messages_unacknowledged, queues[0].consumers);
            if counts == (Some(0), Some(3), Some(1)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    tokio::time::timeout(PATIENCE, counted).await.expect("the counts come");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_set_replaced_and_taken_away() {
    let _alone = BROKER.lock().await;
    let management = management();
    cleared(&management, "essai.regle").await;
    let mut policy = Policy {
        name: "essai.regle/é".into(),
        pattern: r"^essai\.regle\.".into(),
        apply_to: "queues".into(),
        definition: json!({ "max-length-bytes": 1_000_000, "overflow": "reject-publish" }),
        priority: 3,
    };
    management.put_policy(&policy).await.expect("sets");
    assert_eq!(management.policies("essai.regle").await.expect("lists"), std::slice::from_ref(&policy));
    policy.definition = json!({ "max-length": 10 });
    policy.priority = 0;
    management.put_policy(&policy).await.expect("replaces");
    assert_eq!(management.policies("essai.regle").await.expect("lists"), std::slice::from_ref(&policy));
    assert!(management.policies("essai.regles").await.expect("lists").is_empty());

    policy.definition = json!({ "no-such-setting": "x".repeat(300) });
    let refused = management.put_policy(&policy).await.expect_err("refuses");
    let ManagementError::Refused { status, reason, .. } = refused else { panic!("not refused: {refused}") };
    assert_eq!((status, reason.chars().count()), (400, 200));
    assert!(reason.starts_with("Validation failed [{"), "{reason}");
    management.delete_policy(&policy.name).await.expect("deletes");
    assert!(is_absent(&management.delete_policy(&policy.name).await));
    assert!(management.policies("essai.regle").await.expect("lists").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_to_its_last_page() {
    let _alone = BROKER.lock().await;
    let management = management();
    cleared(&management, "essai.pages").await;
    let (_connection, channel) = administrator().await;
    for number in 0..501 {
        topic(&channel, &format!("essai.pages.{number:03}")).await;
    }
    topic(&channel, "autre.essai.pages").await;
    let found = management.exchanges("essai.pages").await.expect("lists");
    let names: HashSet<String> = found.into_iter().map(|exchange| exchange.name).collect();
    assert_eq!(names.len(), 501);
    join_all(names.iter().map(|name| management.delete_exchange(name))).await.into_iter().for_each(
        |deleted| {
            deleted.expect("deletes");
        },
    );
    management.delete_exchange("autre.essai.pages").await.expect("deletes");
    assert!(management.exchanges("essai.pages").await.expect("lists").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_read_as_4_x_gives_them_too() {
    let _alone = BROKER.lock().await;
    let page =
        r#"{"items":[{"name":"essai.a"},{"name":"un.essai.b"}],"page":1,"page_count":1,"page_size":500}"#;
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{page}", page.len());
    let management = Management::new(&saying(answer.into_bytes()).await, "/").expect("a URL");
    assert_eq!(management.users("essai.").await.expect("lists"), ["essai.a"]);
}

/// An error, with all that caused it.
fn told(error: &ManagementError) -> String {
    let mut told = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        told = format!("{told} {next} {next:?}");
        cause = next.source();
    }
    told
}

/// A server that says this to whoever asks; its URL.
async fn saying(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(&answer).await;
        }
    });
    format!("http://usager:s3cret@127.0.0.1:{port}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_told_without_a_secret() {
    let _alone = BROKER.lock().await;
    let api = variable("DLNUF_TEST_RABBITMQ_API");
    let host = api.rsplit('@').next().expect("a host");
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("binds").local_addr().expect("an address");
    let endless = [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b' '; 17 << 20]].concat();
    let moved =
        format!("HTTP/1.1 302 Found\r\nlocation: http://{host}/api/users\r\ncontent-length: 0\r\n\r\n");
    let wrong = format!("http://guest:s3cret@{host}");
    for (url, expected) in [
        // `Login failed` on 3.10, `Not_Authorized` on 4.x.
        (wrong, "found 401: "),
        (format!("http://usager:s3cret@{closed}"), "found none that can be read"),
        (saying(endless).await, "expected at most 16777216 bytes"),
        (saying(moved.into_bytes()).await, "found 302: no reason given"),
        (saying(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ns3cret".to_vec()).await, "found none that can"),
        (
            saying(b"HTTP/1.1 500 No\r\ncontent-length: 6\r\n\r\ns3cret".to_vec()).await,
            "found 500: no reason",
        ),
    ] {
        let management = Management::new(&url, "/").expect("a URL");
        let told = told(&management.users("").await.expect_err("fails")) + &format!("{management:?}");
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains("s3cret") && !told.contains("czNjcmV0"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_in_a_url_is_refused_before_anything_is_asked() {
    let _alone = BROKER.lock().await;
    for url in [
        "",
        "s3cret",
        "amqp://a:s3cret@h",
        "http://h",
        "http://s3cret@h",
        "http://:s3cret@h",
        "http://a:s3cret@h?x",
    ] {
        let error = Management::new(url, "/").expect_err("refuses");
        assert!(matches!(error, ManagementError::Url { .. }) && !told(&error).contains("s3cret"), "{error}");
    }
    for name in ["", ".", ".."] {
        assert!(matches!(management().delete_queue(name).await, Err(ManagementError::Url { .. })));
    }
    let elsewhere = Management::new(&variable("DLNUF_TEST_RABBITMQ_API"), "essai.absent").expect("a URL");
    assert!(is_absent(&elsewhere.queues("").await));
}
