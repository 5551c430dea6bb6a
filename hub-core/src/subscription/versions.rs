//! The steps a person took since a profile last heard of them.
//!
//! The versions of a person enter, each step from one to the next leaves: what was known, what is known, what made the difference. A
//! version holds up to its own sequence, from behind that of the one before it.

use jiff::Timestamp;

use crate::statement::{Origin, Stated};
use crate::store::Version;

/// From one version to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Passage<'v> {
    /// What was known; `None` when nobody knew the person.
    pub before: Option<&'v Stated>,
    pub after: &'v Stated,
    /// What made the difference, and when; `None` of the first version there is.
    pub by: Option<(Timestamp, &'v Origin)>,
    /// The person's sequence once it was made.
    pub sequence: u64,
}

/// The passages behind sequence `told` (`None`: from nothing) up to `upto`.
pub(super) fn passages(versions: &[Version], told: Option<u64>, upto: u64) -> Vec<Passage<'_>> {
    // Those that differ by their origins alone share a sequence.
    let held: Vec<&[Version]> = versions.chunk_by(|a, b| a.sequence == b.sequence).collect();
    let ends = |at: usize| held.get(at).and_then(|same| same.last());
    let begins =
        told.and_then(|told| (0..held.len()).find(|at| ends(*at).is_some_and(|v| v.sequence >= told)));
    let mut passages = Vec::new();
    for at in begins.map_or(0, |at| at + 1)..held.len() {
        let last = at.checked_sub(1).and_then(ends);
        let Some(after) = ends(at).filter(|_| last.is_none_or(|last| last.sequence < upto)) else { break };
        passages.push(Passage {
            before: last.map(|version| &version.state),
            after: &after.state,
            by: last.and_then(|version| version.end.as_ref()).map(|(at, by)| (*at, by)),
            sequence: after.sequence.min(upto),
        });
    }
    passages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(sequence: u64) -> Version {
        let end = Some((Timestamp::UNIX_EPOCH, Origin { record: sequence, ..Origin::nowhere() }));
        Version { sequence, from: None, state: Stated::default(), end }
    }

    #[test]
    fn each_step_behind_what_was_told_is_passed_once() {
        let versions = [1, 3, 3, 4, 7].map(version);
        for (told, upto, steps) in [
            (None, 1, &[1][..]),
            (None, 4, &[1, 3, 4]),
            (Some(1), 4, &[3, 4]),
            // Told in the middle of a step: it is told already.
            (Some(2), 4, &[4]),
            (Some(3), 3, &[]),
            (Some(3), 5, &[4, 5]),
            (Some(4), 7, &[7]),
            (Some(7), 9, &[]),
        ] {
            let found: Vec<u64> = passages(&versions, told, upto).iter().map(|step| step.sequence).collect();
            assert_eq!(found, steps, "{told:?} {upto}");
        }
        let made = |step: &Passage<'_>| step.by.map(|(_, by)| by.record);
        let steps = passages(&versions, None, 7);
        assert_eq!(steps.iter().map(made).collect::<Vec<_>>(), [None, Some(1), Some(3), Some(4)]);
    }
}
