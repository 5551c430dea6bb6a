//! What a subscriber refused for good: read from its dead-letter queue, put back into its queue, or let go.
//!
//! A letter that was read and not settled goes back to where it was when the session ends. An event put back is confirmed by the
//! subscriber's queue before its letter leaves, so a failure between the two repeats it and loses nothing.

use hub_core::broker::BrokerError;
use jiff::Timestamp;
use lapin::message::BasicGetMessage;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::uri::AMQPUri;
use lapin::{Channel, Confirmation, Connection, ConnectionProperties};
use serde::Deserialize;

use super::in_time;
use super::profiles::Reader;

/// A session with the dead letters of one subscriber.
pub struct DeadLetters {
    _connection: Connection,
    channel: Channel,
    reader: Reader,
}

/// A dead letter.
pub struct DeadLetter {
    /// Why: `rejected`, `delivery_limit`, `expired`, `maxlen`, or what the broker says.
    pub cause: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The `CloudEvent`.
    pub body: Vec<u8>,
    message: BasicGetMessage,
}

/// What is told of a dead letter: which event, of whom under the profile's name, and what it speaks of; no value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Masked {
    /// The event.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The person, as the profile knows it.
    #[serde(default)]
    pub subject: String,
    /// Its rank among the person's.
    #[serde(default)]
    pub sequence: String,
    /// When it became so.
    #[serde(default)]
    pub time: String,
    #[serde(default)]
    data: Data,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Data {
    #[serde(default)]
    changements: Vec<Changement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Changement {
    champ: String,
}

impl Masked {
    /// The fields it speaks of.
    pub fn fields(&self) -> Vec<&str> {
        self.data.changements.iter().map(|change| change.champ.as_str()).collect()
    }
}

impl DeadLetter {
    /// What may be told of it; nothing when it is none of the hub's events.
    pub fn masked(&self) -> Option<Masked> {
        serde_json::from_slice(&self.body).ok()
    }
}

impl DeadLetters {
    /// Opens a session.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn open(url: &str, reader: Reader) -> Result<Self, BrokerError> {
        let uri: AMQPUri = url.parse().map_err(|_| BrokerError::Unreachable {
            context: "reading its URL",
            source: "the URL must look like `amqp://user:password@host:5672/%2f`".into(),
        })?;
        let properties = ConnectionProperties::default().with_connection_name("dlnuf dead letters".into());
        let connection = in_time("connecting", Connection::connect_uri(uri, properties)).await?;
        let channel = in_time("opening a channel", connection.create_channel()).await?;
        in_time("asking for confirms", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(Self { _connection: connection, channel, reader })
    }

    /// The next letter; none when all were read.
    ///
    /// # Errors
    /// When the broker does not answer, or there is no such queue.
    pub async fn next(&self) -> Result<Option<DeadLetter>, BrokerError> {
        let queue = self.reader.dead_letters();
        let get = self.channel.basic_get(queue.into(), BasicGetOptions::default());
        let Some(message) = in_time("reading dead letters", get).await? else { return Ok(None) };
        let (cause, since) = death(message.properties.headers().as_ref());
        Ok(Some(DeadLetter { cause, since, body: message.data.clone(), message }))
    }

    /// Puts a letter's event back into the subscriber's queue, then lets the letter go.
    ///
    /// # Errors
    /// When the broker does not answer, or the queue does not take it: the letter stays.
    pub async fn put_back(&self, letter: DeadLetter) -> Result<(), BrokerError> {
        let properties = letter.message.properties.clone().with_headers(FieldTable::default());
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let queue = self.reader.queue();
        let sent = self.channel.basic_publish("".into(), queue.into(), options, &letter.body, properties);
        let sent = async { sent.await?.await };
        match in_time("putting a dead letter back", sent).await? {
            Confirmation::Ack(None) => self.let_go(letter).await,
            _ => Err(BrokerError::Unreachable {
                context: "putting a dead letter back",
                source: "the subscriber's queue did not take it".into(),
            }),
        }
    }

    /// Lets a letter go.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn let_go(&self, letter: DeadLetter) -> Result<(), BrokerError> {
        in_time("settling a dead letter", letter.message.ack(BasicAckOptions::default())).await.map(|_| ())
    }
}

/// Whether an event is the last its profile was told of the person: put back, it says what holds still.
pub fn is_the_last(masked: &Masked, told: Option<u64>) -> bool {
    masked.sequence.parse::<u64>().ok().is_some_and(|own| told.is_none_or(|told| own >= told))
}

/// Why a message died first, and when.
fn death(headers: Option<&FieldTable>) -> (String, Option<Timestamp>) {
    let unknown = || ("inconnue".to_owned(), None);
    let deaths = headers.and_then(|headers| headers.inner().get("x-death"));
    let Some(AMQPValue::FieldArray(deaths)) = deaths else { return unknown() };
    let Some(AMQPValue::FieldTable(first)) = deaths.as_slice().first() else { return unknown() };
    let cause = match first.inner().get("reason") {
        Some(AMQPValue::LongString(reason)) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
        _ => return unknown(),
    };
    let since = match first.inner().get("time") {
        Some(AMQPValue::Timestamp(seconds)) => {
            i64::try_from(*seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok())
        }
        _ => None,
    };
    (cause, since)
}
