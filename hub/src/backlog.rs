//! The backlog: deliveries that came and no run has ended with, taken in one after the other while the hub serves.
//!
//! What waits is what the store says waits, so nothing is lost between an acknowledgement and its run. The order is that of the
//! dates the deliveries say they were made at, then of arrival. A failure that may go away is tried again, later each time, and
//! how often is a note that outlives a restart; another run's turn is waited for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hub_core::delivery::{Delivery, DeliveryId, Status, Warning};
use hub_core::disposition::{Disposition, wait_after};
use hub_core::ledger::Book;
use hub_core::pipeline::{Order, Pipeline, Progress, Report, RunError};
use hub_core::store::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tracing::{error, warn};

use crate::correction;
use crate::decision::{DECISIONS, Verdict, released};
use crate::notice::notify;
use crate::pull::standing::FETCHING;
use crate::sources::Sources;

/// Deliveries looked at in one round.
const ROUND: u32 = 1_000;
/// Runs that follow each other without looking at what has come meanwhile: looking takes longer the more there is.
const AT_ONCE: usize = 16;
/// How often other processes' deliveries are looked for.
const IDLE: Duration = Duration::from_secs(2);
/// How long nothing is run when the store does not even take a note.
const RESPITE: Duration = Duration::from_secs(5);

/// Runs that failed, by delivery.
const RETRIES: Book<Retry> = Book::named("retry");

/// A run that failed and is tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How often it failed.
    pub tries: u32,
    /// Not before.
    pub due: Timestamp,
    /// Why.
    pub code: hub_core::code::Code,
}

/// The driver and what it needs.
pub struct Backlog {
    /// The stages and their adapters.
    pub pipeline: Arc<Pipeline>,
    /// How each source's deliveries are run.
    pub sources: Arc<Sources>,
    /// Told when a delivery was acknowledged.
    pub arrived: Arc<Notify>,
    /// Told when a run has ended.
    pub ended: Arc<Notify>,
    /// Told when there may be events to publish.
    pub publish: Arc<Notify>,
    created: Mutex<HashMap<DeliveryId, String>>,
}

/// What to do next.
enum Next {
    /// In this order.
    Run(Vec<Due>),
    Wait(Duration),
}

/// A run that may begin.
struct Due {
    order: Order,
    /// It failed before.
    retried: bool,
}

/// Wakes the publisher as soon as there is something for it.
struct Waking<'a>(&'a Notify);

impl Progress for Waking<'_> {
    fn advance(&self, _: u64, _: u64) {
        self.0.notify_one();
    }
}

impl Backlog {
    /// A backlog that nobody has told anything yet.
    pub fn new(pipeline: Arc<Pipeline>, sources: Arc<Sources>) -> Self {
        let [arrived, ended, publish] = [const { Notify::const_new() }; 3].map(Arc::new);
        Self { pipeline, sources, arrived, ended, publish, created: Mutex::default() }
    }

    /// Takes in what comes, for ever: a run under way when this is dropped goes on from its checkpoint the next time.
    pub async fn run(&self) {
        loop {
            match self.next().await {
                Ok(Next::Run(round)) => drop(self.take_in_all(round).await),
                Ok(Next::Wait(wait)) => {
                    let _ = tokio::time::timeout(wait, self.arrived.notified()).await;
                }
                Err(error) => {
                    warn!(%error, "the backlog cannot be read; trying again");
                    tokio::time::sleep(IDLE).await;
                }
            }
        }
    }

