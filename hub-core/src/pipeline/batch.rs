//! One batch of mapped records, settled: claims find their persons, persons are merged, compared and announced.
//!
//! Mapped records, the statements they replace and the persons concerned enter; one [`Commit`] leaves. Pure: identifiers and
//! the time come in. Three steps, between which the driver asks the store: [`pair`], [`Paired::wanted_keys`], [`settle`].

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use compact_str::CompactString;
use uuid::Uuid;

use crate::canonical::{Canon, FieldId, FieldValues};
use crate::claim::{Claim, Mapped};
use crate::code::Code;
use crate::delivery::PersonId;
use crate::diff::diff;
use crate::event::{Event, Occasion, announce, announce_merger};
use crate::identity::{IdentityKey, Traits};
use crate::merge::merge;
use crate::record::Position;
use crate::statement::{Origin, Stated, Statement};
use crate::store::{Commit, Kept, KnownPerson, Merger, PersonWrite};

use super::context::Context;
use super::people::{Absorbed, People, Seeking, Working};
use super::repeated::Aside;

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
    as_of: Option<CompactString>,
    claim: Claim,
    traits: Traits,
    /// The keys it bears that the statement it continues did not.
    wanted: Vec<IdentityKey>,
    old: Option<Statement>,
}

/// A batch whose claims know which statements they continue.
#[derive(Debug, Default)]
pub(super) struct Paired {
    pending: Vec<Pending>,
    /// Statements whose record was stated again without them, or that went silent.
    silent: Vec<Statement>,
    /// Records whose claims may be stated again as they were, later in the delivery.
    pub aside: Vec<Aside>,
    /// What is to be told of it.
    told: Vec<Told>,
}

/// Something to tell of a record: what, and its number.
pub(super) type Told = (Code, u64);

/// Pairs each claim with the statement it continues: same key in the same record, else same NIR, else the same person but for
/// one correction (name, given name or birth).
///
/// `later` are the claims stated again unchanged further on in the batch, with the number of that record: the last word counts.
pub(super) fn pair(
    context: Context<'_>,
    records: Vec<MappedRecord>,
    existing: Vec<Statement>,
    later: &HashMap<i64, u64>,
) -> Paired {
    let mut by_record: HashMap<(String, String), Vec<Statement>> = HashMap::new();
    for statement in existing {
        let key = (statement.emitter.clone(), statement.record_key.clone());
        by_record.entry(key).or_default().push(statement);
    }
    let mut paired = Paired::default();
    for record in last_of_each(records) {
        let key = (record.mapped.emitter.clone(), record.mapped.key.clone());
        let mut olds = by_record.remove(&key).unwrap_or_default();
        let overruled = |old: &Statement| {
            old.id.and_then(|id| later.get(&id)).is_some_and(|number| *number > record.position.number)
        };
        if olds.iter().any(overruled) {
            continue;
        }
        let since = |old: &Statement| context.refused_by.is_some_and(|run| old.run > run);
        if olds.iter().any(since) {
            paired.told.push((Code::StatedSince, record.position.number));
            continue;
        }
        let may_come = |old: &Statement| {
            old.id.is_some_and(|id| !later.contains_key(&id)) && context.repeated.may_come(old)
        };
        if olds.iter().any(may_come) {
            let claims = olds.iter().filter_map(|old| old.id).collect();
            paired.aside.push(Aside { record, claims });
            continue;
        }
        let source = context.mapping.source.as_str();
        let claims: Vec<(Claim, Traits)> = last_claims(record.mapped.claims)
            .into_iter()
            .map(|claim| {
                let traits = context.identity.traits(&claim.fields, source, &key.0);
                (claim, traits)
            })
            .collect();
        let continued = continued(context, &mut olds, &claims);
        for ((claim, traits), old) in claims.into_iter().zip(continued) {
            let wanted = wanted_keys(context, &traits, old.as_ref());
            let (emitter, record_key) = key.clone();
            paired.pending.push(Pending {
                position: record.position,
                hash: record.hash,
                emitter,
                record_key,
                as_of: record.mapped.as_of.clone(),
                claim,
                traits,
                wanted,
                old,
            });
        }
        paired.silent.extend(olds.into_iter().filter(|old| !old.absent));
    }
    paired
}

