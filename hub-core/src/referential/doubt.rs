//! What there is to doubt of the values of one claim, or of one person.
//!
//! Field values enter, doubts leave: a code and the field, never the value. A pure function of the values, so that a record with a
//! doubt is known again by its hash, and a person's doubts are found when it is shown.

use super::birth::{date_agrees, place_agrees, sex_agrees};
use super::commune::{COMMUNES, Commune};
use super::departement::{may_be_of, may_serve, of_commune};
use super::name::{is_written, may_name};
use super::number::{is_rome, is_safir, is_siret};
use crate::canonical::{
    Canon, Field, FieldId, FieldValues, Kind, Value, is_commune_code, is_departement, is_postal_code,
};
use crate::code::Code;

/// The code of France among countries.
const FRANCE: &str = "99100";

/// A value that is kept although it is probably wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// The field.
    pub field: FieldId,
    /// What is wrong.
    pub code: Code,
}

/// The fields of the canonical record that are held against a register or against each other.
#[derive(Debug, Clone)]
pub struct Checks(Vec<Option<Check>>);

/// How a field is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// By its form alone; of a repeated group, that of its members.
    Alone(Kind),
    /// Beside others.
    Beside(Part),
}

/// What a value is among those held against each other. A commune of birth need not be one the official code still knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Postal,
    Commune,
    CommuneName,
    Departement,
    Country,
    CountryName,
    Nir,
    Sex,
    BirthDate,
    Birthplace,
}

const PARTS: [(Part, &str); 10] = [
    (Part::Postal, "adresse.code_postal"),
    (Part::Commune, "adresse.commune_insee"),
    (Part::CommuneName, "adresse.commune"),
    (Part::Departement, "adresse.departement"),
    (Part::Country, "adresse.pays"),
    (Part::CountryName, "adresse.pays_libelle"),
    (Part::Nir, "identite.nir"),
    (Part::Sex, "identite.sexe"),
    (Part::BirthDate, "identite.date_naissance"),
    (Part::Birthplace, "identite.commune_naissance"),
];

impl Checks {
    /// The checks of a schema's fields.
    pub fn over(canon: &Canon) -> Self {
        let form = |kind| matches!(kind, Kind::Siret | Kind::Rome | Kind::Safir | Kind::Commune);
        let member = |list| canon.fields().any(|(_, field)| field.list == Some(list) && form(field.kind));
        let check = |(id, field): (FieldId, &Field)| {
            let part = PARTS.iter().find(|(_, path)| *path == field.path).map(|(part, _)| *part);
            let alone = form(field.kind) || (field.kind == Kind::List && member(id));
            part.map(Check::Beside).or(alone.then_some(Check::Alone(field.kind)))
        };
        Self(canon.fields().map(check).collect())
    }

    /// What there is to doubt of these values, each doubt of a field once, in the order of fields.
    pub fn doubts(&self, values: &FieldValues) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        let mut beside = Beside::default();
        self.look(values, &mut beside, &mut doubts);
        beside.address(&mut doubts);
        beside.birth(&mut doubts);
        doubts.sort_unstable();
        doubts.dedup();
        doubts
    }

    fn look<'v>(&self, values: &'v [(FieldId, Value)], beside: &mut Beside<'v>, doubts: &mut Vec<Doubt>) {
        for (field, value) in values {
            let Some(check) = self.0.get(usize::from(field.0)).copied().flatten() else { continue };
            match (check, value) {
                (Check::Alone(_), Value::List(items)) => {
                    for item in items {
                        self.look(item, beside, doubts);
                    }
                }
                (Check::Alone(kind), Value::Text(text)) => {
                    doubts.extend(doubtful(kind, text).map(|code| Doubt { field: *field, code }));
                }
                (Check::Beside(part), Value::Text(text)) => beside.note(part, *field, text),
                _ => {}
            }
        }
    }
}

/// The values held against each other.
#[derive(Default)]
struct Beside<'v>([Option<(FieldId, &'v str)>; PARTS.len()]);

