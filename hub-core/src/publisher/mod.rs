//! The driver that carries events from the outbox to the broker, apart from any load: a dead broker never stops a night.
//!
//! Several waves are on their way at once, each on a lane of its own; meanwhile those confirmed are struck from the outbox and
//! the next ones read.
//! A row leaves the outbox only once its event is confirmed, so a crash repeats events and never loses one. A lease lets one
//! publisher work at a time; should it expire under a stalled one, events are repeated, not turned around.

mod lanes;
mod line;
mod outbox;
mod patience;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{info, warn};
use uuid::Uuid;

use crate::broker::{Broker, BrokerError, Message, Session, Verdict};
use crate::code::Code;
use crate::pipeline::Progress;
use crate::store::{Store, StoreError};
use lanes::{Answered, Lanes};
use line::Line;
pub use outbox::{OfJournal, OfProfiles, Outbox};
pub use patience::Patience;

/// Events of a wave.
const WAVE: usize = 500;
/// Fewer events than this wait in memory: more are read.
const SHORT: usize = 4_000;
/// Events read from the outbox at once.
const PAGE: u32 = 2_000;
const LEASE_MS: u64 = 15_000;
const RENEW_AFTER: Duration = Duration::from_millis(LEASE_MS / 3);
/// How often the outbox is looked at.
const IDLE: Duration = Duration::from_millis(200);
/// How long a stop waits for a wave on its way.
const GRACE: Duration = Duration::from_secs(5);

/// Why publishing stopped for now. Nothing is lost: the events stay in the outbox.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The broker failed.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The broker answered, but did not take these events.
    #[error(
        "the broker did not take {unroutable} events without a queue, {refused} refused, {unknown} unanswered"
    )]
    NotTaken {
        /// No queue is bound for them.
        unroutable: usize,
        /// Queues refused them.
        refused: usize,
        /// The connection broke before the answer.
        unknown: usize,
    },
}

impl PublishError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::NotTaken { unroutable: 1.., .. } => Code::Unroutable,
            Self::Broker(_) | Self::NotTaken { .. } => Code::BrokerUnreachable,
        }
    }
}

/// Makes what is missing on the broker. What is about to be made is kept before, lest a hub that dies forget what was lost; that it stands,
/// afterwards.
///
/// # Errors
/// At the first failure of broker or store.
pub async fn make_room(outbox: &dyn Outbox, session: &dyn Session) -> Result<(), PublishError> {
    outbox.found(session).await?;
    session.make().await?;
    Ok(outbox.made(session).await?)
}

/// The driver and its adapters.
pub struct Publisher {
    /// Where the lease is.
    pub store: Arc<dyn Store>,
    /// Where events wait.
    pub outbox: Arc<dyn Outbox>,
    /// Where they go.
    pub broker: Arc<dyn Broker>,
    /// Who publishes, for the lease.
    pub holder: Uuid,
    /// Told when events were written, so that they need not wait for the next look.
    pub wake: Arc<Notify>,
}

impl Publisher {
    /// A publisher of the journal nobody has woken yet.
    pub fn new(store: Arc<dyn Store>, broker: Arc<dyn Broker>, holder: Uuid) -> Self {
        let outbox = Arc::new(OfJournal(Arc::clone(&store)));
        Self { store, outbox, broker, holder, wake: Arc::default() }
    }

    /// A publisher of what profiles are told.
    pub fn of_profiles(store: Arc<dyn Store>, broker: Arc<dyn Broker>, holder: Uuid) -> Self {
        let outbox = Arc::new(OfProfiles(Arc::clone(&store)));
        Self { store, outbox, broker, holder, wake: Arc::default() }
    }

    /// Publishes what comes until `stop` resolves: reconnects with growing patience, looks at the outbox every 200 ms. A wave
    /// on its way is given 5 s to be confirmed, so that an orderly stop repeats nothing.
    pub async fn run_until(&self, stop: impl Future<Output = ()>) {
        let stopping = AtomicBool::new(false);
        let mut running = std::pin::pin!(self.run(&stopping));
        tokio::select! {
            () = &mut running => {}
            () = stop => {
                stopping.store(true, Relaxed);
                let _ = tokio::time::timeout(GRACE, running).await;
            }
        }
        // Given back at once, so that the next publisher need not wait for it to expire.
        if let Err(error) = Lease::new(self, &stopping).release().await {
            warn!(code = %error.code(), %error, "the lease of an outbox was not given back; it expires by itself");
        }
    }

