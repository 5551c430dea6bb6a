//! Batch reads: a list is one blob of cells, or one JSON array unfolded by `json_each`.

use hub_core::delivery::PersonId;
use hub_core::identity::IdentityKey;
use hub_core::statement::{RecordKey, Statement};
use hub_core::store::{KnownFrame, KnownPerson, StoreError, Version};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use super::cells::{Cells, json, number, rows};
use crate::store::codec::Codec;
use crate::store::failure::failed;
use crate::store::places::Places;
use crate::store::rows::{self, PersonRow, StatementRow};
use crate::store::written::Written;

const LATEST_CREATED: &str = "
select max(created) from run where source = $1 and flow = $2
  and emitter = $3 and status in ('done', 'done_with_rejects') and created <> ''";
/// Rows of the three levels that bear one of the numbers of `$1`.
macro_rules! found {
    ($table:literal, $target:literal) => {
        concat!(
            rows!(20),
            ", wanted (key) as materialized (select ",
            number!(0),
            " from row), found (key, target) as (select key, ",
            $target,
            " from wanted cross join ",
            $table,
            " using (key) union select key, ",
            $target,
            " from wanted cross join ",
            $table,
            "_recent using (key) union select key, ",
            $target,
            " from wanted cross join ",
            $table,
            "_fresh using (key)) "
        )
    };
}
const KNOWN_FRAMES: &str = concat!(
    found!("claim_key", "claim"),
    "select record_hash, id, emitter from found cross join claim on claim.id = found.target
where claim.record_hash = found.key and not absent and source = $2"
);
const BY_RECORD: &str = concat!(
    found!("claim_key", "claim"),
    "select id, source, emitter, record_key, record_hash, person_id, absent, run_id, payload
from found cross join claim on claim.id = found.target where claim.record_key = found.key order by id"
);
const BY_ID: &str = "
select id, source, emitter, record_key, record_hash, person_id, absent, run_id, payload from claim
where id in (select value from json_each($1)) order by id";
const BY_PERSON: &str = "
select id, source, emitter, record_key, record_hash, person_id, absent, run_id, payload from claim
where person_id in (select unhex(value) from json_each($1)) order by id";
const CANDIDATES: &str = concat!(
    found!("identity_key", "person_id"),
    "select key, coalesce(merged.into_id, found.target) from found left join merged on merged.person_id = found.target"
);
const PERSONS: &str = "
select id, sequence, payload, merged.into_id from person left join merged on merged.person_id = person.id
where id in (select unhex(value) from json_each($1))";
const SINCE: &str = "select id, since_ns from person where id in (select unhex(value) from json_each($1))";
const HISTORY: &str = "
select person_id, sequence, since_ns, until_ns, payload from history where person_id in (select unhex(value) from json_each($1)) order by id";
const COUNT_STATED: &str = "
select count(*) from claim where source = $1 and emitter in (select value from json_each($2)) and not absent";
const STATED_BEFORE: &str = "
select id from claim where id > $1 and source = $2 and emitter in (select value from json_each($3)) and not absent and run_id <> $4
order by id limit $5";

pub(super) async fn latest_created(
    pool: &SqlitePool,
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
    pool: &SqlitePool,
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
        .bind(keys(hashes))
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
    pool: &SqlitePool,
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
        .bind(keys(wanted))
        .fetch_all(pool)
        .await
        .map_err(failed("reading the claims of records"))?;
    let mut found = rows::statements(codec, rows)?;
    found.retain(|claim| claim.source == source && places.asked(codec, records, claim));
    Ok(found)
}

pub(super) async fn statements(
    pool: &SqlitePool,
    codec: &Codec,
    ids: &[i64],
) -> Result<Vec<Statement>, StoreError> {
    let rows: Vec<StatementRow> =
        sqlx::query_as(BY_ID).bind(json(&ids)).fetch_all(pool).await.map_err(failed("reading claims"))?;
    rows::statements(codec, rows)
}

