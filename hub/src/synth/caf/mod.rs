//! The CAF's monthly snapshot: VRSB0801, windows-1252, one `InfosFoyerRSA` a household, true control total.
//!
//! Element order and lengths follow the feed's own schema; optional blocks the hub does not read are left out. NIRs carry
//! their key, as in the older flows, except where a fault is planted.

mod personne;

use std::io;
use std::path::Path;

use super::calendar::Day;
use super::fault::Fault;
use super::household::{Droit, Household};
use super::names::{Spelling, spelled};
use super::output::{Encoding, Output, element};
use super::{Extract, Plan};

/// The snapshot being written.
#[derive(Debug)]
pub struct Caf {
    output: Output,
    text: String,
    seed: u64,
}

impl Caf {
    /// Creates the file and writes its header.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(folder: &Path, plan: &Plan) -> io::Result<Self> {
        let name = format!("caf-vrsb0801-n{}.xml", plan.night);
        let mut output = Output::create(folder, &name, "caf", Encoding::Windows1252)?;
        let day = Day::of_night(plan.night);
        output.text(&format!(
            "<?xml version=\"1.0\" encoding=\"windows-1252\"?>\n<Racine>\n<IdentificationFlux>\
             <APPLIEME>CRI</APPLIEME><NUMVERSIONAPPLIEME>6200</NUMVERSIONAPPLIEME><TYPEFLUX>M</TYPEFLUX>\
             <NATFLUX>D</NATFLUX><DTCREAFLUX>{day}</DTCREAFLUX><HEUCREAFLUX>02:11:07.0000</HEUCREAFLUX>\
             <DTREF>{}</DTREF></IdentificationFlux>\n",
            day.month_end_before()
        ))?;
        Ok(Self { output, text: String::new(), seed: plan.seed })
    }

    /// Writes a household; the number of its record, none when a fault is to have it refused.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn household(&mut self, household: &Household) -> io::Result<Option<u64>> {
        let fault = Fault::of(Fault::CAF, self.seed, household.number, 0);
        let fault = fault.and_then(|fault| household.adults.first()?.holding(fault));
        let text = &mut self.text;
        text.clear();
        text.push_str("<InfosFoyerRSA>");
        identification(text, household);
        let mut planted = fault;
        for (index, adult) in household.adults.iter().enumerate() {
            personne::adulte(text, household, adult, index == 0, planted.take());
        }
        for child in &household.children {
            personne::enfant(text, household, child);
        }
        donnees(text, household);
        prestation(text, household);
        text.push_str("</InfosFoyerRSA>\n");
        self.output.record(&self.text, fault)
    }

    /// Name of the file.
    pub fn name(&self) -> String {
        self.output.name()
    }

    /// Writes the trailer and ends the file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(mut self) -> io::Result<Extract> {
        let total = self.output.records();
        self.output.text(&format!(
            "<TransmissionFlux><NBTOTDOSRSATRANSM>{total:08}</NBTOTDOSRSATRANSM>\
             <NBTOTDOSRSATRANSMANO>00000000</NBTOTDOSRSATRANSMANO></TransmissionFlux>\n</Racine>\n"
        ))?;
        self.output.close()
    }
}

fn identification(text: &mut String, household: &Household) {
    text.push_str("<IdentificationRSA><Organisme><FONORG>CAF</FONORG><NUMORG>521</NUMORG>");
    // The real number on the left, zeros up to fifteen digits on the right.
    element(text, "MATRICULE", format_args!("{:07}00000000", household.allocataire()));
    text.push_str("</Organisme><Partenaire><TYPEPARTE>CG </TYPEPARTE><IDEPARTE>052</IDEPARTE></Partenaire>");
    text.push_str("<DemandeRSA>");
    element(text, "DTDEMRSA", household.demande);
    element(text, "NUMDEMRSA", household.numero_demande());
    text.push_str("</DemandeRSA></IdentificationRSA>\n");
}

fn donnees(text: &mut String, household: &Household) {
    let address = &household.address;
    text.push_str("<DonneesAdministratives><SituationFamille>");
    element(text, "SITFAM", household.situation.0);
    element(text, "DDSITFAM", household.situation.1);
    text.push_str("</SituationFamille><Adresse><TroncCommunAdresse><RGADR>01</RGADR>");
    element(text, "DTEMM", address.since);
    text.push_str("<PAYS>FRA</PAYS><TYPEADR>D</TYPEADR><ETATADR>CO</ETATADR></TroncCommunAdresse>");
    text.push_str("<AdresseDetailleeFrance>");
    let complement = spelled(address.complement.unwrap_or_default(), Spelling::BareCapitals);
    element(text, "COMPLIDEADR", complement);
    text.push_str("<COMPLADR />");
    element(text, "NUMVOIE", address.number);
    element(text, "LIBTYPEVOIE", spelled(address.way, Spelling::BareCapitals));
    element(text, "NOMVOIE", spelled(address.street, Spelling::BareCapitals));
    text.push_str("<LIEUDIST />");
    element(text, "NUMCOM", address.place.insee);
    element(text, "CODEPOS", address.place.postal);
    element(text, "NOMCOM", spelled(address.place.name, Spelling::BareCapitals));
    text.push_str("</AdresseDetailleeFrance></Adresse></DonneesAdministratives>\n");
}

fn prestation(text: &mut String, household: &Household) {
    let droit = household.droit;
    text.push_str("<PrestationRSA><SituationDossierRSA><EtatDossierRSA>");
    element(text, "ETATDOSRSA", droit.etat);
    text.push_str("</EtatDossierRSA>");
    let (block, why, when) = match droit.etat {
        3 => ("SuspensionDroit", "MOTISUSDRORSA", "DDSUSDRORSA"),
        4 => ("SuspensionVersement", "MOTISUSVERSRSA", "DDSUSVERSRSA"),
        _ => ("FinDroit", "MOTICLORSA", "DTCLORSA"),
    };
    if !droit.motif.is_empty() {
        let Droit { motif, since, .. } = droit;
        element(text, block, format_args!("<{why}>{motif}</{why}><{when}>{since}</{when}>"));
    }
    text.push_str(
        "</SituationDossierRSA><DetailDroitRSA><TroncCommunDroitRSA><TOPSANSDOMFIXE>0</TOPSANSDOMFIXE>",
    );
    element(text, "ORIDEMRSA", "DEM");
    text.push_str("</TroncCommunDroitRSA>");
    if droit.etat == 2 {
        montants(text, household);
    }
    text.push_str("</DetailDroitRSA></PrestationRSA>");
}

fn montants(text: &mut String, household: &Household) {
    let montant = format!("{:07}.{:02}", household.montant_cents / 100, household.montant_cents % 100);
    text.push_str("<MontantsCalculDroitRSA><DDELECAL>2026-01-01</DDELECAL>");
    for tag in ["MTREVMINIGARARSA", "MTREVGARARSA"] {
        element(text, tag, "0001163.54");
    }
    element(text, "MTRESSMENRSA", "0000000.00");
    element(text, "MTTOTDRORSA", &montant);
    text.push_str(
        "</MontantsCalculDroitRSA><DetailCalculDroitRSA><NATPF>RSD</NATPF><SOUSNATPF>RSDN1</SOUSNATPF>",
    );
    element(text, "DDNATDRO", household.droit.since);
    element(text, "MTRSAVERS", &montant);
    text.push_str("</DetailCalculDroitRSA>");
}
