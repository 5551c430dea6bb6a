//! A row of France Travail's main extract: 44 cells, in the header's order.

use super::super::fault::Fault;
use super::super::household::Household;
use super::super::names::{Spelled, Spelling, spelled};
use super::super::output::Cells;
use super::super::person::{Adult, Suivi};
use super::super::random::{Purpose, Random};
use super::super::vocabulary::{AXES, INSCRIPTIONS, METIERS, REFERENTS};
use super::{Instant, Unique};

/// Writes a jobseeker's row.
pub fn jobseeker(text: &mut String, home: &Household, adult: &Adult, suivi: &Suivi, fault: Option<Fault>) {
    let mut random = Random::of(Purpose::Base, &[suivi.details]);
    let mut cells = Cells::new(text, "NULL");
    etat_civil(&mut cells, adult, suivi, &mut random, fault);
    adresse(&mut cells, home);
    projet(&mut cells, suivi, &mut random, fault);
    structure(&mut cells, home, suivi, &mut random, fault);
    for _ in 0..7 {
        cells.maybe(random.percent(15).then(|| random.one(&["O", "OUI", "N"])));
    }
    cells.cell("O").end("\n");
}

fn etat_civil(
    cells: &mut Cells<'_>,
    adult: &Adult,
    suivi: &Suivi,
    random: &mut Random,
    fault: Option<Fault>,
) {
    let spelling = if random.percent(10) { Spelling::Capitals } else { Spelling::BareCapitals };
    let named = fault != Some(Fault::MissingName);
    cells.cell(Unique(suivi.uuid)).cell(if adult.woman { "MME" } else { "M." });
    cells.maybe(named.then(|| adult.called_by_name(spelling)));
    cells.maybe(adult.given(0).map(|given| spelled(given, spelling)));
    cells.cell(bare(adult.birthplace.name)).cell(adult.birthplace.insee);
    match fault {
        Some(Fault::LongYear) => cells
            .cell(format_args!("{}0-{:02}-{:02}", adult.born.year, adult.born.month, adult.born.of_month)),
        Some(Fault::YearOnly) => cells.cell(adult.born.year),
        _ => cells.cell(Instant(adult.born)),
    };
}

fn adresse(cells: &mut Cells<'_>, home: &Household) {
    let address = &home.address;
    cells.maybe(address.complement.map(bare)).empty(1);
    cells.cell(format_args!("{} {} {}", address.number, bare(address.way), bare(address.street))).empty(1);
    cells.cell(format_args!("{} {}", address.place.postal, bare(address.place.name)));
    cells.cell("52").cell("044");
}

fn projet(cells: &mut Cells<'_>, suivi: &Suivi, random: &mut Random, fault: Option<Fault>) {
    let (first, second) = (random.one(METIERS), random.one(METIERS));
    cells.cell(first.0).cell(first.1);
    if random.percent(40) && second.0 != first.0 {
        cells.cell(second.0).cell(second.1);
    } else {
        cells.empty(2);
    }
    cells.cell(random.one(AXES)).empty(2);
    if fault == Some(Fault::WrittenDate) {
        cells.cell("10 mars");
    } else {
        cells.cell(Instant(suivi.interview));
    }
    let (code, label) = random.one(INSCRIPTIONS);
    cells.cell(Instant(suivi.since)).cell(code).cell(label).cell(random.between(1, 5));
}

fn structure(
    cells: &mut Cells<'_>,
    home: &Household,
    suivi: &Suivi,
    random: &mut Random,
    fault: Option<Fault>,
) {
    let agency = bare(home.address.place.name);
    let (title, name, given, mail) = random.one(REFERENTS);
    cells.cell(agency).cell(title).cell(name).cell(given).cell(mail);
    cells.cell(home.address.place.insee);
    cells.cell(if fault == Some(Fault::UnknownCode) { "NOUVELLE" } else { suivi.modalite });
    cells.cell(agency).cell(Instant(suivi.since)).cell(Instant(suivi.since.a_year_later().a_year_later()));
}

fn bare(text: &'static str) -> Spelled<'static> {
    spelled(text, Spelling::BareCapitals)
}
