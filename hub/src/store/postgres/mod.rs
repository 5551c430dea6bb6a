//! The store in PostgreSQL.
//!
//! A cancelled `begin` leaves sqlx's pooled connection inside a transaction, where later writes would be lost (sqlx #4385):
//! every write runs to its end, and a connection that comes back inside one is closed, not lent again. A run's writes hold the turn.

mod fresh;
mod ledger;
mod read;
mod rulings;
mod telling;
mod turn;
mod write;

use std::str::FromStr as _;
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
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use uuid::Uuid;

use super::batch::{self, Batch};
use super::codec::{Codec, instant, read_instant};
use super::failure::{expect_rows, failed, not_migrated, not_opened, to_the_end, unreachable};
use super::rows::{DeliveryRow, EventRow, RejectRow, RunRow};
use super::written::Written;
use super::{TABLE, sql};
use fresh::Fresh;
use turn::{Turns, still};

/// Each event by itself: joined, the planner walks the whole journal.
const OUTBOX: &str = "
select event.* from (select cursor from outbox where cursor > $1 order by cursor limit $2) as next
cross join lateral (
  select cursor, id, person_id, sequence, routing_key, payload from event where event.cursor = next.cursor limit 1) as event
order by cursor";
const CONNECTIONS: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(30);
/// A connection used so lately is taken to be there still.
const FRESH: Duration = Duration::from_millis(500);

const CLOSE: &str = "
with closed as (update run set status = $2, warnings = $3, ended_at = $4 where id = $1 returning delivery_id),
  ended as (update delivery set waits = false where waits and $5 and id in (select delivery_id from closed))
select true from closed";
const REGISTER: &str = "
with written as (
  insert into delivery (id, source, digest, size_bytes, filename, received_at) values ($1, $2, $3, $4, $5, $6)
  on conflict (source, digest) do nothing returning id)
select true, id from written union all select false, id from delivery where source = $2 and digest = $3";

/// True inside a transaction opened before: there `now()` stands still. Sent as one simple message: parsed and run in two, it
/// would be late for its own beginning, and every connection would be taken for a poisoned one.
const INSIDE_A_TRANSACTION: &str = "select now() < statement_timestamp()";

/// The PostgreSQL store.
pub(super) struct Postgres {
    turns: Turns,
    pool: PgPool,
    codec: Codec,
    written: Written,
    fresh: Fresh,
}

impl Postgres {
    /// Connects; the database must exist.
    pub(super) async fn open(url: &str, mut codec: Codec) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(not_opened)?;
        let options = options
            .application_name("dlnuf")
            .options([
                ("synchronous_commit", "on"),
                // A plan kept from when a table was empty reads all of it for ever: plan each batch on the table as it is.
                ("plan_cache_mode", "force_custom_plan"),
                // Every look-up has its index; a table not analysed yet would be read whole for each batch all the same.
                ("enable_seqscan", "off"),
                // Walked in order, an index gives a page of many rows without sorting them all for each page.
                ("enable_bitmapscan", "off"),
                ("max_parallel_workers_per_gather", "0"),
                ("jit", "off"),
            ])
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            // A server that was started again meanwhile has cut those that stood idle.
            .before_acquire(|connection, state| {
                Box::pin(async move {
                    if state.idle_for > FRESH {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            // Before it is lent again, and while nobody waits for it.
            .after_release(|connection, _| {
                Box::pin(async move {
                    let row = sqlx::raw_sql(INSIDE_A_TRANSACTION).fetch_one(connection).await?;
                    Ok(!row.try_get::<bool, _>(0)?)
                })
            })
            .connect_with(options.clone())
            .await
            .map_err(not_opened)?;
        let migrator = sqlx::migrate!("migrations/postgres");
        migrator.run(&pool).await.map_err(not_migrated)?;
        mark(&pool, &mut codec).await?;
        Ok(Self {
            turns: Turns::new(options),
            pool,
            codec,
            written: Written::default(),
            fresh: Fresh::default(),
        })
    }
}

#[async_trait]
impl Store for Postgres {
    async fn turn(&self) -> Result<Option<Turn>, StoreError> {
        let Some(held) = self.turns.take().await? else { return Ok(None) };
        let taken = self.written.under(held);
        if self.written.may_be_first() {
            let empty: Result<bool, _> = sqlx::query_scalar(sql::EMPTY).fetch_one(&self.pool).await;
            self.written.begin(empty.map_err(failed("seeing whether the store is empty"))?);
        }
        Ok(Some(Box::new(taken)))
    }

    async fn register(&self, delivery: &Delivery) -> Result<Registration, StoreError> {
        let (pool, delivery) = (self.pool.clone(), delivery.clone());
        to_the_end(async move { register(&pool, &delivery).await }).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let row: Option<DeliveryRow> = sqlx::query_as(sql::DELIVERY)
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("reading a delivery"))?;
        row.map(Delivery::try_from).transpose()
    }

    async fn delivery_by_digest(&self, source: &str, digest: Digest) -> Result<Option<Delivery>, StoreError> {
        let row: Option<DeliveryRow> = sqlx::query_as(sql::DELIVERY_BY_DIGEST)
            .bind(source)
            .bind(&digest.0[..])
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("reading a delivery"))?;
        row.map(Delivery::try_from).transpose()
    }

    async fn deliveries(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<DeliveryRow> = sqlx::query_as(sql::DELIVERIES)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed("listing deliveries"))?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    async fn last_arrival(&self, source: &str) -> Result<Option<Timestamp>, StoreError> {
        let last: Result<Option<String>, _> =
            sqlx::query_scalar(sql::LAST_ARRIVAL).bind(source).fetch_one(&self.pool).await;
        let last = last.map_err(failed("looking for the last arrival"))?;
        last.map(|at| read_instant(&at, "a delivery")).transpose()
    }

    async fn pending(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let rows: Vec<DeliveryRow> = sqlx::query_as(sql::PENDING)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed("listing deliveries that wait"))?;
        rows.into_iter().map(Delivery::try_from).collect()
    }

    async fn begin(&self, run: &Run) -> Result<(), StoreError> {
        let (pool, run, mark) = (self.pool.clone(), run.clone(), self.turns.mark());
        to_the_end(async move { begin(&pool, &run, mark).await }).await
    }

    async fn close(
        &self,
        run: RunId,
        status: Status,
        warnings: &[Warning],
        ended_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let (pool, warnings) = (self.pool.clone(), warnings_text(warnings));
        to_the_end(async move { close(&pool, run, status, warnings, ended_at).await }).await
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        let row: Option<RunRow> = sqlx::query_as(sql::RUN)
            .bind(id.0)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("reading a run"))?;
        row.map(Run::try_from).transpose()
    }

