//! From the body of a request to a file in the landing folder, in constant memory.
//!
//! Chunks enter; a file and the digests asked for leave. What breaks off, grows too large or stands still for a minute is told as a
//! problem; the file is removed when it is dropped, unless it is a resumable upload's.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::BodyDataStream;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use futures_util::StreamExt as _;
use hub_core::code::Code;
use tokio::io::AsyncWriteExt as _;

use super::digests::Digests;
use super::problem::Problem;

/// How long a sender may be silent.
const PATIENCE: Duration = Duration::from_mins(1);
/// How much, and how long, of a body that is refused is read on.
const LINGER_BYTES: usize = 64 << 20;
const LINGER: Duration = Duration::from_secs(5);

/// A file that is gone when dropped.
pub(super) struct Landed {
    path: PathBuf,
}

impl Landed {
    /// A fresh name in the landing folder.
    pub(super) fn fresh(landing: &Path, id: uuid::Uuid) -> Self {
        Self { path: landing.join(format!("push-{}", id.simple())) }
    }

    /// Writes a body into it.
    pub(super) async fn fill(
        &self,
        body: &mut BodyDataStream,
        most: u64,
        digests: &mut Digests,
    ) -> Result<u64, Problem> {
        write(&self.path, body, most, digests).await
    }

    /// Opens it at its start; the bytes stay readable until that is closed.
    pub(super) fn open(&self) -> Result<File, Problem> {
        Ok(File::open(&self.path)?)
    }
}

impl Drop for Landed {
    fn drop(&mut self) {
        // Nothing was acknowledged by it; a leftover is swept later.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Appends a body to a file, creating it when it is not there; tells how many bytes came. What came stays, also when it breaks off.
pub(super) async fn write(
    path: &Path,
    body: &mut BodyDataStream,
    most: u64,
    digests: &mut Digests,
) -> Result<u64, Problem> {
    let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    let (mut file, mut came) = (tokio::fs::File::from_std(file?), 0_u64);
    let ended = loop {
        let Ok(next) = tokio::time::timeout(PATIENCE, body.next()).await else {
            let detail = "nothing came for a minute";
            break Err(Problem::new(StatusCode::REQUEST_TIMEOUT, Code::Interrupted, detail));
        };
        let chunk = match next {
            None => break Ok(came),
            Some(Ok(chunk)) => chunk,
            Some(Err(_)) => {
                let detail = "the body broke off";
                break Err(Problem::new(StatusCode::BAD_REQUEST, Code::Interrupted, detail));
            }
        };
        if came + chunk.len() as u64 > most {
            break Err(too_large(most));
        }
        digests.update(&chunk);
        if let Err(error) = file.write_all(&chunk).await {
            break Err(error.into());
        }
        came += chunk.len() as u64;
    };
    file.flush().await?;
    ended
}

/// Reads on what is left of a body that was refused, for a while and into nothing: who is still sending does not listen, and would
/// find its connection closed instead of the answer. Who asked first whether to send needs none of it.
pub(super) async fn heard_out(headers: &HeaderMap, mut body: BodyDataStream) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let rest = async {
        let mut passed = 0;
        while let (true, Some(Ok(chunk))) = (passed < LINGER_BYTES, body.next().await) {
            passed += chunk.len();
        }
    };
    let _ = tokio::time::timeout(LINGER, rest).await;
}

pub(super) fn too_large(most: u64) -> Problem {
    let detail = format!("expected at most {most} bytes for this source, found more");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, Code::TooLarge, &detail)
}

/// Refuses what is announced to be too large before it is sent.
pub(super) fn announced(headers: &HeaderMap, most: u64) -> Result<(), Problem> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most) { Err(too_large(most)) } else { Ok(()) }
}

/// Whether the bytes are coded as the header says; codings are undone with the other wrappings, by what the bytes are.
pub(super) fn coded(headers: &HeaderMap, file: &mut File) -> Result<(), Problem> {
    let coding =
        headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    let mark: &[u8] = match coding.as_deref() {
        None | Some("identity" | "") => return Ok(()),
        Some("gzip" | "x-gzip") => &[0x1f, 0x8b],
        Some("zstd") => &[0x28, 0xb5, 0x2f, 0xfd],
        Some(_) => {
            let detail = "expected `gzip`, `zstd` or `identity`, found another coding";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::UnknownCoding, detail));
        }
    };
    let mut found = Vec::new();
    let read = file.by_ref().take(mark.len() as u64).read_to_end(&mut found).and_then(|_| file.rewind());
    read?;
    if found == mark {
        return Ok(());
    }
    let detail = "the bytes are not coded as `Content-Encoding` says";
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, Code::Unpackable, detail))
}
