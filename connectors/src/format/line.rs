//! A line of text: where it ends, and whether it says anything.
//!
//! A window of the text enters; what it shows of the row that starts it leaves. A row may take more lines than one, as its format says.

use hub_core::connector::Fault;

use super::text::Text;

/// What old systems end a text with.
pub(super) const END_OF_FILE: u8 = 0x1a;

/// What a window of text says about the row that starts it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// The row ends before `end` (its line break not included) and the next begins at or after `next`.
    Whole {
        /// Past the last cell.
        end: usize,
        /// Past the line break.
        next: usize,
    },
    /// The window ends inside the row; when no more text will come, inside quotes.
    Partial,
    /// A quote that opens on the first line has swallowed others: the one that closes it was meant to open another cell.
    Stray,
}

/// Where the first line ends, quotes or not.
pub(crate) fn line_end(window: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', b'\r', window)
}

/// The row that starts `window` when a line is a row.
pub(crate) fn line(window: &[u8], last: bool) -> Row {
    match line_end(window) {
        Some(end) => Row::Whole { end, next: end + 1 },
        None if last => Row::Whole { end: window.len(), next: window.len() },
        None => Row::Partial,
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
