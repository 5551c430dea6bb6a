//! From the bytes of one XML record to a `Record`, strictly and without allocating for each element.
//!
//! One well-formed element enters; the elements and attributes a mapping reads leave, with their text unescaped. Only
//! the five predefined entities and character references are resolved. Depth, nodes and attributes are capped.

use hub_core::code::Code;
use hub_core::connector::{Decoder, Fault, Limits};
use hub_core::record::{NameId, Names, Record};
use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::describe;
use crate::format::cut::{control_character, holds_control, not_utf8};
use crate::format::lookup::Lookup;

/// Decodes XML records.
#[derive(Debug, Clone)]
pub(super) struct XmlDecoder {
    names: Lookup,
    attributes: Lookup,
    limits: Limits,
}

impl XmlDecoder {
    /// A decoder that keeps `names`.
    pub(super) fn new(names: &Names, limits: Limits) -> Self {
        Self { names: Lookup::all(names), attributes: Lookup::attributes(names), limits }
    }
}

impl Decoder for XmlDecoder {
    fn decode(&self, frame: &[u8], record: &mut Record) -> Result<(), Fault> {
        record.clear();
        let text = std::str::from_utf8(frame).map_err(|_| not_utf8())?;
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        let mut walk =
            Walk { decoder: self, record, depth: 0, skipped: 0, nodes: 0, closed: false, noted: Vec::new() };
        loop {
            match reader.read_event().map_err(|e| describe(&e))? {
                Event::Eof => break,
                event => walk.step(&event)?,
            }
        }
        walk.end()
    }
}

struct Walk<'d> {
    decoder: &'d XmlDecoder,
    record: &'d mut Record,
    depth: usize,
    /// Depth of the element whose subtree is skipped; 0 when none is.
    skipped: usize,
    nodes: usize,
    closed: bool,
    /// Attributes of the innermost element: they become its children once its own text is read.
    noted: Vec<(NameId, String)>,
}

impl Walk<'_> {
    #[inline]
    fn step(&mut self, event: &Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Start(tag) => self.enter(tag)?,
            Event::End(_) => self.leave(),
            Event::Empty(tag) => {
                self.enter(tag)?;
                self.leave();
            }
            Event::Text(text) => self.text(text)?,
            Event::CData(text) => self.text(text)?,
            Event::GeneralRef(reference) => self.reference(reference)?,
            Event::DocType(_) => {
                return Err(Fault::new(Code::DoctypeRefused, "found a document type"));
            }
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn enter(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        if self.closed {
            return Err(malformed("found an element after the record"));
        }
        self.depth += 1;
        self.nodes += 1;
        let limits = self.decoder.limits;
        if self.depth > limits.depth || self.nodes > limits.nodes {
            let detail =
                format!("expected at most {} levels and {} elements, found more", limits.depth, limits.nodes);
            return Err(Fault::new(Code::TooDeep, detail));
        }
        self.note();
        if self.skipped == 0 && self.depth > 1 {
            match self.decoder.names.get(tag.local_name().into_inner()) {
                Some(name) => self.record.open(name),
                None => self.skipped = self.depth,
            }
        }
        if tag.attributes_raw().is_empty() {
            return Ok(());
        }
        self.attributes(tag)
    }

    fn attributes(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        let most = self.decoder.limits.attributes;
        for (count, attribute) in tag.attributes().enumerate() {
            if count == most {
                let detail = format!("expected at most {most} attributes, found more");
                return Err(Fault::new(Code::TooDeep, detail));
            }
            let attribute = attribute.map_err(|_| malformed("found an attribute that is not well-formed"))?;
            let value = unescape(&attribute.value).map_err(|_| refused())?;
            let name = self.decoder.attributes.get(attribute.key.local_name().into_inner());
            if let Some(name) = name.filter(|_| self.skipped == 0) {
                self.noted.push((name, value.into_owned()));
            }
        }
        Ok(())
    }

    fn note(&mut self) {
        for (name, value) in self.noted.drain(..) {
            self.record.leaf(name, &value);
        }
    }

    fn leave(&mut self) {
        self.note();
        if self.skipped == self.depth {
            self.skipped = 0;
        } else if self.skipped == 0 && self.depth > 1 {
            self.record.close();
        }
        self.depth = self.depth.saturating_sub(1);
        self.closed = self.depth == 0;
    }

    fn text(&mut self, text: &str) -> Result<(), Fault> {
        if self.depth == 0 {
            let blank = text.trim_ascii().is_empty();
            return if blank { Ok(()) } else { Err(malformed("found text outside the record")) };
        }
        if self.skipped == 0 {
            self.record.text(text);
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Fault> {
        let character = reference.resolve_char_ref().map_err(|_| refused())?;
        let mut buffer = [0; 4];
        let text = match character {
            Some(c) => &*c.encode_utf8(&mut buffer),
            None => resolve_predefined_entity(reference).ok_or_else(refused)?,
        };
        if holds_control(text.as_bytes()) {
            return Err(control_character());
        }
        if self.depth == 0 {
            return Err(malformed("found text outside the record"));
        }
        self.text(text)
    }

    fn end(self) -> Result<(), Fault> {
        if !self.closed {
            return Err(malformed("expected the end tag of the record, found the end of its bytes"));
        }
        self.record.finish();
        Ok(())
    }
}

fn malformed(detail: &str) -> Fault {
    Fault::new(Code::MalformedXml, detail)
}

fn refused() -> Fault {
    Fault::new(Code::EntityRefused, "expected a predefined entity or a character reference, found another")
}
