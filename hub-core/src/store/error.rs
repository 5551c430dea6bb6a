//! Why a call to the store, or to the ledger beside it, failed.

use crate::code::Code;

/// A failed call to the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store cannot be reached or refused the statement.
    #[error("the store did not answer: {context}")]
    Unreachable {
        /// What was being done.
        context: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody else changed the same persons: run the batch again.
    #[error("another run changed the same persons")]
    Conflict,
    /// The key does not open what is stored, or a row is not what the hub writes.
    #[error("a stored row cannot be read: {context}")]
    Unreadable {
        /// What was being read.
        context: &'static str,
    },
}

impl StoreError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. } => Code::StoreUnreachable,
            Self::Conflict => Code::StoreConflict,
            Self::Unreadable { .. } => Code::StoreKey,
        }
    }
}
