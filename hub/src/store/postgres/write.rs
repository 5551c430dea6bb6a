//! One batch in one transaction: each statement takes its rows as one array a column, unfolded by `unnest`.

use hub_core::store::StoreError;
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::store::CHUNK;
use crate::store::batch::{Batch, ClaimWrite, EventWrite, PersonRowWrite, RejectWrite, VersionWrite};
use crate::store::failure::{expect_rows, failed};
use crate::store::sql;

use super::rulings;
use super::turn::still;

const INSERT_CLAIMS: &str = "
insert into claim (source, emitter, record_key, record_hash, person_id, absent, payload, run_id)
select *, $8 from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::uuid[], $6::boolean[], $7::bytea[])";
const REWRITE_CLAIMS: &str = "
update claim set record_hash = new.record_hash, person_id = new.person_id, absent = new.absent,
  payload = new.payload, run_id = $6
from unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::boolean[], $5::bytea[])
  as new (id, record_hash, person_id, absent, payload)
where claim.id = new.id";
const INSERT_PERSONS: &str = "
insert into person (id, sequence, payload, since_ns)
select * from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bigint[])";
/// Before its person is updated: since when it was known stands there.
const INSERT_VERSIONS: &str = "
insert into history (person_id, sequence, since_ns, until_ns, payload)
select new.id, new.sequence, person.since_ns, $4, new.payload
from unnest($1::uuid[], $2::bigint[], $3::bytea[]) as new (id, sequence, payload) join person on person.id = new.id";
const UPDATE_PERSONS: &str = "
update person set sequence = new.sequence, payload = new.payload, since_ns = coalesce(new.since_ns, person.since_ns)
from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[])
  as new (id, sequence, payload, since_ns, expected)
where person.id = new.id and person.sequence = new.expected";
/// Locked to the end of the transaction, so that nobody absorbs them meanwhile.
const RELIED_ON: &str = "
select count(*) from (
  select person.id from unnest($1::uuid[], $2::bigint[]) as old (id, sequence)
  join person on person.id = old.id and person.sequence = old.sequence
  order by person.id for share of person) as still";
const MERGE_CHAINS: &str = "
update merged set into_id = new.into_id from unnest($1::uuid[], $2::uuid[]) as new (person_id, into_id)
where merged.into_id = new.person_id";
const MERGE: &str = "
insert into merged (person_id, into_id) select * from unnest($1::uuid[], $2::uuid[])";
const MOVE_CLAIMS: &str = "
update claim set person_id = new.into_id from unnest($1::uuid[], $2::uuid[]) as new (person_id, into_id)
where claim.person_id = new.person_id";
/// Claims that change persons without being stated anew.
const GIVE_CLAIMS: &str = "
update claim set person_id = new.person_id from unnest($1::bigint[], $2::uuid[]) as new (id, person_id)
where claim.id = new.id";
/// Each by itself: asked for all of them at once, the planner walks all keys there are, as soon after a load as statistics are old.
const INSERT_KEYS: &str = "
insert into identity_key (key, person_id)
select new.key, new.person_id from unnest($1::bigint[], $2::uuid[]) as new (key, person_id)
left join lateral (
  select true as known from identity_key where key = new.key and person_id = new.person_id limit 1) as old on true
where old.known is null";
const INSERT_FIRST_KEYS: &str = "
insert into identity_key (key, person_id) select * from unnest($1::bigint[], $2::uuid[])";
const INSERT_REJECTS: &str = "
insert into reject (number, line, byte, stage, code, field, detail, original, run_id)
select *, $9 from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::bytea[])";
/// Held to the end of the transaction: a journal reader never sees a cursor before a smaller one.
const JOURNAL_LOCK: &str = "select pg_advisory_xact_lock(7235419208145316433)";
const INSERT_EVENTS: &str = "
with written as (
  insert into event (id, person_id, sequence, kind, routing_key, payload)
  select id, person_id, sequence, kind, routing_key, payload
  from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::bytea[])
    with ordinality as new (id, person_id, sequence, kind, routing_key, payload, place)
  order by place
  returning cursor)
insert into outbox (cursor) select cursor from written";
/// Taken when free, expired or ours, by the database's clock.
const LEASE: &str = "
insert into lease (name, holder, until_ms) values ($1, $2, (extract(epoch from clock_timestamp()) * 1000)::bigint + $3)
on conflict (name) do update set holder = excluded.holder, until_ms = excluded.until_ms
where lease.holder = excluded.holder or lease.until_ms <= (extract(epoch from clock_timestamp()) * 1000)::bigint";
const CONFIRM: &str = "delete from outbox where cursor = any($1)";

