//! What the nights do to a household: leave, come, move, lose a right, find work.
//!
//! Night n is night n-1 with the changes drawn from (seed, household, n): they accumulate, and a household no night touched is
//! the base itself.

use super::Plan;
use super::calendar::Day;
use super::household::{Droit, Household, base};
use super::person::{Activite, action};
use super::places::Address;
use super::random::{Purpose, Random};
use super::vocabulary::{ACTIVITES, MODALITES};

/// Households that leave, and as many that come, each night, in a million.
const MOVEMENT_PER_MILLION: u64 = 1_000;

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

impl Household {
    fn change(&mut self, random: &mut Random, night: u32) {
        let today = Day::of_night(night);
        match random.below(100) {
            0..30 => self.address = Address::drawn(random, today),
            30..55 => self.change_droit(random, today),
            55..75 => self.change_activite(random, today),
            85..93 if self.change_phone(random) => {}
            93..100 if self.change_suivi(random, today) => {}
            _ => self.change_montant(random),
        }
    }

    fn change_droit(&mut self, random: &mut Random, today: Day) {
        self.droit = match self.droit.etat {
            2 => {
                let etat = random.one(&[3, 4, 4, 5]);
                Droit::autre(etat, today, random)
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
            suivi.actions.push(action(today, random));
        } else {
            suivi.modalite = random.one(MODALITES);
        }
        true
    }
}