    /// Takes in all that can be now; how many runs ended.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn drain(&self) -> Result<u64, RunError> {
        let mut ended = 0;
        while let Next::Run(round) = self.next().await? {
            ended += self.take_in_all(round).await;
        }
        Ok(ended)
    }

    /// Runs one after the other, up to one that fails: what may be run after it is found out anew.
    async fn take_in_all(&self, round: Vec<Due>) -> u64 {
        let mut runs = 0;
        for due in round {
            runs += 1;
            if !self.take_in(due).await {
                break;
            }
        }
        runs
    }

    /// Whether the run came to its end.
    async fn take_in(&self, Due { order, retried }: Due) -> bool {
        let id = order.delivery.id;
        let ran = self.pipeline.run(order, &Waking(&self.publish)).await;
        let noted = match &ran {
            Ok(report) => self.note_end(report, retried).await,
            Err(failure) => self.note_failure(id, failure).await,
        };
        let ended = ran.is_ok() && noted.is_ok();
        if let Err(error) = noted {
            warn!(delivery = %id, %error, "how the run ended was not noted; it is found out again");
            // Without a note it is due at once: a store that takes nothing is not asked a thousand times a second.
            tokio::time::sleep(RESPITE).await;
        }
        self.publish.notify_one();
        self.ended.notify_waiters();
        ended
    }

    async fn note_end(&self, report: &Report, retried: bool) -> Result<(), StoreError> {
        self.seen().remove(&report.delivery);
        let store = self.pipeline.store.as_ref();
        if retried {
            RETRIES.erase(store, &report.delivery.to_string()).await?;
        }
        match report.warnings.first().filter(|_| report.status == Status::Held) {
            Some(why) => self.tell_held(report.delivery, why).await,
            None => Ok(()),
        }
    }

    /// What waits for a person is told to one.
    async fn tell_held(&self, id: DeliveryId, why: &Warning) -> Result<(), StoreError> {
        let store = self.pipeline.store.as_ref();
        let delivery = store.delivery(id).await?;
        let source = delivery.as_ref().map(|delivery| delivery.source.as_str()).unwrap_or_default();
        let detail = format!("delivery {id} is held: {}", why.message);
        notify(store, self.pipeline.clock.as_ref(), source, (why.code, &detail)).await
    }

    async fn note_failure(&self, id: DeliveryId, failure: &RunError) -> Result<(), StoreError> {
        let (code, now) = (failure.code(), self.pipeline.clock.now());
        let disposition = Disposition::of(code);
        error!(delivery = %id, %code, error = failure as &dyn std::error::Error, "a run failed: {}", disposition.word());
        let failed = |before: Option<Retry>| {
            let tries = before.map_or(0, |before| before.tries) + 1;
            let due = now.checked_add(wait_after(tries)).unwrap_or(Timestamp::MAX);
            Retry { tries, due, code }
        };
        RETRIES.change(self.pipeline.store.as_ref(), &id.to_string(), failed).await.map(|_| ())
    }

    async fn next(&self) -> Result<Next, RunError> {
        let store = self.pipeline.store.as_ref();
        let now = self.pipeline.clock.now();
        let (mut due, mut wait) = (Vec::new(), IDLE);
        for order in self.waiting().await? {
            match RETRIES.read(store, &order.delivery.id.to_string()).await? {
                Some(retry) if retry.due > now => wait = wait.min(until(now, retry.due)),
                retry => due.push(Due { order, retried: retry.is_some() }),
            }
        }
        if due.len() > 1 {
            let mut dated = Vec::with_capacity(due.len());
            for due in due {
                dated.push((self.created(&due.order).await?, due));
            }
            dated.sort_by_cached_key(|(created, Due { order, .. })| {
                (created.clone(), order.delivery.received_at, order.delivery.id)
            });
            due = dated.into_iter().map(|(_, due)| due).collect();
        }
        due.truncate(AT_ONCE);
        Ok(if due.is_empty() { Next::Wait(wait) } else { Next::Run(due) })
    }

    /// What no run has ended with, and what was released since it was held.
    async fn waiting(&self) -> Result<Vec<Order>, StoreError> {
        let store = self.pipeline.store.as_ref();
        let mut orders = Vec::new();
        let now = self.pipeline.clock.now();
        // Asked for at once: whoever pushed one record waits for it.
        let (fetching, pending) = tokio::try_join!(FETCHING.page(store, "", ROUND), store.pending(ROUND))?;
        let still = |source: &str| fetching.iter().any(|(entry, until)| entry == source && *until > now);
        for delivery in pending {
            if still(&delivery.source) {
                continue;
            }
            let entry = delivery.id.to_string();
            let (decided, corrects) =
                tokio::try_join!(DECISIONS.read(store, &entry), correction::of(store, &delivery))?;
            let order = Order { corrects, ..self.sources.order(delivery) };
            match decided.map(|decision| decision.verdict) {
                Some(Verdict::Refused) => {}
                Some(Verdict::Released) => orders.push(released(store, order).await?),
                None => orders.push(order),
            }
        }
        Ok(orders)
    }

    /// The date a delivery is ordered by: when it says it was made, else when it came.
    async fn created(&self, order: &Order) -> Result<String, RunError> {
        let Delivery { id, received_at, .. } = order.delivery;
        if let Some(created) = self.seen().get(&id) {
            return Ok(created.clone());
        }
        let mut created = self.pipeline.created(&order.delivery, order.mapping.as_deref()).await?;
        if created.is_empty() {
            created = received_at.to_string();
        }
        self.seen().insert(id, created.clone());
        Ok(created)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<DeliveryId, String>> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn until(now: Timestamp, due: Timestamp) -> Duration {
    Duration::try_from(due.duration_since(now)).unwrap_or_default()
}
