//! Reads of the SQLite backend. Rows have their own shapes and become domain values here.

use hub_core::delivery::{Delivery, DeliveryId, Digest, PersonId, RunId, Status};
use hub_core::identity::IdentityKey;
use hub_core::record::Position;
use hub_core::reject::{Reject, Stage};
use hub_core::statement::Statement;
use hub_core::store::{JournalEvent, KnownFrame, KnownPerson, Run, StoreError};
use serde_json::json;
use sqlx::{FromRow, SqlitePool};
use uuid::Uuid;

use super::write::hex;
use crate::store::payload::{ClaimColumns, Payloads, failed};

#[derive(FromRow)]
struct DeliveryRow {
    id: Uuid,
    source: String,
    digest: String,
    size_bytes: i64,
    filename: Option<String>,
    received_at: String,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Unreadable { context: "a delivery" };
        Ok(Self {
            id: DeliveryId(row.id),
            source: row.source,
            digest: row.digest.parse().map_err(|_| unreadable())?,
            size_bytes: row.size_bytes.cast_unsigned(),
            filename: row.filename,
            received_at: row.received_at.parse().map_err(|_| unreadable())?,
        })
    }
}

pub(super) async fn delivery(pool: &SqlitePool, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
    let row: Option<DeliveryRow> = sqlx::query_as("SELECT * FROM delivery WHERE id = $1")
        .bind(id.0)
        .fetch_optional(pool)
        .await
        .map_err(failed("finding a delivery"))?;
    row.map(Delivery::try_from).transpose()
}

pub(super) async fn delivery_by_digest(
    pool: &SqlitePool,
    source: &str,
    digest: Digest,
) -> Result<Option<Delivery>, StoreError> {
    let row: Option<DeliveryRow> = sqlx::query_as("SELECT * FROM delivery WHERE source = $1 AND digest = $2")
        .bind(source)
        .bind(digest.to_string())
        .fetch_optional(pool)
        .await
        .map_err(failed("finding a delivery"))?;
    row.map(Delivery::try_from).transpose()
}

pub(super) async fn deliveries(pool: &SqlitePool, limit: u32) -> Result<Vec<Delivery>, StoreError> {
    let rows: Vec<DeliveryRow> = sqlx::query_as("SELECT * FROM delivery ORDER BY id DESC LIMIT $1")
        .bind(limit)
        .fetch_all(pool)
        .await
        .map_err(failed("listing deliveries"))?;
    rows.into_iter().map(Delivery::try_from).collect()
}

#[derive(FromRow)]
struct RunRow {
    id: Uuid,
    delivery_id: Uuid,
    source: String,
    mapping: String,
    started_at: String,
    ended_at: Option<String>,
    status: String,
    checkpoint: i64,
    created: String,
    counts: String,
    warnings: String,
}

impl TryFrom<RunRow> for Run {
    type Error = StoreError;

    fn try_from(row: RunRow) -> Result<Self, StoreError> {
        let unreadable = || StoreError::Unreadable { context: "a run" };
        let status: Status = serde_json::from_value(json!(row.status)).map_err(|_| unreadable())?;
        Ok(Self {
            id: RunId(row.id),
            delivery: DeliveryId(row.delivery_id),
            source: row.source,
            mapping: row.mapping,
            started_at: row.started_at.parse().map_err(|_| unreadable())?,
            ended_at: row.ended_at.map(|at| at.parse()).transpose().map_err(|_| unreadable())?,
            status,
            checkpoint: row.checkpoint.cast_unsigned(),
            counts: serde_json::from_str(&row.counts).map_err(|_| unreadable())?,
            warnings: serde_json::from_str(&row.warnings).map_err(|_| unreadable())?,
            created: row.created,
        })
    }
}

pub(super) async fn run(pool: &SqlitePool, id: RunId) -> Result<Option<Run>, StoreError> {
    let row: Option<RunRow> = sqlx::query_as("SELECT * FROM run WHERE id = $1")
        .bind(id.0)
        .fetch_optional(pool)
        .await
        .map_err(failed("finding a run"))?;
    row.map(Run::try_from).transpose()
}

pub(super) async fn runs(pool: &SqlitePool, limit: u32) -> Result<Vec<Run>, StoreError> {
    let rows: Vec<RunRow> = sqlx::query_as("SELECT * FROM run ORDER BY id DESC LIMIT $1")
        .bind(limit)
        .fetch_all(pool)
        .await
        .map_err(failed("listing runs"))?;
    rows.into_iter().map(Run::try_from).collect()
}

pub(super) async fn latest_created(
    pool: &SqlitePool,
    source: &str,
    mapping: &str,
) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar(
        "SELECT max(created) FROM run WHERE source = $1 AND mapping LIKE $2 || '@%' AND created <> ''
           AND status IN ('done', 'done_with_rejects')",
    )
    .bind(source)
    .bind(mapping)
    .fetch_one(pool)
    .await
    .map_err(failed("finding the latest run"))
}

