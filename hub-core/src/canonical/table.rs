//! Field numbers that outlive the schema they came from.
//!
//! What is kept names its fields by number, as the schema of its day counted them; the table of that day is kept beside it.
//! Tables enter, what each of their numbers is today leaves. A field the schema no longer has has no number any more.

use std::collections::HashMap;

use super::{Canon, FieldId, Item, Value};

/// The paths of a schema's fields, in its order, and the number the table goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldTable {
    /// A fingerprint of the paths.
    pub number: u32,
    /// One path a line.
    pub paths: String,
}

/// What the numbers of every known table are today.
#[derive(Debug, Clone, Default)]
pub struct FieldReadings(HashMap<u32, Vec<Option<FieldId>>>);

impl FieldTable {
    /// The table of a schema.
    pub fn of(canon: &Canon) -> Self {
        let paths: Vec<&str> = canon.fields().map(|(_, field)| field.path.as_str()).collect();
        Self::from_paths(paths.join("\n"))
    }

    /// The table whose paths are written so.
    pub fn from_paths(paths: String) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(paths.as_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "half of a hash is a hash")]
        Self { number: hash as u32, paths }
    }
}

impl FieldReadings {
    /// Learns what a table's numbers are in this schema.
    pub fn learn(&mut self, canon: &Canon, table: &FieldTable) {
        let today = table.paths.lines().map(|path| canon.find(path)).collect();
        self.0.insert(table.number, today);
    }

    /// The readings of a table; `None` for one that was never learnt.
    pub fn of(&self, table: u32) -> Option<Reading<'_>> {
        self.0.get(&table).map(|today| Reading(today))
    }
}

/// What the numbers of one table are today.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'r>(&'r [Option<FieldId>]);

impl Reading<'_> {
    /// The field today.
    pub fn field(self, old: FieldId) -> Option<FieldId> {
        self.0.get(usize::from(old.0)).copied().flatten()
    }

    /// The value with today's numbers; `None` when the field has changed its shape since.
    pub fn value(self, canon: &Canon, field: FieldId, value: Value) -> Option<Value> {
        let list = canon.field(field).kind == super::Kind::List;
        match value {
            Value::List(items) if list => {
                Some(Value::List(items.into_iter().map(|item| self.item(item)).collect()))
            }
            Value::List(_) => None,
            plain => (!list).then_some(plain),
        }
    }

    fn item(self, item: Item) -> Item {
        let mut item: Item =
            item.into_iter().filter_map(|(old, value)| Some((self.field(old)?, value))).collect();
        item.sort_by_key(|(field, _)| *field);
        item
    }
}
