//! The store in one SQLite file.
//!
//! One writer takes its lock at the start (`BEGIN IMMEDIATE`, so never `SQLITE_BUSY_SNAPSHOT`), readers see snapshots (WAL).
//! `synchronous=FULL`: what was acknowledged survives a power cut.

mod cells;
mod claims;
mod ledger;
mod levels;
mod read;
mod rulings;
mod telling;
mod write;

use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hub_core::delivery::{Delivery, DeliveryId, Digest, PersonId, RunId, Status, Warning};
use hub_core::identity::IdentityKey;
use hub_core::reject::Reject;
use hub_core::statement::{RecordKey, Statement};
use hub_core::store::{
    Commit, JournalEvent, KnownFrame, KnownPerson, Ready, Registration, Run, Store, StoreError, Turn, Version,
};
use jiff::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};
use uuid::Uuid;

use super::batch::{self, Batch};
use super::codec::{Codec, instant, read_instant};
use super::failure::{expect_rows, failed, not_migrated, not_opened, to_the_end, unreachable};
use super::rows::{DeliveryRow, EventRow, RejectRow, RunRow};
use super::written::Written;
use super::{TABLE, sql};

const OUTBOX: &str = "
select event.cursor, id, person_id, sequence, routing_key, payload from outbox join event on event.cursor = outbox.cursor
where outbox.cursor > $1 order by outbox.cursor limit $2";
const READERS: u32 = 2;
const PATIENCE: Duration = Duration::from_secs(30);

const WAITS_NO_MORE: &str =
    "update delivery set waits = 0 where waits and id = (select delivery_id from run where id = $1)";

/// The SQLite store.
pub(super) struct Sqlite {
    /// Locked by the run at work; the system unlocks it when its process dies.
    turn: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
    codec: Codec,
    written: Written,
}

