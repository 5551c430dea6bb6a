//! The rows around the records of a delivery of lines: a first one that opens it, a last one that closes it.
//!
//! A line enters; when it is such a row its cells are kept as the delivery's header or trailer. A row that must be there and is
//! not makes the delivery another one, or one that was cut short.

use hub_core::code::Code;
use hub_core::connector::{Decoder, Edge, Fault};
use hub_core::record::Record;

use super::text::Text;

/// A first or last row: how it is known, and what was read of it.
pub(super) struct EdgeRow<D> {
    starts: Vec<u8>,
    required: bool,
    decoder: D,
    record: Record,
    seen: bool,
}

impl<D: Decoder> EdgeRow<D> {
    /// The row a mapping declares, whose cells `decoder` reads.
    pub(super) fn new<C>(edge: &Edge<C>, decoder: D) -> Self {
        let (starts, required) = (edge.starts.clone().into_bytes(), edge.required);
        Self { starts, required, decoder, record: nothing(), seen: false }
    }

    /// Whether a line is this row; its cells are kept then.
    ///
    /// # Errors
    /// When its text cannot be read.
    pub(super) fn takes(&mut self, line: &[u8]) -> Result<bool, Fault> {
        if !line.starts_with(&self.starts) {
            return Ok(false);
        }
        self.decoder.decode(line, &mut self.record)?;
        self.seen = true;
        Ok(true)
    }

    /// Takes the first line of a delivery when it is this row; the window then starts after it.
    ///
    /// # Errors
    /// When the row must be there and is not, or goes on for more than `limit` bytes.
    pub(super) fn open(&mut self, text: &mut Text, limit: usize) -> Result<(), Fault> {
        text.fill_to(self.starts.len())?;
        if !text.window().starts_with(&self.starts) {
            let expected = String::from_utf8_lossy(&self.starts);
            let detail = format!("expected a first row that starts with `{expected}`, found another line");
            return if self.required { Err(Fault::new(Code::NotTheFormat, detail)) } else { Ok(()) };
        }
        loop {
            let window = text.window();
            let breaks = memchr::memchr2(b'\n', b'\r', window);
            if breaks.is_none_or(|end| end > limit) && window.len() > limit {
                let detail = format!("expected a first row of at most {limit} bytes, found more");
                return Err(Fault::new(Code::HeaderTooLarge, detail));
            }
            if let Some(end) = breaks.or(text.done().then_some(window.len())) {
                self.takes(window.get(..end).unwrap_or_default())?;
                text.advance(end);
                return Ok(());
            }
            let wanted = (window.len() * 2).max(1);
            text.fill_to(wanted)?;
        }
    }

    /// Whether the row was there.
    pub(super) fn is_seen(&self) -> bool {
        self.seen
    }

    /// What a delivery that ends here lacks.
    ///
    /// # Errors
    /// When it should have ended with this row.
    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.seen || !self.required {
            return Ok(());
        }
        let expected = String::from_utf8_lossy(&self.starts);
        let detail =
            format!("expected a last row that starts with `{expected}`, found the end of the delivery");
        Err(Fault::new(Code::Truncated, detail))
    }

    /// Its cells.
    pub(super) fn record(&self) -> &Record {
        &self.record
    }
}

/// The fault of a delivery that goes on after its last row.
pub(super) fn goes_on() -> Fault {
    Fault::new(Code::NotTheFormat, "expected nothing after the last row, found more")
}

/// A record that holds nothing.
pub(super) fn nothing() -> Record {
    let mut record = Record::default();
    record.clear();
    record.finish();
    record
}