    async fn run(&self, stopping: &AtomicBool) {
        let mut patience = Patience::default();
        while !stopping.load(Relaxed) {
            if let Err(error) = self.one_session(stopping, &mut patience).await {
                let wait = patience.next_wait();
                tell(&error, wait);
                tokio::time::sleep(wait).await;
            }
        }
    }

    /// Ends well when asked to stop, or when the session has lasted long enough.
    async fn one_session(&self, stopping: &AtomicBool, patience: &mut Patience) -> Result<(), PublishError> {
        let session = self.broker.open().await?;
        make_room(self.outbox.as_ref(), session.as_ref()).await?;
        info!("connected to the broker");
        let mut lease = Lease::new(self, stopping);
        while session.is_open() {
            if lease.hold().await? {
                self.publish_waiting(&session, &mut lease, &()).await?;
            }
            if stopping.load(Relaxed) {
                return Ok(());
            }
            patience.reset();
            let _ = tokio::time::timeout(IDLE, self.wake.notified()).await;
        }
        if session.is_over() { Ok(()) } else { Err(BrokerError::Closed.into()) }
    }

    /// Publishes what waits now, then returns how many left; `None` when another publisher holds the lease.
    ///
    /// # Errors
    /// At the first failure of broker or store; the rest stays in the outbox.
    pub async fn drain(&self, progress: &dyn Progress) -> Result<Option<u64>, PublishError> {
        if self.outbox.waiting().await? == 0 {
            return Ok(Some(0));
        }
        let never = AtomicBool::new(false);
        let mut lease = Lease::new(self, &never);
        if !self.take_lease(&mut lease).await? {
            return Ok(None);
        }
        let outcome = match self.broker.open().await {
            Ok(session) => {
                make_room(self.outbox.as_ref(), session.as_ref()).await?;
                self.publish_waiting(&session, &mut lease, progress).await
            }
            Err(error) => Err(error.into()),
        };
        lease.release().await?;
        outcome.map(Some)
    }

    /// Takes the lease, or waits for it: a holder under whom nothing leaves the outbox has died, and its lease expires.
    async fn take_lease(&self, lease: &mut Lease<'_>) -> Result<bool, PublishError> {
        let mut waiting = self.outbox.waiting().await?;
        let expired = Instant::now() + Duration::from_millis(LEASE_MS) + IDLE;
        loop {
            // Looked at before, so that one more attempt follows the expiry.
            let last = Instant::now() > expired;
            if lease.hold().await? {
                return Ok(true);
            }
            let still = self.outbox.waiting().await?;
            if still < waiting || last {
                return Ok(false);
            }
            waiting = still;
            tokio::time::sleep(IDLE).await;
        }
    }

    async fn publish_waiting(
        &self,
        session: &Arc<dyn Session>,
        lease: &mut Lease<'_>,
        progress: &dyn Progress,
    ) -> Result<u64, PublishError> {
        let mut line = Line::default();
        let mut lanes = Lanes::of(session);
        let mut after = self.fill(&mut line, 0).await?;
        let mut published = 0;
        send(&mut line, &mut lanes, lease).await?;
        loop {
            let answered = lanes.answered().await;
            if answered.is_empty() {
                return Ok(published);
            }
            for (wave, _) in &answered {
                line.back(wave);
            }
            // The next waves are on their way while these are struck, unless one was not taken: nothing of its person may pass it.
            let sent = if answered.iter().all(all_taken) {
                send(&mut line, &mut lanes, lease).await
            } else {
                Ok(())
            };
            let (taken, filled) = tokio::join!(self.strike(answered), self.fill(&mut line, after));
            if taken.is_err() {
                self.strike_the_rest(&mut lanes).await;
            }
            published += taken?;
            sent?;
            after = filled?;
            send(&mut line, &mut lanes, lease).await?;
            progress.advance(published, published + line.len() as u64);
        }
    }

