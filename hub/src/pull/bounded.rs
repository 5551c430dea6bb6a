//! A file that takes so many bytes and no more, whatever a place sends.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::fs::File;
use tokio::io::AsyncWrite;

/// A file with a bound.
pub(super) struct Bounded {
    file: File,
    left: u64,
    overflowed: bool,
}

impl Bounded {
    /// An empty file that takes so many bytes.
    pub(super) fn new(file: File, most: u64) -> Self {
        Self { file, left: most, overflowed: false }
    }

    /// Whether more came than it takes.
    pub(super) fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// The file.
    pub(super) fn into_inner(self) -> File {
        self.file
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.len() as u64 > self.left {
            self.overflowed = true;
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let written = Pin::new(&mut self.file).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            self.left = self.left.saturating_sub(*count as u64);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn it_takes_all_up_to_its_bound_and_then_says_that_more_came() {
        let mut bounded = Bounded::new(File::from_std(tempfile::tempfile().expect("a file")), 8);
        bounded.write_all(b"12345678").await.expect("as many as it takes");
        assert!(!bounded.overflowed());
        assert!(bounded.write_all(b"9").await.is_err() && bounded.overflowed());
    }
}
