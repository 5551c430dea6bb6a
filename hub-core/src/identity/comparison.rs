//! Two persons side by side: what each trait says for or against their being one.
//!
//! Claims of two persons enter; a line for each trait both are known by leaves, with what it weighs, and what the hub makes of the sum.

use super::bond::{Relation, relate};
use super::fields::IdentityFields;
use super::kin::Kin;
use super::likeness::{Likeness, Trait};
use super::policy::{Centibits, Policy, Weighed};
use super::profile::Profile;
use super::span::Span;
use crate::statement::Statement;

/// Two persons compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What each trait both are known by says.
    pub lines: Vec<Line>,
    /// Who the two are likeliest to be if they are not one, and what the rarity of such kin weighs; nothing for strangers.
    pub against: Option<(Kin, Centibits)>,
    /// What it weighs in all.
    pub weight: Centibits,
    /// What the hub makes of it; nothing when they have nothing to do with one another.
    pub relation: Option<Relation>,
    /// They share a look-up key: without one the hub never compares them.
    pub shares_a_key: bool,
}

/// What one trait says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The trait.
    pub of: Trait,
    /// How alike they are.
    pub level: &'static str,
    /// What that weighs.
    pub weight: Centibits,
}

impl Comparison {
    /// Compares two persons by their claims.
    pub fn of(
        (one, other): (&[Statement], &[Statement]),
        identity: &IdentityFields,
        policy: &Policy,
    ) -> Self {
        let (one, other) = (Profile::of_all(one, identity), Profile::of_all(other, identity));
        let likeness = Likeness::of(&one, &other);
        let common = policy.common(&one, &other, &likeness);
        let Weighed { weight, against } = policy.weigh(&likeness, common);
        let less = |of: Trait| if against.is_none() { common.of(of) } else { 0 };
        let line = |of: Trait| {
            let level = likeness.level(of)?;
            Some(Line { of, level: likeness.word(of)?, weight: policy.weight(of, level, against) - less(of) })
        };
        Self {
            lines: Trait::ALL.into_iter().filter_map(line).collect(),
            against: against.map(|kin| (kin, policy.rarity(against))),
            weight,
            relation: relate(&one, &other, policy),
            shares_a_key: one.shares_a_key(&other),
        }
    }
}

impl Profile {
    /// What the claims of one person tell.
    pub fn of_all(statements: &[Statement], identity: &IdentityFields) -> Self {
        let mut profile = Self::default();
        for statement in statements {
            profile.join(Self::of(&identity.traits_of(statement), Span::of(statement)));
        }
        profile
    }
}
