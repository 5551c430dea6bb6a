//! France Travail's SPIE extracts, main and actions: `;`, UTF-8, `NULL` for nothing, days written as instants.
//!
//! The main extract carries no NIR: names and birth dates must do. Capitals, accents most often lost.

mod principal;

use std::fmt;
use std::io;
use std::path::Path;

use super::calendar::Day;
use super::fault::Fault;
use super::household::Household;
use super::output::{Cells, Encoding, Output};
use super::person::{Adult, Suivi};
use super::vocabulary::ACTIONS;
use super::{Extract, Plan};

const SOURCE: &str = "france-travail";

const PRINCIPAL: &str = "identifiant_unique_de;civilite;nom;prenom;lieu_naissance;code_lieu_naissance;date_naissance;\
    adresse_ligne2;adresse_ligne3;adresse_ligne4;adresse_ligne5;adresse_ligne6;departement;dr;rome_1;appelation_rome_1;\
    rome_2;appelation_rome_2;mrech.axetravailprincipal;mrech.axetravailsecondaire;der_entretien_ppae;der_entretien;\
    inscription;code_motif_inscription;motif_inscription;categorie_inscription;struct_principale;referent_civilite;\
    referent_nom;referent_prenom;referent_mail;code_safir;modalite_accompagnement;struct_suivi;suivi_debut;\
    suivi_fin_prev;dif_financiere;dif_admin_jur;dif_sante;dif_logement;dif_transport;dif_inser_com;dif_familiale;brsa\n";

const ACTIONS_HEADER: &str = "identifiant_unique_de;codeaction;lblaction;objectif_formation;date_prescription;\
    date_realisation_action;date_prev_debut;date_debut;date_fin;formation;adr.dc_commune_id\n";

/// The two extracts being written.
#[derive(Debug)]
pub struct FranceTravail {
    principal: Output,
    actions: Output,
    text: String,
    seed: u64,
}

impl FranceTravail {
    /// Creates both files and writes their headers.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn create(folder: &Path, plan: &Plan) -> io::Result<Self> {
        let create = |extract: &str| {
            let name = format!("france-travail-spie-{extract}-n{}.csv", plan.night);
            Output::create(folder, &name, SOURCE, Encoding::Utf8)
        };
        let (mut principal, mut actions) = (create("principal")?, create("actions")?);
        principal.text(PRINCIPAL)?;
        actions.text(ACTIONS_HEADER)?;
        Ok(Self { principal, actions, text: String::new(), seed: plan.seed })
    }

    /// Writes the jobseekers of a household and their actions.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn household(&mut self, household: &Household) -> io::Result<()> {
        household.adults.iter().try_for_each(|adult| self.adult(household, adult).map(|_| ()))
    }

    /// Writes an adult, if a jobseeker: the numbers of the rows, those left out that a fault is to have refused.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn adult(&mut self, household: &Household, adult: &Adult) -> io::Result<Rows> {
        let mut rows = Rows::default();
        let Some(suivi) = &adult.suivi else { return Ok(rows) };
        let fault = Fault::of(Fault::PRINCIPAL, self.seed, adult.rank, 1);
        principal::jobseeker(&mut self.text, household, adult, suivi, fault);
        rows.principal = self.principal.record(&self.text, fault)?;
        for (at, action) in suivi.actions.iter().enumerate() {
            let fault = Fault::of(Fault::ACTIONS, self.seed, adult.rank, 100 + at as u64);
            action_row(&mut self.text, household, suivi, *action, fault);
            rows.actions.extend(self.actions.record(&self.text, fault)?);
        }
        Ok(rows)
    }

    /// Names of the two files, the main one first.
    pub fn names(&self) -> [String; 2] {
        [self.principal.name(), self.actions.name()]
    }

    /// Ends both files.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(self) -> io::Result<[Extract; 2]> {
        Ok([self.principal.close()?, self.actions.close()?])
    }
}

/// The rows of one jobseeker, by number.
#[derive(Debug, Default)]
pub struct Rows {
    /// In the main extract.
    pub principal: Option<u64>,
    /// In the actions.
    pub actions: Vec<u64>,
}

/// `1986-07-14 00:00:00.0`.
struct Instant(Day);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} 00:00:00.0", self.0)
    }
}

/// A UUID of version 4.
struct Unique(u128);

impl fmt::Display for Unique {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low = |shift: u32, mask: u128| (self.0 >> shift) & mask;
        write!(
            f,
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            low(96, 0xffff_ffff),
            low(80, 0xffff),
            low(64, 0xfff),
            0x8000 | low(48, 0x3fff),
            low(0, 0xffff_ffff_ffff)
        )
    }
}

fn action_row(
    text: &mut String,
    home: &Household,
    suivi: &Suivi,
    action: (usize, Day),
    fault: Option<Fault>,
) {
    let (at, day) = action;
    let Some((code, label, aim, course)) = ACTIONS.get(at) else { return };
    let mut cells = Cells::new(text, "NULL");
    cells.cell(Unique(suivi.uuid)).cell(code).cell(label).maybe(*aim).cell(Instant(day)).empty(1);
    if fault == Some(Fault::WrittenDate) {
        cells.cell("10 mars");
    } else {
        cells.empty(1);
    }
    let started = at % 2 == 0;
    cells.maybe(started.then_some(Instant(day)));
    cells.maybe(started.then(|| Instant(day.a_year_later())));
    cells.maybe(*course).cell(home.address.place.insee).end("\n");
}
