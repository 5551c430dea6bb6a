//! Opens CMS enveloped data (S/MIME), as `openssl smime -encrypt` and `openssl cms -encrypt` write it, for an RSA key.
//!
//! The structure around the content is walked as a stream and the content is decrypted block by block, so a file of any size takes
//! little memory. Enveloped data has no integrity of its own: only a wrong padding, a wrong length or a structure cut short is told,
//! so what must be protected is compressed with a checksum before it is encrypted.

mod ber;
mod content;

use std::io::{self, Read};

use ::cms::cert::x509::der::asn1::{ObjectIdentifier, OctetStringRef};
use ::cms::cert::x509::der::{Decode as _, Encode as _};
use ::cms::cert::x509::spki::AlgorithmIdentifierOwned;
use ::cms::enveloped_data::{KeyTransRecipientInfo, RecipientIdentifier, RecipientInfo};
use rsa::pkcs1::RsaOaepParams;
use rsa::sha2::Sha256;
use rsa::{Oaep, Pkcs1v15Encrypt, RsaPrivateKey};

use self::ber::{Ber, invalid};
use super::kind::ENVELOPED;
use super::{Bytes, Keys, WrappingError};

/// Largest part of the structure that is held in memory.
const PART_BYTES: u64 = 64 << 10;
/// Most recipients; each is tried with each key.
const MOST_RECIPIENTS: usize = 64;

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const FIRST: u8 = 0x80;
const FIRST_CONSTRUCTED: u8 = 0xA0;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_OAEP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7");
const SHA_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// The decrypted content.
pub(super) fn open<'b>(source: Bytes<'b>, keys: &Keys) -> Result<Bytes<'b>, WrappingError> {
    let damaged = |_: io::Error| {
        WrappingError::unpackable("expected CMS enveloped data, found it damaged or cut short")
    };
    let mut ber = Ber::new(source);
    let recipients = recipients(&mut ber).map_err(damaged)?;
    let algorithm = algorithm(&mut ber).map_err(damaged)?;
    let content = content::Content::new(ber).map_err(damaged)?;
    let (cipher, iv) = content::Cipher::of(&algorithm).ok_or_else(|| {
        WrappingError::cannot_decrypt("expected AES-CBC or DES-EDE3-CBC, found another cipher")
    })?;
    let key = content_key(&recipients, keys, cipher.key_bytes()).ok_or_else(|| foreign(&recipients, keys))?;
    let decryptor = cipher.decryptor(&key, iv).ok_or_else(|| {
        WrappingError::unpackable("expected an initialisation vector of the cipher's length")
    })?;
    Ok(Box::new(content::Plain::new(content, decryptor, cipher.block_bytes())))
}

/// Walks to the recipients and reads those an RSA key may open.
fn recipients<R: Read>(ber: &mut Ber<R>) -> io::Result<Vec<KeyTransRecipientInfo>> {
    ber.enter(SEQUENCE)?;
    let kind = ber.content(OBJECT_IDENTIFIER, PART_BYTES)?;
    if Some(kind.as_slice()) != ENVELOPED.get(2..) {
        return Err(invalid("enveloped data"));
    }
    ber.enter(FIRST_CONSTRUCTED)?;
    ber.enter(SEQUENCE)?;
    ber.content(INTEGER, PART_BYTES)?;
    let mut next = ber.next()?;
    // Certificates of the originator, which are not needed.
    if let Some((FIRST_CONSTRUCTED, Some(length))) = next {
        ber.bytes(
            Some(length).filter(|length| *length <= PART_BYTES).ok_or_else(|| invalid("a short element"))?,
        )?;
        next = ber.next()?;
    }
    let Some((SET, length)) = next else { return Err(invalid("recipients")) };
    ber.open(length)?;
    let mut found = Vec::new();
    for _ in 0..=MOST_RECIPIENTS {
        let Some((tag, length)) = ber.next()? else {
            ber.leave();
            return Ok(found);
        };
        let length =
            length.filter(|length| *length <= PART_BYTES).ok_or_else(|| invalid("a short element"))?;
        let content = ber.bytes(length)?;
        if tag == SEQUENCE {
            found.push(recipient(&content).ok_or_else(|| invalid("a recipient"))?);
        }
    }
    Err(invalid("fewer recipients"))
}

fn recipient(content: &[u8]) -> Option<KeyTransRecipientInfo> {
    match RecipientInfo::from_der(&sequence(content)?).ok()? {
        RecipientInfo::Ktri(recipient) => Some(recipient),
        _ => None,
    }
}

fn algorithm<R: Read>(ber: &mut Ber<R>) -> io::Result<AlgorithmIdentifierOwned> {
    ber.enter(SEQUENCE)?;
    ber.content(OBJECT_IDENTIFIER, PART_BYTES)?;
    let content = ber.content(SEQUENCE, PART_BYTES)?;
    let der = sequence(&content).ok_or_else(|| invalid("a short element"))?;
    AlgorithmIdentifierOwned::from_der(&der).map_err(|_| invalid("an algorithm"))
}

/// Writes the head of a sequence before its content again.
fn sequence(content: &[u8]) -> Option<Vec<u8>> {
    let tag = ::cms::cert::x509::der::Tag::Sequence;
    ::cms::cert::x509::der::asn1::AnyRef::new(tag, content).ok()?.to_der().ok()
}

/// The key of the content, from the first recipient that one of the keys opens.
fn content_key(recipients: &[KeyTransRecipientInfo], keys: &Keys, length: usize) -> Option<Vec<u8>> {
    let pairs = recipients.iter().flat_map(|recipient| keys.cms.iter().map(move |key| (recipient, key)));
    pairs.filter_map(|(recipient, key)| opened(recipient, key)).find(|key| key.len() == length)
}

fn opened(recipient: &KeyTransRecipientInfo, key: &RsaPrivateKey) -> Option<Vec<u8>> {
    let encrypted = recipient.enc_key.as_bytes();
    let algorithm = &recipient.key_enc_alg;
    if algorithm.oid == RSA {
        return key.decrypt(Pkcs1v15Encrypt, encrypted).ok();
    }
    if algorithm.oid != RSA_OAEP {
        return None;
    }
    let parameters = algorithm.parameters.as_ref().and_then(|any| any.to_der().ok())?;
    let hash = RsaOaepParams::from_der(&parameters).ok()?.hash.oid;
    let padding = match hash {
        SHA_1 => Oaep::new::<sha1::Sha1>(),
        SHA_256 => Oaep::new::<Sha256>(),
        _ => return None,
    };
    key.decrypt(padding, encrypted).ok()
}

/// Tells for whom the file is encrypted, as what a certificate says is public.
fn foreign(recipients: &[KeyTransRecipientInfo], keys: &Keys) -> WrappingError {
    let serial = |recipient: &KeyTransRecipientInfo| match &recipient.rid {
        RecipientIdentifier::IssuerAndSerialNumber(issued) => issued.serial_number.to_string(),
        RecipientIdentifier::SubjectKeyIdentifier(_) => "told by its key".to_owned(),
    };
    let found = recipients.iter().take(3).map(serial).collect::<Vec<_>>().join(", ");
    let count = keys.cms.len();
    WrappingError::cannot_decrypt(format!(
        "expected a CMS envelope for one of {count} RSA keys, found one for the certificates with serial number [{found}]"
    ))
}

/// The octets of an algorithm's parameters.
fn parameters(algorithm: &AlgorithmIdentifierOwned) -> Option<&[u8]> {
    let any = algorithm.parameters.as_ref()?;
    any.decode_as::<OctetStringRef<'_>>().ok().map(|octets| octets.as_bytes())
}
