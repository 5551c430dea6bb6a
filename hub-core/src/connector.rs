//! The port through which facts come in: a format cuts bytes into frames, and decodes a frame into a record.
//!
//! Cutting is cheap and sees every byte; decoding is dear and sees only the frames that changed since the last
//! delivery (their hash is new). A malformed record costs itself: the cutter goes on at the next record.

use std::io::Read;

use crate::code::Code;
use crate::record::{Names, Position, Record};

/// Limits on what a delivery may make the hub do. Sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest raw size of one record; a longer one is refused alone.
    pub record_bytes: usize,
    /// Largest header before the first record, or trailer after the last.
    pub header_bytes: usize,
    /// Deepest nesting inside a record.
    pub depth: usize,
    /// Most nodes (elements, columns, members) in one record.
    pub nodes: usize,
    /// Most attributes on one XML element.
    pub attributes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { record_bytes: 4 << 20, header_bytes: 1 << 20, depth: 64, nodes: 200_000, attributes: 64 }
    }
}

/// A fault found in the bytes, with its stable code and what was found; never holds a value of a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Fault {
    /// Stable code, explained by `dlnuf explain`.
    pub code: Code,
    /// What was expected and what was found, without any value of a person.
    pub detail: String,
}

impl Fault {
    /// Builds a fault.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// One record's raw bytes inside a [`Frames`] batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Where the record stands.
    pub position: Position,
    /// Where it ends in the delivery, in bytes from its start, as [`Position::byte`] says where it starts.
    pub end: u64,
    /// Its bytes: a range of [`Frames::bytes`], UTF-8 unless `fault` says otherwise.
    pub range: std::ops::Range<usize>,
    /// xxh3-64 of those bytes.
    pub hash: u64,
    /// Set when the record is already known to be unusable (too long, not closed, wrong encoding).
    pub fault: Option<Fault>,
}

/// A batch of frames that share one buffer.
#[derive(Debug, Clone, Default)]
pub struct Frames {
    /// The bytes of all frames, transcoded to UTF-8.
    pub bytes: Vec<u8>,
    /// The frames, in file order.
    pub frames: Vec<Frame>,
}

impl Frames {
    /// The bytes of one frame.
    pub fn bytes_of(&self, frame: &Frame) -> &[u8] {
        self.bytes.get(frame.range.clone()).unwrap_or_default()
    }
}

/// Cuts one delivery into frames. Memory is bounded by the batch asked for plus one record.
pub trait Framer: Send {
    /// The header that stands before the first record, decoded (XML header elements, cells of a first row; for NDJSON an empty
    /// record). Available after construction.
    fn header(&self) -> &Record;

    /// Fills `batch` (cleared first) with up to `count` frames or about `bytes` bytes; an empty batch means the end.
    ///
    /// # Errors
    /// A fault of the delivery as a whole: not the declared format, truncated, too large a header.
    fn next_batch(&mut self, batch: &mut Frames, count: usize, bytes: usize) -> Result<(), Fault>;

    /// The trailer after the last record, decoded; meaningful once a batch came back empty.
    fn trailer(&self) -> &Record;

    /// Bytes of the delivery read so far, for progress.
    fn bytes_read(&self) -> u64;
}

/// Decodes one frame. Pure, shared between threads.
pub trait Decoder: Send + Sync {
    /// Fills `record` (cleared first) from `frame`.
    ///
    /// # Errors
    /// The fault that makes this record, and only this one, unusable.
    fn decode(&self, frame: &[u8], record: &mut Record) -> Result<(), Fault>;
}

/// The text encoding a mapping declares for a feed; a byte order mark or an XML declaration wins over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(pub &'static str);

/// A column of fixed width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// How many characters it takes.
    pub width: usize,
}

/// The rows that stand around the records of a delivery and are none; `C` describes one of their cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edges<C> {
    /// Before the header line and the records; its cells are the delivery's header.
    pub first: Option<Edge<C>>,
    /// After the records; its cells are the delivery's trailer.
    pub last: Option<Edge<C>>,
}

/// One such row, known by what its line starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge<C> {
    /// What the line starts with.
    pub starts: String,
    /// Its cells, in order; more may follow.
    pub cells: Vec<C>,
    /// Without it the delivery is not whole.
    pub required: bool,
}

impl<C> Default for Edges<C> {
    fn default() -> Self {
        Self { first: None, last: None }
    }
}

/// How the bytes of a feed are laid out, as a mapping declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// XML: paths of elements from the root, such as `["Racine", "InfosFoyerRSA"]`.
    Xml {
        /// Path of the repeated record element.
        record: Vec<String>,
        /// Path of the header element, if any; its subtree is the header record's root.
        header: Option<Vec<String>>,
        /// Path of the trailer element, if any.
        trailer: Option<Vec<String>>,
    },
    /// Delimited text.
    Csv {
        /// Field separator; `None` asks the framer to find it among `;`, `,`, tab and `|` in the first line.
        separator: Option<u8>,
        /// Whether a quote where a cell starts has a meaning; else it is a character like any other.
        quotes: bool,
        /// Column names by position when the file's own header line is not to be trusted; the first line is skipped when it
        /// is one. A name that ends with `?` may be missing at the end of a row, with all those after it.
        columns: Option<Vec<String>>,
        /// The rows around the records, whose cells are named by position.
        edges: Edges<String>,
    },
    /// Text in columns of fixed width, one record a line and no header line.
    Fixed {
        /// The columns of a line, from its start. A name that ends with `?` may be missing at the end of a line, with all those
        /// after it.
        columns: Vec<Slot>,
        /// The rows around the records.
        edges: Edges<Slot>,
    },
    /// A JSON array of objects, an object holding one (path in `records`), or one object a line.
    Json {
        /// Path to the array inside a wrapping object; empty for a bare array or NDJSON.
        records: Vec<String>,
    },
}

