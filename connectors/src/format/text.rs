//! From the bytes of a delivery to a window of UTF-8 text, whatever the encoding.
//!
//! A byte order mark wins, then the XML declaration, then the encoding the mapping declares, then UTF-8. UTF-8 passes
//! untouched (and is checked record by record, further on); anything else is transcoded chunk by chunk. The window
//! knows the line and the original byte at which it starts: exact for UTF-8, UTF-16 and single-byte encodings.

use std::io::{ErrorKind, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use hub_core::code::Code;
use hub_core::connector::Fault;

const CHUNK: usize = 256 << 10;
const SNIFF: usize = 1024;

/// A sliding window over the text of a delivery.
pub(crate) struct Text {
    input: Box<dyn Read + Send>,
    decoder: Option<Decoder>,
    width: Width,
    /// Bytes 0x80 to 0x9F are read as windows-1252's: those of ISO 8859 are controls no text holds, and Windows writes its
    /// apostrophes there whatever it declares.
    windows: bool,
    raw: Vec<u8>,
    /// Bytes read or room for them; the window is `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    line: u64,
    byte: u64,
    read: u64,
    done: bool,
    break_byte: u8,
}

/// How long a character of the text was in the delivery's own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    AsIs,
    One,
    TwoOrFour,
}

impl Text {
    /// Opens a delivery; `declared` is the mapping's encoding label, `xml` says whether a declaration may speak.
    pub(crate) fn open(
        input: Box<dyn Read + Send>,
        declared: Option<&str>,
        xml: bool,
    ) -> Result<Self, Fault> {
        let mut text = Self {
            input,
            decoder: None,
            width: Width::AsIs,
            windows: false,
            raw: Vec::new(),
            buffer: Vec::new(),
            start: 0,
            end: 0,
            line: 1,
            byte: 0,
            read: 0,
            done: false,
            break_byte: b'\n',
        };
        text.fill_to(SNIFF)?;
        let (encoding, mark) = choose(text.window(), declared, xml)?;
        text.byte = mark as u64;
        text.start = mark;
        if encoding != UTF_8 {
            text.transcode_from(encoding)?;
        }
        Ok(text)
    }

    /// The text not yet consumed.
    #[inline]
    pub(crate) fn window(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// True once the input has ended: the window is all that is left.
    pub(crate) fn done(&self) -> bool {
        self.done
    }

    /// True when the text may hold invalid UTF-8.
    pub(crate) fn unchecked(&self) -> bool {
        self.width == Width::AsIs
    }

    /// Line (from 1) and original byte at which the window starts.
    pub(crate) fn position(&self) -> (u64, u64) {
        (self.line, self.byte)
    }

    /// Bytes read from the input.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read
    }

    /// Says that lines end with a lone carriage return.
    pub(crate) fn break_lines_at_cr(&mut self) {
        self.break_byte = b'\r';
    }

    /// Consumes `count` bytes of the window.
    pub(crate) fn advance(&mut self, count: usize) {
        let end = self.start.saturating_add(count).min(self.end);
        let gone = self.buffer.get(self.start..end).unwrap_or_default();
        self.line += memchr::memchr_iter(self.break_byte, gone).count() as u64;
        self.byte += match self.width {
            Width::AsIs => gone.len() as u64,
            Width::One => characters(gone),
            Width::TwoOrFour => gone.iter().map(|b| utf16_bytes(*b)).sum(),
        };
        self.start = end;
    }

    /// Reads once; false when nothing was left to read.
    pub(crate) fn fill(&mut self) -> Result<bool, Fault> {
        self.compact();
        let before = self.end;
        while !self.done && self.end == before {
            let count = if self.decoder.is_some() {
                self.raw.resize(CHUNK, 0);
                let count = read(&mut *self.input, &mut self.raw)?;
                self.transcode(count, count == 0);
                count
            } else {
                let room = room(&mut self.buffer, self.end, CHUNK);
                let count = read(&mut *self.input, room)?;
                self.end += count;
                count
            };
            self.read += count as u64;
            self.done = count == 0;
        }
        Ok(self.end > before)
    }

    /// Reads until the window holds `count` bytes or the input ends.
    pub(crate) fn fill_to(&mut self, count: usize) -> Result<(), Fault> {
        while self.window().len() < count && self.fill()? {}
        Ok(())
    }

