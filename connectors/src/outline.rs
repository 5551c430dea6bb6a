//! What a file holds, whatever a mapping reads of it: the elements of an XML file, the leaves of one record.
//!
//! Bytes of an extract enter; names leave, and texts only towards the visitor given. For those who write mappings: a run reads
//! through a decoder, which keeps what its mapping names.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use serde_json::Value as Json;

use crate::probe::readable;

/// Most different elements looked at, and deepest.
const MOST: usize = 5_000;
const DEEPEST: usize = 64;

/// An element of an XML file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Its path from the root, without prefixes.
    pub path: String,
    /// Most of them under one parent.
    pub most: u64,
    /// It has elements inside.
    pub parent: bool,
    /// How many under the parent looked at last.
    pub count: u64,
}

/// The elements of an XML file whose first bytes are given, in document order. The bytes may be cut anywhere.
pub fn elements(head: &[u8]) -> Vec<Element> {
    let text = readable(head);
    let mut reader = Reader::from_str(&text);
    let mut found: Vec<Element> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) if open.len() < DEEPEST => {
                open.push(tag.local_name().into_inner().to_owned());
                note(&mut found, &open);
            }
            Event::Empty(tag) => {
                open.push(tag.local_name().into_inner().to_owned());
                note(&mut found, &open);
                open.pop();
            }
            Event::End(_) => {
                settle(&mut found, &open.join("/"));
                open.pop();
            }
            Event::Start(_) | Event::Eof | Event::DocType(_) => break,
            _ => {}
        }
        if found.len() >= MOST {
            break;
        }
    }
    for element in &mut found {
        element.most = element.most.max(element.count);
    }
    found
}

fn note(found: &mut Vec<Element>, open: &[String]) {
    let path = open.join("/");
    if let Some((above, _)) = path.rsplit_once('/')
        && let Some(above) = found.iter_mut().find(|element| element.path == above)
    {
        above.parent = true;
    }
    match found.iter_mut().find(|element| element.path == path) {
        Some(element) => element.count += 1,
        None => found.push(Element { path, count: 1, ..Element::default() }),
    }
}

/// Under the next parent, elements are counted anew.
fn settle(found: &mut [Element], path: &str) {
    let inside =
        |element: &&mut Element| element.path.rsplit_once('/').is_some_and(|(above, _)| above == path);
    for element in found.iter_mut().filter(inside) {
        element.most = element.most.max(element.count);
        element.count = 0;
    }
}

/// Visits the leaves of one XML record, its root left out of the paths, and their attributes (`A/@b`).
pub fn xml_leaves(record: &[u8], visit: &mut dyn FnMut(&str, &str)) {
    let text = String::from_utf8_lossy(record);
    let mut reader = Reader::from_str(&text);
    // Name, text, and whether elements stand inside.
    let mut open: Vec<(String, String, bool)> = Vec::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) if open.len() < DEEPEST => enter(&mut open, &tag, visit),
            Event::Empty(tag) => {
                enter(&mut open, &tag, visit);
                leave(&mut open, visit);
            }
            Event::End(_) => leave(&mut open, visit),
            Event::Text(found) => push(&mut open, &found),
            Event::CData(found) => push(&mut open, &found),
            // What it stands for does not matter to a shape.
            Event::GeneralRef(_) => push(&mut open, "&"),
            Event::Start(_) | Event::Eof => break,
            _ => {}
        }
    }
}

fn push(open: &mut [(String, String, bool)], text: &str) {
    if let Some((_, held, _)) = open.last_mut() {
        held.push_str(text);
    }
}

fn enter(open: &mut Vec<(String, String, bool)>, tag: &BytesStart<'_>, visit: &mut dyn FnMut(&str, &str)) {
    if let Some((_, _, inside)) = open.last_mut() {
        *inside = true;
    }
    open.push((tag.local_name().into_inner().to_owned(), String::new(), false));
    for attribute in tag.attributes().flatten() {
        let name = attribute.key.local_name().into_inner();
        let value = unescape(&attribute.value).unwrap_or_default();
        // A declaration of a namespace is no field.
        if !attribute.key.as_ref().starts_with("xmlns") {
            visit(&below(&path_of(open), &format!("@{name}")), value.trim());
        }
    }
}

