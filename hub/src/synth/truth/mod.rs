//! Labelled extracts: the three sources' files of persons hard to tell apart, and beside them who each record truly speaks of.
//!
//! A wish enters, four extracts and `truth.csv` leave; the same wish always gives the same bytes. One household in memory at a
//! time: whoever is met a second time is drawn again.

mod birth;
mod given;
mod ledger;
mod rates;
mod slip;
mod stock;
mod telling;
mod variant;
mod who;

use std::io;
use std::path::{Path, PathBuf};

pub use rates::{Kind, Noise, Source, Tally};
pub use who::MOST_HOUSEHOLDS;

use super::caf::Caf;
use super::departement::Departement;
use super::france_travail::FranceTravail;
use super::household::{self, Household};
use super::person::{Adult, Fiche, Suivi};
use super::places::Address;
use super::random::{Purpose, Random};
use super::{Extract, Plan, REPORT_EVERY};
use ledger::Ledger;
use rates::Dice;
use who::{Kin, Person};

/// Households between a person and their second record.
const TWICE_AFTER: u64 = 977;
/// What tells a second record's numbers from all first ones.
const TWICE: u64 = 5_000_000;
/// Households of which the CAF knows nothing, in a hundred.
const NOT_AT_THE_CAF: u64 = 8;

/// Which sources state the NIR. France Travail's main extract never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nirs {
    /// As in the field: the CAF always, the département for seven persons in ten.
    #[default]
    All,
    /// The CAF and the département always.
    Two,
    /// No source at all.
    None,
}

/// What labelled extracts are wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Households, at most [`MOST_HOUSEHOLDS`].
    pub households: u64,
    /// Start of all chance.
    pub seed: u64,
    /// How much goes wrong.
    pub noise: Noise,
    /// Who states the NIR.
    pub nirs: Nirs,
}

/// What was written.
#[derive(Debug)]
pub struct Labelled {
    /// The extracts.
    pub extracts: Vec<Extract>,
    /// The labels.
    pub truth: PathBuf,
    /// Its rows, without the header.
    pub rows: u64,
    /// Persons there are.
    pub persons: u64,
    /// How often each kind of noise could strike, and did.
    pub tally: Tally,
}

/// Writes the extracts and their labels into a folder that exists; `progress` is told of households done.
///
/// # Errors
/// When a file cannot be written.
pub fn write(wish: &Wish, folder: &Path, progress: &dyn Fn(u64)) -> io::Result<Labelled> {
    let mut writing = Writing::create(wish, folder)?;
    for number in 0..wish.households + TWICE_AFTER {
        if number < wish.households {
            writing.first(number)?;
        }
        if let Some(before) = number.checked_sub(TWICE_AFTER) {
            writing.second(before)?;
        }
        if number % REPORT_EVERY == 0 {
            progress(number.min(wish.households));
        }
    }
    progress(wish.households);
    writing.close()
}

/// A household with who its adults truly are.
#[derive(Debug)]
struct Home {
    household: Household,
    people: Vec<Person>,
    at_the_caf: bool,
}

impl Home {
    fn drawn(seed: u64, number: u64) -> Self {
        let mut household = household::base(seed, number);
        let (mut head, kin) = who::head(seed, number);
        if kin == Some(Kin::Son) {
            household.address = household::base(seed, who::root_of(number)).address;
        }
        let people = if household.adults.len() > 1 {
            let mut spouse = head.spouse(seed);
            head.marry(Some(&spouse), seed);
            spouse.marry(Some(&head), seed);
            vec![head, spouse]
        } else {
            head.marry(None, seed);
            vec![head]
        };
        let mut random = Random::of(Purpose::Identity, &[seed, number, 4]);
        let at_the_caf = !random.percent(NOT_AT_THE_CAF);
        if !at_the_caf {
            household.adults.iter_mut().for_each(|adult| known_elsewhere(adult, &mut random));
        }
        Self { household, people, at_the_caf }
    }

    /// The adult a source may know twice: the last, if it knows them at all.
    fn known_twice(&self, source: Source) -> Option<usize> {
        let at = self.household.adults.len() - 1;
        let adult = &self.household.adults[at];
        let known = match source {
            Source::Caf => self.at_the_caf,
            Source::FranceTravail => adult.suivi.is_some(),
            Source::Departement => adult.fiche.is_some(),
        };
        known.then_some(at)
    }

    /// The household with what makes another record of an adult, and where that adult stands in it now. At the CAF they have a
    /// household of their own besides.
    fn renumbered(mut self, at: usize, source: Source, random: &mut Random) -> (Self, usize) {
        let adult = &mut self.household.adults[at];
        match source {
            Source::Caf => {
                self.household.number += TWICE;
                self.household.children.clear();
                self.household.adults = self.household.adults.split_off(at);
                self.people = self.people.split_off(at);
                return (self, 0);
            }
            Source::FranceTravail => adult.suivi = Some(Suivi::drawn(random)),
            Source::Departement => {
                let phone = adult.fiche.as_ref().map(|fiche| fiche.phone);
                let fiche = Fiche::drawn(random, adult.rank + TWICE);
                adult.fiche = Some(Fiche { phone: phone.unwrap_or(fiche.phone), ..fiche });
            }
        }
        (self, at)
    }

    /// The other adult, whose number may be taken for theirs.
    fn spouse(&self, at: usize) -> Option<&Person> {
        self.people.iter().enumerate().find(|(other, _)| *other != at).map(|(_, person)| person)
    }
}

/// Whom the CAF does not know, another source does.
fn known_elsewhere(adult: &mut Adult, random: &mut Random) {
    if adult.suivi.is_none() && adult.fiche.is_none() {
        if random.percent(65) {
            adult.suivi = Some(Suivi::drawn(random));
        } else {
            adult.fiche = Some(Fiche::drawn(random, adult.rank));
        }
    }
}

