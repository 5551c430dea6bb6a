//! Opens what is wrapped around an extract: gzip, zstd, zip, CMS (S/MIME) and OpenPGP, one inside another up to a limit.
//!
//! A file and the keys of its source enter, the extracts in it leave, one after the other, as streams with the name their wrapping
//! gives them. What a file is, its first bytes say, never its name. Whatever the bytes, nothing here panics, memory stays bounded,
//! and an extract whose integrity cannot be verified ends in an error: who reads it keeps nothing before `unwrap` returned `Ok`.

mod bounded;
mod cms;
mod gzip;
mod keys;
mod kind;
mod layer;
mod openpgp;
mod text;
mod zip;
mod zstd;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};

use hub_core::code::Code;
use hub_core::connector::Fault;

pub use keys::{KeyError, KeyFiles, Keys, OpenPgpFile};
use kind::Kind;
use layer::{Blame, Layer, Tally};

/// A nested zip larger than this is put down in a nameless temporary file, as a zip can only be read from its end.
const IN_MEMORY_BYTES: usize = 8 << 20;

/// Limits on what unwrapping may make the hub do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes that may come out at one depth, over all entries.
    pub unpacked_bytes: u64,
    /// Most bytes that may come out for each byte of the file, looked at once more than 64 MiB came out.
    pub ratio: u64,
    /// Most entries of all zips together.
    pub entries: usize,
    /// Most wrappings one inside another.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { unpacked_bytes: 16 << 30, ratio: 250, entries: 1000, depth: 4 }
    }
}

/// One extract, as a stream.
pub struct Extract<'a> {
    /// The name its wrapping gives it, one path segment; a hint, never trusted.
    pub name: Option<String>,
    /// Its bytes. They may be believed only once `unwrap` returned `Ok`.
    pub bytes: &'a mut dyn Read,
}

/// Why a file could not be unwrapped.
#[derive(Debug, thiserror::Error)]
pub enum WrappingError {
    /// The fault is in the file, or no key opens it; trying again changes nothing.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The file could not be read, or what came out could not be written.
    #[error("the delivery could not be read or put down")]
    Io(#[source] io::Error),
}

impl WrappingError {
    fn unpackable(detail: impl Into<String>) -> Self {
        Fault::new(Code::Unpackable, detail).into()
    }