pub(super) async fn known_frames(
    pool: &SqlitePool,
    source: &str,
    hashes: &[u64],
) -> Result<Vec<KnownFrame>, StoreError> {
    let hashes: Vec<i64> = hashes.iter().map(|hash| hash.cast_signed()).collect();
    let rows: Vec<(i64, i64, String)> = sqlx::query_as(
        "SELECT record_hash, id, emitter FROM claim
         WHERE record_hash IN (SELECT value FROM json_each($1)) AND source = $2 AND NOT absent",
    )
    .bind(json!(hashes).to_string())
    .bind(source)
    .fetch_all(pool)
    .await
    .map_err(failed("comparing frames"))?;
    let known = |(hash, claim, emitter): (i64, i64, String)| KnownFrame {
        hash: hash.cast_unsigned(),
        claim,
        emitter: emitter.into(),
    };
    Ok(rows.into_iter().map(known).collect())
}

#[derive(FromRow)]
struct ClaimRow {
    id: i64,
    source: String,
    emitter: String,
    record_hash: Option<i64>,
    person_id: Uuid,
    absent: bool,
    payload: Vec<u8>,
}

impl ClaimRow {
    fn open(self, payloads: &Payloads) -> Result<Statement, StoreError> {
        let columns = ClaimColumns {
            id: self.id,
            person: PersonId(self.person_id),
            source: self.source,
            emitter: self.emitter,
            record_hash: self.record_hash,
            absent: self.absent,
        };
        payloads.open_claim(columns, &self.payload)
    }
}

const CLAIMS_BY_RECORD: &str =
    "SELECT id, source, emitter, record_hash, person_id, absent, payload FROM claim
    WHERE record_key IN (SELECT value FROM json_each($1)) ORDER BY id";
const CLAIMS_BY_ID: &str = "SELECT id, source, emitter, record_hash, person_id, absent, payload FROM claim
    WHERE id IN (SELECT value FROM json_each($1)) ORDER BY id";
const CLAIMS_BY_PERSON: &str =
    "SELECT id, source, emitter, record_hash, person_id, absent, payload FROM claim
    WHERE person_id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY id";

async fn claims(
    pool: &SqlitePool,
    payloads: &Payloads,
    sql: &'static str,
    wanted: String,
) -> Result<Vec<Statement>, StoreError> {
    let rows: Vec<ClaimRow> =
        sqlx::query_as(sql).bind(wanted).fetch_all(pool).await.map_err(failed("reading claims"))?;
    rows.into_iter().map(|row| row.open(payloads)).collect()
}

pub(super) async fn statements_of(
    pool: &SqlitePool,
    payloads: &Payloads,
    source: &str,
    records: &[(String, String)],
) -> Result<Vec<Statement>, StoreError> {
    let indexes: Vec<i64> =
        records.iter().map(|(emitter, key)| payloads.record_index(source, emitter, key)).collect();
    claims(pool, payloads, CLAIMS_BY_RECORD, json!(indexes).to_string()).await
}

pub(super) async fn statements(
    pool: &SqlitePool,
    payloads: &Payloads,
    ids: &[i64],
) -> Result<Vec<Statement>, StoreError> {
    claims(pool, payloads, CLAIMS_BY_ID, json!(ids).to_string()).await
}

pub(super) async fn candidates(
    pool: &SqlitePool,
    payloads: &Payloads,
    keys: &[IdentityKey],
) -> Result<Vec<(usize, PersonId)>, StoreError> {
    let indexes: Vec<i64> = keys.iter().map(|key| payloads.seal.index("identity", &key.0)).collect();
    let rows: Vec<(i64, Uuid)> = sqlx::query_as(
        "SELECT j.key, k.person_id FROM json_each($1) j JOIN identity_key k ON k.key = j.value ORDER BY j.key",
    )
    .bind(json!(indexes).to_string())
    .fetch_all(pool)
    .await
    .map_err(failed("finding candidates"))?;
    Ok(rows
        .into_iter()
        .filter_map(|(at, person)| Some((usize::try_from(at).ok()?, PersonId(person))))
        .collect())
}

pub(super) async fn persons(
    pool: &SqlitePool,
    payloads: &Payloads,
    ids: &[PersonId],
) -> Result<Vec<KnownPerson>, StoreError> {
    let wanted: Vec<String> = ids.iter().map(|id| hex(id.0.as_bytes())).collect();
    let wanted = json!(wanted).to_string();
    // One snapshot for both reads: a person and its claims must be of the same commit.
    let mut tx = pool.begin().await.map_err(failed("reading persons"))?;
    let rows: Vec<(Uuid, i64, Vec<u8>)> = sqlx::query_as(
        "SELECT id, sequence, payload FROM person WHERE id IN (SELECT unhex(value) FROM json_each($1)) ORDER BY id",
    )
    .bind(&wanted)
    .fetch_all(&mut *tx)
    .await
    .map_err(failed("reading persons"))?;
    let claims: Vec<ClaimRow> = sqlx::query_as(CLAIMS_BY_PERSON)
        .bind(wanted)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed("reading persons"))?;
    tx.rollback().await.map_err(failed("reading persons"))?;
    let mut persons: std::collections::BTreeMap<Uuid, KnownPerson> = std::collections::BTreeMap::new();
    for (id, sequence, payload) in rows {
        let state = payloads.open_state(&payload)?;
        let person = KnownPerson {
            id: PersonId(id),
            sequence: sequence.cast_unsigned(),
            state,
            statements: Vec::new(),
        };
        persons.insert(id, person);
    }
    for claim in claims {
        if let Some(person) = persons.get_mut(&claim.person_id) {
            person.statements.push(claim.open(payloads)?);
        }
    }
    Ok(persons.into_values().collect())
}

