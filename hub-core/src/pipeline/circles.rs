//! Circles: those in a batch who have to do with one another.
//!
//! Everybody at hand enters; for each claim that says something new the circle of those it is, or may be, one with leaves. A number
//! shared is enough to be heard together; what else is shared must also be weighed, claim by claim: who was grouped before says nothing
//! of who is heard. A key too many share brings nobody together.

use std::collections::VecDeque;

use hashbrown::{HashMap, HashSet};

use crate::delivery::PersonId;
use crate::identity::{IdentityKey, Policy, relate};

use super::voices::Somebody;

/// The circles of a batch, by place.
#[derive(Default)]
pub(super) struct Circles {
    pub all: Vec<Vec<usize>>,
    /// Those who bear a key that too many share.
    pub crowded: Vec<usize>,
}

/// Everybody by key.
type ByKey<'s> = HashMap<&'s IdentityKey, Vec<usize>>;

impl Circles {
    /// `summoned` are heard, `together` whatever they share, or each with those it has to do with.
    pub fn of(everybody: &[Somebody], (summoned, together): (&[PersonId], bool), policy: &Policy) -> Self {
        let mut by_key: ByKey<'_> = HashMap::new();
        for (at, somebody) in everybody.iter().enumerate() {
            for key in somebody.profile.keys() {
                by_key.entry(key).or_default().push(at);
            }
        }
        let mut circles = Self::default();
        let mut seen = HashSet::new();
        let is_summoned =
            |somebody: &Somebody| somebody.person.is_some_and(|person| summoned.contains(&person));
        let called = everybody.iter().enumerate().filter(|(_, somebody)| is_summoned(somebody));
        let called: Vec<usize> = called.map(|(at, _)| at).collect();
        let called = if together { vec![called] } else { called.into_iter().map(|at| vec![at]).collect() };
        let stirred = everybody.iter().enumerate().filter(|(_, somebody)| somebody.stirred);
        for start in called.into_iter().chain(stirred.map(|(at, _)| vec![at])) {
            let start: Vec<usize> = start.into_iter().filter(|at| seen.insert(*at)).collect();
            if !start.is_empty() {
                let circle = circles.around(start, (everybody, &by_key), (policy, &mut seen));
                circles.all.push(circle);
            }
        }
        circles.crowded.dedup();
        circles
    }

    fn around(
        &mut self,
        start: Vec<usize>,
        (everybody, by_key): (&[Somebody], &ByKey<'_>),
        (policy, seen): (&Policy, &mut HashSet<usize>),
    ) -> Vec<usize> {
        let limit = usize::try_from(policy.block_limit).unwrap_or(usize::MAX);
        let (mut circle, mut queue) = (Vec::new(), VecDeque::from(start));
        while let Some((at, one)) = queue.pop_front().and_then(|at| Some((at, everybody.get(at)?))) {
            circle.push(at);
            for key in one.profile.keys() {
                let sharing = by_key.get(key).map(Vec::as_slice).unwrap_or_default();
                if sharing.len() > limit {
                    self.crowded.push(at);
                    continue;
                }
                let related = |other: &Somebody| key.is_number() || one.is_related(other, policy);
                let unseen: Vec<usize> =
                    sharing.iter().copied().filter(|next| !seen.contains(next)).collect();
                let met = unseen.into_iter().filter(|next| everybody.get(*next).is_some_and(related));
                for next in met.collect::<Vec<_>>() {
                    seen.insert(next);
                    queue.push_back(next);
                }
            }
        }
        circle
    }
}

impl Somebody {
    /// Whether a claim of one has to do with a claim of the other.
    fn is_related(&self, other: &Self, policy: &Policy) -> bool {
        let mut voices = self.voices.iter();
        voices.any(|a| other.voices.iter().any(|b| relate(&a.profile, &b.profile, policy).is_some()))
    }
}
