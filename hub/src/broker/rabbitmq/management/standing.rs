//! What is set and what stands on the broker, as the management API writes it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// What a user may do in the virtual host, as regular expressions of names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// What it may declare and delete.
    pub configure: String,
    /// What it may publish to, and bind.
    pub write: String,
    /// What it may consume, and bind from.
    pub read: String,
}

/// A policy: settings the operator may change later, of all queues or exchanges whose name matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// A regular expression of names.
    pub pattern: String,
    /// `queues`, `exchanges` or `all`; 4.x also knows kinds of queues, such as `quorum_queues`.
    #[serde(rename = "apply-to")]
    pub apply_to: String,
    /// The settings.
    pub definition: Json,
    /// Of several policies that match, the one with the highest priority applies, alone.
    pub priority: i64,
}

/// An exchange.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Exchange {
    /// Its name.
    pub name: String,
    /// Its type, such as `topic`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it survives the broker.
    pub durable: bool,
    /// What it was declared with.
    pub arguments: Map<String, Json>,
}

/// A queue. Its counts are those of some seconds ago, none at all before the first: the broker gathers them every five seconds, a
/// quorum queue tells them to it every five seconds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Its type, such as `quorum`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it survives the broker.
    pub durable: bool,
    /// What it was declared with.
    pub arguments: Map<String, Json>,
    /// How many messages wait.
    pub messages_ready: Option<u64>,
    /// How many are with a consumer that has not answered.
    pub messages_unacknowledged: Option<u64>,
    /// How many consume; never told by a broker that gathers no metrics, as 4.x can be asked to.
    pub consumers: Option<u64>,
    /// The policy that applies to it, if one does.
    #[serde(default, deserialize_with = "named")]
    pub policy: Option<String>,
    /// The operator's policy that applies to it besides, if one does.
    #[serde(default, deserialize_with = "named")]
    pub operator_policy: Option<String>,
}

/// A name, where none may come as `null` or as nothing at all.
fn named<'de, D: serde::Deserializer<'de>>(found: D) -> Result<Option<String>, D::Error> {
    let found = Option::<String>::deserialize(found)?;
    Ok(found.filter(|name| !name.is_empty()))
}

/// A binding from an exchange to a queue, or to another exchange.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Binding {
    /// The exchange it comes from.
    pub source: String,
    /// The queue or exchange it leads to.
    pub destination: String,
    /// `queue` or `exchange`.
    pub destination_type: String,
    /// Its key.
    pub routing_key: String,
    /// What it was made with.
    pub arguments: Map<String, Json>,
    /// Its name among the bindings of the two, for [`Management::unbind`].
    pub properties_key: String,
}
