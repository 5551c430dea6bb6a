//! Claims written, each with the keys it is found by.

use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use super::cells::{Cells, identifier, number, piece, rows};
use super::levels;
use crate::store::batch::ClaimWrite;
use crate::store::failure::{expect_rows, failed};
use hub_core::store::StoreError;

const LAST: &str = "select coalesce(max(id), 0) from claim";
/// Claims of one source (`$3`) and emitter (`$4`).
const INSERT: &str = concat!(
    rows!(136),
    "insert into claim (id, source, emitter, record_key, record_hash, person_id, absent, run_id, payload) select ",
    number!(0),
    ", $3, $4, ",
    number!(60),
    ", ",
    number!(80),
    ", ",
    identifier!(100),
    ", ",
    number!(116),
    ", $5, ",
    piece!(20),
    " from row"
);
const REWRITE: &str = concat!(
    rows!(136),
    "update claim set record_hash = new.record_hash, person_id = new.person_id, absent = new.absent, run_id = $3,
payload = new.payload from (select ",
    number!(0),
    " as id, ",
    number!(80),
    " as record_hash, ",
    identifier!(100),
    " as person_id, ",
    number!(116),
    " as absent, ",
    piece!(20),
    " as payload from row) as new where claim.id = new.id"
);

/// The frames that stated claims about to be rewritten lead to them no more.
macro_rules! forget {
    ($table:literal) => {
        concat!(
            rows!(136),
            "delete from ",
            $table,
            " where (key, claim) in (select record_hash, id from claim where id in (select ",
            number!(0),
            " from row))"
        )
    };
}
const FORGET: [&str; 3] = [forget!("claim_key"), forget!("claim_key_recent"), forget!("claim_key_fresh")];

/// New rows, numbered after those there are.
pub(super) async fn insert(
    tx: &mut SqliteConnection,
    rows: &[ClaimWrite],
    run: Uuid,
) -> Result<(), StoreError> {
    let last: Result<i64, _> = sqlx::query_scalar(LAST).fetch_one(&mut *tx).await;
    let first = last.map_err(failed("numbering claims"))? + 1;
    let mut numbered: Vec<(i64, &ClaimWrite)> = (first..).zip(rows).collect();
    numbered.sort_by_key(|(_, row)| (&row.source, &row.emitter));
    let of_one = |(_, a): &(i64, &ClaimWrite), (_, b): &(i64, &ClaimWrite)| {
        (&a.source, &a.emitter) == (&b.source, &b.emitter)
    };
    for rows in numbered.chunk_by(of_one) {
        let Some((_, claim)) = rows.first() else { continue };
        let (cells, payloads) = cells(rows.iter().copied());
        let query = sqlx::query(INSERT)
            .bind(cells)
            .bind(payloads)
            .bind(claim.source.as_str())
            .bind(claim.emitter.as_str());
        query.bind(run).execute(&mut *tx).await.map_err(failed("writing claims"))?;
    }
    let frames = (first..).zip(rows).filter_map(|(id, row)| Some((row.record_hash?, id)));
    let records = (first..).zip(rows).map(|(id, row)| (row.record_key, id));
    levels::add_claims(tx, frames.chain(records).collect()).await
}

/// Rows known by their number.
pub(super) async fn rewrite(
    tx: &mut SqliteConnection,
    rows: &[ClaimWrite],
    run: Uuid,
) -> Result<(), StoreError> {
    let failed = failed("writing claims again");
    let (cells, payloads) = cells(rows.iter().map(|row| (row.id, row)));
    for statement in FORGET {
        sqlx::query(statement).bind(&cells).execute(&mut *tx).await.map_err(&failed)?;
    }
    let done = sqlx::query(REWRITE).bind(cells).bind(payloads).bind(run).execute(&mut *tx).await;
    expect_rows(done.map_err(&failed)?.rows_affected(), rows.len())?;
    let frames = rows.iter().filter_map(|row| Some((row.record_hash?, row.id)));
    levels::add_claims(tx, frames.collect()).await
}

fn cells<'c>(rows: impl Iterator<Item = (i64, &'c ClaimWrite)>) -> (Vec<u8>, Vec<u8>) {
    let mut cells = Cells::default();
    for (id, row) in rows {
        cells.number(id).piece(&row.payload).number(row.record_key).number_if_any(row.record_hash);
        cells.identifier(row.person).number(i64::from(row.absent));
    }
    cells.into_parameters()
}
