//! The canonical fields identity reads, and what it reads in them.
//!
//! Field values enter; names folded, birth read, numbers told apart by who gave them, and the keys to find others by leave.

use compact_str::{CompactString, format_compact};

use super::birth::Birth;
use super::finders::finders;
use super::key::{IdentityKey, KeyKind};
use super::traits::{Around, Birthplace, Traits};
use crate::canonical::nir::is_provisional;
use crate::canonical::{Canon, FieldId, FieldValues, Value};
use crate::statement::Statement;
use crate::text::fold_name;

/// The canonical fields identity reads, found once.
#[derive(Debug, Clone)]
pub struct IdentityFields {
    nir: Option<FieldId>,
    names: Vec<FieldId>,
    given: Option<FieldId>,
    birth: Option<FieldId>,
    sex: Option<FieldId>,
    title: Option<FieldId>,
    birthplace: [Option<FieldId>; 2],
    rank: Option<FieldId>,
    uuid: Option<FieldId>,
    ft: Option<FieldId>,
    local: Option<FieldId>,
    /// Numbers of systems that hold a whole country.
    national: Vec<(FieldId, KeyKind)>,
    postal_code: Option<FieldId>,
    street: Option<FieldId>,
    household: Option<FieldId>,
    phones: List,
    emails: List,
}

/// A repeated group and the member of it that counts.
type List = Option<(FieldId, FieldId)>;

/// Systems that hold the whole country give a person one number, whoever passes it on.
const NATIONAL: [(&str, KeyKind); 2] = [
    ("identifiants.identifiant_mission_locale", KeyKind::MissionLocale),
    ("identifiants.identifiant_asp", KeyKind::Asp),
];

impl IdentityFields {
    /// Finds the fields in the schema.
    pub fn of(canon: &Canon) -> Self {
        let all = |paths: &[&str]| paths.iter().filter_map(|path| canon.find(path)).collect();
        let list = |group: &str, member: &str| {
            let group = canon.find(group)?;
            Some((group, canon.member(group, member)?))
        };
        Self {
            nir: canon.find("identite.nir"),
            names: all(&["identite.nom_naissance", "identite.nom_usage"]),
            given: canon.find("identite.prenoms"),
            birth: canon.find("identite.date_naissance"),
            sex: canon.find("identite.sexe"),
            title: canon.find("identite.civilite"),
            birthplace: ["identite.commune_naissance", "identite.lieu_naissance"]
                .map(|path| canon.find(path)),
            rank: canon.find("identite.rang_naissance"),
            uuid: canon.find("identifiants.identifiant_ft_uuid"),
            ft: canon.find("identifiants.identifiant_ft"),
            local: canon.find("identifiants.identifiant_departement"),
            national: NATIONAL.iter().filter_map(|(path, kind)| Some((canon.find(path)?, *kind))).collect(),
            postal_code: canon.find("adresse.code_postal"),
            street: canon.find("adresse.voie"),
            household: canon.find("identifiants.numero_allocataire"),
            phones: list("contacts.telephones", "numero"),
            emails: list("contacts.courriels", "courriel"),
        }
    }

    /// The traits of one claim of `source` and `emitter`.
    pub fn traits(&self, values: &FieldValues, source: &str, emitter: &str) -> Traits {
        let value = |field: FieldId| {
            let at = values.binary_search_by_key(&field, |(id, _)| *id).ok()?;
            values.get(at).map(|(_, value)| value)
        };
        self.read(&Reader { value: &value, giver: format_compact!("{source}/{emitter}") })
    }

    /// The traits of a claim as it is kept.
    pub fn traits_of(&self, statement: &Statement) -> Traits {
        let value = |field: FieldId| statement.stated.get(field).map(|(value, _)| value);
        let giver = format_compact!("{}/{}", statement.source, statement.emitter);
        self.read(&Reader { value: &value, giver })
    }

    fn read(&self, claim: &Reader<'_>) -> Traits {
        let mut names: Vec<CompactString> =
            self.names.iter().map(|field| claim.folded(Some(*field))).filter(|n| !n.is_empty()).collect();
        names.dedup();
        let mut traits = Traits {
            nir: claim.text(self.nir).filter(|nir| !is_provisional(nir)).map(CompactString::from),
            names,
            given: claim.folded(self.given),
            birth: claim.text(self.birth).and_then(Birth::read),
            woman: self.woman(claim),
            birthplace: self.birthplace(claim),
            rank: claim.number(self.rank),
            around: self.around(claim),
            ..Traits::default()
        };
        self.number(claim, &mut traits);
        let finders = finders(&traits);
        traits.keys.extend(finders);
        traits
    }

