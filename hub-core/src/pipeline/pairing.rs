//! The claims of a batch paired with the statements they continue.
//!
//! Mapped records and what the store keeps of them enter; claims ready to find their person leave, each with the statement it
//! continues and with what was known where this delivery is silent. Pure.

use std::sync::Arc;

use compact_str::CompactString;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::canonical::FieldValues;
use crate::claim::Claim;
use crate::code::Code;
use crate::identity::{IdentityKey, Traits};
use crate::record::Position;
use crate::statement::{Origin, RecordKey, Stated, Statement};

use super::context::{Context, Grounds, readable};
use super::kept::with_kept;
use super::mapped::MappedRecord;
use super::passing::Passed;
use super::repeated::Aside;

/// A claim with the statement it continues, if any.
#[derive(Debug)]
pub(super) struct Pending {
    pub position: Position,
    pub hash: Option<u64>,
    pub record: RecordKey,
    pub as_of: Option<CompactString>,
    /// Key of the claim inside its record.
    pub key: CompactString,
    /// What is stated now.
    pub values: FieldValues,
    pub traits: Arc<Traits>,
    /// It is to be looked up: no statement it continues bore the same traits.
    pub sought: bool,
    pub old: Option<Statement>,
    /// What it stated once earlier rows of the batch were taken in.
    pub earlier: Option<Stated>,
    /// Its record has no other claim.
    pub alone: bool,
}

impl Pending {
    /// Where it stands.
    pub fn origin(&self, grounds: Grounds<'_>) -> Origin {
        origin(grounds, self.position, &self.record.0, self.as_of.as_ref())
    }

    /// The keys to look it up by.
    pub fn wanted(&self) -> &[IdentityKey] {
        if self.sought { self.traits.keys() } else { &[] }
    }
}

fn origin(grounds: Grounds<'_>, position: Position, emitter: &str, as_of: Option<&CompactString>) -> Origin {
    Origin {
        record: position.number,
        line: position.line,
        emitter: readable(emitter),
        valid_at: as_of.unwrap_or(&grounds.origin.valid_at).clone(),
        ..grounds.origin.clone()
    }
}

/// Something to tell of a record: what, and its number.
pub(super) type Told = (Code, u64);

/// A batch whose claims know which statements they continue.
#[derive(Debug, Default)]
pub(super) struct Paired {
    pub pending: Vec<Pending>,
    /// Statements whose record was stated again without them, or that went silent.
    pub silent: Vec<Statement>,
    /// Statements whose record was refused now: read again when it comes again, so that it is known who spoke last.
    pub refused: Vec<Statement>,
    /// Statements whose number may be somebody else's now.
    pub passed: Vec<Passed>,
    /// Records whose claims may be stated again as they were, later in the delivery.
    pub aside: Vec<Aside>,
    /// What is to be told of it.
    pub told: Vec<Told>,
    /// Keys to look up besides those of its claims.
    pub further: Vec<IdentityKey>,
}

/// The hash of a statement whose record was refused since: that of no frame.
const REFUSED: u64 = u64::MAX;

/// What becomes of a record.
enum Verdict {
    Take,
    /// A record further on in the delivery has stated its claims: the last word counts.
    Overruled,
    /// It was refused once, and stated again since.
    StatedSince,
    /// Its claims may be stated as they were further on in the delivery.
    Aside,
}

