//! One batch in one transaction: each statement takes its rows as one JSON array, and their payloads as one blob it cuts.

use serde::Serialize;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Sqlite, SqlitePool, Transaction};
use uuid::Uuid;

use crate::store::CHUNK;
use crate::store::batch::{Batch, ClaimWrite, EventWrite, PersonRowWrite, RejectWrite};
use crate::store::failure::{expect_rows, failed};
use crate::store::sql;
use hub_core::store::StoreError;

const INSERT_CLAIMS: &str = "
insert into claim (source, emitter, record_key, record_hash, person_id, absent, run_id, payload)
select value->>3, value->>4, value->>5, value->>6, unhex(value->>7), value->>8, $3, substr($2, value->>1, value->>2)
from json_each($1)";
const REWRITE_CLAIMS: &str = "
update claim set record_hash = new.record_hash, person_id = new.person_id, absent = new.absent, run_id = $3,
  payload = substr($2, new.start, new.length)
from (select value->>0 as id, value->>1 as start, value->>2 as length, value->>6 as record_hash,
  unhex(value->>7) as person_id, value->>8 as absent from json_each($1)) as new
where claim.id = new.id";
/// No bytes at all are bound as null; a state that is kept in a claim has none.
const INSERT_PERSONS: &str = "
insert into person (id, sequence, payload)
select unhex(value->>2), value->>4, coalesce(substr($2, value->>0, value->>1), x'') from json_each($1)";
const UPDATE_PERSONS: &str = "
update person set sequence = new.sequence, payload = coalesce(substr($2, new.start, new.length), x'')
from (select value->>0 as start, value->>1 as length, unhex(value->>2) as id, value->>3 as expected,
  value->>4 as sequence from json_each($1)) as new
where person.id = new.id and person.sequence = new.expected";
const RELIED_ON: &str = "
select count(*) from json_each($1) as old
join person on person.id = unhex(old.value->>0) and person.sequence = old.value->>1";
const MERGE_CHAINS: &str = "
update merged set into_id = new.into_id
from (select unhex(value->>0) as person_id, unhex(value->>1) as into_id from json_each($1)) as new
where merged.into_id = new.person_id";
const MERGE: &str = "
insert into merged (person_id, into_id) select unhex(value->>0), unhex(value->>1) from json_each($1)";
const MOVE_CLAIMS: &str = "
update claim set person_id = new.into_id
from (select unhex(value->>0) as person_id, unhex(value->>1) as into_id from json_each($1)) as new
where claim.person_id = new.person_id";
const INSERT_KEYS: &str = "
insert into identity_key (key, person_id) select value->>0, unhex(value->>1) from json_each($1) where true
on conflict do nothing";
const INSERT_REJECTS: &str = "
insert into reject (run_id, number, line, byte, stage, code, field, detail, original)
select $3, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8,
  substr($2, value->>0, value->>1)
from json_each($1)";
const INSERT_EVENTS: &str = "
insert into event (id, person_id, sequence, kind, routing_key, payload)
select unhex(value->>2), unhex(value->>3), value->>4, value->>5, value->>6, substr($2, value->>0, value->>1)
from json_each($1) order by key";
const INSERT_OUTBOX: &str = "insert into outbox (cursor) select cursor from event where cursor > $1";
/// Taken when free, expired or ours, by the database's clock.
const LEASE: &str = "
insert into lease (name, holder, until_ms) values ($1, $2, cast(unixepoch('subsec') * 1000 as integer) + $3)
on conflict (name) do update set holder = excluded.holder, until_ms = excluded.until_ms
where lease.holder = excluded.holder or lease.until_ms <= cast(unixepoch('subsec') * 1000 as integer)";
const CONFIRM: &str = "delete from outbox where cursor in (select value from json_each($1))";

