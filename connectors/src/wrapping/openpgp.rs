//! Opens an OpenPGP message, binary or armoured, encrypted for a public key or by a password.
//!
//! Only encryption that protects integrity is read (MDC or AEAD), and what was altered ends in an error at the end of the stream at
//! the latest; nothing may follow it. Whether a message is signed, and by whom, is not looked at: the hub holds no keys of those who sign.

use std::io::{self, BufRead as _, BufReader};
use std::slice;

use pgp::composed::{DecryptionOptions, Message, TheRing};
use pgp::types::Seipdv1ReadMode;

use super::bounded::{Allowance, Bounded};
use super::kind::Kind;
use super::layer::Layer;
use super::text::OneBlock;
use super::{Bytes, Keys, Opening, Place, Source, WrappingError};

/// Most bytes before the encrypted data: the session key, once for each who may read.
const HEAD_BYTES: u64 = 256 << 10;
/// Most session keys; deriving one from a password is costly on purpose.
const MOST_SESSION_KEYS: usize = 64;
/// What an editor on Windows puts before a text.
const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Most layers of compression inside.
const MOST_COMPRESSED: usize = 2;

impl Opening<'_> {
    /// The bytes of the literal inside. Nothing tells a wrong password from the right one before the end of a message, so of several
    /// each is tried on the whole of it.
    pub(super) fn openpgp<'b>(&self, from: Source<'b>, head: Vec<u8>) -> Result<Bytes<'b>, WrappingError>
    where
        Self: 'b,
    {
        let passwords = self.keys.passwords.as_slice();
        if passwords.len() < 2 {
            return open(from.stream(head)?, self.keys, passwords);
        }
        let mut place = self.seekable(from, head)?;
        let right =
            passwords.iter().map(slice::from_ref).find(|password| self.is_whole(&mut *place, password));
        place.rewind().map_err(WrappingError::Io)?;
        open(Box::new(place), self.keys, right.unwrap_or(passwords))
    }

    fn is_whole(&self, place: &mut dyn Place, password: &[String]) -> bool {
        let trial = self.tally.afresh();
        place.rewind().is_ok()
            && open(Box::new(place), self.keys, password).is_ok_and(|bytes| {
                let mut counted = Layer::counted(bytes, &trial, Kind::OpenPgp.blame(), 0);
                io::copy(&mut counted, &mut io::sink()).is_ok()
            })
    }
}

fn open<'b>(source: Bytes<'b>, keys: &Keys, passwords: &[String]) -> Result<Bytes<'b>, WrappingError> {
    let allowance = Allowance::of(HEAD_BYTES);
    let mut source = BufReader::new(source);
    let start = source.fill_buf().map_err(WrappingError::Io)?;
    let mark = if start.starts_with(UTF8_MARK) { UTF8_MARK.len() } else { 0 };
    let armoured = start.get(mark).is_some_and(u8::is_ascii);
    source.consume(mark);
    let source: Bytes<'b> = if armoured { Box::new(OneBlock::new(source)) } else { Box::new(source) };
    let source = Bounded::new(BufReader::new(source), allowance.clone());
    let (message, _) = Message::from_reader(source).map_err(|_| {
        WrappingError::unpackable("expected an OpenPGP message, found it damaged or cut short")
    })?;
    let Message::Encrypted { esk, .. } = &message else {
        return Err(WrappingError::unpackable(
            "expected an encrypted OpenPGP message, found one that is not",
        ));
    };
    if esk.len() > MOST_SESSION_KEYS {
        let detail = format!("expected at most {MOST_SESSION_KEYS} session keys, found {}", esk.len());
        return Err(WrappingError::unpackable(detail));
    }
    allowance.lift();
    let mut message = decrypted(message, keys, passwords)?;
    for _ in 0..MOST_COMPRESSED {
        if !message.is_compressed() && !message.is_signed() {
            break;
        }
        message = message.decompress().map_err(|_| altered())?;
    }
    if message.is_encrypted() || message.is_compressed() {
        return Err(WrappingError::unpackable(
            "expected a literal in the OpenPGP message, found another layer",
        ));
    }
    Ok(Box::new(message))
}

fn decrypted<'b>(
    message: Message<'b>,
    keys: &Keys,
    passwords: &[String],
) -> Result<Message<'b>, WrappingError> {
    let passwords: Vec<_> = passwords.iter().map(|password| password.as_str().into()).collect();
    let ring = TheRing {
        secret_keys: keys.openpgp.iter().map(|secret| &secret.key).collect(),
        key_passwords: keys.openpgp.iter().map(|secret| &*secret.passphrase).collect(),
        message_password: passwords.iter().collect(),
        session_keys: Vec::new(),
        decrypt_options: DecryptionOptions::new()
            .enable_gnupg_aead()
            .set_seipdv1_read_mode(Seipdv1ReadMode::Streaming),
    };
    let count = (keys.openpgp.len(), keys.passwords.len());
    let (message, _) = message.decrypt_the_ring(ring, true).map_err(|_| {
        WrappingError::cannot_decrypt(format!(
            "expected an OpenPGP message that one of {} keys or {} passwords opens, none does, or it was altered",
            count.0, count.1
        ))
    })?;
    Ok(message)
}

fn altered() -> WrappingError {
    WrappingError::cannot_decrypt("expected an OpenPGP message, found it altered, or the password wrong")
}
