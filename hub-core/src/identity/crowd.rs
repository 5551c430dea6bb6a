//! Many claims at once, in memory: who is who among all of them.
//!
//! Claims with their keys enter, the same groups and questions a store would come to leave. It is what the matcher is measured and its
//! policy trained on; a run asks the store for candidates instead. A key too many share brings nobody together, and is counted.

use hashbrown::HashMap;

use super::bond::relate;
use super::key::IdentityKey;
use super::partition::{Member, Partition, Question, partition};
use super::policy::Policy;

/// What comes out of a crowd.
#[derive(Debug, Default)]
pub struct Sorted {
    /// The group of each claim.
    pub group_of: Vec<usize>,
    /// How many groups there are.
    pub groups: usize,
    /// What is left to ask, about groups.
    pub questions: Vec<Question>,
    /// Pairs that shared a key and were compared.
    pub compared: u64,
    /// Keys too many share.
    pub crowded: u64,
}

/// Pairs of claims that share a key, each once for each key, by place.
pub fn candidates(
    members: &[Member],
    policy: &Policy,
    mut each: impl FnMut(&IdentityKey, usize, usize),
) -> u64 {
    let mut by_key: HashMap<&IdentityKey, Vec<usize>> = HashMap::with_capacity(members.len() * 4);
    for (at, member) in members.iter().enumerate() {
        for key in member.profile.keys() {
            by_key.entry(key).or_default().push(at);
        }
    }
    let limit = usize::try_from(policy.block_limit).unwrap_or(usize::MAX);
    let mut crowded = 0;
    for (key, sharing) in by_key {
        if sharing.len() > limit {
            crowded += 1;
            continue;
        }
        for (nth, one) in sharing.iter().enumerate() {
            for other in sharing.get(nth + 1..).unwrap_or_default() {
                each(key, *one, *other);
            }
        }
    }
    crowded
}

/// Sorts a crowd.
pub fn sort(members: &[Member], policy: &Policy) -> Sorted {
    let mut circles = Circles::of(members.len());
    let mut sorted = Sorted { group_of: vec![0; members.len()], ..Sorted::default() };
    sorted.crowded = candidates(members, policy, |key, one, other| {
        if circles.find(one) == circles.find(other) {
            return;
        }
        let pair = members.get(one).zip(members.get(other));
        sorted.compared += u64::from(!key.is_number());
        if key.is_number() || pair.is_some_and(|(a, b)| relate(&a.profile, &b.profile, policy).is_some()) {
            circles.join(one, other);
        }
    });
    for circle in circles.all() {
        let voices: Vec<Member> = circle.iter().filter_map(|at| members.get(*at).cloned()).collect();
        let Partition { groups, questions } = partition(voices, &[], policy);
        let first = sorted.groups;
        for (nth, group) in groups.iter().enumerate() {
            for member in group.iter().filter_map(|at| circle.get(*at)) {
                if let Some(place) = sorted.group_of.get_mut(*member) {
                    *place = first + nth;
                }
            }
        }
        let moved =
            |question: Question| Question { of: (question.of.0 + first, question.of.1 + first), ..question };
        sorted.questions.extend(questions.into_iter().map(moved));
        sorted.groups += groups.len();
    }
    sorted
}

/// Who has to do with whom.
struct Circles(Vec<usize>);

impl Circles {
    fn of(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn find(&mut self, mut at: usize) -> usize {
        while let Some(up) = self.0.get(at).copied().filter(|up| *up != at) {
            let over = self.0.get(up).copied().unwrap_or(up);
            if let Some(place) = self.0.get_mut(at) {
                *place = over;
            }
            at = over;
        }
        at
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.find(one), self.find(other));
        if let Some(place) = self.0.get_mut(one.max(other)) {
            *place = one.min(other);
        }
    }

    fn all(&mut self) -> Vec<Vec<usize>> {
        let mut circles: HashMap<usize, Vec<usize>> = HashMap::new();
        for at in 0..self.0.len() {
            circles.entry(self.find(at)).or_default().push(at);
        }
        let mut circles: Vec<Vec<usize>> = circles.into_values().collect();
        circles.sort_unstable();
        circles
    }
}
