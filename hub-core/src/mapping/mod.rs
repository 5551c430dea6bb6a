//! Mappings: declarative files that say where each canonical field comes from in one feed.
//!
//! A mapping is compiled once at load, with every path, type, operation, code and target checked; then it turns records into
//! claims, purely. There is no embedded language: a closed set of operations and a tiny typed condition are all there is.

mod catalogue;
mod codes;
mod compile;
mod condition;
mod detect;
mod diagnostic;
mod emitter;
mod extend;
mod lacking;
mod list;
mod operation;
mod path;
mod reach;
mod rule;
mod section;
mod tree;
mod watch;

pub use catalogue::Catalogue;
pub use codes::{CodeList, CodeLists};
pub use compile::{compile, compile_upon};
pub use detect::Fit;
pub use diagnostic::{Diagnostic, nearest};
pub use extend::extended;
pub use watch::{Branch, Spot, Watch};

use std::collections::{BTreeSet, HashMap, HashSet};

use compact_str::CompactString;

use crate::canonical::date::{self, Form, Precision, Reading, instant};
use crate::canonical::{FieldId, FieldValues, Value};
use crate::claim::{Claim, Mapped, Refusal};
use crate::code::Code;
use crate::connector::{Dialect, fold_header};
use crate::record::{NameId, NodeId, Record};
use crate::statement::RecordKey;

use detect::Detect;
use emitter::Emitter;
use path::{Path, Scope};
use rule::{Outcome, Rule};

/// Parts of a key are joined by a character no feed writes.
const KEY_JOINT: char = '\u{1f}';

/// A compiled mapping: one feed in one schema version.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Unique name, `caf/vrsb0801`.
    pub id: String,
    /// Version its author gave it; a run records it.
    pub version: String,
    /// The source it belongs to: `caf`, `france-travail`, `departement`…
    pub source: String,
    /// What it is, in French.
    pub title: String,
    /// How its files are laid out.
    pub dialect: Dialect,
    /// Hash of the mapping text and its code lists: a change makes every record be read again.
    pub fingerprint: u64,
    nulls: Vec<String>,
    detect: Vec<Detect>,
    delivery: DeliveryRules,
    record: RecordRules,
    persons: PersonRules,
}

#[derive(Debug, Clone, Default)]
struct DeliveryRules {
    flow: Option<String>,
    reference: Option<Path>,
    created: Vec<Path>,
    snapshot: Snapshot,
    totals: Vec<Path>,
    /// What absence states of a field; nothing at all when there is no value.
    absence: Vec<(FieldId, Option<Value>)>,
}

#[derive(Debug, Clone, Default)]
enum Snapshot {
    #[default]
    Never,
    Always,
    When(Path, Vec<String>),
}

/// The parts of a key, each with the paths it may stand at.
type Key = Vec<Vec<Path>>;

#[derive(Debug, Clone)]
struct RecordRules {
    key: Key,
    /// What names a record that has nothing of its key.
    or: Key,
    emitter: Emitter,
    as_of: Option<AsOf>,
    line: u32,
}

/// The date a record's facts are valid at.
#[derive(Debug, Clone)]
struct AsOf {
    path: Path,
    forms: Vec<Form>,
}

#[derive(Debug, Clone)]
struct PersonRules {
    each: Option<Path>,
    key: Key,
    when: Option<condition::Condition>,
    /// A blank leaves what was known.
    keeps_blanks: bool,
    rules: Vec<Rule>,
    /// Fields of these rules that qualify another, with the one they qualify.
    qualifiers: Vec<(FieldId, FieldId)>,
    line: u32,
}

/// What a delivery's header says of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// Date the facts are valid at, `YYYY-MM-DD`.
    pub reference: Option<String>,
    /// When the emitter made it, `YYYY-MM-DDTHH:MM:SS`, a fraction behind; deliveries of one emitter are ordered by it. Empty
    /// when it is not known.
    pub created: String,
    /// The header should say when it was made, and does not.
    pub creation_unread: bool,
    /// Absence means something.
    pub snapshot: bool,
}

/// A field a delivery cannot state whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread<'m> {
    /// The field.
    pub field: FieldId,
    /// Of several columns joined or split, how many are there.
    pub there: usize,
    /// Of a repeated group, the members its elements lack.
    pub members: BTreeSet<FieldId>,
    /// The columns that are not there.
    pub columns: BTreeSet<&'m str>,
}

impl AsOf {
    fn read(&self, scope: Scope<'_>) -> Option<CompactString> {
        match date::parse(self.path.first(scope)?, &self.forms, Precision::Day)? {
            Reading::Date(date) => Some(date),
            Reading::Endless => None,
        }
    }
}

