//! Rows and cells of delimited text, as the framer and the decoder both understand them.
//!
//! A quote has a meaning only where a cell starts; inside quotes it is doubled, and separators and line breaks are
//! text. What follows a closing quote belongs to the cell, as in `csv_core`, against which a test compares it; but not when the
//! quotes hold a line break: then the first of them was never closed, and rows would be lost in it.

use std::borrow::Cow;

use crate::format::line::{self, Row, line_end};

/// The signs that cut text into rows and cells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signs {
    /// Ends a cell.
    pub(crate) separator: u8,
    /// Whether a quote has a meaning.
    pub(crate) quotes: bool,
}

impl Signs {
    /// Text in which quotes have their meaning.
    pub(crate) fn quoting(separator: u8) -> Self {
        Self { separator, quotes: true }
    }

    /// Whether a quote may have a meaning; most rows have none and are cut without looking at each cell.
    fn quoted(self, text: &[u8]) -> bool {
        self.quotes && memchr::memchr(b'"', text).is_some()
    }
}

/// Finds the end of the row that starts `window`; `last` says no more text will come, `width` how many cells a row has.
pub(crate) fn measure(window: &[u8], signs: Signs, last: bool, width: usize) -> Row {
    let line = line_end(window);
    if let Some(end) = line.filter(|end| !signs.quoted(window.get(..*end).unwrap_or_default())) {
        return Row::Whole { end, next: end + 1 };
    }
    if !signs.quotes {
        return line::line(window, last);
    }
    let separator = signs.separator;
    let mut at = 0;
    loop {
        let cell = cell_end(window, at, separator, true);
        if let (Cell::Ends(end), Some(line)) = (&cell, line)
            && *end > line
            && swallows(window.get(at..).unwrap_or_default(), separator, width)
        {
            return Row::Stray;
        }
        match cell {
            Cell::Ends(end) if window.get(end) == Some(&separator) => at = end + 1,
            Cell::Ends(end) if end < window.len() => return Row::Whole { end, next: end + 1 },
            Cell::Ends(end) if last => return Row::Whole { end, next: end },
            Cell::Ends(_) | Cell::Open => return Row::Partial,
        }
    }
}

/// Whether the quotes at the start of `text` hold line breaks no cell has: text follows where they close, or a line inside them is
/// itself a row.
fn swallows(text: &[u8], separator: u8, width: usize) -> bool {
    let Some(close) = text.strip_prefix(b"\"").and_then(|_| closing_quote(text, 1)) else { return false };
    let breaks = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let inside = text.get(1..close).unwrap_or_default();
    let (Some(first), Some(last)) = (inside.iter().position(breaks), inside.iter().rposition(breaks)) else {
        return false;
    };
    let goes_on = text.get(close + 1).is_some_and(|after| *after != separator && !breaks(after));
    let mut lines = inside.get(first..last).unwrap_or_default().split(breaks);
    goes_on || lines.any(|line| memchr::memchr_iter(separator, line).count() + 1 >= width.max(3))
}

/// Calls `each` with every cell of a row, in order.
pub(crate) fn cells(row: &[u8], signs: Signs, mut each: impl FnMut(usize, &[u8])) {
    let separator = signs.separator;
    if !signs.quoted(row) {
        let mut from = 0;
        for (index, to) in memchr::memchr_iter(separator, row).chain([row.len()]).enumerate() {
            each(index, row.get(from..to).unwrap_or_default());
            from = to + 1;
        }
        return;
    }
    let (mut at, mut index) = (0, 0);
    loop {
        let end = match cell_end(row, at, separator, false) {
            Cell::Ends(end) => end,
            Cell::Open => row.len(),
        };
        each(index, &unquoted(row.get(at..end).unwrap_or_default()));
        if end >= row.len() {
            return;
        }
        at = end + 1;
        index += 1;
    }
}

