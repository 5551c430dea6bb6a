//! One batch of mapped records, settled: claims find their persons, persons are merged, compared and announced.
//!
//! Mapped records, the statements they replace and the persons concerned enter; one [`Commit`] leaves. Pure: identifiers and
//! the time come in. Three steps, between which the driver asks the store: [`pair`], [`Paired::wanted_keys`], [`settle`].

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use crate::canonical::{Canon, FieldValues};
use crate::claim::{Claim, Mapped};
use crate::delivery::{Counts, PersonId, RunId};
use crate::diff::diff;
use crate::event::{Event, Occasion, announce};
use crate::identity::{IdentityFields, IdentityKey, Traits, resolve, traits_of_state};
use crate::mapping::Mapping;
use crate::merge::{Precedence, merge};
use crate::record::Position;
use crate::statement::{Origin, Stated, Statement};
use crate::store::{Commit, KnownPerson, PersonWrite};

/// What every batch of a run shares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub canon: &'a Canon,
    pub precedence: &'a Precedence,
    pub identity: &'a IdentityFields,
    pub mapping: &'a Mapping,
    pub run: RunId,
    /// Origin of the delivery's facts; record and line are set per record.
    pub origin: &'a Origin,
    pub at: Timestamp,
}

/// A record that was read and mapped.
#[derive(Debug, Clone)]
pub(super) struct MappedRecord {
    pub position: Position,
    /// `None` when it raised a remark and must be read again next time.
    pub hash: Option<u64>,
    pub mapped: Mapped,
}

/// A claim with the statement it continues, if any.
#[derive(Debug)]
struct Pending {
    position: Position,
    hash: Option<u64>,
    emitter: String,
    record_key: String,
    claim: Claim,
    traits: Traits,
    old: Option<Statement>,
}

/// A batch whose claims know which statements they continue.
#[derive(Debug)]
pub(super) struct Paired {
    pending: Vec<Pending>,
    /// Statements whose record was stated again without them, or that went silent.
    silent: Vec<Statement>,
}

/// Pairs each claim with the statement it continues: same key in the same record, else same NIR, else the only one left.
pub(super) fn pair(context: Context<'_>, records: Vec<MappedRecord>, existing: Vec<Statement>) -> Paired {
    let mut by_record: HashMap<(String, String), Vec<Statement>> = HashMap::new();
    for statement in existing {
        let key = (statement.emitter.clone(), statement.record_key.clone());
        by_record.entry(key).or_default().push(statement);
    }
    let mut paired = Paired { pending: Vec::new(), silent: Vec::new() };
    for record in last_of_each(records) {
        let key = (record.mapped.emitter.clone(), record.mapped.key.clone());
        let mut olds = by_record.remove(&key).unwrap_or_default();
        let source = context.mapping.source.as_str();
        for claim in last_claims(record.mapped.claims) {
            let traits = context.identity.traits(&claim.fields, source, &key.0);
            let old = continued(context, &mut olds, &claim, &traits);
            let (emitter, record_key) = key.clone();
            paired.pending.push(Pending {
                position: record.position,
                hash: record.hash,
                emitter,
                record_key,
                claim,
                traits,
                old,
            });
        }
        paired.silent.extend(olds.into_iter().filter(|old| !old.absent));
    }
    paired
}

/// A batch in which these statements go silent and nothing else happens.
pub(super) fn silence(statements: Vec<Statement>) -> Paired {
    Paired { pending: Vec::new(), silent: statements }
}

/// A dossier stated twice in one file: its last occurrence counts, as institutions' own loaders have it.
fn last_of_each(records: Vec<MappedRecord>) -> Vec<MappedRecord> {
    let mut last: HashMap<(String, String), usize> = HashMap::with_capacity(records.len());
    for (at, record) in records.iter().enumerate() {
        last.insert((record.mapped.emitter.clone(), record.mapped.key.clone()), at);
    }
    let kept = |at: usize, record: &MappedRecord| {
        last.get(&(record.mapped.emitter.clone(), record.mapped.key.clone())) == Some(&at)
    };
    records
        .into_iter()
        .enumerate()
        .filter(|(at, record)| kept(*at, record))
        .map(|(_, record)| record)
        .collect()
}

