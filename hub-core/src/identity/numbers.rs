//! What numbers say of two: the NIR, and those that sources gave.
//!
//! Two profiles enter, what their numbers tell leaves. A number is passed on within a home, given twice, or written wrong by a
//! character: each rule here says when one is believed.

use compact_str::CompactString;
use strsim::osa_distance;

use super::few::Few;
use super::key::KeyKind;
use super::likeness::{Likeness, Trait, may_be_one_place};
use super::profile::{Profile, any, differ};
use super::span::Span;
use super::traits::{Giver, OwnNumber};
use crate::canonical::nir::may_be_mended;

impl Profile {
    pub(super) fn shares_a_nir(&self, other: &Self) -> bool {
        !self.nirs.is_disjoint(&other.nirs)
    }

    /// They bear two NIR; one character wrong, or two neighbours exchanged, in that of a person whose name and birth are the same is a
    /// misprint. Twins, whose NIR are neighbours, have other given names.
    pub(super) fn nirs_differ(&self, other: &Self) -> bool {
        let misprinted = || {
            self.has_name_and_day_of(other)
                && any(&self.nirs, &other.nirs, |own, theirs| self.may_be_misprinted(own, other, theirs))
        };
        let both = !self.nirs.is_empty() && !other.nirs.is_empty();
        both && !self.shares_a_nir(other) && !misprinted()
    }

    /// A character apart, and not both sure.
    fn may_be_misprinted(&self, own: &CompactString, other: &Self, theirs: &CompactString) -> bool {
        let sure = self.sure_nirs.contains(own) && other.sure_nirs.contains(theirs);
        !sure && osa_distance(own, theirs) < 2
    }

    /// They bear two NIR that differ in what a correction of sex or birth changes alone.
    pub(super) fn nirs_may_be_mended(&self, other: &Self) -> bool {
        any(&self.nirs, &other.nirs, |own, theirs| may_be_mended(own, theirs))
    }

    /// They bear one NIR between them.
    pub(super) fn have_one_nir(&self, other: &Self) -> bool {
        let mut nirs = self.nirs.iter().chain(other.nirs.iter());
        let first = nirs.next();
        first.is_some() && nirs.all(|nir| Some(nir) == first)
    }

    /// The strongest number both bear, and whether one of them only bore it.
    pub(super) fn shared_number(&self, other: &Self) -> Option<(u8, bool)> {
        let shared = self
            .keys
            .iter()
            .filter(|key| key.is_number() && key.kind() != KeyKind::Nir && other.keys.contains(key));
        shared
            .filter_map(|key| {
                Some((key.kind().rank()?, self.former.contains(key) || other.former.contains(key)))
            })
            .min_by_key(|(rank, former)| (*former, *rank))
    }

    /// Both bear one number, be it the NIR.
    pub(super) fn bears_a_number_of(&self, other: &Self) -> bool {
        self.keys.iter().any(|key| key.is_number() && other.keys.contains(key))
    }

    fn shares_an_own_number(&self, other: &Self) -> bool {
        any(&self.own, &other.own, |(own, _), (theirs, _)| own == theirs)
    }

    /// A source that numbers its persons at one time knows them as two.
    pub(super) fn differ_in_number(&self, other: &Self) -> bool {
        self.own.iter().any(|((giver, _), span)| {
            let shared = || {
                let own = self.own.iter().filter(|((by, _), _)| by == giver);
                own.map(|(own, _)| own).any(|own| other.own.iter().any(|(theirs, _)| theirs == own))
            };
            let beside = other.own.iter().any(|((by, _), theirs)| by == giver && span.meets(*theirs));
            beside && !shared() && !self.may_be_passed_on_wrong(other, giver)
        })
    }

    /// The number of a system that several sources pass on, wrong by a character in one of them. Who states both knows them as two.
    fn may_be_passed_on_wrong(&self, other: &Self, giver: &Giver) -> bool {
        let nearly = |((by, own), _): &(OwnNumber, Span), ((theirs_by, theirs), _): &(OwnNumber, Span)| {
            by == giver && theirs_by == giver && osa_distance(own, theirs) == 1
        };
        matches!(giver, Giver::System(_))
            && any(&self.own, &other.own, nearly)
            && !self.is_stated_beside(other)
    }

