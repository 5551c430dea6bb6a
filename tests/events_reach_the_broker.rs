//! Every event reaches the broker, confirmed, each person's in order; one that reaches no queue is never called confirmed.

use std::collections::{HashMap, HashSet};

use hub_core::broker::{Message, Verdict};
use hub_core::delivery::PersonId;
use hub_core::publisher::Publisher;
use hub_core::store::JournalEvent;
use lapin::options::{BasicGetOptions, QueueBindOptions, QueuePurgeOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use tokio::sync::Mutex;

use crate::store_conformance;
use crate::support::{mint, sqlite};

/// The hub's topology has fixed names: one test at a time uses the broker.
pub static BROKER: Mutex<()> = Mutex::const_new(());

pub fn url() -> String {
    std::env::var("DLNUF_TEST_AMQP_URL")
        .expect("DLNUF_TEST_AMQP_URL is not set: run `make test`, which starts RabbitMQ")
}

pub async fn reader() -> (Connection, Channel) {
    let connection = Connection::connect(&url(), ConnectionProperties::default()).await.expect("connects");
    let channel = connection.create_channel().await.expect("opens");
    (connection, channel)
}

/// Declares the hub's topology by opening a session, and empties the queue.
pub async fn emptied() -> (Connection, Channel) {
    drop(hub::broker::at(&url()).expect("a URL").open().await.expect("opens"));
    let (connection, channel) = reader().await;
    channel.queue_purge(hub::broker::QUEUE.into(), QueuePurgeOptions::default()).await.expect("purges");
    (connection, channel)
}

/// The message ids in the queue, in order.
pub async fn received(channel: &Channel) -> Vec<String> {
    let mut ids = Vec::new();
    let options = BasicGetOptions { no_ack: true };
    while let Some(message) = channel.basic_get(hub::broker::QUEUE.into(), options).await.expect("reads") {
        ids.push(message.delivery.properties.message_id().as_ref().expect("an id").to_string());
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_the_outbox_is_published_once_and_in_order() {
    let _alone = BROKER.lock().await;
    let (_connection, channel) = emptied().await;
    let (_folder, store) = sqlite().await;
    let expected = store_conformance::many_events(store.as_ref(), 2_500).await;
    let broker = hub::broker::at(&url()).expect("a URL");
    let publisher = Publisher::new(store.clone(), broker, mint());
    assert_eq!(publisher.drain(&()).await.expect("publishes"), Some(2_500));
    assert_eq!(store.waiting().await.expect("counts"), 0);
    assert_eq!(publisher.drain(&()).await.expect("publishes"), Some(0));
    let received = received(&channel).await;
    assert_eq!(received.iter().collect::<HashSet<_>>().len(), received.len(), "no event is there twice");
    let place: HashMap<&String, usize> = received.iter().zip(0..).collect();
    for ids in expected {
        assert!(ids.iter().map(|id| place[id]).is_sorted(), "a person's events are in order");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_told_to_stop_repeats_nothing_and_gives_its_lease_back() {
    let _alone = BROKER.lock().await;
    let (_connection, channel) = emptied().await;
    let (_folder, store) = sqlite().await;
    store_conformance::many_events(store.as_ref(), 2_500).await;
    let publisher = |holder| {
        let broker = hub::broker::at(&url()).expect("a URL");
        Publisher::new(store.clone(), broker, holder)
    };
    // Told to stop in the middle of its waves: some events have left, some wait.
    let under_way = async {
        while store.waiting().await.expect("counts") == 2_500 {
            tokio::task::yield_now().await;
        }
    };
    publisher(mint()).run_until(under_way).await;
    let waiting = store.waiting().await.expect("counts");
    assert!(waiting > 0, "the stop came after the last wave; this test shows nothing");
    assert_eq!(publisher(mint()).drain(&()).await.expect("publishes"), Some(waiting));
    let received = received(&channel).await;
    assert_eq!((received.len(), received.iter().collect::<HashSet<_>>().len()), (2_500, 2_500));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_queue_is_never_called_confirmed() {
    let _alone = BROKER.lock().await;
    let (_connection, channel) = emptied().await;
    let session = hub::broker::at(&url()).expect("a URL").open().await.expect("opens");
    let (queue, exchange) = (hub::broker::QUEUE, hub::broker::EXCHANGE);
    let bind = QueueBindOptions::default();
    channel
        .queue_bind(queue.into(), exchange.into(), "known.#".into(), bind, FieldTable::default())
        .await
        .expect("binds");
    channel
        .queue_unbind(queue.into(), exchange.into(), "#".into(), FieldTable::default())
        .await
        .expect("unbinds");
    let event = |at: u64| JournalEvent {
        cursor: at,
        person: PersonId(mint()),
        id: mint(),
        sequence: 1,
        routing_key: if at % 9 == 4 { "unknown".into() } else { "known.x".into() },
        json: "{}".into(),
    };
    for wave in 0..4 {
        let wave: Vec<Message> = (0..1_000).map(|at| event(wave * 1_000 + at).into()).collect();
        let verdicts = session.publish(0, &wave).await.expect("answers");
        for (event, verdict) in wave.iter().zip(verdicts) {
            let right = if event.routing_key == "unknown" { Verdict::Unroutable } else { Verdict::Confirmed };
            assert_eq!(verdict, right, "of event {}", event.place);
        }
    }
    channel
        .queue_unbind(queue.into(), exchange.into(), "known.#".into(), FieldTable::default())
        .await
        .expect("unbinds");
}