/// Pairs each claim with the statement it continues: same key in the same record, else same NIR, else the same person but for
/// one correction (name, given name or birth).
///
/// `existing` are the statements of these records, and of those that were refused. `later` are the claims stated again unchanged
/// further on in the batch, with the number of that record.
pub(super) fn pair(
    context: Context<'_>,
    records: Vec<MappedRecord>,
    existing: Vec<Statement>,
    later: &HashMap<i64, u64>,
) -> Paired {
    let mut by_record: HashMap<RecordKey, Vec<Statement>> = HashMap::new();
    for statement in existing {
        let key = (statement.emitter.clone(), statement.record_key.clone());
        by_record.entry(key).or_default().push(statement);
    }
    let (records, told) = last_of_each(context, records);
    let mut paired = Paired { told, ..Paired::default() };
    for record in records {
        let olds = by_record.remove(&record.key()).unwrap_or_default();
        match verdict(context, &record, &olds, later) {
            Verdict::Take => paired.take(context, record, olds, later),
            Verdict::Overruled => {
                let other = speaks_of_another(context, &record, &olds);
                paired.told.extend(other.then_some((Code::SharedNumber, record.position.number)));
            }
            Verdict::StatedSince => paired.told.push((Code::StatedSince, record.position.number)),
            Verdict::Aside => {
                let claims = olds.iter().filter_map(|old| old.id).collect();
                let other = speaks_of_another(context, &record, &olds);
                paired.aside.push(Aside { number: record.position.number, claims, other });
            }
        }
    }
    // A part of a delivery refused again says nothing new of what came since.
    let refused = by_record.into_values().flatten().filter(|_| context.refused_by.is_none());
    let known = refused.filter(|old| !old.absent && old.record_hash != Some(REFUSED));
    let marked = |old: Statement| {
        let restated = old.id.is_some_and(|id| later.contains_key(&id));
        Statement { record_hash: if restated { old.record_hash } else { Some(REFUSED) }, ..old }
    };
    paired.refused = known.map(marked).collect();
    paired
}

fn verdict(
    context: Context<'_>,
    record: &MappedRecord,
    olds: &[Statement],
    later: &HashMap<i64, u64>,
) -> Verdict {
    let number = record.position.number;
    let comes = |old: &Statement| old.id.and_then(|id| later.get(&id));
    let may_come = |old: &Statement| comes(old).is_none() && context.repeated.may_come(old);
    let overrules = |old: &Statement| {
        let further_on = old.run == context.run && !old.absent && stated_at(context, old) > Some(number);
        further_on || comes(old).is_some_and(|later| *later > number)
    };
    if olds.iter().any(overrules) {
        Verdict::Overruled
    } else if olds.iter().any(|old| said_since(context, old, number)) {
        Verdict::StatedSince
    } else if olds.iter().any(may_come) {
        Verdict::Aside
    } else {
        Verdict::Take
    }
}

/// Whether a statement is a later word than the refused record of this number: of a later run, or further on in its own delivery.
fn said_since(context: Context<'_>, old: &Statement, number: u64) -> bool {
    let Some(by) = context.refused_by else { return false };
    let here = old.run == by && old.record_hash != Some(REFUSED);
    old.run > by || (here && stated_at(context, old).is_none_or(|stated_at| stated_at > number))
}

/// The last record of this delivery that gave a statement a value.
fn stated_at(context: Context<'_>, old: &Statement) -> Option<u64> {
    let here = old.stated.origins.iter().filter(|origin| origin.delivery == context.grounds.origin.delivery);
    here.map(|origin| origin.record).max()
}

impl Paired {
    /// A batch in which these statements go silent and nothing else happens.
    pub fn silence(statements: Vec<Statement>) -> Self {
        Self { silent: statements, ..Self::default() }
    }

