//! One connection publishing waves with confirms, each lane a channel of its own.
//!
//! lapin hands a returned (unroutable) message to whichever confirm of its channel resolves next, not to its own: a wave is alone
//! on its channel, and judged only once every confirm of it has resolved, by the message ids found among all of them.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use compact_str::CompactString;
use futures_util::future::join_all;
use futures_util::{Stream, StreamExt as _};
use hub_core::broker::{Address, BrokerError, Message, Session, Verdict};
use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel, Confirmation, Connection, Event};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use super::in_time_of;
use super::profiles::{Declared, Reader, exchange_of, make, queue_of};
use super::silence::Silent;
use super::topology::EXCHANGE;

/// How long a wave may take while the broker does not say that it blocks us.
const DEADLINE: Duration = Duration::from_secs(30);
/// The same where one queue among several may take nothing: the others wait as long.
const SHARED_DEADLINE: Duration = Duration::from_secs(10);
/// How long a queue may take to be made.
const ANSWER: Duration = Duration::from_secs(10);
/// Kept on disk by the queue, AMQP 0-9-1 `delivery-mode`.
const PERSISTENT: u8 = 2;

pub(super) struct RabbitMqSession {
    connection: Connection,
    channels: Vec<Channel>,
    blocked: watch::Receiver<bool>,
    declared: Declared,
    /// Those who subscribe, and whose queues took nothing.
    readers: Option<(Vec<Reader>, Silent)>,
    ends: Option<Instant>,
}

impl RabbitMqSession {
    /// A session over channels, for what was declared; for those who subscribe as long as it is to last.
    pub(super) fn new(
        connection: Connection,
        channels: Vec<Channel>,
        (declared, readers): (Declared, Option<(Vec<Reader>, Silent, Duration)>),
    ) -> Self {
        let (sender, blocked) = watch::channel(false);
        tokio::spawn(watch_blocking(connection.events_listener(), sender));
        Self {
            connection,
            channels,
            blocked,
            declared,
            ends: readers.as_ref().map(|(.., lasting)| Instant::now() + *lasting),
            readers: readers.map(|(readers, silent, _)| (readers, silent)),
        }
    }

    async fn one(channel: &Channel, event: &Message) -> lapin::Result<Confirmation> {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let properties = BasicProperties::default()
            .with_message_id(event.id.to_string().into())
            .with_content_type("application/cloudevents+json".into())
            .with_delivery_mode(PERSISTENT)
            .with_app_id("dlnuf".into());
        let (exchange, key) = address(event);
        let sent =
            channel.basic_publish(exchange.into(), key.into(), options, event.json.as_bytes(), properties);
        sent.await?.await
    }
}

impl RabbitMqSession {
    /// What is for one whose queue cannot be had is taken and let go: once it can be had, that one is shown everybody.
    async fn publish_around(
        &self,
        channel: &Channel,
        wave: &[Message],
        aside: impl Fn(&Address) -> bool,
    ) -> Result<Vec<Verdict>, BrokerError> {
        let sent: Vec<Message> = wave.iter().filter(|event| !aside(&event.to)).cloned().collect();
        let mut verdicts = self.publish_all(channel, &sent).await?.into_iter();
        let verdict = |event: &Message| {
            let sent = !aside(&event.to);
            if sent { verdicts.next().unwrap_or(Verdict::Unknown) } else { Verdict::Confirmed }
        };
        Ok(wave.iter().map(verdict).collect())
    }

    async fn publish_all(&self, channel: &Channel, wave: &[Message]) -> Result<Vec<Verdict>, BrokerError> {
        let mut answers = std::pin::pin!(join_all(wave.iter().map(|event| Self::one(channel, event))));
        let deadline = if self.readers.is_some() { SHARED_DEADLINE } else { DEADLINE };
        loop {
            match tokio::time::timeout(deadline, &mut answers).await {
                Ok(answers) => return Ok(judged(wave, answers)),
                // Publishing again would only add duplicates to what is delivered once the alarm is over.
                Err(_) if *self.blocked.borrow() => {}
                Err(_) => {
                    if let Some((readers, silent)) = &self.readers {
                        silent.look_for(&self.connection, readers, wave).await;
                    }
                    return Err(BrokerError::Silent { waited_s: deadline.as_secs() });
                }
            }
        }
    }
}

