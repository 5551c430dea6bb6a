//! The département's import file of the carnet de bord: UTF-8 with BOM, `;`, CRLF, typed by many hands.
//!
//! Dates in three forms, one or two phones written several ways, a NIR of 13 or 15 characters or none, names with or without
//! accents, allocataire numbers that lost their leading zeros. Each agent's habits are the record's own and never change.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::fault::Fault;
use super::household::Household;
use super::names::{Spelling, spelled};
use super::output::{Cells, Encoding, Output};
use super::person::{Adult, Fiche};
use super::random::{Purpose, Random};
use super::vocabulary::{METIERS, NIVEAUX, SITUATIONS, STRUCTURES};
use super::{Extract, Plan};

const HEADER: &str = "\u{feff}Identifiant dans le SI*;Prénom*;Nom*;Date de naissance*;NIR;Lieu de naissance;Téléphone;\
    Email;Adresse;Adresse (complément);Code postal;Ville;Situation;Numéro allocataire CAF/MSA;Identifiant Pôle emploi;\
    Droits RSA;Droits ARE;Droits ASS;Prime d'activité;RQTH;Zone de mobilité;Emploi recherché (code ROME);\
    Niveau de formation;Structure;Accompagnateurs\r\n";

/// The file being written.
#[derive(Debug)]
pub struct Departement {
    output: Output,
    text: String,
    seed: u64,
}

impl Departement {
    /// Creates the file and writes its header.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(folder: &Path, plan: &Plan) -> io::Result<Self> {
        let name = format!("departement-carnet-de-bord-n{}.csv", plan.night);
        let mut output = Output::create(folder, &name, "departement", Encoding::Utf8)?;
        output.text(HEADER)?;
        Ok(Self { output, text: String::new(), seed: plan.seed })
    }

    /// Writes the beneficiaries of a household the département knows.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn household(&mut self, household: &Household) -> io::Result<()> {
        household.adults.iter().try_for_each(|adult| self.adult(household, adult).map(|_| ()))
    }

    /// Writes an adult, if the département has a file: the row's number, none when a fault is to have it refused.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn adult(&mut self, household: &Household, adult: &Adult) -> io::Result<Option<u64>> {
        let Some(fiche) = &adult.fiche else { return Ok(None) };
        let fault = Fault::of(Fault::DEPARTEMENT, self.seed, fiche.number, 2);
        let fault = fault.and_then(|fault| adult.holding(fault));
        beneficiaire(&mut self.text, household, adult, fiche, fault);
        self.output.record(&self.text, fault)
    }

    /// Name of the file.
    pub fn name(&self) -> String {
        self.output.name()
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn close(self) -> io::Result<Extract> {
        self.output.close()
    }
}

fn beneficiaire(text: &mut String, home: &Household, adult: &Adult, fiche: &Fiche, fault: Option<Fault>) {
    let mut random = Random::of(Purpose::Base, &[fiche.details]);
    let random = &mut random;
    let mut cells = Cells::new(text, "");
    cells.cell(format_args!("SI-{}", 20_000 + fiche.number));
    etat_civil(&mut cells, adult, random, fault);
    contacts(&mut cells, adult, fiche, random);
    adresse(&mut cells, home);
    cells.cell(if fault == Some(Fault::UnknownCode) { "pas encore su" } else { random.one(SITUATIONS) });
    // A spreadsheet drops the leading zeros.
    cells.maybe(random.percent(90).then(|| home.allocataire()));
    cells.maybe((adult.suivi.is_some() && random.percent(60)).then(|| adult.identifiant_ft()));
    droits(&mut cells, random);
    let (rome, label) = random.one(METIERS);
    cells.maybe(random.percent(60).then(|| format!("{label} ({rome})")));
    cells.cell(random.one(NIVEAUX)).cell(random.one(STRUCTURES)).cell("ines.bellanger@example.org");
    if fault == Some(Fault::TooManyColumns) {
        cells.cell("à rappeler").cell("voir dossier");
    }
    cells.end("\r\n");
}

fn etat_civil(cells: &mut Cells<'_>, adult: &Adult, random: &mut Random, fault: Option<Fault>) {
    let spelling = random.one(&[
        Spelling::Full,
        Spelling::Full,
        Spelling::Full,
        Spelling::NoAccents,
        Spelling::Capitals,
    ]);
    let most = if random.percent(10) { 28 } else { usize::MAX };
    let named = fault != Some(Fault::MissingName);
    cells.maybe(adult.given(0).map(|given| spelled(given, spelling)));
    cells.maybe(named.then(|| adult.called_by_name(spelling).cut(most)));
    let born = adult.born;
    let form = random.below(3);
    match (fault, form) {
        (Some(Fault::LongYear), _) => {
            cells.cell(format_args!("{}0-{:02}-{:02}", born.year, born.month, born.of_month))
        }
        (_, 0) => cells.cell(born),
        (_, 1) => cells.cell(born.french()),
        _ => cells.cell(born.dashed()),
    };
    let stated = random.percent(70);
    let with_key = random.percent(60);
    cells.maybe(nir(adult, stated, with_key, fault));
    cells.maybe(random.percent(80).then_some(adult.birthplace.name));
}

fn nir(adult: &Adult, stated: bool, with_key: bool, fault: Option<Fault>) -> Option<String> {
    if let Some(said) = &adult.said {
        return said.nir(fault);
    }
    match fault {
        Some(Fault::WrongNirKey) => Some(format!("{}00", adult.nir)),
        Some(Fault::NirWithoutKey) => Some(adult.nir.clone()),
        Some(Fault::SpreadsheetNir) => {
            let (first, rest) = adult.nir.split_at(1);
            Some(format!("{first}.{}E+14", rest.get(..2).unwrap_or("00")))
        }
        _ if !stated => None,
        _ if with_key => Some(adult.nir_and_key()),
        _ => Some(adult.nir.clone()),
    }
}

fn contacts(cells: &mut Cells<'_>, adult: &Adult, fiche: &Fiche, random: &mut Random) {
    let [a, b, c, d] = [1_000_000, 10_000, 100, 1].map(|unit| fiche.phone / unit % 100);
    let mut phones = match random.below(4) {
        0 => format!("06{a:02}{b:02}{c:02}{d:02}"),
        1 => format!("06 {a:02} {b:02} {c:02} {d:02}"),
        2 => format!("06.{a:02}.{b:02}.{c:02}.{d:02}"),
        _ => format!("+336{a:02}{b:02}{c:02}{d:02}"),
    };
    if random.percent(20) {
        let _ = write!(phones, ", 03530{:05}", random.below(100_000));
    }
    cells.maybe(random.percent(85).then_some(phones));
    let stated = random.percent(75);
    cells.maybe(adult.email().filter(|_| stated));
}

fn adresse(cells: &mut Cells<'_>, home: &Household) {
    let address = &home.address;
    cells.cell(format_args!("{} {} {}", address.number, address.way, address.street));
    cells.maybe(address.complement).cell(address.place.postal).cell(address.place.name);
}

fn droits(cells: &mut Cells<'_>, random: &mut Random) {
    cells.empty(1);
    for share in [20, 15, 30, 8] {
        let known = random.percent(60);
        let yes = random.percent(share);
        let word = if yes { random.one(&["Oui", "oui", "O"]) } else { random.one(&["Non", "non", "N"]) };
        cells.maybe(known.then_some(word));
    }
    cells.maybe(random.percent(50).then(|| random.one(&[10, 20, 30, 50])));
}
