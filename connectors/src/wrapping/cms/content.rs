//! Reads the encrypted content of CMS, whole or in pieces, and decrypts it block by block.
//!
//! The last block is held back until the end, where the padding is verified and taken off.

use std::io::{self, Read};

use ::cms::cert::x509::der::asn1::ObjectIdentifier;
use ::cms::cert::x509::spki::AlgorithmIdentifierOwned;
use aes::cipher::inout::InOutBuf;
use aes::cipher::{BlockCipher, BlockDecryptMut, KeyInit, KeyIvInit as _};

use super::ber::{Ber, invalid};
use super::{FIRST, FIRST_CONSTRUCTED, OCTET_STRING, PART_BYTES, parameters};

/// Read and decrypted at once.
const CHUNK_BYTES: usize = 64 << 10;

const DES_EDE3_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.3.7");
const AES_128_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2");
const AES_192_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.22");
const AES_256_CBC: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42");

/// The ciphers read, all of them chained by blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    /// What `openssl smime` took for years when none was asked for.
    TripleDes,
}

/// Decrypts whole blocks in place, each after the one before.
pub(super) type Decryptor = Box<dyn FnMut(&mut [u8]) + Send>;

impl Cipher {
    /// The cipher and initialisation vector an algorithm names.
    pub(super) fn of(algorithm: &AlgorithmIdentifierOwned) -> Option<(Self, &[u8])> {
        let cipher = match algorithm.oid {
            AES_128_CBC => Self::Aes128,
            AES_192_CBC => Self::Aes192,
            AES_256_CBC => Self::Aes256,
            DES_EDE3_CBC => Self::TripleDes,
            _ => return None,
        };
        Some((cipher, parameters(algorithm)?))
    }

    pub(super) fn key_bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    pub(super) fn block_bytes(self) -> usize {
        if self == Self::TripleDes { 8 } else { 16 }
    }

    /// What decrypts; `None` when key or vector have another length than the cipher's.
    pub(super) fn decryptor(self, key: &[u8], iv: &[u8]) -> Option<Decryptor> {
        match self {
            Self::Aes128 => chained::<aes::Aes128>(key, iv),
            Self::Aes192 => chained::<aes::Aes192>(key, iv),
            Self::Aes256 => chained::<aes::Aes256>(key, iv),
            Self::TripleDes => chained::<des::TdesEde3>(key, iv),
        }
    }
}

fn chained<C>(key: &[u8], iv: &[u8]) -> Option<Decryptor>
where
    C: BlockCipher + BlockDecryptMut + KeyInit + Send + 'static,
{
    let mut chain = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    Some(Box::new(move |bytes| {
        let (blocks, _) = InOutBuf::from(bytes).into_chunks();
        chain.decrypt_blocks_inout_mut(blocks);
    }))
}

/// The encrypted bytes: one octet string, or several one after the other.
pub(super) struct Content<R> {
    ber: Ber<R>,
    /// Bytes left of the piece.
    left: u64,
    in_pieces: bool,
    ended: bool,
}

impl<R: Read> Content<R> {
    /// `ber` stands before the content.
    pub(super) fn new(mut ber: Ber<R>) -> io::Result<Self> {
        match ber.next()? {
            Some((FIRST, Some(left))) => Ok(Self { ber, left, in_pieces: false, ended: false }),
            Some((FIRST_CONSTRUCTED, length)) => {
                ber.open(length)?;
                Ok(Self { ber, left: 0, in_pieces: true, ended: false })
            }
            _ => Err(invalid("content")),
        }
    }
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 && !self.ended {
            match if self.in_pieces { self.ber.next()? } else { None } {
                Some((OCTET_STRING, Some(length))) => self.left = length,
                Some(_) => return Err(invalid("a piece of content")),
                None => {
                    if self.in_pieces {
                        self.ber.leave();
                    }
                    self.ber.close(PART_BYTES)?;
                    self.ended = true;
                }
            }
        }
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.ber.read(buffer.get_mut(..most).unwrap_or_default())?;
        if count == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// The decrypted bytes.
pub(super) struct Plain<R> {
    source: R,
    decryptor: Decryptor,
    block: usize,
    /// Decrypted up to `decrypted`, handed over up to `at`, encrypted from there on.
    bytes: Vec<u8>,
    at: usize,
    decrypted: usize,
    ended: bool,
}

impl<R: Read> Plain<R> {
    pub(super) fn new(source: R, decryptor: Decryptor, block: usize) -> Self {
        Self { source, decryptor, block, bytes: Vec::new(), at: 0, decrypted: 0, ended: false }
    }

    /// Reads and decrypts the next bytes, all but the last block.
    fn fill(&mut self) -> io::Result<()> {
        self.bytes.drain(..self.decrypted);
        (self.at, self.decrypted) = (0, 0);
        let read = (&mut self.source).take(CHUNK_BYTES as u64).read_to_end(&mut self.bytes)?;
        self.ended = read < CHUNK_BYTES;
        let whole = if self.ended {
            self.bytes.len()
        } else {
            self.bytes.len().saturating_sub(1) / self.block * self.block
        };
        if !whole.is_multiple_of(self.block) || (self.ended && whole == 0) {
            return Err(invalid("whole blocks"));
        }
        (self.decryptor)(self.bytes.get_mut(..whole).unwrap_or_default());
        self.decrypted = whole;
        if self.ended {
            self.decrypted -= padding(&self.bytes, self.block).ok_or_else(|| invalid("padding"))?;
        }
        Ok(())
    }
}

/// How many bytes of padding the last block holds, each of which tells it.
fn padding(bytes: &[u8], block: usize) -> Option<usize> {
    let count = usize::from(*bytes.last()?);
    let padding = bytes.get(bytes.len().checked_sub(count)?..)?;
    let right = (1..=block).contains(&count) && padding.iter().all(|byte| usize::from(*byte) == count);
    right.then_some(count)
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.decrypted && !self.ended {
            self.fill()?;
        }
        let ready = self.bytes.get(self.at..self.decrypted).unwrap_or_default();
        let count = ready.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(ready.iter().take(count)) {
            *to = *from;
        }
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::padding;

    #[test]
    fn padding_is_believed_only_when_every_byte_tells_it() {
        let block = |end: &[u8]| [&[7u8; 16][..16 - end.len()], end].concat();
        assert_eq!(padding(&block(&[1]), 16), Some(1));
        assert_eq!(padding(&[16; 16], 16), Some(16));
        for wrong in [block(&[0]), block(&[3, 2, 3]), block(&[17]), vec![9; 8], Vec::new()] {
            assert_eq!(padding(&wrong, 16), None, "{wrong:?}");
        }
    }
}
