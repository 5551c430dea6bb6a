//! Cuts the rows out of a delimited delivery, in constant memory.
//!
//! The text enters; each row that is not blank leaves as one piece, its width checked against the header. A quote
//! never closed, or a row too narrow or too wide, costs the line where it starts and nothing after it.

use hub_core::code::Code;
use hub_core::connector::{Fault, Limits, fold_header};
use hub_core::record::Record;

use super::decode::CsvDecoder;
use super::row::{self, Row, Signs};
use crate::format::cut::{Cut, Piece, not_utf8};
use crate::format::edge::{EdgeRow, goes_on, nothing};
use crate::format::text::Text;

/// What old systems end a text with.
const END_OF_FILE: u8 = 0x1a;

/// Cuts rows.
pub(super) struct CsvCut {
    text: Text,
    signs: Signs,
    least: usize,
    most: usize,
    limits: Limits,
    /// The cells of the header line, folded; none when there is none.
    header: Vec<String>,
    skipping: bool,
    first: Option<EdgeRow<CsvDecoder>>,
    last: Option<EdgeRow<CsvDecoder>>,
    empty: Record,
}

/// What a mapping says of the rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// The separator; found in the first line when left out.
    pub(super) separator: Option<u8>,
    /// Whether a quote has a meaning.
    pub(super) quotes: bool,
    /// The columns are known by position.
    pub(super) by_position: bool,
}

/// The header line of a delivery.
#[derive(Debug)]
pub(super) struct Header {
    /// Its cells, as written.
    pub(super) cells: Vec<String>,
    /// The separator declared or found, and whether quotes have a meaning.
    pub(super) signs: Signs,
}

impl CsvCut {
    /// Reads the header line. When the columns are known by position, a first line that holds a row is left to be one.
    pub(super) fn open(mut text: Text, asked: Asked, limits: Limits) -> Result<(Self, Header), Fault> {
        skip_blank_lines(&mut text)?;
        if text.window().is_empty() {
            return Err(Fault::new(Code::EmptyDelivery, "expected a header line, found nothing"));
        }
        let (announced, at) = row::announced(text.window());
        text.advance(at);
        let asked = Asked { separator: asked.separator.or(announced), ..asked };
        let (end, next, signs) = header_row(&mut text, asked, limits.header_bytes)?;
        let line = text.window().get(..end).unwrap_or_default();
        if text.unchecked() && std::str::from_utf8(line).is_err() {
            return Err(not_utf8());
        }
        let mut cells = Vec::new();
        row::cells(line, signs, |_, cell| {
            cells.push(String::from_utf8_lossy(cell).into_owned());
        });
        if text.window().get(end) == Some(&b'\r') && text.window().get(end + 1) != Some(&b'\n') {
            text.break_lines_at_cr();
        }
        let mut header = Vec::new();
        if !(asked.by_position && cells.iter().any(|cell| is_datum(cell))) {
            header.extend(cells.iter().map(|cell| fold_header(cell)));
            text.advance(next);
        }
        let cut = Self {
            text,
            signs,
            least: 0,
            most: usize::MAX,
            limits,
            header,
            skipping: false,
            first: None,
            last: None,
            empty: nothing(),
        };
        Ok((cut, Header { cells, signs }))
    }

    /// Stands after the first row that was read, and expects the last.
    pub(super) fn between(
        self,
        first: Option<EdgeRow<CsvDecoder>>,
        last: Option<EdgeRow<CsvDecoder>>,
    ) -> Self {
        Self { first, last, ..self }
    }

    /// Expects rows of at least so many cells, and at most so many that are not empty.
    pub(super) fn expecting(self, least: usize, most: usize) -> Self {
        Self { least, most, ..self }
    }

