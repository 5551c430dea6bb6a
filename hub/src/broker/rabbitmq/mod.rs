//! RabbitMQ 3.10 and later, by lapin: one connection a session, for publishing only.
//!
//! Nothing of lapin's own recovery is used: a session that fails is dropped and the publisher opens another. Heartbeats tell
//! a dead peer; a connection the broker blocks (memory or disk alarm) is waited for, not published to again.

mod dead_letters;
mod drift;
mod management;
mod profiles;
mod session;
mod silence;
mod topology;
mod unbound;

use std::collections::BTreeSet;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hub_core::broker::{Broker, BrokerError, Session};
use lapin::options::ConfirmSelectOptions;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};

use silence::Silent;

pub use dead_letters::{DeadLetter, DeadLetters, Masked, is_the_last};
pub use drift::{Drift, Standing, dead_letter_policy, permissions};
pub use management::{Binding, Exchange, Management, ManagementError, Permissions, Policy, Queue};
pub use profiles::{NOWHERE, REFUSED, Reader, exchange_of, of_readers, queue_of};
pub use topology::{DEAD_LETTERS, EXCHANGE, QUEUE, Topology, of_journal};

/// TCP alone takes some eleven minutes to notice a dead peer.
const HEARTBEAT_S: u16 = 10;
/// Channels publishing at once: while one waits for its last confirms, the broker has work from the others.
const LANES: usize = 16;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// More of it for each subscriber's queue.
const LOOK: Duration = Duration::from_secs(16);
/// How long a session for subscribers lasts: with the next one it is looked again whether their queues stand.
const LASTING: Duration = Duration::from_mins(1);
/// The same while some of them cannot be had.
const LASTING_ASIDE: Duration = Duration::from_secs(10);

/// RabbitMQ at a URL.
pub(super) struct RabbitMq {
    uri: AMQPUri,
    /// Those who subscribe; `None` for the journal's own.
    readers: Option<Vec<Reader>>,
    /// They have been declared: only then is it known that old bindings are gone, and that those which lack were taken away.
    declared: AtomicBool,
    /// Where bindings are told.
    api: Option<Management>,
    /// Those whose queue took nothing.
    silent: Silent,
}

impl RabbitMq {
    /// Reads the URL; a heartbeat named there is kept. With the management API bindings that are taken away are seen.
    pub(super) fn new(
        url: &str,
        readers: Option<Vec<Reader>>,
        api: Option<&str>,
    ) -> Result<Self, BrokerError> {
        // The parser's own message may quote the URL, which holds a password.
        let mut uri = AMQPUri::from_str(url).map_err(|_| BrokerError::Unreachable {
            context: "reading its URL",
            source: "the URL must look like `amqp://user:password@host:5672/%2f`".into(),
        })?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        let api = api.map(|api| Management::new(api, &uri.vhost)).transpose();
        let api = api.map_err(|error| BrokerError::Unreachable {
            context: "reading the URL of its management API",
            source: Box::new(error),
        })?;
        Ok(Self { uri, readers, declared: AtomicBool::new(false), api, silent: Silent::default() })
    }
}

impl RabbitMq {
    /// Declares what is published to, and says what came of it.
    async fn declare(
        &self,
        connection: &Connection,
        channel: Option<&Channel>,
    ) -> lapin::Result<profiles::Declared> {
        match (&self.readers, channel) {
            (Some(readers), _) => {
                let first = !self.declared.load(Ordering::Relaxed);
                let unbound = match &self.api {
                    Some(api) if !first => unbound::unbound(api, readers).await,
                    _ => BTreeSet::new(),
                };
                let declared =
                    profiles::declare(connection, (readers, &self.silent), (first, &unbound)).await?;
                self.declared.store(true, Ordering::Relaxed);
                Ok(declared)
            }
            (None, Some(channel)) => {
                topology::of_journal().declare(channel).await.map(|()| profiles::Declared::default())
            }
            (None, None) => Ok(profiles::Declared::default()),
        }
    }
}

#[async_trait]
impl Broker for RabbitMq {
    async fn open(&self) -> Result<Arc<dyn Session>, BrokerError> {
        let properties = ConnectionProperties::default().with_connection_name("dlnuf publisher".into());
        let connecting = Connection::connect_uri(self.uri.clone(), properties);
        let connection = in_time("connecting", connecting).await?;
        let mut channels = Vec::with_capacity(LANES);
        for _ in 0..LANES {
            let channel = in_time("opening a channel", connection.create_channel()).await?;
            let confirms = channel.confirm_select(ConfirmSelectOptions::default());
            in_time("asking for confirms", confirms).await?;
            channels.push(channel);
        }
        let patience =
            CONNECT_TIMEOUT + LOOK * u32::try_from(self.readers.as_ref().map_or(0, Vec::len)).unwrap_or(1);
        let declaring = self.declare(&connection, channels.first());
        let declared = in_time_of(patience, "declaring exchanges and queues", declaring).await?;
        let lasting = if declared.aside.is_empty() { LASTING } else { LASTING_ASIDE };
        let readers = self.readers.clone().map(|readers| (readers, self.silent.clone(), lasting));
        Ok(Arc::new(session::RabbitMqSession::new(connection, channels, (declared, readers))))
    }
}

async fn in_time<T>(
    context: &'static str,
    work: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    in_time_of(CONNECT_TIMEOUT, context, work).await
}

async fn in_time_of<T>(
    patience: Duration,
    context: &'static str,
    work: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    match tokio::time::timeout(patience, work).await {
        Ok(done) => done.map_err(|error| BrokerError::Unreachable { context, source: Box::new(error) }),
        Err(_) => Err(BrokerError::Silent { waited_s: patience.as_secs() }),
    }
}