impl Mapping {
    /// Reads a delivery's header.
    pub fn envelope(&self, header: &Record) -> Envelope {
        let scope = Scope::of(header);
        let text = |path: &Path| path.first(scope).unwrap_or("").to_owned();
        let snapshot = match &self.delivery.snapshot {
            Snapshot::Never => false,
            Snapshot::Always => true,
            Snapshot::When(path, words) => words.contains(&text(path)),
        };
        let reference = self.delivery.reference.as_ref().map(text);
        let reference = reference.and_then(|text| match date::parse(&text, Form::ALL, Precision::Day)? {
            Reading::Date(date) => Some(date.to_string()),
            Reading::Endless => None,
        });
        let parts: Vec<String> = self.delivery.created.iter().map(text).collect();
        let created = instant(&parts.join("T"));
        let creation_unread = created.is_none() && !parts.is_empty();
        Envelope { reference, created: created.unwrap_or_default(), creation_unread, snapshot }
    }

    /// The totals a delivery's trailer announces, each to equal the number of records; `None` where it announces no number.
    pub fn announced_totals(&self, trailer: &Record) -> Vec<Option<u64>> {
        let scope = Scope::of(trailer);
        self.delivery.totals.iter().map(|path| path.first(scope)?.parse().ok()).collect()
    }

