//! What the hub declares on RabbitMQ for those who subscribe: an exchange per profile, a queue and its dead letters per subscriber.
//!
//! Every argument is explicit, because defaults differ between 3.10 and 4.x. Declaring again what exists is a no-op. What no queue is
//! bound for goes to a queue of its own, so that one subscriber's missing queue holds up nobody.

use std::sync::LazyLock;

use compact_str::CompactString;
use futures_util::future::try_join_all;
use hub_core::referential::departements;
use hub_core::subscription::{FAMILIES, Subscription, family_word};
use jiff::civil::Date;
use lapin::options::QueueDeclareOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ExchangeKind, Result};

use super::topology::{bind, exchange, queue, table, text};

/// Exchange and queue of what no queue is bound for.
pub const NOWHERE: &str = "dlnuf.sans-file";
/// Exchange of what subscribers refused for good, keyed by subscriber.
pub const REFUSED: &str = "dlnuf.rebuts.abonnes";

/// Deliveries of one message before it becomes a dead letter.
const DELIVERY_LIMIT: i64 = 20;
/// Messages kept of those that went nowhere; the oldest leave first.
const KEPT_NOWHERE: i64 = 100_000;
/// A queue that is not there.
const NOT_FOUND: u16 = 404;
/// The last words of the routing keys a queue may be bound by.
static PLACES: LazyLock<Vec<String>> =
    LazyLock::new(|| departements().chain(["*", "00"].map(str::to_owned)).collect());

/// A subscriber that has a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Its name.
    pub name: CompactString,
    /// Whose events it reads.
    pub profile: CompactString,
    /// The routing keys it is bound by.
    pub keys: Vec<String>,
}

impl Reader {
    /// Of a subscription; once it has expired, bound to nothing any more.
    pub fn of(subscription: &Subscription, today: Date) -> Self {
        let expired = subscription.has_expired(today);
        Self {
            name: subscription.subscriber.clone(),
            profile: subscription.profile.clone(),
            keys: if expired { Vec::new() } else { keys(subscription) },
        }
    }

    /// Its queue.
    pub fn queue(&self) -> String {
        queue_of(&self.name)
    }

    /// The exchange its queue is bound to.
    pub fn exchange(&self) -> String {
        exchange_of(&self.profile)
    }

    /// The queue of what it refused for good.
    pub fn dead_letters(&self) -> String {
        format!("dlnuf.rebuts.{}", self.name)
    }
}

/// The exchange of a profile.
pub fn exchange_of(profile: &str) -> String {
    format!("dlnuf.profil.{profile}")
}

/// The queue of a subscriber.
pub fn queue_of(subscriber: &str) -> String {
    format!("dlnuf.abonne.{subscriber}")
}

/// The routing keys of what a subscription is told: families by départements. Who comes and goes is told to all.
fn keys(subscription: &Subscription) -> Vec<String> {
    let mut families: Vec<&str> = subscription.families.iter().map(|family| family_word(*family)).collect();
    if families.is_empty() {
        families.push("*");
    } else if !families.contains(&"personne") {
        families.push("personne");
    }
    let places = subscription.territory.codes();
    let key = |family: &&str| places.iter().map(|place| format!("{family}.*.{place}")).collect::<Vec<_>>();
    families.iter().flat_map(key).collect()
}

/// Declares what readers need; whose queue was not there before is returned. The first time bindings are undone too that a reader no
/// longer has, as its territory was cut.
pub(super) async fn declare(
    connection: &Connection,
    readers: &[Reader],
    first: bool,
) -> Result<Vec<CompactString>> {
    let (mut new, mut those_there) = (Vec::new(), Vec::new());
    for reader in readers {
        let (there, expired) = (is_there(connection, &reader.queue()).await?, reader.keys.is_empty());
        if there || !expired {
            those_there.push(reader);
        }
        if !there && !expired {
            new.push(reader.name.clone());
        }
    }
    let channel = connection.create_channel().await?;
    exchange(&channel, REFUSED, ExchangeKind::Direct, &[]).await?;
    exchange(&channel, NOWHERE, ExchangeKind::Fanout, &[]).await?;
    let kept = [
        ("x-queue-type", text("quorum")),
        ("x-max-length", AMQPValue::LongLongInt(KEPT_NOWHERE)),
        ("x-overflow", text("drop-head")),
    ];
    queue(&channel, NOWHERE, table(&kept)).await?;
    bind(&channel, NOWHERE, NOWHERE, "").await?;
    for reader in those_there {
        declare_reader(&channel, reader).await?;
        if first && !new.contains(&reader.name) {
            unbind_others(&channel, reader).await?;
        }
    }
    Ok(new)
}

async fn declare_reader(channel: &Channel, reader: &Reader) -> Result<()> {
    let elsewhere = [("alternate-exchange", text(NOWHERE))];
    exchange(channel, &reader.exchange(), ExchangeKind::Topic, &elsewhere).await?;
    queue(channel, &reader.dead_letters(), table(&[("x-queue-type", text("quorum"))])).await?;
    bind(channel, &reader.dead_letters(), REFUSED, &reader.name).await?;
    let arguments = table(&[
        ("x-queue-type", text("quorum")),
        ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERY_LIMIT)),
        ("x-dead-letter-exchange", text(REFUSED)),
        ("x-dead-letter-routing-key", text(&reader.name)),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
    ]);
    queue(channel, &reader.queue(), arguments).await?;
    for key in &reader.keys {
        bind(channel, &reader.queue(), &reader.exchange(), key).await?;
    }
    Ok(())
}

/// Undoes every binding the hub may have made for a reader but those it has. AMQP tells no bindings, and one that is not there is undone
/// without a word.
async fn unbind_others(channel: &Channel, reader: &Reader) -> Result<()> {
    let families = FAMILIES.into_iter().map(family_word).chain(["*"]);
    let keys = families.flat_map(|family| PLACES.iter().map(move |place| format!("{family}.*.{place}")));
    let others = keys.filter(|key| !reader.keys.contains(key));
    let undone = others.map(|key| {
        let (queue, exchange) = (reader.queue(), reader.exchange());
        channel.queue_unbind(queue.into(), exchange.into(), key.into(), FieldTable::default())
    });
    try_join_all(undone).await.map(|_| ())
}

/// Whether a queue is there. A channel that asks for one that is not is closed by the broker: each question has its own.
async fn is_there(connection: &Connection, name: &str) -> Result<bool> {
    let channel = connection.create_channel().await?;
    let options = QueueDeclareOptions { passive: true, ..Default::default() };
    let asked = channel.queue_declare(name.into(), options, FieldTable::default()).await;
    match asked {
        Ok(_) => {
            channel.close(200, "asked".into()).await?;
            Ok(true)
        }
        Err(error) if is_not_found(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_not_found(error: &lapin::Error) -> bool {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => error.get_id() == NOT_FOUND,
        _ => false,
    }
}