    /// Those who continue first, so that nobody new takes the place of one who was there.
    fn take(
        &mut self,
        context: Context<'_>,
        record: MappedRecord,
        olds: Vec<Statement>,
        later: &HashMap<i64, u64>,
    ) {
        let key = record.key();
        let source = context.mapping.source.as_str();
        let read = |claim: Claim| {
            let traits = context.grounds.identity.traits(&claim.fields, source, &key.0);
            (claim, traits)
        };
        let claims = last_claims(record.mapped.claims.into_iter().map(read));
        let alone = claims.len() == 1;
        let (found, olds) = continued(context, olds, &claims);
        let mut claims: Vec<_> = claims.into_iter().zip(found).collect();
        claims.sort_by_key(|(_, old)| old.is_none());
        let rows = if alone { record.earlier } else { Vec::new() };
        for ((claim, read), old) in claims {
            let key_in_record = claim.key.clone();
            let (old, known) = old.unzip();
            let earlier = with_rows(context, old.as_ref().map(|old| &old.stated), &rows);
            let values = with_kept(context, earlier.as_ref().or(old.as_ref().map(|old| &old.stated)), claim);
            let kept = |values: &FieldValues| context.grounds.identity.traits(values, source, &key.0);
            let traits = if old.is_some() || earlier.is_some() { kept(&values) } else { read };
            // What returns after a silence is looked up like what changed: its place may have been taken.
            let known = known.filter(|_| old.as_ref().is_some_and(|old| !old.absent));
            let sought = known.as_ref().is_none_or(|known| *known != traits);
            let far = alone && known.is_some_and(|known| traits.is_far_from(&known));
            self.told.extend(far.then_some((Code::FarCorrection, record.position.number)));
            self.pending.push(Pending {
                position: record.position,
                hash: record.hash,
                record: key.clone(),
                as_of: record.mapped.as_of.clone(),
                key: key_in_record,
                values,
                sought,
                traits: Arc::new(traits),
                old,
                earlier,
                alone,
            });
        }
        let stated_here = |old: &Statement| {
            old.run == context.run
                || context.repeated.has_come(old)
                || old.id.is_some_and(|id| later.contains_key(&id))
        };
        let left = alone && olds.iter().any(|old| !old.absent && stated_here(old));
        self.told.extend(left.then_some((Code::SharedNumber, record.position.number)));
        if alone {
            self.pass_on(context, &olds);
        }
        self.silent.extend(olds.into_iter().filter(|old| !old.absent));
    }

    /// Notes the statements whose numbers the last claim bears, the only one of its record, although it continues none of them.
    fn pass_on(&mut self, context: Context<'_>, olds: &[Statement]) {
        let Some((to, pending)) = self.pending.iter().enumerate().next_back() else { return };
        let by = pending.origin(context.grounds).passing();
        let passed = olds.iter().filter(|old| old.key == pending.key).filter_map(|old| {
            let mut numbers = context.grounds.identity.shared_numbers(&old.stated, &pending.values);
            numbers.retain(|number| old.stated.get(*number).is_some_and(|(_, since)| !since.is_passed_on()));
            (!numbers.is_empty()).then(|| Passed { old: old.clone(), to, numbers, by: by.clone() })
        });
        self.passed.extend(passed);
    }
}

/// What a claim stated before, with what earlier rows of its batch state; `None` where there are none.
fn with_rows(context: Context<'_>, before: Option<&Stated>, rows: &[MappedRecord]) -> Option<Stated> {
    rows.iter().rev().fold(None, |stated, row| {
        let before = stated.as_ref().or(before);
        let [claim] = row.mapped.claims.as_slice() else { return stated };
        let origin = origin(context.grounds, row.position, &row.mapped.emitter, row.mapped.as_of.as_ref());
        let values = with_kept(context, before, claim.clone());
        Some(Stated::restated(before, values, &origin))
    })
}

/// Whether a record of one person speaks of another one than all statements under its key.
fn speaks_of_another(context: Context<'_>, record: &MappedRecord, olds: &[Statement]) -> bool {
    let [claim] = record.mapped.claims.as_slice() else { return false };
    let traits =
        context.grounds.identity.traits(&claim.fields, &context.mapping.source, &record.mapped.emitter);
    let follows = |old: &Statement| traits.may_be(&context.grounds.identity.traits_of(old));
    let mut stated = olds.iter().filter(|old| !old.absent).peekable();
    stated.peek().is_some() && !stated.any(follows)
}

