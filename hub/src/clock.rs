//! The machine's clock and random identifiers, behind the core's port.

use hub_core::clock::Clock;
use jiff::Timestamp;
use uuid::Uuid;

/// The real clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "this adapter is the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this adapter is the one place that asks the machine")]
    fn mint(&self) -> Uuid {
        Uuid::now_v7()
    }
}