fn leave(open: &mut Vec<(String, String, bool)>, visit: &mut dyn FnMut(&str, &str)) {
    let path = path_of(open);
    if let Some((_, text, false)) = open.pop()
        && !path.is_empty()
    {
        visit(&path, text.trim());
    }
}

fn path_of(open: &[(String, String, bool)]) -> String {
    let names: Vec<&str> = open.iter().skip(1).map(|(name, ..)| name.as_str()).collect();
    names.join("/")
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

/// An element with all that stands inside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// Its name, without prefix.
    pub name: String,
    /// Its own text.
    pub text: String,
    /// The elements inside.
    pub children: Vec<Self>,
    attributes: Vec<(String, String)>,
}

impl Node {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The first element of that name inside.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    fn of(tag: &BytesStart<'_>) -> Self {
        let attributes = tag.attributes().flatten().map(|attribute| {
            let value = unescape(&attribute.value).unwrap_or_default().into_owned();
            (attribute.key.local_name().into_inner().to_owned(), value)
        });
        let name = tag.local_name().into_inner().to_owned();
        Self { name, attributes: attributes.collect(), ..Self::default() }
    }
}

/// A small XML document, such as a schema, as a tree; none when it is not well-formed or too deep.
pub fn xml_tree(bytes: &[u8]) -> Option<Node> {
    let text = readable(bytes);
    let mut reader = Reader::from_str(&text);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) if open.len() < DEEPEST => open.push(Node::of(&tag)),
            Event::Empty(tag) => open.last_mut()?.children.push(Node::of(&tag)),
            Event::End(_) => {
                let node = open.pop()?;
                open.last_mut()?.children.push(node);
            }
            Event::Text(found) => open.last_mut()?.text.push_str(&found),
            Event::Eof => break,
            Event::Start(_) | Event::DocType(_) => return None,
            _ => {}
        }
    }
    open.pop()?.children.into_iter().next()
}

/// Visits the leaves of one JSON record; an array is its member repeated.
pub fn json_leaves(record: &[u8], visit: &mut dyn FnMut(&str, &str)) {
    if let Ok(record) = serde_json::from_slice::<Json>(record) {
        json_below(&record, "", visit);
    }
}

fn json_below(value: &Json, path: &str, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Json::Object(members) => {
            for (name, inside) in members {
                json_below(inside, &below(path, name), visit);
            }
        }
        Json::Array(items) => {
            for item in items {
                json_below(item, path, visit);
            }
        }
        Json::Null => visit(path, ""),
        Json::String(text) => visit(path, text.trim()),
        Json::Bool(_) | Json::Number(_) => visit(path, &value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elements_of_a_file_tell_which_one_is_repeated() {
        let found = elements(b"<R><H><N/></H><P><A>1</A><A>2</A></P><P><A>3</A></P><P/>");
        let shown: Vec<_> = found.iter().map(|e| (e.path.as_str(), e.most, e.parent)).collect();
        let wanted =
            [("R", 1, true), ("R/H", 1, true), ("R/H/N", 1, false), ("R/P", 3, true), ("R/P/A", 2, false)];
        assert_eq!(shown, wanted);
    }

    #[test]
    fn the_leaves_of_a_record_are_visited_with_their_paths() {
        type Leaves = fn(&[u8], &mut dyn FnMut(&str, &str));
        let seen = |leaves: Leaves, bytes: &str| {
            let mut seen = Vec::new();
            leaves(bytes.as_bytes(), &mut |path, text| seen.push(format!("{path}={text}")));
            seen
        };
        let xml = "<P id='7' xmlns:x='u'><A> 1 </A><B><x:C z='2'/></B></P>";
        assert_eq!(seen(xml_leaves, xml), ["@id=7", "A=1", "B/C/@z=2", "B/C="]);
        let json = r#"{"a":1,"b":{"c":["x","y"]},"d":[{"e":null}]}"#;
        assert_eq!(seen(json_leaves, json), ["a=1", "b/c=x", "b/c=y", "d/e="]);
        assert_eq!(seen(json_leaves, "{cut"), [""; 0]);
    }
}
