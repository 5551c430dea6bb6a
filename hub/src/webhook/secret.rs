//! The secrets a subscriber's requests are signed by: minted here, shown once, kept sealed. One that is replaced stays in force for a day,
//! beside the new one.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_core::ledger::Book;
use hub_core::store::{Store, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::SECRET_PREFIX;
use crate::seal::Seal;

const SECRETS: Book<Kept> = Book::named("secrets-webhooks");
const BYTES: usize = 32;
/// How long a secret that was replaced stays in force.
const OVERLAP: Duration = Duration::from_hours(24);

/// Sealed, in base64.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept {
    now: String,
    before: Option<(String, Timestamp)>,
}

/// Mints a secret for a subscriber, as it is shown to it.
///
/// # Errors
/// When the store fails.
pub async fn mint(store: &dyn Store, seal: &Seal, name: &str, now: Timestamp) -> Result<String, StoreError> {
    let secret: [u8; BYTES] = rand::random();
    let sealed = STANDARD.encode(seal.seal(row(name).as_bytes(), &secret));
    let until = now.checked_add(OVERLAP).unwrap_or(Timestamp::MAX);
    SECRETS
        .change(store, name, |kept| Kept {
            now: sealed.clone(),
            before: kept.map(|kept: Kept| (kept.now, until)),
        })
        .await?;
    Ok(format!("{SECRET_PREFIX}{}", STANDARD.encode(secret)))
}

/// The secrets in force, the latest first; none for who was never given one.
///
/// # Errors
/// When the store fails, or its key is another.
pub async fn secrets(
    store: &dyn Store,
    seal: &Seal,
    name: &str,
    now: Timestamp,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let Some(kept) = SECRETS.read(store, name).await? else { return Ok(Vec::new()) };
    let before = kept.before.filter(|(_, until)| *until > now).map(|(sealed, _)| sealed);
    let open = |sealed: String| {
        let bytes = STANDARD.decode(sealed).ok()?;
        seal.open(row(name).as_bytes(), &bytes)
    };
    let opened = std::iter::once(kept.now).chain(before).map(open).collect::<Option<Vec<_>>>();
    opened.ok_or(StoreError::Unreadable { context: "the secret of a webhook" })
}

/// Forgets a subscriber's secrets.
///
/// # Errors
/// When the store fails.
pub async fn forget(store: &dyn Store, name: &str) -> Result<(), StoreError> {
    store.erase_note(SECRETS.name(), name).await
}

fn row(name: &str) -> String {
    format!("webhook/{name}")
}
