//! Domain values become what is stored: sealed payloads, keyed look-up hashes, fixed-width instants.

use std::sync::Arc;

use hub_core::canonical::Canon;
use hub_core::identity::IdentityKey;
use hub_core::statement::{Stated, Statement};
use hub_core::store::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::KNOWN_TEXT;
use crate::seal::Seal;

/// Seals and opens; cheap to clone.
#[derive(Clone)]
pub(super) struct Codec {
    seal: Seal,
    canon: Arc<Canon>,
}

#[derive(Serialize)]
struct Written<'a> {
    record_key: &'a str,
    key: &'a str,
    stated: Box<RawValue>,
}

#[derive(Deserialize)]
struct Read<'a> {
    record_key: String,
    key: String,
    #[serde(borrow)]
    stated: &'a RawValue,
}

/// A claim's payload, opened.
pub(super) struct Opened {
    pub record_key: String,
    pub key: String,
    pub stated: Stated,
}

impl Codec {
    pub(super) fn new(seal: Seal, canon: Arc<Canon>) -> Self {
        Self { seal, canon }
    }

    pub(super) fn seal(&self, clear: &[u8]) -> Vec<u8> {
        self.seal.seal(clear)
    }

    pub(super) fn open(&self, sealed: &[u8], context: &'static str) -> Result<Vec<u8>, StoreError> {
        let clear = self.seal.open(sealed);
        clear.ok_or(StoreError::Unreadable { context })
    }

    pub(super) fn known_text(&self) -> Vec<u8> {
        self.seal(KNOWN_TEXT)
    }

    pub(super) fn check_known_text(&self, sealed: &[u8]) -> Result<(), StoreError> {
        let context = "the store's own mark: it was written under another key";
        if self.open(sealed, context)? == KNOWN_TEXT {
            Ok(())
        } else {
            Err(StoreError::Unreadable { context })
        }
    }

    pub(super) fn record_index(&self, source: &str, emitter: &str, record_key: &str) -> i64 {
        let text = format!("{source}\0{emitter}\0{record_key}");
        self.seal.index("record", &text)
    }

    pub(super) fn key_index(&self, key: &IdentityKey) -> i64 {
        self.seal.index("identity", &key.0)
    }

    pub(super) fn seal_stated(&self, stated: &Stated) -> Vec<u8> {
        self.seal(stated.encode(&self.canon).as_bytes())
    }

    pub(super) fn open_stated(&self, sealed: &[u8]) -> Result<Stated, StoreError> {
        let context = "a person";
        let clear = self.open(sealed, context)?;
        Stated::decode(&self.canon, &clear).map_err(|_| StoreError::Unreadable { context })
    }

    pub(super) fn seal_claim(&self, claim: &Statement) -> Vec<u8> {
        let stated = RawValue::from_string(claim.stated.encode(&self.canon));
        let written = Written {
            record_key: &claim.record_key,
            key: &claim.key,
            stated: stated.expect("`Stated::encode` writes JSON"),
        };
        let json = serde_json::to_vec(&written).expect("texts and raw JSON are always writable");
        self.seal(&json)
    }

    pub(super) fn open_claim(&self, sealed: &[u8]) -> Result<Opened, StoreError> {
        let context = "a claim";
        let unreadable = |_| StoreError::Unreadable { context };
        let clear = self.open(sealed, context)?;
        let read: Read = serde_json::from_slice(&clear).map_err(unreadable)?;
        let stated = Stated::decode(&self.canon, read.stated.get().as_bytes()).map_err(unreadable)?;
        Ok(Opened { record_key: read.record_key, key: read.key, stated })
    }
}

/// An instant as text whose order is that of time.
pub(super) fn instant(at: Timestamp) -> String {
    format!("{at:.9}")
}

/// Reads [`instant`].
pub(super) fn read_instant(text: &str, context: &'static str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { context })
}