impl<'v> Beside<'v> {
    fn note(&mut self, part: Part, field: FieldId, text: &'v str) {
        if let Some(place) = self.0.get_mut(part as usize) {
            *place = Some((field, text));
        }
    }

    fn text(&self, part: Part) -> Option<&'v str> {
        self.0.get(part as usize).copied().flatten().map(|(_, text)| text)
    }

    /// The doubt, when there is one.
    fn doubt(&self, doubted: bool, part: Part, code: Code) -> Option<Doubt> {
        let field = self.0.get(part as usize).copied().flatten().filter(|_| doubted);
        field.map(|(field, _)| Doubt { field, code })
    }

    /// A code that has its form; of one that has not, the doubt is noted, and it is held against nothing.
    fn formed(&self, part: Part, is_formed: fn(&str) -> bool, doubts: &mut Vec<Doubt>) -> Option<&'v str> {
        let text = self.text(part);
        doubts.extend(self.doubt(text.is_some_and(|text| !is_formed(text)), part, Code::UnlikelyPlace));
        text.filter(|text| is_formed(text))
    }

    fn address(&self, doubts: &mut Vec<Doubt>) {
        if self.text(Part::Country).is_some_and(|country| country != FRANCE) {
            return;
        }
        let code = self.formed(Part::Commune, is_commune_code, doubts);
        // A country's code, unless the country is said to be France.
        if code.is_some_and(is_country) && self.text(Part::Country).is_none() {
            return;
        }
        let postal = self.formed(Part::Postal, is_postal_code, doubts);
        let stated = self.formed(Part::Departement, is_departement, doubts);
        let commune = code.and_then(|code| COMMUNES.find(code));
        let unknown = code.is_some() && commune.is_none();
        doubts.extend(self.doubt(unknown, Part::Commune, Code::UnknownCommune));
        let present = commune.and_then(|commune| COMMUNES.today(commune));
        if let (Some(commune), Some(present)) = (commune, present) {
            let elsewhere = postal.is_some_and(|postal| !may_serve_commune(postal, commune, present));
            doubts.extend(self.doubt(elsewhere, Part::Postal, Code::PostalMismatch));
            let misnamed = self.text(Part::CommuneName).is_some_and(|name| !may_be_named(present, name));
            doubts.extend(self.doubt(misnamed, Part::CommuneName, Code::CommuneNameMismatch));
        }
        let abroad = self.text(Part::CountryName).is_some();
        if let (None, Some(postal), Some(name), false) = (code, postal, self.text(Part::CommuneName), abroad)
        {
            doubts.extend(self.doubt(!may_be_at(postal, name), Part::Postal, Code::PostalMismatch));
        }
        let numbered =
            self.text(Part::CommuneName).is_some_and(|name| name.starts_with(|c: char| c.is_ascii_digit()));
        doubts.extend(self.doubt(numbered && !abroad, Part::CommuneName, Code::UnlikelyPlace));
        let elsewhere = stated.is_some_and(|stated| match (present, code, postal) {
            (Some(present), _, _) => !may_serve(stated, of_commune(present.code)),
            (None, None, Some(postal)) => !may_be_of(postal, stated),
            _ => false,
        });
        doubts.extend(self.doubt(elsewhere, Part::Departement, Code::DepartementMismatch));
    }

    fn birth(&self, doubts: &mut Vec<Doubt>) {
        let birthplace = self.formed(Part::Birthplace, is_commune_code, doubts);
        let Some(nir) = self.text(Part::Nir) else { return };
        let date = self.text(Part::BirthDate);
        let other_sex = self.text(Part::Sex).is_some_and(|sex| !sex_agrees(nir, sex));
        doubts.extend(self.doubt(other_sex, Part::Nir, Code::NirSexMismatch));
        let other_date = date.is_some_and(|date| !date_agrees(nir, date));
        doubts.extend(self.doubt(other_date, Part::Nir, Code::NirBirthMismatch));
        let elsewhere = birthplace.is_some_and(|place| !place_agrees(nir, place, date));
        doubts.extend(self.doubt(elsewhere, Part::Nir, Code::NirBirthplaceMismatch));
    }
}