impl Sqlite {
    /// Opens the file, creating it when missing.
    pub(super) async fn open(path: &str, mut codec: Codec) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE)
            // Rows come from a thread of its own: the fewer times it waits for their reader, the better.
            .row_buffer_size(1024)
            .pragma("temp_store", "memory")
            // 32 MiB: pages of indexes whose keys come in no order are rewritten by every batch; the file gets the last of each.
            .pragma("wal_autocheckpoint", "8000")
            // 4 MiB a connection: what it misses, the system's page cache has.
            .pragma("cache_size", "-4096")
            .disable_statement_logging();
        let pool = |size| SqlitePoolOptions::new().max_connections(size).acquire_timeout(PATIENCE);
        // A full disk has SQLite roll back by itself, which sqlx does not see: it holds the transaction open, and begins no other.
        let writer = pool(1).after_release(|connection, _| {
            Box::pin(async move {
                // Behind the rollback that is on its way.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        });
        // SQLite waits for nobody where the journal of a new store is made, and locks nothing between two migrations: hubs opened at
        // once would fail, or run them twice.
        let alone = lock(format!("{path}.opening")).await?;
        let writer = writer.connect_with(options.clone()).await;
        let writer = writer.map_err(not_opened)?;
        let migrator = sqlx::migrate!("migrations/sqlite");
        migrator.run(&writer).await.map_err(not_migrated)?;
        mark(&writer, &mut codec).await?;
        drop(alone);
        // A reader meets keys in no order: of a large store it would fill a larger cache, and find little in it.
        let options = options.pragma("query_only", "on").pragma("cache_size", "-1024");
        let turn = PathBuf::from(format!("{path}.turn"));
        let readers = pool(READERS).connect_lazy_with(options);
        Ok(Self { turn, writer, readers, codec, written: Written::default() })
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn turn(&self) -> Result<Option<Turn>, StoreError> {
        let file = File::options().create(true).append(true).open(&self.turn).map_err(not_locked)?;
        match file.try_lock() {
            Ok(()) => {
                let taken = self.written.under(file);
                if self.written.may_be_first() {
                    let empty: Result<bool, _> =
                        sqlx::query_scalar(sql::EMPTY).fetch_one(&self.readers).await;
                    self.written.begin(empty.map_err(failed("seeing whether the store is empty"))?);
                }
                Ok(Some(Box::new(taken)))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(not_locked(error)),
        }
    }

    async fn register(&self, delivery: &Delivery) -> Result<Registration, StoreError> {
        let (pool, delivery) = (self.writer.clone(), delivery.clone());
        to_the_end(async move { register(&pool, &delivery).await }).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let row: Option<DeliveryRow> = sqlx::query_as(sql::DELIVERY)
            .bind(id.0)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed("reading a delivery"))?;
        row.map(Delivery::try_from).transpose()
    }

    async fn delivery_by_digest(&self, source: &str, digest: Digest) -> Result<Option<Delivery>, StoreError> {
        let row: Option<DeliveryRow> = sqlx::query_as(sql::DELIVERY_BY_DIGEST)
            .bind(source)
            .bind(&digest.0[..])
            .fetch_optional(&self.readers)
            .await
            .map_err(failed("reading a delivery"))?;
        row.map(Delivery::try_from).transpose()
    }

    async fn deliveries(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<DeliveryRow> = sqlx::query_as(sql::DELIVERIES)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("listing deliveries"))?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    async fn last_arrival(&self, source: &str) -> Result<Option<Timestamp>, StoreError> {
        let last: Result<Option<String>, _> =
            sqlx::query_scalar(sql::LAST_ARRIVAL).bind(source).fetch_one(&self.readers).await;
        let last = last.map_err(failed("looking for the last arrival"))?;
        last.map(|at| read_instant(&at, "a delivery")).transpose()
    }

    async fn pending(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<DeliveryRow> = sqlx::query_as(sql::PENDING)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("listing deliveries that wait"))?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    async fn begin(&self, run: &Run) -> Result<(), StoreError> {
        let (pool, run) = (self.writer.clone(), run.clone());
        to_the_end(async move { begin(&pool, &run).await }).await
    }

    async fn close(
        &self,
        run: RunId,
        status: Status,
        warnings: &[Warning],
        ended_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (pool, warnings) = (self.writer.clone(), warnings_text(warnings));
        to_the_end(async move { close(&pool, run, status, warnings, ended_at).await }).await
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        let row: Option<RunRow> = sqlx::query_as(sql::RUN)
            .bind(id.0)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed("reading a run"))?;
        row.map(Run::try_from).transpose()
    }

    async fn runs(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = sqlx::query_as(sql::RUNS)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("listing runs"))?;
        rows.into_iter().map(Run::try_from).collect()
    }

    async fn runs_of(&self, delivery: DeliveryId) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = sqlx::query_as(sql::RUNS_OF)
            .bind(delivery.0)
            .fetch_all(&self.readers)
            .await
            .map_err(failed("listing the runs of a delivery"))?;
        rows.into_iter().map(Run::try_from).collect()
    }

    async fn runs_in_flow(
        &self,
        source: &str,
        flow: &str,
        emitter: &str,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = sqlx::query_as(sql::RUNS_IN_FLOW)
            .bind(source)
            .bind(flow)
            .bind(emitter)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("listing the runs of a flow"))?;
        rows.into_iter().map(Run::try_from).collect()
    }

    async fn latest_snapshot(
        &self,
        source: &str,
        flow: &str,
        emitter: &str,
    ) -> Result<Option<RunId>, StoreError> {
        let latest: Option<Uuid> = sqlx::query_scalar(sql::LATEST_SNAPSHOT)
            .bind(source)
            .bind(flow)
            .bind(emitter)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed("looking for a later snapshot"))?;
        Ok(latest.map(RunId))
    }

    async fn latest_created(
        &self,
        source: &str,
        flow: &str,
        emitter: &str,
    ) -> Result<Option<String>, StoreError> {
        read::latest_created(&self.readers, source, flow, emitter).await
    }

    async fn known_frames(&self, source: &str, hashes: &[u64]) -> Result<Vec<KnownFrame>, StoreError> {
        read::known_frames(&self.readers, source, &self.written, hashes).await
    }

    async fn statements_of(&self, source: &str, records: &[RecordKey]) -> Result<Vec<Statement>, StoreError> {
        read::statements_of(&self.readers, (&self.codec, &self.written), source, records).await
    }

    async fn statements(&self, ids: &[i64]) -> Result<Vec<Statement>, StoreError> {
        read::statements(&self.readers, &self.codec, ids).await
    }

    async fn candidates(&self, keys: &[IdentityKey]) -> Result<Vec<(usize, PersonId)>, StoreError> {
        read::candidates(&self.readers, (&self.codec, &self.written), keys).await
    }

    async fn persons(&self, ids: &[PersonId]) -> Result<Vec<KnownPerson>, StoreError> {
        read::persons(&self.readers, &self.codec, ids).await
    }

    async fn histories(&self, persons: &[PersonId]) -> Result<Vec<(PersonId, Vec<Version>)>, StoreError> {
        read::histories(&self.readers, &self.codec, persons).await
    }

    async fn people(&self, after: PersonId, limit: u32) -> Result<Vec<PersonId>, StoreError> {
        let people: Result<Vec<Uuid>, _> = sqlx::query_scalar(sql::PEOPLE)
            .bind(after.0)
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await;
        Ok(people.map_err(failed("listing persons"))?.into_iter().map(PersonId).collect())
    }

    async fn count_stated(&self, source: &str, emitters: &[String]) -> Result<u64, StoreError> {
        read::count_stated(&self.readers, source, emitters).await
    }

    async fn stated_before(
        &self,
        source: &str,
        emitters: &[String],
        run: RunId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        let bounds = (run.0, after, i64::from(limit));
        read::stated_before(&self.readers, source, emitters, bounds).await
    }

    fn ready(&self, commit: &Arc<Commit>) -> Ready {
        Arc::new(Batch::new(&self.codec, commit))
    }

    async fn write(&self, ready: &Ready) -> Result<(), StoreError> {
        let (pool, batch) = (self.writer.clone(), batch::of(ready)?);
        self.written.add(&batch);
        to_the_end(async move { write::commit(&pool, &batch).await }).await
    }

    async fn rejects(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError> {
        let rows: Vec<RejectRow> = sqlx::query_as(sql::REJECTS)
            .bind(run.0)
            .bind(after.cast_signed())
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("listing rejects"))?;
        rows.into_iter().map(|row| row.read(&self.codec, run.0)).collect()
    }

    async fn events(&self, after: u64, limit: u32) -> Result<Vec<JournalEvent>, StoreError> {
        let rows: Vec<EventRow> = sqlx::query_as(sql::EVENTS)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("reading the journal"))?;
        rows.into_iter().map(|row| row.read(&self.codec)).collect()
    }

    async fn journal_end(&self) -> Result<u64, StoreError> {
        let end: Result<i64, _> = sqlx::query_scalar(sql::JOURNAL_END).fetch_one(&self.readers).await;
        end.map(i64::cast_unsigned).map_err(failed("reading the end of the journal"))
    }

    async fn outbox(&self, after: u64, limit: u32) -> Result<Vec<JournalEvent>, StoreError> {
        let rows: Vec<EventRow> = sqlx::query_as(OUTBOX)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("reading the outbox"))?;
        rows.into_iter().map(|row| row.read(&self.codec)).collect()
    }

    async fn confirm(&self, cursors: &[u64]) -> Result<(), StoreError> {
        let cursors: Vec<i64> = cursors.iter().map(|c| c.cast_signed()).collect();
        let pool = self.writer.clone();
        to_the_end(async move { write::confirm(&pool, &cursors).await }).await
    }

    async fn waiting(&self) -> Result<u64, StoreError> {
        let count: Result<i64, _> = sqlx::query_scalar(sql::WAITING).fetch_one(&self.readers).await;
        count.map(i64::cast_unsigned).map_err(failed("counting the outbox"))
    }

    async fn lease(&self, name: &str, holder: Uuid, for_ms: u64) -> Result<bool, StoreError> {
        let (pool, name) = (self.writer.clone(), name.to_owned());
        to_the_end(async move { write::lease(&pool, &name, holder, for_ms).await }).await
    }

    async fn sizes(&self) -> Result<(u64, u64, u64), StoreError> {
        let (persons, claims, events): (i64, i64, i64) =
            sqlx::query_as(sql::SIZES).fetch_one(&self.readers).await.map_err(failed("counting"))?;
        let [persons, claims, events] = [persons, claims, events].map(i64::cast_unsigned);
        Ok((persons, claims, events))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "taken by `map_err`")]
