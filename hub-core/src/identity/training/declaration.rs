//! A policy as it is declared: the shares a weight is made of, and the numbers thresholds are made of.
//!
//! The text of a policy file enters, its shares leave; a whole policy file is written from them again, with the same keys.

use std::fmt::Write as _;

use crate::code::Code;
use crate::identity::likeness::{LEVELS, TRAITS, Trait};
use crate::identity::policy::{Policy, Written};
use crate::mapping::Diagnostic;

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
    /// Most bits of what a household shares.
    pub around: f64,
    /// Persons under one key above which it finds nobody.
    pub block_limit: u32,
    /// What each level is seen like.
    pub shares: Shares,
}

impl Declaration {
    /// Reads a policy with its shares.
    ///
    /// # Errors
    /// Every mistake, as [`Policy::read`].
    pub fn read(text: &str) -> Result<Self, Vec<Diagnostic>> {
        Policy::read(text)?;
        let unreadable = |error: serde_saphyr::Error| {
            vec![Diagnostic::new(Code::MappingSyntax, 0..0, error.without_snippet().to_string())]
        };
        let written: Written = serde_saphyr::from_str(text).map_err(unreadable)?;
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
            around: written.entourage,
            block_limit: written.bloc,
            shares,
        })
    }

    /// The text of a policy file that says the same, shares to four figures.
    pub fn text(&self) -> String {
        let mut text = format!(
            "# Qui est qui : parts [m, u] estimées par `dlnuf identity train` ; un niveau pèse log2(m / u) bits.\n\
             # m : parmi les paires d'une même personne ; u : parmi celles de deux personnes.\n\n\
             # Nombre de personnes, et probabilités à partir desquelles on rapproche, on demande.\n\
             population: {}\nlien: {}\nexamen: {}\n\
             # En bits : avance du plus proche ; poids au plus de ce qu'un foyer partage.\n\
             marge: {}\nentourage: {}\n\
             # Personnes sous une même clé au-delà desquelles elle ne désigne plus personne.\n\
             bloc: {}\n\ntraits:\n",
            self.population, self.link, self.review, self.margin, self.around, self.block_limit
        );
        for of in Trait::ALL {
            let share = |level| self.shares.get(of, level);
            let levels: Vec<(&str, Share)> =
                (0..).zip(of.levels()).filter_map(|(level, word)| Some((*word, share(level)?))).collect();
            if levels.is_empty() {
                continue;
            }
            let _ = writeln!(text, "  {}:", of.word());
            for (word, Share { m, u }) in levels {
                let _ = writeln!(text, "    {word}: [{}, {}]", rounded(m), rounded(u));
            }
        }
        text
    }
}

/// A share to four figures, which stays above 0 and at most 1.
fn rounded(share: f64) -> f64 {
    format!("{share:.3e}").parse().unwrap_or(share)
}
