//! Drift: where what stands on the broker is not what is declared.
//!
//! What is to stand and what stands enter; each difference leaves, with what was expected and what was found. Read over the management
//! API, compared without it; nothing is mended here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::management::{Binding, Exchange, Management, ManagementError, Permissions, Queue};
use super::profiles::Reader;
use super::topology::{Topology, WantedBinding};

/// All that the hub may have made begins so.
const OURS: &str = "dlnuf.";
/// Subscribers' queues and users begin so.
const OF_SUBSCRIBERS: &str = "dlnuf.abonne.";

/// What stands on the broker, of what the hub may have made.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Exchanges.
    pub exchanges: Vec<Exchange>,
    /// Queues.
    pub queues: Vec<Queue>,
    /// Bindings from these exchanges.
    pub bindings: Vec<Binding>,
    /// Users of subscribers, and what each may do.
    pub users: BTreeMap<String, Option<Permissions>>,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// `exchange`, `queue`, `binding` or `user`.
    pub thing: &'static str,
    /// Its name.
    pub name: String,
    /// What was expected; `None` when it should not be there.
    pub expected: Option<String>,
    /// What was found; `None` when it is not there.
    pub found: Option<String>,
}

impl Standing {
    /// Reads what stands.
    ///
    /// # Errors
    /// When the management API does not answer, or refuses.
    pub async fn read(api: &Management) -> Result<Self, ManagementError> {
        let (exchanges, queues) = (api.exchanges(OURS).await?, api.queues(OURS).await?);
        let bindings = api.bindings(OURS).await?;
        let mut users = BTreeMap::new();
        for user in api.users(OF_SUBSCRIBERS).await? {
            let permissions = api.permissions(&user).await?;
            users.insert(user, permissions);
        }
        Ok(Self { exchanges, queues, bindings, users })
    }

    /// Where it is not what is to stand, for these readers.
    pub fn drifts(&self, wanted: &Topology, readers: &[Reader]) -> Vec<Drift> {
        let mut drifts = self.exchanges_and_queues(wanted);
        drifts.extend(self.unknown_queues(wanted));
        drifts.extend(self.bindings(wanted));
        drifts.extend(self.users(readers));
        drifts
    }

    fn exchanges_and_queues(&self, wanted: &Topology) -> Vec<Drift> {
        let exchanges = wanted.exchanges.iter().filter_map(|wanted| {
            let found = self.exchanges.iter().find(|found| found.name == wanted.name);
            let found = found.map(|found| described(&found.kind, found.durable, &found.arguments));
            difference("exchange", &wanted.name, described(wanted.kind, true, &wanted.arguments), found)
        });
        let queues = wanted.queues.iter().filter_map(|wanted| {
            let found = self.queues.iter().find(|found| found.name == wanted.name);
            let found = found.map(|found| described(&found.kind, found.durable, &found.arguments));
            difference("queue", &wanted.name, described("quorum", true, &wanted.arguments), found)
        });
        exchanges.chain(queues).collect()
    }

    /// Queues of subscribers nobody declares.
    fn unknown_queues(&self, wanted: &Topology) -> impl Iterator<Item = Drift> {
        let known: BTreeSet<&str> = wanted.queues.iter().map(|queue| queue.name.as_str()).collect();
        let ours = self.queues.iter().filter(|queue| queue.name.starts_with(OF_SUBSCRIBERS));
        let unknown = ours.filter(move |queue| !known.contains(queue.name.as_str()));
        unknown.map(|queue| unexpected("queue", &queue.name)).collect::<Vec<_>>().into_iter()
    }

    fn bindings(&self, wanted: &Topology) -> Vec<Drift> {
        let own = |binding: &Binding| WantedBinding {
            exchange: binding.source.clone(),
            queue: binding.destination.clone(),
            key: binding.routing_key.clone(),
        };
        let found: BTreeSet<WantedBinding> = self.bindings.iter().map(own).collect();
        let wanted_ones: BTreeSet<WantedBinding> = wanted.bindings.iter().cloned().collect();
        let missing = wanted_ones.difference(&found).map(|binding| {
            let expected = Some(binding.key.clone());
            Drift { thing: "binding", name: along(binding), expected, found: None }
        });
        // Whoever bound a queue of their own to the journal knows why; a subscriber's is the hub's affair.
        let ours = |binding: &&WantedBinding| {
            binding.queue.starts_with(OF_SUBSCRIBERS) || binding.exchange.starts_with("dlnuf.profil.")
        };
        let more = found.difference(&wanted_ones).filter(ours).map(|binding| {
            let found = Some(binding.key.clone());
            Drift { thing: "binding", name: along(binding), expected: None, found }
        });
        missing.chain(more).collect()
    }

    fn users(&self, readers: &[Reader]) -> Vec<Drift> {
        let wanted: BTreeMap<String, String> =
            readers.iter().map(|reader| (reader.user(), may(&permissions(reader)))).collect();
        let lacking = wanted.iter().filter_map(|(user, expected)| {
            let found = self.users.get(user).map(|own| own.as_ref().map_or_else(String::new, may));
            difference("user", user, expected.clone(), found)
        });
        // Users are the whole broker's: who may do nothing in this virtual host is another hub's.
        let more = self.users.iter().filter(|(user, may)| may.is_some() && !wanted.contains_key(*user));
        lacking.chain(more.map(|(user, _)| unexpected("user", user))).collect()
    }
}

/// What a subscriber's user may do: read its own queue.
pub fn permissions(reader: &Reader) -> Permissions {
    let nothing = || "^$".to_owned();
    let read = format!("^{}$", reader.queue().replace('.', "\\."));
    Permissions { configure: nothing(), write: nothing(), read }
}

fn may(permissions: &Permissions) -> String {
    let Permissions { configure, write, read } = permissions;
    format!("configure {configure} write {write} read {read}")
}

fn along(binding: &WantedBinding) -> String {
    format!("{} → {}", binding.exchange, binding.queue)
}

fn unexpected(thing: &'static str, name: &str) -> Drift {
    Drift { thing, name: name.to_owned(), expected: None, found: Some(String::new()) }
}

fn difference(thing: &'static str, name: &str, expected: String, found: Option<String>) -> Option<Drift> {
    let differs = found.as_ref() != Some(&expected);
    differs.then(|| Drift { thing, name: name.to_owned(), expected: Some(expected), found })
}

/// A kind and arguments in one line, the arguments in the order of their names.
fn described(kind: &str, durable: bool, arguments: &Map<String, Json>) -> String {
    let ordered: BTreeMap<&String, &Json> = arguments.iter().collect();
    let arguments: Vec<String> = ordered.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let durable = if durable { "" } else { " transient" };
    format!("{kind}{durable} {}", arguments.join(" ")).trim_end().to_owned()
}
