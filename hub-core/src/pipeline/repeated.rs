//! Records a delivery states twice, far apart: the last word counts (institutions' own loaders keep the last occurrence).
//!
//! The survey leaves the hashes of all frames, in a small filter. A record that would change a claim whose very hash may still come
//! is put aside; when that hash has come the record is forgotten, else it is read again at the end. So a record stated twice is no
//! change, night after night.

use std::collections::BTreeSet;

use fastbloom::BloomFilter;

use crate::statement::Statement;

use super::seen::Seen;

/// Bits of the filter: 2 MiB, in which a million frames leave about one false answer in a hundred. A false one only delays.
const BITS: usize = 1 << 24;
const HASHES: u32 = 2;
/// Records put aside at most, some dozens of bytes each: more are taken in where they stand.
const MOST: usize = 100_000;

/// The frames of a delivery, by hash.
#[derive(Debug, Default)]
pub(super) struct Hashes(Option<BloomFilter>);

/// A record put aside, by number, with the claims whose hash may still come.
#[derive(Debug)]
pub(super) struct Aside {
    pub number: u64,
    pub claims: Vec<i64>,
    /// It speaks of somebody else.
    pub other: bool,
}

/// What is known of repetitions so far.
#[derive(Debug, Default)]
pub(super) struct Repeated {
    hashes: Hashes,
    /// Claims whose frame has come.
    came: Seen,
    aside: Vec<Aside>,
    ended: bool,
}

impl Hashes {
    pub fn insert(&mut self, hash: u64) {
        let filter = || BloomFilter::with_num_bits(BITS).hashes(HASHES);
        self.0.get_or_insert_with(filter).insert_hash(hash);
    }

    fn may_hold(&self, hash: u64) -> bool {
        self.0.as_ref().is_some_and(|filter| filter.contains_hash(hash))
    }
}

impl Repeated {
    pub fn of(hashes: Hashes) -> Self {
        Self { hashes, ..Self::default() }
    }

    /// Whether the frame that stated this claim may still come.
    pub fn may_come(&self, old: &Statement) -> bool {
        !self.ended
            && !self.has_come(old)
            && self.aside.len() < MOST
            && old.record_hash.is_some_and(|hash| self.hashes.may_hold(hash))
    }

    /// Whether the frame that stated this claim has come, in a batch before.
    pub fn has_come(&self, old: &Statement) -> bool {
        old.id.is_some_and(|id| self.came.contains(id))
    }

    /// Takes what a batch restated and put aside.
    pub fn take(&mut self, restated: impl Iterator<Item = i64>, aside: Vec<Aside>) {
        restated.for_each(|claim| self.came.insert(claim));
        self.aside.extend(aside);
    }

    /// The numbers of the records no later word overruled, and of those that one about somebody else did; from now on nothing is
    /// put aside.
    pub fn end(&mut self) -> (BTreeSet<u64>, Vec<u64>) {
        self.ended = true;
        let stands = |aside: &Aside| !aside.claims.iter().any(|claim| self.came.contains(*claim));
        let (standing, overruled): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.aside).into_iter().partition(stands);
        let others = overruled.into_iter().filter(|aside| aside.other);
        (standing.into_iter().map(|aside| aside.number).collect(), others.map(|aside| aside.number).collect())
    }
}
