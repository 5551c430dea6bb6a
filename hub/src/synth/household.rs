//! A household, and its evolution over the nights.
//!
//! Everything is drawn from (seed, household) for the base and (seed, household, night) for what a night does, so any household
//! of any night is made alone, with nothing kept. Night n is night n-1 with that night's changes: they accumulate.

use super::Plan;
use super::calendar::Day;
use super::names::{self, Surname};
use super::person::{Activite, Adult, action};
use super::places::Address;
use super::random::{Purpose, Random};
use super::vocabulary::{
    ACTIVITES, CLOTURES, COUPLE, MODALITES, SEUL, SUSPENSIONS_DROIT, SUSPENSIONS_VERSEMENT,
};

/// Households that leave, and as many that come, each night, in a million.
const MOVEMENT_PER_MILLION: u64 = 1_000;

/// A household.
#[derive(Debug, Clone)]
pub struct Household {
    /// Its number.
    pub number: u64,
    /// Address.
    pub address: Address,
    /// Family situation, and since when.
    pub situation: (&'static str, Day),
    /// Day the RSA was asked for.
    pub demande: Day,
    /// State of the right.
    pub droit: Droit,
    /// Amount of the right, in cents.
    pub montant_cents: u64,
    /// One adult or two.
    pub adults: Vec<Adult>,
    /// Children.
    pub children: Vec<Child>,
}

/// State of a right: code, reason when it has one, since when.
#[derive(Debug, Clone, Copy)]
pub struct Droit {
    /// Code of the CAF.
    pub etat: u8,
    /// Reason, from the state's own list.
    pub motif: &'static str,
    /// Since when.
    pub since: Day,
}

/// A child.
#[derive(Debug, Clone, Copy)]
pub struct Child {
    /// Girl or boy.
    pub girl: bool,
    /// Given name.
    pub given: &'static str,
    /// Birth date.
    pub born: Day,
}

/// One past the last household that may exist on the plan's night.
pub fn last(plan: &Plan) -> u64 {
    plan.households + newcomers(plan) * u64::from(plan.night.saturating_sub(1))
}

fn newcomers(plan: &Plan) -> u64 {
    plan.households * MOVEMENT_PER_MILLION / 1_000_000
}

/// The household as the plan's night knows it; none when it has left.
pub fn on_night(plan: &Plan, number: u64) -> Option<Household> {
    let first = match number.checked_sub(plan.households) {
        None => 1,
        Some(after) => 2 + u32::try_from(after.checked_div(newcomers(plan))?).ok()?,
    };
    let mut household = None;
    for night in first + 1..=plan.night {
        let mut random = Random::of(Purpose::Night, &[plan.seed, number, u64::from(night)]);
        if random.per_million(MOVEMENT_PER_MILLION) {
            return None;
        }
        if random.per_million(plan.changed_per_million) {
            household.get_or_insert_with(|| base(plan.seed, number)).change(&mut random, night);
        }
    }
    Some(household.unwrap_or_else(|| base(plan.seed, number)))
}

fn base(seed: u64, number: u64) -> Household {
    let mut random = Random::of(Purpose::Base, &[seed, number]);
    let random = &mut random;
    let couple = random.percent(30);
    let demande = Day::drawn(random, 2012, 2025);
    let adults = adults(random, seed, number, couple);
    let children = if couple { 1 + random.below(3) } else { random.below(100) / 67 };
    let since = Day::drawn(random, 2015, 2025);
    Household {
        number,
        address: Address::drawn(random, since),
        situation: (random.one(if couple { COUPLE } else { SEUL }), Day::drawn(random, 2008, 2024)),
        demande,
        droit: Droit::drawn(random, demande),
        montant_cents: 5_000 + random.below(110_000),
        adults,
        children: (0..children).map(|_| Child::drawn(random)).collect(),
    }
}

fn adults(random: &mut Random, seed: u64, number: u64, couple: bool) -> Vec<Adult> {
    let (usage, woman) = (Surname::drawn(random), random.percent(54));
    let mut adults = vec![Adult::drawn(random, seed, number * 2, woman, usage)];
    if couple {
        let own = if random.percent(60) { usage } else { Surname::drawn(random) };
        adults.push(Adult::drawn(random, seed, number * 2 + 1, !woman, own));
    }
    adults
}

impl Child {
    fn drawn(random: &mut Random) -> Self {
        let girl = random.percent(49);
        Self { girl, given: names::given(random, girl), born: Day::drawn(random, 2008, 2024) }
    }
}

impl Droit {
    fn drawn(random: &mut Random, demande: Day) -> Self {
        match random.below(100) {
            0..82 => Self::ouvert(demande),
            82..90 => Self::autre(random, 4, Day::drawn(random, 2025, 2025)),
            90..93 => Self::autre(random, 3, Day::drawn(random, 2025, 2025)),
            93..98 => Self::autre(random, 5, Day::drawn(random, 2025, 2025)),
            _ => Self { etat: 0, motif: "", since: demande },
        }
    }

    fn ouvert(since: Day) -> Self {
        Self { etat: 2, motif: "", since }
    }

    fn autre(random: &mut Random, etat: u8, since: Day) -> Self {
        let motifs = match etat {
            3 => SUSPENSIONS_DROIT,
            4 => SUSPENSIONS_VERSEMENT,
            _ => CLOTURES,
        };
        Self { etat, motif: random.one(motifs), since }
    }
}

impl Household {
    /// Number of the household at the CAF, seven digits.
    pub fn allocataire(&self) -> u64 {
        (self.number % 9_999_991) * 7_919 % 9_999_991
    }

    /// Number of the RSA demand, eleven characters.
    pub fn numero_demande(&self) -> String {
        format!("{:08}052", 1_000_000 + self.number)
    }

    fn change(&mut self, random: &mut Random, night: u32) {
        let today = Day::of_night(night);
        match random.below(100) {
            0..30 => self.address = Address::drawn(random, today),
            30..55 => self.change_droit(random, today),
            55..75 => self.change_activite(random, today),
            75..85 => self.change_montant(random),
            85..93 if self.change_phone(random) => {}
            93..100 if self.change_suivi(random, today) => {}
            _ => self.change_montant(random),
        }
    }

    fn change_droit(&mut self, random: &mut Random, today: Day) {
        self.droit = match self.droit.etat {
            2 => {
                let etat = random.one(&[3, 4, 4, 5]);
                Droit::autre(random, etat, today)
            }
            _ => Droit::ouvert(today),
        };
    }

    fn change_activite(&mut self, random: &mut Random, today: Day) {
        let chosen = if random.percent(50) { self.adults.last_mut() } else { self.adults.first_mut() };
        if let Some(adult) = chosen {
            adult.activite = Activite { kind: random.one(ACTIVITES), since: today };
        }
    }

    fn change_montant(&mut self, random: &mut Random) {
        self.droit = Droit { etat: 2, motif: "", since: self.droit.since };
        self.montant_cents = 5_000 + random.below(110_000);
    }

    fn change_phone(&mut self, random: &mut Random) -> bool {
        let fiche = self.adults.iter_mut().find_map(|adult| adult.fiche.as_mut());
        fiche.map(|fiche| fiche.phone = random.below(100_000_000)).is_some()
    }

    fn change_suivi(&mut self, random: &mut Random, today: Day) -> bool {
        let Some(suivi) = self.adults.iter_mut().find_map(|adult| adult.suivi.as_mut()) else { return false };
        suivi.interview = today;
        if random.percent(50) {
            suivi.actions.push(action(random, today));
        } else {
            suivi.modalite = random.one(MODALITES);
        }
        true
    }
}
