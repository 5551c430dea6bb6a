//! The declared policy of who is who: what each likeness weighs, from which probability two are one, and when a person is asked.
//!
//! YAML text enters, weights in hundredths of a bit leave, or every mistake with its place. A level is declared by two shares: how often
//! it is seen among pairs of one person (m), how often among pairs of two (u); it weighs log2(m / u) (Fellegi and Sunter, 1969).
//! Whole numbers, so that a sum never depends on the order it is made in.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;

use super::likeness::{LEVELS, Likeness, TRAITS, Trait};
use crate::code::Code;
use crate::mapping::Diagnostic;

/// Hundredths of a bit.
pub type Centibits = i32;

/// What identity is decided by.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    weights: [[Centibits; LEVELS]; TRAITS],
    /// From here on two are one.
    pub link: Centibits,
    /// From here on a person is asked.
    pub review: Centibits,
    /// By how much the nearest must be nearer than the next.
    pub margin: Centibits,
    /// Most that what is shared in a household may weigh.
    pub around: Centibits,
    /// Persons under one key above which it finds nobody.
    pub block_limit: u32,
}

/// The policy as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) population: f64,
    pub(super) lien: f64,
    pub(super) examen: f64,
    pub(super) marge: f64,
    pub(super) entourage: f64,
    pub(super) bloc: u32,
    pub(super) traits: BTreeMap<String, BTreeMap<String, [f64; 2]>>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Every mistake, with the bytes it stands at.
    pub fn read(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let written: Written = serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().map_or(0, |at| at.line().saturating_sub(1));
            let line = text.lines().nth(usize::try_from(line).unwrap_or(0)).unwrap_or_default();
            vec![Diagnostic::new(Code::MappingSyntax, place(text, line), error.without_snippet().to_string())]
        })?;
        let mut mistakes = written.mistakes(text);
        let weights = written.weights(text, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        // The odds that two claims picked among the population are one person's: one to the population.
        let threshold = |probability: f64| centibits(written.population * probability / (1.0 - probability));
        Ok(Self {
            weights,
            link: threshold(written.lien),
            review: threshold(written.examen),
            margin: whole(written.marge),
            around: whole(written.entourage),
            block_limit: written.bloc,
        })
    }

    /// What a trait's level weighs.
    pub fn weight(&self, of: Trait, level: u8) -> Centibits {
        let levels = self.weights.get(of as usize);
        levels.and_then(|levels| levels.get(usize::from(level))).copied().unwrap_or(0)
    }

    /// What a likeness weighs in all.
    pub fn weigh(&self, likeness: &Likeness) -> Centibits {
        let weight = |of: &Trait| likeness.level(*of).map_or(0, |level| self.weight(*of, level));
        let (around, own): (Vec<Trait>, Vec<Trait>) = Trait::ALL.into_iter().partition(|of| of.is_around());
        let around = around.iter().map(weight).sum::<Centibits>().min(self.around);
        own.iter().map(weight).sum::<Centibits>() + around
    }
}

impl Written {
    fn mistakes(&self, text: &str) -> Vec<Diagnostic> {
        let share = |share: f64| share > 0.0 && share < 1.0;
        let probabilities = [("lien", self.lien), ("examen", self.examen)];
        let wrong = probabilities.into_iter().filter(|(_, value)| !share(*value)).map(|(key, _)| {
            let message =
                format!("`{key}` is a probability: expected a number between 0 and 1, both excluded");
            Diagnostic::new(Code::IdentityPolicy, place(text, key), message)
        });
        let mut mistakes: Vec<Diagnostic> = wrong.collect();
        let mut demand = |holds: bool, key: &str, message: &str| {
            if !holds {
                mistakes.push(Diagnostic::new(Code::IdentityPolicy, place(text, key), message));
            }
        };
        demand(
            self.examen <= self.lien,
            "examen",
            "`examen` stands above `lien`: nobody would ever be asked",
        );
        demand(
            self.population >= 2.0,
            "population",
            "`population` is the number of persons: expected 2 or more",
        );
        let bits = |bits: f64| (0.0..=100.0).contains(&bits);
        demand(bits(self.marge), "marge", "`marge` is in bits: expected 0 to 100");
        demand(bits(self.entourage), "entourage", "`entourage` is in bits: expected 0 to 100");
        demand(self.bloc >= 2, "bloc", "`bloc` is a number of persons: expected 2 or more");
        mistakes
    }

    fn weights(&self, text: &str, mistakes: &mut Vec<Diagnostic>) -> [[Centibits; LEVELS]; TRAITS] {
        let mut weights = [[0; LEVELS]; TRAITS];
        for (word, levels) in &self.traits {
            let Some(of) = Trait::ALL.into_iter().find(|of| of.word() == word) else {
                let message = format!("there is no trait `{word}`");
                let known = Trait::ALL.map(Trait::word);
                mistakes.push(
                    Diagnostic::new(Code::IdentityPolicy, place(text, word), message).near(word, known),
                );
                continue;
            };
            let within = place(text, &format!("{word}:"));
            for (level, [m, u]) in levels {
                match weight_of(of, level, (*m, *u)) {
                    Ok((at, weight)) => weights[of as usize][at] = weight,
                    Err(message) => {
                        let diagnostic = Diagnostic::new(Code::IdentityPolicy, within.clone(), message);
                        mistakes.push(diagnostic.near(level, of.levels().iter().copied()));
                    }
                }
            }
        }
        weights
    }
}

/// The place of a level among its trait's, and what it weighs.
fn weight_of(of: Trait, level: &str, (m, u): (f64, f64)) -> Result<(usize, Centibits), String> {
    let at = of.levels().iter().position(|known| *known == level);
    let at = at.ok_or_else(|| format!("`{}` has no level `{level}`", of.word()))?;
    let share = |share: f64| share > 0.0 && share <= 1.0;
    if share(m) && share(u) {
        Ok((at, centibits(m / u)))
    } else {
        Err(format!("`{}.{level}` is two shares: expected numbers above 0, at most 1", of.word()))
    }
}

fn centibits(ratio: f64) -> Centibits {
    whole(ratio.log2())
}

/// Bits as hundredths of bits. Bounded by what a policy may declare.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a logarithm of a double is far below the bounds of an i32"
)]
fn whole(bits: f64) -> Centibits {
    (bits * 100.0).round() as Centibits
}

/// Where a word stands in the text.
fn place(text: &str, word: &str) -> Range<usize> {
    let start = text.find(word).unwrap_or_default();
    start..start + word.len()
}
