//! Reads the base64 of a PEM block or of an S/MIME message.
//!
//! What stands before it (a BEGIN line, or headers up to an empty line) is passed over; it ends at a line of dashes, or with the text,
//! and nothing may follow.

use std::io::{self, BufRead as _, BufReader, Read};

use base64::engine::general_purpose::{GeneralPurpose, STANDARD};
use base64::read::DecoderReader;

use super::{Bytes, WrappingError};

/// Most bytes before the base64.
const HEADER_BYTES: u64 = 16 << 10;

/// The bytes written as base64.
pub(super) struct Decoded<'b>(DecoderReader<'static, GeneralPurpose, Letters<'b>>);

impl<'b> Decoded<'b> {
    pub(super) fn new(source: Bytes<'b>) -> Result<Self, WrappingError> {
        let mut source = BufReader::new(OneBlock::new(source));
        pass_header(&mut source)
            .map_err(|_| WrappingError::unpackable("expected base64 after the header, found none"))?;
        Ok(Self(DecoderReader::new(Letters { source, ended: false }, &STANDARD)))
    }
}

impl Read for Decoded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

fn pass_header(source: &mut impl io::BufRead) -> io::Result<()> {
    let mut header = source.take(HEADER_BYTES);
    let mut line = Vec::new();
    loop {
        line.clear();
        if header.read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&line).trim_ascii();
        if line.is_empty() || line.starts_with(b"-----BEGIN") {
            return Ok(());
        }
    }
}

/// The letters of the base64, without white space.
struct Letters<'b> {
    source: BufReader<OneBlock<Bytes<'b>>>,
    ended: bool,
}

impl Read for Letters<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = if self.ended { 0 } else { self.source.read(buffer)? };
            let read = buffer.get(..count).unwrap_or_default();
            let dashes = read.iter().position(|byte| *byte == b'-');
            self.ended |= dashes.is_some();
            let mut kept = 0;
            for at in 0..dashes.unwrap_or(count) {
                let Some(letter) = buffer.get(at).copied().filter(|byte| !byte.is_ascii_whitespace()) else {
                    continue;
                };
                if let Some(place) = buffer.get_mut(kept) {
                    *place = letter;
                }
                kept += 1;
            }
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}

/// What the last line of a block starts with.
const END: &[u8] = b"-----END";

/// A text that holds one block: once its last line comes, what follows is read to its end, and may be white space alone. A second
/// block would be left without a word, and what is around the text without having been verified.
pub(super) struct OneBlock<R> {
    source: R,
    at: Place,
}

/// Where in the text a byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the start of a line, after so many bytes of [`END`].
    Start(usize),
    Line,
    LastLine,
    After,
}

impl<R: Read> OneBlock<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, at: Place::Start(0) }
    }

    fn pass(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((byte, rest)) = bytes.split_first() {
            self.at = match (self.at, *byte) {
                (Place::LastLine, b'\n') => Place::After,
                (Place::LastLine, _) => Place::LastLine,
                (Place::After, byte) if byte.is_ascii_whitespace() => Place::After,
                (Place::After, _) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "more than one block"));
                }
                (_, b'\n') => Place::Start(0),
                (Place::Start(seen), byte) if END.get(seen) == Some(&byte) => {
                    if seen + 1 == END.len() {
                        Place::LastLine
                    } else {
                        Place::Start(seen + 1)
                    }
                }
                _ => Place::Line,
            };
            bytes = match self.at {
                Place::Line => memchr::memchr(b'\n', rest).and_then(|at| rest.get(at..)).unwrap_or_default(),
                _ => rest,
            };
        }
        Ok(())
    }
}

impl<R: Read> Read for OneBlock<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.pass(buffer.get(..count).unwrap_or_default())?;
        let mut rest = [0; 4096];
        while count > 0 && matches!(self.at, Place::LastLine | Place::After) {
            match self.source.read(&mut rest)? {
                0 => break,
                more => self.pass(rest.get(..more).unwrap_or_default())?,
            }
        }
        Ok(count)
    }
}
