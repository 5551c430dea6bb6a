//! One batch in one transaction: each statement takes its rows at once and cuts them out of a blob (the few as JSON).

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, SqlitePool};
use uuid::Uuid;

use super::cells::{Cells, identifier, json, number, piece, rows};
use super::{claims, levels, rulings};
use crate::store::CHUNK;
use crate::store::batch::{Batch, EventWrite, PersonRowWrite, RejectWrite, VersionWrite};
use crate::store::failure::{expect_rows, failed};
use crate::store::sql;
use hub_core::store::StoreError;

/// A state that is kept in a claim has no bytes.
const INSERT_PERSONS: &str = concat!(
    rows!(116),
    "insert into person (id, sequence, payload, since_ns) select ",
    identifier!(40),
    ", ",
    number!(76),
    ", ",
    piece!(0),
    ", ",
    number!(96),
    " from row"
);
/// Before its person is updated: since when it was known stands there.
const INSERT_VERSIONS: &str = concat!(
    rows!(76),
    "insert into history (person_id, sequence, since_ns, until_ns, payload) select person.id, new.sequence, person.since_ns, $3,
new.payload from (select ",
    identifier!(40),
    " as id, ",
    number!(56),
    " as sequence, ",
    piece!(0),
    " as payload from row) as new cross join person on person.id = new.id"
);
const UPDATE_PERSONS: &str = concat!(
    rows!(116),
    "update person set sequence = new.sequence, payload = new.payload, since_ns = coalesce(new.since_ns, person.since_ns)
from (select ",
    identifier!(40),
    " as id, ",
    number!(56),
    " as expected, ",
    number!(76),
    " as sequence, ",
    number!(96),
    " as since_ns, ",
    piece!(0),
    " as payload from row) as new where person.id = new.id and person.sequence = new.expected"
);
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
/// Claims that change persons without being stated anew.
const GIVE_CLAIMS: &str = "
update claim set person_id = new.person_id
from (select value->>0 as id, unhex(value->>1) as person_id from json_each($1)) as new where claim.id = new.id";
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
/// Nobody outside has heard of a batch without events: it reaches the disk with the next commit that is synced, at the latest that
/// which ends its run. A power cut before leaves the run at an earlier checkpoint, from which it goes on.
const SYNCED_LATER: &str = "pragma synchronous = normal";
const SYNCED: &str = "pragma synchronous = full";
/// Taken when free, expired or ours, by the database's clock.
const LEASE: &str = "
insert into lease (name, holder, until_ms) values ($1, $2, cast(unixepoch('subsec') * 1000 as integer) + $3)
on conflict (name) do update set holder = excluded.holder, until_ms = excluded.until_ms
where lease.holder = excluded.holder or lease.until_ms <= cast(unixepoch('subsec') * 1000 as integer)";
const CONFIRM: &str = "delete from outbox where cursor in (select value from json_each($1))";

pub(super) async fn commit(pool: &SqlitePool, batch: &Batch) -> Result<(), StoreError> {
    let failed = failed("committing a batch");
    let mut writer = pool.acquire().await.map_err(&failed)?;
    if !batch.events.is_empty() || batch.ruling.is_some() {
        return write(&mut writer, batch).await;
    }
    sqlx::query(SYNCED_LATER).execute(&mut *writer).await.map_err(&failed)?;
    let written = write(&mut writer, batch).await;
    sqlx::query(SYNCED).execute(&mut *writer).await.map_err(&failed)?;
    written
}

async fn write(writer: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    let failed = failed("committing a batch");
    let mut tx = writer.begin_with("begin immediate").await.map_err(&failed)?;
    // A ruling is no part of a run, nor are keys written anew.
    if !batch.run.is_nil() {
        checkpoint(&mut tx, batch).await?;
    }
    for rows in batch.replaced.chunks(CHUNK) {
        versions(&mut tx, rows, batch.at).await?;
    }
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
    rulings::write(&mut tx, batch).await?;
    for rows in batch.moved.chunks(CHUNK) {
        let rows: Vec<_> = rows.iter().map(|(claim, person)| (claim, person.simple().to_string())).collect();
        let touched = execute(&mut tx, GIVE_CLAIMS, (json(&rows), None, None)).await?;
        expect_rows(touched, rows.len())?;
    }
    for rows in batch.rewritten.chunks(CHUNK) {
        claims::rewrite(&mut tx, rows, batch.run).await?;
    }
    for rows in batch.inserted.chunks(CHUNK) {
        claims::insert(&mut tx, rows, batch.run).await?;
    }
    for keys in batch.keys.chunks(CHUNK).chain(batch.first_keys.chunks(CHUNK)) {
        levels::add_persons(&mut tx, keys).await?;
    }
    levels::pour(&mut tx).await?;
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

async fn checkpoint(tx: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    let mut query = sqlx::query(sql::CHECKPOINT).bind(batch.run).bind(batch.checkpoint);
    for count in batch.counts {
        query = query.bind(count);
    }
    let done = query.execute(tx).await;
    let done = done.map_err(failed("moving the checkpoint"))?;
    expect_rows(done.rows_affected(), 1)
}

async fn persons(
    tx: &mut SqliteConnection,
    statement: &'static str,
    rows: &[PersonRowWrite],
) -> Result<u64, StoreError> {
    let mut cells = Cells::default();
    for row in rows {
        cells.piece(&row.payload).identifier(row.id).number(row.expected).number(row.sequence);
        cells.number_if_any(row.since);
    }
    let (cells, payloads) = cells.into_parameters();
    let done = sqlx::query(statement).bind(cells).bind(payloads).execute(tx).await;
    Ok(done.map_err(failed("writing persons"))?.rows_affected())
}

async fn versions(tx: &mut SqliteConnection, rows: &[VersionWrite], until: i64) -> Result<(), StoreError> {
    let mut cells = Cells::default();
    for row in rows {
        cells.piece(&row.payload).identifier(row.person).number(row.sequence);
    }
    let (cells, payloads) = cells.into_parameters();
    let done = sqlx::query(INSERT_VERSIONS).bind(cells).bind(payloads).bind(until).execute(tx).await;
    expect_rows(done.map_err(failed("keeping versions"))?.rows_affected(), rows.len())
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
