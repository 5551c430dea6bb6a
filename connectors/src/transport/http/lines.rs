//! The lines of what was fetched: one JSON value each, into the sink the caller gave.

use hub_core::transport::{Sink, TransportError};
use tokio::io::AsyncWriteExt as _;

use crate::transport::arrival::not_kept;

/// Writes lines and counts them.
pub(super) struct Lines<'a> {
    sink: Sink<'a>,
    written: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn into(sink: Sink<'a>) -> Self {
        Self { sink, written: 0 }
    }

    /// How many were written.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Writes a line.
    ///
    /// # Errors
    /// `DiskFull`, `ArchiveFailed`: it cannot be kept here.
    pub(super) async fn write(&mut self, mut line: String) -> Result<(), TransportError> {
        line.push('\n');
        self.sink.write_all(line.as_bytes()).await.map_err(not_kept)?;
        self.written += 1;
        Ok(())
    }
}
