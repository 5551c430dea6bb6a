//! One extract being written: bytes out, records and planted faults counted.
//!
//! Text enters record by record and leaves at once through a buffer, as UTF-8 or, for the CAF, windows-1252.

use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Extract;
use super::fault::{Fault, Planted};

/// How text becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One to four bytes a letter.
    Utf8,
    /// One byte a letter; the generator writes no letter beyond U+00FF.
    Windows1252,
}

/// An extract being written.
#[derive(Debug)]
pub struct Output {
    source: &'static str,
    file: PathBuf,
    to: BufWriter<File>,
    encoding: Encoding,
    records: u64,
    size_bytes: u64,
    planted: Vec<Planted>,
}

impl Output {
    /// Creates the file, or empties it.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(folder: &Path, name: &str, source: &'static str, encoding: Encoding) -> io::Result<Self> {
        let file = folder.join(name);
        let to = BufWriter::with_capacity(1 << 18, File::create(&file)?);
        Ok(Self { source, file, to, encoding, records: 0, size_bytes: 0, planted: Vec::new() })
    }

    /// Writes what is no record: header, trailer.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        if self.encoding == Encoding::Utf8 || text.is_ascii() {
            self.size_bytes += text.len() as u64;
            return self.to.write_all(text.as_bytes());
        }
        for letter in text.chars() {
            self.to.write_all(&[u8::try_from(u32::from(letter)).unwrap_or(b'?')])?;
            self.size_bytes += 1;
        }
        Ok(())
    }

    /// Writes a record, with the fault it holds; its number from 1, none when the fault is to have it refused.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn record(&mut self, text: &str, fault: Option<Fault>) -> io::Result<Option<u64>> {
        self.records += 1;
        if let Some(fault) = fault {
            self.note(fault);
        }
        self.text(text)?;
        Ok((!fault.is_some_and(Fault::refuses)).then_some(self.records))
    }

    /// Name of the file.
    pub fn name(&self) -> String {
        self.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Records written so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Ends the file and says what it holds.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(mut self) -> io::Result<Extract> {
        self.to.flush()?;
        let faults = self.planted.iter().map(|planted| planted.records).sum();
        Ok(Extract {
            source: self.source,
            file: self.file,
            records: self.records,
            size_bytes: self.size_bytes,
            faults,
            planted: self.planted,
        })
    }

    fn note(&mut self, fault: Fault) {
        match self.planted.iter_mut().find(|planted| planted.fault == fault) {
            Some(planted) => planted.records += 1,
            None => self.planted.push(Planted { fault, records: 1, first_record: self.records }),
        }
    }
}

/// Adds `<name>value</name>`; the generator's texts hold no character to escape.
pub fn element(text: &mut String, name: &str, value: impl Display) {
    let _ = write!(text, "<{name}>{value}</{name}>");
}

/// The cells of a row, separated by `;`.
#[derive(Debug)]
pub struct Cells<'t> {
    text: &'t mut String,
    empty: &'static str,
}

impl<'t> Cells<'t> {
    /// Starts a row in `text`; `empty` stands for no value.
    pub fn new(text: &'t mut String, empty: &'static str) -> Self {
        text.clear();
        Self { text, empty }
    }

    /// Adds a cell.
    pub fn cell(&mut self, value: impl Display) -> &mut Self {
        let _ = write!(self.text, "{value};");
        self
    }

    /// Adds a cell that may have no value.
    pub fn maybe(&mut self, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.cell(value),
            None => self.cell(self.empty),
        }
    }

    /// Adds `count` cells without value.
    pub fn empty(&mut self, count: usize) -> &mut Self {
        for _ in 0..count {
            self.cell(self.empty);
        }
        self
    }

    /// Ends the row with a line break.
    pub fn end(&mut self, line_break: &str) {
        self.text.pop();
        self.text.push_str(line_break);
    }
}
