//! A policy as it is declared: the shares a weight is made of, and the numbers thresholds are made of.
//!
//! The text of a policy file enters, its shares leave; a whole policy file is written from them again, with the same keys.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use compact_str::CompactString;

use crate::identity::kin::Kin;
use crate::identity::likeness::{LEVELS, TRAITS, Trait};
use crate::identity::policy::{Policy, Written, WrittenKin};
use crate::mapping::Diagnostic;
use crate::text::fold_name;

/// How often a level is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Among pairs of one person.
    pub m: f64,
    /// Among pairs of two.
    pub u: f64,
}

impl Share {
    /// What it weighs, in bits.
    pub fn bits(self) -> f64 {
        (self.m / self.u).log2()
    }
}

/// The shares of every level of every trait that declares some.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shares([[Option<Share>; LEVELS]; TRAITS]);

impl Shares {
    /// The shares of a level.
    pub fn get(&self, of: Trait, level: u8) -> Option<Share> {
        self.0.get(of as usize)?.get(usize::from(level)).copied().flatten()
    }

    /// Declares a level.
    pub fn set(&mut self, of: Trait, level: u8, share: Share) {
        let levels = self.0.get_mut(of as usize);
        if let Some(place) = levels.and_then(|levels| levels.get_mut(usize::from(level))) {
            *place = Some(share);
        }
    }

    /// The shares of a level that weighs something. One declared to weigh nothing is weighed by another trait, or not meant to be.
    pub(super) fn estimated(&self, of: Trait, level: u8) -> Option<Share> {
        self.get(of, level).filter(|share| (share.m - share.u).abs() > f64::EPSILON)
    }
}

/// What kin of a kind are like.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kindred {
    /// How many such persons one person knows here.
    pub part: f64,
    shares: [[Option<f64>; LEVELS]; TRAITS],
}

impl Kindred {
    /// How often such kin show a level; nothing where strangers do as often.
    pub fn share(&self, of: Trait, level: u8) -> Option<f64> {
        self.shares.get(of as usize)?.get(usize::from(level)).copied().flatten()
    }

    fn read(written: &WrittenKin) -> Self {
        let share = |of: Trait, word: &str| written.traits.get(of.word())?.get(word).copied();
        let mut shares = [[None; LEVELS]; TRAITS];
        for (of, levels) in Trait::ALL.into_iter().zip(&mut shares) {
            for (place, word) in levels.iter_mut().zip(of.levels()) {
                *place = share(of, word);
            }
        }
        Self { part: written.part, shares }
    }
}

/// Common names of a trait, folded, each with the share of persons who bear it.
pub type CommonNames = BTreeMap<Trait, BTreeMap<CompactString, f64>>;

/// A whole policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// Persons the thresholds are made for.
    pub population: f64,
    /// Probability from which two are one.
    pub link: f64,
    /// Probability from which a person is asked.
    pub review: f64,
    /// Bits the nearest must be ahead.
    pub margin: f64,
    /// Persons under one key above which it finds nobody.
    pub block_limit: u32,
    /// What each level is seen like.
    pub shares: Shares,
    /// Names that weigh less than others.
    pub common: CommonNames,
    /// What kin are like.
    pub kin: BTreeMap<Kin, Kindred>,
}

impl Declaration {
    /// Reads a policy with its shares.
    ///
    /// # Errors
    /// Every mistake, as [`Policy::read`].
    pub fn read(text: &str) -> Result<Self, Vec<Diagnostic>> {
        Policy::read(text)?;
        let written = Written::read(text)?;
        let mut shares = Shares::default();
        for of in Trait::ALL {
            let declared = written.traits.get(of.word());
            for (level, word) in (0..).zip(of.levels()) {
                if let Some([m, u]) = declared.and_then(|levels| levels.get(*word)) {
                    shares.set(of, level, Share { m: *m, u: *u });
                }
            }
        }
        Ok(Self {
            population: written.population,
            link: written.lien,
            review: written.examen,
            margin: written.marge,
            block_limit: written.bloc,
            shares,
            common: common(&written),
            kin: written
                .parente
                .iter()
                .filter_map(|(word, kin)| Some((Kin::of_word(word)?, Kindred::read(kin))))
                .collect(),
        })
    }

    /// The text of a policy file that says the same, shares to four figures.
    pub fn text(&self) -> String {
        let mut text = format!(
            "# Qui est qui : parts [m, u] estimées par `dlnuf identity train` ; un niveau pèse log2(m / u) bits.\n\
             # m : parmi les paires d'une même personne ; u : parmi celles de deux personnes.\n\n\
             # Nombre de personnes, et probabilités à partir desquelles on rapproche, on demande.\n\
             population: {}\nlien: {}\nexamen: {}\n\
             # En bits : avance du plus proche.\n\
             marge: {}\n\
             # Personnes sous une même clé au-delà desquelles elle ne désigne plus personne.\n\
             bloc: {}\n\ntraits:\n",
            self.population, self.link, self.review, self.margin, self.block_limit
        );
        let pair = |of, level| {
            let Share { m, u } = self.shares.get(of, level)?;
            Some(format!("[{}, {}]", rounded(m), rounded(u)))
        };
        list(&mut text, "  ", pair);
        if !self.common.is_empty() {
            text.push_str(
                "\n# Noms et prénoms courants : la part des personnes qui les portent.\ncourants:\n",
            );
        }
        for (of, names) in &self.common {
            let _ = writeln!(text, "  {}:", of.word());
            for (name, share) in names {
                let _ = writeln!(text, "    '{name}': {}", rounded(*share));
            }
        }
        text.push_str("\n# Qui d'autre elles peuvent être : combien de telles personnes une personne connaît, et à quoi elles ressemblent.\nparente:\n");
        for (kin, kindred) in &self.kin {
            let _ = writeln!(text, "  {}:\n    part: {}\n    traits:", kin.word(), rounded(kindred.part));
            list(&mut text, "      ", |of, level| {
                kindred.share(of, level).map(|share| rounded(share).to_string())
            });
        }
        text
    }
}

/// The names listed as common.
fn common(written: &Written) -> CommonNames {
    let folded =
        |names: &BTreeMap<String, f64>| names.iter().map(|(name, share)| (fold_name(name), *share)).collect();
    let listed = |of: Trait| Some((of, folded(written.courants.get(of.word())?)));
    Trait::ALL.into_iter().filter_map(listed).collect()
}

/// Writes the levels of each trait that has some.
fn list(text: &mut String, indent: &str, share: impl Fn(Trait, u8) -> Option<String>) {
    for of in Trait::ALL {
        let levels: Vec<(&str, String)> =
            (0..).zip(of.levels()).filter_map(|(level, word)| Some((*word, share(of, level)?))).collect();
        if !levels.is_empty() {
            let _ = writeln!(text, "{indent}{}:", of.word());
        }
        for (word, share) in levels {
            let _ = writeln!(text, "{indent}  {word}: {share}");
        }
    }
}

/// A share to four figures, which stays above 0 and at most 1.
fn rounded(share: f64) -> f64 {
    format!("{share:.3e}").parse().unwrap_or(share)
}
