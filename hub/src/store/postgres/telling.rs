//! What profiles are told, in PostgreSQL.

use std::collections::HashSet;

use async_trait::async_trait;
use hub_core::delivery::PersonId;
use hub_core::store::StoreError;
use hub_core::subscription::{Following, Telling, Tellings, Told, ToldEvent};
use sqlx::PgPool;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::Postgres;
use super::write::column;
use crate::store::CHUNK;
use crate::store::failure::{failed, to_the_end};
use crate::store::sql;
use crate::store::telling::{
    TellingWrite, ToldEventRow, ToldEventWrite, ToldRow, ToldWrite, following, told_event,
};

/// Each person by itself: asked for all of them at once, the planner walks all the profile knows.
const TOLD_OF: &str = "
select told_of.* from unnest($2::uuid[]) as asked (id) cross join lateral (
  select person_id, version, declared, sequence, seen_in from told_of
  where following_id = (select id from following where profile = $1) and person_id = asked.id limit 1) as told_of";
/// By their places, found first: joined, the planner walks all that was ever told.
const TOLD_OUTBOX: &str =
    "select position from told_outbox where position > $1 and position <= $3 order by position limit $2";
const TOLD_AT: &str = "
select position, profile, subscriber, subject, told.id, routing_key, payload
from told join following on following.id = following_id where position = any($1)";
/// Most are known: moved on, they need not be tried as new ones first.
const MOVE_TOLD_OF: &str = "
update told_of set version = new.version, declared = new.declared, sequence = new.sequence, seen_in = new.seen_in
from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) as new (id, version, declared, sequence, seen_in)
where following_id = $6 and person_id = new.id returning person_id";
const WRITE_TOLD_OF: &str = "
insert into told_of (following_id, person_id, version, declared, sequence, seen_in)
select $6, * from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
on conflict (following_id, person_id) do update set version = excluded.version, declared = excluded.declared,
  sequence = excluded.sequence, seen_in = excluded.seen_in";
/// Said before places are given, and until they are written: they will be behind this one. A lock that hinders nobody says it.
const CLAIM: &str = "
select pg_advisory_xact_lock_shared(28789::bigint << 48 | last_value - (not is_called)::int) from told_position_seq";
/// Up to here no telling under way will write any more: who reads what waits behind a place must not find an earlier one later, which
/// would turn a person's events round. Where places end is read first: whoever was given one of them claims it still, or has ended.
const SETTLED: &str = "
select least(given.place, (
  select min((classid::bigint << 32 | objid::bigint) & (1::bigint << 48) - 1) from pg_locks
  where locktype = 'advisory' and objsubid = 1 and classid::bigint >> 16 = 28789 and given.place is not null
    and database = (select oid from pg_database where datname = current_database())))
