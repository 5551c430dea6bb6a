//! A household: who lives where, under which right.
//!
//! Everything is drawn from (seed, household), so any household is made alone, with nothing kept.

use super::calendar::Day;
use super::names::{self, Surname};
use super::person::Adult;
use super::places::Address;
use super::random::{Purpose, Random};
use super::vocabulary::{CLOTURES, COUPLE, SEUL, SUSPENSIONS_DROIT, SUSPENSIONS_VERSEMENT};

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

/// The household of a number, as first known.
pub fn base(seed: u64, number: u64) -> Household {
    let mut random = Random::of(Purpose::Base, &[seed, number]);
    let random = &mut random;
    let couple = random.percent(30);
    let demande = Day::drawn(random, 2012, 2025);
    let adults = adults(random, seed, number, couple);
    let children = if couple { random.below(3) } else { children_alone(random) };
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

fn children_alone(random: &mut Random) -> u64 {
    match random.below(100) {
        0..62 => 0,
        62..91 => 1,
        _ => 2,
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
            82..90 => Self::autre(4, Day::drawn(random, 2025, 2025), random),
            90..93 => Self::autre(3, Day::drawn(random, 2025, 2025), random),
            93..98 => Self::autre(5, Day::drawn(random, 2025, 2025), random),
            _ => Self { etat: 0, motif: "", since: demande },
        }
    }

    /// Open and paid.
    pub fn ouvert(since: Day) -> Self {
        Self { etat: 2, motif: "", since }
    }

    /// Suspended or closed, for one of the state's reasons.
    pub fn autre(etat: u8, since: Day, random: &mut Random) -> Self {
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
        (self.number % 9_999_991 + 1) * 7_919 % 9_999_991
    }

    /// Number of the RSA demand, eleven characters.
    pub fn numero_demande(&self) -> String {
        format!("{:08}052", 1_000_000 + self.number)
    }
}
