//! Schedules by a clock that a test sets: a look is made when it is due, once however late, also by a hub started again; a feed that
//! does not come by its hour is told once, and so is its coming.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hub::installation;
use hub::notice::NOTICES;
use hub::pull::Puller;
use hub::pull::standing::STANDINGS;
use hub::settings::Settings;
use hub::sources::Sources;
use hub_core::clock::Clock;
use hub_core::pipeline::Pipeline;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::support::extracts::{PAUL, daily, household, made};
use crate::support::mint;
use crate::support::serving::PATIENCE;

/// A clock a test sets.
struct Set(Mutex<Timestamp>);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("the clock")
    }

    fn mint(&self) -> uuid::Uuid {
        mint()
    }
}

impl Set {
    fn at(&self, instant: &str) {
        *self.0.lock().expect("the clock") = instant.parse().expect("an instant");
    }
}

/// A hub's puller by a clock of its own, at work until dropped.
struct Pulling {
    pipeline: Arc<Pipeline>,
    work: JoinHandle<()>,
}

impl Drop for Pulling {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn pulling(home: &Path, clock: &Arc<Set>, sources: &str) -> Pulling {
    fs::create_dir_all(home).expect("a folder");
    fs::write(home.join("sources.yaml"), sources).expect("a file");
    let settings = Settings::at(home.to_owned());
    let clock: Arc<dyn Clock> = Arc::clone(clock) as _;
    let pipeline = Pipeline { clock, ..installation::pipeline(&settings).await.expect("a pipeline") };
    let sources = Arc::new(Sources::read(&settings.sources_file()).expect("the sources"));
    let pipeline = Arc::new(pipeline);
    let puller: Arc<Puller> = Arc::new(installation::puller(&pipeline, sources));
    Pulling { pipeline, work: tokio::spawn(puller.run()) }
}

impl Pulling {
    /// Waits until the place was looked at so often; nothing announces it.
    async fn looked_at(&self, instant: &str) {
        let wanted: Timestamp = instant.parse().expect("an instant");
        self.until(instant, async || {
            let standing = STANDINGS.read(self.pipeline.store.as_ref(), "caf/nuit").await.expect("reads");
            standing.and_then(|standing| standing.last).is_some_and(|look| look.at >= wanted)
        })
        .await;
    }

    async fn notices(&self) -> Vec<String> {
        let notices = NOTICES.page(self.pipeline.store.as_ref(), "", 100).await.expect("reads");
        notices.into_iter().map(|(_, notice)| notice.code.to_string()).collect()
    }

