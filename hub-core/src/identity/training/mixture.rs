//! Classes in one crowd of pairs: those of one person, of strangers, of kin (Fellegi and Sunter, 1969; Winkler, 1988).
//!
//! Patterns of likeness and the shares among pairs of two persons enter, the expected levels of pairs of one leave, and of how many kin. Traits are taken
//! for independent inside a class; what is unknown says nothing. Bounded, and never not a number.

use super::{Kin, LEVELS, Levels, Pattern, Shares, TRAITS, Trait, at, count, number, rate, whole};

/// Rounds at most.
const MOST_ROUNDS: u32 = 500;
/// No share moves by more: it is found.
const STILL: f64 = 1e-6;
/// Share of each kind of kin to begin with.
const KIN_AT_FIRST: f64 = 0.05;
/// The share of every class stays this far from nothing.
const LEAST: f64 = 1e-9;

/// A crowd of pairs to be told apart.
pub(super) struct Mixture<'p> {
    patterns: &'p [(Pattern, u64)],
    declared: &'p Shares,
    u: &'p Levels,
    /// Kin the pairs may be, and how often such kin show each level.
    kin: &'p [(Kin, Levels)],
}

/// What was found.
pub(super) struct Found {
    /// Expected pairs of one person at each level.
    pub expected: Levels,
    /// Expected pairs of one person each level was looked for among.
    pub among: Levels,
    /// Expected pairs of one person.
    pub matches: f64,
    /// Expected pairs of each kind of kin.
    pub kin: Vec<f64>,
    pub iterations: u32,
    pub converged: bool,
}

/// What one round begins with.
#[derive(Clone, PartialEq)]
struct Guess {
    /// Share of the pairs that are one person's.
    one: f64,
    /// Shares of the pairs that are each kind of kin's.
    kin: Vec<f64>,
    m: Levels,
}

/// What one round expects.
struct Expected {
    levels: Levels,
    matches: f64,
    kin: Vec<f64>,
    log_likelihood: f64,
}

impl<'p> Mixture<'p> {
    pub fn of(
        patterns: &'p [(Pattern, u64)],
        (declared, u): (&'p Shares, &'p Levels),
        kin: &'p [(Kin, Levels)],
    ) -> Self {
        Self { patterns, declared, u, kin }
    }

    /// Goes on until no share moves, telling each round and the log-likelihood it began with.
    pub fn find(&self, told: &dyn Fn(u32, f64)) -> Found {
        let (mut guess, mut iterations) = (self.start(), 0);
        loop {
            iterations += 1;
            let expected = self.expect(&guess);
            told(iterations, expected.log_likelihood);
            let next = self.maximise(&expected);
            let converged = guess.moved_by(&next) < STILL;
            if converged || iterations == MOST_ROUNDS {
                let among = Trait::ALL.map(|of| [expected.seen(of); LEVELS]);
                let Expected { levels, matches, kin, .. } = expected;
                return Found { expected: levels, among, matches, kin, iterations, converged };
            }
            guess = next;
        }
    }

    /// The levels of a trait stand to one another as if each weighed what is declared, whatever share of the claims is that precise.
    fn start(&self) -> Guess {
        let mut m = [[0.0; LEVELS]; TRAITS];
        for of in Trait::ALL {
            for (level, _) in (0..).zip(of.levels()) {
                if let Some(share) = self.declared.estimated(of, level) {
                    count(&mut m, of, level, at(self.u, of, level) * share.m / share.u);
                }
            }
        }
        for levels in &mut m {
            let sum: f64 = levels.iter().sum();
            levels.iter_mut().filter(|_| sum > 0.0).for_each(|share| *share /= sum);
        }
        Guess { one: 0.5, kin: vec![KIN_AT_FIRST; self.kin.len()], m }
    }

    fn expect(&self, guess: &Guess) -> Expected {
        let kin = vec![0.0; self.kin.len()];
        let mut expected =
            Expected { levels: [[0.0; LEVELS]; TRAITS], matches: 0.0, kin, log_likelihood: 0.0 };
        for (pattern, pairs) in self.patterns {
            let pairs = number(*pairs);
            let one = guess.one.ln() + likelihood(pattern, &guess.m);
            let strangers = guess.strangers().ln() + likelihood(pattern, self.u);
            let kin =
                self.kin.iter().zip(&guess.kin).map(|((_, k), share)| share.ln() + likelihood(pattern, k));
            let kin: Vec<f64> = kin.collect();
            let all = kin.iter().fold(added(one, strangers), |all, class| added(all, *class));
            let matches = pairs * (one - all).exp();
            expected.log_likelihood += pairs * all;
            expected.matches += matches;
            expected.kin.iter_mut().zip(kin).for_each(|(sum, class)| *sum += pairs * (class - all).exp());
            for (of, level) in known(pattern) {
                count(&mut expected.levels, of, level, matches);
            }
        }
        expected
    }

    fn maximise(&self, expected: &Expected) -> Guess {
        let pairs: f64 = self.patterns.iter().map(|(_, pairs)| number(*pairs)).sum();
        let mut m = [[0.0; LEVELS]; TRAITS];
        for of in Trait::ALL {
            let seen = expected.seen(of);
            for (level, _) in (0..).zip(of.levels()) {
                if let Some(share) = self.declared.estimated(of, level) {
                    count(&mut m, of, level, rate(at(&expected.levels, of, level), seen, share.m));
                }
            }
        }
        let share = |expected: f64| (expected / pairs.max(1.0)).clamp(LEAST, 1.0 - LEAST);
        Guess { one: share(expected.matches), kin: expected.kin.iter().copied().map(share).collect(), m }
    }
}

impl Expected {
    /// How many a trait's levels are shares of: none when nobody is known by it.
    fn seen(&self, of: Trait) -> f64 {
        let known = self.levels.get(of as usize).map(|levels| levels.iter().sum()).unwrap_or_default();
        if known > 0.0 { whole(of, known, self.matches) } else { known }
    }
}

impl Guess {
    fn strangers(&self) -> f64 {
        (1.0 - self.one - self.kin.iter().sum::<f64>()).max(LEAST)
    }

    fn moved_by(&self, other: &Self) -> f64 {
        let levels = self.m.iter().flatten().zip(other.m.iter().flatten());
        let moved = levels.map(|(own, other)| (own - other).abs());
        let kin = self.kin.iter().zip(&other.kin).map(|(own, other)| (own - other).abs());
        moved.chain(kin).fold((self.one - other.one).abs(), f64::max)
    }
}

/// The logarithm of the sum of what two are the logarithms of.
fn added(one: f64, other: f64) -> f64 {
    one.max(other) + (-(one - other).abs()).exp().ln_1p()
}

/// The natural logarithm of how likely a pattern is in a class. A level whose share is not known says nothing.
fn likelihood(pattern: &Pattern, shares: &Levels) -> f64 {
    let shares = known(pattern).map(|(of, level)| at(shares, of, level));
    shares.filter(|share| *share > 0.0).map(f64::ln).sum()
}

fn known(pattern: &Pattern) -> impl Iterator<Item = (Trait, u8)> + '_ {
    Trait::ALL.into_iter().zip(pattern).filter_map(|(of, level)| Some((of, (*level)?)))
}
