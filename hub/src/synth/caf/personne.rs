//! A `Personne` of the CAF's snapshot: civil status, roles, activity; an adult may hold a planted fault.

use super::super::fault::Fault;
use super::super::household::{Child, Household};
use super::super::names::{Spelling, spelled};
use super::super::output::element;
use super::super::person::Adult;

/// Writes an adult; `asks` tells the one who asked for the RSA.
pub fn adulte(text: &mut String, household: &Household, adult: &Adult, asks: bool, fault: Option<Fault>) {
    text.push_str("<Personne><Identification>");
    etat_civil(text, adult, fault);
    element(text, "DTNAI", birth_date(adult, fault));
    element(text, "TYPEDTNAI", adult.said.as_ref().map_or('N', |said| said.known));
    if let Some(nir) = nir(adult, fault) {
        element(text, "NIR", nir);
    }
    text.push_str("<TOPVALIEC>1</TOPVALIEC>");
    element(text, "SEXE", if adult.woman { 2 } else { 1 });
    text.push_str("</Identification>");
    dossier(text, household, asks, if asks { "DEM" } else { "CJT" });
    if adult.suivi.is_some() && !adult.rank.is_multiple_of(3) {
        text.push_str("<DossierPoleEmploi>");
        element(text, "IDASSEDIC", adult.identifiant_ft());
        text.push_str("</DossierPoleEmploi>");
    }
    text.push_str("<MontantCalculDroitRSAPersonne>");
    element(text, "TOPPERSDRODEVORSA", u8::from(adult.devoirs));
    text.push_str("</MontantCalculDroitRSAPersonne>");
    activite(text, adult, fault);
    text.push_str("</Personne>\n");
}

fn etat_civil(text: &mut String, adult: &Adult, fault: Option<Fault>) {
    let spelling = if adult.accents { Spelling::Capitals } else { Spelling::BareCapitals };
    element(text, "QUAL", if adult.woman { "MME" } else { "MR" });
    if fault == Some(Fault::MissingName) {
        text.push_str("<NOM></NOM><NOMNAI></NOMNAI>");
    } else if let Some(said) = &adult.said {
        element(text, "NOM", spelled(&said.usage, spelling).cut(28));
        element(text, "NOMNAI", spelled(&said.birth_name, spelling).cut(28));
    } else {
        element(text, "NOM", adult.usage.spelled(spelling, 28));
        element(text, "NOMNAI", adult.birth_name.spelled(spelling, 28));
    }
    for (at, (tag, most)) in [("PRENOM", 32), ("PRENOM2", 15), ("PRENOM3", 15)].into_iter().enumerate() {
        if let Some(given) = adult.given(at) {
            element(text, tag, spelled(given, spelling).cut(most));
        }
    }
    element(text, "NOMCOMNAI", spelled(adult.birthplace.name, Spelling::BareCapitals));
}

fn birth_date(adult: &Adult, fault: Option<Fault>) -> String {
    match fault {
        Some(Fault::LongYear) => {
            format!("{:04}0-{:02}-{:02}", adult.born.year, adult.born.month, adult.born.of_month)
        }
        Some(Fault::YearOnly) => adult.born.year.to_string(),
        _ => adult.born.to_string(),
    }
}

fn nir(adult: &Adult, fault: Option<Fault>) -> Option<String> {
    if let Some(said) = &adult.said {
        return said.nir(fault);
    }
    Some(match fault {
        Some(Fault::NirWithoutKey) => adult.nir.clone(),
        Some(Fault::WrongNirKey) => format!("{}00", adult.nir),
        _ => adult.nir_and_key(),
    })
}

fn dossier(text: &mut String, household: &Household, asks: bool, role: &str) {
    text.push_str("<DossierCAF>");
    element(text, "TOPRESPDOS", u8::from(asks));
    element(text, "DDRATDOS", household.demande);
    text.push_str("</DossierCAF>");
    for (prestation, charge) in [("PFA", 0), ("RSA", 1)] {
        text.push_str("<Prestations>");
        element(text, "NATPREST", prestation);
        element(text, "ROLEPERS", role);
        element(text, "TOPCHAPERS", charge);
        text.push_str("</Prestations>");
    }
}

fn activite(text: &mut String, adult: &Adult, fault: Option<Fault>) {
    let (act, regime, contract) = adult.activite.kind;
    text.push_str("<Activite>");
    element(text, "REG", regime);
    element(text, "ACT", if fault == Some(Fault::UnknownCode) { "ZZ9" } else { act });
    element(text, "DDACT", adult.activite.since);
    if let Some(contract) = contract {
        element(text, "NATCONTRTRA", contract);
    }
    text.push_str("</Activite>");
}

/// Writes a child, of whom the CAF says little.
pub fn enfant(text: &mut String, household: &Household, child: &Child) {
    text.push_str("<Personne><Identification>");
    if let Some(adult) = household.adults.first() {
        for tag in ["NOM", "NOMNAI"] {
            element(text, tag, adult.usage.spelled(Spelling::BareCapitals, 28));
        }
    }
    element(text, "PRENOM", spelled(child.given, Spelling::BareCapitals));
    text.push_str("<NOMCOMNAI />");
    element(text, "DTNAI", child.born);
    element(text, "SEXE", if child.girl { 2 } else { 1 });
    text.push_str("</Identification>");
    dossier(text, household, false, "ENF");
    text.push_str("</Personne>\n");
}
