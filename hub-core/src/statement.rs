//! A claim as the hub keeps it: values with the origin of each, and what of it survives being stated again.
//!
//! Claims enter, statements leave; a value restated unchanged keeps its first origin, so `valid_at` is the date since when the
//! source has stated it unbroken. What is kept is read by the field table of its day: a schema may grow between two runs.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::canonical::{Canon, FieldId, FieldValues, Reading, Value};
use crate::delivery::{DeliveryId, PersonId, RunId};

/// Emitter and key of a record.
pub type RecordKey = (CompactString, CompactString);

/// Where a value was stated.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// Source, such as `caf`.
    #[serde(rename = "source")]
    pub source: CompactString,
    /// Emitter inside the source.
    #[serde(rename = "emetteur")]
    pub emitter: CompactString,
    /// Delivery.
    #[serde(rename = "livraison")]
    pub delivery: DeliveryId,
    /// Record number in it, from 1; 0 of what no record states: a silence.
    #[serde(rename = "enregistrement")]
    pub record: u64,
    /// Line in it, from 1; 0 where there is none.
    #[serde(rename = "ligne")]
    pub line: u64,
    /// Mapping and version, `caf/vrsb0801@1`.
    #[serde(rename = "correspondance")]
    pub mapping: CompactString,
    /// Since when the source states it, `YYYY-MM-DD`.
    #[serde(rename = "valide_le")]
    pub valid_at: CompactString,
}

impl Origin {
    /// None: of what is told without saying where it stands.
    pub(crate) fn nowhere() -> Self {
        Self {
            source: CompactString::default(),
            emitter: CompactString::default(),
            delivery: DeliveryId(uuid::Uuid::nil()),
            record: 0,
            line: 0,
            mapping: CompactString::default(),
            valid_at: CompactString::default(),
        }
    }

    /// Of a value a claim passed on: in no record of its own, at the line of the one that bears it now.
    pub(crate) fn passing(self) -> Self {
        Self { record: 0, ..self }
    }

    /// Whether a value was passed on: it still tells who the claim spoke of, and is that person's no more.
    pub fn is_passed_on(&self) -> bool {
        self.record == 0 && self.line > 0
    }

    /// What orders origins: date, delivery, record. Deliveries are numbered in the order they arrived.
    pub fn place(&self) -> (&str, DeliveryId, u64) {
        (&self.valid_at, self.delivery, self.record)
    }
}

/// Values sorted by field, each with the index of its origin. Kept by field numbers: [`Stated::read`] knows older ones.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stated {
    /// Field, value, index into `origins`.
    pub fields: Vec<(FieldId, Value, u16)>,
    /// The origins referred to.
    pub origins: Vec<Origin>,
}

/// A claim in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Row number; `None` before its first commit.
    pub id: Option<i64>,
    /// The person it was linked to.
    pub person: PersonId,
    /// Source.
    pub source: CompactString,
    /// Emitter.
    pub emitter: CompactString,
    /// Key of its record inside the emitter. Personal text.
    pub record_key: CompactString,
    /// Key of the claim inside its record. Personal text.
    pub key: CompactString,
    /// Hash of the frame that stated it last; `None` when it must be read again next time because it raised a remark.
    pub record_hash: Option<u64>,
    /// The emitter no longer states it.
    pub absent: bool,
    /// The run that wrote it last; runs are numbered in time order.
    pub run: RunId,
    /// Its values.
    pub stated: Stated,
}

impl Statement {
    /// Notes of numbers that another claim of the record bears them now, and where it says so.
    #[must_use]
    pub(crate) fn passing_on(mut self, numbers: &[FieldId], by: &Origin) -> Self {
        let mut now = Stated::default();
        for (field, value, at) in std::mem::take(&mut self.stated.fields) {
            let stated = self.stated.origins.get(usize::from(at)).filter(|_| !numbers.contains(&field));
            now.push(field, value, stated.unwrap_or(by));
        }
        // Where it went silent stays told.
        for origin in self.stated.origins {
            if !now.origins.contains(&origin) {
                now.origins.push(origin);
            }
        }
        Self { stated: now, ..self }
    }
}

impl Stated {
    /// The value and origin of a field.
    pub fn get(&self, field: FieldId) -> Option<(&Value, &Origin)> {
        let at = self.fields.binary_search_by_key(&field, |(id, _, _)| *id).ok()?;
        let (_, value, origin) = self.fields.get(at)?;
        Some((value, self.origins.get(usize::from(*origin))?))
    }

    /// Where the latest value was stated.
    pub fn latest(&self) -> Option<(&str, DeliveryId, u64)> {
        self.origins.iter().map(Origin::place).max()
    }

    /// The values alone.
    pub fn values(&self) -> FieldValues {
        self.fields.iter().map(|(id, value, _)| (*id, value.clone())).collect()
    }

    /// The fields it speaks of its person by: but those it has passed on.
    pub fn spoken(&self) -> impl Iterator<Item = FieldId> {
        let passed = |at: u16| self.origins.get(usize::from(at)).is_some_and(Origin::is_passed_on);
        self.fields.iter().filter(move |(_, _, at)| !passed(*at)).map(|(field, _, _)| *field)
    }

    /// The same without what it has passed on, with the origins of its values alone.
    #[must_use]
    pub fn as_stated(&self) -> Self {
        let mut stated = Self::default();
        for (field, value, at) in &self.fields {
            if let Some(origin) = self.origins.get(usize::from(*at)).filter(|origin| !origin.is_passed_on()) {
                stated.push(*field, value.clone(), origin);
            }
        }
        stated
    }

    /// Adds a field, which must sort after those there, sharing equal origins.
    pub fn push(&mut self, field: FieldId, value: Value, origin: &Origin) {
        let known = self.origins.iter().position(|o| o == origin);
        let at = known.unwrap_or_else(|| {
            self.origins.push(origin.clone());
            self.origins.len() - 1
        });
        self.fields.push((field, value, u16::try_from(at).unwrap_or(u16::MAX)));
    }

    /// What is stated now: `values` with `origin`, but a value that was there already, and was not passed on, keeps its own.
    #[must_use]
    pub fn restated(before: Option<&Self>, values: FieldValues, origin: &Origin) -> Self {
        let mut now = Self { fields: Vec::with_capacity(values.len()), origins: Vec::with_capacity(1) };
        for (field, value) in values {
            match before.and_then(|b| b.get(field)) {
                Some((old, since)) if *old == value && !since.is_passed_on() => now.push(field, value, since),
                _ => now.push(field, value, origin),
            }
        }
        now
    }

    /// Reads what was kept, with the readings of the table it was written by. A field the schema no longer has is left out.
    pub fn read(canon: &Canon, reading: Reading<'_>, kept: Self) -> Self {
        let field = |(old, value, at)| {
            let field = reading.field(old)?;
            Some((field, reading.value(canon, field, value)?, at))
        };
        let mut fields: Vec<(FieldId, Value, u16)> = kept.fields.into_iter().filter_map(field).collect();
        fields.sort_by_key(|(field, _, _)| *field);
        Self { fields, origins: kept.origins }
    }
}