    async fn runs(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = sqlx::query_as(sql::RUNS)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed("listing runs"))?;
        rows.into_iter().map(Run::try_from).collect()
    }

    async fn runs_of(&self, delivery: DeliveryId) -> Result<Vec<Run>, StoreError> {
        let rows: Vec<RunRow> = sqlx::query_as(sql::RUNS_OF)
            .bind(delivery.0)
            .fetch_all(&self.pool)
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
            .fetch_all(&self.pool)
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
            .fetch_optional(&self.pool)
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
        read::latest_created(&self.pool, source, flow, emitter).await
    }

    async fn known_frames(&self, source: &str, hashes: &[u64]) -> Result<Vec<KnownFrame>, StoreError> {
        read::known_frames(&self.pool, source, &self.written, hashes).await
    }

    async fn statements_of(&self, source: &str, records: &[RecordKey]) -> Result<Vec<Statement>, StoreError> {
        read::statements_of(&self.pool, (&self.codec, &self.written), source, records).await
    }

    async fn statements(&self, ids: &[i64]) -> Result<Vec<Statement>, StoreError> {
        read::statements(&self.pool, &self.codec, ids).await
    }

    async fn candidates(&self, keys: &[IdentityKey]) -> Result<Vec<(usize, PersonId)>, StoreError> {
        read::candidates(&self.pool, (&self.codec, &self.written), keys).await
    }

    async fn persons(&self, ids: &[PersonId]) -> Result<Vec<KnownPerson>, StoreError> {
        read::persons(&self.pool, &self.codec, ids).await
    }

    async fn histories(&self, persons: &[PersonId]) -> Result<Vec<(PersonId, Vec<Version>)>, StoreError> {
        read::histories(&self.pool, &self.codec, persons).await
    }

    async fn people(&self, after: PersonId, limit: u32) -> Result<Vec<PersonId>, StoreError> {
        let people: Result<Vec<Uuid>, _> =
            sqlx::query_scalar(sql::PEOPLE).bind(after.0).bind(i64::from(limit)).fetch_all(&self.pool).await;
        Ok(people.map_err(failed("listing persons"))?.into_iter().map(PersonId).collect())
    }

    async fn count_stated(&self, source: &str, emitters: &[String]) -> Result<u64, StoreError> {
        read::count_stated(&self.pool, source, emitters).await
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
        read::stated_before(&self.pool, source, emitters, bounds).await
    }

    fn ready(&self, commit: &Arc<Commit>) -> Ready {
        Arc::new(Batch::new(&self.codec, commit))
    }

    async fn write(&self, ready: &Ready) -> Result<(), StoreError> {
        let (pool, batch) = (self.pool.clone(), batch::of(ready)?);
        self.written.add(&batch);
        let mark = self.turns.mark();
        to_the_end(async move { write::commit(&pool, &batch, mark).await }).await
    }

    async fn rejects(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError> {
        let rows: Vec<RejectRow> = sqlx::query_as(sql::REJECTS)
            .bind(run.0)
            .bind(after.cast_signed())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed("listing rejects"))?;
        rows.into_iter().map(|row| row.read(&self.codec, run.0)).collect()
    }

    async fn events(&self, after: u64, limit: u32) -> Result<Vec<JournalEvent>, StoreError> {
        let rows: Vec<EventRow> = sqlx::query_as(sql::EVENTS)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed("reading the journal"))?;
        rows.into_iter().map(|row| row.read(&self.codec)).collect()
    }

    async fn journal_end(&self) -> Result<u64, StoreError> {
        let end: Result<i64, _> = sqlx::query_scalar(sql::JOURNAL_END).fetch_one(&self.pool).await;
        end.map(i64::cast_unsigned).map_err(failed("reading the end of the journal"))
    }

    async fn outbox(&self, after: u64, limit: u32) -> Result<Vec<JournalEvent>, StoreError> {
        let rows: Vec<EventRow> = sqlx::query_as(OUTBOX)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed("reading the outbox"))?;
        rows.into_iter().map(|row| row.read(&self.codec)).collect()
    }

    async fn confirm(&self, cursors: &[u64]) -> Result<(), StoreError> {
        let cursors: Vec<i64> = cursors.iter().map(|c| c.cast_signed()).collect();
        let pool = self.pool.clone();
        to_the_end(async move { write::confirm(&pool, &cursors).await }).await
    }

    async fn waiting(&self) -> Result<u64, StoreError> {
        let count: Result<i64, _> = sqlx::query_scalar(sql::WAITING).fetch_one(&self.pool).await;
        count.map(i64::cast_unsigned).map_err(failed("counting the outbox"))
    }

    async fn lease(&self, name: &str, holder: Uuid, for_ms: u64) -> Result<bool, StoreError> {
        let (pool, name) = (self.pool.clone(), name.to_owned());
        to_the_end(async move { write::lease(&pool, &name, holder, for_ms).await }).await
    }

    async fn sizes(&self) -> Result<(u64, u64, u64), StoreError> {
        let (persons, claims, events): (i64, i64, i64) =
            sqlx::query_as(sql::SIZES).fetch_one(&self.pool).await.map_err(failed("counting"))?;
        let [persons, claims, events] = [persons, claims, events].map(i64::cast_unsigned);
        Ok((persons, claims, events))
    }
}

