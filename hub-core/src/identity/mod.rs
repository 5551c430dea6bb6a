//! Resolve: which person a claim speaks of.
//!
//! A claim's traits and the persons that share a key with it enter; the bonds it has with them leave, none for a new person.
//! First the NIR, then the sources' own identifiers, then the exact folded name with the birth date. A shared key is never enough
//! against a contradiction: two persons of a household may carry one France Travail number (seen in real feeds), and two
//! persons may have one name and one birth date. The scored matcher will stand behind the same functions.

mod few;
mod names;
mod profile;

use std::fmt;

use compact_str::{CompactString, format_compact};

use crate::canonical::nir::is_provisional;
use crate::canonical::{Canon, FieldId, FieldValues, Value};
use crate::statement::Statement;
use crate::text::fold_name;

pub use profile::{Bond, Profile, bonds};

/// Characters of a name its key is made of: less than any source cuts names at, the rest is compared.
const KEY_CHARS: usize = 20;

/// A look-up key. Personal text: the store hashes it with its own secret, Debug hides it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IdentityKey(pub CompactString);

impl IdentityKey {
    /// Made of a name and a birth: it finds persons, it does not tell that they are the same.
    fn is_name(&self) -> bool {
        self.0.starts_with("nom:")
    }

    fn is_nir(&self) -> bool {
        self.0.starts_with("nir:")
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({})", self.0.split(':').next().unwrap_or(""))
    }
}

/// An identifier a source gives to its persons: who gave it, and the identifier. Two of one giver are two persons, as far as it
/// knows.
type OwnNumber = (CompactString, CompactString);

/// The traits that tell persons apart, folded for comparison.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Traits {
    nir: Option<CompactString>,
    names: Vec<CompactString>,
    given: CompactString,
    birth: CompactString,
    rank: Option<i64>,
    own: Vec<OwnNumber>,
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
    rank: Option<FieldId>,
    uuid: Option<FieldId>,
    ft: Option<FieldId>,
    local: Option<FieldId>,
    /// Numbers of systems that hold a whole country, with the word their keys start with.
    national: Vec<(FieldId, &'static str)>,
}

/// Systems that hold the whole country give a person one number, whoever passes it on.
const NATIONAL: [(&str, &str); 2] =
    [("identifiants.identifiant_mission_locale", "ml"), ("identifiants.identifiant_asp", "asp")];

impl IdentityFields {
    /// Finds the fields in the schema.
    pub fn of(canon: &Canon) -> Self {
        let all = |paths: &[&str]| paths.iter().filter_map(|path| canon.find(path)).collect();
        Self {
            nir: canon.find("identite.nir"),
            names: all(&["identite.nom_naissance", "identite.nom_usage"]),
            given: canon.find("identite.prenoms"),
            birth: canon.find("identite.date_naissance"),
            rank: canon.find("identite.rang_naissance"),
            uuid: canon.find("identifiants.identifiant_ft_uuid"),
            ft: canon.find("identifiants.identifiant_ft"),
            local: canon.find("identifiants.identifiant_departement"),
            national: NATIONAL.iter().filter_map(|(path, word)| Some((canon.find(path)?, *word))).collect(),
        }
    }

    /// The traits of one claim of `source` and `emitter`.
    pub fn traits(&self, values: &FieldValues, source: &str, emitter: &str) -> Traits {
        let value = |field: FieldId| {
            let at = values.binary_search_by_key(&field, |(id, _)| *id).ok()?;
            values.get(at).map(|(_, value)| value)
        };
        self.traits_from(value, source, emitter)
    }

    /// The traits of a claim as it is kept.
    pub fn traits_of(&self, statement: &Statement) -> Traits {
        let value = |field: FieldId| statement.stated.get(field).map(|(value, _)| value);
        self.traits_from(value, &statement.source, &statement.emitter)
    }

