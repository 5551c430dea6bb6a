//! What a row's sealed payload holds, and how failures of the database are told without any value.

use std::sync::Arc;

use hub_core::canonical::Canon;
use hub_core::delivery::PersonId;
use hub_core::statement::{Stated, Statement};
use hub_core::store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::seal::Seal;

/// Seals and opens the payloads of rows.
#[derive(Debug, Clone)]
pub(super) struct Payloads {
    pub seal: Seal,
    pub canon: Arc<Canon>,
}

#[derive(Serialize, Deserialize)]
struct ClaimPayload {
    record_key: String,
    key: String,
    stated: Box<RawValue>,
}

/// The columns of a claim that are not sealed.
#[derive(Debug)]
pub(super) struct ClaimColumns {
    pub id: i64,
    pub person: PersonId,
    pub source: String,
    pub emitter: String,
    pub record_hash: Option<i64>,
    pub absent: bool,
}

impl Payloads {
    pub fn state(&self, state: &Stated) -> Vec<u8> {
        self.seal.seal(state.encode(&self.canon).as_bytes())
    }

    pub fn open_state(&self, sealed: &[u8]) -> Result<Stated, StoreError> {
        let clear = self.seal.open(sealed).ok_or(StoreError::Unreadable { context: "a person" })?;
        Stated::decode(&self.canon, &clear).map_err(|_| StoreError::Unreadable { context: "a person" })
    }

    pub fn claim(&self, statement: &Statement) -> Vec<u8> {
        let stated =
            RawValue::from_string(statement.stated.encode(&self.canon)).expect("a statement encodes to JSON");
        let payload =
            ClaimPayload { record_key: statement.record_key.clone(), key: statement.key.clone(), stated };
        self.seal.seal(&serde_json::to_vec(&payload).expect("texts serialise"))
    }

    pub fn open_claim(&self, columns: ClaimColumns, sealed: &[u8]) -> Result<Statement, StoreError> {
        let unreadable = || StoreError::Unreadable { context: "a claim" };
        let clear = self.seal.open(sealed).ok_or_else(unreadable)?;
        let payload: ClaimPayload = serde_json::from_slice(&clear).map_err(|_| unreadable())?;
        let stated =
            Stated::decode(&self.canon, payload.stated.get().as_bytes()).map_err(|_| unreadable())?;
        Ok(Statement {
            id: Some(columns.id),
            person: columns.person,
            source: columns.source,
            emitter: columns.emitter,
            record_key: payload.record_key,
            key: payload.key,
            record_hash: columns.record_hash.map(i64::cast_unsigned),
            absent: columns.absent,
            stated,
        })
    }

    /// The look-up number of a record inside its emitter.
    pub fn record_index(&self, source: &str, emitter: &str, key: &str) -> i64 {
        self.seal.index("record", &format!("{source}\u{1f}{emitter}\u{1f}{key}"))
    }
}

/// A database failure without the values a server puts into its messages.
pub(super) fn failed(context: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| {
        let told = match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                format!("database error {code} {}", database.constraint().unwrap_or_default())
            }
            other => other.to_string(),
        };
        StoreError::Unreachable { context, source: told.trim_end().into() }
    }
}
