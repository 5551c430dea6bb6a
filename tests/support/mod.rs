//! What several promises need: a database of their own, fresh identifiers.

pub mod door;
pub mod extracts;
pub mod france_travail;
pub mod hours;
pub mod milo;
pub mod openssh;
pub mod place;
pub mod population;
pub mod program;
pub mod s3;
pub mod serving;

use std::path::Path;
use std::str::FromStr as _;
use std::sync::Arc;

use hub::clock::MachineClock;
use hub_core::clock::Clock as _;
use hub_core::delivery::Delivery;
use hub_core::pipeline::Pipeline;
use hub_core::store::Store;
use uuid::Uuid;

use crate::store_conformance;

/// A fresh identifier.
pub fn mint() -> Uuid {
    MachineClock.mint()
}

/// A file of one extract, received as `dlnuf deliver` receives it.
pub async fn received(pipeline: &Pipeline, source: &str, file: &Path) -> Delivery {
    let sources = hub::sources::Sources::default();
    let received = hub::installation::receive(pipeline, &sources, source, file).await;
    received.expect("a received delivery").pop().expect("one extract")
}

/// A database of its own on the server the tests are given.
pub struct Postgres {
    admin: sqlx::PgPool,
    name: String,
    pub url: String,
}

impl Postgres {
    pub async fn fresh() -> Self {
        let server = std::env::var("DLNUF_TEST_POSTGRES_URL")
            .expect("DLNUF_TEST_POSTGRES_URL is not set: run `make test`, which starts PostgreSQL");
        let options = sqlx::postgres::PgConnectOptions::from_str(&server).expect("a URL");
        let name = format!("t{}", mint().simple());
        let admin = sqlx::PgPool::connect_with(options).await.expect("PostgreSQL answers");
        let create = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::query(create).execute(&admin).await.expect("database");
        let (base, _) = server.rsplit_once('/').expect("a database in the URL");
        let url = format!("{base}/{name}");
        Self { admin, name, url }
    }

    pub async fn remove(self) {
        let drop = sqlx::AssertSqlSafe(format!("drop database {} with (force)", self.name));
        sqlx::query(drop).execute(&self.admin).await.expect("dropped");
    }
}

/// An SQLite store of its own, gone with its folder.
pub async fn sqlite() -> (tempfile::TempDir, Arc<dyn Store>) {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let seal = store_conformance::seal(1);
    let store = hub::store::open(&url, seal, store_conformance::canon()).await.expect("opens");
    (folder, store)
}
