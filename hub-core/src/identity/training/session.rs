//! The pairs one kind of key brings together, and what they may teach.
//!
//! Claims enter; for each kind of key, patterns of likeness and how many pairs show each leave. A key fixes the traits it is made
//! of: among the pairs it finds they are alike by selection, and teach nothing (as Splink, Linacre et al., 2022).

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::{Likeness, Member, Pattern, Patterns, Policy, Shares, Trait, pattern};
use crate::identity::crowd::candidates;
use crate::identity::key::IdentityKey;
use crate::identity::profile::Profile;
use crate::identity::sound::sound;

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Session {
    /// A number somebody gave.
    Number,
    /// Name and given name as they sound, and the year.
    Name,
    /// The name as it sounds, and the day.
    DayOfName,
    /// The given name as it sounds, and the day.
    DayOfGiven,
}

impl Session {
    /// A word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Number => "numero",
            Self::Name => "nom",
            Self::DayOfName => "jour_nom",
            Self::DayOfGiven => "jour_prenom",
        }
    }

    /// What its keys fix.
    fn fixed(self) -> &'static [Trait] {
        match self {
            Self::Number => &[Trait::Numero, Trait::Nir],
            Self::Name => &[Trait::Nom, Trait::Prenoms, Trait::Naissance],
            Self::DayOfName => &[Trait::Naissance, Trait::Nom],
            Self::DayOfGiven => &[Trait::Naissance, Trait::Prenoms],
        }
    }

    /// A level that no pair with such a key can show.
    pub(super) fn bars(self) -> Option<(Trait, &'static str)> {
        // Whoever bears another's given name as a name does not share the given name.
        (self == Self::DayOfGiven).then_some((Trait::Nom, "inverse"))
    }

    /// The session of a key two share. A day shared by the name of one and the given name of the other fixes neither or both: no session
    /// can tell, and has it.
    fn of(key: &IdentityKey, a: &Profile, b: &Profile) -> Option<Self> {
        if key.is_number() {
            return Some(Self::Number);
        }
        let Some(heard) = key.0.strip_prefix("jour:").and_then(|key| key.split('|').next()) else {
            return Some(Self::Name);
        };
        let both = |heard_in: &dyn Fn(&Profile) -> bool| heard_in(a) && heard_in(b);
        let name = both(&|of| of.names.iter().any(|name| sound(name) == heard));
        let given = both(&|of| of.given.iter().any(|given| sound(first(given)) == heard));
        match (name, given) {
            (true, false) => Some(Self::DayOfName),
            (false, true) => Some(Self::DayOfGiven),
            _ => None,
        }
    }
}

fn first(given: &str) -> &str {
    given.split(' ').next().unwrap_or_default()
}

/// What there is to learn from.
pub(super) struct Gathered {
    pub patterns: BTreeMap<Session, Patterns>,
    /// Keys too many share.
    pub crowded: u64,
}

/// Compares the pairs that share a key, each once for each session. Two one record states are two persons, whom no weight decides.
pub(super) fn gather(members: &[Member], policy: &Policy, declared: &Shares) -> Gathered {
    let mut counts: BTreeMap<Session, HashMap<Pattern, u64>> = BTreeMap::new();
    let crowded = candidates(members, policy, |key, one, other| {
        let Some((one, other)) = members.get(one).zip(members.get(other)) else { return };
        let (a, b) = (&one.profile, &other.profile);
        let Some(session) = Session::of(key, a, b).filter(|_| !beside(one, other)) else { return };
        let as_much =
            |shared: &&IdentityKey| b.keys.contains(shared) && Session::of(shared, a, b) == Some(session);
        if a.keys().find(as_much) == Some(key) {
            let pattern = pattern(&Likeness::of(a, b), declared, session.fixed());
            *counts.entry(session).or_default().entry(pattern).or_default() += 1;
        }
    });
    let sorted = |(session, patterns): (Session, HashMap<Pattern, u64>)| {
        let mut patterns: Patterns = patterns.into_iter().collect();
        patterns.sort_unstable();
        (session, patterns)
    };
    Gathered { patterns: counts.into_iter().map(sorted).collect(), crowded }
}

fn beside(one: &Member, other: &Member) -> bool {
    one.stands.0 == other.stands.0
}
