//! A birth date with the precision that is known, and how near two of them are.
//!
//! `1982-02-01`, `1982-02` or `1982` enters. Day and month are swapped, or one digit is wrong, more often than a date is altogether
//! another; 1 January stands for a day nobody knows.

use compact_str::CompactString;
use compact_str::format_compact;

/// A birth date; month and day are 0 when not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Birth {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

/// How near two births are, the nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Nearness {
    /// The same day.
    Same,
    /// The same day, a 1 January.
    SameFirstOfJanuary,
    /// The same month, as far as one of them is known.
    Month,
    /// The same year, as far as one of them is known.
    Year,
    /// Day and month swapped.
    Swapped,
    /// One digit differs.
    Digit,
    /// The same year, and 1 January for one of them.
    UnknownDay,
    /// Two of year, month and day are the same.
    Part,
    Other,
}

impl Nearness {
    /// The same as far as both are known.
    pub fn agrees(self) -> bool {
        self <= Self::Year
    }
}

impl Birth {
    /// Reads a canonical date; `None` when there is none.
    pub fn read(text: &str) -> Option<Self> {
        let year = text.get(..4)?.parse().ok()?;
        let part = |range| text.get(range).and_then(|part: &str| part.parse().ok()).unwrap_or(0);
        Some(Self { year, month: part(5..7), day: part(8..10) })
    }

    /// The day is known.
    pub fn is_whole(self) -> bool {
        self.day != 0
    }

    fn is_first_of_january(self) -> bool {
        (self.month, self.day) == (1, 1)
    }

    /// The same for a date and the one with day and month swapped.
    pub fn either_way_round(self) -> CompactString {
        let (low, high) = (self.month.min(self.day), self.month.max(self.day));
        format_compact!("{}-{low}-{high}", self.year)
    }

    /// Day and month, where they say something: 1 January is the day of those whose day nobody knows.
    pub fn anniversary(self) -> Option<CompactString> {
        (self.is_whole() && !self.is_first_of_january())
            .then(|| format_compact!("{}-{}", self.month, self.day))
    }

    /// How near another one is.
    pub fn nearness(self, other: Self) -> Nearness {
        if self.is_whole() && other.is_whole() {
            return self.nearness_of_days(other);
        }
        let months = self.month == 0 || other.month == 0 || self.month == other.month;
        match (self.year == other.year && months, self.month == 0 || other.month == 0) {
            (true, false) => Nearness::Month,
            (true, true) => Nearness::Year,
            (false, _) => Nearness::Other,
        }
    }

    fn nearness_of_days(self, other: Self) -> Nearness {
        if self == other {
            return if self.is_first_of_january() { Nearness::SameFirstOfJanuary } else { Nearness::Same };
        }
        let same = [self.year == other.year, self.month == other.month, self.day == other.day];
        let swapped = same[0] && self.month == other.day && self.day == other.month;
        // 1 January says no more than the year, which has hardly a digit to be wrong in.
        let first_of_january = self.is_first_of_january() || other.is_first_of_january();
        if swapped {
            Nearness::Swapped
        } else if first_of_january {
            if same[0] { Nearness::UnknownDay } else { Nearness::Other }
        } else if self.digits_apart(other) == 1 {
            Nearness::Digit
        } else if same.iter().filter(|same| **same).count() == 2 {
            Nearness::Part
        } else {
            Nearness::Other
        }
    }

    fn digits_apart(self, other: Self) -> usize {
        let number = |birth: Self| {
            u32::from(birth.year) * 10_000 + u32::from(birth.month) * 100 + u32::from(birth.day)
        };
        let (mut one, mut other, mut apart) = (number(self), number(other), 0);
        while one > 0 || other > 0 {
            apart += usize::from(one % 10 != other % 10);
            (one, other) = (one / 10, other / 10);
        }
        apart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn births_are_as_near_as_what_is_known_of_them() {
        let near = |a: &str, b: &str| Birth::read(a).and_then(|a| Some(a.nearness(Birth::read(b)?)));
        for (a, b, wanted) in [
            ("1982-02-03", "1982-02-03", Nearness::Same),
            ("1982-01-01", "1982-01-01", Nearness::SameFirstOfJanuary),
            ("1982-02", "1982-02-03", Nearness::Month),
            ("1982", "1982-02-03", Nearness::Year),
            ("1982", "1982", Nearness::Year),
            ("1982-02", "1982-03-03", Nearness::Other),
            ("1982-02-03", "1982-03-02", Nearness::Swapped),
            ("1982-02-03", "1982-02-13", Nearness::Digit),
            ("1982-02-03", "1983-02-03", Nearness::Digit),
            ("1982-02-03", "1982-02-19", Nearness::Part),
            ("1982-01-01", "1982-07-19", Nearness::UnknownDay),
            ("1982-01-01", "1983-07-19", Nearness::Other),
            ("1982-01-01", "1982-01-11", Nearness::UnknownDay),
            ("1960-01-01", "1990-01-01", Nearness::Other),
            ("1982-02-03", "1971-06-19", Nearness::Other),
        ] {
            assert_eq!((near(a, b), near(b, a)), (Some(wanted), Some(wanted)), "{a} {b}");
        }
        assert_eq!(Birth::read("19"), None);
    }
}
