//! P1, P2 of pulls: whenever the hub is killed while it fetches, each extract an institution offers is taken in once and none is lost,
//! and no place is told to forget one before its bytes are durable here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use object_store::ObjectStore as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, daily, household, made, somebody};
use crate::support::milo::Queue;
use crate::support::openssh::OpenSsh;
use crate::support::place::{Place, reply};
use crate::support::s3::{Line, S3};
use crate::support::serving::{PATIENCE, Serving, archived};

/// Kills of one hub, at random moments; `DLNUF_TEST_KILLS` asks for more.
const KILLS: u64 = 6;
/// Among so many kills some fall between what is kept here and what is forgotten there.
const MANY: u64 = 50;
/// Extracts offered during one life, at most.
const OFFERED: u64 = 3;
/// Longest life of a hub, in milliseconds: some more than a look takes.
const LIFE_MS: u64 = 900;
const SEED: u64 = 11;
/// What each question to a place takes, each way, so that kills fall between what is kept and what is forgotten.
const DELAY: Duration = Duration::from_millis(15);

/// A place with extracts, each known by its number.
trait Depot {
    /// The source, and how the sources file says where the place is.
    fn pull(&self) -> (&'static str, String);

    /// What the hub's environment has to hold.
    fn environment(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Offers an extract.
    fn offer(&mut self, at: u64);

    /// The extracts the place was told to forget; none where nothing is ever told.
    async fn forgotten(&self) -> BTreeSet<u64>;

    /// Whether an extract is among what the hub keeps.
    fn is_kept(&self, at: u64, archive: &[(String, Vec<u8>)]) -> bool;

    /// Whether places of this kind are told to forget at all.
    fn forgets(&self) -> bool {
        true
    }
}

fn kills() -> u64 {
    std::env::var("DLNUF_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS)
}

/// An extract of one person, of a CAF of its own, so that no order between extracts matters.
fn extract(at: u64) -> Vec<u8> {
    let (name, born) = somebody(at);
    let person = Member { name: &name, born: &born, nir: "", ..PAUL };
    let household = household(&format!("7{at:06}"), &format!("{at:03}"), "2", &[person]);
    daily(&made("2026-03-01", "01:00:00"), &[household])
}

/// A dossier of a mission locale, of one person.
fn dossier(at: u64) -> String {
    let ((name, _), day) = (somebody(at), 1 + at % 28);
    format!(
        r#"{{"idDossier":"{at}","nomNaissance":"{name}","prenom":"ZOE","dateNaissance":"2004-05-{day:02}","maj":"2026-03-01","ordre":"{at}"}}"#
    )
}

/// A hub that is killed and started again, and what it was offered.
struct Trial<D> {
    hub: Hub,
    depot: D,
    offered: u64,
    /// Kills that left something to be done.
    in_the_middle: u64,
    /// Kills that fell between what is kept here and what is forgotten there.
    between: u64,
}

impl<D: Depot> Trial<D> {
    fn of(depot: D) -> Self {
        let hub = Hub::fresh();
        let (source, place) = depot.pull();
        let sources = format!(
            "sources:\n  {source}:\n    pulls:\n      nuit: {{ {place}, schedule: {{ every_seconds: 1 }} }}\n"
        );
        fs::create_dir_all(hub.home()).expect("a folder");
        fs::write(Path::new(&hub.home()).join("sources.yaml"), sources).expect("a file");
        Self { hub, depot, offered: 0, in_the_middle: 0, between: 0 }
    }

    fn home(&self) -> PathBuf {
        PathBuf::from(self.hub.home())
    }

    fn serve(&self) -> Serving {
        Serving::within(&self.home(), &[], &self.depot.environment())
    }

    /// Lets it live so often for a random time, and tries after each death that nothing was forgotten too early.
    #[expect(
        clippy::disallowed_methods,
        reason = "the moment of the kill is what is tried: nothing is awaited"
    )]
    async fn kill(&mut self, kills: u64) {
        let mut chance = StdRng::seed_from_u64(SEED);
        for kill in 0..kills {
            for _ in 0..chance.random_range(1..=OFFERED) {
                self.depot.offer(self.offered);
                self.offered += 1;
            }
            let serving = self.serve();
            std::thread::sleep(Duration::from_millis(chance.random_range(0..LIFE_MS)));
            serving.kill();
            let (forgotten, kept) = (self.depot.forgotten().await, archived(&self.home()));
            for at in &forgotten {
                assert!(
                    self.depot.is_kept(*at, &kept),
                    "seed {SEED}, kill {kill}: {at} was forgotten and is lost"
                );
            }
            self.in_the_middle += u64::from((forgotten.len() as u64) < self.offered);
            let still_there = (0..self.offered).filter(|at| !forgotten.contains(at));
            self.between += u64::from(still_there.into_iter().any(|at| self.depot.is_kept(at, &kept)));
            self.time_passes().await;
        }
        assert!(kills < MANY || self.between > 0, "seed {SEED}: no kill fell where it hurts");
    }

    /// As if so much time had passed that the dead hub's leases are over.
    async fn time_passes(&self) {
        let url = format!("sqlite:{}", self.home().join("dlnuf.db").display());
        let store = sqlx::SqlitePool::connect(&url).await.expect("the store opens");
        sqlx::query("delete from lease").execute(&store).await.expect("no leases");
        store.close().await;
    }

    /// Lets it live until all is done, and tries that each extract was taken in, once.
    async fn end(self) -> (Hub, D) {
        let (serving, start) = (self.serve(), Instant::now());
        let all: BTreeSet<u64> = (0..self.offered).collect();
        let wanted = usize::try_from(self.offered).expect("few");
        while self.depot.forgets() && self.depot.forgotten().await != all {
            assert!(
                start.elapsed() < PATIENCE,
                "seed {SEED}: all that was offered is taken\n{}",
                serving.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        while self.hub.ask(&["events", "snapshot"]).json().len() < wanted {
            assert!(
                start.elapsed() < PATIENCE,
                "seed {SEED}: all that was taken is taken in\n{}",
                serving.log()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        drop(serving);
        let kept = archived(&self.home());
        for at in 0..self.offered {
            assert!(self.depot.is_kept(at, &kept), "seed {SEED}: {at} is lost");
        }
        let created = |event: &&Json| event["type"] == "fr.dlnuf.personne.creee";
        let (events, persons) = (self.hub.events(), self.hub.ask(&["events", "snapshot"]).json());
        assert_eq!(
            (events.iter().filter(created).count(), persons.len()),
            (wanted, wanted),
            "seed {SEED}: each once"
        );
        assert_eq!(events.len(), wanted, "seed {SEED}: nothing was told twice");
        assert!(self.in_the_middle > 0, "seed {SEED}: the hub was killed too late to show anything");
        (self.hub, self.depot)
    }
}

/// How many deliveries a hub knows.
fn deliveries(hub: &Hub) -> usize {
    hub.ask(&["deliveries", "--limit", "10000"]).json().len()
}

struct ByHand {
    server: OpenSsh,
    key: PathBuf,
}

impl ByHand {
    fn taken(&self) -> PathBuf {
        self.server.folder().join("traites")
    }
}

impl Depot for ByHand {
    fn pull(&self) -> (&'static str, String) {
        let OpenSsh { port, user, .. } = &self.server;
        let (host_key, folder) = (self.server.fingerprint("ed25519"), self.server.folder());
        let place = format!(
            "sftp: {{ host: 127.0.0.1, port: {port}, user: {user}, key_file: {}, host_key: \"{host_key}\", folder: {}, \
             pattern: \"*.xml\", after: {{ move: {} }} }}",
            self.key.display(),
            folder.display(),
            self.taken().display(),
        );
        ("caf", place)
    }

    fn offer(&mut self, at: u64) {
        self.server.put(&format!("{at}.part"), &extract(at), 1_700_000_000 + at);
        let named = |ending: &str| self.server.folder().join(format!("{at}.{ending}"));
        fs::rename(named("part"), named("xml")).expect("renamed");
    }

    async fn forgotten(&self) -> BTreeSet<u64> {
        let entries = fs::read_dir(self.taken()).expect("a folder").flatten();
        let number = |name: String| name.strip_suffix(".xml").and_then(|at| at.parse().ok());
        entries
            .map(|entry| number(entry.file_name().into_string().expect("text")).expect("one of ours"))
            .collect()
    }

    fn is_kept(&self, at: u64, archive: &[(String, Vec<u8>)]) -> bool {
        let bytes = extract(at);
        archive.iter().any(|(_, kept)| *kept == bytes)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_while_it_fetches_by_sftp_takes_each_file_once_and_loses_none() {
    let server = OpenSsh::start();
    let key = server.known_key("ed25519", "");
    let depot = ByHand { server, key };
    fs::create_dir(depot.taken()).expect("a folder");
    let mut trial = Trial::of(depot);
    trial.kill(kills()).await;
    let offered = usize::try_from(trial.offered).expect("few");
    let (hub, depot) = trial.end().await;
    assert_eq!(deliveries(&hub), offered, "each file is one delivery");
    for at in 0..offered as u64 {
        let moved = fs::read(depot.taken().join(format!("{at}.xml"))).expect("a file");
        assert!(moved == extract(at), "{at} is moved as it was");
    }
    assert_eq!(
        fs::read_dir(depot.server.folder()).expect("a folder").count(),
        1,
        "only the folder of those moved"
    );
}

struct InABucket {
    server: S3,
    line: Line,
    offered: u64,
}

impl Depot for InABucket {
    fn pull(&self) -> (&'static str, String) {
        let place = format!(
            "bucket: {{ url: \"s3://extraits/depot\", endpoint: \"http://127.0.0.1:{}\", region: eu-west-3, \
             access_key_env: TEST_KEY, secret_key_env: TEST_SECRET, allow_http: true, after: delete }}",
            self.line.port
        );
        ("caf", place)
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        vec![("TEST_KEY", self.server.told("access")), ("TEST_SECRET", self.server.told("secret"))]
    }

    fn offer(&mut self, at: u64) {
        let extract = String::from_utf8(extract(at)).expect("text");
        self.server.make(&format!("depot/{at}.xml"), &extract);
        self.offered = at + 1;
    }

    async fn forgotten(&self) -> BTreeSet<u64> {
        let client = self.server.client(self.server.port());
        let there: Vec<_> = client.list(None).try_collect().await.expect("a listing");
        let number = |key: &str| key.strip_prefix("depot/")?.strip_suffix(".xml")?.parse().ok();
        let there: BTreeSet<u64> =
            there.iter().map(|object| number(object.location.as_ref()).expect("one of ours")).collect();
        (0..self.offered).filter(|at| !there.contains(at)).collect()
    }

    fn is_kept(&self, at: u64, archive: &[(String, Vec<u8>)]) -> bool {
        let bytes = extract(at);
        archive.iter().any(|(_, kept)| *kept == bytes)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_while_it_reads_a_bucket_takes_each_object_once_and_loses_none() {
    let server = S3::start();
    let line = Line::slow(server.port(), DELAY).await;
    let mut trial = Trial::of(InABucket { server, line, offered: 0 });
    trial.kill(kills()).await;
    let offered = usize::try_from(trial.offered).expect("few");
    let (hub, _) = trial.end().await;
    assert_eq!(deliveries(&hub), offered, "each object is one delivery");
}

/// Whether a dossier stands in one of the lines kept.
fn holds_dossier(at: u64, archive: &[(String, Vec<u8>)]) -> bool {
    let dossier = dossier(at).into_bytes();
    archive.iter().any(|(_, kept)| kept.windows(dossier.len()).any(|part| part == dossier))
}

struct AQueue {
    queue: Queue,
    line: Line,
    keys: tempfile::TempDir,
    offered: u64,
}

impl Depot for AQueue {
    fn pull(&self) -> (&'static str, String) {
        let key = |name: &str| {
            let file = self.keys.path().join(name);
            fs::write(&file, format!("cle-{name}")).expect("written");
            file.display().to_string()
        };
        let place = format!(
            "milo: {{ base_url: \"http://127.0.0.1:{}\", keys: {{ events: {{ file: {} }}, dossiers: {{ file: {} }} }}, \
             limits: {{ requests_per_second: 200 }} }}",
            self.line.port,
            key("evenements"),
            key("dossiers"),
        );
        ("missions-locales", place)
    }

    fn offer(&mut self, at: u64) {
        self.queue.happens(&format!("{at} {at} DOSSIER CREATE {at} 2026-03-01 10:00:00"));
        self.offered = at + 1;
    }

    async fn forgotten(&self) -> BTreeSet<u64> {
        let waiting = self.queue.waiting.lock().expect("the queue");
        (0..self.offered).filter(|at| !waiting.contains_key(&at.to_string())).collect()
    }

    fn is_kept(&self, at: u64, archive: &[(String, Vec<u8>)]) -> bool {
        holds_dossier(at, archive)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_while_it_reads_an_event_queue_takes_each_event_once_and_loses_none() {
    let kills = kills();
    let dossiers: Vec<(String, String)> =
        (0..kills * OFFERED).map(|at| (format!("/sue/dossiers/{at}"), dossier(at))).collect();
    let dossiers: Vec<(&str, &str)> =
        dossiers.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let queue = Queue::open(&dossiers).await;
    let keys = tempfile::tempdir().expect("a folder");
    let line = Line::slow(queue.place.port(), DELAY).await;
    let mut trial = Trial::of(AQueue { queue, line, keys, offered: 0 });
    trial.kill(kills).await;
    trial.end().await;
}

/// A list whose items are asked for from the last one on, two a page.
struct AList {
    /// Open as long as the list.
    _place: Place,
    line: Line,
    items: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl AList {
    async fn open() -> Self {
        let items: std::sync::Arc<std::sync::Mutex<Vec<String>>> = std::sync::Arc::default();
        let held = std::sync::Arc::clone(&items);
        let place = Place::open(move |seen, _| {
            let asked = |name: &str| {
                let query = seen.line.split_once('?').map_or("", |(_, query)| query);
                let value = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
                value.and_then(|text| text.parse::<usize>().ok()).unwrap_or(0)
            };
            let items = held.lock().expect("the list");
            let from = asked("depuis") + asked("debut");
            reply(
                200,
                &[],
                &format!("[{}]", items.iter().skip(from).take(2).cloned().collect::<Vec<_>>().join(",")),
            )
        })
        .await;
        let line = Line::slow(place.port(), DELAY).await;
        Self { _place: place, line, items }
    }
}

impl Depot for AList {
    fn pull(&self) -> (&'static str, String) {
        let place = format!(
            "collection: {{ url: \"http://127.0.0.1:{}/jeunes\", paging: {{ offset_limit: {{ offset: debut, limit: nb, size: 2 }} }}, \
             since: {{ parameter: {{ name: depuis, largest: /ordre }} }} }}",
            self.line.port
        );
        ("missions-locales", place)
    }

    fn offer(&mut self, at: u64) {
        self.items.lock().expect("the list").push(dossier(at));
    }

    async fn forgotten(&self) -> BTreeSet<u64> {
        BTreeSet::new()
    }

    fn is_kept(&self, at: u64, archive: &[(String, Vec<u8>)]) -> bool {
        holds_dossier(at, archive)
    }

    fn forgets(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_while_it_reads_a_list_takes_each_item_once_and_loses_none() {
    let mut trial = Trial::of(AList::open().await);
    trial.kill(kills()).await;
    trial.end().await;
}