    fn traits_from<'v>(
        &self,
        value: impl Fn(FieldId) -> Option<&'v Value>,
        source: &str,
        emitter: &str,
    ) -> Traits {
        let text = &|field| value(field)?.as_text();
        let mut names: Vec<CompactString> =
            self.names.iter().filter_map(|f| text(*f)).map(fold_name).filter(|n| !n.is_empty()).collect();
        names.dedup();
        let given = self.given.and_then(text).map(fold_name).unwrap_or_default();
        let birth = self.birth.and_then(text).unwrap_or_default();
        let rank = self
            .rank
            .and_then(&value)
            .and_then(|rank| if let Value::Int(n) = rank { Some(*n) } else { None });
        let certain = self.nir.and_then(text).filter(|nir| !is_provisional(nir));
        let mut keys: Vec<IdentityKey> =
            certain.iter().map(|nir| IdentityKey(format_compact!("nir:{nir}"))).collect();
        let mut own = Vec::new();
        if let Some(id) = self.uuid.and_then(text) {
            keys.push(IdentityKey(format_compact!("ft0:{id}")));
            own.push((format_compact!("ft {source}/{emitter}"), id.into()));
        }
        // Two persons of a household may bear one of the older numbers: it is never a reason to tell two apart.
        keys.extend(self.ft.and_then(text).map(|id| IdentityKey(format_compact!("ft1:{id}"))));
        if let Some(id) = self.local.and_then(text) {
            keys.push(IdentityKey(format_compact!("si:{source}/{emitter}:{id}")));
            own.push((format_compact!("si {source}/{emitter}"), id.into()));
        }
        for (field, word) in &self.national {
            if let Some(id) = text(*field) {
                keys.push(IdentityKey(format_compact!("{word}:{id}")));
                own.push((format_compact!("{word}"), id.into()));
            }
        }
        keys.extend(names.iter().filter_map(|name| name_key(name, &given, birth)));
        keys.dedup();
        Traits { nir: certain.map(CompactString::from), names, given, birth: birth.into(), rank, own, keys }
    }
}

/// Finds those of this name born in this month: a source may not know the day. A year alone finds nobody.
fn name_key(name: &str, given: &str, birth: &str) -> Option<IdentityKey> {
    let first = beginning(given.split(' ').next().filter(|first| !first.is_empty())?);
    let month = birth.get(..7)?;
    let mut key = CompactString::const_new("nom:");
    for part in [beginning(name).trim_end(), "|", first, "|", month] {
        key.push_str(part);
    }
    Some(IdentityKey(key))
}

/// The first characters of a name.
fn beginning(name: &str) -> &str {
    name.char_indices().nth(KEY_CHARS).map_or(name, |(end, _)| name.get(..end).unwrap_or(name))
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

    /// Whether this may be the other after one correction: of name, given name and birth two are the same, and no other NIR.
    pub fn nearly(&self, other: &Self) -> bool {
        let names = self.names.iter().any(|name| other.names.contains(name));
        let given = !self.given.is_empty()
            && !other.given.is_empty()
            && names::given_agree(&self.given, &other.given);
        let birth = !self.birth.is_empty() && self.birth == other.birth;
        let nirs = self.nir.iter().zip(&other.nir).all(|(own, other)| own == other);
        nirs && u8::from(names) + u8::from(given) + u8::from(birth) >= 2
    }

    /// Whether a record that stated the other may state this now: one of name, given name and birth was corrected, or the NIR. More
    /// than that, and the record speaks of somebody else. What is not known says nothing.
    pub fn may_follow(&self, other: &Self) -> bool {
        let names = self.names.is_empty()
            || other.names.is_empty()
            || self.names.iter().any(|a| other.names.iter().any(|b| names::names_agree(a, b)));
        let unknown = |a: &str, b: &str| a.is_empty() || b.is_empty();
        let given = unknown(&self.given, &other.given) || names::given_agree(&self.given, &other.given);
        let birth = unknown(&self.birth, &other.birth) || names::births_agree(&self.birth, &other.birth);
        let differing = u8::from(!names) + u8::from(!given) + u8::from(!birth);
        match (&self.nir, &other.nir) {
            (Some(own), Some(other)) if own == other => true,
            (Some(_), Some(_)) => differing == 0,
            _ => differing < 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_national_system_finds_a_person_whoever_passes_it_on() {
        let canon =
            Canon::from_schema(include_str!("../../../schemas/personne/v1.json")).expect("the schema");
        let fields = IdentityFields::of(&canon);
        let traits = |path, id: &str, source| {
            let field = canon.find(path).expect("a field");
            fields.traits(&vec![(field, Value::Text(id.into()))], source, "e")
        };
        let [a, b] = ["missions-locales", "departement"]
            .map(|source| traits("identifiants.identifiant_mission_locale", "700101", source));
        assert_eq!((a.keys(), a.keys().len()), (b.keys(), 1));
        assert_eq!(a.own, b.own);
        assert_ne!(a.keys(), traits("identifiants.identifiant_asp", "700101", "siae").keys());
    }
}
