//! The rows around the records of a delivery of lines: a first one that opens it, a last one that closes it.
//!
//! A line enters; when it is such a row its cells are kept as the delivery's header or trailer. A row that must be there and is
//! not makes the delivery another one, or one that was cut short.

use hub_core::code::Code;
use hub_core::connector::{Decoder, Edge, Edges, Fault};
use hub_core::record::Record;

use super::line::{line_end, skip_blank_lines};
use super::text::Text;

/// The rows around the records of one delivery.
pub(super) struct Around<D> {
    first: Option<EdgeRow<D>>,
    last: Option<EdgeRow<D>>,
    empty: Record,
}

impl<D: Decoder> Around<D> {
    /// Takes the first row, when the mapping declares one, and expects the last; `decoder` reads the cells of either.
    ///
    /// # Errors
    /// When the delivery is empty, or its first row must be there and is not, or goes on for more than `limit` bytes.
    pub(super) fn open<C>(
        text: &mut Text,
        edges: &Edges<C>,
        limit: usize,
        decoder: impl Fn(&[C]) -> D,
    ) -> Result<Self, Fault> {
        skip_blank_lines(text)?;
        if text.window().is_empty() {
            return Err(Fault::new(Code::EmptyDelivery, "expected a line, found nothing"));
        }
        let [mut first, last] = [&edges.first, &edges.last]
            .map(|edge| edge.as_ref().map(|edge| EdgeRow::new(edge, decoder(&edge.cells))));
        if let Some(first) = &mut first {
            first.open(text, limit)?;
        }
        Ok(Self { first, last, empty: nothing() })
    }

    /// Whether a row is the last one; nothing may follow it.
    ///
    /// # Errors
    /// When it was there before, or cannot be read.
    #[inline]
    pub(super) fn closes(&mut self, row: &[u8]) -> Result<bool, Fault> {
        let Some(last) = &mut self.last else { return Ok(false) };
        if last.seen {
            return Err(Fault::new(Code::NotTheFormat, "expected nothing after the last row, found more"));
        }
        last.takes(row)
    }

    /// What a delivery that ends here lacks.
    ///
    /// # Errors
    /// When it should have ended with a last row.
    pub(super) fn end(&self) -> Result<(), Fault> {
        self.last.as_ref().map_or(Ok(()), EdgeRow::end)
    }

    /// The cells of the first row.
    pub(super) fn header(&self) -> &Record {
        self.first.as_ref().map_or(&self.empty, |first| &first.record)
    }

    /// The cells of the last row.
    pub(super) fn trailer(&self) -> &Record {
        self.last.as_ref().map_or(&self.empty, |last| &last.record)
    }
}

/// A first or last row: how it is known, and what was read of it.
struct EdgeRow<D> {
    starts: Vec<u8>,
    required: bool,
    decoder: D,
    record: Record,
    seen: bool,
}

impl<D: Decoder> EdgeRow<D> {
    /// The row a mapping declares, whose cells `decoder` reads.
    fn new<C>(edge: &Edge<C>, decoder: D) -> Self {
        let (starts, required) = (edge.starts.clone().into_bytes(), edge.required);
        Self { starts, required, decoder, record: nothing(), seen: false }
    }

    /// Whether a line is this row; its cells are kept then.
    fn takes(&mut self, line: &[u8]) -> Result<bool, Fault> {
        if !line.starts_with(&self.starts) {
            return Ok(false);
        }
        self.decoder.decode(line, &mut self.record)?;
        self.seen = true;
        Ok(true)
    }

    /// Takes the first line of a delivery when it is this row; the window then starts after it.
    fn open(&mut self, text: &mut Text, limit: usize) -> Result<(), Fault> {
        text.fill_to(self.starts.len())?;
        if !text.window().starts_with(&self.starts) {
            let expected = String::from_utf8_lossy(&self.starts);
            let detail = format!("expected a first row that starts with `{expected}`, found another line");
            return if self.required { Err(Fault::new(Code::NotTheFormat, detail)) } else { Ok(()) };
        }
        loop {
            let window = text.window();
            let breaks = line_end(window);
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

    /// What a delivery that ends here lacks.
    fn end(&self) -> Result<(), Fault> {
        if self.seen || !self.required {
            return Ok(());
        }
        let expected = String::from_utf8_lossy(&self.starts);
        let detail =
            format!("expected a last row that starts with `{expected}`, found the end of the delivery");
        Err(Fault::new(Code::Truncated, detail))
    }
}

/// A record that holds nothing.
fn nothing() -> Record {
    let mut record = Record::default();
    record.clear();
    record.finish();
    record
}