pub(super) async fn commit(pool: &SqlitePool, batch: &Batch) -> Result<(), StoreError> {
    let failed = failed("committing a batch");
    let mut tx = pool.begin_with("begin immediate").await.map_err(&failed)?;
    checkpoint(&mut tx, batch).await?;
    for rows in batch.updated.chunks(CHUNK) {
        let touched = persons(&mut tx, UPDATE_PERSONS, rows).await?;
        expect_rows(touched, rows.len())?;
    }
    for rows in batch.created.chunks(CHUNK) {
        persons(&mut tx, INSERT_PERSONS, rows).await?;
    }
    for rows in batch.relied_on.chunks(CHUNK) {
        still_there(&mut tx, rows).await?;
    }
    for rows in batch.mergers.chunks(CHUNK) {
        merge(&mut tx, rows).await?;
    }
    for rows in batch.rewritten.chunks(CHUNK) {
        let touched = claims(&mut tx, REWRITE_CLAIMS, rows, batch.run).await?;
        expect_rows(touched, rows.len())?;
    }
    for rows in batch.inserted.chunks(CHUNK) {
        claims(&mut tx, INSERT_CLAIMS, rows, batch.run).await?;
    }
    keys(&mut tx, &batch.keys).await?;
    keys(&mut tx, &batch.first_keys).await?;
    rejects(&mut tx, &batch.rejects, batch.run).await?;
    events(&mut tx, &batch.events).await?;
    tx.commit().await.map_err(&failed)
}

pub(super) async fn confirm(pool: &SqlitePool, cursors: &[i64]) -> Result<(), StoreError> {
    let failed = failed("emptying the outbox");
    let mut tx = pool.begin_with("begin immediate").await.map_err(&failed)?;
    for cursors in cursors.chunks(CHUNK) {
        execute(&mut tx, CONFIRM, (json(&cursors), None, None)).await?;
    }
    tx.commit().await.map_err(&failed)
}

pub(super) async fn lease(
    pool: &SqlitePool,
    name: &str,
    holder: Uuid,
    for_ms: u64,
) -> Result<bool, StoreError> {
    let failed = failed("taking a lease");
    let mut tx = pool.begin_with("begin immediate").await.map_err(&failed)?;
    let done = sqlx::query(LEASE).bind(name).bind(holder).bind(for_ms.cast_signed()).execute(&mut *tx).await;
    let held = done.map_err(&failed)?.rows_affected() == 1;
    tx.commit().await.map_err(&failed)?;
    Ok(held)
}

async fn checkpoint(tx: &mut Transaction<'static, Sqlite>, batch: &Batch) -> Result<(), StoreError> {
    let mut query = sqlx::query(sql::CHECKPOINT).bind(batch.run).bind(batch.checkpoint);
    for count in batch.counts {
        query = query.bind(count);
    }
    let done = query.execute(&mut **tx).await;
    let done = done.map_err(failed("moving the checkpoint"))?;
    expect_rows(done.rows_affected(), 1)
}

async fn claims(
    tx: &mut SqliteConnection,
    statement: &'static str,
    rows: &[ClaimWrite],
    run: Uuid,
) -> Result<u64, StoreError> {
    let mut blob = Blob::default();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let (start, length) = blob.add(&row.payload);
            let person = row.person.simple().to_string();
            let (source, emitter) = (&row.source, &row.emitter);
            let (key, hash) = (row.record_key, row.record_hash);
            (row.id, start, length, source, emitter, key, hash, person, row.absent)
        })
        .collect();
    execute(tx, statement, (json(&rows), Some(blob.0), Some(run))).await
}

async fn persons(
    tx: &mut SqliteConnection,
    statement: &'static str,
    rows: &[PersonRowWrite],
) -> Result<u64, StoreError> {
    let mut blob = Blob::default();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let (start, length) = blob.add(&row.payload);
            let id = row.id.simple().to_string();
            (start, length, id, row.expected, row.sequence)
        })
        .collect();
    execute(tx, statement, (json(&rows), Some(blob.0), None)).await
}

