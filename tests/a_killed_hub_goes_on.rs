//! A hub killed in the middle of a night has applied whole batches and nothing else; the same file again ends the night.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use hub::installation;
use hub::settings::Settings;
use hub::synth::{self, Plan};
use hub_core::canonical::Canon;
use hub_core::store::KnownPerson;
use serde_json::Value as Json;

use crate::support::Postgres;
use crate::support::population::{everybody, known};
use crate::support::program::command;

/// A dozen batches, so that a kill falls between two of them.
const PLAN: Plan = Plan { households: 2_500, seed: 5, night: 1, changed_per_million: 0 };
/// Kills, spread evenly over the time an undisturbed night takes.
const KILLS: u32 = 6;

const HUBS: &str = "
select count(*) from pg_stat_activity where application_name = 'dlnuf' and datname = current_database()";

/// One hub: its folder, its store.
struct Hub<'h> {
    home: &'h Path,
    store: Option<&'h str>,
}

impl Hub<'_> {
    /// Delivers the file; killed after `patience`, when given. True when it came to its end.
    fn deliver(&self, file: &Path, patience: Option<Duration>) -> bool {
        self.deliver_so(file, patience, &[])
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the moment of the kill is what is tried: nothing is awaited"
    )]
    fn deliver_so(&self, file: &Path, patience: Option<Duration>, more: &[&str]) -> bool {
        let mut command = command();
        command.args(["--output", "json", "--home"]).arg(self.home);
        if let Some(store) = self.store {
            command.args(["--store", store]);
        }
        command.args(["deliver", "caf"]).arg(file).args(more).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        if let Some(patience) = patience {
            std::thread::sleep(patience);
            child.kill().expect("killed, or ended before");
        }
        let ended = child.wait().expect("ended");
        assert!(matches!(ended.code(), None | Some(0 | 3)), "{ended}");
        ended.code().is_some()
    }

    async fn population(&self, canon: &std::sync::Arc<Canon>) -> (Vec<KnownPerson>, Vec<Json>, u64) {
        if let Some(url) = self.store {
            nobody_is_at_work(url).await;
        }
        let store = self.store.map(str::to_owned);
        let settings = Settings { store, ..Settings::at(self.home.to_owned()) };
        let store = installation::open_store(&settings, canon).await.expect("a store");
        let (persons, events) = everybody(store.as_ref()).await;
        let (counted, ..) = store.sizes().await.expect("counts");
        assert_eq!(counted, persons.len() as u64, "every person was announced");
        (persons, events, store.waiting().await.expect("counts"))
    }
}

/// The moments of kills: halving what is left between one too early and one too late until one falls in the middle, then spread
/// over it. A machine that is busy in one night and idle in the next is no hindrance.
struct Moments {
    early: Duration,
    late: Duration,
    in_the_middle: u32,
}

impl Moments {
    fn within(whole: Duration) -> Self {
        Self { early: Duration::ZERO, late: whole, in_the_middle: 0 }
    }

    fn next(&self, kill: u32) -> Duration {
        let left = self.late.saturating_sub(self.early);
        let share = if self.in_the_middle == 0 { left / 2 } else { left * kill / (KILLS + 1) };
        self.early + share
    }

    /// A kill at this moment left so many persons of those wanted.
    fn learn(&mut self, moment: Duration, persons: u64, wanted: u64) {
        if persons == 0 {
            self.early = self.early.max(moment);
        } else if persons == wanted {
            self.late = self.late.min(moment);
        } else {
            self.in_the_middle += 1;
        }
    }
}

/// PostgreSQL ends the commit of a client that died in its own time.
async fn nobody_is_at_work(url: &str) {
    let look = sqlx::PgPool::connect(url).await.expect("connects");
    loop {
        let hubs: i64 = sqlx::query_scalar(HUBS).fetch_one(&look).await.expect("reads");
        if hubs == 0 {
            return look.close().await;
        }
        tokio::task::yield_now().await;
    }
}

/// State and events agree: each person's events are numbered without a gap up to the sequence the state stands at.
fn agree(persons: &[KnownPerson], events: &[Json], waiting: u64) {
    assert_eq!(waiting, events.len() as u64, "no broker: every event waits in the outbox");
    for person in persons {
        let id = person.id.to_string();
        let own = events.iter().filter(|event| event.get("subject").and_then(Json::as_str) == Some(&id));
        let sequence =
            |event: &Json| event.get("sequence").and_then(Json::as_str).and_then(|s| s.parse().ok());
        let sequences: Vec<u64> = own.filter_map(sequence).collect();
        assert_eq!(sequences, (1..=person.sequence).collect::<Vec<u64>>());
        assert!(!person.statements.is_empty(), "a person without a claim");
    }
}

