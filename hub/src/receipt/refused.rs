//! The refused records of a delivery as a file of their own, in the delivery's own format and bytes, to be mended and sent again.
//!
//! The archived bytes and the numbers of the records enter; what stands before the first record, those records, and what stands
//! after the last one leave, byte for byte. The file's name says which delivery it corrects.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::str::FromStr as _;

use hub_core::archive::Archive;
use hub_core::code::Code;
use hub_core::connector::{Dialect, Fault, Formats, Frames, Layout};
use hub_core::delivery::{DeliveryId, Digest};
use uuid::Uuid;

/// What the name of such a file holds before the delivery's identifier.
const MARK: &str = ".rejets-";
/// Records and bytes of a batch.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 4 << 20;
/// Longest stretch between two records that is taken for their separator.
const SEPARATOR_BYTES: u64 = 4 << 10;

/// A file of refused records that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RefusedError {
    /// The delivery cannot be cut any more.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The archive or the place it is written to failed.
    #[error("the refused records could not be written")]
    Io(#[from] io::Error),
}

/// The name of the file: that of the delivery with its identifier, so that it is known again when it comes back.
pub fn name(filename: Option<&str>, delivery: DeliveryId) -> String {
    let name = filename.unwrap_or("livraison");
    let (stem, extension) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((name, ""));
    let dot = if extension.is_empty() { "" } else { "." };
    format!("{stem}{MARK}{delivery}{dot}{extension}")
}

/// The delivery a file corrects, as its name says.
pub fn corrected(name: &str) -> Option<DeliveryId> {
    let (_, after) = name.rsplit_once(MARK)?;
    Uuid::from_str(after.get(..36)?).ok().map(DeliveryId)
}

/// Where things stand in a delivery, in bytes.
struct Places {
    /// Where the first record starts, and the last one ends.
    records: Range<u64>,
    /// The records to take.
    wanted: Vec<Range<u64>>,
    /// What separates the first two records.
    between: Option<Range<u64>>,
}

/// Writes the file.
///
/// # Errors
/// When the delivery can be cut no more, or archive or `out` fail.
pub fn write(
    (archive, digest): (&dyn Archive, Digest),
    (formats, dialect): (&dyn Formats, &Dialect),
    numbers: &BTreeSet<u64>,
    out: &mut dyn Write,
) -> Result<(), RefusedError> {
    let found = |dialect: &Dialect| -> Result<Places, RefusedError> {
        Ok(find(formats.open(archive.open(digest)?, dialect)?.framer, numbers)?)
    };
    let places = match (found(dialect), dialect.of_windows()) {
        // As the run read it, when not one letter was UTF-8.
        (Err(RefusedError::Fault(fault)), Some(windows)) if fault.code == Code::WrongEncoding => {
            found(&windows)?
        }
        (places, _) => places?,
    };
    let between = match &places.between {
        Some(range) => separator(archive, digest, range, matches!(dialect.layout, Layout::Json { .. }))?,
        None => b"\n".to_vec(),
    };
    let mut bytes = Tape { reader: archive.open(digest)?, at: 0 };
    bytes.copy(0..places.records.start, out)?;
    for (at, range) in places.wanted.iter().enumerate() {
        if at > 0 {
            out.write_all(&between)?;
        }
        bytes.copy(range.clone(), out)?;
    }
    bytes.copy(places.records.end..u64::MAX, out)?;
    Ok(())
}

fn find(mut cutter: Box<dyn hub_core::connector::Framer>, numbers: &BTreeSet<u64>) -> Result<Places, Fault> {
    let mut frames = Frames::default();
    let mut places = Places { records: 0..0, wanted: Vec::new(), between: None };
    loop {
        cutter.next_batch(&mut frames, BATCH, BATCH_BYTES)?;
        if frames.frames.is_empty() {
            return Ok(places);
        }
        for frame in &frames.frames {
            let (number, range) = (frame.position.number, frame.position.byte..frame.end);
            match number {
                1 => places.records.start = range.start,
                2 => places.between = Some(places.records.end..range.start),
                _ => {}
            }
            places.records.end = range.end;
            if numbers.contains(&number) {
                places.wanted.push(range);
            }
        }
    }
}

/// What stands between two records, as it stands there when it only separates them.
fn separator(archive: &dyn Archive, digest: Digest, range: &Range<u64>, commas: bool) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    if range.end - range.start <= SEPARATOR_BYTES {
        Tape { reader: archive.open(digest)?, at: 0 }.copy(range.clone(), &mut found)?;
    }
    let separates = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0 || (commas && *byte == b',');
    Ok(if found.iter().all(separates) && !found.is_empty() { found } else { b"\n".to_vec() })
}

/// Bytes read once, forward.
struct Tape {
    reader: Box<dyn Read + Send>,
    at: u64,
}

impl Tape {
    /// Copies a stretch; what stands before it is passed over.
    fn copy(&mut self, range: Range<u64>, out: &mut dyn Write) -> io::Result<()> {
        let pass = range.start.saturating_sub(self.at);
        self.at += io::copy(&mut self.reader.by_ref().take(pass), &mut io::sink())?;
        let rest = range.end.saturating_sub(self.at.max(range.start));
        self.at += io::copy(&mut self.reader.by_ref().take(rest), out)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_refused_records_says_what_it_corrects() {
        let id = DeliveryId(Uuid::from_u128(7));
        for filename in [Some("RSABEM_0407584.RCV"), Some("extrait"), Some(".cache"), None] {
            let name = name(filename, id);
            assert_eq!(corrected(&name), Some(id), "{name}");
        }
        assert_eq!(corrected("extrait.rejets-demain.csv"), None);
        assert_eq!(corrected("extrait.csv"), None);
    }
}
