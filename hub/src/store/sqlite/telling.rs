//! What profiles are told, in the SQLite file.

use async_trait::async_trait;
use hub_core::delivery::PersonId;
use hub_core::store::StoreError;
use hub_core::subscription::{Following, Telling, Tellings, Told, ToldEvent};
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnection;

use super::Sqlite;
use super::cells::{Cells, identifier, json, number, piece, rows};
use crate::store::CHUNK;
use crate::store::failure::{failed, to_the_end};
use crate::store::sql;
use crate::store::telling::{TellingWrite, ToldEventRow, ToldEventWrite, ToldRow, ToldWrite, following};

const TOLD_OUTBOX: &str = "
select told.position, profile, subscriber, subject, told.id, routing_key, payload
from told_outbox join told on told.position = told_outbox.position join following on following.id = following_id
where told_outbox.position > $1 order by told_outbox.position limit $2";
const TOLD_OF: &str = "
select person_id, version, declared, sequence, seen_in from told_of
where following_id = (select id from following where profile = $1)
  and person_id in (select unhex(value) from json_each($2))";
const WRITE_TOLD_OF: &str = concat!(
    rows!(116),
    "insert into told_of (following_id, person_id, version, declared, sequence, seen_in) select $3, ",
    identifier!(0),
    ", ",
    number!(16),
    ", ",
    number!(36),
    ", ",
    number!(56),
    ", nullif(cast(",
    piece!(76),
    " as text), '') from row where true
on conflict (following_id, person_id) do update set version = excluded.version, declared = excluded.declared,
  sequence = excluded.sequence, seen_in = excluded.seen_in"
);
const WRITE_TOLD: &str = concat!(
    rows!(188),
    "insert into told (following_id, person_id, subject, id, sequence, subscriber, routing_key, payload) select $3, ",
    identifier!(0),
    ", ",
    identifier!(16),
    ", ",
    identifier!(32),
    ", ",
    number!(48),
    ", nullif(cast(",
    piece!(68),
    " as text), ''), cast(",
    piece!(108),
    " as text), ",
    piece!(148),
    " from row order by start"
);
const LAST: &str = "select coalesce(max(position), 0) from told";
const WAIT: &str = "
insert into told_outbox (position) select position from told
where position > $1 and id in (select unhex(value) from json_each($2))";
const CONFIRM: &str = "delete from told_outbox where position in (select value from json_each($1))";

#[async_trait]
impl Tellings for Sqlite {
    async fn following(&self, profile: &str) -> Result<Option<Following>, StoreError> {
        let place: Result<Option<String>, _> =
            sqlx::query_scalar(sql::FOLLOWING).bind(profile).fetch_optional(&self.readers).await;
        place.map_err(failed("reading where a profile stands"))?.map(|place| following(&place)).transpose()
    }

    async fn told_of(
        &self,
        profile: &str,
        persons: &[PersonId],
    ) -> Result<Vec<(PersonId, Told)>, StoreError> {
        let persons: Vec<String> = persons.iter().map(|person| person.0.simple().to_string()).collect();
        let rows: Result<Vec<ToldRow>, _> =
            sqlx::query_as(TOLD_OF).bind(profile).bind(json(&persons)).fetch_all(&self.readers).await;
        Ok(rows.map_err(failed("reading what a profile was told"))?.into_iter().map(Into::into).collect())
    }

    async fn told_people(
        &self,
        profile: &str,
        behind: PersonId,
        limit: u32,
    ) -> Result<Vec<(PersonId, Told)>, StoreError> {
        let query = sqlx::query_as(sql::TOLD_PEOPLE).bind(profile).bind(behind.0).bind(i64::from(limit));
        let rows: Result<Vec<ToldRow>, _> = query.fetch_all(&self.readers).await;
        Ok(rows.map_err(failed("reading whom a profile was told of"))?.into_iter().map(Into::into).collect())
    }

    async fn tell(&self, telling: &Telling) -> Result<(), StoreError> {
        let (pool, write) = (self.writer.clone(), TellingWrite::new(&self.codec, telling));
        to_the_end(async move { tell(&pool, &write).await }).await
    }

