//! Protection at rest: sealed payloads and keyed look-up hashes, both from one key kept outside the store.
//!
//! Clear bytes enter, sealed bytes leave (24-byte nonce, then XChaCha20-Poly1305), bound to the row they are written in; a
//! look-up text enters, a keyed BLAKE3 hash leaves. So whoever holds the database alone can neither read a payload, nor pass
//! one row's off as another's, nor test a guessed NIR.

use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead as _, Generate as _, Key, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hub_core::subscription::Pseudonyms;

const NONCE_BYTES: usize = 24;

/// The key of a store, split by purpose. Debug hides it.
#[derive(Clone)]
pub struct Seal {
    payload: [u8; 32],
    lookup: [u8; 32],
    pseudonyms: [u8; 32],
}

/// The key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// It cannot be read or written.
    #[error("the key file `{path}` cannot be read or written")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It does not hold a key.
    #[error("the key file `{path}` must hold 64 hexadecimal digits")]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(hidden)")
    }
}

impl Seal {
    /// Splits a key by purpose.
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            payload: blake3::derive_key("dlnuf 2026 store payload", &key),
            lookup: blake3::derive_key("dlnuf 2026 store look-up", &key),
            pseudonyms: blake3::derive_key("dlnuf 2026 pseudonyms", &key),
        }
    }

    /// What persons are called by to those who subscribe.
    pub fn pseudonyms(&self) -> Pseudonyms {
        Pseudonyms::new(self.pseudonyms)
    }

    /// Reads the key file, or creates it (mode 0600, durable) with a fresh key. Two processes starting together get one key.
    ///
    /// # Errors
    /// When the file can be neither read nor created, or holds something else.
    pub fn load_or_create(path: &Path) -> Result<Self, SealError> {
        let failed = |source| SealError::Io { path: path.to_owned(), source };
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path).map_err(failed)?;
                fs::read_to_string(path)
            }
            read => read,
        };
        let key = parse(text.map_err(failed)?.trim());
        key.map(Self::new).ok_or_else(|| SealError::NotAKey { path: path.to_owned() })
    }

    /// Seals bytes under a fresh random nonce; they open only where the same `row` is named.
    ///
    /// # Panics
    /// When the system gives no randomness to begin with.
    pub fn seal(&self, row: &[u8], clear: &[u8]) -> Vec<u8> {
        // A generator fit for ciphers that the system seeds: asking the system itself for each row takes a call a row.
        let nonce = XNonce::generate_from_rng(&mut rand::rng());
        let sealed = XChaCha20Poly1305::new(&self.payload.into())
            .encrypt(&nonce, Payload { msg: clear, aad: row })
            .expect("a payload is shorter than the cipher's limit of 256 GiB");
        let mut out = Vec::with_capacity(NONCE_BYTES + sealed.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`Seal::seal`] made; `None` when the key or the row is another, or the bytes were changed.
    pub fn open(&self, row: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let cipher = XChaCha20Poly1305::new(&self.payload.into());
        cipher.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: row }).ok()
    }

    /// The keyed hash of a text given in parts, for look-ups. Texts of two domains never meet.
    pub fn index(&self, domain: &str, text: &[&[u8]]) -> i64 {
        let length = text.iter().map(|part| part.len()).sum::<usize>();
        let mut whole = Vec::with_capacity(8 + domain.len() + length);
        whole.extend_from_slice(&(domain.len() as u64).to_le_bytes());
        for part in [domain.as_bytes()].iter().chain(text) {
            whole.extend_from_slice(part);
        }
        let hash = blake3::keyed_hash(&self.lookup, &whole);
        hash.as_bytes().first_chunk().map_or(0, |first| i64::from_le_bytes(*first))
    }
}

/// Writes a fresh key beside `path`, then links it there: a reader sees no key or a whole one, and an existing key stays.
#[expect(
    clippy::disallowed_methods,
    reason = "the draft's name only has to be unique, nothing is ordered by it"
)]
fn create(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", uuid::Uuid::now_v7().simple()));
    let draft = PathBuf::from(draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let linked = file
        .write_all(hexadecimal().as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(folder)?.sync_all(),
    }
}

fn hexadecimal() -> String {
    let key = Key::<XChaCha20Poly1305>::generate();
    let mut text = String::with_capacity(65);
    for byte in key {
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    text
}

fn parse(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_in_its_row_only_and_only_unchanged() {
        let seal = Seal::new([7; 32]);
        let mut sealed = seal.seal(b"row", b"1850578006048");
        assert_eq!(seal.open(b"row", &sealed).as_deref(), Some(&b"1850578006048"[..]));
        assert_eq!(seal.open(b"another row", &sealed), None);
        assert_ne!(seal.seal(b"row", b"1850578006048"), sealed);
        assert_eq!(Seal::new([8; 32]).open(b"row", &sealed), None);
        if let Some(last) = sealed.last_mut() {
            *last ^= 1;
        }
        assert_eq!(seal.open(b"row", &sealed), None);
        assert_eq!(seal.open(b"row", b"short"), None);
    }

    #[test]
    fn an_index_depends_on_key_domain_and_text() {
        let seal = Seal::new([7; 32]);
        let index = seal.index("a", &[b"x"]);
        assert_eq!(index, seal.index("a", &[b"x"]));
        assert_ne!(index, seal.index("a", &[b"y"]));
        assert_ne!(index, seal.index("b", &[b"x"]));
        assert_ne!(index, Seal::new([8; 32]).index("a", &[b"x"]));
        assert_ne!(seal.index("ab", &[b"c"]), seal.index("a", &[b"bc"]));
    }

    #[test]
    fn a_key_file_is_created_once_private_and_read_again() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("key");
        let first = Seal::load_or_create(&path).expect("created");
        let again = Seal::load_or_create(&path).expect("read");
        assert_eq!(first.index("a", &[b"x"]), again.index("a", &[b"x"]));
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&folder).expect("readable").count(), 1);
        fs::write(&path, "not a key").expect("writable");
        let refused = Seal::load_or_create(&path);
        assert!(matches!(refused, Err(SealError::NotAKey { .. })));
    }
}