    /// Whether a source may have numbered one person twice at one time: the day of birth is known and the same; or births agree as far
    /// as they are known, and nothing else speaks for two.
    pub(super) fn may_be_numbered_twice(&self, other: &Self) -> bool {
        let alike = || !self.has_another_life(other) && !apart(&self.households, &other.households);
        self.has_known_day_of(other) || (self.agrees_in_birth_with(other) && alike())
    }

    /// Whether they may be two of a day that is many's: 1 January, or a year, and lives of their own. A fund states under two numbers of
    /// household whom it states twice.
    pub(super) fn may_be_two_of_one_day(&self, other: &Self) -> bool {
        !self.has_known_day_of(other) && self.agrees_in_birth_with(other) && self.has_another_life(other)
    }

    fn has_known_day_of(&self, other: &Self) -> bool {
        any(&self.births, &other.births, |own, theirs| own == theirs && own.anniversary().is_some())
    }

    fn agrees_in_birth_with(&self, other: &Self) -> bool {
        any(&self.births, &other.births, |own, theirs| own.nearness(*theirs).agrees())
            && !self.days_contradict(other)
    }

    /// Something differs that two of one name and one home have each for themselves.
    fn has_another_life(&self, other: &Self) -> bool {
        differ(&self.birthplaces, &other.birthplaces, may_be_one_place)
            || apart(&self.phones, &other.phones)
            || apart(&self.emails, &other.emails)
    }
}

fn apart<T: PartialEq>(a: &Few<T>, b: &Few<T>) -> bool {
    !a.is_empty() && !b.is_empty() && a.is_disjoint(b)
}

/// How alike the numbers of two are: what one system gave to one person; what two of a household may bear; one perhaps written wrong.
pub(super) fn level_of_numbers(a: &Profile, b: &Profile) -> Option<u8> {
    let shared = a.shared_number(b).map(|(rank, _)| rank);
    if a.shares_an_own_number(b) || shared == KeyKind::FranceTravailUuid.rank() {
        Some(0)
    } else if a.differ_in_number(b) {
        Some(3)
    } else if shared.is_some() {
        Some(1)
    } else {
        let nearly = a.own.iter().any(|((giver, _), _)| a.may_be_passed_on_wrong(b, giver));
        nearly.then_some(2)
    }
}

/// How alike two NIR are: the same, perhaps a misprint, or two.
pub(super) fn level_of_nirs(a: &Profile, b: &Profile) -> Option<u8> {
    let level = |own: &CompactString, theirs: &CompactString| match own == theirs {
        true => 0,
        false if a.may_be_misprinted(own, b, theirs) => 1,
        false => 2,
    };
    let levels = a.nirs.iter().flat_map(|own| b.nirs.iter().map(move |theirs| (own, theirs)));
    levels.map(|(own, theirs)| level(own, theirs)).min()
}

impl Likeness {
    /// A source that numbers two apart states both: that is one fact, and the numbers tell it.
    pub(super) fn tell_once(&mut self) {
        if self.word(Trait::Numero) == Some("different") && self.word(Trait::Sources) == Some("commune") {
            self.set(Trait::Sources, None);
        }
    }

    /// A number borne by two who have no two of name, given name and birth in common was passed on, within a home it may be: it tells
    /// nothing of them. Few homes have two of one day of birth. Two numbers stay two.
    pub(super) fn let_numbers_pass_on(&mut self) {
        let birth = self.word(Trait::Naissance);
        if birth == Some("identique") || self.word(Trait::Numero) == Some("different") {
            return;
        }
        let of_another = [Trait::Nom, Trait::Prenoms].map(|of| self.word(of) == Some("different"));
        let born_otherwise = matches!(birth, Some("different" | "proche"));
        let differing = of_another.into_iter().chain([born_otherwise]).filter(|differs| *differs).count();
        if differing > 1 {
            self.set(Trait::Numero, None);
        }
    }
}
