//! Chance that can be had again: a splitmix64 stream started from numbers.
//!
//! The same numbers always give the same stream, so a household is drawn alike on every night, in any order, with no state
//! kept between households. Not for secrets.

/// What a stream is for; two purposes of one household never share a stream.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// The household as first known.
    Base = 1,
    /// What a night does to it.
    Night = 2,
    /// The mistakes planted in its records.
    Fault = 3,
    /// Who a labelled adult truly is.
    Identity = 4,
    /// What a source makes of a labelled adult.
    Telling = 5,
    /// Which labelled adults a source knows twice.
    Echo = 6,
}

/// A stream of numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream of `purpose` for these numbers.
    pub fn of(purpose: Purpose, numbers: &[u64]) -> Self {
        let start = numbers.iter().fold(purpose as u64, |state, number| mixed(state ^ mixed(*number)));
        Self(start)
    }

    /// A number for each number, another for another.
    pub fn scrambled(&self, number: u64) -> u64 {
        mixed(self.0 ^ number)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number under `limit`, or zero.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw().checked_rem(limit).unwrap_or(0)
    }

    /// True `share` times in a hundred.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }

    /// True `share` times in a million.
    pub fn per_million(&mut self, share: u64) -> bool {
        self.below(1_000_000) < share
    }

    /// A number from `least` to `most`, both possible.
    pub fn between(&mut self, least: u16, most: u16) -> u16 {
        let span = u64::from(most.saturating_sub(least)) + 1;
        least + u16::try_from(self.below(span)).unwrap_or(0)
    }

    /// True `share` times in ten thousand.
    pub fn per_ten_thousand(&mut self, share: u32) -> bool {
        self.below(10_000) < u64::from(share)
    }

    /// A place in a list of `length` in order of frequency, each about as likely as one over its own place: `top` places share the
    /// first part, twice as many the second, and so on, each part as likely as another. No floating point: the same everywhere.
    pub fn ranked(&mut self, length: u64, top: u64) -> u64 {
        let parts = (length.div_ceil(top.max(1)) + 1).max(2).next_power_of_two().ilog2();
        let part = self.below(u64::from(parts));
        let first = top * ((1 << part) - 1);
        (first + self.below(top << part)).checked_rem(length).unwrap_or(0)
    }

    /// One of a list that is not empty.
    pub fn one<T: Copy>(&mut self, list: &[T]) -> T {
        let at = self.below(list.len() as u64);
        list[usize::try_from(at).unwrap_or(0)]
    }
}

/// The splitmix64 finaliser.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_can_be_had_again_and_purposes_do_not_share_one() {
        let draw = |purpose, numbers: &[u64]| Random::of(purpose, numbers).draw();
        assert_eq!(draw(Purpose::Base, &[1, 2]), draw(Purpose::Base, &[1, 2]));
        assert_ne!(draw(Purpose::Base, &[1, 2]), draw(Purpose::Night, &[1, 2]));
        assert_ne!(draw(Purpose::Base, &[1, 2]), draw(Purpose::Base, &[2, 1]));
    }

    #[test]
    fn shares_come_out_about_right() {
        let mut random = Random::of(Purpose::Base, &[7]);
        let hits = (0..100_000).filter(|_| random.per_million(20_000)).count();
        assert!((1_700..2_300).contains(&hits), "{hits}");
    }
}
