//! The embedded store: SQLite in WAL mode, one writer, a few readers.
//!
//! `synchronous` is FULL: in WAL, NORMAL loses acknowledged commits at a power cut. Every multi-row statement takes one JSON
//! array, which through sqlx is five times faster than a row a statement.

mod read;
mod write;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hub_core::canonical::Canon;
use hub_core::delivery::{Delivery, DeliveryId, Digest, PersonId, RunId, Status, Warning};
use hub_core::identity::IdentityKey;
use hub_core::reject::Reject;
use hub_core::statement::Statement;
use hub_core::store::{Commit, JournalEvent, KnownFrame, KnownPerson, Registration, Run, Store, StoreError};
use jiff::Timestamp;
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::payload::{Payloads, failed};
use crate::seal::Seal;

const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
const READERS: u32 = 4;
/// What the store seals into itself, to recognise its own key.
const WITNESS: &[u8] = b"dlnuf store, version 1";

/// The SQLite backend.
#[derive(Debug)]
pub(super) struct SqliteStore {
    writer: SqlitePool,
    reader: SqlitePool,
    payloads: Payloads,
}

impl SqliteStore {
    pub async fn open(url: &str, seal: Seal, canon: Arc<Canon>) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(failed("reading the store's URL"))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |size| SqlitePoolOptions::new().max_connections(size).acquire_timeout(BUSY_TIMEOUT);
        let writer = pool(1).connect_with(options.clone()).await.map_err(failed("opening the store"))?;
        sqlx::migrate!("migrations/sqlite").run(&writer).await.map_err(|error| StoreError::Unreachable {
            context: "bringing the tables up to date",
            source: Box::new(error),
        })?;
        let reader = pool(READERS).connect_with(options).await.map_err(failed("opening the store"))?;
        let store = Self { writer, reader, payloads: Payloads { seal, canon } };
        store.recognise_key().await?;
        Ok(store)
    }

    async fn recognise_key(&self) -> Result<(), StoreError> {
        let sealed = self.payloads.seal.seal(WITNESS);
        let mut transaction =
            self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed("checking the key"))?;
        sqlx::query("INSERT INTO store_meta (name, value) VALUES ('witness', $1) ON CONFLICT DO NOTHING")
            .bind(sealed)
            .execute(&mut *transaction)
            .await
            .map_err(failed("checking the key"))?;
        let kept: Vec<u8> = sqlx::query_scalar("SELECT value FROM store_meta WHERE name = 'witness'")
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed("checking the key"))?;
        transaction.commit().await.map_err(failed("checking the key"))?;
        match self.payloads.seal.open(&kept).as_deref() {
            Some(WITNESS) => Ok(()),
            _ => Err(StoreError::Unreadable { context: "the store was made with another protection key" }),
        }
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn register(&self, delivery: &Delivery) -> Result<Registration, StoreError> {
        write::register(&self.writer, delivery).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        read::delivery(&self.reader, id).await
    }

    async fn delivery_by_digest(&self, source: &str, digest: Digest) -> Result<Option<Delivery>, StoreError> {
        read::delivery_by_digest(&self.reader, source, digest).await
    }

    async fn deliveries(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        read::deliveries(&self.reader, limit).await
    }

    async fn begin(&self, run: &Run) -> Result<(), StoreError> {
        write::begin(&self.writer, run).await
    }

    async fn close(
        &self,
        run: RunId,
        status: Status,
        warnings: &[Warning],
        ended_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        write::close(&self.writer, run, status, warnings, ended_at).await
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        read::run(&self.reader, id).await
    }

    async fn runs(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        read::runs(&self.reader, limit).await
    }

    async fn latest_created(&self, source: &str, mapping: &str) -> Result<Option<String>, StoreError> {
        read::latest_created(&self.reader, source, mapping).await
    }

    async fn known_frames(&self, source: &str, hashes: &[u64]) -> Result<Vec<KnownFrame>, StoreError> {
        read::known_frames(&self.reader, source, hashes).await
    }

    async fn statements_of(
        &self,
        source: &str,
        records: &[(String, String)],
    ) -> Result<Vec<Statement>, StoreError> {
        read::statements_of(&self.reader, &self.payloads, source, records).await
    }

    async fn statements(&self, ids: &[i64]) -> Result<Vec<Statement>, StoreError> {
        read::statements(&self.reader, &self.payloads, ids).await
    }

    async fn candidates(&self, keys: &[IdentityKey]) -> Result<Vec<(usize, PersonId)>, StoreError> {
        read::candidates(&self.reader, &self.payloads, keys).await
    }

    async fn persons(&self, ids: &[PersonId]) -> Result<Vec<KnownPerson>, StoreError> {
        read::persons(&self.reader, &self.payloads, ids).await
    }

    async fn stated_before(
        &self,
        source: &str,
        emitters: &[String],
        run: RunId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        read::stated_before(&self.reader, source, emitters, run, after, limit).await
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let batch = write::Batch::encode(&self.payloads, commit);
        let pool = self.writer.clone();
        // A task of its own: a caller that gives up must not cancel a transaction half-way.
        tokio::spawn(async move { write::commit(&pool, batch).await }).await.map_err(|error| {
            StoreError::Unreachable { context: "committing a batch", source: Box::new(error) }
        })?
    }

    async fn rejects(&self, run: RunId, limit: u32) -> Result<Vec<Reject>, StoreError> {
        read::rejects(&self.reader, &self.payloads, run, limit).await
    }

    async fn events(&self, after: u64, limit: u32) -> Result<Vec<JournalEvent>, StoreError> {
        read::events(&self.reader, &self.payloads, after, limit).await
    }

    async fn outbox(&self, limit: u32) -> Result<Vec<JournalEvent>, StoreError> {
        read::outbox(&self.reader, &self.payloads, limit).await
    }

    async fn confirm(&self, cursors: &[u64]) -> Result<(), StoreError> {
        write::confirm(&self.writer, cursors).await
    }

    async fn sizes(&self) -> Result<(u64, u64, u64), StoreError> {
        read::sizes(&self.reader).await
    }
}
