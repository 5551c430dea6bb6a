//! Rows of one width end to end in a blob, which a statement cuts into cells: several times cheaper than rows as JSON.

use serde::Serialize;
use std::io::Write as _;

use uuid::Uuid;

/// Bytes of a number as text, its sign included: `cast` reads it, the blanks after it and all.
const NUMBER: usize = 20;

/// The rows of `$1`, each of so many bytes: where each one starts.
macro_rules! rows {
    ($width:literal) => {
        concat!(
            "with recursive row (start) as (select 1 union all select start + ",
            $width,
            " from row where start + ",
            $width,
            " < length($1)) "
        )
    };
}

/// The number that stands so many bytes into a row; null where it was left out.
macro_rules! number {
    ($offset:literal) => {
        concat!(
            "cast(nullif(substr($1, start + ",
            $offset,
            ", 20), x'",
            "2020202020202020202020202020202020202020",
            "') as integer)"
        )
    };
}

/// The identifier that stands there.
macro_rules! identifier {
    ($offset:literal) => {
        concat!("substr($1, start + ", $offset, ", 16)")
    };
}

/// The piece of `$2` whose start and length stand there, one after the other; no bytes at all are bound as null.
macro_rules! piece {
    ($offset:literal) => {
        concat!(
            "coalesce(substr($2, cast(substr($1, start + ",
            $offset,
            ", 20) as integer), cast(substr($1, start + ",
            $offset,
            " + 20, 20) as integer)), x'')"
        )
    };
}

pub(super) use {identifier, number, piece, rows};

/// Rows, and the payloads they cut.
#[derive(Default)]
pub(super) struct Cells {
    rows: Vec<u8>,
    payloads: Vec<u8>,
}

impl Cells {
    pub(super) fn number(&mut self, number: i64) -> &mut Self {
        let end = self.rows.len() + NUMBER;
        write!(self.rows, "{number}").expect("memory takes bytes");
        self.rows.resize(end, b' ');
        self
    }

    pub(super) fn number_if_any(&mut self, number: Option<i64>) -> &mut Self {
        if let Some(number) = number {
            return self.number(number);
        }
        self.rows.extend_from_slice(&[b' '; NUMBER]);
        self
    }

    pub(super) fn identifier(&mut self, id: Uuid) -> &mut Self {
        self.rows.extend_from_slice(id.as_bytes());
        self
    }

    /// Where the bytes start, from 1 as `substr` counts, and how many there are.
    pub(super) fn piece(&mut self, bytes: &[u8]) -> &mut Self {
        let start = self.payloads.len() + 1;
        self.payloads.extend_from_slice(bytes);
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        self.number(count(start)).number(count(bytes.len()))
    }

    /// `$1` and `$2`.
    pub(super) fn into_parameters(self) -> (Vec<u8>, Vec<u8>) {
        (self.rows, self.payloads)
    }
}

/// A list as `json_each` reads it.
pub(super) fn json(rows: &impl Serialize) -> String {
    serde_json::to_string(rows).expect("rows are plain JSON")
}
