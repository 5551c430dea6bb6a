//! Batch reads: a list is one array.

use hub_core::delivery::PersonId;
use hub_core::identity::IdentityKey;
use hub_core::statement::{RecordKey, Statement};
use hub_core::store::{KnownFrame, KnownPerson, StoreError, Version};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::store::codec::Codec;
use crate::store::failure::failed;
use crate::store::places::Places;
use crate::store::rows::{self, PersonRow, StatementRow};
use crate::store::written::Written;

const SNAPSHOT: &str = "begin isolation level repeatable read, read only";

const LATEST_CREATED: &str = "
select max(created collate \"C\") from run where source = $1 and flow = $2
  and emitter = $3 and status in ('done', 'done_with_rejects') and created <> ''";
const KNOWN_FRAMES: &str = "
select record_hash, id, emitter from claim where record_hash = any($1) and not absent and source = $2";
/// Found first, ordered after: asked for order and look-up at once, the planner walks the whole primary key.
const BY_RECORD: &str = "
with found as materialized (
  select id, source, emitter, record_key, record_hash, person_id, absent, run_id, payload from claim where record_key = any($1))
select * from found order by id";
const BY_ID: &str = "
select id, source, emitter, record_key, record_hash, person_id, absent, run_id, payload from claim
where id = any($1) order by id";
const BY_PERSON: &str = "
with found as materialized (
  select id, source, emitter, record_key, record_hash, person_id, absent, run_id, payload from claim where person_id = any($1))
select * from found order by id";
const CANDIDATES: &str = "
select key, coalesce(merged.into_id, identity_key.person_id) from identity_key
left join merged on merged.person_id = identity_key.person_id where key = any($1)";
const PERSONS: &str = "
select id, sequence, payload, merged.into_id from person left join merged on merged.person_id = person.id
where id = any($1)";
const SINCE: &str = "select id, since_ns from person where id = any($1)";
const HISTORY: &str = "
with found as materialized (select id, person_id, sequence, since_ns, until_ns, payload from history where person_id = any($1))
select person_id, sequence, since_ns, until_ns, payload from found order by id";
const COUNT_STATED: &str = "
select count(*) from claim where source = $1 and emitter = any($2) and not absent";
const STATED_BEFORE: &str = "
select id from claim where id > $1 and source = $2 and emitter = any($3) and not absent and run_id <> $4
order by id limit $5";

pub(super) async fn latest_created(
    pool: &PgPool,
    source: &str,
    flow: &str,
    emitter: &str,
) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(LATEST_CREATED)
        .bind(source)
        .bind(flow)
        .bind(emitter)
        .fetch_one(pool)
        .await
        .map_err(failed("reading the latest delivery's date"))
}

pub(super) async fn known_frames(
    pool: &PgPool,
    source: &str,
    written: &Written,
    hashes: &[u64],
) -> Result<Vec<KnownFrame>, StoreError> {
    let mut hashes: Vec<i64> = hashes.iter().map(|hash| hash.cast_signed()).collect();
    written.retain(&mut hashes);
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, i64, String)> = sqlx::query_as(KNOWN_FRAMES)
        .bind(&hashes)
        .bind(source)
        .fetch_all(pool)
        .await
        .map_err(failed("looking frames up"))?;
    let known = rows.into_iter().map(|(hash, claim, emitter)| KnownFrame {
        hash: hash.cast_unsigned(),
        claim,
        emitter: emitter.into(),
    });
    Ok(known.collect())
}

pub(super) async fn statements_of(
    pool: &PgPool,
    (codec, written): (&Codec, &Written),
    source: &str,
    records: &[RecordKey],
) -> Result<Vec<Statement>, StoreError> {
    let places = Places::of_records(codec, source, records);
    let mut wanted = places.hashes();
    written.retain(&mut wanted);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<StatementRow> = sqlx::query_as(BY_RECORD)
        .bind(wanted)
        .fetch_all(pool)
        .await
        .map_err(failed("reading the claims of records"))?;
    let mut found = rows::statements(codec, rows)?;
    found.retain(|claim| claim.source == source && places.asked(codec, records, claim));
    Ok(found)
}

