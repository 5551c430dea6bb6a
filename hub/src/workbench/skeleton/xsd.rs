//! Looks at an XML schema: the elements it describes, as if a file of that schema had been seen.
//!
//! The text of an XSD enters; a sample without records leaves. References and types are followed inside this one file, no deeper
//! than records may be; a schema that refers to itself ends there.

use std::collections::HashMap;

use connectors::outline::{Element, Node, xml_tree};
use hub_core::connector::Layout;

use super::shape::{Shape, looks_like_a_value};
use super::{Elements, Sample, SampleError, SourceField};

/// Deepest and most elements followed.
const DEEPEST: usize = 24;
const MOST: usize = 5_000;

/// Looks at a schema. `record` names the repeated element.
///
/// # Errors
/// When it is no schema, or no record is found in it.
pub fn look(bytes: &[u8], record: Option<&str>) -> Result<Sample, SampleError> {
    let tree = xml_tree(bytes).filter(|root| root.name == "schema").ok_or(SampleError::NoField)?;
    let named = |kinds: &'static [&str]| -> HashMap<&str, &Node> {
        let of_kind = tree.children.iter().filter(|node| kinds.contains(&node.name.as_str()));
        of_kind.filter_map(|node| Some((node.attribute("name")?, node))).collect()
    };
    let mut walk = Walk {
        elements: named(&["element"]),
        types: named(&["complexType", "simpleType"]),
        groups: named(&["group", "attributeGroup"]),
        found: Vec::new(),
        fields: Vec::new(),
    };
    let roots = tree.children.iter().filter(|node| node.name == "element");
    let size = |root: &&Node| {
        let mut trial = Walk { found: Vec::new(), fields: Vec::new(), ..walk.clone() };
        trial.element(root, "", 0);
        trial.found.len()
    };
    let root = roots.max_by_key(size).ok_or(SampleError::NoField)?;
    walk.element(root, "", 0);
    let elements = Elements(walk.found);
    let record = elements.record(record)?;
    let inside = format!("{record}/");
    let fields: Vec<SourceField> = walk
        .fields
        .into_iter()
        .filter_map(|field| Some(SourceField { name: field.name.strip_prefix(&inside)?.to_owned(), ..field }))
        .filter(|field| !looks_like_a_value(&field.name))
        .collect();
    if fields.is_empty() {
        return Err(SampleError::NoField);
    }
    let (layout, repeated) = (elements.layout(&record), elements.repeated_inside(&record));
    let mut sample =
        Sample { layout, encoding: None, headless: false, each: None, fields, left_out: 0, records: 0 };
    sample.each = sample.persons_in(&repeated);
    debug_assert!(matches!(sample.layout, Layout::Xml { .. }), "a schema is of XML");
    Ok(sample)
}

#[derive(Clone)]
struct Walk<'x> {
    elements: HashMap<&'x str, &'x Node>,
    types: HashMap<&'x str, &'x Node>,
    groups: HashMap<&'x str, &'x Node>,
    found: Vec<Element>,
    fields: Vec<SourceField>,
}

/// A name without its prefix.
fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

impl<'x> Walk<'x> {
    fn element(&mut self, node: &'x Node, above: &str, depth: usize) {
        let most = match node.attribute("maxOccurs") {
            Some("unbounded") => 2,
            Some(number) => number.parse().unwrap_or(1),
            None => 1,
        };
        let node = match node.attribute("ref").map(local) {
            // An element inside itself has no end.
            Some(name) if above.split('/').any(|open| open == name) => return,
            Some(name) => self.elements.get(name).copied().unwrap_or(node),
            None => node,
        };
        let Some(name) = node.attribute("name").or_else(|| node.attribute("ref")).map(local) else { return };
        if depth > DEEPEST || self.found.len() >= MOST {
            return;
        }
        let path = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
        let at = self.found.len();
        self.found.push(Element { path: path.clone(), most, ..Element::default() });
        let named = node.attribute("type").and_then(|name| self.types.get(local(name)).copied());
        for part in node.children.iter().chain(named) {
            self.content(part, &path, depth + 1);
        }
        let parent = self.found.len() > at + 1;
        if let Some(element) = self.found.get_mut(at) {
            element.parent = parent;
        }
        if !parent {
            let kind = node.attribute("type").map(local).or_else(|| base_of(node));
            let told = told_of(node);
            self.fields.push(SourceField {
                name: path,
                shape: Some(shape_of(kind)),
                note: told,
                ..SourceField::default()
            });
        }
    }

    /// What stands inside an element or a type.
    fn content(&mut self, node: &'x Node, path: &str, depth: usize) {
        if depth > DEEPEST * 2 {
            return;
        }
        match node.name.as_str() {
            "element" => self.element(node, path, depth),
            "attribute" => {
                if let Some(name) = node.attribute("name").or_else(|| node.attribute("ref")) {
                    let shape = Some(shape_of(node.attribute("type").map(local)));
                    let name = format!("{path}/@{}", local(name));
                    self.fields.push(SourceField {
                        name,
                        shape,
                        note: told_of(node),
                        ..SourceField::default()
                    });
                }
            }
            "group" | "attributeGroup" => {
                let of = node.attribute("ref").and_then(|name| self.groups.get(local(name)).copied());
                let parts = of.map(|group| group.children.as_slice()).unwrap_or_default();
                for part in parts {
                    self.content(part, path, depth + 1);
                }
            }
            "complexType" | "complexContent" | "simpleContent" | "sequence" | "choice" | "all" => {
                for part in &node.children {
                    self.content(part, path, depth + 1);
                }
            }
            "extension" | "restriction" => {
                let base = node.attribute("base").and_then(|name| self.types.get(local(name)).copied());
                if let Some(base) = base {
                    self.content(base, path, depth + 1);
                }
                for part in &node.children {
                    self.content(part, path, depth + 1);
                }
            }
            _ => {}
        }
    }
}

fn base_of(node: &Node) -> Option<&str> {
    let restriction = node.child("simpleType").and_then(|simple| simple.child("restriction"));
    restriction.and_then(|restriction| restriction.attribute("base")).map(local)
}

fn shape_of(kind: Option<&str>) -> Shape {
    match kind {
        Some("date" | "dateTime") => Shape::IsoDate,
        Some("integer" | "int" | "long" | "positiveInteger" | "nonNegativeInteger" | "short") => {
            Shape::Digits
        }
        _ => Shape::Text,
    }
}

/// The first words a schema says of an element, on one line.
fn told_of(node: &Node) -> String {
    let told = node.child("annotation").and_then(|note| note.child("documentation"));
    let words: Vec<&str> = told.map(|told| told.text.split_whitespace().collect()).unwrap_or_default();
    words.join(" ").chars().take(90).collect()
}
