//! Rows and cells of delimited text, as the framer and the decoder both understand them.
//!
//! A quote has a meaning only where a cell starts; inside quotes it is doubled, and separators and line breaks are
//! text. Rows without quotes, nearly all of them, are split by plain byte search; the others by `csv_core`.

use csv_core::{ReadFieldResult, ReadRecordResult, Reader, ReaderBuilder};

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
}

/// Finds the end of the row that starts `window`; `last` says no more text will come.
pub(crate) fn measure(window: &[u8], separator: u8, last: bool) -> Row {
    let line = line_end(window);
    let plain = memchr::memchr(b'"', window.get(..line.unwrap_or(window.len())).unwrap_or_default());
    match (plain, line) {
        (None, Some(end)) => Row::Whole { end, next: end + 1 },
        (None, None) if last => Row::Whole { end: window.len(), next: window.len() },
        (None, None) => Row::Partial,
        (Some(_), _) => measure_quoted(window, separator, last),
    }
}

/// Where the first line ends, quotes or not.
pub(crate) fn line_end(window: &[u8]) -> Option<usize> {
    memchr::memchr2(b'\n', b'\r', window)
}

/// Calls `each` with every cell of a row, in order.
pub(crate) fn cells(row: &[u8], separator: u8, mut each: impl FnMut(usize, &[u8])) {
    if memchr::memchr(b'"', row).is_none() {
        for (index, cell) in row.split(|b| *b == separator).enumerate() {
            each(index, cell);
        }
        return;
    }
    let mut reader = reader(separator);
    let mut cell = vec![0; row.len()];
    let (mut at, mut index) = (0, 0);
    loop {
        let input = row.get(at..).unwrap_or_default();
        let (result, read, mut written) = reader.read_field(input, &mut cell);
        at += read;
        let mut end = matches!(result, ReadFieldResult::Field { record_end: true } | ReadFieldResult::End);
        if result == ReadFieldResult::InputEmpty {
            // An empty input ends the last cell, keeping what was already written of it.
            let rest = cell.get_mut(written..).unwrap_or_default();
            let (_, _, more) = reader.read_field(&[], rest);
            written += more;
            end = true;
        }
        if result != ReadFieldResult::End {
            each(index, cell.get(..written).unwrap_or_default());
        }
        if end || result == ReadFieldResult::OutputFull {
            return;
        }
        index += 1;
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

fn measure_quoted(window: &[u8], separator: u8, last: bool) -> Row {
    let mut reader = reader(separator);
    let (mut output, mut ends) = ([0; 4096], [0; 64]);
    let mut at = 0;
    loop {
        let input = window.get(at..).unwrap_or_default();
        let (result, read, _, _) = reader.read_record(input, &mut output, &mut ends);
        at += read;
        match result {
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {}
            ReadRecordResult::Record => {
                return Row::Whole { end: at.saturating_sub(1), next: at };
            }
            ReadRecordResult::InputEmpty | ReadRecordResult::End
                if last && !inside_quotes(window, separator) =>
            {
                return Row::Whole { end: at, next: at };
            }
            ReadRecordResult::InputEmpty | ReadRecordResult::End => {
                return Row::Partial;
            }
        }
    }
}

/// True when the text ends within quotes; `csv_core` does not tell.
fn inside_quotes(text: &[u8], separator: u8) -> bool {
    let (mut quoted, mut start) = (false, true);
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if quoted && *byte == b'"' && text.get(at + 1) == Some(&b'"') {
            at += 2;
            continue;
        }
        match byte {
            b'"' if quoted => quoted = false,
            b'"' if start => quoted = true,
            _ => {}
        }
        start = !quoted && *byte == separator;
        at += 1;
    }
    quoted
}

fn reader(separator: u8) -> Reader {
    ReaderBuilder::new().delimiter(separator).build()
}
