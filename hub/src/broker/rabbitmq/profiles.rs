//! What the hub declares on RabbitMQ for those who subscribe: an exchange per profile, a queue and its dead letters per subscriber.
//!
//! Every argument is explicit, because defaults differ between 3.10 and 4.x. Declaring again what exists is a no-op. What no queue is
//! bound for goes to a queue of its own, so that one subscriber's missing queue holds up nobody.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use compact_str::CompactString;
use futures_util::future::try_join_all;
use hub_core::code::Code;
use hub_core::referential::departements;
use hub_core::subscription::{Bond, COMING_AND_GOING, FAMILIES, Subscription, family_word};
use jiff::civil::Date;
use lapin::options::QueueDeclareOptions;
use lapin::protocol::AMQPErrorKind;
use lapin::types::FieldTable;
use lapin::{Connection, Result};
use serde_json::json;

use super::silence::Silent;
use super::topology::{Topology, consumed};

/// Exchange and queue of what no queue is bound for.
pub const NOWHERE: &str = "dlnuf.sans-file";
/// Exchange of what subscribers refused for good, keyed by subscriber.
pub const REFUSED: &str = "dlnuf.rebuts.abonnes";

/// Messages kept of those that went nowhere; the oldest leave first.
const KEPT_NOWHERE: i64 = 100_000;
/// How long a queue may take to answer: one without a leader never does.
const ANSWER: Duration = Duration::from_secs(5);
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
    /// What else its queue may be bound by; `None` when nobody knows.
    pub stale: Option<Vec<Bond>>,
}

impl Reader {
    /// Of a subscription; once it has expired, bound to nothing any more.
    pub fn of(subscription: &Subscription, today: Date) -> Self {
        let expired = subscription.has_expired(today);
        Self {
            name: subscription.subscriber.clone(),
            profile: subscription.profile.clone(),
            keys: if expired { Vec::new() } else { keys(subscription) },
            stale: None,
        }
    }

    /// One of whom only the name is known.
    pub fn named(name: &str) -> Self {
        Self { name: name.into(), profile: CompactString::default(), keys: Vec::new(), stale: None }
    }

    /// The same one, bound to nothing.
    #[must_use]
    pub fn silenced(self) -> Self {
        Self { keys: Vec::new(), ..self }
    }

    /// What its queue is bound by.
    pub fn bonds(&self) -> BTreeSet<Bond> {
        self.keys.iter().map(|key| (self.profile.clone(), key.clone())).collect()
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
    let families = subscription.families.iter().map(|family| format!("{}.*", family_word(*family)));
    let mut kinds: Vec<String> = families.collect();
    if kinds.is_empty() {
        kinds.push("*.*".to_owned());
    } else if !kinds.iter().any(|kind| kind == "personne.*") {
        kinds.extend(COMING_AND_GOING.map(|verb| format!("personne.{verb}")));
    }
    let places = subscription.territory.codes();
    let of_kind = |kind: &String| places.iter().map(|place| format!("{kind}.{place}")).collect::<Vec<_>>();
    kinds.iter().flat_map(of_kind).collect()
}

/// What came of declaring for readers.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// Whose queue is not there, or was not bound any more: it is made by [`make`].
    pub lost: Vec<CompactString>,
    /// Whose queue cannot be had: it does not answer, or stands otherwise than declared. Nothing is sent there.
    pub aside: Vec<CompactString>,
    /// Whose queue is bound by nothing it is not to be bound by; one that is not there is bound by nothing.
    pub in_order: Vec<CompactString>,
}

