//! Time that passes only when somebody waits: what was waited for is written down, and nobody waits for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connectors::transport::http::{Patience, Time};
use hub_core::clock::Clock;
use jiff::Timestamp;
use uuid::Uuid;

/// An hour that is moved by waiting.
#[derive(Default)]
pub struct Hours {
    passed: Mutex<Duration>,
    waits: Mutex<Vec<Duration>>,
}

impl Hours {
    pub fn fresh() -> Arc<Self> {
        Arc::default()
    }

    pub fn time(self: &Arc<Self>) -> Time {
        Time { clock: self.clone(), patience: self.clone() }
    }

    /// What was waited for, in seconds.
    pub fn waits(&self) -> Vec<u64> {
        self.waits.lock().expect("waits").iter().map(Duration::as_secs).collect()
    }

    pub fn pass(&self, length: Duration) {
        *self.passed.lock().expect("time") += length;
    }
}

impl Clock for Hours {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-03-02T05:00:00Z".parse().expect("an instant");
        start + *self.passed.lock().expect("time")
    }

    fn mint(&self) -> Uuid {
        crate::support::mint()
    }
}

#[async_trait]
impl Patience for Hours {
    fn elapsed(&self) -> Duration {
        *self.passed.lock().expect("time")
    }

    async fn wait(&self, length: Duration) {
        self.waits.lock().expect("waits").push(length);
        self.pass(length);
        tokio::task::yield_now().await;
    }
}
