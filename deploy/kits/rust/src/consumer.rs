//! The consumer: one queue, one message after the other, connected anew for ever.

use crate::{Decision, Event, Fields, Gap, Poison, Store, decide};
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, BasicRejectOptions};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

const FIRST_WAIT: Duration = Duration::from_secs(1);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const HEARTBEAT_S: u16 = 60;

/// What happened to a person.
#[derive(Debug)]
pub struct Change<'a> {
    /// Who.
    pub person: &'a str,
    /// All that is known now; none: erased.
    pub state: Option<&'a Fields>,
    /// The fields that differ, sorted.
    pub changed: &'a [String],
    /// The event that told it, whole.
    pub event: &'a Fields,
}

/// Why a message was not handled.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// It may go well another time. Its text is logged: no value of a person in it.
    Again(String),
    /// It never will.
    Poison(Poison),
}

/// What the tool does with what it is told. Both calls come before the write, so a failure undoes the message, and after
/// a crash they may come again for the same event.
pub trait Tool: Send {
    /// A person changed or was erased.
    fn on_change(&mut self, change: &Change<'_>) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Something is missing.
    fn on_gap(&mut self, gap: &Gap) -> impl Future<Output = Result<(), Failure>> + Send;

    /// A line for the log.
    fn on_notice(&mut self, line: &str) {
        eprintln!("dlnuf: {line}");
    }
}

/// Reads, judges and writes one message.
pub async fn handle(
    body: &[u8],
    store: &mut impl Store,
    tool: &mut impl Tool,
    complete: bool,
) -> Result<Decision, Failure> {
    let event = Event::parse(body).map_err(Failure::Poison)?;
    let known = store.person(&event.person)?;
    let marks = event.snapshot.as_deref().map(|snapshot| store.snapshot(snapshot)).transpose()?.flatten();
    let decision = decide(&event, known.as_ref(), marks, complete);
    let gone = match &decision.ends {
        Some(snapshot) if decision.sweep => store.unseen(snapshot)?,
        _ => Vec::new(),
    };
    for person in &gone {
        let held = store.person(person)?.and_then(|person| person.state).unwrap_or_default();
        let changed: Vec<_> = held.keys().cloned().collect();
        let change = Change { person, state: None, changed: &changed, event: &event.cloudevent };
        tool.on_change(&change).await?;
    }
    if let Some(written) = &decision.write {
        let (state, changed) = (written.state.as_ref(), &decision.changed);
        tool.on_change(&Change { person: &event.person, state, changed, event: &event.cloudevent }).await?;
    }
    if let Some(gap) = &decision.gap {
        tool.on_gap(gap).await?;
    }
    store.write(&decision, &gone)?;
    Ok(decision)
}

/// What a consumer is told; [`Settings::new`] fills in the rest.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The broker.
    pub uri: AMQPUri,
    /// The subscriber's queue.
    pub queue: String,
    /// Whether the subscription asks for every family of events.
    pub complete: bool,
    /// How many messages may be on their way.
    pub prefetch: u16,
    /// How long a failing message is tried in place. The broker takes it back after 30 minutes, and dead-letters it the
    /// 20th time.
    pub patience: Duration,
    /// How long to wait at most before connecting, or trying a message, again.
    pub longest_wait: Duration,
}

impl Settings {
    /// Reads the URL; a heartbeat named there is kept.
    pub fn new(url: &str, queue: &str) -> Result<Self, String> {
        let mut uri: AMQPUri = url.parse()?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        let (patience, longest_wait) = (Duration::from_mins(20), Duration::from_mins(1));
        Ok(Self { uri, queue: queue.to_owned(), complete: true, prefetch: 100, patience, longest_wait })
    }
}

/// Consumes one queue, alone. A failing message is tried again in place, for a later event of the same person must not
/// overtake; after `patience` all is given back to the queue.
#[derive(Debug)]
pub struct Consumer<S, T> {
    settings: Settings,
    store: S,
    tool: T,
    stop: watch::Receiver<bool>,
}

/// Why a session ended; it is only logged.
struct Over(String);

