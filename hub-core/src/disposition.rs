//! The one table that says what to do about each kind of failure on the way in: try again, set apart, or stop until a person looks.

use std::time::Duration;

use crate::code::Code;

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// It may go away by itself: try again, later each time.
    Retry,
    /// It will not go away: this one is set apart, the others go on.
    Quarantine,
    /// Nothing of this source can go on before a person has looked.
    Halt,
}

/// First wait before trying again.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_mins(30);

impl Disposition {
    /// What to do about a failure with this code.
    pub fn of(code: Code) -> Self {
        use Code as C;
        match code {
            C::PlaceUnreachable
            | C::OfferChanged
            | C::TooManyRequests
            | C::DiskFull
            | C::StoreUnreachable
            | C::StoreConflict
            | C::ArchiveFailed
            | C::BrokerUnreachable
            | C::Halted => Self::Retry,
            C::LoginRefused | C::HostKeyChanged | C::StoreKey | C::BadConfig | C::PlaceRefused => Self::Halt,
            _ => Self::Quarantine,
        }
    }

    /// The word stored and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Quarantine => "quarantine",
            Self::Halt => "halt",
        }
    }
}

/// How long to wait before the next try, after `tries` that failed (from 1): twice as long each time, up to half an hour.
pub fn wait_after(tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_tried_again_a_bad_file_set_apart_a_wrong_key_stops() {
        assert_eq!(Disposition::of(Code::PlaceUnreachable), Disposition::Retry);
        assert_eq!(Disposition::of(Code::Unpackable), Disposition::Quarantine);
        assert_eq!(Disposition::of(Code::HostKeyChanged), Disposition::Halt);
    }

    #[test]
    fn waits_double_up_to_half_an_hour() {
        let waits: Vec<u64> = [1, 2, 3, 20, u32::MAX].map(|tries| wait_after(tries).as_secs()).into();
        assert_eq!(waits, [5, 10, 20, 1800, 1800]);
    }
}
