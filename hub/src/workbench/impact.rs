//! What another mapping would make of the same file: record by record, both read in step, a batch of each in memory.
//!
//! A file and two mappings enter; counts per canonical field, per code, and a few record numbers leave. Never a value.

use std::collections::BTreeMap;

use hub_core::canonical::{Canon, FieldId, FieldValues};
use hub_core::claim::{Claim, Mapped};
use hub_core::code::Code;
use hub_core::connector::Fault;
use hub_core::mapping::Mapping;
use serde::Serialize;

use super::reading::{Reading, Source};

/// Most record numbers kept as examples.
const EXAMPLES: usize = 5;

/// How often something was met, and where first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// The first records concerned.
    pub records: Vec<u64>,
}

impl Tally {
    fn note(&mut self, record: u64) {
        self.count += 1;
        if self.records.len() < EXAMPLES && self.records.last() != Some(&record) {
            self.records.push(record);
        }
    }
}

/// What changes of one canonical field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct FieldChange {
    /// Values where there was none.
    pub added: u64,
    /// Values that are none any more.
    pub removed: u64,
    /// Values that are others.
    pub changed: u64,
    /// The first records concerned.
    pub records: Vec<u64>,
}

/// Problems by code and field, such as `DLN0302 identite.date_naissance`.
pub type Problems = BTreeMap<String, Tally>;

/// What changes between two mappings of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Impact {
    /// Records read with the mapping before.
    pub records_before: u64,
    /// Records read with the mapping now.
    pub records_now: u64,
    /// Per canonical field, the claims that change.
    pub fields: BTreeMap<String, FieldChange>,
    /// Persons stated where none was.
    pub persons_added: Tally,
    /// Persons no longer stated.
    pub persons_removed: Tally,
    /// Records that bear another key, emitter or date: each is another record for the hub.
    pub named_otherwise: Tally,
    /// Records refused that were not.
    pub newly_refused: Problems,
    /// Records that were refused and are not any more.
    pub no_longer_refused: Problems,
    /// Remarks that were not made before.
    pub new_remarks: Problems,
    /// Remarks no longer made.
    pub gone_remarks: Problems,
}

impl Impact {
    /// Whether anything changes.
    pub fn is_none(&self) -> bool {
        let same =
            Self { records_before: self.records_before, records_now: self.records_now, ..Self::default() };
        self.records_before == self.records_now && *self == same
    }
}

/// Compares two mappings over one file that came `today` (`YYYY-MM-DD`).
///
/// # Errors
/// The fault that makes the file unreadable for one of them: before, now.
pub fn compare(
    (before, now): (&Mapping, &Mapping),
    canon: &Canon,
    source: &Source<'_>,
    today: &str,
) -> Result<Impact, (Option<Fault>, Option<Fault>)> {
    let (mut old, mut new) = match (Reading::open(before, source), Reading::open(now, source)) {
        (Ok(old), Ok(new)) => (old, new),
        (old, new) => return Err((old.err(), new.err())),
    };
    let mut comparison = Comparison { canon, impact: Impact::default() };
    loop {
        let (old, new) = match (old.next(), new.next()) {
            (Ok(old), Ok(new)) => (old, new),
            (old, new) => return Err((old.err(), new.err())),
        };
        let number = match (&old, &new) {
            (None, None) => return Ok(comparison.impact),
            (Some((number, _)), _) | (None, Some((number, _))) => *number,
        };
        comparison.impact.records_before += u64::from(old.is_some());
        comparison.impact.records_now += u64::from(new.is_some());
        let old = old.map(|(_, decoded)| outcome(before, decoded, today));
        let new = new.map(|(_, decoded)| outcome(now, decoded, today));
        comparison.record(number, old.as_ref(), new.as_ref());
    }
}

type Outcome = Result<Mapped, (Code, Option<FieldId>)>;

fn outcome(mapping: &Mapping, decoded: Result<&hub_core::record::Record, Fault>, today: &str) -> Outcome {
    let record = decoded.map_err(|fault| (fault.code, None))?;
    mapping.map(record, today).map_err(|refusal| (refusal.code, refusal.field))
}

