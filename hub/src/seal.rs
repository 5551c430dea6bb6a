//! Protection at rest: personal payloads are sealed, look-up keys are keyed hashes.
//!
//! XChaCha20-Poly1305 with a random nonce seals; BLAKE3 keyed hashing indexes, because a plain hash of a NIR is enumerated in
//! an hour and a half. Both keys derive from one secret, kept in a file only its owner may read.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use chacha20poly1305::aead::{Aead, Generate};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};

const NONCE_BYTES: usize = 24;

/// Seals, opens and indexes with one secret.
#[derive(Clone)]
pub struct Seal {
    cipher: XChaCha20Poly1305,
    index: [u8; 32],
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// Derives the keys from a secret.
    pub fn new(secret: &[u8; 32]) -> Self {
        let sealing = Key::from(blake3::derive_key("dlnuf 2026 seal", secret));
        Self {
            cipher: XChaCha20Poly1305::new(&sealing),
            index: blake3::derive_key("dlnuf 2026 index", secret),
        }
    }

    /// Reads the secret of 64 hexadecimal digits in `path`, making a fresh one when there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or written, or does not hold a secret.
    pub fn load_or_create(path: &Path) -> io::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => {
                let digest: hub_core::delivery::Digest = text.trim().parse().map_err(|_| {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        "the protection key is not 64 hexadecimal digits",
                    )
                })?;
                Ok(Self::new(&digest.0))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(error) => Err(error),
        }
    }

    fn create(path: &Path) -> io::Result<Self> {
        let secret: [u8; 32] = Key::generate().into();
        let temporary = path.with_extension("incoming");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        writeln!(file, "{}", hub_core::delivery::Digest(secret))?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(Self::new(&secret))
    }

    /// Seals a payload.
    ///
    /// # Panics
    /// On a payload of 256 GiB or more, which no record reaches.
    pub fn seal(&self, clear: &[u8]) -> Vec<u8> {
        let nonce = XNonce::generate();
        let sealed = self.cipher.encrypt(&nonce, clear).expect("a payload below 256 GiB can be sealed");
        let mut out = Vec::with_capacity(NONCE_BYTES + sealed.len());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        out
    }

    /// Opens what [`Seal::seal`] made; `None` when it was made with another key or was altered.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        self.cipher.decrypt(&XNonce::try_from(nonce).ok()?, sealed).ok()
    }

    /// The look-up number of a text in a domain.
    pub fn index(&self, domain: &str, text: &str) -> i64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.index);
        hasher.update(domain.as_bytes()).update(&[0]).update(text.as_bytes());
        let mut bytes = [0; 8];
        hasher.finalize_xof().fill(&mut bytes);
        i64::from_le_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_opens_and_finds() {
        let (ours, theirs) = (Seal::new(&[1; 32]), Seal::new(&[2; 32]));
        let sealed = ours.seal(b"1850578006084");
        assert_eq!(ours.open(&sealed).as_deref(), Some(b"1850578006084".as_slice()));
        assert_eq!(theirs.open(&sealed), None);
        assert_ne!(ours.index("nir", "1850578006084"), theirs.index("nir", "1850578006084"));
        assert_ne!(sealed, ours.seal(b"1850578006084"), "a nonce is never used twice");
        assert_eq!(ours.open(b"short"), None);
    }

    #[test]
    fn the_key_file_is_made_once_and_read_back() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("protection.key");
        let sealed = Seal::load_or_create(&path)?.seal(b"x");
        assert!(Seal::load_or_create(&path)?.open(&sealed).is_some());
        fs::write(&path, "nonsense")?;
        assert!(Seal::load_or_create(&path).is_err());
        Ok(())
    }
}