    async fn until(&self, what: &str, so: impl AsyncFn() -> bool) {
        let so = async {
            while !so().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, so).await.unwrap_or_else(|_| panic!("{what}"));
    }
}

fn extract(day: &str) -> Vec<u8> {
    daily(&made(day, "01:00:00"), &[household("1024041", "521", "2", &[PAUL])])
}

/// Puts a file down long before the hours of these tests.
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("a file");
    let file = fs::File::options().write(true).open(path).expect("it opens");
    file.set_modified(std::time::UNIX_EPOCH).expect("a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_is_looked_for_at_its_hour_and_a_missed_one_is_made_up_for_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, drop_folder) = (folder.path().join("hub"), folder.path().join("depot"));
    fs::create_dir_all(&drop_folder).expect("a folder");
    let sources = format!(
        "sources: {{ caf: {{ pulls: {{ nuit: {{ folder: {{ path: {}, settle_seconds: 0 }}, schedule: {{ cron: \"30 4 * * *\" }} }} }} }} }}",
        drop_folder.display()
    );
    let clock = Arc::new(Set(Mutex::new("2026-03-27T12:00:00Z".parse().expect("an instant"))));
    put(&drop_folder.join("1.xml"), &extract("2026-03-27"));
    let hub = pulling(&home, &clock, &sources).await;
    // Its first hour is noted before anything is looked at: half past four in Paris, in winter.
    hub.until("the first hour is noted", async || {
        let standing = STANDINGS.read(hub.pipeline.store.as_ref(), "caf/nuit").await.expect("reads");
        standing.and_then(|standing| standing.next) == "2026-03-28T03:30:00Z".parse().ok()
    })
    .await;
    assert!(drop_folder.join("1.xml").exists(), "it is not the hour yet");
    clock.at("2026-03-28T03:30:00Z");
    hub.looked_at("2026-03-28T03:30:00Z").await;
    assert!(drop_folder.join("traites/1.xml").exists());
    drop(hub);
    // Nobody served for three days, in which clocks went to summer time.
    put(&drop_folder.join("2.xml"), &extract("2026-03-29"));
    clock.at("2026-03-31T09:00:00Z");
    let hub = pulling(&home, &clock, &sources).await;
    hub.looked_at("2026-03-31T09:00:00Z").await;
    assert!(drop_folder.join("traites/2.xml").exists());
    let standing =
        STANDINGS.read(hub.pipeline.store.as_ref(), "caf/nuit").await.expect("reads").expect("it stands");
    assert_eq!(standing.next, "2026-04-01T02:30:00Z".parse().ok(), "once for all that was missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_years_ahead_for_a_while_stops_no_pull() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, drop_folder) = (folder.path().join("hub"), folder.path().join("depot"));
    fs::create_dir_all(&drop_folder).expect("a folder");
    let sources = format!(
        "sources: {{ caf: {{ pulls: {{ nuit: {{ folder: {{ path: {}, settle_seconds: 0 }} }} }} }} }}",
        drop_folder.display()
    );
    let clock = Arc::new(Set(Mutex::new("2099-03-27T12:00:00Z".parse().expect("an instant"))));
    let hub = pulling(&home, &clock, &sources).await;
    hub.looked_at("2099-03-27T12:00:00Z").await;
    put(&drop_folder.join("1.xml"), &extract("2026-03-27"));
    clock.at("2026-03-27T12:00:00Z");
    hub.until("it is looked at by the hour that is", async || drop_folder.join("traites/1.xml").exists())
        .await;
    let standing = STANDINGS.read(hub.pipeline.store.as_ref(), "caf/nuit").await.expect("reads");
    assert_eq!(standing.and_then(|standing| standing.next), "2026-03-27T12:01:00Z".parse().ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_does_not_come_by_its_hour_is_told_once_and_so_is_its_coming() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("hub");
    let sources = "sources: { caf: { expected: { by: \"07:00\", days: [mon, tue, wed, thu, fri] } } }";
    // A Wednesday morning in Paris; a source is not late on the day it is configured.
    let clock = Arc::new(Set(Mutex::new("2026-03-25T08:00:00Z".parse().expect("an instant"))));
    let hub = pulling(&home, &clock, sources).await;
    hub.until("the hour is known", async || {
        hub.pipeline.store.note("expected", "caf").await.expect("reads").is_some()
    })
    .await;
    clock.at("2026-03-26T05:59:00Z");
    clock.at("2026-03-26T06:00:00Z");
    hub.until("it is told", async || hub.notices().await == ["DLN0819"]).await;
    let file = folder.path().join("1.xml");
    fs::write(&file, extract("2026-03-26")).expect("a file");
    clock.at("2026-03-26T09:00:00Z");
    crate::support::received(&hub.pipeline, "caf", &file).await;
    hub.until("its coming is told", async || hub.notices().await == ["DLN0819", "DLN0820"]).await;
    // What came on Thursday after the hour counts for Friday; on Saturday nobody waits; on Monday it is late again.
    clock.at("2026-03-27T06:00:00Z");
    clock.at("2026-03-28T12:00:00Z");
    clock.at("2026-03-30T05:00:00Z");
    hub.until("it is late again", async || hub.notices().await == ["DLN0819", "DLN0820", "DLN0819"]).await;
}
