//! A mapping to begin with, from a real extract or from its XML schema: everything the source has, with proposals to verify.
//!
//! A sample enters; a mapping that compiles leaves, and a case of invented persons when one is asked for. Names of the sample
//! are kept, and shapes; never a value.

mod invented;
mod proposals;
mod sample;
mod shape;
mod written;
mod xsd;

use hub_core::connector::Layout;

pub use invented::input;
pub use sample::look;
pub use written::to_yaml;
pub use xsd::look as look_at_schema;

use shape::Shape;

/// What an extract is, without any of its values.
#[derive(Debug)]
pub struct Sample {
    /// How its bytes are laid out.
    layout: Layout,
    /// Its encoding, when it does not say so itself.
    encoding: Option<String>,
    /// A first line that is data: columns are named by their place.
    headless: bool,
    /// The repeated element inside a record that holds the persons, from the record down.
    each: Option<String>,
    /// Its fields, in order.
    fields: Vec<SourceField>,
    /// Fields whose name looks like a value: they are counted, not written.
    left_out: usize,
    /// Records looked at.
    records: u64,
}

/// A field of the source.
#[derive(Debug, Clone, Default)]
struct SourceField {
    /// A column, or a path from the record down.
    name: String,
    /// Records in which it holds something.
    filled: u64,
    /// The shape of its values.
    shape: Option<Shape>,
    /// A value of it came twice.
    repeats: bool,
    /// What its schema says of it.
    note: String,
}

impl SourceField {
    /// The last name of its path.
    fn last(&self, delimited: bool) -> &str {
        if delimited { &self.name } else { self.name.rsplit('/').next().unwrap_or(&self.name) }
    }
}

impl Sample {
    fn delimited(&self) -> bool {
        matches!(self.layout, Layout::Csv { .. })
    }

    /// The extension of a case's input.
    pub fn extension(&self) -> &'static str {
        match self.layout {
            Layout::Xml { .. } => "xml",
            Layout::Csv { .. } => "csv",
            Layout::Fixed { .. } => "txt",
            Layout::Json { .. } => "json",
        }
    }
}

/// A sample cannot be made a mapping of.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Its bytes are none of the known formats, or cannot be read.
    #[error(transparent)]
    Unreadable(#[from] hub_core::connector::Fault),
    /// No element is repeated, or the one asked for is not there.
    #[error("expected `--record` to name a repeated element from the root, one of: {}", .0.join(", "))]
    Record(Vec<String>),
    /// Nothing a mapping could read.
    #[error("expected at least one field with a name, found none")]
    NoField,
}

/// Reads names out of a tree of XML elements: the record, its header and trailer, the persons in it.
struct Elements(Vec<connectors::outline::Element>);

impl Elements {
    /// The repeated element: the one asked for, else the shallowest that is repeated and holds others, else the largest.
    fn record(&self, asked: Option<&str>) -> Result<String, SampleError> {
        let candidates = || self.0.iter().filter(|e| e.parent && e.path.contains('/'));
        let known = || SampleError::Record(candidates().map(|e| e.path.clone()).take(20).collect());
        if let Some(asked) = asked.map(|asked| asked.trim_matches('/')) {
            return candidates().find(|e| e.path == asked).map(|e| e.path.clone()).ok_or_else(known);
        }
        let depth = |path: &str| path.matches('/').count();
        let repeated = candidates().filter(|e| e.most > 1).min_by_key(|e| depth(&e.path));
        let inside = |path: &str| self.0.iter().filter(|e| e.path.starts_with(path)).count();
        let largest = || candidates().filter(|e| depth(&e.path) == 1).max_by_key(|e| inside(&e.path));
        repeated.or_else(largest).map(|e| e.path.clone()).ok_or_else(known)
    }

    fn layout(&self, record: &str) -> Layout {
        let names = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let beside = |e: &&connectors::outline::Element| {
            e.parent && e.most <= 1 && e.path.matches('/').count() == 1 && !record.starts_with(&e.path)
        };
        let first = record.split('/').take(2).collect::<Vec<_>>().join("/");
        let at = self.0.iter().position(|e| e.path == first).unwrap_or_default();
        let (before, after) = self.0.split_at(at);
        let part = |of: &[connectors::outline::Element]| of.iter().find(beside).map(|e| names(&e.path));
        Layout::Xml { record: names(record), header: part(before), trailer: part(after) }
    }

    /// Repeated elements inside the record that hold others, from the record down.
    fn repeated_inside(&self, record: &str) -> Vec<String> {
        let inside = self.0.iter().filter(|e| e.parent && e.most > 1);
        inside.filter_map(|e| Some(e.path.strip_prefix(record)?.strip_prefix('/')?.to_owned())).collect()
    }
}

#[cfg(test)]
mod tests;
