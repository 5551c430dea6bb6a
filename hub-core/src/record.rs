//! Decode's noun: one record of a feed as a flat tree of named nodes with their text.
//!
//! A frame (raw bytes of one record) enters a decoder, a `Record` leaves it, whatever the format: an XML element, a CSV
//! column and a JSON member are all nodes. Nodes stand in document order, so a subtree is one slice and navigation
//! never allocates. Only names a mapping reads are kept: [`Names`] interns those, everything else is skipped.

use std::collections::HashMap;
use std::num::NonZeroU32;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// Where a record stands in its delivery: number from 1, line from 1, byte offset in the decompressed original bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// Ordinal of the record in the delivery, from 1; 0 means the delivery itself.
    pub number: u64,
    /// Line on which the record starts, from 1.
    pub line: u64,
    /// Byte at which the record starts, in the delivery's own bytes (before transcoding).
    pub byte: u64,
}

/// An interned element, column or member name; `NameId(0)` is the record's own root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(pub u32);

impl NameId {
    /// The root node of every record.
    pub const ROOT: Self = Self(0);
}

/// The names a mapping reads. A decoder skips subtrees whose name is not here.
#[derive(Debug, Clone, Default)]
pub struct Names {
    ids: HashMap<CompactString, NameId>,
}

impl Names {
    /// Interns `name`, returning the same id for the same name.
    pub fn intern(&mut self, name: &str) -> NameId {
        let next = NameId(u32::try_from(self.ids.len() + 1).unwrap_or(u32::MAX));
        *self.ids.entry(CompactString::from(name)).or_insert(next)
    }

    /// Looks a name up; `None` means no rule reads it.
    #[inline]
    pub fn get(&self, name: &str) -> Option<NameId> {
        self.ids.get(name).copied()
    }

    /// Every interned name, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, NameId)> {
        self.ids.iter().map(|(name, id)| (name.as_str(), *id))
    }
}

#[derive(Debug, Clone, Copy)]
struct Node {
    name: NameId,
    /// Text range in `Record::text`.
    from: u32,
    to: u32,
    /// Index one past the last node of this subtree.
    end: u32,
}

/// A node handle: an index into its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// One decoded record. Decoders fill it with [`Record::open`], [`Record::text`] and [`Record::close`]; it is meant to
/// be cleared and filled again, so that decoding a batch allocates a handful of times.
#[derive(Debug, Clone, Default)]
pub struct Record {
    text: String,
    nodes: Vec<Node>,
    open: Vec<u32>,
    /// The root's first child of each name: a row's columns are found without looking through them.
    first: Vec<Option<NonZeroU32>>,
}

impl Record {
    /// Empties the record and opens its root.
    pub fn clear(&mut self) {
        self.text.clear();
        self.nodes.clear();
        self.open.clear();
        self.first.fill(None);
        self.open(NameId::ROOT);
    }

    /// Opens a child of the innermost open node.
    pub fn open(&mut self, name: NameId) {
        let at = len32(self.text.len());
        if self.open.len() == 1 {
            self.note_first(name);
        }
        self.open.push(len32(self.nodes.len()));
        self.nodes.push(Node { name, from: at, to: at, end: 0 });
    }

    fn note_first(&mut self, name: NameId) {
        let slot = name.0 as usize;
        if slot >= self.first.len() {
            self.first.resize(slot + 1, None);
        }
        if let Some(first) = self.first.get_mut(slot) {
            *first = first.or(NonZeroU32::new(len32(self.nodes.len())));
        }
    }

    /// Appends text to the innermost open node. Text that follows a child is dropped: no feed of ours has mixed content.
    pub fn text(&mut self, text: &str) {
        let Some(&top) = self.open.last() else { return };
        if top as usize + 1 != self.nodes.len() {
            return;
        }
        self.push(text);
        let to = len32(self.text.len());
        if let Some(node) = self.nodes.get_mut(top as usize) {
            node.to = to;
        }
    }

