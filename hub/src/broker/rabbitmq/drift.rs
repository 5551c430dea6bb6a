//! Drift: where what stands on the broker is not what is declared.
//!
//! What is to stand and what stands enter; each difference leaves, with what was expected and what was found. Read over the management
//! API, compared without it; nothing is mended here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::management::{Binding, Exchange, Management, ManagementError, Permissions, Policy, Queue};
use super::profiles::Reader;
use super::topology::{Topology, WantedBinding};

/// All that the hub may have made begins so.
const OURS: &str = "dlnuf.";
/// Subscribers' queues and users begin so.
const OF_SUBSCRIBERS: &str = "dlnuf.abonne.";
/// Queues of what they refused.
const OF_DEAD_LETTERS: &str = "dlnuf.rebuts.";
/// Exchanges of profiles.
const OF_PROFILES: &str = "dlnuf.profil.";
/// How long dead letters are kept: 30 days, in milliseconds.
const DEAD_LETTERS_MS: u64 = 30 * 24 * 3_600 * 1_000;
/// How often a dead letter may be looked at.
const LOOKS: u32 = 1_000_000;

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
    /// Those of them who bear tags.
    pub tags: Vec<(String, String)>,
    /// Policies.
    pub policies: Vec<Policy>,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// `exchange`, `queue`, `binding`, `user`, `tag` or `policy`.
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
        let (tags, policies) = (api.tagged(OF_SUBSCRIBERS).await?, api.policies(OURS).await?);
        Ok(Self { exchanges, queues, bindings, users, tags, policies })
    }

    /// Where it is not what is to stand, for these readers.
    pub fn drifts(&self, wanted: &Topology, readers: &[Reader]) -> Vec<Drift> {
        let mut drifts = self.exchanges_and_queues(wanted);
        drifts.extend(self.unknown(wanted));
        drifts.extend(self.bindings(wanted));
        drifts.extend(self.users(readers));
        drifts.extend(self.tags.iter().map(|(user, tags)| Drift {
            thing: "tag",
            name: user.clone(),
            expected: None,
            found: Some(tags.clone()),
        }));
        if !readers.is_empty() {
            drifts.extend(self.policy());
        }
        drifts.extend(self.foreign_policies());
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

    /// Queues and dead letters of subscribers, and exchanges of profiles, nobody declares.
    fn unknown(&self, wanted: &Topology) -> Vec<Drift> {
        let queues = self.queues.iter().map(|queue| &queue.name);
        let queues =
            queues.filter(|name| name.starts_with(OF_SUBSCRIBERS) || name.starts_with(OF_DEAD_LETTERS));
        let queues = queues.filter(|name| wanted.queues.iter().all(|queue| queue.name != **name));
        let exchanges = self.exchanges.iter().map(|exchange| &exchange.name);
        let exchanges = exchanges.filter(|name| name.starts_with(OF_PROFILES));
        let exchanges =
            exchanges.filter(|name| wanted.exchanges.iter().all(|exchange| exchange.name != **name));
        let queues = queues.map(|name| unexpected("queue", name));
        queues.chain(exchanges.map(|name| unexpected("exchange", name))).collect()
    }

    /// How long dead letters are kept.
    fn policy(&self) -> Option<Drift> {
        let wanted = dead_letter_policy();
        let described =
            |policy: &Policy| format!("{} {} {}", policy.pattern, policy.apply_to, policy.definition);
        let found = self.policies.iter().find(|policy| policy.name == wanted.name);
        let differs = found.is_none_or(|found| described(found) != described(&wanted));
        differs.then(|| Drift {
            thing: "policy",
            name: wanted.name.clone(),
            expected: Some(described(&wanted)),
            found: found.map(described),
        })
    }

    /// Policies of others that apply to queues of the hub: they may drop what waits there, or let it be read elsewhere.
    fn foreign_policies(&self) -> Vec<Drift> {
        let own = dead_letter_policy().name;
        let foreign = self.queues.iter().flat_map(|queue| {
            let (policy, operator) = (queue.policy.as_ref(), queue.operator_policy.as_ref());
            let foreign = policy.filter(|name| **name != own).into_iter().chain(operator);
            foreign.map(move |found| (&queue.name, found))
        });
        let drift = |(queue, found): (&String, &String)| Drift {
            thing: "policy",
            name: queue.clone(),
            expected: None,
            found: Some(found.clone()),
        };
        foreign.map(drift).collect()
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
            binding.queue.starts_with(OF_SUBSCRIBERS) || binding.exchange.starts_with(OF_PROFILES)
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

/// Dead letters hold what a person's record holds: they are not kept for ever.
pub fn dead_letter_policy() -> Policy {
    Policy {
        name: "dlnuf.rebuts".to_owned(),
        pattern: "^dlnuf\\.rebuts\\.".to_owned(),
        apply_to: "queues".to_owned(),
        // Looking at one gives it back: on 4.x a queue that says nothing would drop it after twenty looks.
        definition: json!({ "message-ttl": DEAD_LETTERS_MS, "delivery-limit": LOOKS }),
        priority: 0,
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
