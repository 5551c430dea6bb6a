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
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Result};
use serde_json::json;

use super::topology::{Topology, consumed};

/// Exchange and queue of what no queue is bound for.
pub const NOWHERE: &str = "dlnuf.sans-file";
/// Exchange of what subscribers refused for good, keyed by subscriber.
pub const REFUSED: &str = "dlnuf.rebuts.abonnes";

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

    /// One of whom only the name is known.
    pub fn named(name: &str) -> Self {
        Self { name: name.into(), profile: CompactString::default(), keys: Vec::new() }
    }

    /// The same one, bound to nothing.
    #[must_use]
    pub fn silenced(self) -> Self {
        Self { keys: Vec::new(), ..self }
    }

    /// Its queue.
    pub fn queue(&self) -> String {
        queue_of(&self.name)
    }

    /// The exchange its queue is bound to.
    pub fn exchange(&self) -> String {
        exchange_of(&self.profile)
    }

    /// Its user, who reads that queue and may do nothing else.
    pub fn user(&self) -> String {
        self.queue()
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
    let there: Vec<Reader> = those_there.into_iter().cloned().collect();
    of_readers(&there).declare(&channel).await?;
    for reader in there.iter().filter(|reader| first && !new.contains(&reader.name)) {
        unbind_others(&channel, reader).await?;
    }
    Ok(new)
}

/// What is to stand for readers.
pub fn of_readers(readers: &[Reader]) -> Topology {
    let mut topology = Topology::default();
    topology.exchange(REFUSED, "direct", json!({}));
    topology.exchange(NOWHERE, "fanout", json!({}));
    let kept = json!({ "x-queue-type": "quorum", "x-max-length": KEPT_NOWHERE, "x-overflow": "drop-head" });
    topology.queue(NOWHERE, kept);
    topology.bind(NOWHERE, NOWHERE, "");
    for reader in readers {
        let (exchange, queue, refused) = (reader.exchange(), reader.queue(), reader.dead_letters());
        if topology.exchanges.iter().all(|known| known.name != exchange) {
            topology.exchange(&exchange, "topic", json!({ "alternate-exchange": NOWHERE }));
        }
        topology.queue(&refused, json!({ "x-queue-type": "quorum" }));
        topology.bind(REFUSED, &refused, &reader.name);
        let dead_letters =
            json!({ "x-dead-letter-exchange": REFUSED, "x-dead-letter-routing-key": reader.name });
        topology.queue(&queue, consumed(dead_letters));
        for key in &reader.keys {
            topology.bind(&exchange, &queue, key);
        }
    }
    topology
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
