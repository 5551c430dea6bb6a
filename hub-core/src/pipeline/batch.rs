//! One batch of paired claims, settled: they find their persons, persons are merged, compared and announced.
//!
//! Paired claims and the persons concerned enter; one [`Commit`] leaves. Pure: identifiers and the time come in. Between pairing,
//! [`Paired::wanted_keys`] and [`settle`] the driver asks the store.

use std::collections::BTreeSet;
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashMap;
use uuid::Uuid;

use crate::canonical::FieldValues;
use crate::code::Code;
use crate::delivery::PersonId;
use crate::diff::diff;
use crate::event::{Event, Occasion, announce, announce_merger};
use crate::identity::IdentityKey;
use crate::merge::merge;
use crate::referential::departement;
use crate::statement::{Origin, Stated, Statement};
use crate::store::{Commit, Kept, KnownPerson, Merger, PersonWrite};

use super::context::Context;
use super::pairing::{Paired, Pending, Told};
use super::people::{Absorbed, People, Working};

impl Paired {
    /// The keys to find who bears them, for the store.
    pub fn wanted_keys(&self) -> Vec<IdentityKey> {
        let mut keys: Vec<IdentityKey> =
            self.pending.iter().flat_map(|pending| pending.wanted().iter().cloned()).collect();
        keys.extend(self.further.iter().cloned());
        keys.sort();
        keys.dedup();
        keys
    }