fn last_claims(claims: Vec<Claim>) -> Vec<Claim> {
    let mut kept: Vec<Claim> = Vec::with_capacity(claims.len());
    for claim in claims {
        match kept.iter_mut().find(|earlier| earlier.key == claim.key && !claim.key.is_empty()) {
            Some(earlier) => *earlier = claim,
            None => kept.push(claim),
        }
    }
    kept
}

fn continued(
    context: Context<'_>,
    olds: &mut Vec<Statement>,
    claim: &Claim,
    traits: &Traits,
) -> Option<Statement> {
    let same_key = olds.iter().position(|old| old.key == claim.key);
    let same_nir = || {
        let nir = traits.nir()?;
        olds.iter().position(|old| traits_of_state(context.identity, &old.stated.fields).nir() == Some(nir))
    };
    same_key.or_else(same_nir).map(|at| olds.swap_remove(at))
}

impl Paired {
    /// The keys of claims that are not linked yet, for the store to find candidates.
    pub fn wanted_keys(&self) -> Vec<IdentityKey> {
        let new = self.pending.iter().filter(|pending| pending.old.is_none());
        let mut keys: Vec<IdentityKey> =
            new.flat_map(|pending| pending.traits.keys().iter().cloned()).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// The persons whose statements change for certain.
    pub fn linked_persons(&self) -> Vec<PersonId> {
        let old = self.pending.iter().filter_map(|pending| pending.old.as_ref());
        old.chain(&self.silent).map(|statement| statement.person).collect()
    }
}

/// A person being worked on.
struct Working {
    known: Option<KnownPerson>,
    statements: Vec<Statement>,
    traits: Vec<Traits>,
}

/// The persons at hand and how to find them by key.
struct People<'a> {
    context: Context<'a>,
    by_id: BTreeMap<PersonId, Working>,
    by_key: HashMap<IdentityKey, Vec<PersonId>>,
}

/// Settles a batch. `mint` gives a fresh identifier for each new person.
pub(super) fn settle(
    context: Context<'_>,
    paired: Paired,
    candidates: Vec<(IdentityKey, PersonId)>,
    known: Vec<KnownPerson>,
    mint: &mut dyn FnMut() -> Uuid,
) -> Commit {
    let mut people = People::new(context, candidates, known);
    let mut commit = Commit {
        run: context.run,
        checkpoint: 0,
        statements: Vec::with_capacity(paired.pending.len()),
        persons: Vec::new(),
        keys: Vec::new(),
        rejects: Vec::new(),
        events: Vec::new(),
        counts: Counts {
            claims: paired.pending.len() as u64,
            gone: paired.silent.len() as u64,
            ..Counts::default()
        },
    };
    let mut touched: Vec<PersonId> = Vec::new();
    for pending in paired.pending {
        let person = pending.old.as_ref().map(|old| old.person);
        let person = person.or_else(|| people.find(&pending.traits)).unwrap_or_else(|| PersonId(mint()));
        commit.keys.extend(people.learn(person, &pending.traits));
        let statement = stated(context, pending, person);
        people.take_in(&statement);
        commit.statements.push(statement);
        touched.push(person);
    }
    for old in paired.silent {
        let statement = silenced(context, old);
        people.take_in(&statement);
        touched.push(statement.person);
        commit.statements.push(statement);
    }
    touched.sort();
    touched.dedup();
    for person in touched {
        people.announce(person, &mut commit);
    }
    commit
}

fn stated(context: Context<'_>, pending: Pending, person: PersonId) -> Statement {
    let Pending { position, hash, emitter, record_key, claim, old, .. } = pending;
    let origin = Origin {
        record: position.number,
        line: position.line,
        emitter: readable(&emitter),
        ..context.origin.clone()
    };
    Statement {
        id: old.as_ref().and_then(|old| old.id),
        person,
        source: context.mapping.source.clone(),
        emitter,
        record_key,
        key: claim.key,
        record_hash: hash,
        absent: false,
        stated: Stated::restated(old.as_ref().map(|old| &old.stated), claim.fields, &origin),
    }
}

/// An emitter of several parts as people read it.
fn readable(emitter: &str) -> String {
    emitter.replace('\u{1f}', "/")
}

