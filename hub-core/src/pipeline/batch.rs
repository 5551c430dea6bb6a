//! One batch of paired claims, settled: they find their persons, persons are merged, compared and announced.
//!
//! Paired claims and the persons concerned enter; one [`Commit`] leaves. Pure: identifiers and the time come in. Between pairing,
//! [`Paired::wanted_keys`] and [`settle`] the driver asks the store.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;
use uuid::Uuid;

use crate::canonical::FieldValues;
use crate::delivery::PersonId;
use crate::identity::IdentityKey;
use crate::statement::{Origin, Stated, Statement};
use crate::store::Commit;

use super::announcing::tell;
use super::context::{Context, Grounds, readable};
use super::hand::Hand;
use super::pairing::{Paired, Pending, Told};
use super::passing::{self, Passing};
use super::people::People;
use super::resolving::{Resolution, resolve};

impl Paired {
    /// The keys to find who bears them, for the store.
    pub fn wanted_keys(&self) -> Vec<IdentityKey> {
        let mut keys: Vec<IdentityKey> =
            self.pending.iter().flat_map(|pending| pending.wanted().iter().copied()).collect();
        keys.extend(self.further.iter().copied());
        keys.sort();
        keys.dedup();
        keys
    }

    /// The persons whose statements change for certain.
    pub fn linked_persons(&self) -> Vec<PersonId> {
        let old = self.pending.iter().filter_map(|pending| pending.old.as_ref());
        let passed = self.passed.iter().map(|passed| &passed.old);
        old.chain(&self.silent).chain(&self.refused).chain(passed).map(|statement| statement.person).collect()
    }
}

/// A batch settled.
pub(super) struct Settlement {
    pub commit: Commit,
    /// What is to be told of it.
    pub told: Vec<Told>,
    /// Numbers of the records left for the end of the delivery, when it is known which identifiers it states no more.
    pub left: Vec<u64>,
    /// Keys that were not looked up and should have been: their persons may be one with somebody here.
    pub further: Vec<IdentityKey>,
}

/// Settles a batch with the persons at hand; `mint` gives a fresh identifier for each new person.
pub(super) fn settle(
    context: Context<'_>,
    paired: Paired,
    mut hand: Hand,
    mint: &mut dyn FnMut() -> Uuid,
) -> Settlement {
    let Paired { pending, silent: gone, refused, passed, mut told, .. } = paired;
    let mut people = People::of(std::mem::take(&mut hand.known), &gone);
    let resolution = resolve(context.grounds, (&pending, &hand), &mut people, mint);
    let Resolution { persons, keys, further, examined, questions, .. } = resolution;
    told.extend(resolution.told);
    let persons = persons.into_iter().map(|person| person.map(|person| people.now(person)));
    let persons: Vec<Option<PersonId>> = persons.collect();
    told.extend(passing::told(&passed, &told, (&pending, &persons), &people));
    let mut passing = Passing::of(passed);
    let (linked, left) = link(context, pending, persons.into_iter());
    let mut commit = Commit::new(context.run, context.grounds.at);
    commit.keys = keys;
    commit.examined = examined;
    commit.examined.extend(people.absorbed.iter().map(|absorbed| absorbed.person.id));
    commit.questions = questions;
    commit.counts.claims = linked.len() as u64;
    commit.counts.gone = gone.len() as u64;
    let (mut spoken, mut touched) = spoken(context, &linked, &gone, &mut people);
    let linked = linked.into_iter().map(|Linked { pending, person, origin }| {
        let statement = stated(context, pending, person, &origin);
        spoken.insert(person, origin);
        statement
    });
    let owner = |people: &People, old: &Statement| people.owner(old);
    let silent = gone
        .into_iter()
        .map(|old| passing.mark(silenced(context, Statement { person: owner(&people, &old), ..old })));
    let silent: Vec<Statement> = silent.collect();
    let rest = passing.rest().map(|old| Statement { person: owner(&people, &old), run: context.run, ..old });
    let refused = refused.into_iter();
    let refused = refused.map(|old| Statement { person: owner(&people, &old), run: context.run, ..old });
    let statements: Vec<Arc<Statement>> =
        linked.chain(silent).chain(rest).chain(refused).map(Arc::new).collect();
    touched.extend(statements.iter().map(|statement| statement.person));
    for statement in &statements {
        people.take_in(statement);
    }
    tell(context.grounds, &people, (touched, spoken), &mut commit);
    drop(people);
    commit.statements = statements.into_iter().map(Arc::unwrap_or_clone).collect();
    Settlement { commit, told, left, further }
}

/// A claim and who it speaks of.
struct Linked {
    pending: Pending,
    person: PersonId,
    origin: Origin,
}

/// The claims that speak of somebody, and the numbers of the records left for the end of the delivery.
fn link(
    context: Context<'_>,
    pending: Vec<Pending>,
    persons: impl Iterator<Item = Option<PersonId>>,
) -> (Vec<Linked>, Vec<u64>) {
    let mut linked = Vec::with_capacity(pending.len());
    let mut left = Vec::new();
    for (pending, person) in pending.into_iter().zip(persons) {
        let origin = pending.origin(context.grounds);
        match person {
            Some(person) => linked.push(Linked { pending, person, origin }),
            None => left.push(pending.position.number),
        }
    }
    (linked, left)
}

/// Where this delivery speaks of each person: by its silence, by a claim that turned to another, else by a claim of theirs. With
/// those a claim has left.
fn spoken(
    context: Context<'_>,
    linked: &[Linked],
    silent: &[Statement],
    people: &mut People,
) -> (HashMap<PersonId, Origin>, BTreeSet<PersonId>) {
    let mut spoken: HashMap<PersonId, Origin> = HashMap::with_capacity(linked.len());
    for old in silent {
        spoken.insert(people.owner(old), absence(context.grounds, &old.emitter));
    }
    let mut left = BTreeSet::new();
    for Linked { pending, person, origin } in linked {
        let old = pending.old.as_ref().and_then(|old| Some((people.now(old.person), old.id?)));
        if let Some((before, claim)) = old.filter(|(before, _)| before != person) {
            people.take(before, claim);
            spoken.insert(before, origin.clone());
            left.insert(before);
        }
    }
    (spoken, left)
}

fn stated(context: Context<'_>, pending: Pending, person: PersonId, origin: &Origin) -> Statement {
    let Pending { hash, record: (emitter, record_key), key, values, old, earlier, .. } = pending;
    let before = earlier.as_ref().or(old.as_ref().map(|old| &old.stated));
    Statement {
        id: old.as_ref().and_then(|old| old.id),
        person,
        source: context.grounds.origin.source.clone(),
        emitter,
        record_key,
        key,
        record_hash: hash,
        absent: false,
        run: context.run,
        stated: Stated::restated(before, values, origin),
    }
}

/// The origin of what an emitter's silence states.
fn absence(grounds: Grounds<'_>, emitter: &str) -> Origin {
    Origin { record: 0, line: 0, emitter: readable(emitter), ..grounds.origin.clone() }
}

fn silenced(context: Context<'_>, old: Statement) -> Statement {
    let values: FieldValues = context.mapping.silence(&old.stated.values());
    let origin = absence(context.grounds, &old.emitter);
    let mut stated = Stated::restated(Some(&old.stated), values, &origin);
    // Since when it is silent, also where its silence states nothing (`identity::Span`).
    if !stated.origins.contains(&origin) {
        stated.origins.push(origin);
    }
    Statement { record_hash: None, absent: true, run: context.run, stated, ..old }
}