pub(super) async fn statements(
    pool: &PgPool,
    codec: &Codec,
    ids: &[i64],
) -> Result<Vec<Statement>, StoreError> {
    let rows: Vec<StatementRow> =
        sqlx::query_as(BY_ID).bind(ids).fetch_all(pool).await.map_err(failed("reading claims"))?;
    rows::statements(codec, rows)
}

pub(super) async fn candidates(
    pool: &PgPool,
    (codec, written): (&Codec, &Written),
    keys: &[IdentityKey],
) -> Result<Vec<(usize, PersonId)>, StoreError> {
    let places = Places::of_keys(codec, keys);
    let mut wanted = places.hashes();
    written.retain(&mut wanted);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, Uuid)> =
        sqlx::query_as(CANDIDATES).bind(wanted).fetch_all(pool).await.map_err(failed("looking keys up"))?;
    Ok(places.bearers(&rows))
}

/// Persons and claims come from one snapshot.
pub(super) async fn persons(
    pool: &PgPool,
    codec: &Codec,
    ids: &[PersonId],
) -> Result<Vec<KnownPerson>, StoreError> {
    let failed = failed("reading persons");
    let mut tx = pool.begin_with(SNAPSHOT).await.map_err(&failed)?;
    let (persons, claims) = persons_and_claims(&mut tx, ids).await?;
    tx.commit().await.map_err(&failed)?;
    rows::persons(codec, persons, claims)
}

async fn persons_and_claims(
    tx: &mut PgConnection,
    ids: &[PersonId],
) -> Result<(Vec<PersonRow>, Vec<StatementRow>), StoreError> {
    let failed = failed("reading persons");
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let persons = sqlx::query_as(PERSONS).bind(&ids).fetch_all(&mut *tx).await.map_err(&failed)?;
    let claims = sqlx::query_as(BY_PERSON).bind(&ids).fetch_all(tx).await.map_err(&failed)?;
    Ok((persons, claims))
}

/// Versions that are over and what is known now come from one snapshot.
pub(super) async fn histories(
    pool: &PgPool,
    codec: &Codec,
    persons: &[PersonId],
) -> Result<Vec<(PersonId, Vec<Version>)>, StoreError> {
    let failed = failed("reading histories");
    let ids: Vec<Uuid> = persons.iter().map(|id| id.0).collect();
    let mut tx = pool.begin_with(SNAPSHOT).await.map_err(&failed)?;
    let since = sqlx::query_as(SINCE).bind(&ids).fetch_all(&mut *tx).await.map_err(&failed)?;
    let over = sqlx::query_as(HISTORY).bind(&ids).fetch_all(&mut *tx).await.map_err(&failed)?;
    let (persons, claims) = persons_and_claims(&mut tx, persons).await?;
    tx.commit().await.map_err(&failed)?;
    rows::histories(codec, over, (rows::persons(codec, persons, claims)?, since))
}

pub(super) async fn count_stated(
    pool: &PgPool,
    source: &str,
    emitters: &[String],
) -> Result<u64, StoreError> {
    let count: Result<i64, _> =
        sqlx::query_scalar(COUNT_STATED).bind(source).bind(emitters).fetch_one(pool).await;
    count.map(i64::cast_unsigned).map_err(failed("counting what an emitter states"))
}

/// `bounds` are the run, the row number reached and the limit.
pub(super) async fn stated_before(
    pool: &PgPool,
    source: &str,
    emitters: &[String],
    bounds: (Uuid, i64, i64),
) -> Result<Vec<i64>, StoreError> {
    let (run, after, limit) = bounds;
    sqlx::query_scalar(STATED_BEFORE)
        .bind(after)
        .bind(source)
        .bind(emitters)
        .bind(run)
        .bind(limit)
        .fetch_all(pool)
        .await
        .map_err(failed("looking for claims no longer stated"))
}
