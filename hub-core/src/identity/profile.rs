//! What the claims of one person tell together of who it is.
//!
//! Traits enter claim by claim, sets leave: a person may have several names, births, addresses. Numbers that only claims no longer
//! stated bear are kept apart: their source may have given them to somebody else. What numbers say of two is in [`super::numbers`].

use std::fmt;

use compact_str::CompactString;

use super::birth::Birth;
use super::few::Few;
use super::key::IdentityKey;
use super::names;
use super::span::Span;
use super::traits::{Birthplace, OwnNumber, Traits};
use crate::text::fold_name;

pub(super) type Texts = Few<CompactString>;

/// All that the claims linked to one person tell of who it is.
#[derive(Clone, Default)]
pub struct Profile {
    pub(super) keys: Few<IdentityKey>,
    /// Those of them that only claims no longer stated bear.
    pub(super) former: Few<IdentityKey>,
    pub(super) nirs: Texts,
    /// Those of them some claim states so that no character can be wrong.
    pub(super) sure_nirs: Texts,
    pub(super) names: Texts,
    pub(super) given: Texts,
    pub(super) births: Few<Birth>,
    pub(super) women: Few<bool>,
    pub(super) birthplaces: Few<Birthplace>,
    ranks: Few<i64>,
    /// Who states it, and how long.
    givers: Few<(u64, Span)>,
    /// Numbers sources gave, with how long they stated them.
    pub(super) own: Few<(OwnNumber, Span)>,
    pub(super) addresses: Few<Address>,
    pub(super) phones: Texts,
    pub(super) emails: Texts,
    pub(super) households: Texts,
}

/// A postal code and a street, folded.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub postal_code: CompactString,
    pub street: CompactString,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({} keys)", self.keys.iter().count())
    }
}

impl Profile {
    /// What one claim tells, which was stated so long.
    pub fn of(traits: &Traits, span: Span) -> Self {
        let mut profile = Self::default();
        profile.add(traits, span);
        profile
    }

    fn add(&mut self, traits: &Traits, span: Span) {
        // Who passes a number on, and names nobody, says nothing of who it is.
        if traits.has_a_name() {
            self.givers.add(&(traits.giver, span));
        }
        self.own.extend(traits.own.iter().map(|own| (own.clone(), span)));
        if !span.lasts() {
            self.former.extend(traits.keys.iter().copied());
        }
        self.keys.extend(traits.keys.iter().copied());
        self.nirs.extend(traits.nir.clone());
        self.sure_nirs.extend(traits.nir.clone().filter(|_| traits.nir_is_sure));
        self.names.extend(traits.names.iter().cloned());
        self.given.extend(Some(&traits.given).filter(|text| !text.is_empty()).cloned());
        self.births.extend(traits.birth);
        self.women.extend(traits.woman);
        self.birthplaces.extend(traits.birthplace.clone());
        self.ranks.extend(traits.rank);
        let around = &traits.around;
        if !around.postal_code.is_empty() {
            let address =
                Address { postal_code: around.postal_code.clone(), street: fold_name(&around.street) };
            self.addresses.add(&address);
        }
        self.phones.extend(around.phones.iter().cloned());
        self.emails.extend(around.emails.iter().cloned());
        self.households.extend(Some(&around.household).filter(|text| !text.is_empty()).cloned());
    }

    /// Adds another profile found to be of the same person.
    pub fn join(&mut self, other: Self) {
        let stated = |one: &Self, key: &IdentityKey| one.keys.contains(key) && !one.former.contains(key);
        self.former.retain(|key| !stated(&other, key));
        let former: Vec<_> = other.former.iter().filter(|key| !stated(self, key)).copied().collect();
        self.former.extend(former);
        self.keys.extend(other.keys);
        self.nirs.extend(other.nirs);
        self.sure_nirs.extend(other.sure_nirs);
        self.names.extend(other.names);
        self.given.extend(other.given);
        self.births.extend(other.births);
        self.women.extend(other.women);
        self.birthplaces.extend(other.birthplaces);
        self.ranks.extend(other.ranks);
        self.givers.extend(other.givers);
        self.own.extend(other.own);
        self.addresses.extend(other.addresses);
        self.phones.extend(other.phones);
        self.emails.extend(other.emails);
        self.households.extend(other.households);
    }

