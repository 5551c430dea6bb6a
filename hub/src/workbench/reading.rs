//! Reads a file record by record with a mapping's dialect, as a run would, a batch in memory at a time.
//!
//! Bytes that can be opened several times enter; decoded records leave with their numbers. A file of a French Windows is found
//! to be one as a run finds it: by cutting it through first.

use std::io::Read;

use connectors::BuiltIn;
use hub_core::connector::{Accents, Dialect, Fault, Formats as _, Frames, Opened};
use hub_core::mapping::Mapping;
use hub_core::record::Record;

/// Records and bytes of a batch.
const BATCH: usize = 1_000;
const BATCH_BYTES: usize = 4 << 20;

/// Gives the bytes from their start, as often as it is asked.
pub type Source<'s> = dyn Fn() -> Result<Box<dyn Read + Send>, Fault> + 's;

/// A record with its number, or why it cannot be read.
pub type Numbered<'r> = (u64, Result<&'r Record, Fault>);

/// A file being read.
pub struct Reading {
    opened: Opened,
    frames: Frames,
    at: usize,
    record: Record,
    /// How its bytes are read.
    pub dialect: Dialect,
}

impl Reading {
    /// Opens a file.
    ///
    /// # Errors
    /// The fault that makes the whole file unreadable.
    pub fn open(mapping: &Mapping, source: &Source<'_>) -> Result<Self, Fault> {
        Self::open_as(dialect_of(mapping, source)?, source)
    }

    /// Opens a file with this dialect.
    ///
    /// # Errors
    /// The fault that makes the whole file unreadable.
    pub fn open_as(dialect: Dialect, source: &Source<'_>) -> Result<Self, Fault> {
        let opened = BuiltIn.open(source()?, &dialect)?;
        Ok(Self { opened, frames: Frames::default(), at: 0, record: Record::default(), dialect })
    }

    /// The header, decoded.
    pub fn header(&self) -> &Record {
        self.opened.framer.header()
    }

    /// The cells of a CSV header that names the columns.
    pub fn columns(&self) -> Option<&[String]> {
        self.opened.columns.as_deref()
    }

    /// The next record with its number, or why it cannot be read; none at the end.
    ///
    /// # Errors
    /// The fault that makes the rest of the file unreadable.
    #[expect(clippy::should_implement_trait, reason = "a record is lent until the next one is read")]
    pub fn next(&mut self) -> Result<Option<Numbered<'_>>, Fault> {
        if !self.step()? {
            return Ok(None);
        }
        let Some(frame) = self.frames.frames.get(self.at - 1) else { return Ok(None) };
        let decoded = match &frame.fault {
            Some(fault) => Err(fault.clone()),
            None => self.opened.decoder.decode(self.frames.bytes_of(frame), &mut self.record),
        };
        Ok(Some((frame.position.number, decoded.map(|()| &self.record))))
    }

    /// The next record's bytes as they stand in the file; none at the end. A record that is unusable has none.
    ///
    /// # Errors
    /// The fault that makes the rest of the file unreadable.
    pub fn next_raw(&mut self) -> Result<Option<&[u8]>, Fault> {
        if !self.step()? {
            return Ok(None);
        }
        let Some(frame) = self.frames.frames.get(self.at - 1) else { return Ok(None) };
        Ok(Some(if frame.fault.is_none() { self.frames.bytes_of(frame) } else { &[] }))
    }

    fn step(&mut self) -> Result<bool, Fault> {
        if self.at == self.frames.frames.len() {
            self.opened.framer.next_batch(&mut self.frames, BATCH, BATCH_BYTES)?;
            self.at = 0;
        }
        self.at += 1;
        Ok(self.at <= self.frames.frames.len())
    }
}

/// How a file is read: as its mapping says, or as windows-1252 when not one of its letters is what the mapping says.
///
/// # Errors
/// The fault that makes the file unreadable both ways.
pub fn dialect_of(mapping: &Mapping, source: &Source<'_>) -> Result<Dialect, Fault> {
    let declared = mapping.dialect.clone();
    let Some(windows) = declared.of_windows() else { return Ok(declared) };
    let seen = accents(&declared, source);
    if !Accents::are_foreign(seen.as_ref().copied()) {
        return Ok(declared);
    }
    match accents(&windows, source) {
        Ok(accents) if !accents.other => Ok(windows),
        _ => seen.map(|_| declared),
    }
}

fn accents(dialect: &Dialect, source: &Source<'_>) -> Result<Accents, Fault> {
    let mut opened = BuiltIn.open(source()?, dialect)?;
    let mut accents = opened.columns.as_deref().map(Accents::of_header).unwrap_or_default();
    let mut frames = Frames::default();
    loop {
        opened.framer.next_batch(&mut frames, BATCH, BATCH_BYTES)?;
        if frames.frames.is_empty() {
            return Ok(accents);
        }
        accents.see(&frames);
    }
}
