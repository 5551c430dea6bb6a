//! What stands around the records of an XML delivery: root, header, trailer, and anything a mapping does not know.
//!
//! Pieces of text enter in file order, without the records between them. The stack of open elements is kept from one
//! piece to the next, so that together they must form one well-formed document: one root, and nothing after it.

use hub_core::code::Code;
use hub_core::connector::{Decoder, Fault};
use hub_core::record::Record;
use memchr::memmem;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::decode::XmlDecoder;
use super::describe;

/// The state of the document around the records.
pub(super) struct Wrapper {
    record: Vec<String>,
    header: Part,
    trailer: Part,
    open: Vec<String>,
    parents: Vec<String>,
    rooted: bool,
    /// Where text stands before the first record that is nowhere allowed.
    strayed: Option<usize>,
    decoder: XmlDecoder,
}

/// The header or the trailer: where it is, and what it held.
struct Part {
    path: Option<Vec<String>>,
    from: Option<usize>,
    found: Record,
}

/// The first record.
#[derive(Debug)]
pub(super) struct First {
    /// Where its start tag is.
    pub(super) at: usize,
    /// Its qualified name.
    pub(super) name: String,
    /// Where text stands before it that is nowhere allowed.
    pub(super) strayed: Option<usize>,
}

impl Wrapper {
    /// The wrapper of a delivery not yet read.
    pub(super) fn new(
        record: &[String],
        header: Option<&[String]>,
        trailer: Option<&[String]>,
        decoder: XmlDecoder,
    ) -> Self {
        Self {
            record: record.to_vec(),
            header: Part::new(header),
            trailer: Part::new(trailer),
            open: Vec::new(),
            parents: Vec::new(),
            rooted: false,
            strayed: None,
            decoder,
        }
    }

    /// Forgets everything read.
    pub(super) fn reset(&mut self) {
        self.open.clear();
        self.rooted = false;
        self.strayed = None;
        self.header.forget();
        self.trailer.forget();
    }

    /// Reads up to the first record; `None` when the text holds none.
    pub(super) fn feed_to_record(&mut self, text: &str) -> Result<Option<First>, Fault> {
        let first = self.walk(text, true)?;
        self.parents.clone_from(&self.open);
        Ok(first)
    }

    /// Reads what stands between two records, or after the last.
    pub(super) fn feed(&mut self, text: &str) -> Result<(), Fault> {
        let fed = self.walk(text, false).map(|_| ());
        self.header.from = None;
        self.trailer.from = None;
        fed
    }

    /// Puts the stack back to where the first record stood, after text that could not be read.
    pub(super) fn recover(&mut self) {
        self.open.clone_from(&self.parents);
    }

    /// Where, in text that starts with the last record, stands what follows the records: the trailer, or the end tag of the
    /// element that holds them.
    pub(super) fn after_records(&self, text: &[u8]) -> Option<usize> {
        let trailer = self.trailer.path.as_ref().and_then(|path| path.last());
        let trailer = trailer.and_then(|name| memmem::find(text, format!("<{name}").as_bytes()));
        let parent = || memmem::rfind(text, format!("</{}", self.parents.last()?).as_bytes());
        trailer.or_else(parent)
    }

    /// True where a record may stand.
    pub(super) fn at_records(&self) -> bool {
        self.open.len() + 1 == self.record.len() && under(&self.open, &self.record)
    }

    /// True once the root is closed (or when the record is the root itself).
    pub(super) fn closed(&self) -> bool {
        self.open.is_empty() && (self.rooted || self.record.len() == 1)
    }

    /// The decoded header.
    pub(super) fn header(&self) -> &Record {
        &self.header.found
    }

    /// The decoded trailer.
    pub(super) fn trailer(&self) -> &Record {
        &self.trailer.found
    }

