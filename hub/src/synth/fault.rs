//! The mistakes planted in the extracts, and what the hub is expected to say of each.
//!
//! A record is faulty or not once and for all: the choice depends on the seed and the household, not on the night, so a faulty
//! record left alone stays byte-identical. None makes a file unreadable.

use super::random::{Purpose, Random};

/// Faulty records in a million.
const SHARE_PER_MILLION: u64 = 2_000;

/// A planted mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A NIR whose key does not fit.
    WrongNirKey,
    /// A NIR without its key.
    NirWithoutKey,
    /// A NIR a spreadsheet turned into `1.85E+14`.
    SpreadsheetNir,
    /// A birth date of five-digit year, `19970-04-22`.
    LongYear,
    /// `2020` where a full date is due.
    YearOnly,
    /// A code in no list.
    UnknownCode,
    /// More cells than the header.
    TooManyColumns,
    /// No name.
    MissingName,
    /// An optional date that is none, `10 mars`.
    WrittenDate,
}

impl Fault {
    /// Faults of the CAF's extract.
    pub const CAF: &'static [Self] = &[
        Self::WrongNirKey,
        Self::NirWithoutKey,
        Self::LongYear,
        Self::YearOnly,
        Self::UnknownCode,
        Self::MissingName,
    ];
    /// Faults of France Travail's main extract.
    pub const PRINCIPAL: &'static [Self] =
        &[Self::LongYear, Self::YearOnly, Self::UnknownCode, Self::MissingName, Self::WrittenDate];
    /// Faults of France Travail's actions.
    pub const ACTIONS: &'static [Self] = &[Self::WrittenDate];
    /// Faults of the département's extract.
    pub const DEPARTEMENT: &'static [Self] = &[
        Self::WrongNirKey,
        Self::NirWithoutKey,
        Self::SpreadsheetNir,
        Self::LongYear,
        Self::UnknownCode,
        Self::TooManyColumns,
        Self::MissingName,
    ];

    /// The fault of a record, if it has one. `part` tells the records of a household apart.
    pub fn of(choice: &[Self], seed: u64, household: u64, part: u64) -> Option<Self> {
        let mut random = Random::of(Purpose::Fault, &[seed, household, part]);
        random.per_million(SHARE_PER_MILLION).then(|| random.one(choice))
    }

    /// Whether it is a mistake in a NIR.
    pub fn is_of_nir(self) -> bool {
        matches!(self, Self::WrongNirKey | Self::NirWithoutKey | Self::SpreadsheetNir)
    }

    /// Whether it costs the record.
    pub fn refuses(self) -> bool {
        matches!(self, Self::LongYear | Self::YearOnly | Self::TooManyColumns | Self::MissingName)
    }

    /// A word for tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::WrongNirKey => "wrong_nir_key",
            Self::NirWithoutKey => "nir_without_key",
            Self::SpreadsheetNir => "spreadsheet_nir",
            Self::LongYear => "long_year",
            Self::YearOnly => "year_only",
            Self::UnknownCode => "unknown_code",
            Self::TooManyColumns => "too_many_columns",
            Self::MissingName => "missing_name",
            Self::WrittenDate => "written_date",
        }
    }

    /// What the hub is expected to say.
    pub fn expected(self) -> &'static str {
        match self {
            Self::WrongNirKey => "warning DLN0304",
            Self::NirWithoutKey => "nothing: read as is",
            Self::SpreadsheetNir => "warning DLN0303",
            Self::LongYear | Self::YearOnly => "refused DLN0302",
            Self::UnknownCode => "warning DLN0305",
            Self::TooManyColumns => "refused DLN0203",
            Self::MissingName => "refused DLN0301",
            Self::WrittenDate => "warning DLN0302",
        }
    }
}

/// How often a fault was planted in one extract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planted {
    /// The fault.
    pub fault: Fault,
    /// How many records have it.
    pub records: u64,
    /// The first of them, counted from 1.
    pub first_record: u64,
}
