//! How calls to a place are bounded and repeated, as configured.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// How calls to a place are bounded and repeated. Every value has a default.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// To connect, 10 seconds.
    pub connect_timeout_seconds: u64,
    /// Without one byte coming, 60 seconds: the slow places are that slow.
    pub read_timeout_seconds: u64,
    /// For a whole call, 300 seconds.
    pub timeout_seconds: u64,
    /// Largest body of one answer, 32 MiB.
    pub max_answer_bytes: u64,
    /// How often one call is made at most, waits asked for included: 10.
    pub tries: u32,
    /// How often it is made at most while the place fails or does not answer: 4.
    pub failures: u32,
    /// Longest time spent waiting for one call before it goes back to the scheduler: 300 seconds.
    pub patience_seconds: u64,
    /// What to wait when the place asks to wait but not how long: 1 second.
    pub retry_after_seconds: u64,
    /// Calls a second, over all that run in parallel; unbounded when left out.
    pub requests_per_second: Option<NonZeroU32>,
    /// Certificate authorities (PEM) trusted beside the web's.
    pub ca_file: Option<PathBuf>,
    /// The proxy to go through; none is taken from the environment.
    pub proxy: Option<String>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout_seconds: 10,
            read_timeout_seconds: 60,
            timeout_seconds: 300,
            max_answer_bytes: 32 << 20,
            tries: 10,
            failures: 4,
            patience_seconds: 300,
            retry_after_seconds: 1,
            requests_per_second: None,
            ca_file: None,
            proxy: None,
        }
    }
}

impl Limits {
    /// Longest time spent waiting for one call.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.patience_seconds)
    }

    /// What to wait when the place does not say how long.
    pub(super) fn retry_after(&self) -> Duration {
        Duration::from_secs(self.retry_after_seconds)
    }
}
