//! Writes of the SQLite backend: each in one immediate transaction, set-based, every update's row count checked.

use hub_core::delivery::{Counts, Delivery, DeliveryId, RunId, Status, Warning};
use hub_core::store::{Commit, Registration, Run, StoreError};
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use sqlx::{Sqlite, SqlitePool, Transaction};
use uuid::Uuid;

use crate::store::payload::{Payloads, failed};

type Tx = Transaction<'static, Sqlite>;

async fn begin_write(pool: &SqlitePool, context: &'static str) -> Result<Tx, StoreError> {
    pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed(context))
}

pub(super) async fn register(pool: &SqlitePool, delivery: &Delivery) -> Result<Registration, StoreError> {
    let context = "registering a delivery";
    let mut tx = begin_write(pool, context).await?;
    let inserted = sqlx::query(
        "INSERT INTO delivery (id, source, digest, size_bytes, filename, received_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (source, digest) DO NOTHING",
    )
    .bind(delivery.id.0)
    .bind(&delivery.source)
    .bind(delivery.digest.to_string())
    .bind(delivery.size_bytes.cast_signed())
    .bind(&delivery.filename)
    .bind(delivery.received_at.to_string())
    .execute(&mut *tx)
    .await
    .map_err(failed(context))?
    .rows_affected();
    let known: (Uuid, bool) = sqlx::query_as(
        "SELECT d.id, EXISTS (SELECT 1 FROM run r WHERE r.delivery_id = d.id AND r.status IN ('done', 'done_with_rejects'))
         FROM delivery d WHERE d.source = $1 AND d.digest = $2",
    )
    .bind(&delivery.source)
    .bind(delivery.digest.to_string())
    .fetch_one(&mut *tx)
    .await
    .map_err(failed(context))?;
    tx.commit().await.map_err(failed(context))?;
    Ok(match inserted {
        1 => Registration::New,
        _ => Registration::Known { delivery: DeliveryId(known.0), processed: known.1 },
    })
}

pub(super) async fn begin(pool: &SqlitePool, run: &Run) -> Result<(), StoreError> {
    let context = "opening a run";
    let mut tx = begin_write(pool, context).await?;
    sqlx::query(
        "INSERT INTO run (id, delivery_id, source, mapping, started_at, status, checkpoint, created, counts, warnings)
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, '[]')",
    )
    .bind(run.id.0)
    .bind(run.delivery.0)
    .bind(&run.source)
    .bind(&run.mapping)
    .bind(run.started_at.to_string())
    .bind(run.status.word())
    .bind(&run.created)
    .bind(json!(Counts::default()).to_string())
    .execute(&mut *tx)
    .await
    .map_err(failed(context))?;
    tx.commit().await.map_err(failed(context))
}

pub(super) async fn close(
    pool: &SqlitePool,
    run: RunId,
    status: Status,
    warnings: &[Warning],
    ended_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let context = "closing a run";
    let mut tx = begin_write(pool, context).await?;
    let rows = sqlx::query("UPDATE run SET status = $2, warnings = $3, ended_at = $4 WHERE id = $1")
        .bind(run.0)
        .bind(status.word())
        .bind(json!(warnings).to_string())
        .bind(ended_at.map(|at| at.to_string()))
        .execute(&mut *tx)
        .await
        .map_err(failed(context))?
        .rows_affected();
    expect_rows(rows, 1)?;
    tx.commit().await.map_err(failed(context))
}

pub(super) async fn confirm(pool: &SqlitePool, cursors: &[u64]) -> Result<(), StoreError> {
    let context = "emptying the outbox";
    let mut tx = begin_write(pool, context).await?;
    sqlx::query("DELETE FROM outbox WHERE cursor IN (SELECT value FROM json_each($1))")
        .bind(json!(cursors).to_string())
        .execute(&mut *tx)
        .await
        .map_err(failed(context))?;
    tx.commit().await.map_err(failed(context))
}