/// What is wrong with a text by itself.
fn doubtful(kind: Kind, text: &str) -> Option<Code> {
    let (fine, code) = match kind {
        Kind::Siret => (is_siret(text), Code::DoubtfulSiret),
        Kind::Rome => (is_rome(text), Code::DoubtfulRome),
        Kind::Safir => (is_safir(text), Code::DoubtfulSafir),
        Kind::Commune if !is_commune_code(text) => (false, Code::UnlikelyPlace),
        Kind::Commune => (is_country(text) || COMMUNES.find(text).is_some(), Code::UnknownCommune),
        _ => return None,
    };
    (!fine).then_some(code)
}

/// Whether a code is that of a country, where one of a commune could stand.
fn is_country(code: &str) -> bool {
    code.starts_with("99")
}

/// Whether a postal code can be written in an address of the commune; of one no commune has (a CEDEX), whether of its département.
fn may_serve_commune(postal: &str, commune: Commune, present: Commune) -> bool {
    COMMUNES.serves(postal, commune)
        || (COMMUNES.served_by(postal).next().is_none() && may_be_of(postal, of_commune(present.code)))
}

/// Whether some commune a postal code serves may be written so; of a code no commune has (a CEDEX), always.
fn may_be_at(postal: &str, name: &str) -> bool {
    let served = || COMMUNES.served_by(postal);
    let mut today = served().filter_map(|served| COMMUNES.today(served));
    // Most are written as they are; nothing is looked into for those.
    served().next().is_none()
        || served().any(|served| is_written(name, served.name))
        || today.any(|served| may_be_named(served, name))
}

