//! The digests a sender announces, computed while the bytes pass: whoever took the pains to send one is told when it differs.
//!
//! Headers and chunks enter, a verdict leaves. `Content-Digest` and `Repr-Digest` (RFC 9530), `Digest` (RFC 3230) and `Content-MD5` of
//! older tools are read; algorithms nobody here knows are passed over, as the standards say.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};

use axum::http::{HeaderMap, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_core::code::Code;
use md5::Md5;
use sha2::digest::DynDigest;
use sha2::{Sha256, Sha512};

use super::problem::Problem;

/// Headers that are lists of `ALGORITHM=DIGEST`, and whether a digest stands between colons.
const LISTS: [(&str, bool); 3] = [("content-digest", true), ("repr-digest", true), ("digest", false)];
/// A header that is a digest.
const MD5: &str = "content-md5";

/// What was announced.
#[derive(Default)]
pub(super) struct Digests {
    announced: Vec<Announced>,
}

struct Announced {
    algorithm: &'static str,
    hasher: Box<dyn DynDigest + Send>,
    digest: Vec<u8>,
}

impl Digests {
    /// Reads every header that announces one.
    pub(super) fn announced(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut digests = Self::default();
        for (name, colons) in LISTS {
            for value in headers.get_all(name) {
                let text = value.to_str().map_err(|_| malformed(name))?;
                for member in text.split(',').map(str::trim).filter(|member| !member.is_empty()) {
                    digests.member(member, colons).ok_or_else(|| malformed(name))??;
                }
            }
        }
        for value in headers.get_all(MD5) {
            let digest = value.to_str().ok().and_then(|text| STANDARD.decode(text.trim()).ok());
            digests.expect("md5", digest.ok_or_else(|| malformed(MD5))?)?;
        }
        Ok(digests)
    }

    /// `sha-256=:BASE64:`, or without colons; `None` when it is not written so.
    fn member(&mut self, member: &str, colons: bool) -> Option<Result<(), Problem>> {
        let (algorithm, encoded) = member.split_once('=')?;
        let encoded =
            if colons { encoded.trim().strip_prefix(':')?.strip_suffix(':')? } else { encoded.trim() };
        let algorithm = algorithm.trim().to_ascii_lowercase();
        // Others are not all written in base64.
        let known = ["sha-256", "sha-512", "md5"].into_iter().find(|known| *known == algorithm);
        let Some(known) = known else { return Some(Ok(())) };
        let digest = STANDARD.decode(encoded).ok()?;
        Some(self.expect(known, digest))
    }

    /// Two digests of one algorithm that differ cannot both be right.
    fn expect(&mut self, algorithm: &'static str, digest: Vec<u8>) -> Result<(), Problem> {
        match self.announced.iter().find(|known| known.algorithm == algorithm) {
            Some(known) if known.digest == digest => return Ok(()),
            Some(_) => {
                return Err(Problem::bad_request(
                    "expected one digest of an algorithm, found two that differ",
                )
                .in_french("deux empreintes du même algorithme sont annoncées, et diffèrent"));
            }
            None => {}
        }
        let hasher: Box<dyn DynDigest + Send> = match algorithm {
            "sha-512" => Box::new(Sha512::default()),
            "md5" => Box::new(Md5::default()),
            _ => Box::new(Sha256::default()),
        };
        self.announced.push(Announced { algorithm, hasher, digest });
        Ok(())
    }

    /// Takes in the next bytes.
    pub(super) fn update(&mut self, chunk: &[u8]) {
        for announced in &mut self.announced {
            announced.hasher.update(chunk);
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
        !self.announced.is_empty()
    }

    /// Compares what came with what was announced.
    pub(super) fn check(self) -> Result<(), Problem> {
        let differs = |announced: Announced| *announced.hasher.finalize() != *announced.digest;
        if !self.announced.into_iter().any(differs) {
            return Ok(());
        }
        let detail = "expected bytes with the digest announced, found others";
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, Code::DigestMismatch, detail))
    }
}

fn malformed(name: &str) -> Problem {
    let form = match name {
        "digest" => "sha-256=BASE64` (RFC 3230)",
        MD5 => "BASE64` (RFC 1864)",
        _ => "sha-256=:BASE64:` (RFC 9530)",
    };
    Problem::bad_request(&format!("`{name}` is written `{form}"))
        .in_french(&format!("`{name}` s'écrit `{form}"))
}
