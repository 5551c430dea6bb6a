//! What there is to doubt of the values of one claim, or of one person.
//!
//! Field values enter, doubts leave: a code and the field, never the value. A pure function of the values, so that a record with a
//! doubt is known again by its hash, and a person's doubts are found when it is shown.

use super::birth::{date_agrees, place_agrees, sex_agrees};
use super::commune::{COMMUNES, Commune};
use super::departement::{may_be_of, may_serve, of_commune};
use super::name::may_name;
use super::number::{is_rome, is_safir, is_siret};
use crate::canonical::{Canon, FieldId, FieldValues, Kind, Value};
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
pub struct Checks {
    /// By field number, of those whose form is checked alone; of a repeated group, that a member is.
    forms: Vec<Option<Kind>>,
    postal: Option<FieldId>,
    commune: Option<FieldId>,
    commune_name: Option<FieldId>,
    departement: Option<FieldId>,
    country: Option<FieldId>,
    nir: Option<FieldId>,
    sex: Option<FieldId>,
    birth_date: Option<FieldId>,
    birthplace: Option<FieldId>,
}

impl Checks {
    /// The checks of a schema's fields.
    pub fn over(canon: &Canon) -> Self {
        let (birthplace, commune) =
            (canon.find("identite.commune_naissance"), canon.find("adresse.commune_insee"));
        // A person may be born in a commune the official code knows no more; that of the address is looked up with the rest of it.
        let checked = |field: FieldId, kind| match kind {
            Kind::Siret | Kind::Rome | Kind::Safir => true,
            Kind::Commune => ![birthplace, commune].contains(&Some(field)),
            _ => false,
        };
        let member =
            |list| canon.fields().any(|(id, field)| field.list == Some(list) && checked(id, field.kind));
        let form = |(id, kind)| (checked(id, kind) || (kind == Kind::List && member(id))).then_some(kind);
        Self {
            forms: canon.fields().map(|(id, field)| form((id, field.kind))).collect(),
            postal: canon.find("adresse.code_postal"),
            commune,
            commune_name: canon.find("adresse.commune"),
            departement: canon.find("adresse.departement"),
            country: canon.find("adresse.pays"),
            nir: canon.find("identite.nir"),
            sex: canon.find("identite.sexe"),
            birth_date: canon.find("identite.date_naissance"),
            birthplace,
        }
    }

    /// What there is to doubt of these values, each doubt of a field once, in the order of fields.
    pub fn doubts(&self, values: &FieldValues) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        self.forms(values, &mut doubts);
        self.address(values, &mut doubts);
        self.birth(values, &mut doubts);
        doubts.sort_unstable();
        doubts.dedup();
        doubts
    }

    fn forms(&self, values: &[(FieldId, Value)], doubts: &mut Vec<Doubt>) {
        for (field, value) in values {
            let Some(kind) = self.forms.get(usize::from(field.0)).copied().flatten() else { continue };
            match value {
                Value::List(items) => items.iter().for_each(|item| self.forms(item, doubts)),
                Value::Text(text) => {
                    doubts.extend(doubtful(kind, text).map(|code| Doubt { field: *field, code }));
                }
                Value::Bool(_) | Value::Int(_) => {}
            }
        }
    }

    fn address(&self, values: &FieldValues, doubts: &mut Vec<Doubt>) {
        if text(values, self.country).is_some_and(|country| country != FRANCE) {
            return;
        }
        let (code, postal) =
            (text(values, self.commune).filter(|code| !is_country(code)), text(values, self.postal));
        let commune = code.and_then(|code| COMMUNES.find(code));
        let mut doubt = |doubted, field: Option<FieldId>, code| {
            doubts.extend(field.filter(|_| doubted).map(|field| Doubt { field, code }));
        };
        doubt(code.is_some() && commune.is_none(), self.commune, Code::UnknownCommune);
        let present = commune.and_then(|commune| COMMUNES.today(commune));
        if let (Some(commune), Some(present)) = (commune, present) {
            let elsewhere = postal.is_some_and(|postal| !may_serve_commune(postal, commune, present));
            doubt(elsewhere, self.postal, Code::PostalMismatch);
            let misnamed = text(values, self.commune_name).is_some_and(|name| !may_be_named(present, name));
            doubt(misnamed, self.commune_name, Code::CommuneNameMismatch);
        }
        let elsewhere = text(values, self.departement).is_some_and(|stated| match (present, postal) {
            (Some(present), _) => !may_serve(stated, of_commune(present.code)),
            (None, Some(postal)) => text(values, self.commune).is_none() && !may_be_of(postal, stated),
            (None, None) => false,
        });
        doubt(elsewhere, self.departement, Code::DepartementMismatch);
    }

    fn birth(&self, values: &FieldValues, doubts: &mut Vec<Doubt>) {
        let Some((field, nir)) = self.nir.zip(text(values, self.nir)) else { return };
        let date = text(values, self.birth_date);
        let mut doubt = |doubted: bool, code| doubts.extend(doubted.then_some(Doubt { field, code }));
        doubt(text(values, self.sex).is_some_and(|sex| !sex_agrees(nir, sex)), Code::NirSexMismatch);
        doubt(date.is_some_and(|date| !date_agrees(nir, date)), Code::NirBirthMismatch);
        let birthplace = text(values, self.birthplace);
        let elsewhere = birthplace.is_some_and(|place| !place_agrees(nir, place, date));
        doubt(elsewhere, Code::NirBirthplaceMismatch);
    }
}

fn text(values: &FieldValues, field: Option<FieldId>) -> Option<&str> {
    let at = values.binary_search_by_key(&field?, |(id, _)| *id).ok()?;
    values.get(at)?.1.as_text()
}

/// What is wrong with a text by itself.
fn doubtful(kind: Kind, text: &str) -> Option<Code> {
    let (fine, code) = match kind {
        Kind::Siret => (is_siret(text), Code::DoubtfulSiret),
        Kind::Rome => (is_rome(text), Code::DoubtfulRome),
        Kind::Safir => (is_safir(text), Code::DoubtfulSafir),
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
