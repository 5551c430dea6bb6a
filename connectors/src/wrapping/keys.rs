//! The keys and passwords that may open the deliveries of one source.
//!
//! Paths enter, keys leave, read and unlocked, so that a wrong configuration stops at the start. Neither Debug nor an error shows
//! anything of them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pgp::composed::{Deserializable as _, SignedSecretKey};
use pgp::types::Password;
use rsa::RsaPrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use serde::Deserialize;

/// What may open an encrypted delivery, for one source.
#[derive(Clone, Default)]
pub struct Keys {
    /// Passwords, of a zip or of an OpenPGP message.
    pub passwords: Vec<String>,
    pub(super) cms: Vec<RsaPrivateKey>,
    pub(super) openpgp: Vec<SecretKey>,
}

/// Where the keys of one source lie.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyFiles {
    /// Files whose first line is a password.
    pub passwords: Vec<PathBuf>,
    /// RSA private keys as PEM (PKCS#8 or PKCS#1), for CMS. A certificate is not needed.
    pub cms: Vec<PathBuf>,
    /// OpenPGP secret keys.
    pub openpgp: Vec<OpenPgpFile>,
}

/// Where an OpenPGP secret key lies.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenPgpFile {
    /// The key, armoured or binary (`gpg --export-secret-keys`).
    pub key: PathBuf,
    /// A file whose first line is its passphrase.
    #[serde(default)]
    pub passphrase: Option<PathBuf>,
}

/// An OpenPGP secret key with what unlocks it.
#[derive(Clone)]
pub(super) struct SecretKey {
    pub(super) key: SignedSecretKey,
    pub(super) passphrase: Arc<Password>,
}

/// A key that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected} in `{}`, found {found}", path.display())]
pub struct KeyError {
    /// The file.
    pub path: PathBuf,
    /// What it should hold.
    pub expected: &'static str,
    /// What stands in the way, without anything of the key.
    pub found: &'static str,
    /// Why it could not be read, when it could not.
    #[source]
    pub source: Option<std::io::Error>,
}

impl KeyError {
    fn new(path: &Path, expected: &'static str, found: &'static str) -> Self {
        Self { path: path.to_owned(), expected, found, source: None }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = (self.passwords.len(), self.cms.len(), self.openpgp.len());
        write!(f, "Keys({} passwords, {} for CMS, {} for OpenPGP)", counts.0, counts.1, counts.2)
    }
}

impl Keys {
    /// Reads and tries all keys of one source.
    ///
    /// # Errors
    /// The first file that cannot be read, or that does not hold what it should.
    pub fn read(files: &KeyFiles) -> Result<Self, KeyError> {
        Ok(Self {
            passwords: files.passwords.iter().map(|path| password(path)).collect::<Result<_, _>>()?,
            cms: files.cms.iter().map(|path| rsa_key(path)).collect::<Result<_, _>>()?,
            openpgp: files.openpgp.iter().map(secret_key).collect::<Result<_, _>>()?,
        })
    }
}

fn bytes(path: &Path, expected: &'static str) -> Result<Vec<u8>, KeyError> {
    fs::read(path).map_err(|source| KeyError {
        source: Some(source),
        ..KeyError::new(path, expected, "a file that cannot be read")
    })
}

fn text(path: &Path, expected: &'static str) -> Result<String, KeyError> {
    let text = String::from_utf8(bytes(path, expected)?);
    let text = text.map_err(|_| KeyError::new(path, expected, "no UTF-8 text"))?;
    // An editor on Windows marks UTF-8; the mark is no part of a password.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn password(path: &Path) -> Result<String, KeyError> {
    const EXPECTED: &str = "a password on the first line";
    let text = text(path, EXPECTED)?;
    match text.lines().next() {
        None | Some("") => Err(KeyError::new(path, EXPECTED, "an empty line")),
        Some(line) => Ok(line.to_owned()),
    }
}

fn rsa_key(path: &Path) -> Result<RsaPrivateKey, KeyError> {
    const EXPECTED: &str = "an RSA private key as PEM";
    let pem = text(path, EXPECTED)?;
    let pem = pem.trim();
    let refuse = |found| KeyError::new(path, EXPECTED, found);
    if pem.contains("ENCRYPTED") {
        return Err(refuse("one that is encrypted; `openssl pkey` decrypts it"));
    }
    if pem.starts_with("-----BEGIN RSA PRIVATE KEY-----") {
        return RsaPrivateKey::from_pkcs1_pem(pem).map_err(|_| refuse("a PKCS#1 key that cannot be read"));
    }
    RsaPrivateKey::from_pkcs8_pem(pem).map_err(|_| refuse("no RSA key in PKCS#8 or PKCS#1"))
}

fn secret_key(file: &OpenPgpFile) -> Result<SecretKey, KeyError> {
    const EXPECTED: &str = "an OpenPGP secret key";
    let refuse = |found| KeyError::new(&file.key, EXPECTED, found);
    let bytes = bytes(&file.key, EXPECTED)?;
    let (key, _) =
        SignedSecretKey::from_reader_single(bytes.as_slice()).map_err(|_| refuse("none that can be read"))?;
    let passphrase = match &file.passphrase {
        Some(path) => Password::from(password(path)?.as_str()),
        None => Password::empty(),
    };
    let unlocked = std::iter::once(key.primary_key.unlock(&passphrase, |_, _| Ok(())))
        .chain(key.secret_subkeys.iter().map(|subkey| subkey.key.unlock(&passphrase, |_, _| Ok(()))))
        .any(|tried| matches!(tried, Ok(Ok(()))));
    if !unlocked {
        return Err(refuse("one that its passphrase does not unlock"));
    }
    Ok(SecretKey { key, passphrase: Arc::new(passphrase) })
}