    /// Every key some claim bears.
    pub fn keys(&self) -> impl Iterator<Item = &IdentityKey> {
        self.keys.iter()
    }

    /// Whether a claim has a birth or given names other than all those known.
    pub fn is_news(&self, claim: &Traits) -> bool {
        let births = claim.birth.filter(|_| !self.births.is_empty());
        let given = Some(&claim.given).filter(|given| !given.is_empty() && !self.given.is_empty());
        births.is_some_and(|birth| !self.births.iter().any(|known| known.nearness(birth).agrees()))
            || given.is_some_and(|given| !self.given.iter().any(|known| names::given_agree(known, given)))
    }

    /// Whether anything brings the two together.
    pub fn shares_a_key(&self, other: &Self) -> bool {
        !self.keys.is_disjoint(&other.keys)
    }

    /// The rank of birth tells twins apart.
    pub(super) fn differ_in_rank(&self, other: &Self) -> bool {
        !self.ranks.is_empty() && !other.ranks.is_empty() && self.ranks.is_disjoint(&other.ranks)
    }

    /// One source states both at one time: it takes them for two, or states one of them twice.
    pub(super) fn is_stated_beside(&self, other: &Self) -> bool {
        let beside = |(giver, span): &(u64, Span)| {
            other.givers.iter().any(|(by, theirs)| by == giver && span.meets(*theirs))
        };
        self.givers.iter().any(beside)
    }

    /// How many sources state one of the two.
    pub(super) fn givers_of_either(&self, other: &Self) -> usize {
        let mut givers: Few<u64> = Few::default();
        givers.extend(self.givers.iter().chain(other.givers.iter()).map(|(giver, _)| *giver));
        givers.iter().count()
    }

    /// How many of name, given name and birth are known on both sides and differ. One may have been corrected, not two: one NIR
    /// may be written for several persons of a household.
    pub(super) fn differing(&self, other: &Self) -> u8 {
        let births = differ(&self.births, &other.births, |a, b| a.nearness(*b).agrees());
        let names = differ(&self.names, &other.names, |a, b| names::names_agree(a, b));
        let given = differ(&self.given, &other.given, |a, b| names::given_agree(a, b));
        u8::from(births) + u8::from(names) + u8::from(given)
    }

    /// No other NIR, no other birth, no other given names: what is not known speaks neither for nor against.
    pub(super) fn speaks_for(&self, other: &Self) -> bool {
        !self.nirs_differ(other)
            && go_together(&self.births, &other.births, |a, b| a.nearness(*b).agrees())
            && !self.days_contradict(other)
            && self.given_go_together(other)
    }

    /// Of both a day of birth is known, and it is another: that some claim says 1 January of both does not make it the same.
    pub(super) fn days_contradict(&self, other: &Self) -> bool {
        let known = |birth: &&Birth| birth.anniversary().is_some();
        let theirs = || other.births.iter().filter(known);
        let mut own = self.births.iter().filter(known).peekable();
        own.peek().is_some()
            && theirs().next().is_some()
            && !own.any(|day| theirs().any(|other| other == day))
    }

    /// The same given names somewhere, or none that speak against another. LOUISE does not, beside a MARIE who is known as MARIE
    /// LOUISE too; MARIE LOUISE does, beside a MARIE ANNE.
    pub(super) fn given_go_together(&self, other: &Self) -> bool {
        !self.given.is_disjoint(&other.given)
            || self.said().all(|a| other.said().all(|b| self.given_goes(other, (a, b))))
    }

    /// The given names, but for a family name written in their place.
    fn said(&self) -> impl Iterator<Item = &CompactString> {
        let turned = |given: &CompactString| self.names.contains(given);
        let all = self.given.iter().all(turned);
        self.given.iter().filter(move |given| all || !turned(given))
    }