/// Checks that the key is the store's, and learns by which field tables it is read.
async fn mark(pool: &PgPool, codec: &mut Codec) -> Result<(), StoreError> {
    let mut tx = pool.begin().await.map_err(not_opened)?;
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

async fn register(pool: &PgPool, delivery: &Delivery) -> Result<Registration, StoreError> {
    loop {
        let found: Result<Option<(bool, Uuid)>, _> = sqlx::query_as(REGISTER)
            .bind(delivery.id.0)
            .bind(&delivery.source)
            .bind(&delivery.digest.0[..])
            .bind(delivery.size_bytes.cast_signed())
            .bind(&delivery.filename)
            .bind(instant(delivery.received_at))
            .fetch_optional(pool)
            .await;
        match found.map_err(failed("registering a delivery"))? {
            Some((true, _)) => return Ok(Registration::New),
            Some((false, known)) => return Ok(Registration::Known(DeliveryId(known))),
            // Somebody registered it since this statement began: the next one sees it.
            None => {}
        }
    }
}

async fn begin(pool: &PgPool, run: &Run, mark: Option<Uuid>) -> Result<(), StoreError> {
    let failed = failed("opening a run");
    let mut tx = pool.begin().await.map_err(&failed)?;
    still(&mut tx, mark).await?;
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
    pool: &PgPool,
    run: RunId,
    status: Status,
    warnings: String,
    ended_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let context = "closing a run";
    let known: Result<Option<bool>, _> = sqlx::query_scalar(CLOSE)
        .bind(run.0)
        .bind(status.word())
        .bind(warnings)
        .bind(ended_at.map(instant))
        .bind(status.is_end())
        .fetch_optional(pool)
        .await;
    known.map_err(failed(context))?.map(|_| ()).ok_or_else(|| unreachable(context, "no such run"))
}

fn warnings_text(warnings: &[Warning]) -> String {
    serde_json::to_string(warnings).expect("warnings are plain JSON")
}
