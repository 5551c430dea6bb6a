//! A reader with an allowance, for the part of a wrapping that must be held in memory: a zip's directory, the head of a message.
//!
//! The allowance is shared, so that it can be lifted once that part is read.

use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many bytes may still be read.
#[derive(Clone)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    pub(super) fn of(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    pub(super) fn lift(&self) {
        self.0.store(u64::MAX, Relaxed);
    }

    fn spend(&self, bytes: usize) -> io::Result<()> {
        let left = self.0.load(Relaxed).checked_sub(bytes as u64);
        let left =
            left.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "more to hold than allowed"))?;
        // A lifted allowance would need centuries to be spent.
        self.0.store(left, Relaxed);
        Ok(())
    }
}

/// A reader that fails once its allowance is spent.
pub(super) struct Bounded<R> {
    inner: R,
    allowance: Allowance,
}

impl<R> Bounded<R> {
    pub(super) fn new(inner: R, allowance: Allowance) -> Self {
        Self { inner, allowance }
    }
}

impl<R> std::fmt::Debug for Bounded<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bounded(..)")
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.allowance.spend(count)?;
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.allowance.spend(0)?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // Spent to the last byte, the next look fails.
        if self.allowance.spend(count).is_err() {
            self.allowance.0.store(0, Relaxed);
        }
        self.inner.consume(count);
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
