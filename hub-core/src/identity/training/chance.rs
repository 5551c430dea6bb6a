//! How often two persons are alike: pairs of claims drawn by chance.
//!
//! Claims enter; for each level of each trait, how often it was met leaves. Hardly any pair drawn is one person's; those the declared
//! policy would bind or ask about are left out, or a small hub would take its own persons for strangers.

use super::{
    Effort, LEVELS, Levels, Likeness, Member, Policy, Shares, Step, TRAITS, Trait, at, count, number, rate,
    whole,
};
use crate::identity::bond::relate;

/// Pairs between two words on how far it is.
const TOLD_EVERY: u64 = 50_000;

/// What was met among pairs of two persons.
pub(super) struct Drawn {
    /// Pairs counted.
    pub pairs: u64,
    met: Levels,
}

impl Drawn {
    /// How often each level that is estimated is met among pairs known by its trait.
    pub fn shares(&self, declared: &Shares) -> Levels {
        let mut shares = [[0.0; LEVELS]; TRAITS];
        for of in Trait::ALL {
            let estimated: Vec<(u8, f64)> = (0..)
                .zip(of.levels())
                .filter_map(|(level, _)| Some((level, declared.estimated(of, level)?.u)))
                .collect();
            let known: f64 = estimated.iter().map(|(level, _)| at(&self.met, of, *level)).sum();
            let of_all = whole(of, known, number(self.pairs));
            for (level, declared) in estimated {
                count(&mut shares, of, level, rate(at(&self.met, of, level), of_all, declared));
            }
        }
        shares
    }
}

/// Draws pairs; all there are when they are no more than wanted.
pub(super) fn draw(members: &[Member], policy: &Policy, effort: Effort, progress: &dyn Fn(Step)) -> Drawn {
    let mut drawn = Drawn { pairs: 0, met: [[0.0; LEVELS]; TRAITS] };
    let claims = members.len() as u64;
    let all = claims.saturating_mul(claims.saturating_sub(1)) / 2;
    let of = effort.pairs.min(all);
    let mut add = |done: u64, one: usize, other: usize| {
        if done.is_multiple_of(TOLD_EVERY) || done == of {
            progress(Step::Drawn { done, of });
        }
        let Some((one, other)) = members.get(one).zip(members.get(other)) else { return };
        if relate(&one.profile, &other.profile, policy).is_some() {
            return;
        }
        drawn.pairs += 1;
        let likeness = Likeness::of(&one.profile, &other.profile);
        for of in Trait::ALL {
            if let Some(level) = likeness.level(of) {
                count(&mut drawn.met, of, level, 1.0);
            }
        }
    };
    if all <= effort.pairs {
        let pairs =
            (0..members.len()).flat_map(|one| (one + 1..members.len()).map(move |other| (one, other)));
        (1..).zip(pairs).for_each(|(done, (one, other))| add(done, one, other));
    } else {
        let mut dice = Dice(effort.seed);
        (1..=of).for_each(|done| {
            let (one, other) = dice.two_of(members.len());
            add(done, one, other);
        });
    }
    drawn
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): the same seed draws the same everywhere.
pub(super) struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is above 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let scaled = (u128::from(self.next()) * bound as u128) >> 64;
        usize::try_from(scaled).unwrap_or_default()
    }

    /// Two places that differ, of two or more.
    fn two_of(&mut self, places: usize) -> (usize, usize) {
        let one = self.below(places);
        let other = self.below(places - 1);
        (one, if other < one { other } else { other + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_places_drawn_differ_and_every_place_is_drawn() {
        let mut dice = Dice(1);
        let mut met = [0; 5];
        for _ in 0..1_000 {
            let (one, other) = dice.two_of(5);
            assert_ne!(one, other);
            met[one] += 1;
            met[other] += 1;
        }
        assert!(met.iter().all(|times| (300..500).contains(times)), "{met:?}");
    }
}
