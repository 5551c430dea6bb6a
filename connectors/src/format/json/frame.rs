//! Cuts the objects out of a JSON delivery, in constant memory.
//!
//! The text enters; each object leaves as one piece. A broken line costs that line; a broken object in an array costs
//! itself, as far as the next object can be recognised. An array that is never closed is a truncated delivery.

use hub_core::code::Code;
use hub_core::connector::{Fault, Limits};
use hub_core::record::Record;

use super::scan::{self, Extent, Walk, blank, member, next_object, value_end};
use crate::format::cut::{Cut, Piece};
use crate::format::text::Text;

/// Cuts JSON objects.
pub(super) struct JsonCut {
    text: Text,
    limits: Limits,
    mode: Mode,
    /// Closing brackets still expected after the array.
    wrapped: usize,
    empty: Record,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Lines,
    SkippingLine,
    Array,
    SkippingObject,
    Ended,
}

impl JsonCut {
    /// Reads up to the first object.
    pub(super) fn open(mut text: Text, records: &[String], limits: Limits) -> Result<Self, Fault> {
        if !text.skip_blank()? {
            return Err(Fault::new(Code::EmptyDelivery, "expected JSON, found nothing"));
        }
        let mode = match text.window().first() {
            Some(b'[') if records.is_empty() => {
                text.advance(1);
                Mode::Array
            }
            Some(b'{') if records.is_empty() => Mode::Lines,
            Some(b'{') => {
                let start = array_start(&mut text, records, limits.header_bytes)?;
                text.advance(start);
                Mode::Array
            }
            _ => {
                return Err(Fault::new(
                    Code::NotTheFormat,
                    "expected a JSON object or array, found other text",
                ));
            }
        };
        let mut empty = Record::default();
        empty.clear();
        empty.finish();
        Ok(Self { text, limits, mode, wrapped: records.len(), empty })
    }

    fn line(&mut self) -> Result<Option<Piece>, Fault> {
        if !self.text.skip_blank()? {
            return Ok(None);
        }
        let limit = self.limits.record_bytes;
        let mut seen = 0;
        loop {
            let window = self.text.window();
            let length = window.len();
            let found = window.get(seen..).and_then(|rest| memchr::memchr(b'\n', rest));
            let end = found.map(|at| seen + at).or(self.text.done().then_some(length));
            match end {
                Some(end) if end > limit => return Ok(Some(Piece::too_large(end, limit))),
                Some(end) => {
                    let line = window.get(..end).unwrap_or_default();
                    return Ok(Some(Piece::sound(line.trim_ascii_end().len())));
                }
                None if length > limit => {
                    self.mode = Mode::SkippingLine;
                    return Ok(Some(Piece::too_large(length, limit)));
                }
                None => seen = length,
            }
            self.text.fill()?;
        }
    }

    fn skip_line(&mut self) -> Result<(), Fault> {
        self.mode = Mode::Lines;
        loop {
            let window = self.text.window();
            let end = memchr::memchr(b'\n', window);
            let gone = end.unwrap_or(window.len());
            self.text.advance(gone);
            if end.is_some() || !self.text.fill()? {
                return Ok(());
            }
        }
    }

    fn element(&mut self) -> Result<Option<Piece>, Fault> {
        loop {
            if !self.text.skip_blank()? {
                return Err(truncated());
            }
            match self.text.window().first() {
                Some(b',') => self.text.advance(1),
                Some(b']') => {
                    self.text.advance(1);
                    self.mode = Mode::Ended;
                    return self.tail().map(|()| None);
                }
                Some(b'{') => return self.object().map(Some),
                _ => return self.oddity().map(Some),
            }
        }
    }

    fn object(&mut self) -> Result<Piece, Fault> {
        let limit = self.limits.record_bytes;
        let mut walk = Walk::default();
        loop {
            let window = self.text.window();
            let length = window.len();
            match walk.extent(window) {
                Extent::At(end) if end <= limit => return Ok(Piece::sound(end)),
                Extent::At(end) => return Ok(Piece::too_large(end, limit)),
                Extent::Broken => return self.broken(),
                Extent::More if length > limit => return self.broken(),
                Extent::More if !self.text.fill()? => return self.broken(),
                Extent::More => {}
            }
        }
    }