    fn walk(&mut self, text: &str, to_record: bool) -> Result<Option<First>, Fault> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.check_comments = true;
        loop {
            let at = place(reader.buffer_position());
            let event = reader.read_event().map_err(|e| describe(&e))?;
            let end = place(reader.buffer_position());
            match &event {
                Event::Start(tag) | Event::Empty(tag) => {
                    if to_record && self.is_record(tag) {
                        let name = tag.name().into_inner().to_owned();
                        return Ok(Some(First { at, name, strayed: self.strayed }));
                    }
                    self.enter(tag, at)?;
                    if matches!(event, Event::Empty(_)) {
                        self.leave(tag.name().into_inner(), text, end)?;
                    }
                }
                Event::End(tag) => self.leave(tag.name().into_inner(), text, end)?,
                Event::Text(found) if found.trim_ascii().is_empty() => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => match self.stray() {
                    // Before the first record, what follows is read all the same.
                    Err(_) if to_record => self.strayed = self.strayed.or(Some(at)),
                    told => told?,
                },
                Event::DocType(_) => {
                    return Err(Fault::new(Code::DoctypeRefused, "found a document type"));
                }
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
                Event::Eof => return Ok(None),
            }
        }
    }

    fn is_record(&self, tag: &BytesStart<'_>) -> bool {
        self.at_records() && self.record.last().is_some_and(|name| *name == *tag.local_name().into_inner())
    }

    fn enter(&mut self, tag: &BytesStart<'_>, at: usize) -> Result<(), Fault> {
        if self.open.is_empty() {
            self.root(tag.local_name().into_inner())?;
        }
        self.open.push(tag.name().into_inner().to_owned());
        for part in [&mut self.header, &mut self.trailer] {
            if part.is(&self.open) {
                part.from = Some(at);
            }
        }
        Ok(())
    }

    fn root(&mut self, found: &str) -> Result<(), Fault> {
        if self.rooted {
            return Err(Fault::new(Code::NotTheFormat, "expected one root element, found another"));
        }
        match self.record.first() {
            Some(expected) if expected != found => Err(Fault::new(
                Code::NotTheFormat,
                format!("expected the root element `{expected}`, found `{found}`"),
            )),
            _ => {
                self.rooted = true;
                Ok(())
            }
        }
    }

    fn leave(&mut self, name: &str, text: &str, end: usize) -> Result<(), Fault> {
        if self.open.last().is_none_or(|open| open != name) {
            return Err(Fault::new(Code::MalformedXml, "found an end tag without its start tag"));
        }
        for part in [&mut self.header, &mut self.trailer] {
            if part.is(&self.open)
                && let Some(subtree) = part.from.take().and_then(|from| text.get(from..end))
            {
                self.decoder.decode(subtree.as_bytes(), &mut part.found)?;
            }
        }
        self.open.pop();
        Ok(())
    }

    /// Whether text stands before the first record that is nowhere allowed.
    pub(super) fn has_strayed(&self) -> bool {
        self.strayed.is_some()
    }

    /// Text may stand inside elements of their own, not between records nor around the root.
    fn stray(&self) -> Result<(), Fault> {
        if self.open.len() >= self.record.len() || !under(&self.open, &self.record) {
            return Ok(());
        }
        Err(stray_text())
    }
}

/// The fault of text where only elements may stand.
pub(super) fn stray_text() -> Fault {
    Fault::new(Code::MalformedXml, "found text outside any record")
}

impl Part {
    fn new(path: Option<&[String]>) -> Self {
        let mut part = Self { path: path.map(<[String]>::to_vec), from: None, found: Record::default() };
        part.forget();
        part
    }

    fn forget(&mut self) {
        self.from = None;
        self.found.clear();
        self.found.finish();
    }

    fn is(&self, open: &[String]) -> bool {
        self.path.as_ref().is_some_and(|path| path.len() == open.len() && under(open, path))
    }
}

/// True when the open elements are the first ones of a path, whatever their prefixes.
fn under(open: &[String], path: &[String]) -> bool {
    let local = |name: &'_ String| name.split_once(':').map_or(name.len(), |(_, local)| local.len());
    open.iter()
        .zip(path)
        .all(|(found, wanted)| found.get(found.len() - local(found)..) == Some(wanted.as_str()))
}

fn place(position: u64) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}
