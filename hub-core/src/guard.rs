//! Guards: what makes a delivery suspicious enough to wait for a person.
//!
//! Figures of a delivery and of those before it enter; the fault that holds it leaves, or nothing. Shares are between 0 and 1;
//! nothing is judged by share below `least` records or claims, where a few make a large one.

use crate::code::Code;
use crate::connector::Fault;

/// From which share on a delivery is held; a guard that is `None` is off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guards {
    /// How far a snapshot's number of records may be from the middle of the last ones, as a share of it.
    pub volume: Option<f64>,
    /// Refused records among those that are new or changed.
    pub rejects: Option<f64>,
    /// Rights closed and persons gone, among all the emitter stated.
    pub closures: Option<f64>,
    /// Records with a code no list knows, among those that are new or changed.
    pub unknown_codes: Option<f64>,
    /// Fewest records, or claims, that are judged.
    pub least: u64,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            volume: Some(0.5),
            rejects: Some(0.2),
            closures: Some(0.2),
            unknown_codes: Some(0.3),
            least: 100,
        }
    }
}

/// What is known of a delivery before anything of it is applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Records in it.
    pub records: u64,
    /// Records of the last snapshots of its emitter, none when it is not one.
    pub before: Vec<u64>,
    /// New or changed records looked at.
    pub looked_at: u64,
    /// Those of them that would be refused.
    pub refused: u64,
    /// Those of them with an unknown code.
    pub unknown_codes: u64,
    /// Claims its emitters state so far.
    pub stated: u64,
    /// Rights it would close, and claims it no longer states.
    pub closed: u64,
}

impl Guards {
    /// No guard at all: a person has looked.
    pub const OFF: Self = Self { volume: None, rejects: None, closures: None, unknown_codes: None, least: 0 };

    /// Whether there is any guard.
    pub fn any(&self) -> bool {
        [self.volume, self.rejects, self.closures, self.unknown_codes].iter().any(Option::is_some)
    }

    /// The first guard a delivery does not pass.
    pub fn judge(&self, figures: &Figures) -> Option<Fault> {
        self.too_far(figures)
            .or_else(|| {
                let found = (figures.refused, figures.looked_at);
                self.too_many(Code::RejectGuard, self.rejects, found, "records refused")
            })
            .or_else(|| {
                let found = (figures.unknown_codes, figures.looked_at);
                self.too_many(Code::CodeGuard, self.unknown_codes, found, "records with an unknown code")
            })
            .or_else(|| {
                let found = (figures.closed, figures.stated);
                self.too_many(Code::ClosureGuard, self.closures, found, "rights closed or persons gone")
            })
    }

    /// Whether so many rights closed could be too many of any number that is judged.
    pub fn judges_closures(&self, closed: u64) -> bool {
        self.closures.is_some_and(|share| over(closed, self.least, share))
    }

    fn too_far(&self, figures: &Figures) -> Option<Fault> {
        let share = self.volume?;
        let usual = usual(&figures.before, figures.records)?;
        if usual.max(figures.records) < self.least {
            return None;
        }
        let far = percent(figures.records.abs_diff(usual), usual);
        let detail = format!(
            "expected about {usual} records, found {} ({far} % off, limit {} %)",
            figures.records,
            whole(share)
        );
        over(figures.records.abs_diff(usual), usual, share).then(|| Fault::new(Code::VolumeGuard, detail))
    }

    fn too_many(&self, code: Code, share: Option<f64>, (found, of): (u64, u64), what: &str) -> Option<Fault> {
        let share = share?;
        if of < self.least || !over(found, of, share) {
            return None;
        }
        let detail = format!(
            "expected at most {} % {what}, found {found} of {of} ({} %)",
            whole(share),
            percent(found, of)
        );
        Some(Fault::new(code, detail))
    }
}

/// The middle one; of two the nearer, so that one odd night among two does not become what is usual.
fn usual(before: &[u64], found: u64) -> Option<u64> {
    let mut sorted = before.to_vec();
    sorted.sort_unstable();
    let middle = sorted.get(sorted.len().saturating_sub(1) / 2..=sorted.len() / 2)?;
    middle.iter().copied().min_by_key(|usual| usual.abs_diff(found))
}

#[expect(clippy::cast_precision_loss, reason = "a share of counts far below 2^52")]
fn over(part: u64, of: u64, share: f64) -> bool {
    part as f64 > of as f64 * share
}

fn percent(part: u64, of: u64) -> u64 {
    (part * 100).checked_div(of).unwrap_or(100)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is between 0 and 1")]
fn whole(share: f64) -> u64 {
    (share * 100.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(figures: &Figures) -> Option<Code> {
        Guards::default().judge(figures).map(|fault| fault.code)
    }

    #[test]
    fn half_the_volume_waits_and_a_little_less_does_not() {
        let night = |records| Figures { records, before: vec![1_000, 990, 1_010], ..Figures::default() };
        assert_eq!(held(&night(499)), Some(Code::VolumeGuard));
        assert_eq!(held(&night(501)), None);
        assert_eq!(held(&night(1_600)), Some(Code::VolumeGuard));
    }

    #[test]
    fn one_odd_night_before_is_not_what_is_usual() {
        let figures = Figures { records: 1_000, before: vec![1_000, 3, 1_000], ..Figures::default() };
        assert_eq!(held(&figures), None);
    }

    #[test]
    fn after_half_a_night_that_was_released_a_whole_one_is_usual_still() {
        let night = |records| Figures { records, before: vec![500, 1_000], ..Figures::default() };
        assert_eq!(held(&night(1_000)), None);
        assert_eq!(held(&night(499)), None);
        assert_eq!(held(&night(249)), Some(Code::VolumeGuard));
        assert_eq!(held(&night(1_501)), Some(Code::VolumeGuard));
    }

    #[test]
    fn shares_are_judged_only_of_enough() {
        let figures =
            |looked_at, refused| Figures { records: looked_at, looked_at, refused, ..Figures::default() };
        assert_eq!(held(&figures(99, 99)), None);
        assert_eq!(held(&figures(100, 21)), Some(Code::RejectGuard));
        assert_eq!(held(&figures(100, 20)), None);
        let closing = Figures { records: 500, stated: 500, closed: 101, ..Figures::default() };
        assert_eq!(held(&closing), Some(Code::ClosureGuard));
        assert_eq!(Guards::OFF.judge(&closing), None);
        assert!(!Guards { least: 100, ..Guards::OFF }.any() && Guards::default().any());
    }

    #[test]
    fn what_is_found_is_told_in_figures() {
        let figures = Figures { records: 10, before: vec![1_000], ..Figures::default() };
        let fault = Guards::default().judge(&figures).map(|fault| fault.detail);
        assert_eq!(fault.as_deref(), Some("expected about 1000 records, found 10 (99 % off, limit 50 %)"));
    }
}