from (select last_value as place from told_position_seq) as given";
const PLACES: &str = "select array(select nextval('told_position_seq') from generate_series(1, $1))";
const WRITE_TOLD: &str = "
insert into told (following_id, position, subscriber, person_id, subject, id, sequence, routing_key, payload)
overriding system value
select $1, * from unnest($2::bigint[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::bigint[], $8::text[], $9::bytea[])";
const WRITE_WAITING: &str = "insert into told_outbox (position) select * from unnest($1::bigint[])";
const CONFIRM: &str = "delete from told_outbox where position = any($1)";

#[async_trait]
impl Tellings for Postgres {
    async fn following(&self, profile: &str) -> Result<Option<Following>, StoreError> {
        let place: Result<Option<String>, _> =
            sqlx::query_scalar(sql::FOLLOWING).bind(profile).fetch_optional(&self.pool).await;
        place.map_err(failed("reading where a profile stands"))?.map(|place| following(&place)).transpose()
    }

    async fn told_of(
        &self,
        profile: &str,
        persons: &[PersonId],
    ) -> Result<Vec<(PersonId, Told)>, StoreError> {
        let persons: Vec<Uuid> = persons.iter().map(|person| person.0).collect();
        let rows: Result<Vec<ToldRow>, _> =
            sqlx::query_as(TOLD_OF).bind(profile).bind(persons).fetch_all(&self.pool).await;
        Ok(rows.map_err(failed("reading what a profile was told"))?.into_iter().map(Into::into).collect())
    }

    async fn told_people(
        &self,
        profile: &str,
        behind: PersonId,
        limit: u32,
    ) -> Result<Vec<(PersonId, Told)>, StoreError> {
        let query = sqlx::query_as(sql::TOLD_PEOPLE).bind(profile).bind(behind.0).bind(i64::from(limit));
        let rows: Result<Vec<ToldRow>, _> = query.fetch_all(&self.pool).await;
        Ok(rows.map_err(failed("reading whom a profile was told of"))?.into_iter().map(Into::into).collect())
    }

    async fn tell(&self, telling: &Telling) -> Result<(), StoreError> {
        let (pool, write) = (self.pool.clone(), TellingWrite::new(&self.codec, telling));
        let places = to_the_end(async move { tell(&pool, &write).await }).await?;
        let told = telling.events.iter().zip(places).filter(|(addressed, _)| addressed.queued);
        self.fresh.keep(told.map(|(addressed, place)| told_event(&telling.profile, addressed, place)));
        Ok(())
    }

    async fn told(&self, profile: &str, after: u64, limit: u32) -> Result<Vec<ToldEvent>, StoreError> {
        let rows: Vec<ToldEventRow> = sqlx::query_as(sql::TOLD)
            .bind(profile)
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed("reading what a profile was told"))?;
        rows.into_iter().map(|row| row.read(&self.codec)).collect()
    }

    async fn told_end(&self, profile: &str) -> Result<u64, StoreError> {
        let end: Result<i64, _> = sqlx::query_scalar(sql::TOLD_END).bind(profile).fetch_one(&self.pool).await;
        end.map(i64::cast_unsigned).map_err(failed("reading where what a profile was told ends"))
    }

    async fn told_outbox(&self, after: u64, limit: u32) -> Result<Vec<ToldEvent>, StoreError> {
        let failed = failed("reading what waits for the broker");
        let settled: i64 = sqlx::query_scalar(SETTLED).fetch_one(&self.pool).await.map_err(&failed)?;
        let waiting = sqlx::query_scalar(TOLD_OUTBOX).bind(i64::try_from(after).unwrap_or(i64::MAX));
        let waiting = waiting.bind(i64::from(limit)).bind(settled);
        let waiting: Vec<i64> = waiting.fetch_all(&self.pool).await.map_err(&failed)?;
        if after == 0 {
            let first = waiting.first().map_or(settled + 1, |first| *first);
            self.fresh.forget_before(first.cast_unsigned());
        }
        let (mut events, others) = self.fresh.at(&waiting);
        if !others.is_empty() {
            let rows: Result<Vec<ToldEventRow>, _> =
                sqlx::query_as(TOLD_AT).bind(others).fetch_all(&self.pool).await;
            for row in rows.map_err(&failed)? {
                events.push(row.read(&self.codec)?);
            }
            events.sort_unstable_by_key(|event| event.position);
        }
        Ok(events)
    }

    async fn told_waiting(&self) -> Result<u64, StoreError> {
        let count: Result<i64, _> = sqlx::query_scalar(sql::TOLD_WAITING).fetch_one(&self.pool).await;
        count.map(i64::cast_unsigned).map_err(failed("counting what waits for the broker"))
    }

    async fn confirm_told(&self, positions: &[u64]) -> Result<(), StoreError> {
        self.fresh.forget(positions);
        let positions: Vec<i64> = positions.iter().map(|position| position.cast_signed()).collect();
        let pool = self.pool.clone();
        let confirm = async move {
            let done = sqlx::query(CONFIRM).bind(positions).execute(&pool).await;
            done.map(|_| ()).map_err(failed("emptying what waits for the broker"))
        };
        to_the_end(confirm).await
    }
}

