//! Who a labelled person truly is: names, birth, NIR; and how hard to tell from another they were made.
//!
//! Everything comes of (seed, household), so anybody can be had again without being kept. Every eighth household is a root; the
//! seven behind it may be headed by a twin, a sibling, a son or a namesake of the root's first adult.

use super::super::calendar::Day;
use super::super::places::Place;
use super::super::random::{Purpose, Random};
use super::birth::{Of, SLOTS, Slot};
use super::given;
use super::stock::Origin;

/// Households a root and those beside it count.
const ROOT_EVERY: u64 = 8;
/// Most households labelled data can have: each has two ranks of birth.
pub const MOST_HOUSEHOLDS: u64 = SLOTS / 2;

/// Shares of the population, in ten thousand. Assumptions, except where said.
mod share {
    /// Of women of 18 and over, those who use a husband's name: fewer among those who live alone.
    pub const MARRIED_NAME_IN_COUPLE: u32 = 5_500;
    pub const MARRIED_NAME_ALONE: u32 = 2_000;
    /// Of married names, those joined to the name at birth.
    pub const JOINED_NAME: u32 = 1_000;
    /// Of surnames, double ones.
    pub const DOUBLE_NAME: u32 = 400;
    /// Persons who go by their second given name.
    pub const SECOND_IN_USE: u32 = 500;
    /// Of those born abroad, those whose day of birth no paper tells: 1 January.
    pub const DAY_UNKNOWN: u32 = 2_000;
    /// Roots with a twin here. About 1.6 % of confinements are of twins (Insee); with these both twins are here for about 1.5 % of
    /// persons.
    pub const TWIN: u32 = 800;
    /// Twins of one sex, with two egg cells as often of two.
    pub const TWINS_ALIKE: u32 = 6_500;
    /// Roots with a sibling a year younger here.
    pub const SIBLING: u32 = 1_500;
    /// Of men with a household old enough, those with a son of their name at their address.
    pub const SON: u32 = 600;
    /// Roots with a namesake here: name and first given name.
    pub const NAMESAKE: u32 = 400;
    /// Roots with a namesake of the same birth date, born elsewhere.
    pub const NAMESAKE_OF_THE_DAY: u32 = 40;
}

/// A person as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Number among all; their label is made of it.
    pub rank: u64,
    /// Woman or man.
    pub woman: bool,
    /// Where their names come from.
    pub origin: Origin,
    /// Name at birth.
    pub birth_name: String,
    /// Name in use, if another.
    pub married_name: Option<String>,
    /// Given names, one to three, in civil order.
    pub given: Vec<String>,
    /// Goes by the second of them.
    pub second_in_use: bool,
    /// Birth date; 1 January when the day is not known.
    pub born: Day,
    /// No paper tells the day of birth.
    pub day_unknown: bool,
    /// Birth place.
    pub birthplace: Place,
    /// NIR, 13 characters.
    pub nir: String,
}

/// What makes one person hard to tell from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kin {
    /// Born on the same day to the same mother.
    Twin,
    /// Born a year later to the same mother.
    Sibling,
    /// Of the father's name and given name, at his address.
    Son,
    /// Of one name and given name.
    Namesake,
    /// So, and born on the same day, elsewhere.
    NamesakeOfTheDay,
}

/// The first adult of a household and, where there is one, whose kin they are.
pub fn head(seed: u64, number: u64) -> (Person, Option<Kin>) {
    let root = number - number % ROOT_EVERY;
    if root != number {
        let root = Person::alone(seed, root * 2);
        let mut random = Random::of(Purpose::Identity, &[seed, number, 1]);
        if let Some(kin) = kin(number % ROOT_EVERY, &mut random)
            && let Some(person) = root.kin(kin, seed, number * 2)
        {
            return (person, Some(kin));
        }
    }
    (Person::alone(seed, number * 2), None)
}

/// The household of the root beside a household.
pub fn root_of(number: u64) -> u64 {
    number - number % ROOT_EVERY
}

/// One kind of kin a place, so that no two share a slot's number.
fn kin(place: u64, random: &mut Random) -> Option<Kin> {
    let (share, kin) = match place {
        1 => (share::TWIN, Kin::Twin),
        2 => (share::NAMESAKE_OF_THE_DAY, Kin::NamesakeOfTheDay),
        3 => (share::SIBLING, Kin::Sibling),
        4 => (share::SON, Kin::Son),
        5 => (share::NAMESAKE, Kin::Namesake),
        _ => return None,
    };
    random.per_ten_thousand(share).then_some(kin)
}

impl Person {
    /// A person of a rank who is nobody's kin.
    pub fn alone(seed: u64, rank: u64) -> Self {
        let mut random = Random::of(Purpose::Identity, &[seed, rank]);
        let slot = Slot::of(seed, rank);
        let origin = origin(slot.place(), &mut random);
        let birth_name = surname(origin, &mut random);
        let woman = random.percent(54);
        Self::born(slot, rank, (woman, origin, birth_name), &mut random)
    }

    /// The other adult of this one's couple.
    pub fn spouse(&self, seed: u64) -> Self {
        let mut spouse = Self::alone(seed, self.rank + 1);
        if spouse.woman == self.woman {
            let mut random = Random::of(Purpose::Identity, &[seed, spouse.rank, 2]);
            let names = (!self.woman, spouse.origin, spouse.birth_name);
            spouse = Self::born(Slot::of(seed, self.rank + 1), self.rank + 1, names, &mut random);
        }
        spouse
    }