fn not_locked(error: std::io::Error) -> StoreError {
    unreachable("locking the store", &format!("the lock file beside it: {}", error.kind()))
}

/// Waits for a lock that the system gives back when its process dies.
async fn lock(path: String) -> Result<File, StoreError> {
    let waiting = tokio::task::spawn_blocking(move || {
        let file = File::options().create(true).append(true).open(path)?;
        file.lock().map(|()| file)
    });
    let locked = waiting.await.map_err(|_| unreachable("locking the store", "the wait stopped midway"))?;
    locked.map_err(not_locked)
}

/// Checks that the key is the store's, and learns by which field tables it is read.
async fn mark(pool: &SqlitePool, codec: &mut Codec) -> Result<(), StoreError> {
    let mut tx = pool.begin_with("begin immediate").await.map_err(not_opened)?;
    sqlx::query(sql::WRITE_MARK).bind(codec.known_text()).execute(&mut *tx).await.map_err(not_opened)?;
    let mark: Vec<u8> = sqlx::query_scalar(sql::READ_MARK).fetch_one(&mut *tx).await.map_err(not_opened)?;
    codec.check_known_text(&mark)?;
    let (name, paths) = codec.table();
    sqlx::query(sql::WRITE_TABLE).bind(name).bind(paths).execute(&mut *tx).await.map_err(not_opened)?;
    let tables =
        sqlx::query_as(sql::READ_TABLES).bind(TABLE).fetch_all(&mut *tx).await.map_err(not_opened)?;
    codec.learn(tables)?;
    tx.commit().await.map_err(not_opened)
}