/// Kills `KILLS` hubs at different moments; `store` names the store of each, the undisturbed one first.
async fn killed_at_every_moment(stores: &[Option<String>]) {
    let folder = tempfile::tempdir().expect("a folder");
    let extracts = synth::write(&PLAN, folder.path(), &|_| {}).expect("extracts");
    let file = &extracts.iter().find(|extract| extract.source == "caf").expect("the CAF's").file;
    let canon = installation::canon().expect("the schema");
    let homes: Vec<_> = (0..stores.len()).map(|at| folder.path().join(format!("hub{at}"))).collect();
    let hub = |at: usize| Hub { home: &homes[at], store: stores[at].as_deref() };
    let start = Instant::now();
    assert!(hub(0).deliver(file, None));
    let whole = start.elapsed();
    let (persons, events, waiting) = hub(0).population(&canon).await;
    agree(&persons, &events, waiting);
    let wanted = known(&canon, &persons);
    let mut moments = Moments::within(whole);
    for kill in 1..=KILLS {
        let hub = hub(usize::try_from(kill).expect("small"));
        let moment = moments.next(kill);
        hub.deliver(file, Some(moment));
        let (persons, events, waiting) = hub.population(&canon).await;
        agree(&persons, &events, waiting);
        moments.learn(moment, persons.len() as u64, wanted.len() as u64);
        assert!(hub.deliver(file, None));
        let (persons, events, waiting) = hub.population(&canon).await;
        agree(&persons, &events, waiting);
        assert!(known(&canon, &persons) == wanted, "killed {kill}: other persons or values");
        assert_eq!(events.len(), wanted.len(), "an event for each person, none twice");
    }
    assert!(
        moments.in_the_middle > 0,
        "no kill fell between the first commit and the last: this shows nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_on_sqlite_ends_its_night_when_started_again() {
    killed_at_every_moment(&vec![None; KILLS as usize + 1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_killed_in_the_middle_goes_on_as_one_and_is_told_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let extracts = synth::write(&PLAN, folder.path(), &|_| {}).expect("extracts");
    let file = &extracts.iter().find(|extract| extract.source == "caf").expect("the CAF's").file;
    let canon = installation::canon().expect("the schema");
    let homes: Vec<_> = (0..=KILLS).map(|at| folder.path().join(format!("hub{at}"))).collect();
    let mut hubs = homes.iter().map(|home| Hub { home, store: None });
    let counted = async |hub: &Hub<'_>| {
        let settings = Settings::at(hub.home.to_owned());
        let store = installation::open_store(&settings, &canon).await.expect("a store");
        let (_, events) = everybody(store.as_ref()).await;
        (store.sizes().await.expect("counts").0, events)
    };
    let whole = hubs.next().expect("the undisturbed one");
    let start = Instant::now();
    assert!(whole.deliver_so(file, None, &["--first-load"]));
    let patience = start.elapsed();
    let (wanted, _) = counted(&whole).await;
    let mut moments = Moments::within(patience);
    for (kill, hub) in (1..).zip(hubs) {
        let moment = moments.next(kill);
        hub.deliver_so(file, Some(moment), &["--first-load"]);
        let (persons, _) = counted(&hub).await;
        moments.learn(moment, persons, wanted);
        if persons == 0 || persons == wanted {
            continue;
        }
        assert!(hub.deliver(file, None), "the option is not even needed again");
        let (persons, events) = counted(&hub).await;
        let told: Vec<_> = events.iter().map(|event| &event["data"]["chargement"]["personnes"]).collect();
        assert_eq!((persons, told), (wanted, vec![&Json::from(wanted)]));
    }
    assert!(
        moments.in_the_middle > 0,
        "no kill fell between the first commit and the last: this shows nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_killed_on_postgresql_ends_its_night_when_started_again() {
    let mut servers = Vec::new();
    for _ in 0..=KILLS {
        servers.push(Postgres::fresh().await);
    }
    let urls: Vec<_> = servers.iter().map(|server| Some(server.url.clone())).collect();
    killed_at_every_moment(&urls).await;
    for server in servers {
        server.remove().await;
    }
}
