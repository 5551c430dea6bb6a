//! What binds two persons: rules on numbers first, then what their likeness weighs.
//!
//! Two profiles and the policy enter; a bond, a doubt, or nothing leaves. A shared key is never enough against a contradiction: two
//! persons of a household may carry one France Travail number (seen in real feeds), and two persons may have one name and one
//! birth date. Numbers are ruled, not weighed: a NIR that fits decides, one that does not forbids.

use super::kin::Kin;
use super::likeness::Likeness;
use super::policy::{Centibits, Policy, Weighed};
use super::profile::Profile;

/// What binds two, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bond {
    /// A number both bear, by how much its kind tells.
    Number(u8),
    /// A number its source no longer gives one of them: it may be somebody else's now.
    FormerNumber(u8),
    /// The NIR, although a name, given name or birth differs.
    NirNearly,
    /// The whole name, every given name and the full birth date.
    WholeName,
    /// Name, given names and birth as far as both are known.
    Name,
    /// Likeness alone.
    Likeness,
}

impl Bond {
    /// What goes before what: numbers before likeness, and of what is alike only the weight counts.
    pub(super) fn rank(self) -> (u8, u8) {
        match self {
            Self::Number(rank) => (0, rank),
            Self::FormerNumber(rank) => (1, rank),
            Self::NirNearly => (2, 0),
            Self::WholeName | Self::Name | Self::Likeness => (3, 0),
        }
    }
}

/// Why a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// Alike, not alike enough.
    Alike,
    /// Several persons are as near, and are not one.
    Several,
    /// The whole name and birth, under two NIR; or as alike as may be, and a correction of sex or birth would make the two NIR one.
    OtherNir,
    /// One NIR, and more than one other trait that differs.
    SharedNir,
    /// The same name and birth, which one source states apart: under two numbers, or with two lives.
    OtherNumber,
    /// The same name and birth under another given name: a twin, or the given name they go by.
    Twins,
}

impl Doubt {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Alike, Self::Several, Self::OtherNir, Self::SharedNir, Self::OtherNumber, Self::Twins];

    /// A word for tables, JSON and the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Alike => "ressemblance",
            Self::Several => "plusieurs",
            Self::OtherNir => "autre_nir",
            Self::SharedNir => "nir_partage",
            Self::OtherNumber => "autre_numero",
            Self::Twins => "jumeaux",
        }
    }
}

/// How two persons stand to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    /// What was found: a bond, or why to ask.
    pub found: Result<Bond, Doubt>,
    /// What their likeness weighs.
    pub weight: Centibits,
}

/// Relates two persons that share a key; nothing when they have nothing to do with one another.
pub fn relate(a: &Profile, b: &Profile, policy: &Policy) -> Option<Relation> {
    if !a.shares_a_key(b) {
        return None;
    }
    let likeness = Likeness::of(a, b);
    let weighed = policy.weigh(&likeness, policy.common(a, b, &likeness));
    let weight = weighed.weight;
    let found = if a.shares_a_nir(b) {
        Some(by_nir(a, b, weight >= policy.link && !likeness.is_of_another_name()))
    } else if a.nirs_differ(b) {
        let mended = || weight >= policy.review && a.nirs_may_be_mended(b) && !a.differ_in_rank(b);
        (a.has_whole_name_of(b) || mended()).then_some(Err(Doubt::OtherNir))
    } else {
        by_number(a, b).map(Ok).or_else(|| by_likeness(a, b, weighed, policy))
    };
    found.map(|found| Relation { found, weight })
}

/// Whether nothing known of two speaks against their being one.
pub(super) fn may_be_one(a: &Profile, b: &Profile) -> bool {
    if a.shares_a_nir(b) {
        return a.given_go_together(b) || may_be_misspelt(a, b);
    }
    a.speaks_for(b) && !a.differ_in_number(b) && !a.differ_in_rank(b)
}

/// A NIR shared: one trait may differ, more only when all that agrees outweighs them and some
/// name does. It is written for spouses and children too.
fn by_nir(a: &Profile, b: &Profile, alike: bool) -> Result<Bond, Doubt> {
    match a.differing(b) {
        0 | 1 if !may_be_one(a, b) => Err(Doubt::SharedNir),
        0 => Ok(Bond::Number(0)),
        1 => Ok(Bond::NirNearly),
        // A spouse's is not theirs, however much a home has in common.
        _ if alike && !a.differ_in_rank(b) && !a.is_of_other_given_and_birth_than(b) => Ok(Bond::NirNearly),
        _ => Err(Doubt::SharedNir),
    }
}

/// Whether two of one NIR may be one although a given name differs: it alone may be written wrong. Twins have ranks or numbers of
/// their own, or another NIR; a source that numbers one person twice writes nearly the same given name.
fn may_be_misspelt(a: &Profile, b: &Profile) -> bool {
    let apart = a.differ_in_number(b) && !a.has_nearly_the_given_of(b);
    a.have_one_nir(b) && a.differing(b) < 2 && !a.differ_in_rank(b) && !apart
}

fn by_number(a: &Profile, b: &Profile) -> Option<Bond> {
    let (rank, former) = a.shared_number(b)?;
    let bond = if former { Bond::FormerNumber(rank) } else { Bond::Number(rank) };
    may_be_one(a, b).then_some(bond)
}

fn by_likeness(
    a: &Profile,
    b: &Profile,
    Weighed { weight, against }: Weighed,
    policy: &Policy,
) -> Option<Result<Bond, Doubt>> {
    if a.differ_in_rank(b) {
        return None;
    }
    // Of those one source numbers apart, it is asked whenever the name is the same: they are its duplicates, or namesakes. Or where
    // they are alike for all that. Whom it gives two given names too are two, twins perhaps.
    if a.differ_in_number(b) && (weight < policy.link || !a.may_be_numbered_twice(b)) {
        let two = a.is_stated_beside(b) && a.has_quite_other_given_than(b);
        let asked = !two && (weight >= policy.review || a.has_name_of(b));
        return asked.then_some(Err(Doubt::OtherNumber));
    }
    if weight < policy.review {
        return None;
    }
    if a.is_stated_beside(b) && a.may_be_two_of_one_day(b) {
        return Some(Err(Doubt::OtherNumber));
    }
    Some(match (weight >= policy.link, a.has_name_of(b)) {
        (false, _) if matches!(against, Some(Kin::Twins | Kin::TwinsAtHome)) => Err(Doubt::Twins),
        (false, _) => Err(Doubt::Alike),
        (true, true) if a.has_whole_name_of(b) => Ok(Bond::WholeName),
        (true, true) => Ok(Bond::Name),
        (true, false) => Ok(Bond::Likeness),
    })
}

#[cfg(test)]
mod tests;
