//! Resolve: which person a claim speaks of.
//!
//! A claim's traits and the persons that share a key with it enter; a link or a new person leaves. First the NIR, then the
//! sources' own identifiers, then the exact folded name with the full birth date. A shared key is never enough against a
//! contradiction: two persons of a household may carry one France Travail number (seen in real feeds).

use std::fmt;

use crate::canonical::{Canon, FieldId, FieldValues, Value};
use crate::delivery::PersonId;
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

    /// Whether a shared `key` really means the same person.
    fn agrees(&self, other: &Self, key: &IdentityKey) -> bool {
        let same_name = self.names.iter().any(|name| other.names.contains(name));
        let birth = births_agree(&self.birth, &other.birth);
        let other_nir = matches!((&self.nir, &other.nir), (Some(a), Some(b)) if a != b);
        if key.0.starts_with("nir:") {
            return birth || same_name;
        }
        let given = self.given.is_empty() || other.given.is_empty() || self.given == other.given;
        !other_nir && birth && given
    }
}

/// Equal as far as both are known: `1982` agrees with `1982-02-01`.
fn births_agree(a: &str, b: &str) -> bool {
    a.starts_with(b) || b.starts_with(a)
}

/// Finds the person among `candidates` (each with a key shared and its traits), by the strongest key that holds.
pub fn resolve<'c>(
    claim: &Traits,
    candidates: impl Iterator<Item = (&'c IdentityKey, PersonId, &'c Traits)>,
) -> Option<PersonId> {
    candidates
        .filter(|(key, _, traits)| claim.agrees(traits, key))
        .filter_map(|(key, person, _)| Some((claim.keys.iter().position(|k| k == key)?, person)))
        .min()
        .map(|(_, person)| person)
}

/// The traits a state shows, for comparing a claim with a known person.
pub fn traits_of_state(fields: &IdentityFields, values: &[(FieldId, Value, u16)]) -> Traits {
    let values: FieldValues = values.iter().map(|(id, value, _)| (*id, value.clone())).collect();
    fields.traits(&values, "", "")
}
