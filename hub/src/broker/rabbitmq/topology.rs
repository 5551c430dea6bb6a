//! What the hub declares on RabbitMQ, as data: exchanges, queues, bindings. Here those of the journal: a topic exchange, one quorum queue
//! that receives everything, its dead letters.
//!
//! Every argument is explicit, because defaults differ between 3.10 and 4.x (delivery limit none, then 20). Declaring again
//! what exists is a no-op; other arguments on an existing queue are refused by the broker, not overwritten.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, ExchangeKind, Result};
use serde_json::{Map, Value as Json, json};

/// The topic exchange events are published to, keyed `entity.change.departement`.
pub const EXCHANGE: &str = "dlnuf.evenements";
/// The quorum queue bound to everything.
pub const QUEUE: &str = "dlnuf.evenements.tous";
/// Exchange and queue of what a consumer refused for good.
pub const DEAD_LETTERS: &str = "dlnuf.rebuts";

/// Deliveries of one message before it becomes a dead letter.
pub(super) const DELIVERY_LIMIT: i64 = 20;

/// What is to stand on the broker.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Topology {
    /// Durable exchanges.
    pub exchanges: Vec<WantedExchange>,
    /// Durable queues.
    pub queues: Vec<WantedQueue>,
    /// From an exchange to a queue.
    pub bindings: Vec<WantedBinding>,
}

/// An exchange as it is to stand.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedExchange {
    /// Its name.
    pub name: String,
    /// `topic`, `direct` or `fanout`.
    pub kind: &'static str,
    /// What it is declared with.
    pub arguments: Map<String, Json>,
}

/// A queue as it is to stand.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedQueue {
    /// Its name.
    pub name: String,
    /// What it is declared with.
    pub arguments: Map<String, Json>,
}

/// A binding as it is to stand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WantedBinding {
    /// The exchange.
    pub exchange: String,
    /// The queue.
    pub queue: String,
    /// The routing key.
    pub key: String,
}

/// That of the journal.
pub fn of_journal() -> Topology {
    let mut topology = Topology::default();
    topology.exchange(DEAD_LETTERS, "fanout", json!({}));
    topology.queue(DEAD_LETTERS, json!({ "x-queue-type": "quorum" }));
    topology.bind(DEAD_LETTERS, DEAD_LETTERS, "");
    topology.exchange(EXCHANGE, "topic", json!({}));
    topology.queue(QUEUE, consumed(json!({ "x-dead-letter-exchange": DEAD_LETTERS })));
    topology.bind(EXCHANGE, QUEUE, "#");
    topology
}

/// The arguments of a queue somebody consumes, with where its dead letters go.
pub(super) fn consumed(dead_letters: Json) -> Json {
    let mut arguments = dead_letters;
    arguments["x-queue-type"] = json!("quorum");
    arguments["x-delivery-limit"] = json!(DELIVERY_LIMIT);
    // Dead letters are handed over with confirms; that needs a queue that refuses rather than drops when full.
    arguments["x-dead-letter-strategy"] = json!("at-least-once");
    arguments["x-overflow"] = json!("reject-publish");
    arguments
}

impl Topology {
    pub(super) fn exchange(&mut self, name: &str, kind: &'static str, arguments: Json) {
        let arguments = map(arguments);
        self.exchanges.push(WantedExchange { name: name.to_owned(), kind, arguments });
    }

    pub(super) fn queue(&mut self, name: &str, arguments: Json) {
        self.queues.push(WantedQueue { name: name.to_owned(), arguments: map(arguments) });
    }

    pub(super) fn bind(&mut self, exchange: &str, queue: &str, key: &str) {
        let [exchange, queue, key] = [exchange, queue, key].map(str::to_owned);
        self.bindings.push(WantedBinding { exchange, queue, key });
    }

    /// Declares all of it; idempotent.
    pub(super) async fn declare(&self, channel: &Channel) -> Result<()> {
        for WantedExchange { name, kind, arguments } in &self.exchanges {
            let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
            let declared =
                channel.exchange_declare(name.as_str().into(), of_kind(kind), options, table(arguments));
            declared.await?;
        }
        for WantedQueue { name, arguments } in &self.queues {
            let options = QueueDeclareOptions { durable: true, ..Default::default() };
            channel.queue_declare(name.as_str().into(), options, table(arguments)).await?;
        }
        for WantedBinding { exchange, queue, key } in &self.bindings {
            let [exchange, queue, key] = [exchange, queue, key].map(|name| name.as_str().into());
            let options = QueueBindOptions::default();
            channel.queue_bind(queue, exchange, key, options, FieldTable::default()).await?;
        }
        Ok(())
    }
}

fn of_kind(kind: &str) -> ExchangeKind {
    match kind {
        "topic" => ExchangeKind::Topic,
        "fanout" => ExchangeKind::Fanout,
        _ => ExchangeKind::Direct,
    }
}

fn map(arguments: Json) -> Map<String, Json> {
    match arguments {
        Json::Object(arguments) => arguments,
        _ => Map::new(),
    }
}

fn table(arguments: &Map<String, Json>) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        let value = match value {
            Json::Number(number) => AMQPValue::LongLongInt(number.as_i64().unwrap_or_default()),
            Json::String(text) => AMQPValue::LongString(LongString::from(text.as_str())),
            _ => continue,
        };
        table.insert(ShortString::from(name.as_str()), value);
    }
    table
}