    /// The given names are written nearly alike somewhere.
    pub(super) fn has_nearly_the_given_of(&self, other: &Self) -> bool {
        any(&self.given, &other.given, |a, b| names::given(a, b) != names::Nearness::Other)
    }

    /// The given names of both are known, and none is written nearly alike.
    pub(super) fn has_quite_other_given_than(&self, other: &Self) -> bool {
        !self.given.is_empty() && !other.given.is_empty() && !self.has_nearly_the_given_of(other)
    }

    /// Neither given name nor birth has anything in common.
    pub(super) fn is_of_other_given_and_birth_than(&self, other: &Self) -> bool {
        self.has_quite_other_given_than(other)
            && differ(&self.births, &other.births, |a, b| a.nearness(*b).agrees())
    }

    /// A given name of one is quite another than one of the other's, and stands within none that goes with it.
    pub(super) fn given_contradict(&self, other: &Self) -> bool {
        let quite_other = |a: &str, b: &str| names::given(a, b) == names::Nearness::Other;
        self.said().any(|a| other.said().any(|b| quite_other(a, b) && !self.given_goes(other, (a, b))))
    }

    /// ROGER OLIVIER and ROGER REMI, each of whom some source knows as ROGER.
    pub(super) fn further_given_contradict(&self, other: &Self) -> bool {
        let several = |of: &Self| of.said().filter(|given| given.contains(' ')).cloned().collect::<Vec<_>>();
        let (own, theirs) = (several(self), several(other));
        let pairs = || own.iter().flat_map(|a| theirs.iter().map(move |b| (a, b)));
        let first = |given: &str| given.split(' ').next().map(str::to_owned);
        let quite_other =
            |(a, b): (&CompactString, &CompactString)| names::given(a, b) == names::Nearness::Other;
        pairs().any(|(a, b)| first(a) == first(b)) && pairs().all(quite_other)
    }

    fn given_goes(&self, other: &Self, (a, b): (&str, &str)) -> bool {
        let within = |part: &str, all: &Texts, against: &str| {
            let mut whole = all.iter().filter(|whole| *whole != part && names::is_inside(part, whole));
            whole.any(|whole| names::given_agree(whole, against))
        };
        names::given_agree(a, b) || within(a, &self.given, b) || within(b, &other.given, a)
    }

    /// The whole name and the full birth date, and given names that go together.
    pub(super) fn has_name_and_day_of(&self, other: &Self) -> bool {
        !self.names.is_disjoint(&other.names)
            && !self.given.is_empty()
            && !other.given.is_empty()
            && self.given_go_together(other)
            && self.births.iter().any(|birth| birth.is_whole() && other.births.contains(birth))
    }

    /// The whole name, every given name and the full birth date.
    pub(super) fn has_whole_name_of(&self, other: &Self) -> bool {
        !self.names.is_disjoint(&other.names)
            && !self.given.is_disjoint(&other.given)
            && self.births.iter().any(|birth| birth.is_whole() && other.births.contains(birth))
    }

    /// Name, given names and birth as far as both are known.
    pub(super) fn has_name_of(&self, other: &Self) -> bool {
        self.speaks_for(other)
            && self.names.iter().any(|a| other.names.iter().any(|b| names::names_agree(a, b)))
    }
}

pub(super) fn any<T: PartialEq>(a: &Few<T>, b: &Few<T>, agree: impl Fn(&T, &T) -> bool) -> bool {
    a.iter().any(|a| b.iter().any(|b| agree(a, b)))
}

pub(super) fn differ<T: PartialEq>(a: &Few<T>, b: &Few<T>, agree: impl Fn(&T, &T) -> bool) -> bool {
    !a.is_empty() && !b.is_empty() && !any(a, b, agree)
}

/// The same somewhere, or nowhere other: MARIE binds nobody to both MARIE LOUISE and MARIE ANNE, nor a month two of its days.
fn go_together<T: PartialEq>(a: &Few<T>, b: &Few<T>, agree: impl Fn(&T, &T) -> bool) -> bool {
    !a.is_disjoint(b) || a.iter().all(|a| b.iter().all(|b| agree(a, b)))
}
