//! Cuts the records out of an XML delivery, in constant memory.
//!
//! The text of the delivery enters; each `<Rec …>…</Rec>` leaves as one piece, as do the stretches that cannot be
//! read: a record without its end tag costs itself, one too long is skipped without being held. What stands between
//! records goes to the wrapper, which says in the end whether the document was whole.

use hub_core::code::Code;
use hub_core::connector::{Fault, Limits};
use hub_core::record::Record;

use super::scan::{End, Scanner, Start};
use super::wrapper::{First, Wrapper, stray_text};
use crate::format::cut::{Cut, Piece, not_utf8};
use crate::format::text::Text;

/// Cuts XML records.
pub(super) struct XmlCut {
    text: Text,
    wrapper: Wrapper,
    scanner: Scanner,
    limits: Limits,
    mode: Mode,
    scanned: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// So many bytes before the first record are stray text and what follows it.
    Stray(usize),
    Between,
    Skipping,
    Truncated,
    Ended,
}

impl XmlCut {
    /// Reads the prolog, up to the first record.
    pub(super) fn open(mut text: Text, mut wrapper: Wrapper, limits: Limits) -> Result<Self, Fault> {
        if !text.skip_blank()? {
            return Err(Fault::new(Code::EmptyDelivery, "expected XML, found nothing"));
        }
        if text.window().first() != Some(&b'<') {
            return Err(Fault::new(Code::NotTheFormat, "expected XML, found text"));
        }
        let first = prolog(&mut text, &mut wrapper, limits.header_bytes)?;
        break_lines(&mut text);
        let (mode, name) = match first {
            Some(First { at, name, strayed: None }) => {
                text.advance(at);
                (Mode::Between, name)
            }
            Some(First { at, name, strayed: Some(from) }) => {
                let before = text.window().get(from..at).unwrap_or_default();
                let from = from + before.len() - before.trim_ascii_start().len();
                text.advance(from);
                (Mode::Stray(at - from), name)
            }
            None => {
                text.advance(usize::MAX);
                (Mode::Ended, String::new())
            }
        };
        Ok(Self { text, wrapper, scanner: Scanner::new(&name), limits, mode, scanned: 0 })
    }

    /// Passes what stands before the next record.
    fn between(&mut self) -> Result<Option<Piece>, Fault> {
        loop {
            match self.scanner.start(self.text.window(), self.scanned) {
                Start::At(at) => {
                    if let Some(piece) = self.gap(at)? {
                        return Ok(Some(piece));
                    }
                    if self.wrapper.at_records() {
                        return self.record().map(Some);
                    }
                    self.scanned = self.scanner.open_len();
                }
                Start::More(from) => {
                    self.scanned = from;
                    if self.too_much_between() {
                        let detail = format!(
                            "expected at most {} bytes between records, found more",
                            self.limits.header_bytes
                        );
                        return Err(Fault::new(Code::HeaderTooLarge, detail));
                    }
                    if !self.text.fill()? {
                        return self.finish().map(|()| None);
                    }
                }
            }
        }
    }

    /// Gives the wrapper what stands before `at`; a piece when it makes no sense, a fault when another document starts there.
    fn gap(&mut self, at: usize) -> Result<Option<Piece>, Fault> {
        self.scanned = 0;
        let gap = self.text.window().get(..at).unwrap_or_default();
        let blank = gap.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let fed = match std::str::from_utf8(gap.get(blank..).unwrap_or_default()) {
            Ok("") => Ok(()),
            Ok(gap) => self.wrapper.feed(gap),
            Err(_) => Err(not_utf8()),
        };
        match fed {
            Ok(()) => {
                self.text.advance(at);
                Ok(None)
            }
            Err(fault) if self.wrapper.closed() => Err(Fault::new(Code::NotTheFormat, fault.detail)),
            Err(fault) => {
                self.wrapper.recover();
                self.text.advance(blank);
                Ok(Some(Piece::faulty(at - blank, fault.code, fault.detail)))
            }
        }
    }

    fn too_much_between(&mut self) -> bool {
        let window = self.text.window();
        if window.len() <= self.limits.header_bytes {
            return false;
        }
        let blank = window.iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.text.advance(blank);
        self.scanned = self.scanned.saturating_sub(blank);
        self.text.window().len() > self.limits.header_bytes
    }

    /// The record that starts the window.
    fn record(&mut self) -> Result<Piece, Fault> {
        let limit = self.limits.record_bytes;
        let mut from = 0;
        loop {
            let length = self.text.window().len();
            match self.scanner.end(self.text.window(), from) {
                End::At(end) | End::Unclosed(end) if end > limit => {
                    return Ok(Piece::too_large(end, limit));
                }
                End::At(end) => return Ok(Piece::sound(end)),
                End::Unclosed(end) => return Ok(unclosed(end)),
                End::More(_) if length > limit => return Ok(self.overflow()),
                End::More(place) => {
                    from = place;
                    self.text.fill_to((length * 2).min(limit + 1))?;
                    if self.text.window().len() == length {
                        return Ok(self.cut_short());
                    }
                }
            }
        }
    }

