//! The port where a delivery's bytes are kept, before anything reads them.
//!
//! Contract: `stage` writes and hashes bytes where nobody finds them; `settle` makes them visible under their digest, whole and
//! durable, or not at all; the same bytes twice are kept once; `open` gives back exactly the bytes kept. All of it may be called
//! from several threads, and again after a crash.

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

/// The archive. Synchronous: callers give it a thread of its own.
pub trait Archive: Send + Sync {
    /// Writes bytes where nobody finds them yet, hashing them; they are durable when it returns. Dropped without `settle`, they are
    /// gone.
    ///
    /// # Errors
    /// When the bytes cannot be read or written; nothing of them remains.
    fn stage(&self, bytes: &mut dyn Read) -> io::Result<Box<dyn Staged>>;

    /// Opens kept bytes from their start.
    ///
    /// # Errors
    /// When nothing with this digest is kept (`NotFound`), or it cannot be read.
    fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>>;

    /// A folder on this machine, on the archive's own disk where possible, for bytes still arriving.
    fn landing(&self) -> &Path;

    /// Removes what crashes left behind: files in the landing folder that were not written to for `age`. Returns how many.
    ///
    /// # Errors
    /// When the folder cannot be read, or a file not removed.
    fn sweep(&self, age: Duration) -> io::Result<u64>;
}

/// Bytes that are written, hashed and not kept yet.
pub trait Staged: Send {
    /// What they are.
    fn kept(&self) -> Kept;

    /// Makes them visible under their digest, durably; bytes that are kept already are left as they are.
    ///
    /// # Errors
    /// When they cannot be kept: nothing of them is visible then, and nothing remains.
    fn settle(self: Box<Self>) -> io::Result<Kept>;
}