    /// The object cannot be read: it ends where the next one can be recognised.
    fn broken(&mut self) -> Result<Piece, Fault> {
        let limit = self.limits.record_bytes;
        self.text.fill_to(limit + 1)?;
        let window = self.text.window();
        if let Some(next) = next_object(window) {
            return Ok(mismatched(next));
        }
        if window.len() <= limit {
            let end = window.len() - closing(window, self.wrapped + 1);
            return Ok(mismatched(end.max(1)));
        }
        self.mode = Mode::SkippingObject;
        Ok(Piece::too_large(window.len(), limit))
    }

    /// Something in the array that is not an object.
    fn oddity(&mut self) -> Result<Piece, Fault> {
        self.text.fill_to(self.limits.record_bytes.min(4096))?;
        let window = self.text.window();
        let end = value_end(window, 0).unwrap_or(window.len()).max(1);
        Ok(Piece::faulty(end, Code::MalformedJson, "expected an object, found another value"))
    }

    /// Skips to the next object that follows another, or to the end.
    fn skip_object(&mut self) -> Result<(), Fault> {
        self.mode = Mode::Array;
        loop {
            let window = self.text.window();
            let next = memchr::memmem::find(window, b"},{")
                .map(|at| at + 2)
                .or_else(|| memchr::memmem::find(window, b"\n{").map(|at| at + 1));
            let gone = next.unwrap_or(window.len().saturating_sub(2));
            self.text.advance(gone);
            if next.is_some() {
                return Ok(());
            }
            if !self.text.fill()? {
                let rest = self.text.window().len();
                self.text.advance(rest);
                return Ok(());
            }
        }
    }

    /// After the array: the rest of what wraps it, then nothing.
    fn tail(&mut self) -> Result<(), Fault> {
        let mut rest = scan::Tail::new(self.wrapped);
        loop {
            let length = self.text.window().len();
            let odd = !rest.pass(self.text.window());
            self.text.advance(length);
            if odd {
                return Err(Fault::new(Code::NotTheFormat, "expected nothing after the records, found more"));
            }
            if !self.text.fill()? {
                return if rest.closed() { Ok(()) } else { Err(truncated()) };
            }
        }
    }
}

impl Cut for JsonCut {
    fn cut(&mut self) -> Result<Option<Piece>, Fault> {
        loop {
            match self.mode {
                Mode::Lines => return self.line(),
                Mode::Array => return self.element(),
                Mode::SkippingLine => self.skip_line()?,
                Mode::SkippingObject => self.skip_object()?,
                Mode::Ended => return Ok(None),
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
        &self.empty
    }

    fn trailer(&self) -> &Record {
        &self.empty
    }
}

/// Past the `[` of the array at `path`.
fn array_start(text: &mut Text, path: &[String], limit: usize) -> Result<usize, Fault> {
    loop {
        let length = text.window().len();
        if let Some(found) = descend(text.window(), path) {
            return Ok(found);
        }
        if text.done() {
            let detail = format!("expected an array at `{}`, found none", path.join("/"));
            return Err(Fault::new(Code::NotTheFormat, detail));
        }
        if length > limit {
            let detail = format!("expected the records within {limit} bytes, found none");
            return Err(Fault::new(Code::HeaderTooLarge, detail));
        }
        text.fill_to(length * 2)?;
        text.fill()?;
    }
}

fn descend(text: &[u8], path: &[String]) -> Option<usize> {
    let mut at = 0;
    for name in path {
        if text.get(at) != Some(&b'{') {
            return None;
        }
        loop {
            let (found, value) = member(text, at)?;
            if found == *name {
                at = value;
                break;
            }
            at = blank(text, value_end(text, value)?);
        }
    }
    (text.get(at) == Some(&b'[')).then_some(at + 1)
}

/// How many bytes at the end are the brackets that close the delivery.
fn closing(text: &[u8], most: usize) -> usize {
    let mut left = text.trim_ascii_end();
    for expected in std::iter::repeat_n(b'}', most - 1).chain([b']']) {
        match left.strip_suffix(&[expected]) {
            Some(shorter) => left = shorter.trim_ascii_end(),
            None => return 0,
        }
    }
    text.len() - left.len()
}

fn mismatched(length: usize) -> Piece {
    Piece::faulty(length, Code::MalformedJson, "expected matching brackets and quotes, found others")
}

fn truncated() -> Fault {
    Fault::new(Code::Truncated, "expected the end of the array, found the end of the delivery")
}