    /// What the other lanes were answered meanwhile is not to be repeated.
    async fn strike_the_rest(&self, lanes: &mut Lanes) {
        loop {
            let answered = lanes.answered().await;
            if answered.is_empty() {
                return;
            }
            let _ = self.strike(answered).await;
        }
    }

    /// Strikes from the outbox what the broker has taken of some waves, all at once; returns how many, if it is all.
    async fn strike(&self, answered: Vec<Answered>) -> Result<u64, PublishError> {
        let (mut confirmed, mut failed) = (Vec::new(), None);
        for (wave, answers) in answered {
            match answers {
                Ok(verdicts) => {
                    let before = confirmed.len();
                    confirmed.extend(taken(&wave, &verdicts));
                    if confirmed.len() - before < wave.len() {
                        failed = Some(not_taken(&verdicts));
                    }
                }
                Err(error) => failed = Some(error.into()),
            }
        }
        self.outbox.confirm(&confirmed).await?;
        failed.map_or(Ok(confirmed.len() as u64), Err)
    }

    /// Reads more events behind `after` when the line has grown short; returns the last cursor read.
    async fn fill(&self, line: &mut Line, after: u64) -> Result<u64, StoreError> {
        if line.len() >= SHORT {
            return Ok(after);
        }
        let page = self.outbox.read(after, PAGE).await?;
        let last = page.last().map_or(after, |event| event.place);
        line.join(page);
        Ok(last)
    }
}

/// Sends waves on all lanes that are free, while the lease is held.
async fn send(line: &mut Line, lanes: &mut Lanes, lease: &mut Lease<'_>) -> Result<(), StoreError> {
    while lanes.one_is_free() && lease.hold().await? {
        let wave = line.cut(WAVE);
        if wave.is_empty() {
            break;
        }
        lanes.send(wave);
    }
    Ok(())
}

fn tell(error: &PublishError, wait: Duration) {
    let cause = error as &dyn std::error::Error;
    warn!(code = %error.code(), error = cause, wait_ms = wait.as_millis(), "publishing stopped, will try again");
}

fn all_taken((_, answers): &Answered) -> bool {
    answers.as_ref().is_ok_and(|verdicts| verdicts.iter().all(|verdict| *verdict == Verdict::Confirmed))
}

fn taken<'w>(wave: &'w [Message], verdicts: &'w [Verdict]) -> impl Iterator<Item = u64> + 'w {
    let taken = wave.iter().zip(verdicts).filter(|(_, verdict)| **verdict == Verdict::Confirmed);
    taken.map(|(event, _)| event.place)
}

fn not_taken(verdicts: &[Verdict]) -> PublishError {
    let count = |wanted| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    PublishError::NotTaken {
        unroutable: count(Verdict::Unroutable),
        refused: count(Verdict::Refused),
        unknown: count(Verdict::Unknown),
    }
}

/// The right to go on publishing: nobody asked to stop, and the lease, renewed by the store's clock, is ours.
struct Lease<'a> {
    publisher: &'a Publisher,
    stopping: &'a AtomicBool,
    renewed: Option<Instant>,
}

impl<'a> Lease<'a> {
    fn new(publisher: &'a Publisher, stopping: &'a AtomicBool) -> Self {
        Self { publisher, stopping, renewed: None }
    }

    async fn hold(&mut self) -> Result<bool, StoreError> {
        if self.stopping.load(Relaxed) {
            return Ok(false);
        }
        if self.renewed.is_some_and(|at| at.elapsed() < RENEW_AFTER) {
            return Ok(true);
        }
        let held =
            self.publisher.store.lease(self.publisher.outbox.name(), self.publisher.holder, LEASE_MS).await?;
        self.renewed = held.then(Instant::now);
        Ok(held)
    }

    async fn release(&mut self) -> Result<(), StoreError> {
        self.renewed = None;
        self.publisher.store.lease(self.publisher.outbox.name(), self.publisher.holder, 0).await.map(|_| ())
    }
}
