//! Text in columns of fixed width: one record a line, no header line, no separator, no quotes.
//!
//! A delivery enters; each line that is not blank leaves as one piece, its length checked against the columns, and is decoded by
//! cutting it at their places. Widths count characters, so that an accent is one whatever the encoding.

#[cfg(test)]
mod tests;

use std::io::Read;

use hub_core::code::Code;
use hub_core::connector::{Decoder, Dialect, Fault, Layout, Opened, Slot, fold_header};
use hub_core::record::{NameId, Names, Record};

use crate::format::cut::{Cutter, not_utf8};
use crate::format::edge::Around;
use crate::format::line::{self, Row};
use crate::format::lines::{LineCut, Rows, Verdict};
use crate::format::text::Text;

/// Opens a delivery in columns of fixed width.
pub(crate) fn open(bytes: Box<dyn Read + Send>, dialect: &Dialect) -> Result<Opened, Fault> {
    let Layout::Fixed { columns, edges } = &dialect.layout else {
        return Err(Fault::new(Code::NotTheFormat, "expected columns of fixed width"));
    };
    let mut text = Text::open(bytes, dialect.encoding.as_deref(), false)?;
    let decoder = |columns: &[Slot]| FixedDecoder::new(columns, &dialect.names);
    let around = Around::open(&mut text, edges, dialect.limits.header_bytes, decoder)?;
    let cut = LineCut::new(text, FixedRows::of(columns), around, dialect.limits);
    let decoder = Box::new(decoder(columns));
    Ok(Opened { framer: Box::new(Cutter::new(cut)), decoder, columns: None })
}

/// Lines of so many characters: without the columns that may be missing, and with them.
struct FixedRows {
    least: usize,
    most: usize,
}

impl FixedRows {
    /// Lines of these columns; those marked `?` at the end may be missing, all together.
    fn of(columns: &[Slot]) -> Self {
        let needed = columns.iter().rposition(|slot| !slot.name.ends_with('?')).map_or(0, |last| last + 1);
        let width = |slots: &[Slot]| slots.iter().map(|slot| slot.width).sum();
        Self { least: width(columns.get(..needed).unwrap_or_default()), most: width(columns) }
    }
}

impl Rows for FixedRows {
    type Decoder = FixedDecoder;

    fn measure(&self, window: &[u8], last: bool) -> Row {
        line::line(window, last)
    }

    fn judge(&mut self, line: &[u8], checked: bool) -> Verdict {
        if line.trim_ascii().is_empty() {
            return Verdict::Blank;
        }
        let (filled, found) = (characters(line.trim_ascii_end()), characters(line));
        let holds = |width: usize| filled <= width && width <= found;
        // A line that is not text is told to be none, not to be too short.
        let is_text = || checked || std::str::from_utf8(line).is_ok();
        if holds(self.least) || holds(self.most) || !is_text() {
            return Verdict::Sound;
        }
        let detail = if self.least == self.most {
            format!("expected {} characters, found {found}", self.least)
        } else {
            format!("expected {} or {} characters, found {found}", self.least, self.most)
        };
        Verdict::Malformed(line.len(), detail)
    }
}

/// How many characters a text has; of one that is not UTF-8, how many it would have.
fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

/// Decodes lines: one leaf for each column that is not blank and that a mapping reads.
#[derive(Debug)]
struct FixedDecoder {
    columns: Vec<(usize, Option<NameId>)>,
}

impl FixedDecoder {
    fn new(columns: &[Slot], names: &Names) -> Self {
        let read = |name: &str| names.get(&fold_header(name.trim_end_matches('?')));
        Self { columns: columns.iter().map(|slot| (slot.width, read(&slot.name))).collect() }
    }
}

impl Decoder for FixedDecoder {
    fn decode(&self, frame: &[u8], record: &mut Record) -> Result<(), Fault> {
        record.clear();
        let mut rest = std::str::from_utf8(frame).map_err(|_| not_utf8())?;
        // In a line of ASCII a character is a byte.
        let ascii = rest.is_ascii();
        let place = |rest: &str, width| match rest.char_indices().nth(width) {
            Some((end, _)) => end,
            None => rest.len(),
        };
        for (width, name) in &self.columns {
            let end = if ascii { (*width).min(rest.len()) } else { place(rest, *width) };
            let (cell, after) = rest.split_at(end);
            if let (Some(name), text) = (name, cell.trim())
                && !text.is_empty()
            {
                record.leaf(*name, text);
            }
            rest = after;
        }
        record.finish();
        Ok(())
    }
}