/// A commit, encoded and sealed: what a task of its own can own.
pub(super) struct Batch {
    run: Uuid,
    checkpoint: i64,
    counts: Counts,
    inserts: Json,
    updates: Json,
    created: Json,
    changed: Json,
    keys: Json,
    rejects: Json,
    events: Json,
}

impl Batch {
    pub fn encode(payloads: &Payloads, commit: &Commit) -> Self {
        let claim = |s: &hub_core::statement::Statement| {
            json!({
                "i": s.id, "s": s.source, "e": s.emitter, "k": payloads.record_index(&s.source, &s.emitter, &s.record_key),
                "h": s.record_hash.map(u64::cast_signed), "p": hex(s.person.0.as_bytes()), "a": s.absent,
                "x": hex(&payloads.claim(s)),
            })
        };
        let person = |p: &hub_core::store::PersonWrite| json!({ "p": hex(p.id.0.as_bytes()), "q": p.sequence, "w": p.expected, "x": hex(&payloads.state(&p.state)) });
        let reject = |r: &hub_core::reject::Reject| {
            json!({
                "n": r.position.number, "l": r.position.line, "b": r.position.byte, "s": r.stage.word(), "c": r.code,
                "f": r.field, "d": r.detail, "x": hex(&payloads.seal.seal(&r.original)),
            })
        };
        let event = |e: &hub_core::event::Event| {
            json!({
                "i": hex(e.id.as_bytes()), "p": hex(e.person.0.as_bytes()), "q": e.sequence, "t": e.kind, "r": e.routing_key,
                "x": hex(&payloads.seal.seal(e.json.as_bytes())),
            })
        };
        let key = |(key, person): &(hub_core::identity::IdentityKey, hub_core::delivery::PersonId)| json!({ "k": payloads.seal.index("identity", &key.0), "p": hex(person.0.as_bytes()) });
        Self {
            run: commit.run.0,
            checkpoint: commit.checkpoint.cast_signed(),
            counts: commit.counts,
            inserts: commit.statements.iter().filter(|s| s.id.is_none()).map(claim).collect(),
            updates: commit.statements.iter().filter(|s| s.id.is_some()).map(claim).collect(),
            created: commit.persons.iter().filter(|p| p.expected.is_none()).map(person).collect(),
            changed: commit.persons.iter().filter(|p| p.expected.is_some()).map(person).collect(),
            keys: commit.keys.iter().map(key).collect(),
            rejects: commit.rejects.iter().map(reject).collect(),
            events: commit.events.iter().map(event).collect(),
        }
    }
}

const INSERT_CLAIMS: &str = "INSERT INTO claim (source, emitter, record_key, record_hash, person_id, absent, run_id, payload)
    SELECT value ->> 's', value ->> 'e', value ->> 'k', value ->> 'h', unhex(value ->> 'p'), value ->> 'a', $2,
      unhex(value ->> 'x') FROM json_each($1)";
const UPDATE_CLAIMS: &str = "UPDATE claim SET record_hash = j.value ->> 'h', person_id = unhex(j.value ->> 'p'),
    absent = j.value ->> 'a', run_id = $2, payload = unhex(j.value ->> 'x') FROM json_each($1) j WHERE claim.id = j.value ->> 'i'";
const INSERT_PERSONS: &str = "INSERT INTO person (id, sequence, payload)
    SELECT unhex(value ->> 'p'), value ->> 'q', unhex(value ->> 'x') FROM json_each($1)";
const UPDATE_PERSONS: &str = "UPDATE person SET sequence = j.value ->> 'q', payload = unhex(j.value ->> 'x')
    FROM json_each($1) j WHERE person.id = unhex(j.value ->> 'p') AND person.sequence = j.value ->> 'w'";
const INSERT_KEYS: &str =
    "INSERT INTO identity_key (key, person_id) SELECT value ->> 'k', unhex(value ->> 'p')
    FROM json_each($1) WHERE true ON CONFLICT DO NOTHING";
