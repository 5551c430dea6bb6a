//! Both stores have the same tables and columns, but for the levels of look-up keys SQLite needs.

use crate::store_conformance::{canon, seal};
use crate::support::Postgres;

const SQLITE: &str = "
select m.name || '.' || c.name from sqlite_master m, pragma_table_info(m.name) c
where m.type = 'table' and m.name not like 'sqlite_%' and m.name not like '_sqlx%'
  and m.name not like 'claim_key%' and m.name not like '%_recent' and m.name not like '%_fresh'";
const POSTGRES: &str = "
select table_name || '.' || column_name from information_schema.columns
where table_schema = 'public' and table_name not like '\\_sqlx%'";

#[tokio::test]
async fn both_stores_have_the_same_tables_and_columns() {
    let folder = tempfile::tempdir().expect("folder");
    let file = format!("sqlite:{}", folder.path().join("hub.db").display());
    drop(hub::store::open(&file, seal(1), canon()).await.expect("opens"));
    let sqlite = sqlx::SqlitePool::connect(&file).await.expect("opens");
    let mut here: Vec<String> = sqlx::query_scalar(SQLITE).fetch_all(&sqlite).await.expect("reads");
    let server = Postgres::fresh().await;
    drop(hub::store::open(&server.url, seal(1), canon()).await.expect("opens"));
    let pool = sqlx::PgPool::connect(&server.url).await.expect("connects");
    let mut there: Vec<String> = sqlx::query_scalar(POSTGRES).fetch_all(&pool).await.expect("reads");
    pool.close().await;
    server.remove().await;
    here.sort();
    there.sort();
    assert!(here.len() > 40, "{here:?}");
    assert_eq!(here, there);
}