async fn still_there(tx: &mut SqliteConnection, rows: &[(Uuid, i64)]) -> Result<(), StoreError> {
    let wanted: Vec<_> = rows.iter().map(|(person, at)| (person.simple().to_string(), at)).collect();
    let found: Result<i64, _> = sqlx::query_scalar(RELIED_ON).bind(json(&wanted)).fetch_one(tx).await;
    let found = found.map_err(failed("looking persons up again"))?;
    expect_rows(found.cast_unsigned(), rows.len())
}

async fn merge(tx: &mut SqliteConnection, rows: &[(Uuid, Uuid)]) -> Result<(), StoreError> {
    let rows: Vec<_> = rows.iter().map(|(a, b)| (a.simple().to_string(), b.simple().to_string())).collect();
    for statement in [MERGE_CHAINS, MERGE, MOVE_CLAIMS] {
        execute(tx, statement, (json(&rows), None, None)).await?;
    }
    Ok(())
}

async fn keys(tx: &mut SqliteConnection, keys: &[(i64, Uuid)]) -> Result<(), StoreError> {
    for rows in keys.chunks(CHUNK) {
        let rows: Vec<_> = rows.iter().map(|(key, person)| (key, person.simple().to_string())).collect();
        execute(tx, INSERT_KEYS, (json(&rows), None, None)).await?;
    }
    Ok(())
}

async fn rejects(tx: &mut SqliteConnection, rejects: &[RejectWrite], run: Uuid) -> Result<(), StoreError> {
    for rows in rejects.chunks(CHUNK) {
        let mut blob = Blob::default();
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let (start, length) = blob.add(&row.original);
                let place = (row.number, row.line, row.byte);
                let (number, line, byte) = place;
                let (code, field, detail) = (&row.code, &row.field, &row.detail);
                (start, length, number, line, byte, row.stage, code, field, detail)
            })
            .collect();
        let parameters = (json(&rows), Some(blob.0), Some(run));
        execute(tx, INSERT_REJECTS, parameters).await?;
    }
    Ok(())
}

/// The single writer makes cursors visible in order.
async fn events(tx: &mut SqliteConnection, events: &[EventWrite]) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let failed = failed("writing events");
    let last = sqlx::query_scalar(sql::JOURNAL_END).fetch_one(&mut *tx).await;
    let last: i64 = last.map_err(&failed)?;
    for rows in events.chunks(CHUNK) {
        let mut blob = Blob::default();
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let (start, length) = blob.add(&row.payload);
                let (id, person) = (row.id.simple().to_string(), row.person.simple().to_string());
                (start, length, id, person, row.sequence, row.kind, &row.routing_key)
            })
            .collect();
        execute(tx, INSERT_EVENTS, (json(&rows), Some(blob.0), None)).await?;
    }
    let outbox = sqlx::query(INSERT_OUTBOX).bind(last).execute(tx).await;
    outbox.map(|_| ()).map_err(&failed)
}

/// Rows as JSON, the blob they cut, and the run.
type Parameters = (String, Option<Vec<u8>>, Option<Uuid>);

async fn execute(
    tx: &mut SqliteConnection,
    statement: &'static str,
    (rows, blob, run): Parameters,
) -> Result<u64, StoreError> {
    let mut query = sqlx::query(statement).bind(rows);
    if let Some(blob) = blob {
        query = query.bind(blob);
    }
    if let Some(run) = run {
        query = query.bind(run);
    }
    let done = query.execute(tx).await;
    Ok(done.map_err(failed("writing rows"))?.rows_affected())
}

/// Payloads end to end.
#[derive(Default)]
struct Blob(Vec<u8>);

impl Blob {
    /// Where the bytes start, from 1 as `substr` counts, and how many there are.
    fn add(&mut self, bytes: &[u8]) -> (usize, usize) {
        let start = self.0.len() + 1;
        self.0.extend_from_slice(bytes);
        (start, bytes.len())
    }
}

/// A list as `json_each` reads it.
pub(super) fn json(rows: &impl Serialize) -> String {
    serde_json::to_string(rows).expect("rows are plain JSON")
}
