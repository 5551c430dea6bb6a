//! Walks the outer structure of CMS as a stream, whether its lengths are definite (DER) or not (BER, as `openssl cms -stream` writes).
//!
//! Only single-byte tags and lengths below 2⁶³ are known, which is all CMS uses. Every level is closed explicitly, so that a file cut
//! short anywhere is told.

use std::io::{self, BufReader, Read};

/// Deepest nesting walked.
const DEEPEST: usize = 8;

/// A walk through nested elements.
pub(super) struct Ber<R> {
    source: BufReader<R>,
    at: u64,
    /// Where each open level ends; `None` when its end is marked.
    ends: Vec<Option<u64>>,
}

pub(super) fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

impl<R: Read> Ber<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source: BufReader::new(source), at: 0, ends: Vec::new() }
    }

    /// The tag and length of the next element at this level; `None` once the level is at its end.
    pub(super) fn next(&mut self) -> io::Result<Option<(u8, Option<u64>)>> {
        if self.ends.last().is_some_and(|end| *end == Some(self.at)) {
            return Ok(None);
        }
        let tag = self.byte()?;
        let length = self.length()?;
        if (tag, length) == (0, Some(0)) && self.ends.last() == Some(&None) {
            return Ok(None);
        }
        if tag & 0x1F == 0x1F || tag == 0 {
            return Err(invalid("a tag of CMS"));
        }
        let end = length
            .map(|length| self.at.checked_add(length).ok_or_else(|| invalid("a length")))
            .transpose()?;
        let within = self.ends.iter().rev().find_map(|end| *end);
        if end.zip(within).is_some_and(|(end, within)| end > within) {
            return Err(invalid("an element within its parent"));
        }
        Ok(Some((tag, length)))
    }

    /// Enters the next element, which must have this tag.
    pub(super) fn enter(&mut self, tag: u8) -> io::Result<()> {
        match self.next()? {
            Some((found, length)) if found == tag => self.open(length),
            _ => Err(invalid("another element")),
        }
    }

    /// Enters an element whose tag and length were read.
    pub(super) fn open(&mut self, length: Option<u64>) -> io::Result<()> {
        if self.ends.len() >= DEEPEST {
            return Err(invalid("fewer levels"));
        }
        self.ends.push(length.map(|length| self.at.saturating_add(length)));
        Ok(())
    }

    /// Reads the content of the next element, which must have this tag and a length of at most `most`.
    pub(super) fn content(&mut self, tag: u8, most: u64) -> io::Result<Vec<u8>> {
        match self.next()? {
            Some((found, Some(length))) if found == tag && length <= most => self.bytes(length),
            _ => Err(invalid("another element")),
        }
    }

    /// Reads so many bytes.
    pub(super) fn bytes(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&mut self.source).take(length).read_to_end(&mut bytes)?;
        self.at = self.at.saturating_add(bytes.len() as u64);
        if (bytes.len() as u64) < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
    }

    /// Reads into `buffer`; the caller stays within the element.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.at = self.at.saturating_add(count as u64);
        Ok(count)
    }

    /// Passes over what is left of every level, `most` bytes an element, then expects the end: zeros or line ends may follow.
    pub(super) fn close(&mut self, most: u64) -> io::Result<()> {
        while !self.ends.is_empty() {
            while let Some((_, length)) = self.next()? {
                let length =
                    length.filter(|length| *length <= most).ok_or_else(|| invalid("a short element"))?;
                self.bytes(length)?;
            }
            self.ends.pop();
        }
        let mut rest = [0; 4096];
        loop {
            let count = self.source.read(&mut rest)?;
            let Some(rest) = rest.get(..count).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            if rest.iter().any(|byte| !matches!(byte, 0 | b'\r' | b'\n')) {
                return Err(invalid("the end"));
            }
        }
    }

    /// Leaves the innermost level, which `next` found to be at its end.
    pub(super) fn leave(&mut self) {
        self.ends.pop();
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.source.read_exact(&mut byte)?;
        self.at = self.at.saturating_add(1);
        Ok(byte[0])
    }

    fn length(&mut self) -> io::Result<Option<u64>> {
        match self.byte()? {
            short @ 0..0x80 => Ok(Some(u64::from(short))),
            0x80 => Ok(None),
            long @ 0x81..=0x88 => {
                let mut length = 0u64;
                for _ in 0x80..long {
                    length = length << 8 | u64::from(self.byte()?);
                }
                Ok(Some(length).filter(|length| *length < 1 << 63))
                    .and_then(|l| l.map(Some).ok_or_else(|| invalid("a length")))
            }
            _ => Err(invalid("a length")),
        }
    }
}
