//! Where facts are kept: the backends of the core's store port, chosen by URL.

mod payload;
mod sqlite;

use std::sync::Arc;

use hub_core::canonical::Canon;
use hub_core::store::{Store, StoreError};

use crate::seal::Seal;

/// Opens the store a URL names, `sqlite:PATH`, and brings its tables up to date.
///
/// # Errors
/// When it cannot be reached, its scheme is unknown, or the key is not the one it was made with.
pub async fn open(url: &str, seal: Seal, canon: Arc<Canon>) -> Result<Arc<dyn Store>, StoreError> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(sqlite::SqliteStore::open(url, seal, canon).await?)),
        _ => Err(StoreError::Unreachable {
            context: "choosing the backend",
            source: "a store is `sqlite:PATH`".into(),
        }),
    }
}
