//! P5, P6: the broker is killed, restarted and blocked while events leave; each arrives, its repeats are recognisable, and
//! each person's stay in order.

use std::collections::{HashMap, HashSet};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use hub_core::publisher::Publisher;
use hub_core::store::Store;
use tokio::task::JoinSet;

use crate::events_reach_the_broker::{BROKER, emptied, reader, received, url};
use crate::store_conformance;
use crate::support::{mint, sqlite};

/// Longest a test waits for the publisher to come back by itself.
const PATIENCE: Duration = Duration::from_secs(90);

/// Breaks or mends the broker; none when the broker was given and is not ours to break.
pub fn rabbit(what: &str) -> Option<()> {
    let control = std::env::var("DLNUF_TEST_RABBITMQ_CTL").ok();
    let Some(control) = control else {
        assert!(std::env::var("CI").is_err(), "in CI the broker is ours to break: run `make test`");
        eprintln!("NOT RUN: the broker was given in DLNUF_TEST_AMQP_URL, it is not ours to break");
        return None;
    };
    let (program, verb) = control.split_once(' ').expect("a program and a verb");
    let status = Command::new(program).args([verb, what]).status().expect("the script runs");
    assert!(status.success(), "`{what}` failed");
    Some(())
}

/// A store with events that wait, and a publisher at work on them.
struct Line {
    _folder: tempfile::TempDir,
    store: Arc<dyn Store>,
    expected: Vec<Vec<String>>,
    publishers: JoinSet<()>,
}

async fn waiting(count: u64, publishers: usize) -> Line {
    let (folder, store) = sqlite().await;
    let expected = store_conformance::many_events(store.as_ref(), count).await;
    let mut line = Line { _folder: folder, store, expected, publishers: JoinSet::new() };
    (0..publishers).for_each(|_| line.publish());
    line
}

impl Line {
    fn publish(&mut self) {
        let broker = hub::broker::at(&url()).expect("a URL");
        let publisher = Publisher::new(Arc::clone(&self.store), broker, mint());
        // Never asked to stop: aborted with the line.
        self.publishers.spawn(async move { publisher.run_until(std::future::pending()).await });
    }

    /// Waits until no more than `left` events wait.
    async fn until(&self, left: u64) {
        let drained = async {
            while self.store.waiting().await.expect("counts") > left {
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(PATIENCE, drained).await;
        assert!(ended.is_ok(), "the publisher did not come back by itself within {PATIENCE:?}");
    }

    async fn check(self) {
        let (_connection, channel) = reader().await;
        let received = received(&channel).await;
        let mut first: HashMap<&String, usize> = HashMap::new();
        for (place, id) in received.iter().enumerate() {
            first.entry(id).or_insert(place);
        }
        for ids in &self.expected {
            let places: Vec<Option<&usize>> = ids.iter().map(|id| first.get(id)).collect();
            assert!(places.iter().all(Option::is_some), "no event is missing");
            assert!(places.is_sorted(), "a person's events are in order once repeats are dropped");
        }
        let known: HashSet<&String> = self.expected.iter().flatten().collect();
        assert!(received.iter().all(|id| known.contains(id)), "a repeat bears the id of the first");
        let repeats = received.len() - first.len();
        assert!(repeats <= 2_000, "{repeats} repeats: no more than the waves under way may come again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_while_events_leave_loses_none_and_they_go_on_by_themselves() {
    let _alone = BROKER.lock().await;
    drop(emptied().await);
    let line = waiting(12_000, 1).await;
    for left in [10_000, 5_000] {
        line.until(left).await;
        if rabbit("kill").is_none() {
            return;
        }
        assert!(line.store.waiting().await.expect("counts") > 0, "it was killed too late to show anything");
        rabbit("start");
    }
    line.until(0).await;
    line.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_broker_is_waited_for_and_gets_each_event_once() {
    let _alone = BROKER.lock().await;
    drop(emptied().await);
    if rabbit("block").is_none() {
        return;
    }
    let line = waiting(3_000, 1).await;
    // The alarm lasts longer than the deadline of a wave: the wait must not become a repeat.
    tokio::time::sleep(Duration::from_secs(33)).await;
    assert_eq!(line.store.waiting().await.expect("counts"), 3_000, "nothing is confirmed while it blocks");
    rabbit("unblock");
    line.until(0).await;
    let (_connection, channel) = reader().await;
    let received = received(&channel).await;
    assert_eq!((received.len(), received.iter().collect::<HashSet<_>>().len()), (3_000, 3_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_publishers_share_the_work_without_repeating_or_overtaking() {
    let _alone = BROKER.lock().await;
    drop(emptied().await);
    let mut line = waiting(5_000, 2).await;
    line.until(0).await;
    assert!(line.publishers.try_join_next().is_none(), "both are still at work");
    let (_connection, channel) = reader().await;
    assert_eq!(received(&channel).await.len(), 5_000, "the lease keeps the second from repeating the first");
}
