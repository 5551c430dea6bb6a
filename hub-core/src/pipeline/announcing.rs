//! What a batch or a ruling makes of persons, told: mergers, splits, and what changed of each.
//!
//! Persons with their claims enter; writes and events are added to the commit, in one order whatever came first. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::delivery::PersonId;
use crate::diff::diff;
use crate::event::{Arrival, Event, Manner, Occasion, announce, announce_merger, announce_split};
use crate::merge::merge;
use crate::referential::departement;
use crate::statement::{Origin, Stated, Statement};
use crate::store::{Commit, Kept, KnownPerson, Merger, PersonWrite, Replaced};

use super::context::Grounds;
use super::people::{Absorbed, Parted, People, Working};

/// Tells what became of the persons in `touched`, and of all who were absorbed, parted, given a claim or gave one away. `spoken` says
/// where each is spoken of.
pub(super) fn tell(
    grounds: Grounds<'_>,
    people: &People,
    (mut touched, mut spoken): (BTreeSet<PersonId>, HashMap<PersonId, Origin>),
    commit: &mut Commit,
) {
    touched.extend(people.absorbed.iter().map(|absorbed| people.now(absorbed.person.id)));
    touched.extend(people.moved.iter().map(|(_, person)| *person));
    touched.extend(people.gave.iter().map(|person| people.now(*person)));
    for Parted { from, apart, shown_by } in &people.parted {
        for person in [people.now(*from), *apart] {
            touched.insert(person);
            spoken.entry(person).or_insert_with(|| shown_by.clone());
        }
    }
    merge_persons(grounds, people, commit);
    for person in touched {
        if let Some(working) = people.get(person) {
            let by = spoken.get(&person).unwrap_or(grounds.origin);
            announce_person(grounds, (person, working), (by, &people.parted_from(person)), commit);
        }
    }
    commit.moved.clone_from(&people.moved);
}

/// Persons absorbed by others: a last event each, and nothing known under their old name any more.
fn merge_persons(grounds: Grounds<'_>, people: &People, commit: &mut Commit) {
    for Absorbed { person, shown_by } in &people.absorbed {
        let into = people.now(person.id);
        let departement = departement(grounds.canon, &person.state);
        let occasion = Occasion {
            person: person.id,
            arrival: None,
            last_sequence: person.sequence,
            at: grounds.at,
            departement: &departement,
            manner: Manner::Journal,
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
            replaced: Some(Replaced { state: person.state.clone(), by: shown_by.clone() }),
        });
    }
}

/// Merges a person's statements and announces what changed; `by` is where this delivery speaks of the person. First of all who was
/// taken for the person, `parted`.
fn announce_person(
    grounds: Grounds<'_>,
    (id, working): (PersonId, &Working),
    (by, parted): (&Origin, &[&Parted]),
    commit: &mut Commit,
) {
    let statements: Vec<&Statement> = working.statements.iter().map(Arc::as_ref).collect();
    let alone = statements.len() == 1;
    let merged = || merge(grounds.canon, grounds.precedence, &statements);
    if working.known.is_none() && grounds.first_load {
        // Nobody is told: what the only claim states is not looked at.
        let state = if alone { Kept::InClaim } else { Kept::Apart(merged()) };
        commit.counts.persons += 1;
        commit.counts.changed += 1;
        commit.persons.push(PersonWrite { id, expected: None, sequence: 0, state, replaced: None });
        return;
    }
    let state = merged();
    let nothing = Stated::default();
    let before = working.known.as_ref().map_or(&nothing, |known| &known.state);
    let stands = |known: &&KnownPerson| known.state == state && (alone || !known.in_claim);
    if let Some(known) = working.known.as_ref().filter(stands).filter(|_| parted.is_empty()) {
        commit.relied_on.push((id, known.sequence));
        return;
    }
    let changes = diff(before, &state, by);
    let last_sequence = working.known.as_ref().map_or(0, |known| known.sequence);
    let departement = departement(grounds.canon, &state);
    // Somebody restored is made known anew, under the name they had.
    let created = working.known.as_ref().is_none_or(|known| known.merged_into.is_some());
    let mut occasion = Occasion {
        person: id,
        arrival: created.then_some(Arrival::Created),
        last_sequence,
        at: grounds.at,
        departement: &departement,
        manner: Manner::Journal,
    };
    let mut events: Vec<Event> = Vec::new();
    for Parted { apart, shown_by, .. } in parted {
        events.push(announce_split(occasion, *apart, shown_by));
        occasion.last_sequence += 1;
    }
    events.extend(announce(grounds.canon, occasion, &changes));
    commit.counts.persons += u64::from(created);
    commit.counts.changed += u64::from(!events.is_empty());
    commit.counts.events += events.len() as u64;
    let sequence = last_sequence + events.len() as u64;
    commit.events.extend(events);
    let expected = working.known.as_ref().map(|known| known.sequence);
    let other = working.known.as_ref().filter(|known| known.state != state);
    let replaced = other.map(|known| Replaced { state: known.state.clone(), by: by.clone() });
    let state = if alone { Kept::InClaim } else { Kept::Apart(state) };
    commit.persons.push(PersonWrite { id, expected, sequence, state, replaced });
}
