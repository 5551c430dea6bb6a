//! `truth.csv`: for every claim a mapping makes of a labelled extract, the person it truly speaks of.
//!
//! Rows enter as the records are written and leave at once: source, file, number of the record, rank of the person in it, label.
//! A record planted with a fault that has it refused makes no claim and has no row.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::rates::Source;
use super::who::Person;

const HEADER: &str = "source,file,record,rank,person\n";

/// The file being written.
#[derive(Debug)]
pub struct Ledger {
    file: PathBuf,
    to: BufWriter<File>,
    rows: u64,
}

impl Ledger {
    /// Creates the file and writes its header.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(folder: &Path) -> io::Result<Self> {
        let file = folder.join("truth.csv");
        let mut to = BufWriter::with_capacity(1 << 18, File::create(&file)?);
        to.write_all(HEADER.as_bytes())?;
        Ok(Self { file, to, rows: 0 })
    }

    /// Says of whom a person of a record speaks; a record that makes no claim has no number here.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn row(
        &mut self,
        source: Source,
        file: &str,
        record: Option<u64>,
        who: (u64, &Person),
    ) -> io::Result<()> {
        let (Some(record), (rank, person)) = (record, who) else { return Ok(()) };
        self.rows += 1;
        writeln!(self.to, "{},{file},{record},{rank},{}", source.word(), person.label())
    }

    /// Ends the file: where it is, and its rows.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(mut self) -> io::Result<(PathBuf, u64)> {
        self.to.flush()?;
        Ok((self.file, self.rows))
    }
}