    fn woman(&self, claim: &Reader<'_>) -> Option<bool> {
        let said = |field, woman| claim.text(field).map(|text| text == woman);
        let by_nir = || claim.text(self.nir).and_then(|nir| Some(matches!(nir.get(..1)?, "2" | "4" | "8")));
        said(self.sex, "femme").or_else(|| said(self.title, "madame")).or_else(by_nir)
    }

    fn birthplace(&self, claim: &Reader<'_>) -> Option<Birthplace> {
        let [code, name] = self.birthplace;
        let place =
            Birthplace { code: claim.text(code).unwrap_or_default().into(), name: claim.folded(name) };
        (place != Birthplace::default()).then_some(place)
    }

    fn around(&self, claim: &Reader<'_>) -> Around {
        let text = |field| CompactString::from(claim.text(field).unwrap_or_default());
        Around {
            postal_code: text(self.postal_code),
            street: text(self.street),
            phones: claim.members(self.phones),
            emails: claim.members(self.emails),
            household: text(self.household),
        }
    }

    /// The numbers a claim bears: as keys, and as what tells two persons of one giver apart.
    fn number(&self, claim: &Reader<'_>, traits: &mut Traits) {
        let Traits { nir, own, keys, .. } = traits;
        keys.extend(nir.iter().map(|nir| IdentityKey::new(KeyKind::Nir, nir)));
        let giver = &claim.giver;
        if let Some(id) = claim.text(self.uuid) {
            keys.push(IdentityKey::new(KeyKind::FranceTravailUuid, id));
            own.push((format_compact!("ft {giver}"), id.into()));
        }
        // Two persons of a household may bear one of the older numbers: it is never a reason to tell two apart.
        keys.extend(claim.text(self.ft).map(|id| IdentityKey::new(KeyKind::FranceTravail, id)));
        if let Some(id) = claim.text(self.local) {
            keys.push(IdentityKey::new(KeyKind::Departement, &format_compact!("{giver}:{id}")));
            own.push((format_compact!("si {giver}"), id.into()));
        }
        for (field, kind) in &self.national {
            if let Some(id) = claim.text(Some(*field)) {
                keys.push(IdentityKey::new(*kind, id));
                own.push((format_compact!("{kind:?}"), id.into()));
            }
        }
    }
}

/// A claim's values, and who gives the numbers in it.
struct Reader<'v> {
    value: &'v dyn Fn(FieldId) -> Option<&'v Value>,
    giver: CompactString,
}

impl<'v> Reader<'v> {
    fn text(&self, field: Option<FieldId>) -> Option<&'v str> {
        (self.value)(field?)?.as_text()
    }

    fn folded(&self, field: Option<FieldId>) -> CompactString {
        self.text(field).map(fold_name).unwrap_or_default()
    }

    fn number(&self, field: Option<FieldId>) -> Option<i64> {
        match (self.value)(field?)? {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    fn members(&self, list: List) -> Vec<CompactString> {
        let Some((group, member)) = list else { return Vec::new() };
        let Some(Value::List(items)) = (self.value)(group) else { return Vec::new() };
        let text = |item: &Vec<(FieldId, Value)>| {
            let (_, value) = item.iter().find(|(field, _)| *field == member)?;
            value.as_text().map(CompactString::from)
        };
        items.iter().filter_map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canon() -> Canon {
        Canon::from_schema(include_str!("../../../schemas/personne/v1.json")).expect("the schema")
    }

    fn traits(values: &[(&str, &str)], source: &str) -> Traits {
        let canon = canon();
        let value = |(path, text): &(&str, &str)| (canon.find(path).expect("a field"), Value::text(text));
        let mut values: FieldValues = values.iter().map(value).collect();
        values.sort_by_key(|(field, _)| *field);
        IdentityFields::of(&canon).traits(&values, source, "e")
    }

    #[test]
    fn the_number_of_a_national_system_finds_a_person_whoever_passes_it_on() {
        let of = |path, source| traits(&[(path, "700101")], source);
        let [a, b] = ["missions-locales", "departement"]
            .map(|source| of("identifiants.identifiant_mission_locale", source));
        assert_eq!((a.keys(), a.keys().len()), (b.keys(), 1));
        assert_eq!(a.own, b.own);
        assert_ne!(a.keys(), of("identifiants.identifiant_asp", "siae").keys());
    }
}
