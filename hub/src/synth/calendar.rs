//! Days as the model draws them, and the three ways the département's agents write them.
//!
//! Drawn days stop at the 28th, so every one exists. Night 1 is 2 March 2026; each night is the day after.

use std::fmt;

use super::random::Random;

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// The year.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub of_month: u8,
}

/// Lengths of the months of a common year, from January.
const MONTHS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

impl Day {
    /// A day of these years, both possible.
    pub fn drawn(random: &mut Random, first: u16, last: u16) -> Self {
        let (month, day) = (random.between(1, 12), random.between(1, 28));
        Self { year: random.between(first, last), month: small(month), of_month: small(day) }
    }

    /// The day of a night.
    pub fn of_night(night: u32) -> Self {
        let mut day = Self { year: 2026, month: 3, of_month: 1 };
        for _ in 0..night.min(10_000) {
            day = day.next();
        }
        day
    }

    /// The last day of the month before.
    pub fn month_end_before(self) -> Self {
        let (year, month) = if self.month == 1 { (self.year - 1, 12) } else { (self.year, self.month - 1) };
        Self { year, month, of_month: length(year, month) }
    }

    /// This day one year later.
    pub fn a_year_later(self) -> Self {
        Self { year: self.year + 1, of_month: self.of_month.min(28), ..self }
    }

    /// `14/07/1986`.
    pub fn french(self) -> String {
        format!("{:02}/{:02}/{:04}", self.of_month, self.month, self.year)
    }

    /// `14-07-1986`.
    pub fn dashed(self) -> String {
        format!("{:02}-{:02}-{:04}", self.of_month, self.month, self.year)
    }

    fn next(self) -> Self {
        if self.of_month < length(self.year, self.month) {
            return Self { of_month: self.of_month + 1, ..self };
        }
        let (year, month) = if self.month == 12 { (self.year + 1, 1) } else { (self.year, self.month + 1) };
        Self { year, month, of_month: 1 }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.of_month)
    }
}

fn small(number: u16) -> u8 {
    u8::try_from(number).unwrap_or(1)
}

fn length(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = MONTHS.get(usize::from(month).saturating_sub(1)).copied().unwrap_or(30);
    if leap && month == 2 { 29 } else { days }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_follow_the_calendar() {
        for (night, day) in [(1, "2026-03-02"), (30, "2026-03-31"), (31, "2026-04-01"), (310, "2027-01-05")] {
            assert_eq!(Day::of_night(night).to_string(), day);
        }
        assert_eq!(Day::of_night(1).month_end_before().to_string(), "2026-02-28");
    }
}