fn silenced(context: Context<'_>, old: Statement) -> Statement {
    let values: FieldValues = context.mapping.silence(&old.stated.values());
    let origin = Origin { record: 0, line: 0, emitter: readable(&old.emitter), ..context.origin.clone() };
    Statement {
        record_hash: None,
        absent: true,
        stated: Stated::restated(Some(&old.stated), values, &origin),
        ..old
    }
}

impl<'a> People<'a> {
    fn new(context: Context<'a>, candidates: Vec<(IdentityKey, PersonId)>, known: Vec<KnownPerson>) -> Self {
        let mut by_key: HashMap<IdentityKey, Vec<PersonId>> = HashMap::new();
        for (key, person) in candidates {
            by_key.entry(key).or_default().push(person);
        }
        let working = |person: KnownPerson| {
            let traits = vec![traits_of_state(context.identity, &person.state.fields)];
            (person.id, Working { statements: person.statements.clone(), known: Some(person), traits })
        };
        Self { context, by_id: known.into_iter().map(working).collect(), by_key }
    }

    fn find(&self, traits: &Traits) -> Option<PersonId> {
        let shared = traits.keys().iter().flat_map(|key| {
            let persons = self.by_key.get(key).map(Vec::as_slice).unwrap_or_default();
            persons.iter().filter_map(move |id| self.by_id.get(id).map(|w| (key, *id, w)))
        });
        resolve(
            traits,
            shared.flat_map(|(key, id, working)| working.traits.iter().map(move |traits| (key, id, traits))),
        )
    }

    /// Remembers a person's traits; returns the keys the store does not have yet for it.
    fn learn(&mut self, person: PersonId, traits: &Traits) -> Vec<(IdentityKey, PersonId)> {
        let working = self.by_id.entry(person).or_insert_with(|| Working {
            known: None,
            statements: Vec::new(),
            traits: Vec::new(),
        });
        let new: Vec<IdentityKey> = traits
            .keys()
            .iter()
            .filter(|key| !working.traits.iter().any(|t| t.keys().contains(key)))
            .cloned()
            .collect();
        if !new.is_empty() {
            working.traits.push(traits.clone());
        }
        for key in &new {
            self.by_key.entry(key.clone()).or_default().push(person);
        }
        new.into_iter().map(|key| (key, person)).collect()
    }

    fn take_in(&mut self, statement: &Statement) {
        let Some(working) = self.by_id.get_mut(&statement.person) else {
            return;
        };
        match working.statements.iter_mut().find(|s| statement.id.is_some() && s.id == statement.id) {
            Some(old) => *old = statement.clone(),
            None => working.statements.push(statement.clone()),
        }
    }

    fn announce(&self, person: PersonId, commit: &mut Commit) {
        let Some(working) = self.by_id.get(&person) else {
            return;
        };
        let context = self.context;
        let statements: Vec<&Statement> = working.statements.iter().collect();
        let state = merge(context.canon, context.precedence, &statements);
        let nothing = Stated::default();
        let before = working.known.as_ref().map_or(&nothing, |known| &known.state);
        if *before == state && working.known.is_some() {
            return;
        }
        let changes = diff(before, &state);
        let last_sequence = working.known.as_ref().map_or(0, |known| known.sequence);
        let departement = departement(context.canon, &state);
        let occasion = Occasion {
            person,
            created: working.known.is_none(),
            last_sequence,
            at: context.at,
            departement: &departement,
        };
        let events: Vec<Event> = announce(context.canon, occasion, &changes);
        commit.counts.persons += u64::from(working.known.is_none());
        commit.counts.changed += u64::from(!events.is_empty());
        commit.counts.events += events.len() as u64;
        let sequence = last_sequence + events.len() as u64;
        commit.events.extend(events);
        commit.persons.push(PersonWrite {
            id: person,
            expected: working.known.as_ref().map(|k| k.sequence),
            sequence,
            state,
        });
    }
}

fn departement(canon: &Canon, state: &Stated) -> String {
    let text =
        |path: &str| canon.find(path).and_then(|id| state.get(id)).and_then(|(value, _)| value.as_text());
    let commune = || text("adresse.code_postal").or_else(|| text("adresse.commune_insee"));
    let code = text("adresse.departement").or_else(|| {
        commune()
            .and_then(|code| code.get(..if code.starts_with("97") || code.starts_with("98") { 3 } else { 2 }))
    });
    code.unwrap_or("00").to_owned()
}