    async fn told(&self, profile: &str, after: u64, limit: u32) -> Result<Vec<ToldEvent>, StoreError> {
        let rows: Vec<ToldEventRow> = sqlx::query_as(sql::TOLD)
            .bind(profile)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("reading what a profile was told"))?;
        rows.into_iter().map(|row| row.read(&self.codec)).collect()
    }

    async fn told_end(&self, profile: &str) -> Result<u64, StoreError> {
        let end: Result<i64, _> =
            sqlx::query_scalar(sql::TOLD_END).bind(profile).fetch_one(&self.readers).await;
        end.map(i64::cast_unsigned).map_err(failed("reading where what a profile was told ends"))
    }

    async fn told_outbox(&self, after: u64, limit: u32) -> Result<Vec<ToldEvent>, StoreError> {
        let rows: Vec<ToldEventRow> = sqlx::query_as(TOLD_OUTBOX)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(failed("reading what waits for the broker"))?;
        rows.into_iter().map(|row| row.read(&self.codec)).collect()
    }

    async fn told_waiting(&self) -> Result<u64, StoreError> {
        let count: Result<i64, _> = sqlx::query_scalar(sql::TOLD_WAITING).fetch_one(&self.readers).await;
        count.map(i64::cast_unsigned).map_err(failed("counting what waits for the broker"))
    }

    async fn confirm_told(&self, positions: &[u64]) -> Result<(), StoreError> {
        let (pool, positions) = (self.writer.clone(), json(&positions));
        let confirm = async move {
            let done = sqlx::query(CONFIRM).bind(positions).execute(&pool).await;
            done.map(|_| ()).map_err(failed("emptying what waits for the broker"))
        };
        to_the_end(confirm).await
    }
}

async fn tell(pool: &SqlitePool, write: &TellingWrite) -> Result<(), StoreError> {
    let failed = failed("writing what a profile is told");
    let mut tx = pool.begin_with("begin immediate").await.map_err(&failed)?;
    let id = stand(&mut tx, write).await?;
    for rows in write.told.chunks(CHUNK) {
        write_told_of(&mut tx, id, rows).await?;
    }
    let last: i64 = sqlx::query_scalar(LAST).fetch_one(&mut *tx).await.map_err(&failed)?;
    for rows in write.events.chunks(CHUNK) {
        write_told(&mut tx, id, rows).await?;
    }
    let queued = write.events.iter().filter(|event| event.queued);
    let queued: Vec<String> = queued.map(|event| event.id.simple().to_string()).collect();
    if !queued.is_empty() {
        sqlx::query(WAIT).bind(last).bind(json(&queued)).execute(&mut *tx).await.map_err(&failed)?;
    }
    tx.commit().await.map_err(&failed)
}

/// Moves a profile on from where it is expected to stand.
async fn stand(tx: &mut SqliteConnection, write: &TellingWrite) -> Result<i64, StoreError> {
    let (statement, profile, after) = match &write.before {
        Some(_) => (sql::MOVE_ON, &write.profile, &write.after),
        None => (sql::BEGIN_TO_FOLLOW, &write.profile, &write.after),
    };
    let mut query = sqlx::query_scalar(statement).bind(profile).bind(after);
    if let Some(before) = &write.before {
        query = query.bind(before);
    }
    let id: Option<i64> = query.fetch_optional(tx).await.map_err(failed("moving a profile on"))?;
    id.ok_or(StoreError::Conflict)
}

async fn write_told_of(tx: &mut SqliteConnection, id: i64, rows: &[ToldWrite]) -> Result<(), StoreError> {
    let mut cells = Cells::default();
    for row in rows {
        cells.identifier(row.person).number(row.version).number(row.declared).number(row.sequence);
        cells.piece(row.seen_in.as_deref().unwrap_or_default().as_bytes());
    }
    write_cells(tx, WRITE_TOLD_OF, (cells, id)).await
}

async fn write_told(tx: &mut SqliteConnection, id: i64, rows: &[ToldEventWrite]) -> Result<(), StoreError> {
    let mut cells = Cells::default();
    for row in rows {
        cells.identifier(row.person).identifier(row.subject).identifier(row.id).number(row.sequence);
        cells.piece(row.subscriber.as_deref().unwrap_or_default().as_bytes());
        cells.piece(row.routing_key.as_bytes()).piece(&row.payload);
    }
    write_cells(tx, WRITE_TOLD, (cells, id)).await
}

async fn write_cells(
    tx: &mut SqliteConnection,
    statement: &'static str,
    (cells, id): (Cells, i64),
) -> Result<(), StoreError> {
    let (rows, payloads) = cells.into_parameters();
    let done = sqlx::query(statement).bind(rows).bind(payloads).bind(id).execute(tx).await;
    done.map(|_| ()).map_err(failed("writing what a profile is told"))
}