    /// Draws the given names and the day of somebody of a slot.
    fn born(slot: Slot, rank: u64, of: (bool, Origin, String), random: &mut Random) -> Self {
        let (woman, origin, birth_name) = of;
        let (drawn, birthplace) = (slot.day(random), slot.place());
        let abroad = birthplace.insee.starts_with("99");
        let day_unknown = abroad && random.per_ten_thousand(share::DAY_UNKNOWN);
        let mut given: Vec<String> = Vec::new();
        for _ in 0..random.between(1, 3) {
            let name = given::drawn(random, woman, drawn.year, origin);
            if !given.contains(&name) {
                given.push(name);
            }
        }
        let born = if day_unknown { Day { month: 1, of_month: 1, ..drawn } } else { drawn };
        let second_in_use = given.len() > 1 && random.per_ten_thousand(share::SECOND_IN_USE);
        let nir = slot.nir(woman, day_unknown);
        let married_name = None;
        Self {
            rank,
            woman,
            origin,
            birth_name,
            married_name,
            given,
            second_in_use,
            born,
            day_unknown,
            birthplace,
            nir,
        }
    }

    /// Their kin of a rank; none when the years do not allow it.
    fn kin(&self, kin: Kin, seed: u64, rank: u64) -> Option<Self> {
        let mut random = Random::of(Purpose::Identity, &[seed, rank]);
        let own = Slot::of(seed, self.rank);
        let slot = match kin {
            Kin::Twin => own.relative(Of::Twin)?,
            Kin::Sibling => own.relative(Of::Sibling)?,
            Kin::Son if self.woman => return None,
            Kin::Son => own.relative(Of::Son)?,
            Kin::Namesake => Slot::of(seed, rank),
            Kin::NamesakeOfTheDay => own.relative(Of::Elsewhere)?,
        };
        let woman = match kin {
            Kin::Twin => self.woman == random.per_ten_thousand(share::TWINS_ALIKE),
            Kin::Sibling => random.percent(50),
            Kin::Son | Kin::Namesake | Kin::NamesakeOfTheDay => self.woman,
        };
        let mut person = Self::born(slot, rank, (woman, self.origin, self.birth_name.clone()), &mut random);
        let first = match kin {
            Kin::Twin | Kin::Sibling => {
                given::beside(&mut random, &self.given[0], woman, person.born.year, self.origin)
            }
            Kin::Son | Kin::Namesake | Kin::NamesakeOfTheDay => self.given[0].clone(),
        };
        person.given.retain(|name| *name != first);
        person.given.insert(0, first);
        person.given.truncate(3);
        person.second_in_use &= person.given.len() > 1;
        if matches!(kin, Kin::Twin | Kin::NamesakeOfTheDay) {
            person.share_birthday(self, slot);
        }
        Some(person)
    }

    fn share_birthday(&mut self, other: &Self, slot: Slot) {
        (self.born, self.day_unknown) = (other.born, other.day_unknown);
        self.nir = slot.nir(self.woman, self.day_unknown);
    }

    /// Takes the name of a husband, or not; who lives alone may have kept one.
    pub fn marry(&mut self, husband: Option<&Self>, seed: u64) {
        let mut random = Random::of(Purpose::Identity, &[seed, self.rank, 3]);
        let share = if husband.is_some() { share::MARRIED_NAME_IN_COUPLE } else { share::MARRIED_NAME_ALONE };
        if !self.woman || !random.per_ten_thousand(share) {
            return;
        }
        let name = match husband {
            Some(husband) => husband.birth_name.clone(),
            None => surname(self.origin, &mut random),
        };
        let joined = random.per_ten_thousand(share::JOINED_NAME);
        let name = if joined { format!("{}-{name}", self.birth_name) } else { name };
        self.married_name = Some(name).filter(|name| *name != self.birth_name);
    }

    /// What labels them, the same over all sources: their rank, put through a one-to-one mix.
    pub fn label(&self) -> String {
        format!("{:016x}", Random::of(Purpose::Identity, &[]).scrambled(self.rank))
    }
}

/// A surname, double now and then.
pub fn surname(origin: Origin, random: &mut Random) -> String {
    let stock = origin.stock();
    let name = stock.at(random.ranked(stock.size(), stock.top));
    if !random.per_ten_thousand(share::DOUBLE_NAME) {
        return name;
    }
    let join = if origin == Origin::Sud { ' ' } else { '-' };
    format!("{name}{join}{}", stock.at(random.ranked(stock.size(), stock.top)))
}

/// Where the names of somebody born at a place come from; shares are an assumption.
fn origin(place: Place, random: &mut Random) -> Origin {
    match place.insee {
        "99352" | "99350" | "99351" => Origin::Maghreb,
        "99341" => Origin::Afrique,
        "99139" => Origin::Sud,
        "99208" => Origin::Turquie,
        "29019" | "35238" if random.percent(40) => Origin::Bretagne,
        _ => match random.below(100) {
            0..75 => Origin::France,
            75..77 => Origin::Bretagne,
            77 => Origin::PaysBasque,
            78..86 => Origin::Maghreb,
            86..89 => Origin::Afrique,
            89..97 => Origin::Sud,
            97..99 => Origin::Turquie,
            _ => Origin::Vietnam,
        },
    }
}
