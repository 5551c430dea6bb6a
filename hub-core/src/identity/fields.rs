//! The canonical fields identity reads, and what it reads in them.
//!
//! Field values enter; names folded, birth read, numbers told apart by who gave them, and the keys to find others by leave.

use compact_str::{CompactString, format_compact};
use xxhash_rust::xxh3::xxh3_64;

use super::birth::Birth;
use super::finders::finders;
use super::key::{IdentityKey, KeyKind};
use super::traits::{Around, Birthplace, Giver, Traits};
use crate::canonical::nir::is_provisional;
use crate::canonical::{Canon, FieldId, FieldValues, Value, is_commune_code, is_postal_code};
use crate::statement::{Stated, Statement};
use crate::text::fold_name;

/// The canonical fields identity reads, found once.
#[derive(Debug, Clone)]
pub struct IdentityFields {
    nir: Option<FieldId>,
    /// What says that no character of the NIR is wrong.
    sure: Vec<FieldId>,
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
            sure: all(&["identite.nir_avec_cle", "identite.nir_certifie"]),
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

    /// The numbers a source gives to its persons that both state alike.
    pub fn shared_numbers(&self, one: &Stated, other: &FieldValues) -> Vec<FieldId> {
        let own = self.uuid.iter().chain(&self.ft).chain(&self.local);
        let numbers = own.chain(self.national.iter().map(|(field, _)| field));
        let shared = |field: &&FieldId| {
            let stated = one.get(**field).map(|(value, _)| value);
            stated.is_some_and(|value| other.iter().any(|(id, other)| id == *field && other == value))
        };
        numbers.filter(shared).copied().collect()
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
        let birth = claim.text(self.birth).and_then(Birth::read);
        let said = self.woman(claim);
        let own = |nir: &&str| !is_provisional(nir) && !is_somebody_elses(nir, birth, said);
        let nir = claim.text(self.nir).filter(own);
        let mut traits = Traits {
            nir: nir.map(CompactString::from),
            nir_is_sure: self.sure.iter().any(|field| claim.is_said(*field)),
            names,
            given: claim.folded(self.given),
            birth,
            woman: said.or_else(|| nir.map(is_of_a_woman)),
            birthplace: self.birthplace(claim),
            rank: claim.number(self.rank),
            around: self.around(claim),
            giver: xxh3_64(claim.giver.as_bytes()),
            ..Traits::default()
        };
        self.number(claim, &mut traits);
        let finders = finders(&traits);
        traits.keys.extend(finders);
        traits
    }

    fn woman(&self, claim: &Reader<'_>) -> Option<bool> {
        let said = |field, woman| claim.text(field).map(|text| text == woman);
        said(self.sex, "femme").or_else(|| said(self.title, "madame"))
    }

    fn birthplace(&self, claim: &Reader<'_>) -> Option<Birthplace> {
        let [code, name] = self.birthplace;
        let code = claim.text(code).filter(|code| is_commune_code(code)).unwrap_or_default();
        let place = Birthplace { code: code.into(), name: claim.folded(name) };
        (place != Birthplace::default()).then_some(place)
    }

    fn around(&self, claim: &Reader<'_>) -> Around {
        let text = |field| CompactString::from(claim.text(field).unwrap_or_default());
        Around {
            // What has not the form of a code says nothing of where a home is.
            postal_code: claim
                .text(self.postal_code)
                .filter(|code| is_postal_code(code))
                .unwrap_or_default()
                .into(),
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
            own.push((Giver::Source(format_compact!("ft {giver}")), id.into()));
        }
        // Two persons of a household may bear one of the older numbers: it is never a reason to tell two apart.
        keys.extend(claim.text(self.ft).map(|id| IdentityKey::new(KeyKind::FranceTravail, id)));
        if let Some(id) = claim.text(self.local) {
            keys.push(IdentityKey::new(KeyKind::Departement, &format_compact!("{giver}:{id}")));
            own.push((Giver::Source(format_compact!("si {giver}")), id.into()));
        }
        for (field, kind) in &self.national {
            if let Some(id) = claim.text(Some(*field)) {
                keys.push(IdentityKey::new(*kind, id));
                own.push((Giver::System(*kind), id.into()));
            }
        }
    }
}

fn is_of_a_woman(nir: &str) -> bool {
    nir.starts_with(['2', '4', '8'])
}

/// Whether a NIR speaks of another birth than the claim that bears it: of sex, year and month two are other, or the year altogether.
/// One may be wrong; two are a spouse's or a parent's number.
fn is_somebody_elses(nir: &str, birth: Option<Birth>, woman: Option<bool>) -> bool {
    let part = |range| nir.get(range).and_then(|part: &str| part.parse::<u16>().ok());
    let year = birth.zip(part(1..3)).map_or(0, |(birth, year)| years_apart(birth.year % 100, year));
    let month =
        birth.filter(|birth| birth.month != 0).zip(part(3..5).filter(|month| (1..=12).contains(month)));
    let month = month.is_some_and(|(birth, month)| u16::from(birth.month) != month);
    let sex = woman.is_some_and(|woman| woman != is_of_a_woman(nir));
    year + u8::from(month) + u8::from(sex) >= 2
}

/// How other two years of two digits are: 1 for one digit, or both exchanged; 2 for more.
fn years_apart(one: u16, other: u16) -> u8 {
    let (a, b) = ((one / 10, one % 10), (other / 10, other % 10));
    match (a.0 == b.0, a.1 == b.1) {
        (true, true) => 0,
        (false, false) if a != (b.1, b.0) => 2,
        _ => 1,
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

    fn is_said(&self, field: FieldId) -> bool {
        (self.value)(field) == Some(&Value::Bool(true))
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
    fn a_nir_of_another_sex_year_or_month_in_two_of_three_is_somebody_elses() {
        for (born, sex, own) in [
            ("1985-05-17", "homme", true),
            ("1985-05-17", "femme", true),
            ("1958-05-17", "homme", true),
            ("1985-01-01", "", true),
            ("1988", "homme", true),
            ("1988-11-02", "homme", false),
            ("1988", "femme", false),
            ("1980-05-17", "", true),
            ("1961", "", false),
        ] {
            let claim = [
                ("identite.nir", "1850578006084"),
                ("identite.date_naissance", born),
                ("identite.sexe", sex),
            ];
            let claim: Vec<_> = claim.into_iter().filter(|(_, text)| !text.is_empty()).collect();
            assert_eq!(traits(&claim, "s").nir().is_some(), own, "{born} {sex}");
        }
    }

    #[test]
    fn the_number_of_a_national_system_finds_a_person_whoever_passes_it_on() {
        let of = |path, source| traits(&[(path, "700101")], source);
        let [a, b] = ["missions-locales", "departement"]
            .map(|source| of("identifiants.identifiant_mission_locale", source));
        assert_eq!((a.keys(), a.keys().len()), (b.keys(), 1));
        assert!(a.own == b.own);
        assert_ne!(a.keys(), of("identifiants.identifiant_asp", "siae").keys());
    }
}