    /// A line break is one character, however the file ends its lines (XML 1.0, 2.11), and so is an accented letter (NFC).
    fn push(&mut self, text: &str) {
        if !text.is_ascii() && text.contains(|c| ('\u{300}'..='\u{36F}').contains(&c)) {
            let composed: String = text.nfc().collect();
            return self.push_lines(&composed);
        }
        self.push_lines(text);
    }

    fn push_lines(&mut self, text: &str) {
        if !text.contains('\r') {
            return self.text.push_str(text);
        }
        let mut lines = text.split('\r');
        self.text.push_str(lines.next().unwrap_or_default());
        for line in lines {
            self.text.push('\n');
            self.text.push_str(line.strip_prefix('\n').unwrap_or(line));
        }
    }

    /// Closes the innermost open node.
    pub fn close(&mut self) {
        let end = len32(self.nodes.len());
        if let Some(node) = self.open.pop().and_then(|top| self.nodes.get_mut(top as usize)) {
            node.end = end;
        }
    }

    /// Closes everything still open; a decoder calls it last.
    pub fn finish(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
    }

    /// Adds a childless node, as a CSV column is.
    pub fn leaf(&mut self, name: NameId, text: &str) {
        self.open(name);
        self.text(text);
        self.close();
    }

    /// The root node.
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// The text of a node, trimmed of surrounding white space.
    pub fn value(&self, node: NodeId) -> &str {
        self.nodes
            .get(node.0 as usize)
            .and_then(|n| self.text.get(n.from as usize..n.to as usize))
            .map_or("", str::trim)
    }

    /// The children of `node` that bear `name`, in document order.
    pub fn children(&self, node: NodeId, name: NameId) -> Children<'_> {
        let end = self.nodes.get(node.0 as usize).map_or(0, |n| n.end);
        let next = match node.0 {
            0 => self.first.get(name.0 as usize).copied().flatten().map_or(end, NonZeroU32::get),
            at => at + 1,
        };
        Children { record: self, next, end, name }
    }

    /// The first child of `node` that bears `name`.
    pub fn child(&self, node: NodeId, name: NameId) -> Option<NodeId> {
        self.children(node, name).next()
    }

    /// Size of the text held, in bytes.
    pub fn size_bytes(&self) -> usize {
        self.text.len()
    }
}

/// Iterator over the children of one node that bear one name.
#[derive(Debug)]
pub struct Children<'r> {
    record: &'r Record,
    next: u32,
    end: u32,
    name: NameId,
}

impl Iterator for Children<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        while self.next < self.end {
            let at = self.next;
            let node = self.record.nodes.get(at as usize)?;
            self.next = node.end.max(at + 1);
            if node.name == self.name {
                return Some(NodeId(at));
            }
        }
        None
    }
}

/// Record sizes are capped far below 4 GiB by the framers, so offsets fit 32 bits; saturating keeps a broken cap safe.
fn len32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accent_set_apart_is_one_letter_and_a_line_break_one_character() {
        let mut names = Names::default();
        let name = names.intern("PRENOM");
        let mut record = Record::default();
        record.clear();
        record.leaf(name, "ZOE\u{301}\r\nLE\u{327}A");
        record.finish();
        let found = record.child(record.root(), name).map(|node| record.value(node));
        assert_eq!(found, Some("ZO\u{C9}\nL\u{228}A"));
    }

    #[test]
    fn children_skip_the_subtrees_between_them() {
        let mut names = Names::default();
        let (person, nir) = (names.intern("Personne"), names.intern("NIR"));
        let mut record = Record::default();
        record.clear();
        for value in [" 1 ", "2"] {
            record.open(person);
            record.leaf(nir, value);
            record.close();
        }
        record.finish();
        let found: Vec<_> = record
            .children(record.root(), person)
            .filter_map(|p| record.child(p, nir))
            .map(|n| record.value(n))
            .collect();
        assert_eq!(found, ["1", "2"]);
    }
}
