//! The declared policy of who is who: what each likeness weighs, from which probability two are one, and when a person is asked.
//!
//! YAML text enters, weights in hundredths of a bit leave, or every mistake with its place. A level is declared by two shares: how often
//! it is seen among pairs of one person (m), how often among pairs of strangers (u); it weighs log2(m / u) (Fellegi and Sunter, 1969).
//! Kin are weighed against in the same way, by shares of their own. Whole numbers, so that a sum never depends on its order.

use super::frequency::{Common, Frequencies};
use super::kin::Kin;
use super::likeness::{LEVELS, Likeness, TRAITS, Trait};
use super::profile::Profile;
use crate::mapping::Diagnostic;

mod written;

pub(super) use written::{Written, WrittenKin};

/// Hundredths of a bit.
pub type Centibits = i32;

/// What each level of each trait weighs.
type Weights = [[Centibits; LEVELS]; TRAITS];

/// What identity is decided by.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Strangers first.
    alternatives: Vec<Alternative>,
    frequencies: Frequencies,
    /// From here on two are one.
    pub link: Centibits,
    /// From here on a person is asked.
    pub review: Centibits,
    /// By how much the nearest must be nearer than the next.
    pub margin: Centibits,
    /// Persons under one key above which it finds nobody.
    pub block_limit: u32,
}

/// What two may be who are not one.
#[derive(Debug, Clone, PartialEq)]
struct Alternative {
    kin: Option<Kin>,
    /// How much rarer such kin are than any two persons.
    rarity: Centibits,
    weights: Weights,
}

/// What a likeness weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weighed {
    /// In all, for their being one.
    pub weight: Centibits,
    /// Of those the two may be instead, whom the likeness speaks least against; nothing for strangers.
    pub against: Option<Kin>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Every mistake, with the bytes it stands at.
    pub fn read(text: &str) -> Result<Self, Vec<Diagnostic>> {
        Written::read(text)?.policy(text)
    }

    /// What a trait's level weighs against strangers, or against kin of a kind.
    pub fn weight(&self, of: Trait, level: u8, against: Option<Kin>) -> Centibits {
        let alternative = self.alternatives.iter().find(|alternative| alternative.kin == against);
        alternative.map_or(0, |alternative| alternative.weight(of, level))
    }

    /// How much rarer kin of a kind are than any two persons; none for strangers.
    pub fn rarity(&self, of: Option<Kin>) -> Centibits {
        self.alternatives.iter().find(|alternative| alternative.kin == of).map_or(0, |found| found.rarity)
    }

    /// How common the names are that two persons share.
    pub fn common(&self, a: &Profile, b: &Profile, likeness: &Likeness) -> Common {
        self.frequencies.shared(a, b, likeness)
    }

    /// What a likeness weighs against whoever else the two are likeliest to be; names in common weigh less as they are common.
    pub fn weigh(&self, likeness: &Likeness, common: Common) -> Weighed {
        let weighed = self.alternatives.iter().map(|alternative| {
            let less = if alternative.kin.is_none() { common.sum() } else { 0 };
            Weighed { weight: alternative.weigh(likeness) - less, against: alternative.kin }
        });
        weighed.min_by_key(|weighed| weighed.weight).unwrap_or(Weighed { weight: 0, against: None })
    }
}

impl Alternative {
    fn weight(&self, of: Trait, level: u8) -> Centibits {
        let levels = self.weights.get(of as usize);
        levels.and_then(|levels| levels.get(usize::from(level))).copied().unwrap_or(0)
    }

    fn weigh(&self, likeness: &Likeness) -> Centibits {
        let weight = |of: Trait| likeness.level(of).map_or(0, |level| self.weight(of, level));
        self.rarity + Trait::ALL.into_iter().map(weight).sum::<Centibits>()
    }
}
