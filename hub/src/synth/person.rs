//! An adult, and what France Travail and the département know of them.
//!
//! Every adult has their own NIR: rank, place and month are one number in mixed radix that no other adult of the run has
//! (up to some 275 000 households; beyond, the year tells them apart most often).

use hub_core::canonical::nir;

use super::calendar::Day;
use super::fault::Fault;
use super::names::{self, Spelled, Spelling, Surname};
use super::places::{BIRTHS, Place};
use super::random::Random;
use super::said::Said;
use super::vocabulary::{ACTIONS, ACTIVITES, MODALITES};

/// An adult of a household.
#[derive(Debug, Clone)]
pub struct Adult {
    /// Number among all adults.
    pub rank: u64,
    /// Woman or man.
    pub woman: bool,
    /// Name at birth.
    pub birth_name: Surname,
    /// Name in use.
    pub usage: Surname,
    /// Given names, one to three.
    pub given: Vec<&'static str>,
    /// Birth date.
    pub born: Day,
    /// Birth place.
    pub birthplace: Place,
    /// NIR, 13 characters.
    pub nir: String,
    /// Whether the CAF writes accents.
    pub accents: bool,
    /// Activity as the CAF knows it.
    pub activite: Activite,
    /// Subject to rights and duties.
    pub devoirs: bool,
    /// What France Travail knows.
    pub suivi: Option<Suivi>,
    /// What the département knows.
    pub fiche: Option<Fiche>,
    /// What the source being written says instead, in labelled data.
    pub said: Option<Said>,
}

/// An activity of the CAF.
#[derive(Debug, Clone, Copy)]
pub struct Activite {
    /// Code, regime, contract.
    pub kind: (&'static str, &'static str, Option<&'static str>),
    /// Since when.
    pub since: Day,
}

/// A jobseeker's file at France Travail.
#[derive(Debug, Clone)]
pub struct Suivi {
    /// Unique identifier.
    pub uuid: u128,
    /// Details that never change, drawn when written.
    pub details: u64,
    /// Registered since.
    pub since: Day,
    /// Last interview.
    pub interview: Day,
    /// Way of accompanying.
    pub modalite: &'static str,
    /// Actions: index in the vocabulary, day prescribed.
    pub actions: Vec<(usize, Day)>,
}

/// A beneficiary's file at the département.
#[derive(Debug, Clone)]
pub struct Fiche {
    /// Details that never change, drawn when written.
    pub details: u64,
    /// Number of the file.
    pub number: u64,
    /// Mobile phone, the eight digits after 06.
    pub phone: u64,
}

impl Adult {
    /// An adult of given rank and name.
    pub fn drawn(random: &mut Random, seed: u64, rank: u64, woman: bool, usage: Surname) -> Self {
        let (month, birthplace, order) = birth_slot(seed, rank);
        let corsican = birthplace.insee.starts_with("2A") || birthplace.insee.starts_with("2B");
        // Before 1976 Corsica was one département, 20.
        let year = if corsican { random.between(1976, 2000) } else { random.between(1958, 2004) };
        let born = Day { month, ..Day::drawn(random, year, year) };
        let count = random.between(1, 3);
        Self {
            rank,
            woman,
            birth_name: if woman && random.percent(45) { Surname::drawn(random) } else { usage },
            usage,
            given: (0..count).map(|_| names::given(random, woman)).collect(),
            born,
            birthplace,
            nir: nir_of(woman, born, birthplace, order),
            accents: random.percent(20),
            activite: Activite { kind: random.one(ACTIVITES), since: Day::drawn(random, 2023, 2025) },
            devoirs: random.percent(80),
            suivi: random.percent(55).then(|| Suivi::drawn(random)),
            fiche: random.percent(35).then(|| Fiche::drawn(random, rank)),
            said: None,
        }
    }

    /// A given name by its place, as the source being written has it.
    pub fn given(&self, at: usize) -> Option<&str> {
        match &self.said {
            Some(said) => said.given.get(at).map(String::as_str),
            None => self.given.get(at).copied(),
        }
    }

