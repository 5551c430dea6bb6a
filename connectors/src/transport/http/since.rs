//! Going on from the last time: what a list is asked for again, and how far it was read.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// How far ahead of our hour a place's may be.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

/// How a list says what is new.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Since {
    /// It does not: all of it comes each time.
    #[default]
    All,
    /// By its version: `If-None-Match`, for lists of one page.
    Etag,
    /// By a parameter that says from when.
    Parameter {
        /// The parameter's name.
        name: String,
        /// JSON pointer, in an item, to what the parameter compares with: the largest seen is sent next. Left out, the time of
        /// the request is.
        #[serde(default)]
        largest: Option<String>,
        /// What is sent the first time; nothing when left out.
        #[serde(default)]
        first: Option<String>,
    },
}

/// The larger of two values: as instants, as numbers, or as texts, in this order.
pub(super) fn larger(one: String, other: String) -> String {
    let other_is_larger = if let (Some(a), Some(b)) = (instant(&one), instant(&other)) {
        b > a
    } else if let (Ok(a), Ok(b)) = (one.parse::<i128>(), other.parse::<i128>()) {
        b > a
    } else {
        other > one
    };
    if other_is_larger { other } else { one }
}

/// Whether a list may be gone on from here: behind a time that lies far ahead, nothing would come for as long.
pub(super) fn is_plausible(value: &str, now: Timestamp) -> bool {
    let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    let latest = TimeZone::UTC.to_datetime(latest).date();
    // A day with its dashes, whatever follows; digits alone are a number.
    let day = value.get(.."2026-03-02".len()).filter(|day| day.contains('-'));
    day.and_then(|day| day.parse::<Date>().ok()).is_none_or(|day| day <= latest)
}

/// When a request was made, in whole seconds: our hour, or that of the place when it is behind.
pub(super) fn requested(ours: Timestamp, theirs: Option<Timestamp>) -> String {
    let earlier = theirs.map_or(ours, |theirs| theirs.min(ours));
    let whole = SignedDuration::from_secs(earlier.as_second());
    Timestamp::from_duration(whole).unwrap_or(earlier).to_string()
}

/// An instant as places write it, with `Z` or an offset.
fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_is_told_of_instants_numbers_and_texts() {
        for (one, other, larger_one) in [
            ("2021-05-17T16:47:11+02:00", "2021-05-17T15:00:00Z", "2021-05-17T15:00:00Z"),
            ("9", "10", "10"),
            ("10", "9", "10"),
            ("2026-01-02", "2026-01-10", "2026-01-10"),
            ("b", "a", "b"),
        ] {
            assert_eq!(larger(one.to_owned(), other.to_owned()), larger_one);
        }
    }

    #[test]
    fn a_time_far_ahead_is_not_gone_on_from() {
        let now = "2026-03-02T05:00:00Z".parse().expect("an instant");
        for value in
            ["2026-03-03T05:00:00+01:00", "2026-03-03", "2026-03-02 23:00:00", "99991231", "z-9", "-1"]
        {
            assert!(is_plausible(value, now), "{value}");
        }
        for value in ["2062-03-02T05:00:00Z", "2062-03-02", "9999-12-31 23:59:59", "9999-12-31T23:59:59Z"] {
            assert!(!is_plausible(value, now), "{value}");
        }
    }

    #[test]
    fn the_earlier_hour_counts_so_that_nothing_is_missed() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let ours = at("2026-03-02T05:00:00.75Z");
        assert_eq!(requested(ours, None), "2026-03-02T05:00:00Z");
        assert_eq!(requested(ours, Some(at("2026-03-02T04:59:58Z"))), "2026-03-02T04:59:58Z");
        assert_eq!(requested(ours, Some(at("2026-03-02T05:01:00Z"))), "2026-03-02T05:00:00Z");
    }
}
