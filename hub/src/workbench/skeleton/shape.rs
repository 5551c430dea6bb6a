//! The shapes of values: what kind of text a field holds, told without keeping any of it.
//!
//! Texts enter one by one and are counted by shape; the shape nearly all of them have leaves.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher as _;

use hub_core::canonical::date::Form;
use hub_core::canonical::kind::{Kind, Reads};
use hub_core::referential::is_rome;

/// A shape, the most telling first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    Nir,
    Email,
    IsoDate,
    FrenchDate,
    Phone,
    Siret,
    Rome,
    Postcode,
    Digits,
    Text,
}

impl Shape {
    const ALL: [Self; 9] = [
        Self::Nir,
        Self::Email,
        Self::IsoDate,
        Self::FrenchDate,
        Self::Phone,
        Self::Siret,
        Self::Rome,
        Self::Postcode,
        Self::Digits,
    ];

    /// Whether a text has the shape.
    fn fits(self, text: &str) -> bool {
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let typed = |kind: Kind, forms| kind.parse(text, Reads { forms, ..Reads::default() }).is_ok();
        let all = Form::ALL;
        match self {
            Self::Nir => digits >= 12 && text.starts_with(['1', '2', '7', '8']) && typed(Kind::Nir, all),
            Self::Email => typed(Kind::Courriel, all),
            Self::IsoDate => text.get(4..5) == Some("-") && typed(Kind::Date, all),
            Self::FrenchDate => matches!(text.get(2..3), Some("/" | "-")) && typed(Kind::Date, all),
            Self::Phone => text.starts_with(['0', '+']) && digits >= 10 && typed(Kind::Telephone, all),
            Self::Siret => digits == 14 && text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace()),
            Self::Rome => is_rome(&text.to_ascii_uppercase()),
            Self::Postcode => text.len() == 5 && typed(Kind::CodePostal, all),
            Self::Digits => digits > 0 && digits == text.len(),
            Self::Text => true,
        }
    }

    /// In the words of the skeleton.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Nir => "forme d'un NIR",
            Self::Email => "forme d'une adresse électronique",
            Self::IsoDate => "dates AAAA-MM-JJ",
            Self::FrenchDate => "dates JJ/MM/AAAA",
            Self::Phone => "forme d'un numéro de téléphone",
            Self::Siret => "forme d'un SIRET",
            Self::Rome => "forme d'un code ROME",
            Self::Postcode => "forme d'un code postal",
            Self::Digits => "chiffres",
            Self::Text => "texte",
        }
    }
}

/// Texts counted by shape.
#[derive(Debug, Clone, Default)]
pub(super) struct Shapes {
    pub filled: u64,
    /// A text came twice.
    pub repeats: bool,
    /// Hashes of the texts: they cannot be read back.
    seen: HashSet<u64>,
    hasher: RandomState,
    counts: BTreeMap<Shape, u64>,
}

impl Shapes {
    pub fn see(&mut self, text: &str) {
        self.filled += 1;
        self.repeats |= !self.seen.insert(self.hasher.hash_one(text));
        for shape in Shape::ALL.into_iter().filter(|shape| shape.fits(text)) {
            *self.counts.entry(shape).or_default() += 1;
        }
    }

    /// The most telling shape nine texts of ten have.
    pub fn shape(&self) -> Option<Shape> {
        let most = |count: u64| count * 10 >= self.filled * 9;
        let found = self.counts.iter().find(|(_, count)| most(**count)).map(|(shape, _)| *shape);
        (self.filled > 0).then(|| found.unwrap_or(Shape::Text))
    }
}

/// Whether a name rather looks like a value: a number, a date, an address. It is not written anywhere.
pub(super) fn looks_like_a_value(name: &str) -> bool {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    name.contains('@') && !name.starts_with('@') && !name.contains("/@")
        || digits >= 5
        || Shape::ALL.into_iter().any(|shape| shape.fits(name.trim()))
        || name.chars().count() > 120
}
