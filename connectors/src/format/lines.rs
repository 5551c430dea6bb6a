//! Cuts rows out of a delivery of lines, in constant memory: what delimited text and columns of fixed width have in common.
//!
//! The text enters; each row that is not blank leaves as one piece. What a row is, and whether it holds a record, its format says. A row
//! that cannot be read costs the line where it starts and nothing after it.

use hub_core::code::Code;
use hub_core::connector::{Decoder, Fault, Limits};
use hub_core::record::Record;

use super::cut::{Cut, Piece};
use super::edge::Around;
use super::line::{END_OF_FILE, Row, line_end, skip_blank_lines};
use super::text::Text;

/// The rows of one format.
pub(super) trait Rows: Send {
    /// What reads the rows around the records.
    type Decoder: Decoder + Send;

    /// Finds the end of the row that starts `window`; `last` says no more text will come.
    fn measure(&self, window: &[u8], last: bool) -> Row;

    /// Says what a whole row holds; `checked` says it is known to be text.
    fn judge(&mut self, row: &[u8], checked: bool) -> Verdict;
}

/// What a row holds.
pub(super) enum Verdict {
    /// Nothing.
    Blank,
    /// A record.
    Sound,
    /// A record that cannot be read; so many bytes of it are its own.
    Malformed(usize, String),
}

/// Cuts rows.
pub(super) struct LineCut<R: Rows> {
    text: Text,
    rows: R,
    around: Around<R::Decoder>,
    limits: Limits,
    skipping: bool,
}

impl<R: Rows> LineCut<R> {
    /// Stands before the first record.
    pub(super) fn new(text: Text, rows: R, around: Around<R::Decoder>, limits: Limits) -> Self {
        Self { text, rows, around, limits, skipping: false }
    }

    /// The next row; `None` for one that holds no record, which is gone then.
    fn row(&mut self) -> Result<Option<Piece>, Fault> {
        let limit = self.limits.record_bytes;
        loop {
            let window = self.text.window();
            let length = window.len();
            match self.rows.measure(window, self.text.done()) {
                Row::Whole { end, .. } if end > limit => return Ok(Some(self.overflow())),
                Row::Whole { end, .. } => return self.whole(end),
                Row::Stray => return Ok(Some(self.unclosed())),
                Row::Partial if length > limit => return Ok(Some(self.overflow())),
                Row::Partial if self.text.done() => return Ok(Some(self.unclosed())),
                Row::Partial => {
                    self.text.fill_to((length * 2).min(limit + 1))?;
                }
            }
        }
    }

    fn whole(&mut self, end: usize) -> Result<Option<Piece>, Fault> {
        let window = self.text.window();
        let mut row = window.get(..end).unwrap_or_default();
        if let [before @ .., END_OF_FILE] = row
            && end == window.len()
        {
            row = before;
        }
        let verdict = self.rows.judge(row, !self.text.unchecked());
        if matches!(verdict, Verdict::Blank) || self.around.closes(row)? {
            self.text.advance(end);
            return Ok(None);
        }
        Ok(Some(match verdict {
            Verdict::Malformed(length, detail) => Piece::faulty(length, Code::MalformedCsv, detail),
            Verdict::Sound | Verdict::Blank => Piece::sound(row.len()),
        }))
    }

    fn unclosed(&self) -> Piece {
        let window = self.text.window();
        let line = line_end(window).unwrap_or(window.len());
        Piece::faulty(line, Code::MalformedCsv, "expected a closing quote, found none")
    }

    /// The row is longer than allowed: a quote never closed when its first line is not.
    fn overflow(&mut self) -> Piece {
        let limit = self.limits.record_bytes;
        let window = self.text.window();
        match line_end(window) {
            Some(end) if end <= limit => self.unclosed(),
            Some(end) => Piece::too_large(end, limit),
            None => {
                let held = window.len();
                self.skipping = true;
                Piece::too_large(held, limit)
            }
        }
    }

    fn skip(&mut self) -> Result<(), Fault> {
        while self.skipping {
            let window = self.text.window();
            let end = line_end(window);
            let gone = end.unwrap_or(window.len());
            self.text.advance(gone);
            self.skipping = end.is_none() && self.text.fill()?;
        }
        Ok(())
    }
}

impl<R: Rows> Cut for LineCut<R> {
    fn cut(&mut self) -> Result<Option<Piece>, Fault> {
        self.skip()?;
        loop {
            skip_blank_lines(&mut self.text)?;
            if self.text.window().is_empty() {
                self.around.end()?;
                return Ok(None);
            }
            if let Some(row) = self.row()? {
                return Ok(Some(row));
            }
        }
    }

    fn text(&mut self) -> &mut Text {
        &mut self.text
    }

    fn bytes_read(&self) -> u64 {
        self.text.bytes_read()
    }

    fn header(&self) -> &Record {
        self.around.header()
    }

    fn trailer(&self) -> &Record {
        self.around.trailer()
    }
}
