//! Look-up keys: what two claims must share before anybody compares them.
//!
//! A kind and a text make a key. The store keeps keyed hashes of them; Debug shows the kind alone.

use std::fmt;

use compact_str::{CompactString, format_compact};

/// How keys are made today: kept with a store, so that those of another making are written anew.
pub const KEYS_MADE: &str = "2";

/// A look-up key. Personal text: the store hashes it with its own secret, Debug hides it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityKey(pub CompactString);

impl IdentityKey {
    pub(super) fn new(kind: &str, text: &str) -> Self {
        Self(format_compact!("{kind}:{text}"))
    }

    pub(super) fn nir(number: &str) -> Self {
        Self::new("nir", number)
    }

    fn kind(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// Made of a name and a birth: it finds persons, it does not tell that they are the same.
    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind(), "nom" | "jour")
    }

    /// A number somebody gave.
    pub fn is_number(&self) -> bool {
        !self.is_name()
    }

    pub(super) fn is_nir(&self) -> bool {
        self.kind() == "nir"
    }

    /// How much a shared number of its kind tells, 0 the most.
    pub(super) fn rank(&self) -> u8 {
        match self.kind() {
            "nir" => 0,
            "ft0" => 1,
            "ft1" => 2,
            "si" => 3,
            _ => 4,
        }
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({})", self.kind())
    }
}