    /// Consumes white space; false when the input ends first.
    pub(crate) fn skip_blank(&mut self) -> Result<bool, Fault> {
        loop {
            let window = self.window();
            let solid = window.iter().position(|b| !b.is_ascii_whitespace());
            let blank = solid.unwrap_or(window.len());
            self.advance(blank);
            if solid.is_some() {
                return Ok(true);
            }
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    fn transcode_from(&mut self, encoding: &'static Encoding) -> Result<(), Fault> {
        self.width = match encoding {
            e if e == UTF_16LE || e == UTF_16BE => Width::TwoOrFour,
            e if e.is_single_byte() => Width::One,
            _ => {
                return Err(unknown(encoding.name()));
            }
        };
        self.windows = encoding.name().starts_with("ISO-8859");
        self.raw = self.window().to_vec();
        (self.start, self.end) = (0, 0);
        self.decoder = Some(encoding.new_decoder_without_bom_handling());
        self.transcode(self.raw.len(), self.done);
        Ok(())
    }

    /// Appends the first `count` raw bytes to the window.
    fn transcode(&mut self, count: usize, last: bool) {
        let Some(decoder) = self.decoder.as_mut() else {
            return;
        };
        let mut raw = self.raw.get(..count).unwrap_or_default();
        loop {
            let control = || raw.iter().position(|byte| matches!(byte, 0x80..=0x9F));
            let control = self.windows.then(control).flatten();
            let (plain, rest) = raw.split_at(control.unwrap_or(raw.len()));
            self.end += decode(decoder, plain, last && rest.is_empty(), (&mut self.buffer, self.end));
            let Some((byte, rest)) = rest.split_first() else {
                return;
            };
            let mut windows = WINDOWS_1252.new_decoder_without_bom_handling();
            self.end += decode(&mut windows, &[*byte], true, (&mut self.buffer, self.end));
            raw = rest;
        }
    }

    fn compact(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
    }
}

/// Decodes raw bytes to the end of a buffer; how many bytes that took.
fn decode(
    decoder: &mut Decoder,
    mut raw: &[u8],
    last: bool,
    (buffer, start): (&mut Vec<u8>, usize),
) -> usize {
    let mut end = start;
    loop {
        let room = room(buffer, end, raw.len() * 3 + 16);
        let (result, read, written, _) = decoder.decode_to_utf8(raw, room, last);
        end += written;
        raw = raw.get(read..).unwrap_or_default();
        if result == CoderResult::InputEmpty {
            return end - start;
        }
    }
}

/// Cuts a text at most `limit` bytes long without splitting a character.
pub(crate) fn clip(bytes: &[u8], limit: usize) -> usize {
    let mut end = limit.min(bytes.len());
    while end > 0 && bytes.get(end).is_some_and(|b| b & 0xC0 == 0x80) {
        end -= 1;
    }
    end
}

/// The encoding of a text and the length of its byte order mark.
pub(crate) fn choose(
    head: &[u8],
    declared: Option<&str>,
    xml: bool,
) -> Result<(&'static Encoding, usize), Fault> {
    if let Some(found) = Encoding::for_bom(head) {
        return Ok(found);
    }
    if xml {
        match head {
            [b'<', 0, ..] => return Ok((UTF_16LE, 0)),
            [0, b'<', ..] => return Ok((UTF_16BE, 0)),
            _ => {}
        }
        if let Some(label) = declaration(head) {
            let encoding = labelled(label)?;
            // A declaration one can read byte by byte is not UTF-16, whatever it says.
            let wide = encoding == UTF_16LE || encoding == UTF_16BE;
            return Ok((if wide { UTF_8 } else { encoding }, 0));
        }
    }
    Ok((declared.map_or(Ok(UTF_8), |l| labelled(l.as_bytes()))?, 0))
}

fn labelled(label: &[u8]) -> Result<&'static Encoding, Fault> {
    Encoding::for_label(label)
        .filter(|encoding| *encoding != REPLACEMENT)
        .ok_or_else(|| unknown(&String::from_utf8_lossy(label)))
}

fn unknown(label: &str) -> Fault {
    let label: String = label.chars().take(40).collect();
    Fault::new(
        Code::UnknownEncoding,
        format!("expected UTF-8, UTF-16 or a single-byte encoding, found `{label}`"),
    )
}

/// The label in `<?xml … encoding="label" … ?>`.
fn declaration(head: &[u8]) -> Option<&[u8]> {
    let rest = head.trim_ascii_start().strip_prefix(b"<?xml")?;
    let inside = rest.get(..memchr::memmem::find(rest, b"?>")?)?;
    let at = memchr::memmem::find(inside, b"encoding")?;
    let value = inside.get(at + 8..)?.trim_ascii_start();
    let value = value.strip_prefix(b"=")?.trim_ascii_start();
    let (quote, label) = value.split_first()?;
    label.get(..memchr::memchr(*quote, label)?).filter(|_| matches!(quote, b'"' | b'\''))
}

/// `count` bytes of room after `end`; the buffer only grows, so that it is cleared once.
fn room(buffer: &mut Vec<u8>, end: usize, count: usize) -> &mut [u8] {
    if buffer.len() < end + count {
        buffer.resize(end + count, 0);
    }
    buffer.get_mut(end..end + count).unwrap_or_default()
}

fn read(input: &mut dyn Read, into: &mut [u8]) -> Result<usize, Fault> {
    loop {
        match input.read(into) {
            Ok(count) => return Ok(count.min(into.len())),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                let detail = format!("reading the delivery failed: {}", error.kind());
                return Err(Fault::new(Code::Truncated, detail));
            }
        }
    }
}

