//! Estimates the shares of the policy from claims nobody has labelled.
//!
//! Claims and the declared policy enter; the shares found leave. How often two persons are alike (u) is counted among pairs drawn
//! by chance; how often the claims of one are (m) is found by expectation-maximisation among pairs that share a key, in one session
//! for each kind of key, without the traits that kind fixes. What nothing was learnt of keeps what is declared. Pure: the same
//! claims and seed give the same shares.

mod chance;
mod common;
mod declaration;
mod mixture;
mod session;

pub use declaration::{CommonNames, Declaration, Kindred, Share, Shares};
pub use session::Session;

use super::kin::Kin;
use super::likeness::{LEVELS, Likeness, TRAITS, Trait};
use super::partition::Member;
use super::policy::Policy;
use mixture::{Found, Mixture};
use session::Gathered;

/// A number for each level of each trait.
type Levels = [[f64; LEVELS]; TRAITS];

/// Expected pairs of one person below which a trait has taught nothing.
const FEWEST_MATCHES: f64 = 30.0;

/// How much work, and the start of all chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Pairs drawn.
    pub pairs: u64,
    /// The same seed draws the same pairs.
    pub seed: u64,
}

impl Effort {
    /// As many pairs as tell the share of an identical birth (one in 20 000) to a tenth of a bit; what is rarer is not learnt
    /// from pairs, and keeps what is declared until it is met.
    pub fn of(seed: u64) -> Self {
        Self { pairs: 4_000_000, seed }
    }
}

/// Where the work stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Pairs drawn.
    Drawn {
        /// So many.
        done: u64,
        /// Of so many.
        of: u64,
    },
    /// Pairs that share a key were compared.
    Gathered {
        /// The kind of key.
        session: Session,
        /// Pairs.
        pairs: u64,
        /// Patterns of likeness among them.
        patterns: usize,
    },
    /// One round of expectation and maximisation.
    Iterated {
        /// The kind of key.
        session: Session,
        /// From 1.
        iteration: u32,
        /// Of the pairs, under the shares the round began with; natural logarithm.
        log_likelihood: f64,
    },
}

/// What a session came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// The kind of key.
    pub session: Session,
    /// Pairs that share one.
    pub pairs: u64,
    /// How many of them are expected to be one person's.
    pub matches: f64,
    /// Rounds.
    pub iterations: u32,
    /// How many of them are expected to be kin.
    pub kin: f64,
    /// The shares no longer moved.
    pub converged: bool,
}

/// What was learnt.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// The shares, those declared where nothing was learnt.
    pub shares: Shares,
    /// Which names are common here.
    pub common: CommonNames,
    /// How many kin of a kind a person knows here, where a session tells.
    pub parts: Vec<(Kin, f64)>,
    /// What each session came to; one without pairs is left out.
    pub sessions: Vec<Outcome>,
    /// Pairs drawn by chance that are not one person's.
    pub drawn: u64,
    /// Keys too many share: left out, as the matcher does.
    pub crowded: u64,
}

impl Trained {
    /// The policy declared, with what was learnt in its place.
    pub fn declaration(&self, declared: Declaration, population: f64) -> Declaration {
        let mut found =
            Declaration { population, shares: self.shares.clone(), common: self.common.clone(), ..declared };
        for (kin, part) in &self.parts {
            if let Some(kindred) = found.kin.get_mut(kin) {
                kindred.part = *part;
            }
        }
        found
    }
}

/// Nothing can be learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrainingError {
    /// Too few claims.
    #[error("expected two claims or more of persons known by name, found {0}")]
    FewClaims(usize),
    /// No two claims share a key.
    #[error("no two of {0} claims share a key: there is nothing to learn from")]
    NoPairs(usize),
}

/// Learns the shares of a policy from claims.
///
/// # Errors
/// When there are fewer than two claims, or no two share a key.
pub fn train(
    members: &[Member],
    (declaration, policy): (&Declaration, &Policy),
    effort: Effort,
    progress: &dyn Fn(Step),
) -> Result<Trained, TrainingError> {
    if members.len() < 2 {
        return Err(TrainingError::FewClaims(members.len()));
    }
    let declared = &declaration.shares;
    let Gathered { patterns, crowded } = session::gather(members, policy, declared);
    if patterns.values().all(Vec::is_empty) {
        return Err(TrainingError::NoPairs(members.len()));
    }
    let drawn = chance::draw(members, policy, effort, progress);
    let by_chance = drawn.shares(declared);
    let (mut seen, mut sessions, mut parts) = (Seen::default(), Vec::new(), Vec::new());
    for (session, patterns) in patterns {
        let pairs = patterns.iter().map(|(_, count)| count).sum();
        progress(Step::Gathered { session, pairs, patterns: patterns.len() });
        let told = |iteration, log_likelihood| {
            progress(Step::Iterated { session, iteration, log_likelihood });
        };
        let kin = kin_of(session, declaration, &by_chance);
        let found = Mixture::of(&patterns, (declared, &by_chance), &kin).find(&told);
        seen.add(&found);
        parts.extend(known_kin(session, (&kin, &found), declaration, members.len()));
        let Found { matches, kin, iterations, converged, .. } = found;
        let kin = kin.iter().sum();
        sessions.push(Outcome { session, pairs, matches, iterations, kin, converged });
    }
    let shares = learnt(declared, &seen, &by_chance);
    let common = common::common(members, &declaration.common, &shares);
    Ok(Trained { shares, common, parts, sessions, drawn: drawn.pairs, crowded })
}