    /// The persons whose statements change for certain.
    pub fn linked_persons(&self) -> Vec<PersonId> {
        let old = self.pending.iter().filter_map(|pending| pending.old.as_ref());
        old.chain(&self.silent).chain(&self.refused).map(|statement| statement.person).collect()
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

/// Settles a batch. `looked_up` are the keys the store was asked for, `candidates` those who bear them; `mint` gives a fresh
/// identifier for each new person.
pub(super) fn settle(
    context: Context<'_>,
    paired: Paired,
    (looked_up, candidates): (&[IdentityKey], Vec<(IdentityKey, PersonId)>),
    known: Vec<KnownPerson>,
    mint: &mut dyn FnMut() -> Uuid,
) -> Settlement {
    let mut people = People::new(context, candidates, known, &paired.silent);
    let Paired { pending, silent: gone, refused, told, .. } = paired;
    let mut settled =
        Settlement { commit: Commit::new(context.run), told, left: Vec::new(), further: Vec::new() };
    let linked = link(context, pending, &mut people, mint, &mut settled);
    settled.further = people.further(looked_up);
    let commit = &mut settled.commit;
    commit.counts.claims = linked.len() as u64;
    commit.counts.gone = gone.len() as u64;
    for (_, person) in &mut commit.keys {
        *person = people.now(*person);
    }
    let (mut spoken, left) = spoken(context, &linked, &gone, &mut people);
    let linked = linked.into_iter().map(|Linked { pending, person, origin }| {
        let person = people.now(person);
        let statement = stated(context, pending, person, &origin);
        spoken.insert(person, origin);
        statement
    });
    let silent = gone.into_iter();
    let silent = silent.map(|old| silenced(context, Statement { person: people.now(old.person), ..old }));
    let refused = refused.into_iter();
    let refused = refused.map(|old| Statement { person: people.now(old.person), run: context.run, ..old });
    let statements: Vec<Arc<Statement>> = linked.chain(silent).chain(refused).map(Arc::new).collect();
    let mut touched: BTreeSet<PersonId> = statements.iter().map(|statement| statement.person).collect();
    touched.extend(left);
    touched.extend(people.absorbed().iter().map(|absorbed| people.now(absorbed.person.id)));
    for statement in &statements {
        people.take_in(statement);
    }
    merge_persons(context, &people, commit);
    for person in touched {
        if let Some(working) = people.get(person) {
            let by = spoken.get(&person).unwrap_or(context.origin);
            announce_person(context, (person, working), by, commit);
        }
    }
    drop(people);
    commit.statements = statements.into_iter().map(Arc::unwrap_or_clone).collect();
    settled
}

/// A claim and who it speaks of.
struct Linked {
    pending: Pending,
    person: PersonId,
    origin: Origin,
}

/// Finds who each claim speaks of, and what is to be told of it.
fn link(
    context: Context<'_>,
    pending: Vec<Pending>,
    people: &mut People,
    mint: &mut dyn FnMut() -> Uuid,
    settled: &mut Settlement,
) -> Vec<Linked> {
    let mut linked = Vec::with_capacity(pending.len());
    for pending in pending {
        let origin = origin(context, &pending);
        let Some(found) = people.find(context, &pending, &origin, mint) else {
            settled.left.push(pending.position.number);
            continue;
        };
        if found.ambiguous {
            settled.told.push((Code::SeveralPersons, pending.position.number));
        }
        people.stands_in(pending.record.clone(), found.person);
        settled.commit.keys.extend(found.learned.into_iter().map(|key| (key, found.person)));
        linked.push(Linked { pending, person: found.person, origin });
    }
    linked
}

/// Where this delivery speaks of each person: by its silence, by a claim that turned to another, else by a claim of theirs. With
/// those a claim has left.
fn spoken(
    context: Context<'_>,
    linked: &[Linked],
    silent: &[Statement],
    people: &mut People,
) -> (HashMap<PersonId, Origin>, Vec<PersonId>) {
    let mut spoken: HashMap<PersonId, Origin> = HashMap::with_capacity(linked.len());
    for old in silent {
        spoken.insert(people.now(old.person), absence(context, &old.emitter));
    }
    let mut left: Vec<PersonId> = Vec::new();
    for Linked { pending, person, origin } in linked {
        let old = pending.old.as_ref().and_then(|old| Some((people.now(old.person), old.id?)));
        if let Some((before, claim)) = old.filter(|(before, _)| *before != people.now(*person)) {
            people.leave(before, claim);
            spoken.insert(before, origin.clone());
            left.push(before);
        }
    }
    (spoken, left)
}

fn origin(context: Context<'_>, pending: &Pending) -> Origin {
    Origin {
        record: pending.position.number,
        line: pending.position.line,
        emitter: readable(&pending.record.0),
        valid_at: match &pending.as_of {
            Some(date) => date.clone(),
            None => context.origin.valid_at.clone(),
        },
        ..context.origin.clone()
    }
}

fn stated(context: Context<'_>, pending: Pending, person: PersonId, origin: &Origin) -> Statement {
    let Pending { hash, record: (emitter, record_key), key, values, old, .. } = pending;
    let before = old.as_ref().map(|old| &old.stated);
    Statement {
        id: old.as_ref().and_then(|old| old.id),
        person,
        source: context.origin.source.clone(),
        emitter,
        record_key,
        key,
        record_hash: hash,
        absent: false,
        run: context.run,
        stated: Stated::restated(before, values, origin),
    }
}

/// An emitter of several parts as people read it.
pub(super) fn readable(emitter: &str) -> CompactString {
    emitter.chars().map(|letter| if letter == '\u{1f}' { '/' } else { letter }).collect()
}

/// The origin of what an emitter's silence states.
fn absence(context: Context<'_>, emitter: &str) -> Origin {
    Origin { record: 0, line: 0, emitter: readable(emitter), ..context.origin.clone() }
}

fn silenced(context: Context<'_>, old: Statement) -> Statement {
    let values: FieldValues = context.mapping.silence(&old.stated.values());
    let origin = absence(context, &old.emitter);
    Statement {
        record_hash: None,
        absent: true,
        run: context.run,
        stated: Stated::restated(Some(&old.stated), values, &origin),
        ..old
    }
}

/// Persons absorbed by others: a last event each, and nothing known under their old name any more.
fn merge_persons(context: Context<'_>, people: &People, commit: &mut Commit) {
    for Absorbed { person, shown_by } in people.absorbed() {
        let into = people.now(person.id);
        let departement = departement(context.canon, &person.state);
        let occasion = Occasion {
            person: person.id,
            created: false,
            last_sequence: person.sequence,
            at: context.at,
            departement: &departement,
        };
        commit.events.push(announce_merger(occasion, into, shown_by));
        commit.counts.changed += 1;
        commit.counts.events += 1;
        commit.mergers.push(Merger { absorbed: person.id, into });
        commit.persons.push(PersonWrite {
            id: person.id,
            expected: Some(person.sequence),
            sequence: person.sequence + 1,
            state: Kept::Apart(Stated::default()),
        });
    }
}

/// Merges a person's statements and announces what changed; `by` is where this delivery speaks of the person.
fn announce_person(
    context: Context<'_>,
    (id, working): (PersonId, &Working),
    by: &Origin,
    commit: &mut Commit,
) {
    let statements: Vec<&Statement> = working.statements.iter().map(Arc::as_ref).collect();
    let alone = statements.len() == 1;
    let merged = || merge(context.canon, context.precedence, &statements);
    if working.known.is_none() && context.first_load {
        // Nobody is told: what the only claim states is not looked at.
        let state = if alone { Kept::InClaim } else { Kept::Apart(merged()) };
        commit.counts.persons += 1;
        commit.counts.changed += 1;
        commit.persons.push(PersonWrite { id, expected: None, sequence: 0, state });
        return;
    }
    let state = merged();
    let nothing = Stated::default();
    let before = working.known.as_ref().map_or(&nothing, |known| &known.state);
    let stands = |known: &&KnownPerson| known.state == state && (alone || !known.in_claim);
    if let Some(known) = working.known.as_ref().filter(stands) {
        commit.relied_on.push((id, known.sequence));
        return;
    }
    let changes = diff(before, &state, by);
    let last_sequence = working.known.as_ref().map_or(0, |known| known.sequence);
    let departement = departement(context.canon, &state);
    let created = working.known.is_none();
    let occasion = Occasion { person: id, created, last_sequence, at: context.at, departement: &departement };
    let events: Vec<Event> = announce(context.canon, occasion, &changes);
    commit.counts.persons += u64::from(created);
    commit.counts.changed += u64::from(!events.is_empty());
    commit.counts.events += events.len() as u64;
    let sequence = last_sequence + events.len() as u64;
    commit.events.extend(events);
    let expected = working.known.as_ref().map(|known| known.sequence);
    let state = if alone { Kept::InClaim } else { Kept::Apart(state) };
    commit.persons.push(PersonWrite { id, expected, sequence, state });
}
