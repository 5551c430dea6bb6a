//! The port where a delivery's bytes are kept, before anything reads them.
//!
//! Contract: `keep` returns once the bytes are durable (file, folder and name synced); the same bytes twice are kept once;
//! `open` gives back exactly the bytes kept.

use std::io::{self, Read};
use std::path::Path;

use crate::delivery::Digest;

/// What was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// BLAKE3 of the bytes.
    pub digest: Digest,
    /// How many.
    pub size_bytes: u64,
}

/// The archive. Synchronous: callers give it a thread of its own.
pub trait Archive: Send + Sync {
    /// Copies a file's bytes into the archive.
    ///
    /// # Errors
    /// When the file cannot be read or the archive cannot be written; nothing half-kept remains visible.
    fn keep(&self, file: &Path) -> io::Result<Kept>;

    /// Opens kept bytes from their start.
    ///
    /// # Errors
    /// When nothing with this digest is kept, or it cannot be read.
    fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>>;
}