/// The places of the events, in order.
async fn tell(pool: &PgPool, write: &TellingWrite) -> Result<Vec<u64>, StoreError> {
    let failed = failed("writing what a profile is told");
    let mut tx = pool.begin().await.map_err(&failed)?;
    let id = stand(&mut tx, write).await?;
    for rows in write.told.chunks(CHUNK) {
        write_told_of(&mut tx, id, rows).await?;
    }
    if !write.events.is_empty() {
        sqlx::query(CLAIM).execute(&mut *tx).await.map_err(&failed)?;
    }
    let mut places = Vec::with_capacity(write.events.len());
    for rows in write.events.chunks(CHUNK) {
        places.extend(write_told(&mut tx, id, rows).await?.into_iter().map(i64::cast_unsigned));
    }
    tx.commit().await.map_err(&failed)?;
    Ok(places)
}

/// Moves a profile on from where it is expected to stand.
async fn stand(tx: &mut PgConnection, write: &TellingWrite) -> Result<i64, StoreError> {
    let statement = if write.before.is_some() { sql::MOVE_ON } else { sql::BEGIN_TO_FOLLOW };
    let mut query = sqlx::query_scalar(statement).bind(&write.profile).bind(&write.after);
    if let Some(before) = &write.before {
        query = query.bind(before);
    }
    let id: Option<i64> = query.fetch_optional(tx).await.map_err(failed("moving a profile on"))?;
    id.ok_or(StoreError::Conflict)
}

async fn write_told_of(tx: &mut PgConnection, id: i64, rows: &[ToldWrite]) -> Result<(), StoreError> {
    let failed = failed("writing what a profile knows");
    let moved = sqlx::query_scalar(MOVE_TOLD_OF)
        .bind(column(rows, |row| row.person))
        .bind(column(rows, |row| row.version))
        .bind(column(rows, |row| row.declared))
        .bind(column(rows, |row| row.sequence))
        .bind(column(rows, |row| row.seen_in.as_deref()))
        .bind(id);
    let moved: Vec<Uuid> = moved.fetch_all(&mut *tx).await.map_err(&failed)?;
    if moved.len() == rows.len() {
        return Ok(());
    }
    let moved: HashSet<Uuid> = moved.into_iter().collect();
    let new: Vec<&ToldWrite> = rows.iter().filter(|row| !moved.contains(&row.person)).collect();
    let written = sqlx::query(WRITE_TOLD_OF)
        .bind(column(&new, |row| row.person))
        .bind(column(&new, |row| row.version))
        .bind(column(&new, |row| row.declared))
        .bind(column(&new, |row| row.sequence))
        .bind(column(&new, |row| row.seen_in.as_deref()))
        .bind(id);
    written.execute(tx).await.map(|_| ()).map_err(failed)
}

async fn write_told(tx: &mut PgConnection, id: i64, rows: &[ToldEventWrite]) -> Result<Vec<i64>, StoreError> {
    let failed = failed("writing what a profile is told");
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let places: Vec<i64> =
        sqlx::query_scalar(PLACES).bind(count).fetch_one(&mut *tx).await.map_err(&failed)?;
    let written = sqlx::query(WRITE_TOLD)
        .bind(id)
        .bind(&places)
        .bind(column(rows, |row| row.subscriber.as_deref()))
        .bind(column(rows, |row| row.person))
        .bind(column(rows, |row| row.subject))
        .bind(column(rows, |row| row.id))
        .bind(column(rows, |row| row.sequence))
        .bind(column(rows, |row| row.routing_key.as_str()))
        .bind(column(rows, |row| row.payload.as_slice()));
    written.execute(&mut *tx).await.map_err(&failed)?;
    let queued = rows.iter().zip(&places).filter(|(row, _)| row.queued).map(|(_, place)| *place);
    let queued: Vec<i64> = queued.collect();
    if !queued.is_empty() {
        sqlx::query(WRITE_WAITING).bind(queued).execute(tx).await.map_err(&failed)?;
    }
    Ok(places)
}
