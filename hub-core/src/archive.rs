//! The port where a delivery's bytes are kept, before anything reads them.
//!
//! Contract: bytes are staged, then settled; `settle` returns once they are durable (file, folder and name synced) and found
//! under their digest; the same bytes twice are kept once; staged bytes that are dropped are gone. `open` gives back exactly the
//! bytes kept.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use crate::delivery::Digest;

/// What was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// BLAKE3 of the bytes.
    pub digest: Digest,
    /// How many.
    pub size_bytes: u64,
}

/// Bytes written where nobody finds them yet.
pub trait Staged: Send {
    /// What they are.
    fn kept(&self) -> Kept;

    /// Makes them found under their digest.
    ///
    /// # Errors
    /// When the archive cannot be written; nothing half-kept remains visible.
    fn settle(self: Box<Self>) -> io::Result<Kept>;
}

/// The archive. Synchronous: callers give it a thread of its own.
pub trait Archive: Send + Sync {
    /// Writes bytes where nobody finds them yet, hashing them; synced when it returns. Dropped without being settled, they are
    /// gone.
    ///
    /// # Errors
    /// When the bytes cannot be read or the archive cannot be written.
    fn stage(&self, bytes: &mut dyn Read) -> io::Result<Box<dyn Staged>>;

    /// Opens kept bytes from their start.
    ///
    /// # Errors
    /// When nothing with this digest is kept, or it cannot be read.
    fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>>;

    /// A folder of this machine for bytes still arriving, on the archive's own disk where there is one.
    fn landing(&self) -> &Path;

    /// Removes what a crash left half-written longer than `age` ago; tells how much.
    ///
    /// # Errors
    /// When the archive cannot be listed.
    fn sweep(&self, age: Duration) -> io::Result<u64>;
}