impl<S: Store, T: Tool> Consumer<S, T> {
    /// A consumer that goes on until `stop` brings true or its sender is gone.
    pub fn new(settings: Settings, store: S, tool: T, stop: watch::Receiver<bool>) -> Self {
        Self { settings, store, tool, stop }
    }

    /// Consumes, and connects anew for ever with growing waits. A message in hand is brought to its end before it stops.
    pub async fn run(mut self) -> (S, T) {
        let mut wait = FIRST_WAIT;
        while !self.stopped() {
            let began = Instant::now();
            let Err(Over(reason)) = self.session().await else { break };
            if began.elapsed() > wait {
                wait = FIRST_WAIT; // that one had worked
            }
            self.tool.on_notice(&format!("connection over ({reason}), next in {} s", wait.as_secs()));
            self.pause(wait).await;
            wait = (wait * 2).min(self.settings.longest_wait);
        }
        (self.store, self.tool)
    }

    async fn session(&mut self) -> Result<(), Over> {
        let properties = ConnectionProperties::default().with_connection_name("dlnuf consumer".into());
        let connection = in_time(Connection::connect_uri(self.settings.uri.clone(), properties)).await?;
        let consumed = self.consume(&connection).await;
        // What is unacknowledged goes back to the queue, in order.
        let _ = in_time(connection.close(200, "over".into())).await;
        consumed
    }

    async fn consume(&mut self, connection: &Connection) -> Result<(), Over> {
        let channel = in_time(connection.create_channel()).await?;
        in_time(channel.basic_qos(self.settings.prefetch, BasicQosOptions::default())).await?;
        let (queue, options) = (self.settings.queue.as_str().into(), BasicConsumeOptions::default());
        let mut messages =
            in_time(channel.basic_consume(queue, "".into(), options, FieldTable::default())).await?;
        self.tool.on_notice(&format!("consuming {}", self.settings.queue));
        let mut stop = self.stop.clone();
        loop {
            let next = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return Ok(()),
                next = messages.next() => next,
            };
            let message = next.ok_or_else(|| Over("consumer cancelled".into()))??;
            self.settle(&message).await?;
        }
    }

    async fn settle(&mut self, message: &Delivery) -> Result<(), Over> {
        match self.handle_patiently(&message.data).await {
            Ok(_) => in_time(message.ack(BasicAckOptions::default())).await.map(drop),
            Err(Failure::Poison(Poison(reason))) => {
                let id = message.properties.message_id().as_ref().map_or("without id", |id| id.as_str());
                self.tool.on_notice(&format!("message {id} rejected: {reason}"));
                in_time(message.reject(BasicRejectOptions { requeue: false })).await.map(drop)
            }
            // Closing gives back in order what is unacknowledged; on RabbitMQ 3.10 `basic.nack` does not.
            Err(Failure::Again(_)) => Err(Over("given back".into())),
        }
    }

    async fn handle_patiently(&mut self, body: &[u8]) -> Result<Decision, Failure> {
        let (began, mut wait) = (Instant::now(), FIRST_WAIT);
        loop {
            let handled = handle(body, &mut self.store, &mut self.tool, self.settings.complete).await;
            let Err(Failure::Again(reason)) = handled else { return handled };
            self.tool.on_notice(&format!("not handled ({reason}), tried again in {} s", wait.as_secs()));
            if self.stopped() || began.elapsed() + wait > self.settings.patience {
                return Err(Failure::Again(reason));
            }
            self.pause(wait).await;
            wait = (wait * 2).min(self.settings.longest_wait);
        }
    }

    fn stopped(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    async fn pause(&self, wait: Duration) {
        let mut stop = self.stop.clone();
        let _ = timeout(wait, stop.wait_for(|stop| *stop)).await;
    }
}

async fn in_time<T>(work: impl Future<Output = lapin::Result<T>>) -> Result<T, Over> {
    match timeout(ANSWER_TIMEOUT, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Over("the broker does not answer".into())),
    }
}

impl From<lapin::Error> for Over {
    fn from(error: lapin::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        // The kind only: a driver's text may quote values.
        Self::Again(error.kind().to_string())
    }
}
