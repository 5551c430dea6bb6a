//! How facts are kept: two hand-written backends of the store port, with one schema and one behaviour.
//!
//! A URL chooses the backend; the embedded migrations run at opening; a store written under another key is refused there,
//! before anything is written.

mod batch;
mod codec;
mod failure;
mod packing;
mod places;
mod postgres;
mod rows;
mod sql;
mod sqlite;
mod telling;
mod written;

use std::sync::Arc;

use hub_core::canonical::Canon;
use hub_core::store::{Store, StoreError};

use crate::seal::Seal;
use codec::Codec;
use failure::Refused;

/// Rows a statement writes at most: bounds the memory of its parameters.
const CHUNK: usize = 2_000;

/// What `store_meta` holds, sealed, so that a wrong key is seen at once.
const KNOWN_TEXT: &[u8] = b"dlnuf store";

/// How the rows of `store_meta` that keep a field table are named; the table's number follows.
const TABLE: &str = "champs:";

/// Opens the store at `sqlite:PATH` (created when missing) or `postgres://…`, and brings its schema up to date.
///
/// # Errors
/// When the store does not answer, or was written under another key ([`StoreError::Unreadable`]).
pub async fn open(url: &str, seal: Seal, canon: Arc<Canon>) -> Result<Arc<dyn Store>, StoreError> {
    let codec = Codec::new(seal, canon);
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return Ok(Arc::new(sqlite::Sqlite::open(path, codec).await?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(postgres::Postgres::open(url, codec).await?));
    }
    Err(StoreError::Unreachable {
        context: "choosing the store",
        source: Box::new(Refused::new("the URL must start with `sqlite:` or `postgres://`")),
    })
}