async fn register(pool: &SqlitePool, delivery: &Delivery) -> Result<Registration, StoreError> {
    let failed = failed("registering a delivery");
    let mut tx = pool.begin_with("begin immediate").await.map_err(&failed)?;
    let done = sqlx::query(sql::REGISTER)
        .bind(delivery.id.0)
        .bind(&delivery.source)
        .bind(&delivery.digest.0[..])
        .bind(delivery.size_bytes.cast_signed())
        .bind(&delivery.filename)
        .bind(instant(delivery.received_at))
        .execute(&mut *tx)
        .await
        .map_err(&failed)?;
    let known: Uuid = sqlx::query_scalar(sql::REGISTERED)
        .bind(&delivery.source)
        .bind(&delivery.digest.0[..])
        .fetch_one(&mut *tx)
        .await
        .map_err(&failed)?;
    tx.commit().await.map_err(&failed)?;
    if done.rows_affected() == 1 {
        return Ok(Registration::New);
    }
    Ok(Registration::Known(DeliveryId(known)))
}

async fn begin(pool: &SqlitePool, run: &Run) -> Result<(), StoreError> {
    let failed = failed("opening a run");
    let mut tx = pool.begin_with("begin immediate").await.map_err(&failed)?;
    sqlx::query(sql::HALT).bind(instant(run.started_at)).execute(&mut *tx).await.map_err(&failed)?;
    let done = sqlx::query(sql::BEGIN)
        .bind(run.id.0)
        .bind(run.delivery.0)
        .bind(&run.source)
        .bind(&run.mapping)
        .bind(instant(run.started_at))
        .bind(&run.created)
        .bind(&run.emitter)
        .bind(warnings_text(&run.warnings))
        .bind(run.snapshot)
        .bind(run.first_load)
        .bind(&run.flow)
        .bind(run.fingerprint.cast_signed())
        .execute(&mut *tx)
        .await
        .map_err(&failed)?;
    expect_rows(done.rows_affected(), 1)?;
    tx.commit().await.map_err(&failed)
}

async fn close(
    pool: &SqlitePool,
    run: RunId,
    status: Status,
    warnings: String,
    ended_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let context = "closing a run";
    let mut tx = pool.begin_with("begin immediate").await.map_err(failed(context))?;
    let done = sqlx::query(sql::CLOSE)
        .bind(run.0)
        .bind(status.word())
        .bind(warnings)
        .bind(ended_at.map(instant))
        .execute(&mut *tx)
        .await
        .map_err(failed(context))?;
    if done.rows_affected() != 1 {
        return Err(unreachable(context, "no such run"));
    }
    if status.is_end() {
        sqlx::query(WAITS_NO_MORE).bind(run.0).execute(&mut *tx).await.map_err(failed(context))?;
    }
    tx.commit().await.map_err(failed(context))
}

fn warnings_text(warnings: &[Warning]) -> String {
    serde_json::to_string(warnings).expect("warnings are plain JSON")
}