    /// The fields a CSV header does not have all it takes for: of a text the only column, of texts joined any, of a condition any.
    pub fn unread(&self, header: &[String]) -> Vec<Unread<'_>> {
        let names = &self.dialect.names;
        let there: HashSet<NameId> = header.iter().filter_map(|cell| names.get(&fold_header(cell))).collect();
        let written: HashMap<NameId, &str> = names.iter().map(|(name, id)| (id, name)).collect();
        let unread = |rule: &Rule| {
            let lacking = rule.lacking(&there);
            let columns = lacking.columns.iter().filter_map(|column| written.get(column).copied()).collect();
            let (there, members) = (lacking.there, lacking.members);
            let unread = Unread { field: rule.field(), there, members, columns };
            (!lacking.columns.is_empty()).then_some(unread)
        };
        self.persons.rules.iter().filter_map(unread).collect()
    }

    /// A frame means the same only under the same mapping: its fingerprint is part of the hash.
    pub fn seeded(&self, frame: u64) -> u64 {
        frame ^ self.fingerprint.rotate_left(17)
    }

    /// The flow inside which an emitter's deliveries are in order: its own, unless it shares one with other versions of the feed.
    pub fn flow(&self) -> &str {
        self.delivery.flow.as_deref().unwrap_or(&self.id)
    }

    /// Whether a blank leaves what was known, rather than taking it back.
    pub fn keeps_blanks(&self) -> bool {
        self.persons.keeps_blanks
    }

    /// What an emitter's silence states of a person it used to name: the claim without the fields it overrides, with them.
    #[must_use]
    pub fn silence(&self, stated: &FieldValues) -> FieldValues {
        let overridden = |id: FieldId| self.delivery.absence.iter().any(|(field, _)| *field == id);
        let mut fields: FieldValues = stated.iter().filter(|(id, _)| !overridden(*id)).cloned().collect();
        let added = |(field, value): &(FieldId, Option<Value>)| Some((*field, value.clone()?));
        fields.extend(self.delivery.absence.iter().filter_map(added));
        fields.sort_by_key(|(id, _)| *id);
        fields
    }

    /// The emitter and key of a record, without reading its persons: what can be said of a record its mapping refused.
    pub fn identify(&self, record: &Record) -> Option<RecordKey> {
        let scope = Scope::of(record);
        Some((self.emitter(scope)?, self.record_key(scope)?))
    }

    /// Who states the record; the mapping itself when it declares nobody, so that two feeds never judge each other's absences. `None`
    /// where a part of the name has not the shape it must have.
    fn emitter(&self, scope: Scope<'_>) -> Option<CompactString> {
        let Emitter { key, .. } = &self.record.emitter;
        let formed = self.record.emitter.is_well_formed(scope, &self.nulls);
        formed.then(|| self.key(key, scope).unwrap_or_else(|| CompactString::from(&self.id)))
    }

    fn record_key(&self, scope: Scope<'_>) -> Option<CompactString> {
        self.key(&self.record.key, scope).or_else(|| self.key(&self.record.or, scope))
    }

    /// The lines of the rules that state a field, in the mapping's text; of rules taken over, that of `extends`.
    pub fn rule_lines(&self, field: FieldId) -> Vec<u32> {
        let rules = self.persons.rules.iter().filter(|rule| rule.field() == field);
        rules.map(Rule::line).collect()
    }

    /// The name a run records: `caf/vrsb0801@1`.
    pub fn name(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// Turns one record of a delivery that came `today` (`YYYY-MM-DD`) into claims.
    ///
    /// # Errors
    /// Why the whole record is refused: its key or a required value is missing, its emitter has not the shape it must have, or a value the mapping will not drop is invalid.
    pub fn map(&self, record: &Record, today: &str) -> Result<Mapped, Refusal> {
        self.map_watched(record, today, &mut ())
    }

    /// As [`Self::map`], each branch taken told to `watch`.
    ///
    /// # Errors
    /// As [`Self::map`].
    pub fn map_watched<W: Watch>(
        &self,
        record: &Record,
        today: &str,
        watch: &mut W,
    ) -> Result<Mapped, Refusal> {
        let scope = Scope::of(record);
        let refuse = |code, rule_line| Refusal { code, field: None, rule_line };
        if W::LOOKS {
            self.tell_key(scope, watch);
        }
        let key = self.record_key(scope).ok_or_else(|| refuse(Code::MissingValue, self.record.line))?;
        let emitter = self.emitter(scope).ok_or_else(|| refuse(Code::UnknownEmitter, self.record.line))?;
        let as_of = self.record.as_of.as_ref().and_then(|as_of| as_of.read(scope));
        let as_of = as_of.map(|date| believed(date, today)).transpose();
        let as_of = as_of.map_err(|code| refuse(code, self.record.line))?;
        let mut outcome = self.outcome(today, watch);
        let claims = self.claims(scope, &mut outcome)?;
        if claims.is_empty() {
            return Err(refuse(Code::NoPerson, self.persons.line));
        }
        Ok(Mapped { key, emitter, as_of, claims, remarks: outcome.remarks })
    }

    /// What can still be read of the persons of a refused record: enough to know who they may be.
    pub fn glimpse(&self, record: &Record, today: &str) -> Vec<FieldValues> {
        let mut nobody = ();
        let mut outcome = Outcome { forgiving: true, ..self.outcome(today, &mut nobody) };
        let claims = self.claims(Scope::of(record), &mut outcome).unwrap_or_default();
        claims.into_iter().map(|claim| claim.fields).collect()
    }

    fn outcome<'m, W: Watch>(&'m self, today: &'m str, watch: &'m mut W) -> Outcome<'m, W> {
        let (remarks, unreadable) = (Vec::new(), Vec::new());
        Outcome { nulls: &self.nulls, today, remarks, unreadable, forgiving: false, watch }
    }

    fn claims<W: Watch>(
        &self,
        scope: Scope<'_>,
        outcome: &mut Outcome<'_, W>,
    ) -> Result<Vec<Claim>, Refusal> {
        let mut claims = Vec::new();
        for person in self.persons_of(scope) {
            let scope = if person == scope.record.root() { scope } else { scope.inside(person) };
            if !outcome.holds(self.persons.when.as_ref(), scope, self.persons.line, None) {
                continue;
            }
            let fields = rule::apply(&self.persons.rules, scope, outcome)?;
            let key = self.key(&self.persons.key, scope).unwrap_or_default();
            let unreadable = std::mem::take(&mut outcome.unreadable);
            let mut claim = Claim { key, fields, unreadable };
            self.qualify(&mut claim);
            claims.push(claim);
        }
        Ok(claims)
    }

    /// A field that qualifies another says nothing without it.
    fn qualify(&self, claim: &mut Claim) {
        for (qualifier, of) in &self.persons.qualifiers {
            if claim.get(*of).is_none() {
                claim.fields.retain(|(field, _)| field != qualifier);
                if claim.unreadable.contains(of) {
                    claim.unreadable.push(*qualifier);
                }
            }
        }
    }

    fn persons_of(&self, scope: Scope<'_>) -> Vec<NodeId> {
        let Some(each) = &self.persons.each else {
            return vec![scope.here];
        };
        let mut nodes = Vec::with_capacity(4);
        each.each(scope, &mut |node| nodes.push(node));
        nodes
    }

    /// The parts of a key; `None` when all are missing.
    fn key(&self, parts: &Key, scope: Scope<'_>) -> Option<CompactString> {
        let mut key = CompactString::default();
        let mut found = false;
        for (at, paths) in parts.iter().enumerate() {
            if at > 0 {
                key.push(KEY_JOINT);
            }
            if let Some(text) = text_at(paths, scope, &self.nulls) {
                found = true;
                key.push_str(as_written(text));
            }
        }
        found.then_some(key)
    }
}

/// The first of some paths that holds text.
fn text_at<'r>(paths: &[Path], scope: Scope<'r>, nulls: &[String]) -> Option<&'r str> {
    paths.iter().filter_map(|path| path.first(scope)).find(|text| !rule::is_null(text, nulls))
}

/// A date facts are said to be valid at. They cannot be later than what brings them; more than a year later is a mistake that
/// would have the last word until then.
fn believed(date: CompactString, today: &str) -> Result<CompactString, Code> {
    if date.as_str() <= today {
        return Ok(date);
    }
    let year = |text: &str| text.get(..4).and_then(|year| year.parse::<u16>().ok()).unwrap_or(0);
    let (far, rest) = (year(&date).saturating_sub(year(today)), date.get(4..) > today.get(4..));
    if far > 1 || (far == 1 && rest) { Err(Code::FutureDate) } else { Ok(CompactString::from(today)) }
}

/// A number without the `.0` a spreadsheet adds: `77.0` names the record `77` named.
fn as_written(text: &str) -> &str {
    let whole = text.strip_suffix(".0").or_else(|| text.strip_suffix(",0")).unwrap_or(text);
    if whole.bytes().all(|b| b.is_ascii_digit()) { whole } else { text }
}
