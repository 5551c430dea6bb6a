//! Where and when labelled persons are born, and the NIR that comes of it.
//!
//! A rank enters, a slot leaves: year, month, place and a row of five order numbers that no other rank has. The four behind its own
//! are its relatives', so twins have consecutive NIRs and every NIR stays one person's.

use super::super::calendar::Day;
use super::super::places::{BIRTHS, Place};
use super::super::random::Random;

/// First year of birth.
const FIRST_YEAR: u16 = 1958;
/// Last year of birth.
const LAST_YEAR: u16 = 2006;
/// Entries of the two halves of the table of places.
const ENTRIES: u64 = 128;
/// Slots of one month in one entry.
const BASES: u64 = 24;
/// Order numbers of a slot.
const ORDERS: u64 = 5;
/// Slots there are: ranks with a slot of their own.
pub const SLOTS: u64 = (LAST_YEAR - FIRST_YEAR + 1) as u64 * 12 * ENTRIES * BASES;
/// Numbers the permutation of slots goes through, a power of two.
const WALK_BITS: u32 = SLOTS.next_power_of_two().ilog2();

/// Birth places and their entries, 64 a half: the département's three towns first, then its neighbours, abroad and the rest. No
/// place is in both halves, so the entry half a table away is elsewhere. Shares are an assumption.
#[rustfmt::skip]
const HALVES: [&[(usize, u64)]; 2] = [
    &[
        (34, 8), (35, 8), (30, 4), (15, 4), (0, 4), (40, 4), (43, 3), (44, 3), (1, 3), (3, 3), (5, 3), (7, 3), (9, 2), (11, 2), (13, 2),
        (16, 2), (18, 2), (20, 1), (22, 1), (24, 1), (32, 1),
    ],
    &[
        (36, 8), (10, 4), (29, 4), (37, 4), (41, 4), (42, 4), (2, 4), (6, 4), (8, 4), (45, 3), (4, 3), (38, 3), (39, 2), (31, 2),
        (12, 2), (14, 1), (17, 1), (19, 1), (21, 1), (23, 1), (25, 1), (26, 1), (27, 1), (28, 1),
    ],
];

/// Whose of a slot's order numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// The rank's own.
    Own,
    /// A twin's.
    Twin,
    /// A stranger's of the same day, born elsewhere.
    Elsewhere,
    /// A sibling's, a year later.
    Sibling,
    /// A son's, 25 years later.
    Son,
}

/// Year, month, place and order number of a birth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    year: u16,
    month: u8,
    entry: u64,
    base: u64,
    of: Of,
}

impl Slot {
    /// The slot of a rank, its own among [`SLOTS`].
    pub fn of(seed: u64, rank: u64) -> Self {
        let slot = permuted(seed, rank % SLOTS);
        let (month, year) = (slot / (BASES * ENTRIES) % 12, slot / (BASES * ENTRIES * 12));
        Self {
            year: FIRST_YEAR + u16::try_from(year).unwrap_or(0),
            month: u8::try_from(month).unwrap_or(0) + 1,
            entry: slot / BASES % ENTRIES,
            base: slot % BASES,
            of: Of::Own,
        }
    }

    /// A relative's; none when they would be born too late.
    pub fn relative(self, of: Of) -> Option<Self> {
        let (years, entries) = match of {
            Of::Own | Of::Twin => (0, 0),
            Of::Elsewhere => (0, ENTRIES / 2),
            Of::Sibling => (1, 0),
            Of::Son => (25, 0),
        };
        let (year, entry) = (self.year + years, (self.entry + entries) % ENTRIES);
        (year <= LAST_YEAR).then_some(Self { year, entry, of, ..self })
    }

    /// A day of its month.
    pub fn day(self, random: &mut Random) -> Day {
        Day { year: self.year, month: self.month, ..Day::drawn(random, self.year, self.year) }
    }

    /// The place.
    pub fn place(self) -> Place {
        self.placed().0
    }

    /// Thirteen characters. Who knows no day of birth has a fictitious month, from 21.
    pub fn nir(self, woman: bool, day_unknown: bool) -> String {
        let (place, turn) = self.placed();
        let order = (turn * BASES + self.base) * ORDERS + self.of as u64 + 1;
        let month = if day_unknown { self.month + 20 } else { self.month };
        // Corsica was one département, 20, before 1976.
        let corsican =
            self.year < 1976 && place.insee.starts_with('2') && !place.insee.as_bytes()[1].is_ascii_digit();
        let insee = if corsican { format!("20{}", &place.insee[2..]) } else { place.insee.to_owned() };
        let sex = if woman { 2 } else { 1 };
        format!("{sex}{:02}{month:02}{insee}{order:03}", self.year % 100)
    }

    /// The place, and which of its entries this is.
    fn placed(self) -> (Place, u64) {
        let [first, second] = HALVES;
        let half = if self.entry < ENTRIES / 2 { first } else { second };
        let mut left = self.entry % (ENTRIES / 2);
        for (place, entries) in half {
            if left < *entries {
                return (BIRTHS[*place], left);
            }
            left -= entries;
        }
        (BIRTHS[0], left)
    }
}

/// The slots in an order that looks like chance: a number goes through a one-to-one mix until it is one of the slots.
fn permuted(seed: u64, rank: u64) -> u64 {
    const MASK: u64 = (1 << WALK_BITS) - 1;
    let mut at = rank;
    loop {
        for round in 1..=3 {
            at = (at ^ (at >> (WALK_BITS / 2))).wrapping_mul(0x9e37_79b1) & MASK;
            at = at.wrapping_add(seed.wrapping_mul(round)) & MASK;
        }
        if at < SLOTS {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use hub_core::canonical::nir;

    use super::*;

    #[test]
    fn every_nir_of_a_slot_and_its_relatives_is_valid_and_one_persons() {
        let mut seen = HashSet::new();
        for rank in 0..40_000 {
            let own = Slot::of(5, rank);
            for of in [Of::Own, Of::Twin, Of::Elsewhere, Of::Sibling, Of::Son] {
                let Some(slot) = own.relative(of) else { continue };
                let number = slot.nir(true, rank % 7 == 0);
                assert!(nir::parse(&number).is_ok(), "{number}");
                assert!(seen.insert(number), "rank {rank}, {of:?}");
            }
        }
    }

    #[test]
    fn no_two_ranks_share_a_slot_and_halves_are_full_and_apart() {
        let slots: HashSet<_> = (0..300_000).map(|rank| permuted(9, rank)).collect();
        assert_eq!(slots.len(), 300_000);
        let places = HALVES.map(|half| half.iter().map(|(place, _)| *place).collect::<HashSet<_>>());
        assert!(places[0].is_disjoint(&places[1]));
        for half in HALVES {
            assert_eq!(half.iter().map(|(_, entries)| entries).sum::<u64>(), ENTRIES / 2);
        }
    }
}
