//! The port to the broker, where events leave the hub.
//!
//! Contract: `open` tries once; a session answers for every event of a wave once the broker has, lane by lane, and never says
//! `Confirmed` of an event that reached no queue. A session that has failed is dropped, never used again. All the broker holds can be
//! lost and rebuilt from the journal.

use std::sync::Arc;

use async_trait::async_trait;
use compact_str::CompactString;

use crate::code::Code;
use crate::delivery::PersonId;

/// An event on its way to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its place among those that wait with it.
    pub place: u64,
    /// Whose it is, by the name those it goes to know the person by.
    pub person: PersonId,
    /// Identifier, equal to the `CloudEvent`'s.
    pub id: uuid::Uuid,
    /// Where it goes.
    pub to: Address,
    /// Routing key, `entity.change.departement`.
    pub routing_key: String,
    /// The `CloudEvent`.
    pub json: String,
    /// It says that all before it has come: it leaves once that is confirmed.
    pub closing: bool,
}

/// Where an event goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// Those within the house, who are told everything.
    Journal,
    /// Those who subscribe to a profile.
    Profile(CompactString),
    /// One of them alone.
    Subscriber(CompactString),
}

/// A failed call to the broker. Carries no part of an event.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// It cannot be reached, or refused the connection or the topology.
    #[error("the broker did not answer: {context}")]
    Unreachable {
        /// What was being done.
        context: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection stands, yet confirms did not come in time.
    #[error("the broker confirmed nothing for {waited_s} s")]
    Silent {
        /// How long it was waited for.
        waited_s: u64,
    },
    /// The connection was closed while nothing was on its way.
    #[error("the broker closed the connection")]
    Closed,
}

impl BrokerError {
    /// The stable code.
    pub fn code(&self) -> Code {
        Code::BrokerUnreachable
    }
}

/// What the broker said of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// In a queue, safely.
    Confirmed,
    /// No queue is bound for its routing key.
    Unroutable,
    /// A queue refused it (full, or its leader changed).
    Refused,
    /// The connection broke before the answer: it may have arrived or not.
    Unknown,
}

/// Makes sessions.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Connects and declares the topology, once: patience is the caller's.
    async fn open(&self) -> Result<Arc<dyn Session>, BrokerError>;
}

/// A connection in use.
#[async_trait]
pub trait Session: Send + Sync {
    /// How many waves may be on their way at once, each on a lane of its own.
    fn lanes(&self) -> usize;

    /// Publishes a wave on a lane (from 0) with nothing else on its way, pipelined; answers in its order. The caller sees to it
    /// that a person occurs once among all that is on its way, which is what keeps each person's events in order.
    async fn publish(&self, lane: usize, wave: &[Message]) -> Result<Vec<Verdict>, BrokerError>;

    /// Subscribers whose queue was not there as the session opened: what it held is lost, or they are new. It is made by [`Session::make`].
    fn lost(&self) -> &[CompactString] {
        &[]
    }

    /// Makes the queues that were not there. It is first to be kept whose they are: should that be forgotten once they stand, nobody would
    /// ever know that something is missing in them.
    async fn make(&self) -> Result<(), BrokerError> {
        Ok(())
    }

    /// Subscribers whose queue cannot be had: what is for them alone is let go.
    fn aside(&self) -> &[CompactString] {
        &[]
    }

    /// The profile whose events a subscriber's queue is bound for; `None` when it is to be bound to nothing.
    fn bound_for(&self, _subscriber: &str) -> Option<&CompactString> {
        None
    }

    /// Subscribers whose queue is bound by nothing but what it is to be bound by.
    fn in_order(&self) -> &[CompactString] {
        &[]
    }

    /// Whether it has lasted as long as it was to: another one looks again what stands.
    fn is_over(&self) -> bool {
        false
    }

    /// Whether the connection still stands, and is to.
    fn is_open(&self) -> bool;
}