/// Most texts are ASCII, which is seen a word at a time.
fn characters(text: &[u8]) -> u64 {
    let beginnings = |part: &[u8]| part.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    let of = |part: &[u8]| if part.is_ascii() { part.len() } else { beginnings(part) };
    text.chunks(256).map(|part| of(part) as u64).sum()
}

fn utf16_bytes(byte: u8) -> u64 {
    match byte {
        0x80..=0xBF => 0,
        0xF0.. => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::testing::Drip;

    fn read_all(bytes: &[u8], declared: Option<&str>, xml: bool) -> Result<String, Fault> {
        let mut text = Text::open(Box::new(Drip::new(bytes, 3)), declared, xml)?;
        while text.fill()? {}
        Ok(String::from_utf8_lossy(text.window()).into_owned())
    }

    #[test]
    fn the_mark_wins_over_the_declaration_which_wins_over_the_mapping() {
        let declared = b"<?xml version='1.0' encoding = 'iso-8859-15'?>\xA4";
        let utf16: Vec<u8> = "\u{feff}é€".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, label, xml, expected) in [
            (&b"\xEF\xBB\xBF\xC3\xA9"[..], Some("windows-1252"), false, "é"),
            (&utf16, Some("windows-1252"), false, "é€"),
            (declared, Some("utf-8"), true, "<?xml version='1.0' encoding = 'iso-8859-15'?>€"),
            (b"\xE9\x80", Some("iso-8859-1"), true, "é€"),
            (b"d\x92Al\xE9\xA4", Some("iso-8859-15"), true, "d’Alé€"),
            (b"\xC3\xA9", None, true, "é"),
            (b"<\0a\0", None, true, "<a"),
        ] {
            assert_eq!(read_all(bytes, label, xml).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn an_unknown_encoding_is_a_fault() {
        for label in ["ebcdic", "replacement", "shift_jis"] {
            let fault = read_all(b"a", Some(label), false).map_err(|f| f.code);
            assert_eq!(fault, Err(Code::UnknownEncoding));
        }
    }

    #[test]
    fn positions_count_the_original_bytes() {
        let utf16: Vec<u8> = "\u{feff}é\n😀€".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, label, expected) in [
            (&b"\xE9\n\x80x"[..], "windows-1252", (2, 4)),
            ("é\n€x".as_bytes(), "utf-8", (2, 7)),
            (&utf16, "utf-8", (2, 12)),
        ] {
            let mut text = Text::open(Box::new(Drip::new(bytes, 1)), Some(label), false)
                .unwrap_or_else(|f| panic!("{f}"));
            while text.fill().unwrap_or(false) {}
            text.advance(usize::MAX / 2);
            assert_eq!(text.position(), expected, "{label}");
        }
    }
}
