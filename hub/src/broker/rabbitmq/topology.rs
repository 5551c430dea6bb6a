//! What the hub declares on RabbitMQ: a topic exchange, one quorum queue that receives everything, its dead letters.
//!
//! Every argument is explicit, because defaults differ between 3.10 and 4.x (delivery limit none, then 20). Declaring again
//! what exists is a no-op; other arguments on an existing queue are refused by the broker, not overwritten.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, ExchangeKind, Result};

/// The topic exchange events are published to, keyed `entity.change.departement`.
pub const EXCHANGE: &str = "dlnuf.evenements";
/// The quorum queue bound to everything.
pub const QUEUE: &str = "dlnuf.evenements.tous";
/// Exchange and queue of what a consumer refused for good.
pub const DEAD_LETTERS: &str = "dlnuf.rebuts";

/// Deliveries of one message before it becomes a dead letter.
const DELIVERY_LIMIT: i64 = 20;

/// Declares all of it; idempotent.
pub(super) async fn declare(channel: &Channel) -> Result<()> {
    exchange(channel, DEAD_LETTERS, ExchangeKind::Fanout, &[]).await?;
    queue(channel, DEAD_LETTERS, table(&[("x-queue-type", text("quorum"))])).await?;
    bind(channel, DEAD_LETTERS, DEAD_LETTERS, "").await?;
    exchange(channel, EXCHANGE, ExchangeKind::Topic, &[]).await?;
    let arguments = table(&[
        ("x-queue-type", text("quorum")),
        ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERY_LIMIT)),
        ("x-dead-letter-exchange", text(DEAD_LETTERS)),
        // Dead letters are handed over with confirms; that needs a queue that refuses rather than drops when full.
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ]);
    queue(channel, QUEUE, arguments).await?;
    bind(channel, QUEUE, EXCHANGE, "#").await
}

/// A durable exchange.
pub(super) async fn exchange(
    channel: &Channel,
    name: &str,
    kind: ExchangeKind,
    arguments: &[(&str, AMQPValue)],
) -> Result<()> {
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    channel.exchange_declare(name.into(), kind, options, table(arguments)).await
}

/// A durable queue.
pub(super) async fn queue(channel: &Channel, name: &str, arguments: FieldTable) -> Result<()> {
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(name.into(), options, arguments).await.map(|_| ())
}

/// A binding.
pub(super) async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<()> {
    let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind(queue.into(), exchange.into(), key.into(), options, arguments).await
}

/// Arguments.
pub(super) fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(ShortString::from(*name), value.clone());
    }
    table
}

/// A text among arguments.
pub(super) fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}
