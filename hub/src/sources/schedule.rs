//! When a source is looked at, and by when its extract is expected: cron expressions and hours, in a declared time zone.
//!
//! An expression and an instant enter, the next instant leaves. Nights on which clocks change neither lose a run nor make two: an
//! hour that is skipped runs when it would have been, an hour that comes twice runs once.

use std::cmp::Ordering;
use std::str::FromStr as _;

use croner::Cron;
use croner::errors::CronError;
use croner::time::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

/// The zone French institutions mean.
pub const PARIS: &str = "Europe/Paris";

/// The zone of this name.
///
/// # Errors
/// When there is none.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("there is no time zone `{name}`, expected one such as `{PARIS}`"))
}

/// A cron expression in a time zone.
#[derive(Debug, Clone)]
pub struct Cadence {
    cron: Cron,
    zone: TimeZone,
}

impl Cadence {
    /// Reads an expression of five fields (or six, with seconds first).
    ///
    /// # Errors
    /// When expression or zone mean nothing, or the expression never comes.
    pub fn new(expression: &str, zone_name: &str) -> Result<Self, String> {
        let cron = Cron::from_str(expression).map_err(|error| {
            let why = error.to_string();
            format!("`{expression}` is not a cron expression: {}", why.trim_end_matches('.'))
        })?;
        let cadence = Self { cron, zone: zone(zone_name)? };
        match cadence.next_after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(cadence),
            None => Err(format!("`{expression}` never comes")),
        }
    }

    /// The first instant after this one.
    pub fn next_after(&self, instant: Timestamp) -> Option<Timestamp> {
        let from = At(instant.to_zoned_datetime(self.zone.clone()));
        self.cron.find_next_occurrence(&from, false).ok().map(|at| at.0.timestamp())
    }
}

/// A zoned instant, as croner walks it.
#[derive(Debug, Clone)]
struct At(ZonedDateTime);

impl CronDateTime for At {
    fn to_civil(&self) -> CivilDateTime {
        let at = self.0.datetime();
        let part = |value: i8| u32::from(value.unsigned_abs());
        CivilDateTime::new(
            CivilDate::from_parts_unchecked(i32::from(at.year()), part(at.month()), part(at.day())),
            CivilTime::from_parts_unchecked(part(at.hour()), part(at.minute()), part(at.second())),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::from(self.0.weekday().to_sunday_zero_offset().unsigned_abs()))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let at = self.0.time_zone().to_ambiguous_zoned_datetime(datetime(civil)?);
        let read =
            |zoned: Result<ZonedDateTime, jiff::Error>| zoned.map(Self).map_err(|_| CronError::InvalidTime);
        Ok(match at.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(read(at.unambiguous())?),
            AmbiguousOffset::Fold { .. } => {
                Resolution::Ambiguous(read(at.clone().earlier())?, read(at.later())?)
            }
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0.checked_add(SignedDuration::from_secs(seconds)).ok().map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

fn datetime(civil: CivilDateTime) -> Result<DateTime, CronError> {
    let small = |value: u32| i8::try_from(value).map_err(|_| CronError::InvalidDate);
    let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
    let (month, day) = (small(civil.month())?, small(civil.day())?);
    let (hour, minute, second) = (small(civil.hour())?, small(civil.minute())?, small(civil.second())?);
    DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| CronError::InvalidDate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn following(expression: &str, from: &str, count: usize) -> Vec<String> {
        let cadence = Cadence::new(expression, PARIS).expect("a cadence");
        let mut at: Timestamp = from.parse().expect("an instant");
        let mut next = || {
            at = cadence.next_after(at).expect("a next one");
            at.to_string()
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn a_night_is_at_its_hour_in_winter_and_in_summer() {
        assert_eq!(
            following("30 4 * * *", "2026-03-27T12:00:00Z", 3),
            ["2026-03-28T03:30:00Z", "2026-03-29T02:30:00Z", "2026-03-30T02:30:00Z"]
        );
    }

    #[test]
    fn an_hour_that_is_skipped_loses_no_run_and_one_that_comes_twice_makes_no_second() {
        // On 29 March 2026 clocks go from 02:00 to 03:00, on 25 October from 03:00 to 02:00.
        let spring = following("30 2 * * *", "2026-03-28T12:00:00Z", 2);
        assert!(spring.first().is_some_and(|at| at.starts_with("2026-03-29")), "{spring:?}");
        assert!(spring.get(1).is_some_and(|at| at.starts_with("2026-03-30")), "{spring:?}");
        let autumn = following("30 2 * * *", "2026-10-24T12:00:00Z", 2);
        assert_eq!(autumn, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    }

    #[test]
    fn what_means_nothing_or_never_comes_is_refused() {
        for (expression, zone) in
            [("every night", PARIS), ("0 25 * * *", PARIS), ("0 4 31 2 *", PARIS), ("0 4 * * *", "Paris")]
        {
            assert!(Cadence::new(expression, zone).is_err(), "{expression} {zone}");
        }
    }
}