/// `mark` is that of the turn it is written in.
pub(super) async fn commit(pool: &PgPool, batch: &Batch, mark: Option<Uuid>) -> Result<(), StoreError> {
    let failed = failed("committing a batch");
    let mut tx = pool.begin().await.map_err(&failed)?;
    still(&mut tx, mark).await?;
    // A ruling is no part of a run, nor are keys written anew.
    if !batch.run.is_nil() {
        checkpoint(&mut tx, batch).await?;
    }
    for rows in batch.replaced.chunks(CHUNK) {
        insert_versions(&mut tx, rows, batch.at).await?;
    }
    for rows in batch.updated.chunks(CHUNK) {
        update_persons(&mut tx, rows).await?;
    }
    for rows in batch.created.chunks(CHUNK) {
        insert_persons(&mut tx, rows).await?;
    }
    for rows in batch.relied_on.chunks(CHUNK) {
        still_there(&mut tx, rows).await?;
    }
    for rows in batch.mergers.chunks(CHUNK) {
        merge(&mut tx, rows).await?;
    }
    rulings::write(&mut tx, batch).await?;
    for rows in batch.moved.chunks(CHUNK) {
        give_claims(&mut tx, rows).await?;
    }
    for rows in batch.rewritten.chunks(CHUNK) {
        rewrite_claims(&mut tx, rows, batch.run).await?;
    }
    for rows in batch.inserted.chunks(CHUNK) {
        insert_claims(&mut tx, rows, batch.run).await?;
    }
    for rows in batch.keys.chunks(CHUNK) {
        insert_keys(&mut tx, INSERT_KEYS, rows).await?;
    }
    for rows in batch.first_keys.chunks(CHUNK) {
        insert_keys(&mut tx, INSERT_FIRST_KEYS, rows).await?;
    }
    for rows in batch.rejects.chunks(CHUNK) {
        insert_rejects(&mut tx, rows, batch.run).await?;
    }
    if !batch.events.is_empty() {
        let locked = sqlx::query(JOURNAL_LOCK).execute(&mut *tx).await;
        locked.map_err(&failed)?;
    }
    for rows in batch.events.chunks(CHUNK) {
        insert_events(&mut tx, rows).await?;
    }
    tx.commit().await.map_err(&failed)
}

pub(super) async fn confirm(pool: &PgPool, cursors: &[i64]) -> Result<(), StoreError> {
    let failed = failed("emptying the outbox");
    sqlx::query(CONFIRM).bind(cursors).execute(pool).await.map(|_| ()).map_err(failed)
}

pub(super) async fn lease(pool: &PgPool, name: &str, holder: Uuid, for_ms: u64) -> Result<bool, StoreError> {
    let failed = failed("taking a lease");
    let done = sqlx::query(LEASE).bind(name).bind(holder).bind(for_ms.cast_signed()).execute(pool).await;
    Ok(done.map_err(failed)?.rows_affected() == 1)
}

async fn checkpoint(tx: &mut PgConnection, batch: &Batch) -> Result<(), StoreError> {
    let mut query = sqlx::query(sql::CHECKPOINT).bind(batch.run).bind(batch.checkpoint);
    for count in batch.counts {
        query = query.bind(count);
    }
    let done = query.execute(tx).await;
    let done = done.map_err(failed("moving the checkpoint"))?;
    expect_rows(done.rows_affected(), 1)
}

/// One column of the rows, as an array.
pub(super) fn column<'r, R, T>(rows: &'r [R], of: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

async fn insert_claims(tx: &mut PgConnection, rows: &[ClaimWrite], run: Uuid) -> Result<(), StoreError> {
    let done = sqlx::query(INSERT_CLAIMS)
        .bind(column(rows, |row| row.source.as_str()))
        .bind(column(rows, |row| row.emitter.as_str()))
        .bind(column(rows, |row| row.record_key))
        .bind(column(rows, |row| row.record_hash))
        .bind(column(rows, |row| row.person))
        .bind(column(rows, |row| row.absent))
        .bind(column(rows, |row| row.payload.as_slice()))
        .bind(run)
        .execute(tx)
        .await;
    done.map(|_| ()).map_err(failed("writing claims"))
}

async fn rewrite_claims(tx: &mut PgConnection, rows: &[ClaimWrite], run: Uuid) -> Result<(), StoreError> {
    let done = sqlx::query(REWRITE_CLAIMS)
        .bind(column(rows, |row| row.id))
        .bind(column(rows, |row| row.record_hash))
        .bind(column(rows, |row| row.person))
        .bind(column(rows, |row| row.absent))
        .bind(column(rows, |row| row.payload.as_slice()))
        .bind(run)
        .execute(tx)
        .await;
    let done = done.map_err(failed("rewriting claims"))?;
    expect_rows(done.rows_affected(), rows.len())
}

