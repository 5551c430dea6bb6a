//! Values of canonical fields, flat in memory and nested in JSON.
//!
//! A set of field values is a vector sorted by field, so two sets compare in one walk. Debug never shows a value: these are
//! facts about a person.

use std::fmt;

use compact_str::CompactString;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::{Canon, FieldId};

/// One value in canonical form. `Serialize` is how it is kept, by field numbers; people and programs read [`Value::shown`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Value {
    /// Text, code, date (ISO 8601, reduced precision), decimal, NIR13: all compare as text.
    Text(CompactString),
    /// True or false.
    Bool(bool),
    /// A count.
    Int(i64),
    /// A repeated group, in source order.
    List(Vec<Item>),
}

/// One element of a repeated group, sorted by field.
pub type Item = Vec<(FieldId, Value)>;

/// Field values sorted by field, each field at most once.
pub type FieldValues = Vec<(FieldId, Value)>;

impl Value {
    /// Builds a text value.
    pub fn text(text: &str) -> Self {
        Self::Text(CompactString::from(text))
    }

    /// The text, when it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a repeated group holds every element of another.
    pub fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(items), Self::List(others)) => others.iter().all(|item| items.contains(item)),
            _ => false,
        }
    }

    /// The value as JSON; repeated groups become arrays of objects.
    pub fn to_json(&self, canon: &Canon) -> Json {
        match self {
            Self::Text(text) => Json::String(text.to_string()),
            Self::Bool(b) => Json::Bool(*b),
            Self::Int(n) => Json::from(*n),
            Self::List(items) => items
                .iter()
                .map(|item| {
                    let members =
                        item.iter().map(|(id, v)| (canon.field(*id).name().to_owned(), v.to_json(canon)));
                    Json::Object(members.collect())
                })
                .collect(),
        }
    }

    /// The value ready to be written as [`Value::to_json`] would have it, with nothing built on the way.
    pub fn shown<'v>(&'v self, canon: &'v Canon) -> Shown<'v> {
        Shown { canon, value: self }
    }
}

/// A value with the schema that names its members.
#[derive(Clone, Copy)]
pub struct Shown<'v> {
    canon: &'v Canon,
    value: &'v Value,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Text(text) => serializer.serialize_str(text),
            Value::Bool(b) => serializer.serialize_bool(*b),
            Value::Int(n) => serializer.serialize_i64(*n),
            Value::List(items) => {
                serializer.collect_seq(items.iter().map(|item| Members { canon: self.canon, item }))
            }
        }
    }
}

struct Members<'v> {
    canon: &'v Canon,
    item: &'v Item,
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let canon = self.canon;
        serializer.collect_map(self.item.iter().map(|(id, v)| (canon.field(*id).name(), v.shown(canon))))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Bool(_) => f.write_str("Bool"),
            Self::Int(_) => f.write_str("Int"),
            Self::List(items) => write!(f, "List({})", items.len()),
        }
    }
}

pub(super) fn nest(canon: &Canon, values: &FieldValues) -> Json {
    let mut root = Map::new();
    for (id, value) in values {
        insert(&mut root, &canon.field(*id).path, value.to_json(canon));
    }
    Json::Object(root)
}

fn insert(object: &mut Map<String, Json>, path: &str, value: Json) {
    let Some((head, rest)) = path.split_once('.') else {
        object.insert(path.to_owned(), value);
        return;
    };
    if let Some(child) = object.entry(head).or_insert_with(|| Json::Object(Map::new())).as_object_mut() {
        insert(child, rest, value);
    }
}
