//! Looks at a real extract: its format, its fields, the shapes of their values.
//!
//! Its bytes enter; a sample leaves. What is looked at first is bounded, however large the extract is.

use std::collections::HashMap;
use std::io::Cursor;

use connectors::BuiltIn;
use connectors::outline::elements;
use hub_core::connector::{Dialect, Edges, Formats as _, Layout, Limits, Probe, fold_header};
use hub_core::record::Names;

use super::proposals::is_a_word_of_headers;
use super::shape::{Shapes, looks_like_a_value};
use super::{Elements, Sample, SampleError, SourceField};
use crate::workbench::outline;

/// Bytes looked at for the elements of an XML file.
const HEAD_BYTES: usize = 4 << 20;
/// Records whose values are looked at.
const RECORDS: u64 = 2_000;

/// Looks at an extract. `record` names the repeated element or the array; `header` says that the first line of delimited text
/// names its columns, when that cannot be seen.
///
/// # Errors
/// When it cannot be read, or no record is found in it.
pub fn look(bytes: &[u8], record: Option<&str>, header: bool) -> Result<Sample, SampleError> {
    let head = bytes.get(..bytes.len().min(64 << 10)).unwrap_or_default();
    let mut repeated = Vec::new();
    let mut headless = false;
    let layout = match BuiltIn.probe(head)? {
        Probe::Xml { .. } => {
            let found = Elements(elements(bytes.get(..bytes.len().min(HEAD_BYTES)).unwrap_or_default()));
            let record = found.record(record)?;
            repeated = found.repeated_inside(&record);
            found.layout(&record)
        }
        Probe::Csv { columns, .. } => {
            headless = !header && !names_columns(&columns);
            let places = (1..=columns.len()).map(|at| format!("colonne_{at}")).collect();
            let columns = headless.then_some(places);
            Layout::Csv { separator: separator(head), quotes: true, columns, edges: Edges::default() }
        }
        Probe::Json { members } => {
            let records = record.map_or_else(|| array_in(bytes, &members), names_of);
            Layout::Json { records }
        }
    };
    let foreign = matches!(layout, Layout::Csv { .. } | Layout::Json { .. }) && !is_unicode(bytes);
    let encoding = foreign.then(|| "windows-1252".to_owned());
    let mut sample =
        Sample { layout, encoding, headless, each: None, fields: Vec::new(), left_out: 0, records: 0 };
    sample.read_fields(bytes)?;
    sample.each = sample.persons_in(&repeated);
    if sample.fields.is_empty() { Err(SampleError::NoField) } else { Ok(sample) }
}

/// Whether bytes are UTF-8, or say themselves that they are UTF-16.
fn is_unicode(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) || std::str::from_utf8(bytes).is_ok()
}

/// Whether a first line names columns: no cell looks like a value, and one in four is a word headers are made of. In doubt it is
/// taken for data: a name of a person must not become the name of a column.
fn names_columns(cells: &[String]) -> bool {
    let named: Vec<&String> = cells.iter().filter(|cell| !cell.trim().is_empty()).collect();
    let known = named.iter().filter(|cell| is_a_word_of_headers(cell)).count();
    let starts_with_digit = |cell: &str| cell.trim().starts_with(|c: char| c.is_ascii_digit());
    let value = named.iter().any(|cell| looks_like_a_value(cell) || starts_with_digit(cell));
    !value && known > 0 && known * 4 >= named.len()
}

/// The separator that stands most often in the first line; none when it has one column.
fn separator(head: &[u8]) -> Option<u8> {
    let line = head.split(|byte| matches!(byte, b'\n' | b'\r')).find(|line| !line.is_empty())?;
    if let Some([mark]) = line.strip_prefix(b"sep=") {
        return Some(*mark);
    }
    let count = |mark: u8| line.split(|byte| *byte == mark).count() - 1;
    let most = [b';', b',', b'\t', b'|'].into_iter().rev().max_by_key(|mark| count(*mark))?;
    (count(most) > 0).then_some(most)
}

fn names_of(path: &str) -> Vec<String> {
    path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The path to the array of objects inside a wrapping object; empty for an array or one object a line.
fn array_in(bytes: &[u8], members: &[String]) -> Vec<String> {
    let start = bytes.trim_ascii_start();
    let mut lines =
        bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let whole = |line: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    if start.first() != Some(&b'{') || (lines.next().is_some_and(whole) && lines.next().is_some()) {
        return Vec::new();
    }
    let paths = members.iter().map(|path| names_of(path));
    let mut paths: Vec<_> = paths.filter(|path| !path.iter().any(|name| looks_like_a_value(name))).collect();
    paths.sort_by_key(Vec::len);
    let holds_objects = |path: &Vec<String>| {
        let layout = Layout::Json { records: path.clone() };
        let mut fields = 0;
        let source = || Ok(Box::new(Cursor::new(bytes.to_vec())) as _);
        let read = outline::fields(&dialect(&layout, None), &source, 2, &mut |_, _| fields += 1);
        read.is_ok_and(|records| records > 0 && fields > 0)
    };
    paths.into_iter().find(holds_objects).unwrap_or_default()
}

fn dialect(layout: &Layout, encoding: Option<String>) -> Dialect {
    Dialect { layout: layout.clone(), encoding, names: Names::default(), limits: Limits::default() }
}

impl Sample {
    fn read_fields(&mut self, bytes: &[u8]) -> Result<(), SampleError> {
        let mut order: Vec<String> = Vec::new();
        let mut shapes: HashMap<String, Shapes> = HashMap::new();
        let source = || Ok(Box::new(Cursor::new(bytes.to_vec())) as _);
        let dialect = dialect(&self.layout, self.encoding.clone());
        let mut visit = |name: &str, text: &str| {
            if !shapes.contains_key(name) {
                order.push(name.to_owned());
            }
            let shapes = shapes.entry(name.to_owned()).or_default();
            if !text.is_empty() {
                shapes.see(text);
            }
        };
        self.records = outline::fields(&dialect, &source, RECORDS, &mut visit)?;
        let mut folded = Vec::new();
        for name in order {
            if !self.headless && self.is_value(&name) {
                self.left_out += 1;
                continue;
            }
            // Two columns of one name are one to a mapping.
            let same = if self.delimited() { fold_header(&name) } else { name.clone() };
            if folded.contains(&same) {
                continue;
            }
            folded.push(same);
            let seen = shapes.remove(&name).unwrap_or_default();
            let (filled, shape, repeats) = (seen.filled, seen.shape(), seen.repeats);
            self.fields.push(SourceField { name, filled, shape, repeats, note: String::new() });
        }
        Ok(())
    }

    /// Whether a name holds what looks like a value; JSON has objects whose members are named by numbers of persons.
    fn is_value(&self, name: &str) -> bool {
        if self.delimited() { looks_like_a_value(name) } else { name.split('/').any(looks_like_a_value) }
    }

    /// The repeated element that holds the persons: the outermost with a birth date or a given name somewhere in it.
    pub(super) fn persons_in(&self, repeated: &[String]) -> Option<String> {
        let personal = |field: &&SourceField| {
            let proposed = super::proposals::by_name(field.last(false));
            matches!(proposed, Some("identite.prenoms" | "identite.date_naissance"))
        };
        let holds = |path: &&String| {
            let inside = format!("{path}/");
            self.fields.iter().filter(personal).any(|field| field.name.starts_with(&inside))
        };
        repeated.iter().filter(holds).min_by_key(|path| path.matches('/').count()).cloned()
    }
}
