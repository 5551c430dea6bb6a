//! Resolve: which person a claim speaks of.
//!
//! A claim's traits and the persons that share a key with it enter; the persons it agrees with leave, none for a new one. First
//! the NIR, then the sources' own identifiers, then the exact folded name with the full birth date. A shared key is never enough
//! against a contradiction: two persons of a household may carry one France Travail number (seen in real feeds). A claim that
//! agrees with several shows them to be one, so that the order in which sources arrive does not matter.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use crate::canonical::{Canon, FieldId, FieldValues};
use crate::delivery::PersonId;
use crate::statement::Statement;
use crate::text::fold_name;

/// A look-up key. Personal text: the store hashes it with its own secret, Debug hides it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityKey(pub String);

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({})", self.0.split(':').next().unwrap_or(""))
    }
}

/// The traits that tell persons apart, folded for comparison.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Traits {
    nir: Option<String>,
    names: Vec<String>,
    given: String,
    birth: String,
    keys: Vec<IdentityKey>,
}

/// All that the claims linked to one person tell of who it is.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    keys: HashSet<IdentityKey>,
    nirs: BTreeSet<String>,
    names: BTreeSet<String>,
    given: BTreeSet<String>,
    births: BTreeSet<String>,
}

impl fmt::Debug for Traits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Traits({} keys)", self.keys.len())
    }
}

/// The canonical fields identity reads, found once.
#[derive(Debug, Clone)]
pub struct IdentityFields {
    nir: Option<FieldId>,
    names: Vec<FieldId>,
    given: Option<FieldId>,
    birth: Option<FieldId>,
    global: Vec<FieldId>,
    local: Option<FieldId>,
}

impl IdentityFields {
    /// Finds the fields in the schema.
    pub fn of(canon: &Canon) -> Self {
        let all = |paths: &[&str]| paths.iter().filter_map(|path| canon.find(path)).collect();
        Self {
            nir: canon.find("identite.nir"),
            names: all(&["identite.nom_naissance", "identite.nom_usage"]),
            given: canon.find("identite.prenoms"),
            birth: canon.find("identite.date_naissance"),
            global: all(&["identifiants.identifiant_ft_uuid", "identifiants.identifiant_ft"]),
            local: canon.find("identifiants.identifiant_departement"),
        }
    }

    /// The traits of one claim of `source` and `emitter`.
    pub fn traits(&self, values: &FieldValues, source: &str, emitter: &str) -> Traits {
        let text = |field: FieldId| {
            let at = values.binary_search_by_key(&field, |(id, _)| *id).ok()?;
            values.get(at)?.1.as_text()
        };
        self.traits_from(text, source, emitter)
    }

    /// The traits of a claim as it is kept.
    pub fn traits_of(&self, statement: &Statement) -> Traits {
        let text = |field: FieldId| statement.stated.get(field)?.0.as_text();
        self.traits_from(text, &statement.source, &statement.emitter)
    }

    fn traits_from<'v>(
        &self,
        text: impl Fn(FieldId) -> Option<&'v str>,
        source: &str,
        emitter: &str,
    ) -> Traits {
        let text = &text;
        let mut names: Vec<String> =
            self.names.iter().filter_map(|f| text(*f)).map(fold_name).filter(|n| !n.is_empty()).collect();
        names.dedup();
        let given = self.given.and_then(text).map(first_given).unwrap_or_default();
        let birth = self.birth.and_then(text).unwrap_or_default().to_owned();
        let certain = self.nir.and_then(text).filter(|nir| !nir.starts_with(['3', '7', '8']));
        let mut keys: Vec<IdentityKey> =
            certain.iter().map(|nir| IdentityKey(format!("nir:{nir}"))).collect();
        for (rank, field) in self.global.iter().enumerate() {
            keys.extend(text(*field).map(|id| IdentityKey(format!("ft{rank}:{id}"))));
        }
        keys.extend(self.local.and_then(text).map(|id| IdentityKey(format!("si:{source}/{emitter}:{id}"))));
        if birth.len() == 10 && !given.is_empty() {
            keys.extend(names.iter().map(|name| IdentityKey(format!("nom:{name}|{given}|{birth}"))));
        }
        Traits { nir: certain.map(str::to_owned), names, given, birth, keys }
    }
}

