//! The round to one subscriber: page by page what is for it, one event after the other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hub_core::canonical::Canon;
use hub_core::clock::Clock;
use hub_core::code::Code;
use hub_core::disposition::wait_after;
use hub_core::store::{Store, StoreError};
use hub_core::subscription::{Channel, Subscription, ToldEvent};
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::warn;
use uuid::Uuid;

use super::post::{Post, PostError};
use super::secret::secrets;
use super::{LOOK, PATIENCE, STANDINGS, Standing};
use crate::declarations::Declarations;
use crate::notice::notify;
use crate::seal::Seal;

/// Told events looked through at once.
const PAGE: u32 = 200;
/// How often is written how far it has come, while all goes well.
const KEPT_EVERY: usize = 20;
/// A hub that died leaves its subscribers to another one after this long; a request lasts half of it at most.
const LEASE_MS: u64 = 30_000;
const RENEW_AFTER: Duration = Duration::from_millis(LEASE_MS / 3);

/// The round, and what it needs.
pub struct Round {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) declarations: Arc<Declarations>,
    pub(super) canon: Arc<Canon>,
    pub(super) seal: Seal,
    pub(super) post: Arc<Post>,
    pub(super) holder: Uuid,
    pub(super) subscription: Subscription,
    /// When the right to post was last had.
    pub(super) held: Mutex<Option<Instant>>,
}

/// What came of one look.
enum Look {
    /// Something was taken, or passed over.
    Advanced,
    /// There is nothing for it now, or it is not to be posted to.
    Nothing,
}

impl Round {
    /// Posts for ever.
    pub(super) async fn run(self) {
        loop {
            let wait = match self.look().await {
                Ok(Look::Advanced) => Duration::ZERO,
                Ok(Look::Nothing) => LOOK,
                Err(error) => {
                    warn!(code = %error.code(), %error, subscriber = %self.subscription.subscriber, "nothing is posted now, will try again");
                    PATIENCE
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn look(&self) -> Result<Look, StoreError> {
        let (name, store) = (self.subscription.subscriber.as_str(), self.store.as_ref());
        let Some(standing) = STANDINGS.read(store, name).await? else { return Ok(Look::Nothing) };
        let now = self.clock.now();
        // A due date further off than any wait was noted by a clock that was ahead.
        let latest = after(now, wait_after(u32::MAX));
        let waits = standing.due.is_some_and(|due| due > now && due <= latest);
        if standing.disabled || waits {
            return Ok(Look::Nothing);
        }
        let page = store.told(&self.subscription.profile, standing.cursor, PAGE).await?;
        let Some(last) = page.last().map(|event| event.position) else { return Ok(Look::Nothing) };
        if !self.hold().await? {
            return Ok(Look::Nothing);
        }
        let mut page = page.into_iter().peekable();
        while page.peek().is_some() {
            let declared = self.declarations.current();
            let own =
                page.by_ref().filter_map(|event| declared.read_by(&self.subscription, &self.canon, event));
            let events: Vec<ToldEvent> = own.take(KEPT_EVERY).collect();
            if !self.post_all(&events).await? {
                return Ok(Look::Nothing);
            }
        }
        self.keep(last).await?;
        Ok(Look::Advanced)
    }

    /// Whether it is this hub that posts: one at a time does.
    async fn hold(&self) -> Result<bool, StoreError> {
        let had = *self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if had.is_some_and(|had| had.elapsed() < RENEW_AFTER) {
            return Ok(true);
        }
        let lease = format!("webhook:{}", self.subscription.subscriber);
        let held = self.store.lease(&lease, self.holder, LEASE_MS).await?;
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held.then(Instant::now);
        Ok(held)
    }

    /// Posts events one after the other, and keeps how far that went; false when one was not taken.
    async fn post_all(&self, events: &[ToldEvent]) -> Result<bool, StoreError> {
        let (name, store) = (self.subscription.subscriber.as_str(), self.store.as_ref());
        let secrets = secrets(store, &self.seal, name, self.clock.now()).await?;
        let Channel::Webhook { url, failures } = &self.subscription.channel else { return Ok(false) };
        let mut taken = None;
        for event in events {
            if !self.hold().await? {
                break;
            }
            match self.post.event(url, event, (&secrets, self.clock.now())).await {
                Ok(()) => taken = Some(event.position),
                Err(error) => {
                    if let Some(cursor) = taken {
                        self.keep(cursor).await?;
                    }
                    self.failed(&error, *failures).await?;
                    return Ok(false);
                }
            }
        }
        if let Some(cursor) = taken {
            self.keep(cursor).await?;
        }
        Ok(taken == events.last().map(|event| event.position))
    }

    /// Keeps how far it has come; never back behind what another hub kept meanwhile.
    async fn keep(&self, cursor: u64) -> Result<(), StoreError> {
        let name = self.subscription.subscriber.as_str();
        let further = |known: Option<Standing>| {
            let cursor = known.map_or(cursor, |known| known.cursor.max(cursor));
            Standing { cursor, ..Standing::default() }
        };
        STANDINGS.change(self.store.as_ref(), name, further).await.map(|_| ())
    }

    async fn failed(&self, error: &PostError, most: u32) -> Result<(), StoreError> {
        let (name, now) = (self.subscription.subscriber.as_str(), self.clock.now());
        let standing = STANDINGS
            .change(self.store.as_ref(), name, |standing| {
                let mut standing: Standing = standing.unwrap_or_default();
                standing.failures = standing.failures.saturating_add(1);
                standing.due = Some(after(now, wait_after(standing.failures)));
                standing.last = Some(error.word());
                standing.disabled = error.is_final() || standing.failures >= most;
                standing
            })
            .await?;
        let detail = format!("`{name}`: {error}");
        if standing.disabled {
            return self.tell((Code::WebhookDisabled, &detail)).await;
        }
        // Operators are told once of one that stays away.
        if standing.failures == 1 { self.tell((error.code(), &detail)).await } else { Ok(()) }
    }

    async fn tell(&self, what: (Code, &str)) -> Result<(), StoreError> {
        notify(self.store.as_ref(), self.clock.as_ref(), &self.subscription.subscriber, what).await
    }
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