struct Comparison<'c> {
    canon: &'c Canon,
    impact: Impact,
}

impl Comparison<'_> {
    fn record(&mut self, number: u64, old: Option<&Outcome>, new: Option<&Outcome>) {
        match (old, new) {
            (Some(Ok(old)), Some(Ok(new))) => self.both(number, old, new),
            (Some(Err(before)), Some(Err(now))) if before == now => {}
            (old, new) => {
                if let Some(Err(problem)) = old {
                    note(&mut self.impact.no_longer_refused, self.canon, *problem, number);
                }
                if let Some(Err(problem)) = new {
                    note(&mut self.impact.newly_refused, self.canon, *problem, number);
                }
                let claims =
                    |of: Option<&Outcome>| of.and_then(|of| of.as_ref().ok()).map_or(0, |m| m.claims.len());
                (0..claims(old)).for_each(|_| self.impact.persons_removed.note(number));
                (0..claims(new)).for_each(|_| self.impact.persons_added.note(number));
            }
        }
    }

    fn both(&mut self, number: u64, old: &Mapped, new: &Mapped) {
        if (&old.key, &old.emitter, &old.as_of) != (&new.key, &new.emitter, &new.as_of) {
            self.impact.named_otherwise.note(number);
        }
        let remarks = |of: &Mapped| of.remarks.iter().map(|r| (r.code, r.field)).collect::<Vec<_>>();
        let (before, now) = (remarks(old), remarks(new));
        for problem in lacking(&now, &before) {
            note(&mut self.impact.new_remarks, self.canon, problem, number);
        }
        for problem in lacking(&before, &now) {
            note(&mut self.impact.gone_remarks, self.canon, problem, number);
        }
        let mut left: Vec<&Claim> = new.claims.iter().collect();
        for claim in &old.claims {
            // One person before and now is the same one, whatever tells it from others.
            let alone = old.claims.len() == 1 && new.claims.len() == 1;
            match left.iter().position(|other| alone || other.key == claim.key) {
                Some(at) => self.fields(number, &claim.fields, &left.remove(at).fields),
                None => self.impact.persons_removed.note(number),
            }
        }
        for _ in &left {
            self.impact.persons_added.note(number);
        }
    }

    fn fields(&mut self, number: u64, old: &FieldValues, new: &FieldValues) {
        if old == new {
            return;
        }
        let was = |field| old.iter().find(|(id, _)| *id == field).map(|(_, value)| value);
        let is = |field| new.iter().find(|(id, _)| *id == field).map(|(_, value)| value);
        let added = new.iter().map(|(id, _)| *id).filter(|id| was(*id).is_none());
        for field in old.iter().map(|(id, _)| *id).chain(added) {
            let (was, is) = (was(field), is(field));
            if was == is {
                continue;
            }
            let change = self.impact.fields.entry(self.canon.field(field).path.clone()).or_default();
            match (was, is) {
                (None, _) => change.added += 1,
                (_, None) => change.removed += 1,
                (Some(_), Some(_)) => change.changed += 1,
            }
            if change.records.len() < EXAMPLES && change.records.last() != Some(&number) {
                change.records.push(number);
            }
        }
    }
}

/// What `these` hold more than `others`, as often as they hold it more.
fn lacking<T: PartialEq + Copy>(these: &[T], others: &[T]) -> Vec<T> {
    let mut left = others.to_vec();
    let mut more = Vec::new();
    for item in these {
        match left.iter().position(|other| other == item) {
            Some(at) => {
                left.swap_remove(at);
            }
            None => more.push(*item),
        }
    }
    more
}

fn note(problems: &mut Problems, canon: &Canon, (code, field): (Code, Option<FieldId>), number: u64) {
    let field = field.map(|field| format!(" {}", canon.field(field).path)).unwrap_or_default();
    problems.entry(format!("{code}{field}")).or_default().note(number);
}