/// The same for a row known to be text: cells that nothing quotes are not looked at again.
pub(crate) fn texts(row: &str, signs: Signs, mut each: impl FnMut(usize, &str)) {
    let bytes = row.as_bytes();
    if signs.quoted(bytes) {
        // Cut at ASCII signs only, so that every cell is text too.
        cells(bytes, signs, |index, cell| {
            each(index, std::str::from_utf8(cell).unwrap_or_default());
        });
        return;
    }
    let mut from = 0;
    for (index, to) in memchr::memchr_iter(signs.separator, bytes).chain([bytes.len()]).enumerate() {
        each(index, row.get(from..to).unwrap_or_default());
        from = to + 1;
    }
}

/// The separator of a first line: the most frequent of `;`, `,`, tab and `|` outside quotes.
pub(crate) fn sniff(window: &[u8]) -> u8 {
    let candidates = [b';', b',', b'\t', b'|'];
    let mut counts = [0_usize; 4];
    let mut quoted = false;
    for byte in window {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            other if !quoted => {
                for (count, candidate) in counts.iter_mut().zip(candidates) {
                    *count += usize::from(*other == candidate);
                }
            }
            _ => {}
        }
    }
    let mut best = (0, b';');
    for (count, candidate) in counts.into_iter().zip(candidates) {
        if count > best.0 {
            best = (count, candidate);
        }
    }
    best.1
}

/// The separator a first line `sep=;` announces, as spreadsheets write it (in quotes and with separators behind it, when they saved
/// it again), and where the line after it starts.
pub(crate) fn announced(window: &[u8]) -> (Option<u8>, usize) {
    let line = window.get(..line_end(window).unwrap_or(window.len())).unwrap_or_default();
    let plain: Vec<u8> = line.iter().copied().filter(|byte| *byte != b'"').collect();
    match plain.as_slice() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator, rest @ ..]
            if separator.is_ascii() && rest.iter().all(|byte| byte == separator || *byte == b' ') =>
        {
            let breaks = window.get(line.len()..).unwrap_or_default();
            let breaks = breaks.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            (Some(*separator), line.len() + breaks)
        }
        _ => (None, 0),
    }
}

enum Cell {
    /// Before this place: a separator, a line break, or the end of the text.
    Ends(usize),
    /// Inside quotes that the text does not close.
    Open,
}

/// Where the cell that starts at `at` ends; `breaks` says whether a line break outside quotes ends it.
fn cell_end(text: &[u8], at: usize, separator: u8, breaks: bool) -> Cell {
    let from = match text.get(at) {
        Some(b'"') => match closing_quote(text, at + 1) {
            Some(quote) => quote + 1,
            None => return Cell::Open,
        },
        _ => at,
    };
    let rest = text.get(from..).unwrap_or_default();
    let found =
        if breaks { memchr::memchr3(separator, b'\n', b'\r', rest) } else { memchr::memchr(separator, rest) };
    Cell::Ends(from + found.unwrap_or(rest.len()))
}

/// The quote that closes the cell whose text starts at `from`.
fn closing_quote(text: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let quote = from + memchr::memchr(b'"', text.get(from..)?)?;
        if text.get(quote + 1) != Some(&b'"') {
            return Some(quote);
        }
        from = quote + 2;
    }
}

fn unquoted(cell: &[u8]) -> Cow<'_, [u8]> {
    let Some(inside) = cell.strip_prefix(b"\"") else {
        return Cow::Borrowed(cell);
    };
    let close = closing_quote(inside, 0).unwrap_or(inside.len());
    let (quoted, after) = inside.split_at(close.min(inside.len()));
    let after = after.strip_prefix(b"\"").unwrap_or(after);
    if after.is_empty() && memchr::memchr(b'"', quoted).is_none() {
        return Cow::Borrowed(quoted);
    }
    let mut plain = Vec::with_capacity(cell.len());
    let mut doubled = false;
    for byte in quoted {
        doubled = *byte == b'"' && !doubled;
        if !doubled {
            plain.push(*byte);
        }
    }
    plain.extend_from_slice(after);
    Cow::Owned(plain)
}
