//! What the cases of a mapping go through, and what they do not.
//!
//! A mapping and the inputs of its cases enter; rules, branches and entries of code lists exercised leave, with the fields of
//! the source that no rule reads. A case is of invented persons, and yet no value is kept.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Cursor;

use hub_core::canonical::Canon;
use hub_core::connector::{Layout, fold_header};
use hub_core::mapping::{Branch, CodeList, Mapping, Spot, Watch};
use serde::Serialize;

use super::outline;
use super::reading::dialect_of;
use super::trial::watch_mapping;
use crate::mappings::MappingFiles;

/// How many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Share {
    /// How many.
    pub done: usize,
    /// Of how many.
    pub of: usize,
}

impl Share {
    /// In percent, rounded down: only all of them are 100.
    pub fn percent(self) -> usize {
        (self.done * 100).checked_div(self.of).unwrap_or(100)
    }

    /// Together with another share.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { done: self.done + other.done, of: self.of + other.of }
    }

    fn count(mut self, done: bool) -> Self {
        self.done += usize::from(done);
        self.of += 1;
        self
    }
}

/// Something of a mapping that no case goes through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Untouched {
    /// The file, relative to the mappings folder.
    pub file: String,
    /// Its line.
    pub line: u32,
    /// The canonical field, when it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The code, when it is an entry of a code list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What was not gone through.
    pub what: String,
}

/// What the cases of a mapping go through.
#[derive(Debug, Clone, Serialize)]
pub struct Coverage {
    /// The mapping.
    pub mapping: String,
    /// Cases it has.
    pub cases: usize,
    /// Rules that gave a value at least once.
    pub rules: Share,
    /// Branches taken.
    pub branches: Share,
    /// Entries of its code lists used.
    pub entries: Share,
    /// Fields of the inputs that some rule reads.
    pub fields: Share,
    /// What no case goes through, in file order.
    pub untouched: Vec<Untouched>,
    /// Fields of the inputs that no rule reads.
    pub unread: Vec<String>,
}

impl Coverage {
    /// Rules and branches together, which `--min` is held against.
    pub fn percent(&self) -> usize {
        self.rules.and(self.branches).percent()
    }
}

#[derive(Debug, Default)]
struct Seen {
    spots: HashSet<Spot>,
    codes: HashSet<(String, u32)>,
}

impl Watch for Seen {
    fn branch(&mut self, spot: Spot) {
        self.spots.insert(spot);
    }

    fn code(&mut self, list: &CodeList, line: u32) {
        self.codes.insert((list.name.clone(), line));
    }
}

/// Goes through the cases beside a mapping.
pub fn cover(files: &MappingFiles, mapping: &Mapping, canon: &Canon) -> Coverage {
    let mut seen = Seen::default();
    let (mut count, mut fields) = (0, BTreeMap::new());
    let reads = mapping.reads();
    for case in files.cases().filter(|case| case.mapping == mapping.id) {
        count += 1;
        // An input that cannot be read is a case like others: it goes through nothing.
        let _ = watch_mapping(mapping, canon, case.input, &mut seen);
        note_fields(mapping, &reads, case.input, &mut fields);
    }
    let mut coverage = Coverage {
        mapping: mapping.id.clone(),
        cases: count,
        rules: Share::default(),
        branches: Share::default(),
        entries: Share::default(),
        fields: Share { done: fields.values().filter(|read| **read).count(), of: fields.len() },
        untouched: Vec::new(),
        unread: fields.into_iter().filter(|(_, read)| !read).map(|(field, _)| field).collect(),
    };
    coverage.count_spots(mapping, canon, &seen);
    coverage.count_codes(files, mapping, &seen);
    coverage.untouched.sort();
    coverage
}

/// Notes the fields of an input with whether the mapping reads them.
fn note_fields(
    mapping: &Mapping,
    reads: &BTreeSet<String>,
    input: &[u8],
    fields: &mut BTreeMap<String, bool>,
) {
    let source = || Ok(Box::new(Cursor::new(input.to_vec())) as _);
    let Ok(dialect) = dialect_of(mapping, &source) else { return };
    let delimited = matches!(dialect.layout, Layout::Csv { .. } | Layout::Fixed { .. });
    let mut note = |field: &str, _: &str| {
        if !fields.contains_key(field) {
            let read = if delimited { reads.contains(&fold_header(field)) } else { reads.contains(field) };
            fields.insert(field.to_owned(), read);
        }
    };
    // As above: what cannot be read has no field.
    let _ = outline::fields(&dialect, &source, u64::MAX, &mut note);
}

impl Coverage {
    fn count_spots(&mut self, mapping: &Mapping, canon: &Canon, seen: &Seen) {
        let file = format!("{}.yaml", mapping.id);
        for spot in mapping.spots() {
            let done = seen.spots.contains(&spot);
            let share = if spot.branch == Branch::Value { &mut self.rules } else { &mut self.branches };
            *share = share.count(done);
            if !done {
                let field = spot.field.map(|field| canon.field(field).path.clone());
                self.untouched.push(Untouched {
                    file: file.clone(),
                    line: spot.line,
                    field,
                    code: None,
                    what: in_words(spot.branch),
                });
            }
        }
    }

    fn count_codes(&mut self, files: &MappingFiles, mapping: &Mapping, seen: &Seen) {
        for list in mapping.code_lists() {
            let file = files.code_list(&mapping.id, &list.name).map(|(file, _)| file).unwrap_or_default();
            for (line, code) in list.lines() {
                let done = seen.codes.contains(&(list.name.clone(), line));
                self.entries = self.entries.count(done);
                if !done {
                    let what = format!("the code `{code}` is met nowhere");
                    let (file, code) = (file.clone(), Some(code.to_owned()));
                    self.untouched.push(Untouched { file, line, field: None, code, what });
                }
            }
        }
    }
}

fn in_words(branch: Branch) -> String {
    match branch {
        Branch::Value => "never gives a value".to_owned(),
        Branch::Held => "`when` never holds".to_owned(),
        Branch::Unheld => "`when` always holds".to_owned(),
        Branch::Or(at) => format!("the {} term of `or` in `when` never holds", nth(at)),
        Branch::From(at) => format!("the {} path is never used", nth(at)),
        Branch::Month => "`precision: mois` is met nowhere".to_owned(),
        Branch::Year => "`precision: annee` is met nowhere".to_owned(),
        Branch::Contradiction => "paths of `agree` never contradict one another".to_owned(),
        Branch::Missing => "`missing: reject` never refuses a record".to_owned(),
        Branch::Invalid => "`invalid: reject` never refuses a record".to_owned(),
        Branch::Key => "`key` never names a record".to_owned(),
        Branch::OtherKey => "`or` never names a record".to_owned(),
    }
}

fn nth(at: usize) -> String {
    match at {
        0 => "1st".to_owned(),
        1 => "2nd".to_owned(),
        2 => "3rd".to_owned(),
        _ => format!("{}th", at + 1),
    }
}
