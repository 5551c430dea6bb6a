//! Text in columns of fixed width: one record a line, no header line, no separator, no quotes.
//!
//! A delivery enters; each line that is not blank leaves as one piece, its length checked against the columns, and is decoded by
//! cutting it at their places. Widths count characters, so that an accent is one whatever the encoding.

#[cfg(test)]
mod tests;

use std::io::Read;

use hub_core::code::Code;
use hub_core::connector::{Decoder, Dialect, Edges, Fault, Layout, Limits, Opened, Slot, fold_header};
use hub_core::record::{NameId, Names, Record};

use crate::format::csv::frame::skip_blank_lines;
use crate::format::csv::row::line_end;
use crate::format::cut::{Cut, Cutter, Piece, not_utf8};
use crate::format::edge::{EdgeRow, goes_on, nothing};
use crate::format::text::Text;

/// What old systems end a text with.
const END_OF_FILE: u8 = 0x1a;

/// Opens a delivery in columns of fixed width.
pub(crate) fn open(bytes: Box<dyn Read + Send>, dialect: &Dialect) -> Result<Opened, Fault> {
    let Layout::Fixed { columns, edges } = &dialect.layout else {
        return Err(Fault::new(Code::NotTheFormat, "expected columns of fixed width"));
    };
    let text = Text::open(bytes, dialect.encoding.as_deref(), false)?;
    let cut = FixedCut::open(text, edges, dialect)?.expecting(columns);
    let decoder = FixedDecoder::new(columns, &dialect.names);
    Ok(Opened { framer: Box::new(Cutter::new(cut)), decoder: Box::new(decoder), columns: None })
}

/// Cuts lines.
struct FixedCut {
    text: Text,
    /// Characters of a line without the columns that may be missing, and with them.
    least: usize,
    most: usize,
    limits: Limits,
    skipping: bool,
    first: Option<EdgeRow<FixedDecoder>>,
    last: Option<EdgeRow<FixedDecoder>>,
    empty: Record,
}

impl FixedCut {
    /// Reads up to the first record.
    fn open(mut text: Text, edges: &Edges<Slot>, dialect: &Dialect) -> Result<Self, Fault> {
        let limits = dialect.limits;
        skip_blank_lines(&mut text)?;
        if text.window().is_empty() {
            return Err(Fault::new(Code::EmptyDelivery, "expected a line, found nothing"));
        }
        let [mut first, last] = [&edges.first, &edges.last].map(|edge| {
            edge.as_ref().map(|edge| EdgeRow::new(edge, FixedDecoder::new(&edge.cells, &dialect.names)))
        });
        if let Some(first) = &mut first {
            first.open(&mut text, limits.header_bytes)?;
        }
        Ok(Self { text, least: 0, most: 0, limits, skipping: false, first, last, empty: nothing() })
    }

    /// Expects lines of these columns; those marked `?` at the end may be missing, all together.
    fn expecting(self, columns: &[Slot]) -> Self {
        let needed = columns.iter().rposition(|slot| !slot.name.ends_with('?')).map_or(0, |last| last + 1);
        let width = |slots: &[Slot]| slots.iter().map(|slot| slot.width).sum();
        Self { least: width(columns.get(..needed).unwrap_or_default()), most: width(columns), ..self }
    }

    /// The next line; `None` for one that is no record, which is gone then.
    fn line(&mut self) -> Result<Option<Piece>, Fault> {
        let limit = self.limits.record_bytes;
        loop {
            let window = self.text.window();
            let length = window.len();
            match line_end(window).or(self.text.done().then_some(length)) {
                Some(end) if end > limit => return Ok(Some(Piece::too_large(end, limit))),
                Some(end) => return self.whole(end),
                None if length > limit => {
                    self.skipping = true;
                    return Ok(Some(Piece::too_large(length, limit)));
                }
                None => self.text.fill_to((length * 2).clamp(1, limit + 1))?,
            }
        }
    }

    fn whole(&mut self, end: usize) -> Result<Option<Piece>, Fault> {
        let window = self.text.window();
        let line = window.get(..end).unwrap_or_default();
        let ends = end == window.len();
        let line = if ends { line.strip_suffix(&[END_OF_FILE]).unwrap_or(line) } else { line };
        if line.trim_ascii().is_empty() {
            self.text.advance(end);
            return Ok(None);
        }
        if let Some(last) = &mut self.last {
            if last.is_seen() {
                return Err(goes_on());
            }
            if last.takes(line)? {
                self.text.advance(end);
                return Ok(None);
            }
        }
        let filled = characters(line.trim_ascii_end());
        let holds = |width: usize| filled <= width && width <= characters(line);
        // A line that is not text is told to be none, not to be too short.
        let is_text = || !self.text.unchecked() || std::str::from_utf8(line).is_ok();
        if holds(self.least) || holds(self.most) || !is_text() {
            return Ok(Some(Piece::sound(line.len())));
        }
        let found = characters(line);
        let detail = if self.least == self.most {
            format!("expected {} characters, found {found}", self.least)
        } else {
            format!("expected {} or {} characters, found {found}", self.least, self.most)
        };
        Ok(Some(Piece::faulty(end, Code::MalformedCsv, detail)))
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

impl Cut for FixedCut {
    fn cut(&mut self) -> Result<Option<Piece>, Fault> {
        self.skip()?;
        loop {
            skip_blank_lines(&mut self.text)?;
            if self.text.window().is_empty() {
                self.last.as_ref().map_or(Ok(()), EdgeRow::end)?;
                return Ok(None);
            }
            if let Some(line) = self.line()? {
                return Ok(Some(line));
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
        self.first.as_ref().map_or(&self.empty, EdgeRow::record)
    }

    fn trailer(&self) -> &Record {
        self.last.as_ref().map_or(&self.empty, EdgeRow::record)
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