/// Everything a format needs to open a delivery.
#[derive(Debug, Clone)]
pub struct Dialect {
    /// Layout of the bytes.
    pub layout: Layout,
    /// Declared encoding label (`windows-1252`, `iso-8859-15`, `utf-8`), used when the bytes do not say.
    pub encoding: Option<String>,
    /// Names to keep; the XML and JSON decoders match them exactly, CSV matches header cells by [`fold_header`].
    pub names: Names,
    /// Limits to hold.
    pub limits: Limits,
}

impl Dialect {
    /// The dialect of text in lines saved by a spreadsheet on a French Windows; `None` when the encoding is declared to be another
    /// than UTF-8.
    pub fn of_windows(&self) -> Option<Self> {
        let utf8 = self.encoding.as_deref().is_none_or(|label| label.eq_ignore_ascii_case("utf-8"));
        let lines = matches!(self.layout, Layout::Csv { .. } | Layout::Fixed { .. });
        (utf8 && lines).then(|| Self { encoding: Some("windows-1252".to_owned()), ..self.clone() })
    }
}

/// What the letters beyond ASCII of a delivery show of its encoding.
#[derive(Debug, Clone, Copy, Default)]
pub struct Accents {
    /// Some are UTF-8.
    pub utf8: bool,
    /// Some are not.
    pub other: bool,
}

impl Accents {
    /// Looks at the header cells of a delivery.
    pub fn of_header(columns: &[String]) -> Self {
        Self { utf8: columns.iter().any(|cell| !cell.is_ascii()), other: false }
    }

    /// Looks at a batch of frames.
    pub fn see(&mut self, frames: &Frames) {
        for frame in &frames.frames {
            match &frame.fault {
                None => self.utf8 = self.utf8 || !frames.bytes_of(frame).is_ascii(),
                Some(fault) => self.other |= fault.code == Code::WrongEncoding,
            }
        }
    }

    /// Whether not one of them is UTF-8 although it should be: of a delivery that was read, or could not be.
    pub fn are_foreign(read: Result<Self, &Fault>) -> bool {
        match read {
            Ok(Self { utf8, other }) => other && !utf8,
            Err(fault) => fault.code == Code::WrongEncoding,
        }
    }
}

/// An opened delivery: the cutter and the decoder that understands its frames.
pub struct Opened {
    /// Cuts frames.
    pub framer: Box<dyn Framer>,
    /// Decodes them.
    pub decoder: Box<dyn Decoder>,
    /// The header cells, for delimited text whose own header names the columns.
    pub columns: Option<Vec<String>>,
}

/// The formats the hub can read, behind one door; implemented by the `connectors` crate.
pub trait Formats: Send + Sync {
    /// Opens a delivery with a mapping's dialect.
    ///
    /// # Errors
    /// The fault that makes the whole delivery unreadable.
    fn open(&self, bytes: Box<dyn Read + Send>, dialect: &Dialect) -> Result<Opened, Fault>;

    /// Looks at the first bytes (64 KiB at most) and tells what can be seen of the format.
    ///
    /// # Errors
    /// A fault when it is none of the known formats (empty, archive, binary).
    fn probe(&self, head: &[u8]) -> Result<Probe, Fault>;
}

/// What the first bytes of a delivery show, for choosing the mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// XML: every element path seen (`Racine/IdentificationFlux/NATFLUX`), with the first text of leaves.
    Xml {
        /// Element path and first text, in document order, first occurrence only.
        paths: Vec<(String, String)>,
    },
    /// Text in lines: the first two, as written.
    Csv {
        /// Cells of the first line: the header, unless a row stands before it.
        columns: Vec<String>,
        /// That line.
        line: String,
        /// Cells of the line below.
        below: Vec<String>,
    },
    /// JSON: member paths of the first object (`a`, `a/b`).
    Json {
        /// Member paths.
        members: Vec<String>,
    },
}

/// Folds a CSV header cell for comparison: accents, case, asterisks, quotes and runs of white space do not count.
///
/// Real headers carry newlines (`Date de\nNaissance`), trailing tabs and `*` marks (shared feed facts, département).
pub fn fold_header(cell: &str) -> String {
    let mut folded = String::with_capacity(cell.len());
    for c in cell.chars() {
        match c {
            '*' | '\u{feff}' | '"' => {}
            '’' | '`' => folded.push('\''),
            c if c.is_whitespace() || c == '\u{a0}' => {
                if !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            // A Mac writes `é` as two characters, the second of which is only the accent.
            '\u{300}'..='\u{36f}' => {}
            c => folded.extend(crate::text::base_letter(c).chars().flat_map(char::to_lowercase)),
        }
    }
    folded.trim().to_owned()
}