    fn cannot_decrypt(detail: impl Into<String>) -> Self {
        Fault::new(Code::CannotDecrypt, detail).into()
    }
}

/// Opens `file` and hands each extract in it to `take`, in order. A file that is wrapped in nothing is handed over as it is.
///
/// When `take` stops reading early, the rest is read here, so that integrity is verified all the same.
///
/// # Errors
/// A fault of the file (`DLN0804`, `DLN0805`, `DLN0806`), or an error of reading it or of `take`.
pub fn unwrap(
    file: File,
    name: Option<&str>,
    keys: &Keys,
    limits: &Limits,
    take: &mut dyn FnMut(Extract<'_>) -> io::Result<()>,
) -> Result<(), WrappingError> {
    let packed = file.metadata().map_err(WrappingError::Io)?.len();
    let tally = Tally::new(limits, packed);
    let mut opening = Opening { keys, tally: &tally, take };
    let file = Source::Place(Box::new(Layer::new(file, &tally, Blame::Place)));
    let opened = opening.open(file, name.map(str::to_owned), 0);
    // What went wrong first is the cause; what it made go wrong further out is not.
    tally.first().map_or(opened, Err)
}

/// Bytes that come one after the other.
type Bytes<'b> = Box<dyn Read + Send + 'b>;

/// Bytes that can be read from anywhere.
trait Place: Read + Seek + Send {}
impl<P: Read + Seek + Send> Place for P {}

/// Where a wrapping is read from.
enum Source<'b> {
    Place(Box<dyn Place + 'b>),
    Stream(Bytes<'b>),
}

/// One unwrapping on its way.
struct Opening<'o> {
    keys: &'o Keys,
    tally: &'o Tally<'o>,
    take: &'o mut dyn FnMut(Extract<'_>) -> io::Result<()>,
}

impl Opening<'_> {
    /// Opens one wrapping, or hands over what is wrapped in nothing.
    fn open(
        &mut self,
        mut from: Source<'_>,
        name: Option<String>,
        depth: usize,
    ) -> Result<(), WrappingError> {
        let head = from.head().map_err(WrappingError::Io)?;
        let Some(kind) = Kind::of(&head) else { return self.hand(from.stream(head)?, name) };
        if depth >= self.tally.limits.depth {
            let most = self.tally.limits.depth;
            return Err(WrappingError::unpackable(format!(
                "expected at most {most} wrappings, found {} inside",
                kind.word()
            )));
        }
        let name = name.map(|name| kind.unwrapped(&name).to_owned());
        let tally = self.tally;
        let inner: Bytes<'_> = match kind {
            Kind::Zip => {
                let place = self.seekable(from, head)?;
                return self.zip(place, depth);
            }
            Kind::Gzip => Box::new(gzip::Members::new(from.stream(head)?)),
            Kind::Zstd => Box::new(zstd::Frames::new(from.stream(head)?)),
            Kind::Cms => cms::open(from.stream(head)?, self.keys)?,
            Kind::CmsText => cms::open(Box::new(text::Decoded::new(from.stream(head)?)?), self.keys)?,
            Kind::OpenPgp => self.openpgp(from, head)?,
            Kind::Other(what) => {
                let expected = "expected the extract itself, gzip, zstd, zip, CMS or OpenPGP";
                return Err(WrappingError::unpackable(format!("{expected}, found {what}")));
            }
        };
        let layer = Layer::counted(inner, tally, kind.blame(), depth);
        self.open(Source::Stream(Box::new(layer)), name, depth + 1)
    }

    fn hand(&mut self, mut bytes: Bytes<'_>, name: Option<String>) -> Result<(), WrappingError> {
        let taken = (self.take)(Extract { name, bytes: &mut *bytes });
        // An error of the stream, which `take` may have passed on, or swallowed.
        self.tally.first().map_or(Ok(()), Err)?;
        taken.map_err(WrappingError::Io)?;
        io::copy(&mut bytes, &mut io::sink()).map_err(WrappingError::Io)?;
        Ok(())
    }

    /// A zip is read from its end: one that comes as a stream is put down first, which also verifies what is around it.
    fn seekable<'b>(&self, from: Source<'b>, head: Vec<u8>) -> Result<Box<dyn Place + 'b>, WrappingError>
    where
        Self: 'b,
    {
        let mut stream = match from {
            Source::Place(place) => return Ok(place),
            stream @ Source::Stream(_) => stream.stream(head)?,
        };
        let mut down = tempfile::SpooledTempFile::new(IN_MEMORY_BYTES);
        io::copy(&mut stream, &mut down).map_err(WrappingError::Io)?;
        down.flush().and_then(|()| down.rewind()).map_err(WrappingError::Io)?;
        Ok(Box::new(Layer::new(down, self.tally, Blame::Place)))
    }
}

impl<'b> Source<'b> {
    /// The first bytes; a place stands at its start again.
    fn head(&mut self) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        match self {
            Self::Stream(stream) => stream.take(kind::HEAD).read_to_end(&mut head)?,
            Self::Place(place) => {
                place.take(kind::HEAD).read_to_end(&mut head)?;
                usize::try_from(place.seek(SeekFrom::Start(0))?).unwrap_or_default()
            }
        };
        Ok(head)
    }

    /// All bytes as a stream, with the head taken from it before.
    fn stream(self, head: Vec<u8>) -> Result<Bytes<'b>, WrappingError> {
        Ok(match self {
            Self::Stream(rest) => Box::new(Cursor::new(head).chain(rest)),
            Self::Place(mut place) => {
                place.seek(SeekFrom::Start(0)).map_err(WrappingError::Io)?;
                Box::new(place)
            }
        })
    }
}
