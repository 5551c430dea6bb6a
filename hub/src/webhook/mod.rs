//! Webhooks: what a subscriber is told, posted to its address, signed, in order, until it answers 2xx.
//!
//! Declared subscriptions and what their profiles were told enter; requests leave. Where each stands, and when it is tried again, is
//! kept: a hub that stops goes on there, and may post an event twice, with the same identifier and bytes. A subscriber that does not answer
//! holds up itself alone; after as many failures in a row as it declared it is posted nothing until an operator resumes it.

mod post;
mod round;
mod secret;
mod signature;
mod target;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use compact_str::CompactString;
use hub_core::canonical::Canon;
use hub_core::clock::Clock;
use hub_core::ledger::Book;
use hub_core::store::{Store, StoreError};
use hub_core::subscription::{Channel, Subscription, paused};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tracing::warn;
use uuid::Uuid;

use crate::clock::today;
use crate::declarations::Declarations;
use crate::seal::Seal;

pub use post::Post;
pub use round::Round;
pub use secret::{forget, mint, secrets};
pub use signature::{SECRET_PREFIX, sign};
pub use target::{Networks, TargetError};

/// Where each subscriber stands.
pub const STANDINGS: Book<Standing> = Book::named("webhooks");
/// How often it is looked who subscribes, and whether something has come.
const LOOK: Duration = Duration::from_millis(200);
/// How long the store is left alone when it fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a subscriber stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// The place in what its profile is told up to which it has taken everything.
    pub cursor: u64,
    /// Failures since it last took something.
    pub failures: u32,
    /// Not before.
    pub due: Option<Timestamp>,
    /// The last failure: a status, or a word.
    pub last: Option<String>,
    /// It has failed as often as it may.
    pub disabled: bool,
}

/// The driver.
pub struct Postman {
    /// What was told.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who subscribes.
    pub declarations: Arc<Declarations>,
    /// The canonical record.
    pub canon: Arc<Canon>,
    /// Opens the secrets requests are signed by.
    pub seal: Seal,
    /// What posts.
    pub post: Arc<Post>,
    /// Who posts, for the lease.
    pub holder: Uuid,
}

/// A subscriber that is posted to, by a task of its own.
struct Route {
    subscription: Subscription,
    task: JoinHandle<()>,
}

impl Drop for Route {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Postman {
    /// Posts what comes, for ever.
    pub async fn run(&self) {
        let mut routes: BTreeMap<CompactString, Route> = BTreeMap::new();
        loop {
            match self.live().await {
                Ok(live) => self.route(&mut routes, live),
                Err(error) => {
                    warn!(code = %error.code(), %error, "who is posted to is not known, will ask again");
                    tokio::time::sleep(PATIENCE).await;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Those who are posted to now.
    async fn live(&self) -> Result<Vec<Subscription>, StoreError> {
        let (declared, paused) = (self.declarations.current(), paused(self.store.as_ref()).await?);
        let live = declared.subscriptions.values().filter(|own| {
            matches!(own.channel, Channel::Webhook { .. })
                && !own.has_expired(today())
                && !paused.contains(&own.subscriber)
        });
        Ok(live.cloned().collect())
    }

    fn route(&self, routes: &mut BTreeMap<CompactString, Route>, live: Vec<Subscription>) {
        routes.retain(|_, route| live.contains(&route.subscription) && !route.task.is_finished());
        for subscription in live {
            if !routes.contains_key(&subscription.subscriber) {
                let round = self.round(subscription.clone());
                let task = tokio::spawn(round.run());
                routes.insert(subscription.subscriber.clone(), Route { subscription, task });
            }
        }
    }

    fn round(&self, subscription: Subscription) -> Round {
        Round {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            declarations: Arc::clone(&self.declarations),
            canon: Arc::clone(&self.canon),
            seal: self.seal.clone(),
            post: Arc::clone(&self.post),
            holder: self.holder,
            subscription,
            held: Mutex::default(),
        }
    }
}
