//! What the claims of one person tell of who it is, and what binds a new claim to it.

use compact_str::CompactString;
use hashbrown::HashSet;

use super::few::Few;
use super::names::{births_agree, given_agree, names_agree};
use super::{IdentityKey, OwnNumber, Traits};
use crate::delivery::PersonId;

/// All that the claims linked to one person tell of who it is.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    keys: Few<IdentityKey>,
    /// Those of them that only claims no longer stated bear.
    former: Few<IdentityKey>,
    nirs: Texts,
    /// Those that rows bore until this batch.
    earlier_nirs: Texts,
    names: Texts,
    given: Texts,
    births: Texts,
    ranks: Few<i64>,
    own: Few<OwnNumber>,
}

/// What binds a claim to a person, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bond {
    /// A number both bear: the place of its key among the claim's.
    Number(usize),
    /// A number its source no longer gives this person: it may be somebody else's now.
    FormerNumber(usize),
    /// The NIR, although a name, given name or birth differs.
    NirNearly,
    /// The whole name, every given name and the full birth date.
    WholeName,
    /// Name, given names and birth as far as both are known.
    Name,
    /// A name, but one source numbers the two apart: no bond, unless that number is about to go.
    NameAgainstNumber,
    /// The whole name, but another NIR: no bond, and a reason to doubt another one.
    NameAgainstNir,
}

impl Bond {
    /// By name and birth alone: good for one person, not for a choice among several.
    pub fn is_name(self) -> bool {
        matches!(self, Self::WholeName | Self::Name)
    }

    /// By a number.
    pub fn is_number(self) -> bool {
        matches!(self, Self::Number(_) | Self::FormerNumber(_) | Self::NirNearly)
    }
}

impl Profile {
    fn of(traits: &Traits) -> Self {
        let mut profile = Self::default();
        profile.add(traits);
        profile
    }

    /// Adds a claim's traits; returns the keys that were not there.
    pub fn add(&mut self, traits: &Traits) -> Vec<IdentityKey> {
        self.own.extend(traits.own.iter().cloned());
        self.former.retain(|key| !traits.keys.contains(key));
        self.add_all_but_numbers(traits)
    }

    /// Adds the traits of a claim no longer stated: the numbers its source gave tell nobody apart any more.
    pub fn add_silent(&mut self, traits: &Traits) {
        let new = self.add_all_but_numbers(traits);
        self.former.extend(new);
    }

    /// Adds what a row told that tells something else now: the NIR it bore.
    pub fn add_earlier(&mut self, traits: &Traits) {
        self.earlier_nirs.extend(traits.nir.clone());
    }

    fn add_all_but_numbers(&mut self, traits: &Traits) -> Vec<IdentityKey> {
        self.nirs.extend(traits.nir.clone());
        self.names.extend(traits.names.iter().cloned());
        self.given.extend(Some(&traits.given).filter(|text| !text.is_empty()).cloned());
        self.births.extend(Some(&traits.birth).filter(|text| !text.is_empty()).cloned());
        self.ranks.extend(traits.rank);
        traits.keys.iter().filter(|key| self.keys.add(key)).cloned().collect()
    }

    /// Adds another profile found to be of the same person.
    pub fn join(&mut self, other: Self) {
        let stated = |one: &Self, key: &IdentityKey| one.keys.contains(key) && !one.former.contains(key);
        self.former.retain(|key| !stated(&other, key));
        let former: Vec<_> = other.former.iter().filter(|key| !stated(self, key)).cloned().collect();
        self.former.extend(former);
        self.keys.extend(other.keys);
        self.nirs.extend(other.nirs);
        self.earlier_nirs.extend(other.earlier_nirs);
        self.names.extend(other.names);
        self.given.extend(other.given);
        self.births.extend(other.births);
        self.ranks.extend(other.ranks);
        self.own.extend(other.own);
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.names.is_empty() && self.given.is_empty() && self.births.is_empty()
    }