/// A batch in which these statements go silent and nothing else happens.
pub(super) fn silence(statements: Vec<Statement>) -> Paired {
    Paired { silent: statements, ..Paired::default() }
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

/// Whether a claim continues a statement, by one of the ways to tell.
type Continues<'a> = &'a dyn Fn(&Claim, &Traits, &Statement) -> bool;

/// For each claim the statement it continues, taken from `olds`: all by key first, so that no claim takes another's.
fn continued(
    context: Context<'_>,
    olds: &mut Vec<Statement>,
    claims: &[(Claim, Traits)],
) -> Vec<Option<Statement>> {
    let mut found: Vec<Option<Statement>> = claims.iter().map(|_| None).collect();
    let traits_of = |old: &Statement| context.identity.traits_of(old);
    let same_key = |claim: &Claim, _: &Traits, old: &Statement| old.key == claim.key;
    let same_nir = |_: &Claim, traits: &Traits, old: &Statement| {
        traits.nir().is_some() && traits_of(old).nir() == traits.nir()
    };
    let corrected = |_: &Claim, traits: &Traits, old: &Statement| traits.nearly(&traits_of(old));
    let passes: [Continues<'_>; 3] = [&same_key, &same_nir, &corrected];
    for continues in passes {
        for ((claim, traits), found) in claims.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            let at = olds.iter().position(|old| continues(claim, traits, old));
            *found = at.map(|at| olds.swap_remove(at));
        }
    }
    found
}

fn wanted_keys(context: Context<'_>, traits: &Traits, old: Option<&Statement>) -> Vec<IdentityKey> {
    let known = old.map(|old| context.identity.traits_of(old)).unwrap_or_default();
    traits.keys().iter().filter(|key| !known.keys().contains(key)).cloned().collect()
}

impl Paired {
    /// The keys no claim of these records bore before, for the store to find who bears them.
    pub fn wanted_keys(&self) -> Vec<IdentityKey> {
        let mut keys: Vec<IdentityKey> =
            self.pending.iter().flat_map(|pending| pending.wanted.iter().cloned()).collect();
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

/// Settles a batch. `mint` gives a fresh identifier for each new person. What is to be told of it leaves with it.
pub(super) fn settle(
    context: Context<'_>,
    paired: Paired,
    candidates: Vec<(IdentityKey, PersonId)>,
    known: Vec<KnownPerson>,
    mint: &mut dyn FnMut() -> Uuid,
) -> (Commit, Vec<Told>) {
    let mut people = People::new(context, candidates, known);
    let mut commit = Commit::new(context.run);
    commit.counts.claims = paired.pending.len() as u64;
    commit.counts.gone = paired.silent.len() as u64;
    let mut linked: Vec<(Pending, PersonId, Origin)> = Vec::with_capacity(paired.pending.len());
    let mut told = paired.told;
    for pending in paired.pending {
        let origin = origin(context, &pending);
        let record = (pending.emitter.clone(), pending.record_key.clone());
        let (old, traits, wanted) = (pending.old.as_ref(), &pending.traits, pending.wanted.as_slice());
        let seeking = Seeking { old, traits, wanted, record: &record, stated_at: &origin };
        let found = people.find(context, &seeking, mint);
        if found.ambiguous {
            told.push((Code::SeveralPersons, pending.position.number));
        }
        people.stands_in(record, found.person);
        commit.keys.extend(found.learned.into_iter().map(|key| (key, found.person)));
        linked.push((pending, found.person, origin));
    }
    for (_, person) in &mut commit.keys {
        *person = people.now(*person);
    }
    // Where this delivery speaks of each person: by its silence, by a claim that turned to another, else by a claim of theirs.
    let mut spoken: HashMap<PersonId, Origin> = HashMap::with_capacity(linked.len());
    for old in &paired.silent {
        spoken.insert(people.now(old.person), absence(context, &old.emitter));
    }
    let mut left: Vec<PersonId> = Vec::new();
    for (pending, person, origin) in &linked {
        let old = pending.old.as_ref().and_then(|old| Some((people.now(old.person), old.id?)));
        if let Some((before, claim)) = old.filter(|(before, _)| *before != people.now(*person)) {
            people.leave(before, claim);
            spoken.insert(before, origin.clone());
            left.push(before);
        }
    }
    let linked = linked.into_iter().map(|(pending, person, origin)| {
        let person = people.now(person);
        let statement = stated(context, pending, person, &origin);
        spoken.insert(person, origin);
        statement
    });
    let silent = paired.silent.into_iter();
    let silent = silent.map(|old| silenced(context, Statement { person: people.now(old.person), ..old }));
    let statements: Vec<Arc<Statement>> = linked.chain(silent).map(Arc::new).collect();
    let mut touched: BTreeSet<PersonId> = statements.iter().map(|statement| statement.person).collect();
    touched.extend(left);
    touched.extend(people.absorbed().iter().map(|absorbed| people.now(absorbed.person.id)));
    for statement in &statements {
        people.take_in(statement);
    }
    merge_persons(context, &people, &mut commit);
    for person in touched {
        if let Some(working) = people.get(person) {
            let by = spoken.get(&person).unwrap_or(context.origin);
            announce_person(context, (person, working), by, &mut commit);
        }
    }
    drop(people);
    commit.statements = statements.into_iter().map(Arc::unwrap_or_clone).collect();
    (commit, told)
}

fn origin(context: Context<'_>, pending: &Pending) -> Origin {
    Origin {
        record: pending.position.number,
        line: pending.position.line,
        emitter: readable(&pending.emitter),
        valid_at: match &pending.as_of {
            Some(date) => date.to_string(),
            None => context.origin.valid_at.clone(),
        },
        ..context.origin.clone()
    }
}

fn stated(context: Context<'_>, pending: Pending, person: PersonId, origin: &Origin) -> Statement {
    let Pending { hash, emitter, record_key, claim, old, .. } = pending;
    Statement {
        id: old.as_ref().and_then(|old| old.id),
        person,
        source: context.mapping.source.clone(),
        emitter,
        record_key,
        key: claim.key.clone(),
        record_hash: hash,
        absent: false,
        run: context.run,
        stated: Stated::restated(
            old.as_ref().map(|old| &old.stated),
            with_kept(context, old.as_ref(), claim),
            origin,
        ),
    }
}

/// What is stated now, with what was stated before where this delivery is silent: a field whose column is not there, a value that
/// could not be read, or a whole block left blank where the mapping has blanks mean nothing.
fn with_kept(context: Context<'_>, old: Option<&Statement>, claim: Claim) -> FieldValues {
    let Claim { fields: mut values, unread, .. } = claim;
    let all = context.mapping.keeps_blanks();
    let silent = all || !context.unread.is_empty() || !unread.is_empty();
    let Some(old) = old.filter(|_| silent) else { return values };
    let fields: BTreeSet<FieldId> = values.iter().map(|(field, _)| *field).collect();
    let block = |field: FieldId| context.canon.field(field).block;
    let blocks: BTreeSet<u16> = fields.iter().map(|field| block(*field)).collect();
    // Half an address of yesterday beside half of today's would be an address nobody stated.
    let moved: BTreeSet<u16> = values
        .iter()
        .filter(|(field, value)| old.stated.get(*field).is_none_or(|(before, _)| before != value))
        .map(|(field, _)| block(*field))
        .collect();
    let kept = old.stated.fields.iter().filter(|(field, _, _)| {
        let blank = all && !blocks.contains(&block(*field));
        let doubted = unread.contains(field) && !moved.contains(&block(*field));
        !fields.contains(field) && (blank || doubted || context.unread.contains(field))
    });
    values.extend(kept.map(|(field, value, _)| (*field, value.clone())));
    values.sort_by_key(|(field, _)| *field);
    values
}

/// An emitter of several parts as people read it.
pub(super) fn readable(emitter: &str) -> String {
    emitter.replace('\u{1f}', "/")
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
    let state = merge(context.canon, context.precedence, &statements);
    let nothing = Stated::default();
    let before = working.known.as_ref().map_or(&nothing, |known| &known.state);
    let alone = statements.len() == 1;
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
    let silent = created && context.first_load;
    let events: Vec<Event> = if silent { Vec::new() } else { announce(context.canon, occasion, &changes) };
    commit.counts.persons += u64::from(created);
    commit.counts.changed += u64::from(silent || !events.is_empty());
    commit.counts.events += events.len() as u64;
    let sequence = last_sequence + events.len() as u64;
    commit.events.extend(events);
    let expected = working.known.as_ref().map(|known| known.sequence);
    let state = if alone { Kept::InClaim } else { Kept::Apart(state) };
    commit.persons.push(PersonWrite { id, expected, sequence, state });
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
