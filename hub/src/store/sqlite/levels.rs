//! Look-up keys, in tables of three levels.
//!
//! Keys are hashes: they come in no order, so in one sorted table each rewrites a page of its own. They enter a small table, which
//! is poured in order into a larger one when it is full, and that one into the last: a page rewritten takes many keys at once. Who
//! looks a key up looks into all three.

use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use super::cells::{Cells, identifier, number, rows};
use crate::store::failure::failed;
use hub_core::store::StoreError;

/// Rows the first table takes before it is poured: some hundred and seventy pages, which batches rewrite.
const FRESH_ROWS: i64 = 24_000;
/// Rows the second one takes.
const RECENT_ROWS: i64 = 200_000;

/// A table and the next, into which it is poured.
struct Pour {
    count: &'static str,
    limit: i64,
    copy: &'static str,
    empty: &'static str,
}

/// From a level of a table of keys that lead to `$target` into the next. `or ignore`: a statement that could fail midway keeps a copy
/// of every page it touches, in memory, and a pour touches the whole table.
macro_rules! pour {
    ($target:literal, $from:literal, $limit:expr, $into:literal) => {
        Pour {
            count: concat!("select count(*) from ", $from),
            limit: $limit,
            copy: concat!(
                "insert or ignore into ",
                $into,
                " (key, ",
                $target,
                ") select key, ",
                $target,
                " from ",
                $from,
                " order by key, ",
                $target
            ),
            empty: concat!("delete from ", $from),
        }
    };
}

const ADD_PERSONS: &str = concat!(
    rows!(36),
    "insert or ignore into identity_key_fresh (key, person_id) select ",
    number!(0),
    ", ",
    identifier!(20),
    " from row"
);
const ADD_CLAIMS: &str = concat!(
    rows!(40),
    "insert or ignore into claim_key_fresh (key, claim) select ",
    number!(0),
    ", ",
    number!(20),
    " from row"
);
const POURS: [[Pour; 2]; 2] = [
    [
        pour!("person_id", "identity_key_fresh", FRESH_ROWS, "identity_key_recent"),
        pour!("person_id", "identity_key_recent", RECENT_ROWS, "identity_key"),
    ],
    [
        pour!("claim", "claim_key_fresh", FRESH_ROWS, "claim_key_recent"),
        pour!("claim", "claim_key_recent", RECENT_ROWS, "claim_key"),
    ],
];

/// Adds identity keys, in order, each with a person that bears it; those already there are left.
pub(super) async fn add_persons(tx: &mut SqliteConnection, keys: &[(i64, Uuid)]) -> Result<(), StoreError> {
    let mut cells = Cells::default();
    for (key, person) in keys {
        cells.number(*key).identifier(*person);
    }
    add(tx, ADD_PERSONS, cells).await
}

/// Adds hashes of frames and of records, each with a claim.
pub(super) async fn add_claims(
    tx: &mut SqliteConnection,
    mut keys: Vec<(i64, i64)>,
) -> Result<(), StoreError> {
    // In order their pages are met one after the other.
    keys.sort_unstable();
    let mut cells = Cells::default();
    for (key, claim) in keys {
        cells.number(key).number(claim);
    }
    add(tx, ADD_CLAIMS, cells).await
}

async fn add(tx: &mut SqliteConnection, statement: &'static str, cells: Cells) -> Result<(), StoreError> {
    let (rows, _) = cells.into_parameters();
    if rows.is_empty() {
        return Ok(());
    }
    let done = sqlx::query(statement).bind(rows).execute(tx).await;
    done.map(|_| ()).map_err(failed("writing look-up keys"))
}

/// Pours what is full.
pub(super) async fn pour(tx: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = failed("pouring look-up keys");
    for levels in &POURS {
        for Pour { count, limit, copy, empty } in levels {
            let rows: i64 = sqlx::query_scalar(*count).fetch_one(&mut *tx).await.map_err(&failed)?;
            if rows <= *limit {
                break;
            }
            for statement in [copy, empty] {
                sqlx::query(*statement).execute(&mut *tx).await.map_err(&failed)?;
            }
        }
    }
    Ok(())
}
