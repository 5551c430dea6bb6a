//! A mapping file as a tree of spanned YAML nodes.
//!
//! Text enters, a tree leaves in which every key and value knows its bytes, so that the compiler can underline any mistake and
//! report them all at once instead of stopping at the first.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::diagnostic::Diagnostic;
use crate::code::Code;

/// A node with the place it was written at.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    pub node: Node,
    pub span: Range<usize>,
    pub line: u64,
}

/// What a node holds. Scalars stay text: types are the compiler's matter.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Null,
    Scalar(String),
    List(Vec<Tree>),
    Map(Vec<(Tree, Tree)>),
}

impl Tree {
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        serde_saphyr::from_str::<Spanned<Raw>>(text).map(Self::from).map_err(|error| {
            let span = error.location().map_or(0..0, |at| bytes_in(text, &at));
            let message = error.without_snippet().to_string();
            Diagnostic::new(Code::MappingSyntax, span, message)
        })
    }

    pub fn text(&self) -> Option<&str> {
        match &self.node {
            Node::Scalar(text) => Some(text),
            _ => None,
        }
    }

    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(k, _)| k.text() == Some(key)).map(|(_, v)| v)
    }

    pub fn entries(&self) -> &[(Self, Self)] {
        match &self.node {
            Node::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The keys of this map, then those of `base` that it lacks and `inherits` lets through. What comes from the base stands at `at`:
    /// a mistake there is underlined where the base is named.
    pub fn over(mut self, base: Self, inherits: impl Fn(&str) -> bool, at: &Self) -> Self {
        let Node::Map(theirs) = base.node else { return self };
        let lacking = |key: &Self| key.text().is_some_and(|key| inherits(key) && self.get(key).is_none());
        let added: Vec<_> = theirs.into_iter().filter(|(key, _)| lacking(key)).collect();
        if let Node::Map(own) = &mut self.node {
            own.extend(added.into_iter().map(|(key, value)| (key.moved(at), value.moved(at))));
        }
        self
    }

    fn moved(self, at: &Self) -> Self {
        let node = match self.node {
            Node::List(items) => Node::List(items.into_iter().map(|item| item.moved(at)).collect()),
            Node::Map(entries) => {
                Node::Map(entries.into_iter().map(|(key, value)| (key.moved(at), value.moved(at))).collect())
            }
            leaf => leaf,
        };
        Self { node, span: at.span.clone(), line: at.line }
    }

    /// The elements of a list; a single node counts as a list of one.
    pub fn elements(&self) -> &[Self] {
        match &self.node {
            Node::List(items) => items,
            Node::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }
}

impl From<Spanned<Raw>> for Tree {
    fn from(raw: Spanned<Raw>) -> Self {
        let (span, line) = (bytes_of(&raw.referenced), raw.referenced.line());
        let node = match raw.value {
            Raw::Null => Node::Null,
            Raw::Scalar(text) => Node::Scalar(text),
            Raw::List(items) => Node::List(items.into_iter().map(Self::from).collect()),
            Raw::Map(entries) => {
                Node::Map(entries.into_iter().map(|(k, v)| (Self::from(k), Self::from(v))).collect())
            }
        };
        Self { node, span, line }
    }
}

/// The bytes of a place in a text: a syntax error may know its place in characters only, or lie past the end.
fn bytes_in(text: &str, location: &serde_saphyr::Location) -> Range<usize> {
    let span = bytes_of(location);
    if location.span().byte_offset().is_some() && text.get(span.clone()).is_some() {
        return span;
    }
    let byte = |count: usize| text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    let characters = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let from = characters(location.span().offset());
    byte(from)..byte(from.saturating_add(characters(location.span().len())))
}

fn bytes_of(location: &serde_saphyr::Location) -> Range<usize> {
    let span = location.span();
    let from = usize::try_from(span.byte_offset().unwrap_or_else(|| span.offset())).unwrap_or(0);
    let len = usize::try_from(span.byte_len().unwrap_or_else(|| span.len())).unwrap_or(0);
    from..from.saturating_add(len)
}

enum Raw {
    Null,
    Scalar(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<Self>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list or a map")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(v.to_string()))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(v.to_string()))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(v.to_string()))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Raw, E> {
        Ok(Raw::Scalar(v.to_string()))
    }

    fn visit_str<E>(self, v: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(v.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Raw, D::Error> {
        Raw::deserialize(d)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_their_bytes() {
        let text = "mapping: caf/x\nrecord:\n  key: [A, \"007\"]\n  empty:\n";
        let tree = Tree::parse(text).expect("valid YAML");
        let key = tree.get("record").and_then(|r| r.get("key")).expect("the key");
        let texts: Vec<_> = key.elements().iter().filter_map(Tree::text).collect();
        assert_eq!(texts, ["A", "007"]);
        let first = &key.elements()[0];
        assert_eq!(&text[first.span.clone()], "A");
        assert_eq!(&text[tree.entries()[1].0.span.clone()], "record");
    }

    #[test]
    fn broken_yaml_is_a_coded_diagnostic() {
        let error = Tree::parse("a: [1, 2").expect_err("not closed");
        assert_eq!(error.code, Code::MappingSyntax);
    }
}
