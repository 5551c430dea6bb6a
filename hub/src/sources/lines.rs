//! Where things stand in the sources file: a path of keys enters, the line it is written at leaves, or the other way round.
//!
//! Serde tells the line of what it cannot read, but not its keys; what is read and means nothing has keys, but no line.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// Keys, joined with dots, by line and column in the order of the file.
#[derive(Debug, Default, Clone)]
pub(super) struct Lines(Vec<((u64, u64), String)>);

impl Lines {
    /// Those of a file; none when it cannot be read.
    pub(super) fn of(text: &str) -> Self {
        let mut lines = Self::default();
        if let Ok(root) = serde_saphyr::from_str::<Node>(text) {
            lines.note("", &root);
        }
        lines
    }

    /// The line of a path, or of what it stands in.
    pub(super) fn at(&self, path: &str) -> Option<u64> {
        let mut path = path;
        loop {
            if let Some(((line, _), _)) = self.0.iter().find(|(_, known)| known == path) {
                return Some(*line);
            }
            path = path.rsplit_once('.')?.0;
        }
    }

    /// The keys a place stands under: the last ones before it.
    pub(super) fn under(&self, place: (u64, u64)) -> Option<&str> {
        let before = self.0.iter().take_while(|(at, _)| *at <= place);
        before.last().map(|(_, path)| path.strip_prefix("sources.").unwrap_or(path))
    }

    fn note(&mut self, path: &str, node: &Node) {
        let Node::Inside(entries) = node else { return };
        for (key, value) in entries {
            let path = if path.is_empty() { key.value.clone() } else { format!("{path}.{}", key.value) };
            self.0.push(((key.referenced.line(), key.referenced.column()), path.clone()));
            self.note(&path, value);
        }
    }
}

/// A node of which only the keys matter.
enum Node {
    Inside(Vec<(Spanned<String>, Self)>),
    Leaf,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyNode)
    }
}

struct AnyNode;

impl<'de> Visitor<'de> for AnyNode {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML node")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Node::Inside(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Node::Leaf)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_nowhere_stands_where_it_would() {
        let lines =
            Lines::of("sources:\n  caf:\n    expected: {by: \"07:00\"}\n    pulls:\n      nuit: {}\n");
        assert_eq!(lines.at("sources.caf.expected.by"), Some(3));
        assert_eq!(lines.at("sources.caf.pulls.nuit.schedule.cron"), Some(5));
        assert_eq!(lines.at("others"), None);
        assert_eq!(lines.under((3, 15)), Some("caf.expected"));
        assert_eq!(lines.under((3, 21)), Some("caf.expected.by"));
        assert_eq!(Lines::of(": : [").at("sources"), None);
    }
}
