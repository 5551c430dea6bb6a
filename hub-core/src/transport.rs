//! The port to places extracts are fetched from: a drop folder, an SFTP server, an API, an object store.
//!
//! Contract: `look` lists what waits, in the order in which it is to be taken in, and changes nothing there; `fetch` may be called
//! again after any failure and gives the same bytes as long as the offer's version is the same; `taken` is called only once the
//! bytes are durable here, and again after a crash, so it succeeds when the work is done already. No error names a value of a
//! person.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::io::AsyncWrite;

use crate::code::Code;

/// Something that waits at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What the place calls it: a path, a key, an address. A hint of what it holds, never trusted.
    pub name: String,
    /// Its version there (an `ETag`, or size and time of change); the same name and version are the same bytes.
    pub version: String,
    /// Its size in bytes, when the place tells.
    pub size_bytes: Option<u64>,
    /// When it was last changed there, when the place tells.
    pub changed_at: Option<Timestamp>,
}

/// What came of a fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// Bytes were written.
    Whole {
        /// Where the next look should go on from, for places read by cursor; kept once the bytes are durable.
        cursor: Option<String>,
        /// Records left out, each with why: a person the place does not know, an answer that cannot be understood.
        missing: Vec<Missing>,
    },
    /// There was nothing new: not modified, or no content.
    Nothing,
}

/// Something asked for that did not come, counted by cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The stable code.
    pub code: Code,
    /// What was expected and found, without any value of a person.
    pub detail: String,
    /// How often.
    pub count: u64,
}

/// A failed call to a place.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct TransportError {
    /// Stable code; `disposition` says whether to try again.
    pub code: Code,
    /// What was expected and what was found, without any value of a person, any password or any token.
    pub detail: String,
    /// The place asks not to be called before this long.
    pub retry_after: Option<Duration>,
    /// Why.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl TransportError {
    /// An error without a cause of its own.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after: None, source: None }
    }

    /// Adds the error it came from; that error must not show a value of a person either.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}

/// Where an offer's bytes are written.
pub type Sink<'a> = &'a mut (dyn AsyncWrite + Send + Unpin);

/// A place.
#[async_trait]
pub trait Transport: Send + Sync {
    /// What waits, in the order in which it is to be taken in. `cursor` is what the last fetch left, for places read by cursor.
    async fn look(&self, cursor: Option<&str>) -> Result<Vec<Offer>, TransportError>;

    /// Writes an offer's bytes; the caller flushes. What concerns this offer alone is told apart from a failing place by its code:
    /// [`Code::OfferChanged`], [`Code::PlaceRefused`], [`Code::AnswerNotUnderstood`].
    async fn fetch(&self, offer: &Offer, into: Sink<'_>) -> Result<Fetched, TransportError>;

    /// The bytes are durable here: removes, moves or acknowledges the offer there, as its configuration says.
    async fn taken(&self, offer: &Offer) -> Result<(), TransportError>;

    /// Names the last look saw and passed over, though they are wanted: no offer can be made of them. Escaped, to be shown.
    fn passed_over(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether an offer of one name and version is always the same bytes, so that it is fetched once; a list, whose offer is asked
    /// for what it holds now, says no.
    fn offers_once(&self) -> bool {
        true
    }

    /// Leaves a file there, whole or not at all, for the institution to read: a receipt. `name` is one path segment.
    async fn leave(&self, name: &str, bytes: &[u8]) -> Result<(), TransportError>;

    /// Tries the connection, and tells in a few words what was found.
    async fn check(&self) -> Result<String, TransportError>;
}
