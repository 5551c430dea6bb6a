//! The lines of what was fetched: one JSON value each, into the sink the caller gave.

use std::io;

use hub_core::code::Code;
use hub_core::transport::{Sink, TransportError};
use tokio::io::AsyncWriteExt as _;

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
    /// [`Code::DiskFull`], [`Code::ArchiveFailed`]: it cannot be kept here.
    pub(super) async fn write(&mut self, mut line: String) -> Result<(), TransportError> {
        line.push('\n');
        self.sink.write_all(line.as_bytes()).await.map_err(not_kept)?;
        self.written += 1;
        Ok(())
    }
}

fn not_kept(error: io::Error) -> TransportError {
    let code = if error.kind() == io::ErrorKind::StorageFull { Code::DiskFull } else { Code::ArchiveFailed };
    TransportError::new(code, "what was fetched cannot be written here").because(error)
}
