//! The canonical person/parcours record: which fields exist, and how a set of field values looks as JSON.
//!
//! The JSON Schema in `schemas/personne/` is the single truth; [`Canon`] is that schema read into a flat table of fields, so
//! that a mapping, a claim and a diff speak of a field by a small number. Nothing here knows a source.

pub mod date;
pub mod kind;
pub mod nir;
mod place;
mod schema;
mod table;
mod value;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

pub use kind::{Kind, Reads};
pub use place::{is_commune_code, is_departement, is_postal_code};
pub use schema::SchemaError;
pub use table::{FieldReadings, FieldTable, Reading};
pub use value::{FieldValues, Item, Shown, Value};

/// A field of the canonical record, by its place in the [`Canon`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FieldId(pub u16);

/// Who may read a value: the classification each field declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Classification {
    /// Tells who the person is (name, NIR, identifiers).
    Identifying,
    /// Health, handicap, social difficulty: not exported by default (CASF R. 263-5).
    Sensitive,
    /// Anything else.
    Ordinary,
}

/// The family of events a field's change belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// The person itself.
    Personne,
    /// A right (RSA and others).
    Droit,
    /// Registration as a jobseeker.
    Inscription,
    /// Orientation and follow-up.
    Orientation,
    /// A contract of engagement.
    Engagement,
}

/// One field of the canonical record.
#[derive(Debug, Clone)]
pub struct Field {
    /// Dotted path, `contacts.telephones[].numero` inside a repeated group.
    pub path: String,
    /// Type of its values.
    pub kind: Kind,
    /// Who may read it.
    pub classification: Classification,
    /// Which events announce it.
    pub category: Category,
    /// The block it belongs to: fields of one block always come from one claim.
    pub block: u16,
    /// Its block is one thing: where part of it changes, nothing of the old one stays.
    pub indivisible: bool,
    /// A repeated group that unites what a source's claims state; one inside a block comes from one claim with it.
    pub united: bool,
    /// The field it qualifies: without it, it says nothing. Both belong to one block.
    pub qualifies: Option<FieldId>,
    /// A date that cannot lie in the future.
    pub past: bool,
    /// Closed set of codes, when the schema gives one.
    pub admitted: Option<Vec<String>>,
    /// The repeated group that holds it, if any.
    pub list: Option<FieldId>,
}

impl Field {
    /// The last word of the path: the member name in JSON.
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or(&self.path)
    }
}

/// The canonical schema as a table. Field order is schema order, so sorted field values have a stable order.
#[derive(Debug, Clone)]
pub struct Canon {
    fields: Vec<Field>,
    by_path: HashMap<String, FieldId>,
}

impl Canon {
    /// Reads the schema.
    ///
    /// # Errors
    /// When the text is not JSON or a field lacks its `x-type` or `x-classification`.
    pub fn from_schema(text: &str) -> Result<Self, SchemaError> {
        let fields = schema::read(text)?;
        let by_path = (0u16..).zip(&fields).map(|(i, f)| (f.path.clone(), FieldId(i))).collect();
        Ok(Self { fields, by_path })
    }

    /// Finds a field by its path.
    pub fn find(&self, path: &str) -> Option<FieldId> {
        self.by_path.get(path).copied()
    }

    /// The field; ids only come from this table.
    ///
    /// # Panics
    /// On an id of another canon, which no caller can hold.
    pub fn field(&self, id: FieldId) -> &Field {
        self.fields.get(id.0 as usize).expect("field ids come from this canon")
    }

    /// Every field with its id, in schema order.
    pub fn fields(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        (0u16..).map(FieldId).zip(&self.fields)
    }

    /// Finds the member `name` of the repeated group `list`.
    pub fn member(&self, list: FieldId, name: &str) -> Option<FieldId> {
        self.find(&format!("{}[].{name}", self.field(list).path))
    }

    /// Nests flat field values into the JSON the schema describes.
    pub fn to_json(&self, values: &FieldValues) -> serde_json::Value {
        value::nest(self, values)
    }
}
