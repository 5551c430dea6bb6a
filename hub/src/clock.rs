//! The machine's clock and random identifiers, behind the core's port.

use hub_core::clock::Clock;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
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

/// The day it is in France, by which what is declared expires.
pub fn today() -> Date {
    let zone = TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC);
    MachineClock.now().to_zoned_datetime(zone).date()
}