    /// The next row; `None` for one that holds nothing, which is gone then.
    fn row(&mut self) -> Result<Option<Piece>, Fault> {
        let limit = self.limits.record_bytes;
        loop {
            let window = self.text.window();
            let length = window.len();
            match row::measure(window, self.signs, self.text.done(), self.least) {
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
            && !before.is_empty()
        {
            row = before;
        }
        let end = row.len();
        let (mut count, mut filled) = (0, 0);
        row::cells(row, self.signs, |index, cell| {
            count = index + 1;
            if !cell.iter().all(|b| b.is_ascii_whitespace() || *b == END_OF_FILE) {
                filled = count;
            }
        });
        if filled == 0 {
            self.text.advance(end);
            return Ok(None);
        }
        if let Some(last) = &mut self.last {
            if last.is_seen() {
                return Err(goes_on());
            }
            if last.takes(row)? {
                self.text.advance(end);
                return Ok(None);
            }
        }
        if self.is_header(row) {
            let detail = "expected a record, found the header line again";
            return Ok(Some(Piece::faulty(end, Code::MalformedCsv, detail)));
        }
        // The columns that may be missing are missing together.
        let holds = |width: usize| filled <= width && width <= count;
        if holds(self.least) || holds(self.most) {
            return Ok(Some(Piece::sound(end)));
        }
        Ok(Some(self.ragged(end, count)))
    }

    fn ragged(&self, end: usize, count: usize) -> Piece {
        let row = self.text.window().get(..end).unwrap_or_default();
        // Only the first line: a stray quote may have swallowed the lines after it.
        let line = row::line_end(row).unwrap_or(end);
        let detail = if self.least == self.most {
            format!("expected {} cells, found {count}", self.least)
        } else {
            format!("expected {} or {} cells, found {count}", self.least, self.most)
        };
        Piece::faulty(line, Code::MalformedCsv, detail)
    }

    /// Whether a row is the header line again, however it is written.
    fn is_header(&self, row: &[u8]) -> bool {
        let same = |index: usize, cell: &[u8]| {
            let cell = std::str::from_utf8(cell).unwrap_or_default().trim_start_matches('\u{FEFF}');
            self.header.get(index).map_or(cell.trim().is_empty(), |name| *name == fold_header(cell))
        };
        // Nearly all rows are told by their first letter.
        let letters = row.iter().find(|byte| byte.is_ascii_alphabetic());
        let first = self.header.first().and_then(|name| name.bytes().find(u8::is_ascii_alphabetic));
        let mut again = !self.header.is_empty() && letters.map(u8::to_ascii_lowercase) == first;
        if !again {
            return false;
        }
        row::cells(row, self.signs, |index, cell| again = again && same(index, cell));
        again
    }

    fn unclosed(&self) -> Piece {
        let window = self.text.window();
        let line = row::line_end(window).unwrap_or(window.len());
        Piece::faulty(line, Code::MalformedCsv, "expected a closing quote, found none")
    }

    /// The row is longer than allowed: a quote never closed when its first line is not.
    fn overflow(&mut self) -> Piece {
        let limit = self.limits.record_bytes;
        let window = self.text.window();
        match row::line_end(window) {
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
            let end = row::line_end(window);
            let gone = end.unwrap_or(window.len());
            self.text.advance(gone);
            self.skipping = end.is_none() && self.text.fill()?;
        }
        Ok(())
    }
}

impl Cut for CsvCut {
    fn cut(&mut self) -> Result<Option<Piece>, Fault> {
        self.skip()?;
        loop {
            skip_blank_lines(&mut self.text)?;
            if self.text.window().is_empty() {
                self.last.as_ref().map_or(Ok(()), EdgeRow::end)?;
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
        self.first.as_ref().map_or(&self.empty, EdgeRow::record)
    }

    fn trailer(&self) -> &Record {
        self.last.as_ref().map_or(&self.empty, EdgeRow::record)
    }
}

/// Consumes line breaks, and lines of spaces that end with one.
pub(crate) fn skip_blank_lines(text: &mut Text) -> Result<(), Fault> {
    loop {
        let window = text.window();
        let breaks = window.iter().take_while(|b| matches!(b, b'\n' | b'\r' | b' ')).count();
        let line = window.get(..breaks).unwrap_or_default();
        let last = line.iter().rposition(|b| *b != b' ').map_or(0, |at| at + 1);
        let (solid, whole) = (breaks < window.len(), breaks);
        text.advance(if text.done() && !solid { whole } else { last });
        if solid || !text.fill()? && text.window().is_empty() {
            return Ok(());
        }
    }
}

/// End of the header row, start of the next line, and the signs it is cut by.
fn header_row(text: &mut Text, asked: Asked, limit: usize) -> Result<(usize, usize, Signs), Fault> {
    loop {
        let window = text.window();
        let separator = asked.separator.unwrap_or_else(|| row::sniff(window));
        let found = Signs { separator, quotes: asked.quotes };
        // One byte more tells a lone carriage return from the beginning of CRLF.
        match row::measure(window, found, text.done(), usize::MAX) {
            Row::Whole { end, .. } if end > limit => return Err(header_too_large(limit)),
            Row::Whole { end, next } if next < window.len() || text.done() => {
                return Ok((end, next, found));
            }
            Row::Partial if window.len() > limit => return Err(header_too_large(limit)),
            Row::Partial | Row::Stray if text.done() => {
                let detail = "expected a header line, found a quote never closed";
                return Err(Fault::new(Code::NotTheFormat, detail));
            }
            _ => text.fill_to(window.len() * 2)?,
        }
    }
}

/// A cell no header holds: a date, or eight digits in a row.
fn is_datum(cell: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let cell = cell.trim();
    let date = cell.len() == 10 && cell.bytes().filter(|b| matches!(b, b'/' | b'-')).count() == 2;
    (date && digits(&cell.replace(['/', '-'], ""))) || (cell.len() >= 8 && digits(cell))
}

fn header_too_large(limit: usize) -> Fault {
    let detail = format!("expected a header line of at most {limit} bytes, found more");
    Fault::new(Code::HeaderTooLarge, detail)
}
