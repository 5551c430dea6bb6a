//! The notes, in one table; a write that replaces another version than it names changes nothing.

use async_trait::async_trait;
use hub_core::ledger::{Ledger, Note};
use hub_core::store::StoreError;
use sqlx::PgPool;

use super::Postgres;
use crate::store::failure::{failed, to_the_end};
use crate::store::sql;

#[async_trait]
impl Ledger for Postgres {
    async fn note(&self, book: &str, entry: &str) -> Result<Option<Note>, StoreError> {
        let row: Option<(String, i64)> = sqlx::query_as(sql::NOTE)
            .bind(book)
            .bind(entry)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed("reading a note"))?;
        Ok(row.map(|(value, version)| Note { value, version: version.cast_unsigned() }))
    }

    async fn notes(&self, book: &str, after: &str, limit: u32) -> Result<Vec<(String, Note)>, StoreError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(sql::NOTES)
            .bind(book)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .map_err(failed("reading notes"))?;
        let note = |value, version: i64| Note { value, version: version.cast_unsigned() };
        Ok(rows.into_iter().map(|(entry, value, version)| (entry, note(value, version))).collect())
    }

    async fn write_note(
        &self,
        book: &str,
        entry: &str,
        value: &str,
        expected: u64,
    ) -> Result<bool, StoreError> {
        let note = [book, entry, value].map(str::to_owned);
        let pool = self.pool.clone();
        to_the_end(async move { write(&pool, &note, expected).await }).await
    }

    async fn erase_note(&self, book: &str, entry: &str) -> Result<(), StoreError> {
        let [book, entry] = [book, entry].map(str::to_owned);
        let pool = self.pool.clone();
        to_the_end(async move {
            let failed = failed("erasing a note");
            sqlx::query(sql::ERASE_NOTE)
                .bind(book)
                .bind(entry)
                .execute(&pool)
                .await
                .map(|_| ())
                .map_err(failed)
        })
        .await
    }
}

async fn write(pool: &PgPool, note: &[String; 3], expected: u64) -> Result<bool, StoreError> {
    let failed = failed("writing a note");
    let [book, entry, value] = note;
    let statement = if expected == 0 { sql::FIRST_NOTE } else { sql::NEXT_NOTE };
    let mut query = sqlx::query(statement).bind(book).bind(entry).bind(value);
    if expected > 0 {
        query = query.bind(expected.cast_signed());
    }
    let done = query.execute(pool).await.map_err(failed)?;
    Ok(done.rows_affected() == 1)
}
