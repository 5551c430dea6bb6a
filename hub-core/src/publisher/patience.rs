//! How long to wait before trying again: exponential, with jitter, without end.
//!
//! The only place that knows the `backoff` crate, which is no longer maintained (RUSTSEC-2025-0012, docs/adr/0001).

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;

const FIRST_MS: u64 = 100;
const LONGEST_MS: u64 = 10_000;

/// Grows from about 100 ms to about 10 s, each ± 50 % so that hubs do not come back in step.
#[derive(Debug)]
pub struct Patience(ExponentialBackoff);

impl Default for Patience {
    fn default() -> Self {
        Self(ExponentialBackoff {
            current_interval: Duration::from_millis(FIRST_MS),
            initial_interval: Duration::from_millis(FIRST_MS),
            max_interval: Duration::from_millis(LONGEST_MS),
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        })
    }
}

impl Patience {
    /// The next wait, longer than the last one on average.
    pub fn next_wait(&mut self) -> Duration {
        self.0.next_backoff().unwrap_or(Duration::from_millis(LONGEST_MS))
    }

    /// Starts again from the shortest wait: something worked.
    pub fn reset(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_stay_bounded_and_start_again() {
        let mut patience = Patience::default();
        let waits: Vec<Duration> = (0..40).map(|_| patience.next_wait()).collect();
        assert!(waits.iter().all(|wait| *wait <= Duration::from_millis(LONGEST_MS * 3 / 2)));
        assert!(waits.iter().skip(20).all(|wait| *wait >= Duration::from_millis(LONGEST_MS / 2)));
        patience.reset();
        assert!(patience.next_wait() <= Duration::from_millis(FIRST_MS * 3 / 2));
    }
}