/// Whether two records of one key state one person, or households.
fn may_be_one(context: Context<'_>, one: &MappedRecord, other: &MappedRecord) -> bool {
    let ([a], [b]) = (one.mapped.claims.as_slice(), other.mapped.claims.as_slice()) else { return true };
    let traits = |claim: &Claim| {
        context.grounds.identity.traits(&claim.fields, &context.mapping.source, &one.mapped.emitter)
    };
    traits(b).may_be(&traits(a))
}

/// A dossier stated twice in one file: its last occurrence counts, as institutions' own loaders have it; where a blank leaves what was
/// known, beside what the earlier ones state. To be told are the
/// records whose key a later one bears although it speaks of somebody else: they are lost.
fn last_of_each(context: Context<'_>, records: Vec<MappedRecord>) -> (Vec<MappedRecord>, Vec<Told>) {
    let mut last: HashMap<RecordKey, usize> = HashMap::with_capacity(records.len());
    let (mut kept, mut told): (Vec<MappedRecord>, Vec<Told>) =
        (Vec::with_capacity(records.len()), Vec::new());
    for record in records.into_iter().rev() {
        match last.entry(record.key()) {
            Entry::Occupied(at) => {
                let Some(later) = kept.get_mut(*at.get()) else { continue };
                if !may_be_one(context, &record, later) {
                    told.push((Code::SharedNumber, record.position.number));
                } else if context.mapping.keeps_blanks() {
                    later.earlier.push(record);
                }
            }
            Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push(record);
            }
        }
    }
    kept.reverse();
    told.reverse();
    (kept, told)
}

/// A person stated twice in one record counts as stated last. Two of one name and birth under two NIR are two.
fn last_claims(claims: impl Iterator<Item = (Claim, Traits)>) -> Vec<(Claim, Traits)> {
    let mut kept: Vec<(Claim, Traits)> = Vec::new();
    for (claim, traits) in claims {
        let another = |its: &Traits| its.nir().zip(traits.nir()).is_some_and(|(own, nir)| own != nir);
        let same = |earlier: &Claim| earlier.key == claim.key && !claim.key.is_empty();
        match kept.iter_mut().find(|(earlier, its)| same(earlier) && !another(its)) {
            Some(earlier) => *earlier = (claim, traits),
            None => kept.push((claim, traits)),
        }
    }
    kept
}

/// A statement, and what tells its person apart.
type Known = (Statement, Traits);

/// Whether a claim continues a statement, by one of the ways to tell.
type Continues = fn(&(Claim, Traits), &Known) -> bool;

/// For each claim the statement it continues, all by key first, so that no claim takes another's; and those none continues.
fn continued(
    context: Context<'_>,
    mut olds: Vec<Statement>,
    claims: &[(Claim, Traits)],
) -> (Vec<Option<Known>>, Vec<Statement>) {
    // Those still stated first: a row may have been given to somebody else, and both statements bear its key.
    olds.sort_by_key(|old| (old.absent, old.id));
    let mut olds: Vec<Known> = olds
        .into_iter()
        .map(|old| {
            let traits = context.grounds.identity.traits_of(&old);
            (old, traits)
        })
        .collect();
    let mut found: Vec<Option<Known>> = claims.iter().map(|_| None).collect();
    for continues in PASSES {
        for (claim, found) in claims.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            let at = olds.iter().position(|old| continues(claim, old));
            *found = at.map(|at| olds.remove(at));
        }
    }
    (found, olds.into_iter().map(|(old, _)| old).collect())
}

const PASSES: [Continues; 4] = [
    // Two of one record may have one key, and their own NIR.
    |(claim, traits), (old, known)| {
        old.key == claim.key && traits.nir().is_some() && known.nir() == traits.nir()
    },
    // A row may be given to somebody else: a number is corrected, a list renumbered.
    |(claim, traits), (old, known)| old.key == claim.key && traits.may_follow(known),
    |(_, traits), (_, known)| traits.nir().is_some() && known.nir() == traits.nir(),
    |(_, traits), (_, known)| traits.nearly(known),
];
