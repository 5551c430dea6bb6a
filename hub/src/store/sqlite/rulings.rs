//! Questions and rulings, few of each: lists are read at once, rows written one by one.

use async_trait::async_trait;
use hub_core::delivery::PersonId;
use hub_core::ruling::{Question, Ruled, Ruling, Rulings};
use hub_core::store::StoreError;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnection;
use uuid::Uuid;

use super::Sqlite;
use super::cells::json;
use crate::store::batch::{Batch, QuestionWrite, RulingWrite};
use crate::store::codec::Codec;
use crate::store::failure::{expect_rows, failed};
use crate::store::rows::{QuestionRow, RulingRow};
use crate::store::sql;

const QUESTIONS_OF: &str = "
with own as materialized (select unhex(value) as id from json_each($1))
select one_id, other_id, doubt, weight, since from question where one_id in (select id from own)
union select one_id, other_id, doubt, weight, since from question where other_id in (select id from own)";
const RULED_OF: &str = "
with own as materialized (
  select claim.id from json_each($1) join claim on claim.person_id = unhex(json_each.value) where exists (select 1 from ruling))
select ruling.id, one_claim, other_claim, one from ruling_claim join ruling on ruling.id = ruling_id
where undone_at is null and (one_claim in (select id from own) or other_claim in (select id from own))
order by ruling.at, ruling.id, one_claim, other_claim";
const ASK: &str = "
insert into question (one_id, other_id, doubt, weight, since) values ($1, $2, $3, $4, $5)
on conflict (one_id, other_id) do update set doubt = excluded.doubt, weight = excluded.weight";
const FORGET: &str = "
delete from question where one_id in (select unhex(value) from json_each($1))
  or other_id in (select unhex(value) from json_each($1))";

#[async_trait]
impl Rulings for Sqlite {
    async fn questions(&self, limit: u32) -> Result<Vec<Question>, StoreError> {
        let rows: Result<Vec<QuestionRow>, _> =
            sqlx::query_as(sql::QUESTIONS).bind(i64::from(limit)).fetch_all(&self.readers).await;
        rows.map_err(failed("listing questions"))?.into_iter().map(Question::try_from).collect()
    }

    async fn count_questions(&self) -> Result<u64, StoreError> {
        let count: Result<i64, _> = sqlx::query_scalar(sql::COUNT_QUESTIONS).fetch_one(&self.readers).await;
        count.map(i64::cast_unsigned).map_err(failed("counting questions"))
    }

    async fn questions_of(&self, persons: &[PersonId]) -> Result<Vec<Question>, StoreError> {
        let persons = list(persons.iter().map(|person| person.0));
        let rows: Result<Vec<QuestionRow>, _> =
            sqlx::query_as(QUESTIONS_OF).bind(persons).fetch_all(&self.readers).await;
        rows.map_err(failed("reading questions"))?.into_iter().map(Question::try_from).collect()
    }

    async fn ruled_of(&self, persons: &[PersonId]) -> Result<Vec<Ruled>, StoreError> {
        let persons = list(persons.iter().map(|person| person.0));
        let rows: Result<Vec<(Uuid, i64, i64, bool)>, _> =
            sqlx::query_as(RULED_OF).bind(persons).fetch_all(&self.readers).await;
        let rows = rows.map_err(failed("reading what is ruled"))?.into_iter();
        Ok(rows.map(|(ruling, one, other, same)| Ruled { ruling, claims: (one, other), one: same }).collect())
    }

    async fn rulings(&self, limit: u32) -> Result<Vec<Ruling>, StoreError> {
        let rows: Result<Vec<RulingRow>, _> =
            sqlx::query_as(sql::RULINGS).bind(i64::from(limit)).fetch_all(&self.readers).await;
        let mut rulings = Vec::new();
        for row in rows.map_err(failed("listing rulings"))? {
            rulings.push(read(&self.readers, &self.codec, row).await?);
        }
        Ok(rulings)
    }

    async fn ruling(&self, id: Uuid) -> Result<Option<Ruling>, StoreError> {
        let row: Result<Option<RulingRow>, _> =
            sqlx::query_as(sql::RULING).bind(id).fetch_optional(&self.readers).await;
        match row.map_err(failed("reading a ruling"))? {
            Some(row) => read(&self.readers, &self.codec, row).await.map(Some),
            None => Ok(None),
        }
    }
}

async fn read(pool: &SqlitePool, codec: &Codec, row: RulingRow) -> Result<Ruling, StoreError> {
    let claims: Result<Vec<(i64, i64)>, _> =
        sqlx::query_as(sql::RULING_CLAIMS).bind(row.id).fetch_all(pool).await;
    row.read(codec, claims.map_err(failed("reading a ruling"))?)
}

/// Writes what a batch asks and rules.
pub(super) async fn write(tx: &mut SqliteConnection, batch: &Batch) -> Result<(), StoreError> {
    if !batch.examined.is_empty() {
        let done = sqlx::query(FORGET).bind(list(batch.examined.iter().copied())).execute(&mut *tx).await;
        done.map_err(failed("dropping questions"))?;
    }
    for question in &batch.questions {
        ask(tx, question).await?;
    }
    for person in &batch.restored {
        let done = sqlx::query(sql::RESTORE).bind(person).execute(&mut *tx).await;
        expect_rows(done.map_err(failed("restoring a person"))?.rows_affected(), 1)?;
    }
    match &batch.ruling {
        Some(ruling) => rule(tx, ruling).await,
        None => Ok(()),
    }
}

async fn ask(tx: &mut SqliteConnection, question: &QuestionWrite) -> Result<(), StoreError> {
    let done = sqlx::query(ASK)
        .bind(question.persons.0)
        .bind(question.persons.1)
        .bind(question.doubt)
        .bind(question.weight)
        .bind(&question.since)
        .execute(tx)
        .await;
    done.map(|_| ()).map_err(failed("asking a question"))
}

async fn rule(tx: &mut SqliteConnection, ruling: &RulingWrite) -> Result<(), StoreError> {
    let done = sqlx::query(sql::RULE)
        .bind(ruling.id)
        .bind(ruling.persons.0)
        .bind(ruling.persons.1)
        .bind(ruling.one)
        .bind(&ruling.at)
        .bind(&ruling.undone_at)
        .bind(&ruling.payload)
        .execute(&mut *tx)
        .await;
    expect_rows(done.map_err(failed("writing a ruling"))?.rows_affected(), 1)?;
    for (one, other) in &ruling.claims {
        let done = sqlx::query(sql::RULE_CLAIM).bind(ruling.id).bind(one).bind(other).execute(&mut *tx).await;
        done.map_err(failed("writing a ruling"))?;
    }
    Ok(())
}

/// Identifiers as the statements take them.
fn list(persons: impl IntoIterator<Item = Uuid>) -> String {
    let persons: Vec<String> = persons.into_iter().map(|person| person.simple().to_string()).collect();
    json(&persons)
}
