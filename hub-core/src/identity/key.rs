//! Look-up keys: what two claims must share before anybody compares them.
//!
//! A kind and a text make a key: a hash of the text that tells the kind, so that keys are copied and compared like numbers. The store
//! hashes them again, with its own secret; Debug shows the kind alone.

use std::fmt;

use xxhash_rust::xxh3::xxh3_128;

/// How keys are made today: kept with a store, so that those of another making are written anew.
pub const KEYS_MADE: &str = "8";

/// What a key is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the field's own words")]
pub enum KeyKind {
    Nir,
    FranceTravailUuid,
    FranceTravail,
    Departement,
    MissionLocale,
    Asp,
    /// Name, given name, year.
    Nom,
    /// Name, given name, day and month.
    Anniversaire,
    /// Name, day.
    Jour,
    /// How the name begins, given name, day.
    Debut,
    /// Given name, day, birthplace.
    Natal,
    /// Day, door; or postal code.
    Lieu,
    /// Given name, house.
    Maison,
    /// Name, given name, postal code: where no house is known.
    Poste,
    Telephone,
    Courriel,
}

impl KeyKind {
    const ALL: [Self; 16] = [
        Self::Nir,
        Self::FranceTravailUuid,
        Self::FranceTravail,
        Self::Departement,
        Self::MissionLocale,
        Self::Asp,
        Self::Nom,
        Self::Anniversaire,
        Self::Jour,
        Self::Debut,
        Self::Natal,
        Self::Lieu,
        Self::Maison,
        Self::Poste,
        Self::Telephone,
        Self::Courriel,
    ];

    /// A number somebody gave to a person: it may tell alone that two are one. The others only find.
    pub fn is_number(self) -> bool {
        self.rank().is_some()
    }

    /// Made of nothing that a household shares.
    pub fn is_personal(self) -> bool {
        !matches!(self, Self::Lieu | Self::Maison | Self::Poste | Self::Telephone | Self::Courriel)
    }

    /// How much a shared number tells, 0 the most.
    pub(super) fn rank(self) -> Option<u8> {
        match self {
            Self::Nir => Some(0),
            Self::FranceTravailUuid => Some(1),
            Self::FranceTravail => Some(2),
            Self::Departement => Some(3),
            Self::MissionLocale | Self::Asp => Some(4),
            _ => None,
        }
    }
}

/// Bits that tell the kind.
const KIND: u128 = 0xf;

/// A look-up key. Made of personal text: the store hashes it with its own secret, Debug hides it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityKey(u128);

impl IdentityKey {
    /// The key of a text.
    pub fn new(kind: KeyKind, text: &str) -> Self {
        Self(xxh3_128(text.as_bytes()) & !KIND | kind as u128)
    }

    /// What it is made of.
    pub fn kind(self) -> KeyKind {
        KeyKind::ALL.into_iter().find(|kind| *kind as u128 == self.0 & KIND).unwrap_or(KeyKind::Nom)
    }

    /// A number somebody gave to a person.
    pub fn is_number(self) -> bool {
        self.kind().is_number()
    }

    /// What the store hashes.
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({:?})", self.kind())
    }
}
