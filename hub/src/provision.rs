//! What a subscriber has on the broker: made, given another password, silenced, taken away.
//!
//! A subscription enters; its queue, its dead letters and its user stand on the broker, and how it connects leaves, once: the hub keeps
//! no password.

use std::sync::Arc;

use anyhow::Context as _;
use hub_core::publisher::{OfProfiles, make_room};
use hub_core::store::{Store, StoreError};
use hub_core::subscription::{Subscription, about_to_bind};
use lapin::uri::AMQPUri;
use rand::distr::{Alphanumeric, SampleString as _};

use crate::broker::{
    Management, Reader, Standing, Topology, dead_letter_policy, of_profiles, of_readers, permissions,
};
use crate::cli::language::either;
use crate::clock::today;
use crate::settings::Settings;

/// Characters of a password.
const PASSWORD: usize = 40;
/// How a subscriber connects.
pub struct Access {
    /// The queue it consumes.
    pub queue: String,
    /// Its user.
    pub user: String,
    /// Its password, which nobody can read again.
    pub password: String,
    /// All of it as a URL.
    pub url: String,
}

/// The broker, by both its doors.
pub struct Provision {
    url: String,
    api: Management,
}

impl Provision {
    /// Reads where the broker is.
    ///
    /// # Errors
    /// When either URL is missing or not understood.
    pub fn of(settings: &Settings) -> anyhow::Result<Self> {
        let url = settings.broker.clone().context("expected a broker: `--broker amqp://…`")?;
        let api = settings.broker_api.as_deref().context(
            "expected the broker's management API: `--broker-api http://user:password@host:15672`",
        )?;
        Ok(Self { api: Management::new(api, &parsed(&url)?.vhost)?, url })
    }

    /// Makes queue, dead letters, bindings and user. Of a subscriber that has them the user is made anew.
    ///
    /// # Errors
    /// When the broker does not answer or refuses, or the store fails.
    pub async fn add(&self, store: &Arc<dyn Store>, subscription: &Subscription) -> anyhow::Result<Access> {
        let reader = Reader::of(subscription, today());
        self.declare(store, vec![reader.clone()]).await?;
        self.rotate(&reader).await
    }

    /// Gives a subscriber another password; what is connected by the one before is cut off.
    ///
    /// # Errors
    /// When the broker does not answer or refuses.
    pub async fn rotate(&self, reader: &Reader) -> anyhow::Result<Access> {
        self.api.put_policy(&dead_letter_policy()).await.context("setting how long dead letters are kept")?;
        let (user, password) = (reader.user(), Alphanumeric.sample_string(&mut rand::rng(), PASSWORD));
        if self.api.users(&user).await?.contains(&user) {
            // Only a user who is gone is cut off at once.
            self.api.delete_user(&user).await.context("taking the user away")?;
        }
        self.api.put_user(&user, &password).await.context("making the user")?;
        self.api.permit(&user, &permissions(reader)).await.context("setting what the user may do")?;
        let url = self.reached_by(&user, &password)?;
        Ok(Access { queue: reader.queue(), user, password, url })
    }

    /// Binds a subscriber's queue anew, or to nothing once it is paused or has expired.
    ///
    /// # Errors
    /// When the broker does not answer or refuses, or the store fails.
    pub async fn declare(&self, store: &Arc<dyn Store>, readers: Vec<Reader>) -> anyhow::Result<()> {
        let readers = kept(store.as_ref(), readers).await?;
        let session =
            of_profiles(&self.url, readers, None)?.open().await.context("declaring on the broker")?;
        anyhow::ensure!(
            session.aside().is_empty(),
            either(
                "la file est là et ne peut être utilisée : elle ne répond pas, ou n'est pas telle que déclarée ; voyez `dlnuf broker lint`",
                "the queue is there and cannot be used: it does not answer, or stands otherwise than declared; see `dlnuf broker lint`",
            )
        );
        let outbox = OfProfiles(Arc::clone(store));
        make_room(&outbox, session.as_ref()).await.context("declaring on the broker")
    }

    /// Takes queue, dead letters and user away, with all that waits there.
    ///
    /// # Errors
    /// When the broker does not answer or refuses.
    pub async fn remove(&self, reader: &Reader) -> anyhow::Result<()> {
        let standing = Standing::read(&self.api).await?;
        for queue in [reader.queue(), reader.dead_letters()] {
            if standing.queues.iter().any(|known| known.name == queue) {
                self.api.delete_queue(&queue).await?;
            }
        }
        if standing.users.contains_key(&reader.user()) {
            self.api.delete_user(&reader.user()).await?;
        }
        Ok(())
    }

    /// What stands on the broker.
    ///
    /// # Errors
    /// When the management API does not answer or refuses.
    pub async fn standing(&self) -> anyhow::Result<Standing> {
        Ok(Standing::read(&self.api).await?)
    }

    fn reached_by(&self, user: &str, password: &str) -> anyhow::Result<String> {
        let uri = parsed(&self.url)?;
        let scheme = if self.url.starts_with("amqps:") { "amqps" } else { "amqp" };
        let (host, port) = (&uri.authority.host, uri.authority.port);
        let vhost = uri.vhost.replace('%', "%25").replace('/', "%2f");
        Ok(format!("{scheme}://{user}:{password}@{host}:{port}/{vhost}"))
    }
}

/// Readers, once what each is about to be bound by is kept.
///
/// # Errors
/// When the store fails.
pub async fn kept(store: &dyn Store, readers: Vec<Reader>) -> Result<Vec<Reader>, StoreError> {
    let mut kept = Vec::with_capacity(readers.len());
    for reader in readers {
        let stale = about_to_bind(store, &reader.name, &reader.bonds()).await?;
        kept.push(Reader { stale, ..reader });
    }
    Ok(kept)
}

/// What is to stand for those who read, the journal's own besides.
pub fn wanted(readers: &[Reader]) -> Topology {
    let mut topology = crate::broker::of_journal();
    let of_readers = of_readers(readers);
    topology.exchanges.extend(of_readers.exchanges);
    topology.queues.extend(of_readers.queues);
    topology.bindings.extend(of_readers.bindings);
    topology
}

fn parsed(url: &str) -> anyhow::Result<AMQPUri> {
    // The parser's own message may quote the URL, which holds a password.
    url.parse()
        .map_err(|_| anyhow::anyhow!("the broker's URL must look like `amqp://user:password@host:5672/%2f`"))
}
