//! The port for what is not deterministic: the time, and fresh identifiers.
//!
//! Stages take both as values; only drivers ask, so that a test can fix them.

use jiff::Timestamp;
use uuid::Uuid;

/// Tells the time and mints time-ordered identifiers. Called in parallel.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// A fresh UUID, version 7.
    fn mint(&self) -> Uuid;
}
