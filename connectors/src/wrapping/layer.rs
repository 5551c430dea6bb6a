//! What every stream of an unwrapping passes through: it is counted, and its first error is kept as a fault with its cause.
//!
//! Decoders lose the cause of an error they pass on, so the innermost layer that sees one notes it here; what is noted first is what
//! `unwrap` returns. A layer never reads again from a decoder that failed.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, MutexGuard, PoisonError};

use hub_core::code::Code;
use hub_core::connector::Fault;

use super::{Limits, WrappingError};

/// The ratio is looked at only once this much came out: a small file may well be all of one letter.
const RATIO_FROM_BYTES: u64 = 64 << 20;

/// What one unwrapping has done so far, shared by its layers.
pub(super) struct Tally<'l> {
    pub(super) limits: &'l Limits,
    packed: u64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Bytes that came out at each depth.
    out: Vec<u64>,
    entries: usize,
    first: Option<WrappingError>,
}

impl<'l> Tally<'l> {
    /// Nothing yet, of a file of `packed` bytes.
    pub(super) fn new(limits: &'l Limits, packed: u64) -> Self {
        let state = State { out: vec![0; limits.depth], ..State::default() };
        Self { limits, packed, state: Mutex::new(state) }
    }

    /// Nothing yet, of the same file: for a trial.
    pub(super) fn afresh(&self) -> Self {
        Self::new(self.limits, self.packed)
    }

    /// Takes the first error out, if there was one.
    pub(super) fn first(&self) -> Option<WrappingError> {
        self.state().first.take()
    }

    /// Counts the entries of one more zip.
    pub(super) fn entries(&self, count: usize) -> Result<(), WrappingError> {
        let mut state = self.state();
        state.entries = state.entries.saturating_add(count);
        if state.entries > self.limits.entries {
            let (most, found) = (self.limits.entries, state.entries);
            return Err(WrappingError::unpackable(format!("expected at most {most} entries, found {found}")));
        }
        Ok(())
    }

    /// Keeps an error unless there was one before; an error to pass on instead leaves.
    fn note(&self, error: WrappingError) -> io::Error {
        self.state().first.get_or_insert(error);
        io::Error::other("the wrapping cannot be read further")
    }

    fn count(&self, depth: usize, bytes: usize) -> Result<(), WrappingError> {
        let mut state = self.state();
        let Some(out) = state.out.get_mut(depth) else { return Ok(()) };
        *out = out.saturating_add(bytes as u64);
        if *out > self.limits.unpacked_bytes {
            let most = self.limits.unpacked_bytes;
            return Err(Fault::new(
                Code::TooLarge,
                format!("expected at most {most} bytes, found more inside"),
            )
            .into());
        }
        if *out > RATIO_FROM_BYTES && *out / self.limits.ratio.max(1) > self.packed {
            let most = self.limits.ratio;
            let detail = format!("expected at most {most} bytes for each packed byte, found more");
            return Err(WrappingError::unpackable(detail));
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose fault an error of a layer is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Blame {
    /// The place the file lies in.
    Place,
    /// The bytes of the file: the code, and what was expected and found.
    Bytes(Code, &'static str),
}

/// A stream whose errors are noted, and whose bytes are counted when it has a depth.
pub(super) struct Layer<'t, R> {
    inner: Option<R>,
    tally: &'t Tally<'t>,
    blame: Blame,
    depth: Option<usize>,
}

impl<'t, R> Layer<'t, R> {
    /// A stream whose bytes are not counted.
    pub(super) fn new(inner: R, tally: &'t Tally<'t>, blame: Blame) -> Self {
        Self { inner: Some(inner), tally, blame, depth: None }
    }

    /// A stream whose bytes count as unpacked at this depth.
    pub(super) fn counted(inner: R, tally: &'t Tally<'t>, blame: Blame, depth: usize) -> Self {
        Self { depth: Some(depth), ..Self::new(inner, tally, blame) }
    }

    fn told<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            self.inner = None;
            self.tally.note(match self.blame {
                Blame::Place => WrappingError::Io(error),
                Blame::Bytes(code, detail) => Fault::new(code, detail).into(),
            })
        })
    }
}

fn ended() -> io::Error {
    io::Error::other("the wrapping cannot be read further")
}

impl<R: Read> Read for Layer<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.as_mut().ok_or_else(ended)?.read(buffer);
        let count = self.told(read)?;
        if let Some(depth) = self.depth {
            self.tally.count(depth, count).map_err(|error| {
                self.inner = None;
                self.tally.note(error)
            })?;
        }
        Ok(count)
    }
}

impl<R: Seek> Seek for Layer<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let inner = self.inner.as_mut().ok_or_else(ended)?;
        // A place before the start is asked for by a damaged zip: that is no error of the disk.
        match inner.seek(to) {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(error),
            sought => self.told(sought),
        }
    }
}
