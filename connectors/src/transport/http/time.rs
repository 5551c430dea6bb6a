//! Time as calls need it: the hour, by the core's clock, and waiting, by a port of its own, so that a test waits for nothing.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hub_core::clock::Clock;
use tokio::time::Instant;

/// Waits. Called in parallel.
#[async_trait]
pub trait Patience: Send + Sync {
    /// How long it has been since some fixed instant; never goes back.
    fn elapsed(&self) -> Duration;

    /// Returns once so long has passed.
    async fn wait(&self, length: Duration);
}

/// Waits really.
#[derive(Debug, Clone, Copy)]
pub struct MachinePatience {
    start: Instant,
}

impl Default for MachinePatience {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

#[async_trait]
impl Patience for MachinePatience {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn wait(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

/// The hour and patience.
#[derive(Clone)]
pub struct Time {
    /// Tells the hour, which places write into their answers.
    pub clock: Arc<dyn Clock>,
    /// Measures and waits.
    pub patience: Arc<dyn Patience>,
}

impl Time {
    /// This clock, and the machine's patience.
    pub fn real(clock: Arc<dyn Clock>) -> Self {
        Self { clock, patience: Arc::new(MachinePatience::default()) }
    }
}
