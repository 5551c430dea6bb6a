//! The policy as it is written, and the mistakes in it.
//!
//! YAML text enters; a policy of weights leaves, or every mistake with the bytes it stands at.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;

use super::{Alternative, Centibits, Policy, Weights};
use crate::code::Code;
use crate::identity::frequency::Frequencies;
use crate::identity::kin::Kin;
use crate::identity::likeness::{LEVELS, TRAITS, Trait};
use crate::mapping::Diagnostic;
use crate::text::fold_name;

/// Traits whose common names are listed.
const NAMED: [Trait; 2] = [Trait::Nom, Trait::Prenoms];

/// The policy as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct Written {
    pub population: f64,
    pub lien: f64,
    pub examen: f64,
    pub marge: f64,
    pub bloc: u32,
    pub traits: BTreeMap<String, BTreeMap<String, [f64; 2]>>,
    #[serde(default)]
    pub courants: BTreeMap<String, BTreeMap<String, f64>>,
    #[serde(default)]
    pub parente: BTreeMap<String, WrittenKin>,
}

/// A kind of kin as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::identity) struct WrittenKin {
    pub part: f64,
    pub traits: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Written {
    pub fn read(text: &str) -> Result<Self, Vec<Diagnostic>> {
        serde_saphyr::from_str(text).map_err(|error| {
            let line = error.location().map_or(0, |at| at.line().saturating_sub(1));
            let line = text.lines().nth(usize::try_from(line).unwrap_or(0)).unwrap_or_default();
            vec![Diagnostic::new(Code::MappingSyntax, place(text, line), error.without_snippet().to_string())]
        })
    }

    pub(super) fn policy(&self, text: &str) -> Result<Policy, Vec<Diagnostic>> {
        let mut mistakes = Mistakes { text, found: Vec::new() };
        self.demands(&mut mistakes);
        let mut alternatives =
            vec![Alternative { kin: None, rarity: 0, weights: self.weights(&mut mistakes) }];
        for (word, kin) in &self.parente {
            alternatives.extend(self.kin(word, kin, &mut mistakes));
        }
        let frequencies = self.frequencies(&mut mistakes);
        if !mistakes.found.is_empty() {
            return Err(mistakes.found);
        }
        // The odds that two claims picked among the population are one person's: one to the population.
        let threshold = |probability: f64| centibits(self.population * probability / (1.0 - probability));
        Ok(Policy {
            alternatives,
            frequencies,
            link: threshold(self.lien),
            review: threshold(self.examen),
            margin: whole(self.marge),
            block_limit: self.bloc,
        })
    }

    fn demands(&self, mistakes: &mut Mistakes<'_>) {
        let share = |share: f64| share > 0.0 && share < 1.0;
        for (key, value) in [("lien", self.lien), ("examen", self.examen)] {
            let message =
                format!("`{key}` is a probability: expected a number between 0 and 1, both excluded");
            mistakes.unless(share(value), key, &message);
        }
        let below = "`examen` stands above `lien`: nobody would ever be asked";
        mistakes.unless(self.examen <= self.lien, "examen", below);
        let persons = "`population` is the number of persons: expected 2 or more";
        mistakes.unless(self.population >= 2.0, "population", persons);
        let bits = "`marge` is in bits: expected 0 to 100";
        mistakes.unless((0.0..=100.0).contains(&self.marge), "marge", bits);
        mistakes.unless(self.bloc >= 2, "bloc", "`bloc` is a number of persons: expected 2 or more");
    }

    fn weights(&self, mistakes: &mut Mistakes<'_>) -> Weights {
        let mut weights = [[0; LEVELS]; TRAITS];
        for (word, levels) in &self.traits {
            let Some(of) = mistakes.trait_of(word) else { continue };
            for (level, [m, u]) in levels {
                let Some(at) = mistakes.level_of(of, level) else { continue };
                if mistakes.shares(of, level, &[*m, *u]) {
                    weights[of as usize][at] = centibits(m / u);
                }
            }
        }
        weights
    }

    /// A name weighs less by how much commoner it is than what two share by chance.
    fn frequencies(&self, mistakes: &mut Mistakes<'_>) -> Frequencies {
        let mut frequencies = Frequencies::default();
        for (word, names) in &self.courants {
            let Some(of) = NAMED.into_iter().find(|of| of.word() == word) else {
                mistakes.no(word, format!("no names of `{word}` are listed"), NAMED.map(Trait::word));
                continue;
            };
            let by_chance = self.traits.get(word).and_then(|levels| levels.get("identique"));
            for (name, share) in names {
                let expected =
                    format!("`courants.{word}`: expected names, each with its share, above 0 and below 1");
                let folded = fold_name(name);
                mistakes.unless(*share > 0.0 && *share < 1.0 && !folded.is_empty(), name, &expected);
                let less = by_chance.map_or(0, |[_, u]| centibits(share / u));
                frequencies.list(of, folded, less);
            }
        }
        frequencies
    }

    /// Kin weigh as strangers do where nothing else is declared.
    fn kin(&self, word: &str, kin: &WrittenKin, mistakes: &mut Mistakes<'_>) -> Option<Alternative> {
        let Some(known) = Kin::of_word(word) else {
            mistakes.no(word, format!("there is no kin `{word}`"), Kin::ALL.map(Kin::word));
            return None;
        };
        let expected =
            format!("`{word}.part` is how many such persons one person knows: expected above 0, at most 100");
        mistakes.unless(kin.part > 0.0 && kin.part <= 100.0, &format!("{word}:\n"), &expected);
        let mut weights = self.weights(&mut Mistakes { text: "", found: Vec::new() });
        for (word, levels) in &kin.traits {
            let Some(of) = mistakes.trait_of(word) else { continue };
            for (level, share) in levels {
                let Some(at) = mistakes.level_of(of, level) else { continue };
                let m = self.traits.get(word).and_then(|levels| levels.get(level)).map(|[m, _]| *m);
                if mistakes.shares(of, level, &[*share])
                    && let Some(m) = m
                {
                    weights[of as usize][at] = centibits(m / share);
                }
            }
        }
        let rarity = centibits(self.population / kin.part);
        Some(Alternative { kin: Some(known), rarity, weights })
    }
}