/// The kin a session's pairs may be, and how often they show each level: as strangers do where nothing else is declared.
fn kin_of(session: Session, declaration: &Declaration, by_chance: &Levels) -> Vec<(Kin, Levels)> {
    let with = |kin: &Kin| {
        let kindred = declaration.kin.get(kin)?;
        let mut shares = *by_chance;
        for (of, level, _) in Trait::ALL.into_iter().flat_map(levels) {
            if let Some(share) = kindred.share(of, level) {
                set(&mut shares, of, level, share);
            }
        }
        Some((*kin, shares))
    };
    session.kin().iter().filter_map(with).collect()
}

/// How many kin one person knows, as a session tells that finds nearly all there are.
fn known_kin(
    session: Session,
    (kin, found): (&[(Kin, Levels)], &Found),
    declaration: &Declaration,
    claims: usize,
) -> Vec<(Kin, f64)> {
    let part = |((kin, _), pairs): (&(Kin, Levels), &f64)| {
        let declared = declaration.kin.get(kin)?;
        let caught: f64 = session.fixed().iter().filter_map(|of| declared.share(*of, 0)).product();
        // Each person is taken to be stated twice: two kin make four pairs of claims.
        let (met, persons) = (pairs / (2.0 * caught), number(claims as u64) / 2.0);
        session.tells(*kin).then(|| (*kin, rate(met, persons, declared.part.min(1.0))))
    };
    kin.iter().zip(&found.kin).filter_map(part).collect()
}

/// What the sessions saw together: each counts by how many pairs of one person it expects to have looked at.
#[derive(Default)]
struct Seen {
    expected: Levels,
    among: Levels,
}

impl Seen {
    fn add(&mut self, found: &Found) {
        for (of, level, _) in Trait::ALL.into_iter().flat_map(levels) {
            count(&mut self.expected, of, level, at(&found.expected, of, level));
            count(&mut self.among, of, level, at(&found.among, of, level));
        }
    }
}

fn levels(of: Trait) -> impl Iterator<Item = (Trait, u8, &'static str)> {
    (0..).zip(of.levels()).map(move |(level, word)| (of, level, *word))
}

/// What was learnt where enough was seen, what is declared elsewhere.
fn learnt(declared: &Shares, seen: &Seen, by_chance: &Levels) -> Shares {
    let mut shares = declared.clone();
    for (of, level, _) in Trait::ALL.into_iter().flat_map(levels) {
        let (expected, among) = (at(&seen.expected, of, level), at(&seen.among, of, level));
        let Some(share) = declared.estimated(of, level) else { continue };
        if among >= FEWEST_MATCHES && expected >= 1.0 {
            let m = rate(expected, among, share.m);
            let u = at(by_chance, of, level);
            shares.set(of, level, signed(of, level, Share { m, u }));
        }
    }
    shares
}

/// What the levels of a trait are shares of: the pairs known by it. Of numbers, all pairs: hardly any but those of one source are
/// known by them, and of those few are one person's.
fn whole(of: Trait, known: f64, all: f64) -> f64 {
    if of == Trait::Numero { all } else { known }
}

/// The same trait never speaks against two being one, another never for it.
fn signed(of: Trait, level: u8, share: Share) -> Share {
    let same = level == 0;
    let other = usize::from(level) + 1 == of.levels().len();
    let m = if same {
        share.m.max(share.u)
    } else if other {
        share.m.min(share.u)
    } else {
        share.m
    };
    Share { m, ..share }
}

/// How often something met `count` times in `of` comes, taken to have been met once before in as many as its declared share says: so
/// that none is 0, and one that is too rare to be met keeps about what was declared.
fn rate(count: f64, of: f64, declared: f64) -> f64 {
    ((count + 1.0) / (of + 1.0 / declared)).min(1.0)
}

fn at(levels: &Levels, of: Trait, level: u8) -> f64 {
    let levels = levels.get(of as usize);
    levels.and_then(|levels| levels.get(usize::from(level))).copied().unwrap_or_default()
}

fn count(levels: &mut Levels, of: Trait, level: u8, by: f64) {
    let levels = levels.get_mut(of as usize);
    if let Some(place) = levels.and_then(|levels| levels.get_mut(usize::from(level))) {
        *place += by;
    }
}

fn set(levels: &mut Levels, of: Trait, level: u8, share: f64) {
    let levels = levels.get_mut(of as usize);
    if let Some(place) = levels.and_then(|levels| levels.get_mut(usize::from(level))) {
        *place = share;
    }
}

/// A count as a number that can be divided.
#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 pairs")]
fn number(count: u64) -> f64 {
    count as f64
}

/// The levels of a likeness that are estimated, but for some traits.
fn pattern(likeness: &Likeness, declared: &Shares, without: &[Trait]) -> Pattern {
    Trait::ALL.map(|of| {
        let level = likeness.level(of).filter(|_| !without.contains(&of))?;
        declared.estimated(of, level).map(|_| level)
    })
}

/// A level for each trait that counts.
type Pattern = [Option<u8>; TRAITS];

/// Patterns and how many pairs show each, in an order that does not depend on chance.
type Patterns = Vec<(Pattern, u64)>;

#[cfg(test)]
mod tests;