async fn insert_persons(tx: &mut PgConnection, rows: &[PersonRowWrite]) -> Result<(), StoreError> {
    let done = sqlx::query(INSERT_PERSONS)
        .bind(column(rows, |row| row.id))
        .bind(column(rows, |row| row.sequence))
        .bind(column(rows, |row| row.payload.as_slice()))
        .bind(column(rows, |row| row.since))
        .execute(tx)
        .await;
    done.map(|_| ()).map_err(failed("creating persons"))
}

async fn insert_versions(tx: &mut PgConnection, rows: &[VersionWrite], until: i64) -> Result<(), StoreError> {
    let done = sqlx::query(INSERT_VERSIONS)
        .bind(column(rows, |row| row.person))
        .bind(column(rows, |row| row.sequence))
        .bind(column(rows, |row| row.payload.as_slice()))
        .bind(until)
        .execute(tx)
        .await;
    let done = done.map_err(failed("keeping versions"))?;
    expect_rows(done.rows_affected(), rows.len())
}

async fn update_persons(tx: &mut PgConnection, rows: &[PersonRowWrite]) -> Result<(), StoreError> {
    let done = sqlx::query(UPDATE_PERSONS)
        .bind(column(rows, |row| row.id))
        .bind(column(rows, |row| row.sequence))
        .bind(column(rows, |row| row.payload.as_slice()))
        .bind(column(rows, |row| row.since))
        .bind(column(rows, |row| row.expected))
        .execute(tx)
        .await;
    let done = done.map_err(failed("updating persons"))?;
    expect_rows(done.rows_affected(), rows.len())
}

async fn still_there(tx: &mut PgConnection, rows: &[(Uuid, i64)]) -> Result<(), StoreError> {
    let found: Result<i64, _> = sqlx::query_scalar(RELIED_ON)
        .bind(column(rows, |(person, _)| *person))
        .bind(column(rows, |(_, sequence)| *sequence))
        .fetch_one(tx)
        .await;
    let found = found.map_err(failed("looking persons up again"))?;
    expect_rows(found.cast_unsigned(), rows.len())
}

async fn merge(tx: &mut PgConnection, rows: &[(Uuid, Uuid)]) -> Result<(), StoreError> {
    for statement in [MERGE_CHAINS, MERGE, MOVE_CLAIMS] {
        let done = sqlx::query(statement)
            .bind(column(rows, |(absorbed, _)| *absorbed))
            .bind(column(rows, |(_, into)| *into))
            .execute(&mut *tx)
            .await;
        done.map_err(failed("merging persons"))?;
    }
    Ok(())
}

async fn give_claims(tx: &mut PgConnection, rows: &[(i64, Uuid)]) -> Result<(), StoreError> {
    let done = sqlx::query(GIVE_CLAIMS)
        .bind(column(rows, |(claim, _)| *claim))
        .bind(column(rows, |(_, person)| *person))
        .execute(tx)
        .await;
    let done = done.map_err(failed("giving claims to other persons"))?;
    expect_rows(done.rows_affected(), rows.len())
}

async fn insert_keys(
    tx: &mut PgConnection,
    statement: &'static str,
    rows: &[(i64, Uuid)],
) -> Result<(), StoreError> {
    let done = sqlx::query(statement)
        .bind(column(rows, |(key, _)| *key))
        .bind(column(rows, |(_, person)| *person))
        .execute(tx)
        .await;
    done.map(|_| ()).map_err(failed("writing keys"))
}

async fn insert_rejects(tx: &mut PgConnection, rows: &[RejectWrite], run: Uuid) -> Result<(), StoreError> {
    let done = sqlx::query(INSERT_REJECTS)
        .bind(column(rows, |row| row.number))
        .bind(column(rows, |row| row.line))
        .bind(column(rows, |row| row.byte))
        .bind(column(rows, |row| row.stage))
        .bind(column(rows, |row| row.code.as_str()))
        .bind(column(rows, |row| row.field.as_deref()))
        .bind(column(rows, |row| row.detail.as_str()))
        .bind(column(rows, |row| row.original.as_slice()))
        .bind(run)
        .execute(tx)
        .await;
    done.map(|_| ()).map_err(failed("writing rejects"))
}

async fn insert_events(tx: &mut PgConnection, rows: &[EventWrite]) -> Result<(), StoreError> {
    let done = sqlx::query(INSERT_EVENTS)
        .bind(column(rows, |row| row.id))
        .bind(column(rows, |row| row.person))
        .bind(column(rows, |row| row.sequence))
        .bind(column(rows, |row| row.kind))
        .bind(column(rows, |row| row.routing_key.as_str()))
        .bind(column(rows, |row| row.payload.as_slice()))
        .execute(tx)
        .await;
    done.map(|_| ()).map_err(failed("writing events"))
}