/// Declares what readers need, each by itself: one whose queue cannot be had holds up nobody. The first time bindings are undone too
/// that a reader no longer has, as its territory was cut.
pub(super) async fn declare(
    connection: &Connection,
    (readers, silent): (&[Reader], &Silent),
    (first, unbound): (bool, &BTreeSet<CompactString>),
) -> Result<Declared> {
    let channel = connection.create_channel().await?;
    of_readers(&[]).declare(&channel).await?;
    let mut declared = Declared::default();
    for reader in readers {
        if silent.lasts(connection, reader).await {
            unbind_all(connection, (reader, readers)).await?;
            declared.aside.push(reader.name.clone());
            continue;
        }
        match tokio::time::timeout(ANSWER, declare_reader(connection, (reader, readers), first)).await {
            Ok(Ok(Found::There)) if unbound.contains(&reader.name) => {
                declared.lost.push(reader.name.clone());
            }
            Ok(Ok(Found::There)) => declared.in_order.push(reader.name.clone()),
            Ok(Ok(Found::Missing)) => {
                declared.lost.push(reader.name.clone());
                declared.in_order.push(reader.name.clone());
            }
            // The whole connection failed.
            Ok(Err(error)) if !is_of_channel(&error) => return Err(error),
            refused => {
                let cause =
                    refused.err().map_or("it stands otherwise than declared", |_| "it does not answer");
                tracing::error!(code = %Code::QueueSilent, queue = reader.queue(), cause,
                    "a subscriber's queue cannot be had: it is sent nothing until it can, then shown everybody");
                unbind_all(connection, (reader, readers)).await?;
                declared.aside.push(reader.name.clone());
            }
        }
    }
    Ok(declared)
}

/// Whether a queue was there.
enum Found {
    There,
    Missing,
}

async fn declare_reader(
    connection: &Connection,
    (reader, among): (&Reader, &[Reader]),
    first: bool,
) -> Result<Found> {
    let (there, silent) = (is_there(connection, &reader.queue()).await?, reader.keys.is_empty());
    if !there {
        return Ok(if silent { Found::There } else { Found::Missing });
    }
    make(connection, std::slice::from_ref(reader)).await?;
    if first {
        unbind(connection, reader, &stale(reader, among)).await?;
    }
    Ok(Found::There)
}

/// Makes what readers read, and binds it.
pub(super) async fn make(connection: &Connection, readers: &[Reader]) -> Result<()> {
    let channel = connection.create_channel().await?;
    of_readers(readers).declare(&channel).await
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

/// All a queue may be bound by that it is not to be: where nobody knows, whatever the hub may have made of any profile told. AMQP tells no
/// bindings.
fn stale(reader: &Reader, among: &[Reader]) -> Vec<Bond> {
    if let Some(stale) = &reader.stale {
        return stale.clone();
    }
    let families = FAMILIES.into_iter().map(|family| format!("{}.*", family_word(family)));
    let kinds: Vec<String> = families
        .chain(COMING_AND_GOING.map(|verb| format!("personne.{verb}")))
        .chain(["*.*".to_owned()])
        .collect();
    let profiles: BTreeSet<&CompactString> = among.iter().map(|reader| &reader.profile).collect();
    let keys = kinds.iter().flat_map(|kind| PLACES.iter().map(move |place| format!("{kind}.{place}")));
    let keys: Vec<String> = keys.collect();
    let bonds =
        profiles.into_iter().flat_map(|profile| keys.iter().map(|key| (profile.clone(), key.clone())));
    let own = reader.bonds();
    bonds.filter(|bond| !own.contains(bond)).collect()
}

/// Undoes everything a queue may be bound by.
async fn unbind_all(connection: &Connection, (reader, among): (&Reader, &[Reader])) -> Result<()> {
    let bonds: Vec<Bond> = stale(reader, among).into_iter().chain(reader.bonds()).collect();
    unbind(connection, reader, &bonds).await
}

/// Undoes bindings; one that is not there is undone without a word.
async fn unbind(connection: &Connection, reader: &Reader, bonds: &[Bond]) -> Result<()> {
    let channel = connection.create_channel().await?;
    let undone = bonds.iter().map(|(profile, key)| {
        let (queue, exchange) = (reader.queue(), exchange_of(profile));
        channel.queue_unbind(queue.into(), exchange.into(), key.as_str().into(), FieldTable::default())
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

/// Whether only the channel is closed by it.
fn is_of_channel(error: &lapin::Error) -> bool {
    matches!(error.kind(), lapin::ErrorKind::ProtocolError(error) if matches!(error.kind(), AMQPErrorKind::Soft(_)))
}

fn is_not_found(error: &lapin::Error) -> bool {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => error.get_id() == NOT_FOUND,
        _ => false,
    }
}