#[async_trait]
impl Session for RabbitMqSession {
    fn lanes(&self) -> usize {
        self.channels.len()
    }

    async fn publish(&self, lane: usize, wave: &[Message]) -> Result<Vec<Verdict>, BrokerError> {
        let channel = self.channels.get(lane).ok_or(BrokerError::Closed)?;
        let aside =
            |to: &Address| matches!(to, Address::Subscriber(name) if self.declared.aside.contains(name));
        if wave.iter().any(|event| aside(&event.to)) {
            return self.publish_around(channel, wave, aside).await;
        }
        self.publish_all(channel, wave).await
    }

    fn lost(&self) -> &[CompactString] {
        &self.declared.lost
    }

    async fn make(&self) -> Result<(), BrokerError> {
        let readers = self.readers.iter().flat_map(|(readers, _)| readers);
        let lost: Vec<Reader> =
            readers.filter(|reader| self.declared.lost.contains(&reader.name)).cloned().collect();
        if lost.is_empty() {
            return Ok(());
        }
        let patience = ANSWER * u32::try_from(lost.len()).unwrap_or(1);
        in_time_of(patience, "making queues", make(&self.connection, &lost)).await
    }

    fn bound_for(&self, subscriber: &str) -> Option<&CompactString> {
        let mut readers = self.readers.iter().flat_map(|(readers, _)| readers);
        readers.find(|own| own.name == subscriber && !own.keys.is_empty()).map(|own| &own.profile)
    }

    fn in_order(&self) -> &[CompactString] {
        &self.declared.in_order
    }

    fn aside(&self) -> &[CompactString] {
        &self.declared.aside
    }

    fn is_over(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() > ends)
    }

    fn is_open(&self) -> bool {
        let open = |channel: &Channel| channel.status().connected();
        !self.is_over() && self.connection.status().connected() && self.channels.iter().all(open)
    }
}

/// The exchange and the routing key; a queue is reached by its name through the exchange without one.
fn address(event: &Message) -> (String, String) {
    match &event.to {
        Address::Journal => (EXCHANGE.to_owned(), event.routing_key.clone()),
        Address::Profile(profile) => (exchange_of(profile), event.routing_key.clone()),
        Address::Subscriber(name) => (String::new(), queue_of(name)),
    }
}

fn judged(wave: &[Message], answers: Vec<lapin::Result<Confirmation>>) -> Vec<Verdict> {
    let (mut verdicts, mut returned) = (Vec::with_capacity(wave.len()), HashSet::new());
    for answer in answers {
        let (verdict, message) = match answer {
            Ok(Confirmation::Ack(message)) => (Verdict::Confirmed, message),
            Ok(Confirmation::Nack(message)) => (Verdict::Refused, message),
            Ok(Confirmation::NotRequested) | Err(_) => (Verdict::Unknown, None),
        };
        verdicts.push(verdict);
        returned.extend(message.and_then(|message| message.delivery.properties.message_id().clone()));
    }
    for (event, verdict) in wave.iter().zip(&mut verdicts) {
        if !returned.is_empty() && returned.contains(event.id.to_string().as_str()) {
            *verdict = Verdict::Unroutable;
        }
    }
    verdicts
}

async fn watch_blocking(events: impl Stream<Item = Event>, blocked: watch::Sender<bool>) {
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.next().await {
        match event {
            Event::ConnectionBlocked(reason) => {
                warn!(reason, "the broker blocks publishing; events wait");
                let _ = blocked.send(true);
            }
            Event::ConnectionUnblocked => {
                info!("the broker takes events again");
                let _ = blocked.send(false);
            }
            Event::Error(_) => return,
            _ => {}
        }
    }
}