/// The files being written.
#[derive(Debug)]
struct Writing {
    wish: Wish,
    caf: Caf,
    france_travail: FranceTravail,
    departement: Departement,
    truth: Ledger,
    tally: Tally,
    persons: u64,
}

impl Writing {
    fn create(wish: &Wish, folder: &Path) -> io::Result<Self> {
        let plan = Plan { households: wish.households, seed: wish.seed, night: 1, changed_per_million: 0 };
        Ok(Self {
            wish: *wish,
            caf: Caf::create(folder, &plan)?,
            france_travail: FranceTravail::create(folder, &plan)?,
            departement: Departement::create(folder, &plan)?,
            truth: Ledger::create(folder)?,
            tally: Tally::default(),
            persons: 0,
        })
    }

    /// Writes a household wherever it is known.
    fn first(&mut self, number: u64) -> io::Result<()> {
        let home = Home::drawn(self.wish.seed, number);
        self.persons += home.people.len() as u64;
        for source in Source::ALL.into_iter().filter(|source| home.known_twice(*source).is_some()) {
            self.tally.could(Kind::Twice, source);
        }
        if home.at_the_caf {
            self.tell_caf(&home, 0)?;
        }
        for at in 0..home.people.len() {
            self.tell_france_travail(&home, at, 0)?;
            self.tell_departement(&home, at, 0)?;
        }
        Ok(())
    }

    /// Writes, under other numbers, the one of a household whom a source knows twice.
    fn second(&mut self, number: u64) -> io::Result<()> {
        let mut random = Random::of(Purpose::Echo, &[self.wish.seed, number]);
        let noise = self.wish.noise;
        for source in Source::ALL {
            if !random.per_ten_thousand(Kind::Twice.share(noise, source)) {
                continue;
            }
            let home = Home::drawn(self.wish.seed, number);
            let Some((home, at)) =
                home.known_twice(source).map(|at| home.renumbered(at, source, &mut random))
            else {
                continue;
            };
            self.tally.did(Kind::Twice, source);
            match source {
                Source::Caf => self.tell_caf(&home, 1)?,
                Source::FranceTravail => self.tell_france_travail(&home, at, 1)?,
                Source::Departement => self.tell_departement(&home, at, 1)?,
            }
        }
        Ok(())
    }

    fn tell_caf(&mut self, home: &Home, time: u64) -> io::Result<()> {
        let mut household = home.household.clone();
        for (at, adult) in household.adults.iter_mut().enumerate() {
            let person = &home.people[at];
            let nirs = self.wish.nirs;
            let mut dice = self.dice(person, Source::Caf, time);
            *adult = telling::told(adult, person, home.spouse(at), nirs, &mut dice);
        }
        let record = self.caf.household(&household)?;
        for (person, rank) in home.people.iter().zip(1..) {
            self.truth.row(Source::Caf, &self.caf.name(), record, (rank, person))?;
        }
        Ok(())
    }

    fn tell_france_travail(&mut self, home: &Home, at: usize, time: u64) -> io::Result<()> {
        let (person, source) = (&home.people[at], Source::FranceTravail);
        if home.household.adults[at].suivi.is_none() {
            return Ok(());
        }
        let (household, adult) = self.seen(home, at, source, time);
        let rows = self.france_travail.adult(&household, &adult)?;
        let [principal, actions] = self.france_travail.names();
        self.truth.row(source, &principal, rows.principal, (1, person))?;
        for action in rows.actions {
            self.truth.row(source, &actions, Some(action), (1, person))?;
        }
        Ok(())
    }

    fn tell_departement(&mut self, home: &Home, at: usize, time: u64) -> io::Result<()> {
        let (person, source) = (&home.people[at], Source::Departement);
        if home.household.adults[at].fiche.is_none() {
            return Ok(());
        }
        let (household, adult) = self.seen(home, at, source, time);
        let record = self.departement.adult(&household, &adult)?;
        self.truth.row(source, &self.departement.name(), record, (1, person))
    }

    /// The household and one of its adults as a source has them: the address may be the one before.
    fn seen(&mut self, home: &Home, at: usize, source: Source, time: u64) -> (Household, Adult) {
        let (person, nirs, seed) = (&home.people[at], self.wish.nirs, self.wish.seed);
        let mut household = home.household.clone();
        let mut dice = self.dice(person, source, time);
        let mut adult = telling::told(&household.adults[at], person, home.spouse(at), nirs, &mut dice);
        if dice.hits(Kind::Moved) {
            // The same address before in every source that lags.
            let mut before = Random::of(Purpose::Identity, &[seed, household.number, 5]);
            household.address = Address::drawn(&mut before, household.demande);
        }
        if let Some(fiche) = adult.fiche.as_mut().filter(|_| source == Source::Departement)
            && dice.hits(Kind::PhoneChanged)
        {
            fiche.phone = dice.random.below(100_000_000);
        }
        (household, adult)
    }

    fn dice(&mut self, person: &Person, source: Source, time: u64) -> Dice<'_> {
        Dice::of([self.wish.seed, person.rank, time], source, self.wish.noise, &mut self.tally)
    }

    fn close(self) -> io::Result<Labelled> {
        let [principal, actions] = self.france_travail.close()?;
        let extracts = vec![self.caf.close()?, principal, actions, self.departement.close()?];
        let (truth, rows) = self.truth.close()?;
        Ok(Labelled { extracts, truth, rows, persons: self.persons, tally: self.tally })
    }
}

#[cfg(test)]
mod tests;