    /// The name in use, as the source being written has it.
    pub fn called_by_name(&self, spelling: Spelling) -> Spelled<'_> {
        match &self.said {
            Some(said) => names::spelled(&said.usage, spelling),
            None => self.usage.spelled(spelling, usize::MAX),
        }
    }

    /// E-mail address.
    pub fn email(&self) -> Option<String> {
        if let Some(said) = &self.said {
            return Some(said.email.clone());
        }
        let given = names::spelled(self.given.first()?, Spelling::Letters);
        let name = self.usage.spelled(Spelling::Letters, usize::MAX);
        Some(format!("{given}.{name}{}@example.org", self.rank % 100))
    }

    /// The former France Travail identifier: seven digits and a letter.
    pub fn identifiant_ft(&self) -> String {
        let letter = char::from(b'A' + u8::try_from(self.rank % 26).unwrap_or(0));
        format!("{:07}{letter}", (1_000_000 + self.rank) % 10_000_000)
    }

    /// The fault, unless it is one of a NIR the source does not state.
    pub fn holding(&self, fault: Fault) -> Option<Fault> {
        let nothing = fault.is_of_nir() && self.said.as_ref().is_some_and(|said| said.nir.is_none());
        (!nothing).then_some(fault)
    }

    /// NIR and key.
    pub fn nir_and_key(&self) -> String {
        format!("{}{:02}", self.nir, nir::key(&self.nir).unwrap_or(0))
    }
}

impl Fiche {
    /// A file of a number.
    pub fn drawn(random: &mut Random, number: u64) -> Self {
        Self { details: random.draw(), number, phone: random.below(100_000_000) }
    }
}

impl Suivi {
    /// A jobseeker's file.
    pub fn drawn(random: &mut Random) -> Self {
        let uuid = (u128::from(random.draw()) << 64) | u128::from(random.draw());
        let since = Day::drawn(random, 2022, 2024);
        let actions = (0..random.below(4)).map(|_| action(Day::drawn(random, 2024, 2025), random)).collect();
        Self {
            uuid,
            details: random.draw(),
            since,
            interview: Day::drawn(random, 2025, 2025),
            modalite: random.one(MODALITES),
            actions,
        }
    }
}

/// An action prescribed on a day; the vocabulary's index.
pub fn action(day: Day, random: &mut Random) -> (usize, Day) {
    let at = random.below(ACTIONS.len() as u64);
    (usize::try_from(at).unwrap_or(0), day)
}

/// Month, place and order of birth: together they are the adult's own.
fn birth_slot(seed: u64, rank: u64) -> (u8, Place, u64) {
    let places = BIRTHS.len() as u64;
    let slots = 999 * places * 12;
    let slot = ((rank % slots) * 350_003 + seed % slots) % slots;
    let place = usize::try_from(slot / 999 % places).unwrap_or(0);
    let month = u8::try_from(slot / (999 * places)).unwrap_or(0) + 1;
    (month, BIRTHS[place], slot % 999 + 1)
}

fn nir_of(woman: bool, born: Day, place: Place, order: u64) -> String {
    let sex = if woman { 2 } else { 1 };
    format!("{sex}{:02}{:02}{}{order:03}", born.year % 100, born.month, place.insee)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn every_nir_is_valid_and_belongs_to_one_adult() {
        let mut seen = HashSet::new();
        for rank in 0..20_000 {
            let mut random = Random::of(Purpose::Base, &[rank]);
            let name = Surname::drawn(&mut random);
            let adult = Adult::drawn(&mut random, 1, rank, rank % 2 == 0, name);
            let read = nir::parse(&adult.nir_and_key()).map(|nir| nir.number.to_string());
            assert_eq!(read, Ok(adult.nir.clone()));
            assert!(seen.insert(adult.nir), "adult {rank} has another's number");
        }
    }

    #[test]
    fn no_two_adults_share_month_place_and_order() {
        let slots: HashSet<_> = (0..200_000)
            .map(|rank| {
                let (month, place, order) = birth_slot(9, rank);
                (month, place.insee, order)
            })
            .collect();
        assert_eq!(slots.len(), 200_000);
    }
}
