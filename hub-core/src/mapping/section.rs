//! Compiles the sections of a mapping that speak of the delivery rather than of the person: format, detect, delivery.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::compile::Compiler;
use super::detect::Detect;
use super::diagnostic::Diagnostic;
use super::path::Path;
use super::tree::{Node, Tree};
use super::{DeliveryRules, Snapshot};
use crate::canonical::{FieldId, Value};
use crate::code::Code;
use crate::connector::{Edge, Edges, Layout, Slot, fold_header};

type Format = (Layout, Option<String>, Vec<String>);

/// Widest column of a line, in characters.
const WIDEST: usize = 10_000;

const UNICODE: [&Encoding; 3] = [UTF_8, UTF_16LE, UTF_16BE];

impl Compiler<'_> {
    pub(super) fn format(&mut self, tree: &Tree) -> Option<Format> {
        let section = self.required(tree, "format")?;
        self.check_keys(section, &["xml", "csv", "fixed", "json", "encoding", "nulls"]);
        let layout = match ["xml", "csv", "fixed", "json"].map(|key| section.get(key)) {
            [Some(xml), None, None, None] => self.xml(xml),
            [None, Some(csv), None, None] => Some(self.csv(csv)),
            [None, None, Some(fixed), None] => self.fixed(fixed),
            [None, None, None, Some(json)] => {
                self.check_keys(json, &["records"]);
                Some(Layout::Json { records: json.get("records").map(names_of).unwrap_or_default() })
            }
            _ => {
                let message = "a format is exactly one of `xml`, `csv`, `fixed` and `json`";
                self.found.push(Diagnostic::new(Code::BadFormat, section.span.clone(), message));
                None
            }
        };
        let encoding = section.get("encoding").map(|label| self.encoding(label));
        let nulls = section.get("nulls").map(texts_of).unwrap_or_default();
        layout.map(|layout| (layout, encoding, nulls))
    }

    /// The label of an encoding the formats read.
    fn encoding(&mut self, tree: &Tree) -> String {
        let label = tree.text().unwrap_or_default();
        let known = Encoding::for_label(label.as_bytes());
        if !known.is_some_and(|known| known.is_single_byte() || UNICODE.contains(&known)) {
            let message = format!("`{label}` is no encoding that can be read");
            let mistake = Diagnostic::new(Code::BadFormat, tree.span.clone(), message);
            self.found.push(mistake.with_help("write one such as utf-8, windows-1252 or iso-8859-15"));
        }
        label.to_owned()
    }

    fn xml(&mut self, tree: &Tree) -> Option<Layout> {
        self.check_keys(tree, &["record", "header", "trailer"]);
        let record = self.required(tree, "record").map(names_of)?;
        if record.len() < 2 {
            let message = "`record` is a path from the root element, such as `Racine/InfosFoyerRSA`";
            self.found.push(Diagnostic::new(Code::BadFormat, tree.span.clone(), message));
        }
        let part = |key| tree.get(key).map(names_of);
        Some(Layout::Xml { record, header: part("header"), trailer: part("trailer") })
    }

    fn csv(&mut self, tree: &Tree) -> Layout {
        self.csv = true;
        if !matches!(tree.node, Node::Null) {
            self.check_keys(tree, &["separator", "quotes", "columns", "first", "last"]);
        }
        let separator = match tree.get("separator").map(|s| (s, s.text().unwrap_or_default().as_bytes())) {
            None => None,
            Some((_, [byte])) => Some(*byte),
            Some((_, b"tab" | b"\\t")) => Some(b'\t'),
            Some((written, _)) => {
                let message = "`separator` is one ASCII character, or `tab`";
                self.found.push(Diagnostic::new(Code::BadFormat, written.span.clone(), message));
                None
            }
        };
        let quotes = tree.get("quotes").is_none_or(|quotes| self.quotes(quotes));
        let edges = self.edges(tree, |_, cells| texts_of(cells));
        Layout::Csv { separator, quotes, columns: tree.get("columns").map(texts_of), edges }
    }

    fn quotes(&mut self, tree: &Tree) -> bool {
        let word = tree.text().unwrap_or_default();
        if word != "none" {
            let message = format!("`quotes` is `none`, or left out, found `{word}`");
            self.found.push(Diagnostic::new(Code::BadFormat, tree.span.clone(), message));
        }
        word != "none"
    }

    fn fixed(&mut self, tree: &Tree) -> Option<Layout> {
        self.csv = true;
        self.check_keys(tree, &["columns", "first", "last"]);
        let columns = self.required(tree, "columns").map(|columns| self.slots(columns))?;
        Some(Layout::Fixed { columns, edges: self.edges(tree, Self::slots) })
    }

    fn slots(&mut self, tree: &Tree) -> Vec<Slot> {
        tree.elements().iter().filter_map(|slot| self.slot(slot)).collect()
    }

    fn slot(&mut self, tree: &Tree) -> Option<Slot> {
        self.check_keys(tree, &["name", "width"]);
        let name = self.required(tree, "name").and_then(Tree::text).map(str::to_owned);
        let written = self.required(tree, "width")?;
        let width = written.text().and_then(|width| width.parse().ok());
        let Some(width) = width.filter(|width| (1..=WIDEST).contains(width)) else {
            let message = format!("`width` is a number of characters, 1 to {WIDEST}");
            self.found.push(Diagnostic::new(Code::BadFormat, written.span.clone(), message));
            return None;
        };
        Some(Slot { name: name?, width })
    }

    /// The rows around the records, whose cells `cells` reads.
    fn edges<C>(&mut self, tree: &Tree, cells: fn(&mut Self, &Tree) -> Vec<C>) -> Edges<C> {
        let [first, last] =
            ["first", "last"].map(|key| tree.get(key).and_then(|edge| self.edge(edge, cells)));
        Edges { first, last }
    }

    fn edge<C>(&mut self, tree: &Tree, cells: fn(&mut Self, &Tree) -> Vec<C>) -> Option<Edge<C>> {
        self.check_keys(tree, &["starts", "cells", "required"]);
        let cells = tree.get("cells").map(|written| cells(self, written)).unwrap_or_default();
        let required = tree.get("required").is_some_and(|required| self.yes(required));
        let starts = self.required(tree, "starts")?;
        let text = starts.text().unwrap_or_default();
        if text.is_empty() {
            let message = "`starts` is what the line starts with, such as `FIN***`";
            self.found.push(Diagnostic::new(Code::BadFormat, starts.span.clone(), message));
        }
        Some(Edge { starts: text.to_owned(), cells, required })
    }

    fn yes(&mut self, tree: &Tree) -> bool {
        let word = tree.text().unwrap_or_default();
        if !["true", "false"].contains(&word) {
            let message = format!("`required` is `true` or `false`, found `{word}`");
            self.found.push(Diagnostic::new(Code::BadFormat, tree.span.clone(), message));
        }
        word == "true"
    }

    pub(super) fn detect(&mut self, tree: &Tree) -> Vec<Detect> {
        tree.elements().iter().filter_map(|condition| self.detect_one(condition)).collect()
    }

    fn detect_one(&mut self, tree: &Tree) -> Option<Detect> {
        self.check_keys(tree, &["path", "in", "present", "absent", "columns", "filename"]);
        let text = |key| tree.get(key).and_then(Tree::text).map(str::to_owned);
        if let (Some(path), Some(words)) = (text("path"), tree.get("in")) {
            return Some(Detect::Among(path, texts_of(words)));
        }
        let columns = || tree.get("columns").map(|c| texts_of(c).iter().map(|c| fold_header(c)).collect());
        let found = tree
            .get("present")
            .map(|present| Detect::Present(texts_of(present)))
            .or_else(|| text("absent").map(Detect::Absent))
            .or_else(|| columns().map(Detect::Columns))
            .or_else(|| text("filename").map(Detect::Filename));
        if found.is_none() {
            let message =
                "a condition is `path` with `in`, or one of `present`, `absent`, `columns`, `filename`";
            self.found.push(Diagnostic::new(Code::MappingShape, tree.span.clone(), message));
        }
        found
    }

    pub(super) fn delivery(&mut self, tree: &Tree) -> DeliveryRules {
        self.check_keys(tree, &["flow", "reference", "created", "snapshot", "totals", "absence"]);
        DeliveryRules {
            flow: tree.get("flow").and_then(Tree::text).map(str::to_owned),
            reference: tree.get("reference").and_then(|r| self.path(r)),
            created: tree.get("created").map(|c| self.paths(c)).unwrap_or_default(),
            snapshot: tree.get("snapshot").map(|s| self.snapshot(s)).unwrap_or_default(),
            totals: tree.get("totals").map(|t| self.totals(t)).unwrap_or_default(),
            absence: tree.get("absence").map(|a| self.absence_of(a)).unwrap_or_default(),
        }
    }

    fn snapshot(&mut self, tree: &Tree) -> Snapshot {
        match tree.text() {
            Some("true") => Snapshot::Always,
            Some("false") => Snapshot::Never,
            Some(other) => {
                let message = format!("`snapshot` is true, false, or `from` with `in`, found `{other}`");
                self.found.push(Diagnostic::new(Code::MappingShape, tree.span.clone(), message));
                Snapshot::Never
            }
            None => {
                self.check_keys(tree, &["from", "in"]);
                let words = tree.get("in").map(texts_of).unwrap_or_default();
                let path = self.required(tree, "from").and_then(|from| self.path(from));
                path.map_or(Snapshot::Never, |path| Snapshot::When(path, words))
            }
        }
    }

    fn totals(&mut self, tree: &Tree) -> Vec<Path> {
        let mut paths = Vec::new();
        for total in tree.elements() {
            self.check_keys(total, &["from", "counts"]);
            if let Some(path) = self.required(total, "from").and_then(|from| self.path(from)) {
                paths.push(path);
            }
        }
        paths
    }

    fn absence_of(&mut self, tree: &Tree) -> Vec<(FieldId, Option<Value>)> {
        let mut fields = Vec::new();
        for (name, value) in tree.entries() {
            let path = name.text().unwrap_or_default();
            if let Some(field) = self.canon.find(path) {
                let states = !matches!(value.node, Node::Null);
                fields.push((field, states.then(|| self.constant(field, value)).flatten()));
            } else {
                let known = self.canon.fields().map(|(_, f)| f.path.as_str());
                let message = format!("the canonical record has no field `{path}`");
                let diagnostic =
                    Diagnostic::new(Code::UnknownField, name.span.clone(), message).near(path, known);
                self.found.push(diagnostic);
            }
        }
        fields.sort_by_key(|(id, _)| *id);
        fields
    }
}

fn texts_of(tree: &Tree) -> Vec<String> {
    tree.elements().iter().filter_map(|element| element.text().map(str::to_owned)).collect()
}

fn names_of(tree: &Tree) -> Vec<String> {
    tree.text().unwrap_or_default().split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
