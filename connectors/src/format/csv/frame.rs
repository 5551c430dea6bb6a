//! Tells rows of delimited text from what they are not, and reads the header line.
//!
//! A window of text enters; it is told where its first row ends and, the row whole, whether it holds a record: its width is checked
//! against the header. A quote never closed, or a row too narrow or too wide, costs the line where it starts and nothing after it.

use hub_core::code::Code;
use hub_core::connector::{Fault, fold_header};

use super::decode::CsvDecoder;
use super::row::{self, Signs};
use crate::format::cut::not_utf8;
use crate::format::line::{END_OF_FILE, Row, line_end, skip_blank_lines};
use crate::format::lines::{Rows, Verdict};
use crate::format::text::Text;

/// The rows of one delivery.
pub(super) struct CsvRows {
    signs: Signs,
    least: usize,
    most: usize,
    /// The cells of the header line, folded; none when there is none.
    header: Vec<String>,
    /// How many cells the first line has, and the first record, the wider of both.
    widest: usize,
    any: bool,
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

impl CsvRows {
    /// Reads the header line. When the columns are known by position, a first line that holds a row is left to be one.
    pub(super) fn open(text: &mut Text, asked: Asked, limit: usize) -> Result<(Self, Header), Fault> {
        skip_blank_lines(text)?;
        if text.window().is_empty() {
            return Err(Fault::new(Code::EmptyDelivery, "expected a header line, found nothing"));
        }
        let (announced, at) = row::announced(text.window());
        text.advance(at);
        let asked = Asked { separator: asked.separator.or(announced), ..asked };
        let (end, next, signs) = header_row(text, asked, limit)?;
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
        let rows = Self { signs, least: 0, most: usize::MAX, header, widest: cells.len(), any: false };
        Ok((rows, Header { cells, signs }))
    }

    /// Expects rows of at least so many cells, and at most so many that are not empty.
    pub(super) fn expecting(self, least: usize, most: usize) -> Self {
        Self { least, most, ..self }
    }

    fn ragged(&self, row: &[u8], count: usize) -> Verdict {
        // Only the first line: a stray quote may have swallowed the lines after it.
        let line = line_end(row).unwrap_or(row.len());
        Verdict::Malformed(
            line,
            if self.least == self.most {
                format!("expected {} cells, found {count}", self.least)
            } else {
                format!("expected {} or {} cells, found {count}", self.least, self.most)
            },
        )
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
}

impl Rows for CsvRows {
    type Decoder = CsvDecoder;

    #[inline]
    fn measure(&self, window: &[u8], last: bool) -> Row {
        row::measure(window, self.signs, last, self.least)
    }

    #[inline]
    fn judge(&mut self, row: &[u8], _checked: bool) -> Verdict {
        let (mut count, mut filled) = (0, 0);
        row::cells(row, self.signs, |index, cell| {
            count = index + 1;
            if !cell.iter().all(|b| b.is_ascii_whitespace() || *b == END_OF_FILE) {
                filled = count;
            }
        });
        if filled == 0 {
            return Verdict::Blank;
        }
        if self.is_header(row) {
            return Verdict::Malformed(
                row.len(),
                "expected a record, found the header line again".to_owned(),
            );
        }
        // The columns that may be missing are missing together.
        let holds = |width: usize| filled <= width && width <= count;
        if !(holds(self.least) || holds(self.most)) {
            return self.ragged(row, count);
        }
        if !self.any {
            (self.any, self.widest) = (true, self.widest.max(self.most).max(count));
        }
        // A file whose rows end with empty cells has them from its first row on. In one row further down, they are what two rows
        // leave that lost the line break between them.
        if count > self.widest { self.ragged(row, count) } else { Verdict::Sound }
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
