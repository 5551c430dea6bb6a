//! Look-up keys: what two claims must share before anybody compares them.
//!
//! A kind and a text make a key. The store keeps keyed hashes of them; Debug shows the kind alone.

use std::fmt;

use compact_str::{CompactString, format_compact};

/// How keys are made today: kept with a store, so that those of another making are written anew.
pub const KEYS_MADE: &str = "3";

/// Kinds that find persons and tell nothing of whether they are the same: made of names and a birth.
const OF_PERSONS: [&str; 3] = ["nom", "jour", "debut"];
/// And those made of what a household shares, too.
const OF_HOUSEHOLDS: [&str; 5] = ["poste", "lieu", "tel", "mel", "foyer"];

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

    pub(super) fn kind(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// A number somebody gave to a person.
    pub fn is_number(&self) -> bool {
        !OF_PERSONS.contains(&self.kind()) && self.is_personal()
    }

    /// Made of nothing that a household shares.
    pub fn is_personal(&self) -> bool {
        !OF_HOUSEHOLDS.contains(&self.kind())
    }

    pub(super) fn is_nir(&self) -> bool {
        self.kind() == "nir"
    }

    /// The rank of the number France Travail gives to one person, whoever passes it on.
    pub(super) const OF_ONE_PERSON: u8 = 1;

    /// How much a shared number of its kind tells, 0 the most.
    pub(super) fn rank(&self) -> u8 {
        match self.kind() {
            "nir" => 0,
            "ft0" => Self::OF_ONE_PERSON,
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
