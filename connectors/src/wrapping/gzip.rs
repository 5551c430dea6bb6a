//! Reads a gzip of one or several members to its end.
//!
//! Zeros after the last member are padding of a tape or a block device; anything else there is an error.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

/// All members of a gzip, as one stream.
pub(super) struct Members<R> {
    member: Option<GzDecoder<BufReader<R>>>,
}

impl<R: Read> Members<R> {
    pub(super) fn new(source: R) -> Self {
        Self { member: Some(GzDecoder::new(BufReader::new(source))) }
    }
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let Some(mut rest) = self.member.take().map(GzDecoder::into_inner) else { break };
            match rest.fill_buf()?.first() {
                None => {}
                Some(0x1F) => self.member = Some(GzDecoder::new(rest)),
                Some(_) => only_zeros(&mut rest)?,
            }
        }
        Ok(0)
    }
}

fn only_zeros(rest: &mut impl BufRead) -> io::Result<()> {
    loop {
        let bytes = rest.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.iter().any(|byte| *byte != 0) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "bytes after the last member"));
        }
        let count = bytes.len();
        rest.consume(count);
    }
}
