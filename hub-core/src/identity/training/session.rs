//! The pairs one kind of key brings together, and what they may teach.
//!
//! Claims enter; for each kind of key, patterns of likeness and how many pairs show each leave. A key fixes the traits it is made
//! of: among the pairs it finds they are alike by selection, and teach nothing (as Splink, Linacre et al., 2022).

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::{Kin, Likeness, Member, Pattern, Patterns, Policy, Shares, Trait, pattern};
use crate::identity::crowd::candidates;
use crate::identity::key::{IdentityKey, KeyKind};

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Session {
    /// A number somebody gave.
    Number,
    /// Name and given name as they sound, and the year.
    Name,
    /// The name as it sounds, and the day.
    Day,
    /// The day, and the door.
    Place,
    /// The given name as it sounds, and the house.
    House,
}

impl Session {
    /// A word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Number => "numero",
            Self::Name => "nom",
            Self::Day => "jour",
            Self::Place => "lieu",
            Self::House => "maison",
        }
    }

    /// What its keys fix.
    pub fn fixed(self) -> &'static [Trait] {
        match self {
            Self::Number => &[Trait::Numero, Trait::Nir],
            Self::Name => &[Trait::Nom, Trait::Prenoms, Trait::Naissance],
            Self::Day => &[Trait::Naissance, Trait::Nom],
            Self::Place => &[Trait::Naissance, Trait::Adresse],
            Self::House => &[Trait::Prenoms, Trait::Adresse],
        }
    }

    /// Kin its keys bring together.
    pub fn kin(self) -> &'static [Kin] {
        match self {
            Self::Number | Self::Name => &[],
            Self::Day | Self::Place => &[Kin::Twins, Kin::TwinsAtHome],
            Self::House => &[Kin::Household, Kin::Namesakes],
        }
    }

    /// Whether it finds nearly all kin of a kind whom its traits fit.
    pub fn tells(self, kin: Kin) -> bool {
        matches!((self, kin), (Self::Day, Kin::Twins | Kin::TwinsAtHome) | (Self::House, Kin::Namesakes))
    }

    /// The session of a key. What a household shares brings together those who are not one and yet alike: nothing is learnt from them.
    fn of(key: IdentityKey) -> Option<Self> {
        Some(match key.kind() {
            kind if kind.is_number() => Self::Number,
            KeyKind::Nom => Self::Name,
            KeyKind::Jour => Self::Day,
            KeyKind::Lieu => Self::Place,
            KeyKind::Maison => Self::House,
            _ => return None,
        })
    }
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
        let Some(session) = Session::of(*key).filter(|_| !beside(one, other)) else { return };
        let as_much =
            |shared: &&IdentityKey| b.keys.contains(shared) && Session::of(**shared) == Some(session);
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
