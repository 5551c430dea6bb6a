//! A record that was read and mapped, on its way to its persons.

use crate::claim::Mapped;
use crate::record::Position;
use crate::statement::RecordKey;

/// A record that was read and mapped.
#[derive(Debug, Clone)]
pub(super) struct MappedRecord {
    pub position: Position,
    /// `None` when it raised a remark and must be read again next time.
    pub hash: Option<u64>,
    pub mapped: Mapped,
    /// Rows of its batch that state the same person under its key before it, the nearest first, where a blank leaves what was known.
    pub earlier: Vec<MappedRecord>,
}

impl MappedRecord {
    /// What names it.
    pub fn key(&self) -> RecordKey {
        (self.mapped.emitter.clone(), self.mapped.key.clone())
    }
}
