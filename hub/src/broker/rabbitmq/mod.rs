//! RabbitMQ 3.10 and later, by lapin: one connection a session, for publishing only.
//!
//! Nothing of lapin's own recovery is used: a session that fails is dropped and the publisher opens another. Heartbeats tell
//! a dead peer; a connection the broker blocks (memory or disk alarm) is waited for, not published to again.

mod management;
mod session;
mod topology;

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hub_core::broker::{Broker, BrokerError, Session};
use lapin::options::ConfirmSelectOptions;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};

pub use management::{Binding, Exchange, Management, ManagementError, Permissions, Policy, Queue};
pub use topology::{DEAD_LETTERS, EXCHANGE, QUEUE};

/// TCP alone takes some eleven minutes to notice a dead peer.
const HEARTBEAT_S: u16 = 10;
/// Channels publishing at once: while one waits for its last confirms, the broker has work from the others.
const LANES: usize = 4;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// RabbitMQ at a URL.
pub(super) struct RabbitMq {
    uri: AMQPUri,
}

impl RabbitMq {
    /// Reads the URL; a heartbeat named there is kept.
    pub(super) fn new(url: &str) -> Result<Self, BrokerError> {
        // The parser's own message may quote the URL, which holds a password.
        let mut uri = AMQPUri::from_str(url).map_err(|_| BrokerError::Unreachable {
            context: "reading its URL",
            source: "the URL must look like `amqp://user:password@host:5672/%2f`".into(),
        })?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        Ok(Self { uri })
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
        if let Some(channel) = channels.first() {
            in_time("declaring exchange and queues", topology::declare(channel)).await?;
        }
        Ok(Arc::new(session::RabbitMqSession::new(connection, channels)))
    }
}

async fn in_time<T>(
    context: &'static str,
    work: impl Future<Output = lapin::Result<T>>,
) -> Result<T, BrokerError> {
    match tokio::time::timeout(CONNECT_TIMEOUT, work).await {
        Ok(done) => done.map_err(|error| BrokerError::Unreachable { context, source: Box::new(error) }),
        Err(_) => Err(BrokerError::Silent { waited_s: CONNECT_TIMEOUT.as_secs() }),
    }
}