/// The first given name, folded: sources disagree on how many they give.
fn first_given(prenoms: &str) -> String {
    fold_name(prenoms).split(' ').next().unwrap_or("").to_owned()
}

impl Traits {
    /// The look-up keys, strongest first.
    pub fn keys(&self) -> &[IdentityKey] {
        &self.keys
    }

    /// The 13-character NIR, unless provisional.
    pub fn nir(&self) -> Option<&str> {
        self.nir.as_deref()
    }
}

impl Traits {
    /// Whether this may be the other after one correction: of name, given name and birth two are the same, and no other NIR.
    pub fn nearly(&self, other: &Self) -> bool {
        let names = self.names.iter().any(|name| other.names.contains(name));
        let given = !self.given.is_empty() && self.given == other.given;
        let birth = !self.birth.is_empty() && self.birth == other.birth;
        let nirs = self.nir.iter().zip(&other.nir).all(|(own, other)| own == other);
        nirs && u8::from(names) + u8::from(given) + u8::from(birth) >= 2
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
        self.nirs.extend(traits.nir.clone());
        self.names.extend(traits.names.iter().cloned());
        self.given.extend(Some(&traits.given).filter(|text| !text.is_empty()).cloned());
        self.births.extend(Some(&traits.birth).filter(|text| !text.is_empty()).cloned());
        traits.keys.iter().filter(|key| self.keys.insert((*key).clone())).cloned().collect()
    }

    /// Adds another profile found to be of the same person.
    pub fn join(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.nirs.extend(other.nirs);
        self.names.extend(other.names);
        self.given.extend(other.given);
        self.births.extend(other.births);
    }

    /// Whether a `key` shared with a person really means the same one. One number may be given for several persons of a
    /// household: of name, given name and birth, one may have been corrected, not two.
    fn agrees(&self, person: &Self, key: &IdentityKey) -> bool {
        if key.0.starts_with("nir:") {
            let differ = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
                !a.is_empty() && !b.is_empty() && a.is_disjoint(b)
            };
            let births = !births_agree(&self.births, &person.births);
            let names = differ(&self.names, &person.names);
            let given = differ(&self.given, &person.given);
            return u8::from(births) + u8::from(names) + u8::from(given) < 2;
        }
        self.speaks_for(person)
    }

    /// Whether two persons between whom a claim stands may be one: the same NIR, or nothing that speaks against it.
    pub fn may_be(&self, other: &Self) -> bool {
        !self.nirs.is_disjoint(&other.nirs) || self.speaks_for(other)
    }

    /// No other NIR, no other birth, no other given name: what is not known speaks neither for nor against.
    fn speaks_for(&self, other: &Self) -> bool {
        let one_empty = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.is_empty() || b.is_empty();
        let nir = one_empty(&self.nirs, &other.nirs) || !self.nirs.is_disjoint(&other.nirs);
        let given = one_empty(&self.given, &other.given) || !self.given.is_disjoint(&other.given);
        nir && given && births_agree(&self.births, &other.births)
    }
}

/// Some pair is equal as far as both are known (`1982` agrees with `1982-02-01`), or one side knows none.
fn births_agree(a: &BTreeSet<String>, b: &BTreeSet<String>) -> bool {
    let equal = |a: &String, b: &String| a.starts_with(b.as_str()) || b.starts_with(a.as_str());
    a.is_empty() || b.is_empty() || a.iter().any(|a| b.iter().any(|b| equal(a, b)))
}

/// The persons a claim agrees with among those that share a key with it, the strongest key first, each once.
pub fn matches<'c>(
    claim: &Traits,
    sharing: impl Iterator<Item = (&'c IdentityKey, PersonId, &'c Profile)>,
) -> Vec<PersonId> {
    let own = Profile::of(claim);
    let mut found: Vec<(usize, PersonId)> = sharing
        .filter(|(key, _, profile)| own.agrees(profile, key))
        .filter_map(|(key, person, _)| Some((claim.keys.iter().position(|k| k == key)?, person)))
        .collect();
    found.sort_unstable();
    let mut persons: Vec<PersonId> = Vec::with_capacity(found.len());
    for (_, person) in found {
        if !persons.contains(&person) {
            persons.push(person);
        }
    }
    persons
}