/// Mistakes of a text.
struct Mistakes<'t> {
    text: &'t str,
    found: Vec<Diagnostic>,
}

impl Mistakes<'_> {
    fn unless(&mut self, holds: bool, key: &str, message: &str) {
        if !holds {
            self.found.push(Diagnostic::new(Code::IdentityPolicy, place(self.text, key), message));
        }
    }

    fn no<const N: usize>(&mut self, word: &str, message: String, known: [&'static str; N]) {
        let mistake = Diagnostic::new(Code::IdentityPolicy, place(self.text, word), message);
        self.found.push(mistake.near(word, known));
    }

    fn trait_of(&mut self, word: &str) -> Option<Trait> {
        let found = Trait::ALL.into_iter().find(|of| of.word() == word);
        if found.is_none() {
            self.no(word, format!("there is no trait `{word}`"), Trait::ALL.map(Trait::word));
        }
        found
    }

    /// The place of a level among its trait's.
    fn level_of(&mut self, of: Trait, level: &str) -> Option<usize> {
        let at = of.levels().iter().position(|known| *known == level);
        if at.is_none() {
            let within = place(self.text, &format!("{}:", of.word()));
            let message = format!("`{}` has no level `{level}`", of.word());
            let mistake = Diagnostic::new(Code::IdentityPolicy, within, message);
            self.found.push(mistake.near(level, of.levels().iter().copied()));
        }
        at
    }

    /// Whether shares are shares.
    fn shares(&mut self, of: Trait, level: &str, shares: &[f64]) -> bool {
        let hold = shares.iter().all(|share| *share > 0.0 && *share <= 1.0);
        let what =
            if shares.len() == 1 { "a share: expected a number" } else { "two shares: expected numbers" };
        let message = format!("`{}.{level}` is {what} above 0, at most 1", of.word());
        self.unless(hold, &format!("{}:", of.word()), &message);
        hold
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
