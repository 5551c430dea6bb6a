//! From the body of a request to a file in the landing folder, in constant memory.
//!
//! Chunks enter; a file and the digests asked for leave. What breaks off, grows too large or stands still for a minute is told as a
//! problem; the file is removed when it is dropped, unless it is a resumable upload's.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use hub_core::code::Code;
use sha2::{Digest as _, Sha256, Sha512};
use tokio::io::AsyncWriteExt as _;

use super::problem::Problem;

/// How long a sender may be silent.
const PATIENCE: Duration = Duration::from_mins(1);

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
    pub(super) async fn fill(&self, body: Body, most: u64, digests: &mut Digests) -> Result<u64, Problem> {
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
pub(super) async fn write(path: &Path, body: Body, most: u64, digests: &mut Digests) -> Result<u64, Problem> {
    let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    let mut file = tokio::fs::File::from_std(file?);
    let (mut stream, mut came) = (body.into_data_stream(), 0_u64);
    let ended = loop {
        let Ok(next) = tokio::time::timeout(PATIENCE, stream.next()).await else {
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

/// The digests a sender announced (RFC 9530), computed while the bytes pass. Unknown algorithms are passed over, as it says.
#[derive(Default)]
pub(super) struct Digests {
    sha256: Option<(Sha256, Vec<u8>)>,
    sha512: Option<(Sha512, Vec<u8>)>,
}

impl Digests {
    /// Reads `sha-256=:BASE64:, sha-512=:BASE64:`.
    pub(super) fn announced(headers: &HeaderMap, names: &[&'static str]) -> Result<Self, Problem> {
        let mut digests = Self::default();
        for (name, value) in
            names.iter().flat_map(|name| headers.get_all(*name).iter().map(move |value| (name, value)))
        {
            let text = value.to_str().map_err(|_| malformed(name))?;
            for member in text.split(',') {
                let (algorithm, encoded) = member.trim().split_once('=').ok_or_else(|| malformed(name))?;
                let encoded = encoded.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
                let bytes = STANDARD.decode(encoded.ok_or_else(|| malformed(name))?);
                let bytes = bytes.map_err(|_| malformed(name))?;
                match algorithm.trim() {
                    "sha-256" => digests.sha256 = Some((Sha256::new(), bytes)),
                    "sha-512" => digests.sha512 = Some((Sha512::new(), bytes)),
                    _ => {}
                }
            }
        }
        Ok(digests)
    }

    fn update(&mut self, chunk: &[u8]) {
        if let Some((hasher, _)) = &mut self.sha256 {
            hasher.update(chunk);
        }
        if let Some((hasher, _)) = &mut self.sha512 {
            hasher.update(chunk);
        }
    }

    /// Reads a whole file.
    pub(super) fn read(&mut self, file: &mut File) -> io::Result<()> {
        let mut chunk = vec![0; 256 << 10];
        loop {
            let count = file.read(&mut chunk)?;
            let read = chunk.get(..count).unwrap_or_default();
            if read.is_empty() {
                return file.rewind();
            }
            self.update(read);
        }
    }

    /// Whether any was announced.
    pub(super) fn any(&self) -> bool {
        self.sha256.is_some() || self.sha512.is_some()
    }

    /// Compares what came with what was announced.
    pub(super) fn check(self) -> Result<(), Problem> {
        let fine = self.sha256.is_none_or(|(hasher, announced)| hasher.finalize()[..] == announced[..])
            && self.sha512.is_none_or(|(hasher, announced)| hasher.finalize()[..] == announced[..]);
        if fine {
            return Ok(());
        }
        let detail = "expected bytes with the digest announced, found others";
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, Code::DigestMismatch, detail))
    }
}

fn malformed(name: &str) -> Problem {
    Problem::bad_request(&format!("`{name}` is written `sha-256=:BASE64:` (RFC 9530)"))
}