/// Whether a commune, or one that became part of it, may be written so.
fn may_be_named(present: Commune, name: &str) -> bool {
    let named = |part: Commune| !part.name.is_empty() && may_name(name, part.name);
    named(present) || COMMUNES.parts(present).any(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canon() -> Canon {
        Canon::from_schema(include_str!("../../../schemas/personne/v1.json")).expect("the schema")
    }

    /// The doubts of these values, as `field: code`.
    fn doubts(stated: &[(&str, &str)]) -> Vec<String> {
        let canon = canon();
        let mut values: FieldValues = stated
            .iter()
            .map(|(path, text)| {
                let field = canon.find(path).expect("a field");
                let Some(list) = canon.field(field).list else { return (field, Value::text(text)) };
                (list, Value::List(vec![vec![(field, Value::text(text))]; 2]))
            })
            .collect();
        values.sort_by_key(|(field, _)| *field);
        let told = |doubt: &Doubt| format!("{}: {}", canon.field(doubt.field).path, doubt.code);
        Checks::over(&canon).doubts(&values).iter().map(told).collect()
    }

    #[test]
    fn an_address_is_held_against_the_communes() {
        for (postal, commune, name, departement, wanted) in [
            ("52000", "52121", "CHAUMONT", "52", &[][..]),
            ("75014", "75114", "PARIS 14", "75", &[]),
            ("01300", "01340", "ST BOIS", "01", &[]),
            ("52901", "52121", "CHAUMONT CEDEX 9", "52", &[]),
            ("97133", "97701", "Saint-Barthélemy", "971", &[]),
            ("54035", "52121", "CHAUMONT", "52", &["adresse.code_postal: DLN0322"]),
            ("52100", "52121", "CHAUMONT", "52", &["adresse.code_postal: DLN0322"]),
            ("52000", "52121", "LANGRES", "52", &["adresse.commune: DLN0323"]),
            ("52000", "52121", "CHAUMONT", "51", &["adresse.departement: DLN0324"]),
            ("20200", "2B033", "BASTIA", "2A", &["adresse.departement: DLN0324"]),
            ("52000", "52999", "CHAUMONT", "51", &["adresse.commune_insee: DLN0321"]),
            ("00000", "99352", "ALGER", "52", &[]),
            ("00000", "52121", "CHAUMONT", "52", &["adresse.code_postal: DLN0313"]),
            ("5200A", "52121", "CHAUMONT", "52", &["adresse.code_postal: DLN0313"]),
            ("99999", "52121", "CHAUMONT", "52", &["adresse.code_postal: DLN0313"]),
            ("52000", "521", "CHAUMONT", "52", &["adresse.commune_insee: DLN0313"]),
            ("52000", "52121", "CHAUMONT", "99", &["adresse.departement: DLN0313"]),
        ] {
            let stated = [
                ("adresse.code_postal", postal),
                ("adresse.commune_insee", commune),
                ("adresse.commune", name),
                ("adresse.departement", departement),
            ];
            assert_eq!(doubts(&stated), wanted, "{stated:?}");
            let abroad = [&stated[..], &[("adresse.pays", "99109")]].concat();
            assert!(doubts(&abroad).is_empty(), "{abroad:?}");
        }
    }

    #[test]
    fn without_a_code_the_name_of_a_commune_is_held_against_the_postal_code() {
        for (postal, name, country, wanted) in [
            ("52000", "CHAUMONT", "", &[][..]),
            ("52000", "Chaumont-Brottes", "", &[]),
            ("52901", "CHAUMONT CEDEX 9", "", &[]),
            ("52000", "LANGRES", "", &["adresse.code_postal: DLN0322"]),
            ("52000", "LANGRES", "SUISSE", &[]),
        ] {
            let mut stated = vec![("adresse.code_postal", postal), ("adresse.commune", name)];
            stated.extend((!country.is_empty()).then_some(("adresse.pays_libelle", country)));
            assert_eq!(doubts(&stated), wanted, "{stated:?}");
        }
    }

    #[test]
    fn the_code_of_a_country_is_none_of_a_commune_in_an_address_said_to_be_in_france() {
        let abroad = [("adresse.code_postal", "99999"), ("adresse.commune_insee", "99352")];
        assert!(doubts(&abroad).is_empty());
        let france = [&abroad[..], &[("adresse.pays", "99100")]].concat();
        assert_eq!(doubts(&france), ["adresse.code_postal: DLN0313", "adresse.commune_insee: DLN0321"]);
    }

    #[test]
    fn without_a_commune_the_departement_is_held_against_the_postal_code() {
        let stated =
            |postal, departement| [("adresse.code_postal", postal), ("adresse.departement", departement)];
        assert!(doubts(&stated("01200", "74")).is_empty());
        assert!(doubts(&stated("20137", "2A")).is_empty());
        assert_eq!(doubts(&stated("20137", "2B")), ["adresse.departement: DLN0324"]);
    }

    #[test]
    fn numbers_are_held_against_their_form_and_a_group_is_told_once() {
        let stated = [
            ("parcours.structure.siret", "73282932000075"),
            ("parcours.structure.code_safir", "931"),
            ("parcours.metiers[].rome", "38444"),
            ("parcours.actions[].commune_insee", "52999"),
        ];
        let wanted = [
            "parcours.metiers[].rome: DLN0326",
            "parcours.structure.code_safir: DLN0327",
            "parcours.structure.siret: DLN0325",
        ];
        let mut found = doubts(&stated);
        found.sort_unstable();
        assert_eq!(found.iter().filter(|told| told.contains("DLN0321")).count(), 1);
        found.retain(|told| !told.contains("DLN0321"));
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_number_of_somebody_else_is_told() {
        let stated = [
            ("identite.nir", "1850552121084"),
            ("identite.sexe", "femme"),
            ("identite.date_naissance", "1985-06-17"),
            ("identite.commune_naissance", "51454"),
        ];
        let told = ["DLN0328", "DLN0329", "DLN0330"].map(|code| format!("identite.nir: {code}"));
        assert_eq!(doubts(&stated), told);
        assert!(doubts(&stated[..1]).is_empty() && doubts(&stated[1..]).is_empty());
    }
}