    /// The record is longer than allowed: another start tag is the way out, else the rest is skipped.
    fn overflow(&mut self) -> Piece {
        let window = self.text.window();
        if let Some(next) = self.scanner.plain_start(window, self.scanner.open_len()) {
            return unclosed(next);
        }
        self.mode = Mode::Skipping;
        let held = window.len().saturating_sub(self.scanner.tail());
        Piece::too_large(held.max(1), self.limits.record_bytes)
    }

    /// The delivery ends within the record; if what closes the document is there, only the record's own end is missing.
    fn cut_short(&mut self) -> Piece {
        let window = self.text.window();
        if let Some(next) = self.scanner.plain_start(window, self.scanner.open_len()) {
            return unclosed(next);
        }
        if let Some(after) = self.wrapper.after_records(window) {
            return unclosed(after);
        }
        self.mode = Mode::Truncated;
        unclosed(window.len())
    }

    fn skip(&mut self) -> Result<(), Fault> {
        loop {
            if let Some(end) = self.scanner.way_out(self.text.window()) {
                self.text.advance(end);
                self.mode = Mode::Between;
                return Ok(());
            }
            let held = self.text.window().len();
            self.text.advance(held.saturating_sub(self.scanner.tail()));
            if !self.text.fill()? {
                self.mode = Mode::Truncated;
                return Ok(());
            }
        }
    }

    /// No record is left: what follows must close the document.
    fn finish(&mut self) -> Result<(), Fault> {
        self.mode = Mode::Ended;
        let rest = std::str::from_utf8(self.text.window()).map_err(|_| not_utf8())?;
        // Old systems end a text with Ctrl-Z.
        let fed = self.wrapper.feed(rest.trim_end_matches(['\u{1A}', '\r', '\n', ' ']));
        let length = rest.len();
        self.text.advance(length);
        match fed {
            Err(fault) if fault.code != Code::MalformedXml || self.wrapper.closed() => {
                Err(Fault::new(Code::NotTheFormat, fault.detail))
            }
            Ok(()) if self.wrapper.closed() => Ok(()),
            _ => Err(truncated()),
        }
    }
}

impl Cut for XmlCut {
    fn cut(&mut self) -> Result<Option<Piece>, Fault> {
        loop {
            match self.mode {
                Mode::Stray(length) => {
                    self.mode = Mode::Between;
                    let Fault { code, detail } = stray_text();
                    return Ok(Some(Piece::faulty(length, code, detail)));
                }
                Mode::Between => return self.between(),
                Mode::Skipping => self.skip()?,
                Mode::Truncated => return Err(truncated()),
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
        self.wrapper.header()
    }

    fn trailer(&self) -> &Record {
        self.wrapper.trailer()
    }
}

/// Lines may end with a lone carriage return.
fn break_lines(text: &mut Text) {
    let window = text.window();
    if let Some(at) = memchr::memchr(b'\r', window)
        && memchr::memchr(b'\n', window).is_none()
        && at + 1 < window.len()
    {
        text.break_lines_at_cr();
    }
}

/// Reads until the first record, or the end of a document without any.
fn prolog(text: &mut Text, wrapper: &mut Wrapper, limit: usize) -> Result<Option<First>, Fault> {
    loop {
        let window = text.window();
        let (sound, broken) = match std::str::from_utf8(window) {
            Ok(sound) => (sound, false),
            Err(error) => {
                let sound = window.get(..error.valid_up_to()).unwrap_or_default();
                (std::str::from_utf8(sound).unwrap_or_default(), error.error_len().is_some())
            }
        };
        let length = window.len();
        match wrapper.feed_to_record(sound) {
            Ok(Some(first)) if first.at <= limit => return Ok(Some(first)),
            Err(fault) if fault.code != Code::MalformedXml => return Err(fault),
            _ if broken => return Err(not_utf8()),
            Ok(None) if text.done() && wrapper.closed() && wrapper.has_strayed() => {
                return Err(Fault::new(Code::NotTheFormat, stray_text().detail));
            }
            Ok(None) if text.done() && wrapper.closed() => return Ok(None),
            Err(fault) if text.done() && wrapper.closed() => {
                return Err(Fault::new(Code::NotTheFormat, fault.detail));
            }
            Ok(None) | Err(_) if text.done() => return Err(truncated()),
            _ => {}
        }
        if length > limit {
            let detail = format!("expected a record within {limit} bytes, found none");
            return Err(Fault::new(Code::HeaderTooLarge, detail));
        }
        text.fill_to(length * 2)?;
        text.fill()?;
        wrapper.reset();
    }
}

fn unclosed(length: usize) -> Piece {
    Piece::faulty(length, Code::MalformedXml, "expected the end tag of the record, found none")
}

fn truncated() -> Fault {
    Fault::new(Code::Truncated, "expected the end tag of the root element, found the end of the delivery")
}
