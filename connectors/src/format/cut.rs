//! From cuts to batches: what the framers of all formats have in common.
//!
//! A `Cut` says where the next record ends in the text window; `Cutter` copies it into the batch, numbers and hashes
//! it, and checks its encoding. A fault of the delivery is told only after every frame before it was handed over.

use hub_core::code::Code;
use hub_core::connector::{Fault, Frame, Framer, Frames};
use hub_core::record::{Position, Record};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::text::{Text, clip};

/// How much of an unusable record is kept for the report.
pub(super) const KEPT: usize = 64 << 10;

/// Finds the next record in a delivery's text.
pub(super) trait Cut: Send {
    /// Moves to the next record, so that the window starts with it; `None` at the end.
    fn cut(&mut self) -> Result<Option<Piece>, Fault>;
    /// The text being cut.
    fn text(&mut self) -> &mut Text;
    /// Bytes read so far.
    fn bytes_read(&self) -> u64;
    /// The decoded header.
    fn header(&self) -> &Record;
    /// The decoded trailer.
    fn trailer(&self) -> &Record;
}

/// One record at the start of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    keep: usize,
    consume: usize,
    fault: Option<Fault>,
}

impl Piece {
    /// A sound record of `length` bytes.
    pub(super) fn sound(length: usize) -> Self {
        Self { keep: length, consume: length, fault: None }
    }

    /// An unusable record of `length` bytes.
    pub(super) fn faulty(length: usize, code: Code, detail: impl Into<String>) -> Self {
        Self { keep: length.min(KEPT), consume: length, fault: Some(Fault::new(code, detail)) }
    }

    /// A record longer than `limit`; what follows in the window is skipped too.
    pub(super) fn too_large(length: usize, limit: usize) -> Self {
        let detail = format!("expected at most {limit} bytes, found more");
        Self::faulty(length, Code::RecordTooLarge, detail)
    }
}

/// Turns cuts into batches of frames.
pub(super) struct Cutter<C> {
    cut: C,
    number: u64,
    seed: u64,
    failure: Option<Fault>,
}

impl<C: Cut> Cutter<C> {
    /// A cutter at the start of a delivery.
    pub(super) fn new(cut: C) -> Self {
        Self { cut, number: 0, seed: 0, failure: None }
    }

    /// Hashes records together with what gives them their meaning.
    pub(super) fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    fn push(&mut self, piece: Piece, batch: &mut Frames) {
        self.number += 1;
        let text = self.cut.text();
        let (line, byte) = text.position();
        let from = batch.bytes.len();
        let window = text.window();
        let keep = match piece.fault {
            Some(_) => clip(window, piece.keep),
            None => piece.keep,
        };
        let kept = window.get(..keep).unwrap_or_default();
        batch.bytes.extend_from_slice(kept);
        let hash = xxh3_64_with_seed(kept, self.seed);
        let sound = !text.unchecked() || std::str::from_utf8(kept).is_ok();
        let printable = !holds_control(kept);
        text.advance(piece.consume);
        batch.frames.push(Frame {
            position: Position { number: self.number, line, byte },
            end: text.position().1,
            range: from..batch.bytes.len(),
            hash,
            fault: piece
                .fault
                .or_else(|| (!sound).then(not_utf8))
                .or_else(|| (!printable).then(control_character)),
        });
    }
}

impl<C: Cut> Framer for Cutter<C> {
    fn header(&self) -> &Record {
        self.cut.header()
    }

    fn next_batch(&mut self, batch: &mut Frames, count: usize, bytes: usize) -> Result<(), Fault> {
        batch.bytes.clear();
        batch.frames.clear();
        while self.failure.is_none() {
            match self.cut.cut() {
                Ok(Some(piece)) => self.push(piece, batch),
                Ok(None) => return Ok(()),
                Err(fault) => self.failure = Some(fault),
            }
            if batch.frames.len() >= count || batch.bytes.len() >= bytes {
                return self.told(batch);
            }
        }
        self.told(batch)
    }

    fn trailer(&self) -> &Record {
        self.cut.trailer()
    }

    fn bytes_read(&self) -> u64 {
        self.cut.bytes_read()
    }
}

impl<C> Cutter<C> {
    /// The failure, once nothing stands before it.
    fn told(&self, batch: &Frames) -> Result<(), Fault> {
        match &self.failure {
            Some(fault) if batch.frames.is_empty() => Err(fault.clone()),
            _ => Ok(()),
        }
    }
}

/// Whether there is a character no text of a feed holds: a terminal would obey it, a later reader refuse it. Those above 0x7F, two
/// bytes of UTF-8, are what is left of a text read in another encoding than its own.
pub(super) fn holds_control(text: &[u8]) -> bool {
    // All bytes of a part are looked at, which takes many at a time; stopping at the first would take them one by one.
    let low = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    let any_low = |part: &[u8]| part.iter().fold(false, |found, byte| found | low(*byte));
    let high = |at: usize| matches!(text.get(at + 1), Some(0x80..=0x9F));
    text.chunks(256).any(any_low) || memchr::memchr_iter(0xC2, text).any(high)
}

/// The fault of a record with a control character.
pub(super) fn control_character() -> Fault {
    Fault::new(Code::ControlCharacter, "expected text, found a control character")
}

/// The fault of bytes that are not the expected UTF-8.
pub(super) fn not_utf8() -> Fault {
    Fault::new(Code::WrongEncoding, "expected UTF-8, found a byte sequence that is not")
}