    /// Every key some claim bears.
    pub fn keys(&self) -> impl Iterator<Item = IdentityKey> + '_ {
        self.keys.iter().cloned()
    }

    /// Whether a claim has a birth or given names other than all those known.
    pub fn is_news(&self, claim: &Traits) -> bool {
        let other = |known: &Texts, text: &str, agree: Agree| {
            !text.is_empty() && !known.is_empty() && !known.iter().any(|known| agree(known, text))
        };
        other(&self.births, &claim.birth, births_agree) || other(&self.given, &claim.given, given_agree)
    }

    /// Whether a shared key, if it is a number, binds two persons.
    pub fn binds_by_number(&self, other: &Self, key: &IdentityKey) -> bool {
        self.bond(other, key, 0).is_some_and(Bond::is_number)
    }

    /// What a shared `key` says: nothing when the rest contradicts it, or when no claim of the person bears it.
    fn bond(&self, person: &Self, key: &IdentityKey, place: usize) -> Option<Bond> {
        if !person.keys.contains(key) {
            return None;
        }
        if key.is_nir() {
            return match self.differing(person) {
                0 => Some(Bond::Number(place)),
                1 => Some(Bond::NirNearly),
                _ => None,
            };
        }
        if !key.is_name() {
            let former = person.former.contains(key);
            let bond = if former { Bond::FormerNumber(place) } else { Bond::Number(place) };
            return self.speaks_for(person).then_some(bond);
        }
        self.bond_of_name(person)
    }

    fn bond_of_name(&self, person: &Self) -> Option<Bond> {
        let whole = !self.names.is_disjoint(&person.names)
            && !self.given.is_disjoint(&person.given)
            && self.births.iter().any(|birth| birth.len() == 10 && person.births.contains(birth));
        if self.nirs_differ(person) {
            return whole.then_some(Bond::NameAgainstNir);
        }
        if !self.speaks_for(person)
            || self.differ_in_rank(person)
            || !any(&self.names, &person.names, names_agree)
        {
            return None;
        }
        Some(match (self.differ_in_number(person), whole) {
            (true, _) => Bond::NameAgainstNumber,
            (false, true) => Bond::WholeName,
            (false, false) => Bond::Name,
        })
    }

    /// How many of name, given name and birth are known on both sides and differ. One may have been corrected, not two: one NIR
    /// may be written for several persons of a household.
    fn differing(&self, person: &Self) -> u8 {
        let differ = |a: &Texts, b: &Texts, agree: Agree| !a.is_empty() && !b.is_empty() && !any(a, b, agree);
        let births = differ(&self.births, &person.births, births_agree);
        let names = differ(&self.names, &person.names, names_agree);
        let given = differ(&self.given, &person.given, given_agree);
        u8::from(births) + u8::from(names) + u8::from(given)
    }

    /// Whether a claim that was linked to a person still goes with what its other claims tell.
    pub fn may_hold(&self, claim: &Traits) -> bool {
        let claim = Self::of(claim);
        self.is_empty() || (!self.nirs_differ(&claim) && self.differing(&claim) < 2)
    }

    /// Whether the source of a claim has another number for this person now, and no NIR says they are one.
    pub fn numbers_apart(&self, claim: &Traits) -> bool {
        let claim = Self::of(claim);
        self.nirs.is_disjoint(&claim.nirs) && self.differ_in_number(&claim)
    }

    /// Whether two persons between whom a claim stands may be one: the same NIR, unless it is written for twins or spouses, or
    /// nothing that speaks against it.
    pub fn may_be(&self, other: &Self) -> bool {
        if !self.nirs.is_disjoint(&other.nirs) {
            return go_together(&self.given, &other.given, given_agree) || self.may_be_misspelt(other);
        }
        self.speaks_for(other) && !self.differ_in_number(other) && !self.differ_in_rank(other)
    }

    /// Whether two of one NIR may be one although a given name differs: it alone may be written wrong. Twins have ranks or numbers of
    /// their own, or another NIR before theirs were exchanged.
    fn may_be_misspelt(&self, other: &Self) -> bool {
        let mut nirs = [self, other].into_iter().flat_map(|of| of.nirs.iter().chain(of.earlier_nirs.iter()));
        let first = nirs.next();
        nirs.all(|nir| Some(nir) == first)
            && self.differing(other) < 2
            && !self.differ_in_rank(other)
            && !self.differ_in_number(other)
    }

    /// No other NIR, no other birth, no other given names: what is not known speaks neither for nor against.
    fn speaks_for(&self, other: &Self) -> bool {
        !self.nirs_differ(other)
            && go_together(&self.births, &other.births, births_agree)
            && go_together(&self.given, &other.given, given_agree)
    }

    fn nirs_differ(&self, other: &Self) -> bool {
        !self.nirs.is_empty() && !other.nirs.is_empty() && self.nirs.is_disjoint(&other.nirs)
    }

    /// The rank of birth tells twins apart.
    fn differ_in_rank(&self, other: &Self) -> bool {
        !self.ranks.is_empty() && !other.ranks.is_empty() && self.ranks.is_disjoint(&other.ranks)
    }

    /// A source that numbers its persons knows them as two.
    fn differ_in_number(&self, other: &Self) -> bool {
        let numbered = |giver: &CompactString| other.own.iter().any(|(by, _)| by == giver);
        let shared =
            |giver: &CompactString| self.own.iter().any(|own| own.0 == *giver && other.own.contains(own));
        self.own.iter().any(|(giver, _)| numbered(giver) && !shared(giver))
    }
}

type Texts = Few<CompactString>;
type Agree = fn(&str, &str) -> bool;

fn any(a: &Texts, b: &Texts, agree: Agree) -> bool {
    a.iter().any(|a| b.iter().any(|b| agree(a, b)))
}

/// The same somewhere, or nowhere other: MARIE binds nobody to both MARIE LOUISE and MARIE ANNE, nor a month two of its days.
fn go_together(a: &Texts, b: &Texts, agree: Agree) -> bool {
    !a.is_disjoint(b) || a.iter().all(|a| b.iter().all(|b| agree(a, b)))
}

/// What binds a claim to the persons that share a key with it, each person once by its strongest bond, in order of strength.
pub fn bonds<'c>(
    claim: &Traits,
    sharing: impl Iterator<Item = (&'c IdentityKey, PersonId, &'c Profile)>,
) -> Vec<(Bond, PersonId)> {
    let mut sharing = sharing.peekable();
    if sharing.peek().is_none() {
        return Vec::new();
    }
    let own = Profile::of(claim);
    let mut found: Vec<(Bond, PersonId)> = sharing
        .filter_map(|(key, person, profile)| {
            let place = claim.keys.iter().position(|k| k == key)?;
            Some((own.bond(profile, key, place)?, person))
        })
        .collect();
    found.sort_unstable();
    let mut seen = HashSet::with_capacity(found.len());
    found.retain(|(_, person)| seen.insert(*person));
    found
}
