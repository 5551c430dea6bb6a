//! What a subscriber shows to read over HTTP: a token, minted here, kept only as its hash.
//!
//! A name enters, a secret leaves once; later a secret enters and leaves as who shows it, and from where on that one reads.

use hub_core::ledger::Book;
use hub_core::store::{Store, StoreError};
use serde::{Deserialize, Serialize};

use crate::sources::token;

/// Who may read, by the hash of the token.
const TOKENS: Book<Admitted> = Book::named("jetons-abonnes");
/// Tokens looked at at once.
const PAGE: u32 = 1_000;

/// Who shows a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The subscriber.
    pub subscriber: String,
    /// The place in what its profile is told behind which it reads: what was told before is none of its affairs.
    pub from: u64,
}

/// Mints a token, in the place of any the subscriber had; it reads from where it read before, else from now on.
///
/// # Errors
/// When the store fails.
pub async fn admit(store: &dyn Store, (subscriber, profile): (&str, &str)) -> Result<String, StoreError> {
    let before = withdraw(store, subscriber).await?;
    let from = match before {
        Some(from) => from,
        None => store.told_end(profile).await?,
    };
    let secret = token::mint();
    let admitted = Admitted { subscriber: subscriber.to_owned(), from };
    TOKENS.change(store, &token::hash(&secret).to_string(), |_| admitted.clone()).await?;
    Ok(secret)
}

/// Whether a subscriber has a token.
///
/// # Errors
/// When the store fails.
pub async fn is_admitted(store: &dyn Store, subscriber: &str) -> Result<bool, StoreError> {
    let tokens = TOKENS.page(store, "", PAGE).await?;
    Ok(tokens.into_iter().any(|(_, admitted)| admitted.subscriber == subscriber))
}

/// Takes a subscriber's token away; from where it read.
///
/// # Errors
/// When the store fails.
pub async fn withdraw(store: &dyn Store, subscriber: &str) -> Result<Option<u64>, StoreError> {
    let tokens = TOKENS.page(store, "", PAGE).await?;
    let mut from = None;
    for (hash, admitted) in tokens.into_iter().filter(|(_, admitted)| admitted.subscriber == subscriber) {
        store.erase_note(TOKENS.name(), &hash).await?;
        from = Some(admitted.from);
    }
    Ok(from)
}

/// Who shows a secret.
///
/// # Errors
/// When the store fails.
pub async fn admitted(store: &dyn Store, secret: &str) -> Result<Option<Admitted>, StoreError> {
    // Found by its hash: how long that takes tells nothing of a secret of 256 bits.
    TOKENS.read(store, &token::hash(secret).to_string()).await
}