/// Numbers to look up.
fn keys(keys: Vec<i64>) -> Vec<u8> {
    let mut cells = Cells::default();
    for key in keys {
        cells.number(key);
    }
    cells.into_parameters().0
}

pub(super) async fn candidates(
    pool: &SqlitePool,
    (codec, written): (&Codec, &Written),
    asked: &[IdentityKey],
) -> Result<Vec<(usize, PersonId)>, StoreError> {
    let places = Places::of_keys(codec, asked);
    let mut wanted = places.hashes();
    written.retain(&mut wanted);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, Uuid)> = sqlx::query_as(CANDIDATES)
        .bind(keys(wanted))
        .fetch_all(pool)
        .await
        .map_err(failed("looking keys up"))?;
    Ok(places.bearers(&rows))
}

/// Persons and claims come from one snapshot.
pub(super) async fn persons(
    pool: &SqlitePool,
    codec: &Codec,
    ids: &[PersonId],
) -> Result<Vec<KnownPerson>, StoreError> {
    let failed = failed("reading persons");
    let mut tx = pool.begin_with("begin").await.map_err(&failed)?;
    let (persons, claims) = persons_and_claims(&mut tx, ids).await?;
    tx.commit().await.map_err(&failed)?;
    rows::persons(codec, persons, claims)
}

async fn persons_and_claims(
    tx: &mut SqliteConnection,
    ids: &[PersonId],
) -> Result<(Vec<PersonRow>, Vec<StatementRow>), StoreError> {
    let failed = failed("reading persons");
    let ids: Vec<String> = ids.iter().map(|id| id.0.simple().to_string()).collect();
    let persons = sqlx::query_as(PERSONS).bind(json(&ids)).fetch_all(&mut *tx).await.map_err(&failed)?;
    let claims = sqlx::query_as(BY_PERSON).bind(json(&ids)).fetch_all(tx).await.map_err(&failed)?;
    Ok((persons, claims))
}

/// Versions that are over and what is known now come from one snapshot.
pub(super) async fn histories(
    pool: &SqlitePool,
    codec: &Codec,
    persons: &[PersonId],
) -> Result<Vec<(PersonId, Vec<Version>)>, StoreError> {
    let failed = failed("reading histories");
    let ids: Vec<String> = persons.iter().map(|id| id.0.simple().to_string()).collect();
    let mut tx = pool.begin_with("begin").await.map_err(&failed)?;
    let since = sqlx::query_as(SINCE).bind(json(&ids)).fetch_all(&mut *tx).await.map_err(&failed)?;
    let over = sqlx::query_as(HISTORY).bind(json(&ids)).fetch_all(&mut *tx).await.map_err(&failed)?;
    let (persons, claims) = persons_and_claims(&mut tx, persons).await?;
    tx.commit().await.map_err(&failed)?;
    rows::histories(codec, over, (rows::persons(codec, persons, claims)?, since))
}

pub(super) async fn count_stated(
    pool: &SqlitePool,
    source: &str,
    emitters: &[String],
) -> Result<u64, StoreError> {
    let count: Result<i64, _> =
        sqlx::query_scalar(COUNT_STATED).bind(source).bind(json(&emitters)).fetch_one(pool).await;
    count.map(i64::cast_unsigned).map_err(failed("counting what an emitter states"))
}

/// `bounds` are the run, the row number reached and the limit.
pub(super) async fn stated_before(
    pool: &SqlitePool,
    source: &str,
    emitters: &[String],
    bounds: (Uuid, i64, i64),
) -> Result<Vec<i64>, StoreError> {
    let (run, after, limit) = bounds;
    sqlx::query_scalar(STATED_BEFORE)
        .bind(after)
        .bind(source)
        .bind(json(&emitters))
        .bind(run)
        .bind(limit)
        .fetch_all(pool)
        .await
        .map_err(failed("looking for claims no longer stated"))
}