pub(super) async fn stated_before(
    pool: &SqlitePool,
    source: &str,
    emitters: &[String],
    run: RunId,
    after: i64,
    limit: u32,
) -> Result<Vec<i64>, StoreError> {
    sqlx::query_scalar(
        "SELECT id FROM claim WHERE id > $4 AND source = $1 AND emitter IN (SELECT value FROM json_each($2))
           AND run_id <> $3 AND NOT absent ORDER BY id LIMIT $5",
    )
    .bind(source)
    .bind(json!(emitters).to_string())
    .bind(run.0)
    .bind(after)
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed("finding who left"))
}

#[derive(FromRow)]
struct RejectRow {
    number: i64,
    line: i64,
    byte: i64,
    stage: String,
    code: String,
    field: Option<String>,
    detail: String,
    original: Vec<u8>,
}

pub(super) async fn rejects(
    pool: &SqlitePool,
    payloads: &Payloads,
    run: RunId,
    limit: u32,
) -> Result<Vec<Reject>, StoreError> {
    let unreadable = || StoreError::Unreadable { context: "a refused record" };
    let rows: Vec<RejectRow> = sqlx::query_as(
        "SELECT number, line, byte, stage, code, field, detail, original FROM reject WHERE run_id = $1 ORDER BY number LIMIT $2",
    )
    .bind(run.0)
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed("reading refused records"))?;
    let open = |row: RejectRow| {
        let [number, line, byte] = [row.number, row.line, row.byte].map(i64::cast_unsigned);
        let stage = if row.stage == Stage::Decode.word() { Stage::Decode } else { Stage::Map };
        Ok(Reject {
            position: Position { number, line, byte },
            stage,
            code: row.code.parse().map_err(|_| unreadable())?,
            field: row.field,
            detail: row.detail,
            original: payloads.seal.open(&row.original).ok_or_else(unreadable)?,
        })
    };
    rows.into_iter().map(open).collect()
}

#[derive(FromRow)]
struct EventRow {
    cursor: i64,
    id: Uuid,
    person_id: Uuid,
    routing_key: String,
    payload: Vec<u8>,
}

impl EventRow {
    fn open(self, payloads: &Payloads) -> Result<JournalEvent, StoreError> {
        let unreadable = || StoreError::Unreadable { context: "an event" };
        let clear = payloads.seal.open(&self.payload).ok_or_else(unreadable)?;
        Ok(JournalEvent {
            cursor: self.cursor.cast_unsigned(),
            person: PersonId(self.person_id),
            id: self.id,
            routing_key: self.routing_key,
            json: String::from_utf8(clear).map_err(|_| unreadable())?,
        })
    }
}

pub(super) async fn events(
    pool: &SqlitePool,
    payloads: &Payloads,
    after: u64,
    limit: u32,
) -> Result<Vec<JournalEvent>, StoreError> {
    let rows: Vec<EventRow> = sqlx::query_as(
        "SELECT cursor, id, person_id, routing_key, payload FROM event WHERE cursor > $1 ORDER BY cursor LIMIT $2",
    )
    .bind(after.cast_signed())
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed("reading the journal"))?;
    rows.into_iter().map(|row| row.open(payloads)).collect()
}

pub(super) async fn outbox(
    pool: &SqlitePool,
    payloads: &Payloads,
    limit: u32,
) -> Result<Vec<JournalEvent>, StoreError> {
    let rows: Vec<EventRow> = sqlx::query_as(
        "SELECT e.cursor, e.id, e.person_id, e.routing_key, e.payload FROM outbox o JOIN event e ON e.cursor = o.cursor
         ORDER BY o.cursor LIMIT $1",
    )
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed("reading the outbox"))?;
    rows.into_iter().map(|row| row.open(payloads)).collect()
}

pub(super) async fn sizes(pool: &SqlitePool) -> Result<(u64, u64, u64), StoreError> {
    let (persons, claims, events): (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM claim), (SELECT count(*) FROM event)",
    )
    .fetch_one(pool)
    .await
    .map_err(failed("counting"))?;
    Ok((persons.cast_unsigned(), claims.cast_unsigned(), events.cast_unsigned()))
}