const INSERT_REJECTS: &str = "INSERT INTO reject (run_id, number, line, byte, stage, code, field, detail, original)
    SELECT $2, value ->> 'n', value ->> 'l', value ->> 'b', value ->> 's', value ->> 'c', value ->> 'f', value ->> 'd',
      unhex(value ->> 'x') FROM json_each($1)";
const INSERT_EVENTS: &str = "INSERT INTO event (id, person_id, sequence, kind, routing_key, payload)
    SELECT unhex(value ->> 'i'), unhex(value ->> 'p'), value ->> 'q', value ->> 't', value ->> 'r', unhex(value ->> 'x')
    FROM json_each($1) ORDER BY key";
const INSERT_OUTBOX: &str = "INSERT INTO outbox (cursor) SELECT cursor FROM event
    WHERE id IN (SELECT unhex(value ->> 'i') FROM json_each($1))";

pub(super) async fn commit(pool: &SqlitePool, batch: Batch) -> Result<(), StoreError> {
    let mut tx = begin_write(pool, "committing a batch").await?;
    advance(&mut tx, &batch).await?;
    apply(&mut tx, INSERT_PERSONS, &batch.created, &batch).await?;
    apply(&mut tx, UPDATE_PERSONS, &batch.changed, &batch).await?;
    apply(&mut tx, INSERT_CLAIMS, &batch.inserts, &batch).await?;
    apply(&mut tx, UPDATE_CLAIMS, &batch.updates, &batch).await?;
    write(&mut tx, INSERT_KEYS, &batch.keys, &batch).await?;
    apply(&mut tx, INSERT_REJECTS, &batch.rejects, &batch).await?;
    apply(&mut tx, INSERT_EVENTS, &batch.events, &batch).await?;
    apply(&mut tx, INSERT_OUTBOX, &batch.events, &batch).await?;
    tx.commit().await.map_err(failed("committing a batch"))
}

/// Moves the run's checkpoint by one and adds the counts.
async fn advance(tx: &mut Tx, batch: &Batch) -> Result<(), StoreError> {
    let context = "moving a run's checkpoint";
    let kept: Option<String> =
        sqlx::query_scalar("SELECT counts FROM run WHERE id = $1 AND checkpoint = $2 - 1")
            .bind(batch.run)
            .bind(batch.checkpoint)
            .fetch_optional(&mut **tx)
            .await
            .map_err(failed(context))?;
    let kept = kept.ok_or(StoreError::Conflict)?;
    let mut counts: Counts =
        serde_json::from_str(&kept).map_err(|_| StoreError::Unreadable { context: "a run" })?;
    counts.add(&batch.counts);
    sqlx::query("UPDATE run SET checkpoint = $2, counts = $3 WHERE id = $1")
        .bind(batch.run)
        .bind(batch.checkpoint)
        .bind(json!(counts).to_string())
        .execute(&mut **tx)
        .await
        .map_err(failed(context))?;
    Ok(())
}

/// Runs a set-based statement that must touch exactly one row per element.
async fn apply(tx: &mut Tx, sql: &'static str, rows: &Json, batch: &Batch) -> Result<(), StoreError> {
    let wanted = rows.as_array().map_or(0, Vec::len) as u64;
    let touched = write(tx, sql, rows, batch).await?;
    expect_rows(touched, wanted)
}

async fn write(tx: &mut Tx, sql: &'static str, rows: &Json, batch: &Batch) -> Result<u64, StoreError> {
    if rows.as_array().is_none_or(Vec::is_empty) {
        return Ok(0);
    }
    let mut query = sqlx::query(sql).bind(rows.to_string());
    if sql.contains("$2") {
        query = query.bind(batch.run);
    }
    let done = query.execute(&mut **tx).await.map_err(failed("committing a batch"))?;
    Ok(done.rows_affected())
}

fn expect_rows(found: u64, wanted: u64) -> Result<(), StoreError> {
    if found == wanted { Ok(()) } else { Err(StoreError::Conflict) }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
