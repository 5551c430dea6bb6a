//! What the store knew of a delivery's frames when its guards looked at them, so that the run does not ask again.
//!
//! Known frames enter while the delivery is surveyed and leave in the same order while it is taken in, in batches of so many
//! unknown ones: a night that changes little takes few. Packed: claims follow each other in the file as they do in the store, so
//! that one takes two bytes and those of a million households some 4 MB.

use std::collections::VecDeque;

use compact_str::CompactString;
use hashbrown::HashMap;

use crate::store::KnownFrame;

use super::BATCH_RECORDS;

/// Known frames, batch after batch, each with how many frames it has in all.
#[derive(Debug, Default)]
pub(super) struct Recognised(VecDeque<(usize, Box<[u8]>)>);

/// One batch: of each emitter the claims its frames stated.
type Packed = Vec<(CompactString, Vec<Step>)>;
/// From one claim to the next: how many frames further on, how many rows further on.
type Step = (usize, i64);

impl Recognised {
    /// Notes what is known of the next frames, which have these hashes.
    pub fn note(&mut self, hashes: &[u64], known: &[KnownFrame]) {
        let mut claims: HashMap<u64, Vec<&KnownFrame>> = HashMap::with_capacity(known.len());
        for frame in known {
            claims.entry(frame.hash).or_default().push(frame);
        }
        let mut unknown = 0;
        let full = |hash: &u64| {
            unknown += usize::from(!claims.contains_key(hash));
            let full = unknown == BATCH_RECORDS;
            unknown *= usize::from(!full);
            full
        };
        for hashes in hashes.split_inclusive(full) {
            self.pack(hashes, &claims);
        }
    }

    fn pack(&mut self, hashes: &[u64], claims: &HashMap<u64, Vec<&KnownFrame>>) {
        let mut of = Packed::new();
        let mut last: Vec<Step> = Vec::new();
        for (at, hash) in hashes.iter().enumerate() {
            for KnownFrame { claim, emitter, .. } in claims.get(hash).into_iter().flatten() {
                let place = of.iter().position(|(other, _)| other == emitter).unwrap_or_else(|| {
                    of.push((emitter.clone(), Vec::new()));
                    last.push((0, 0));
                    last.len() - 1
                });
                if let (Some((_, steps)), Some((frame, row))) = (of.get_mut(place), last.get_mut(place)) {
                    steps.push((at - *frame, claim - *row));
                    (*frame, *row) = (at, *claim);
                }
            }
        }
        let packed = postcard::to_stdvec(&of).expect("numbers and texts are always writable");
        self.0.push_back((hashes.len(), packed.into()));
    }

    /// How many frames the batches have.
    pub fn sizes(&self) -> Vec<usize> {
        self.0.iter().map(|(frames, _)| *frames).collect()
    }

    /// What was known of the next batch; nothing when none was noted, or one that was cut otherwise.
    pub fn next(&mut self, hashes: &[u64]) -> Vec<KnownFrame> {
        let noted = self.0.pop_front().filter(|(frames, _)| *frames == hashes.len());
        let of =
            noted.and_then(|(_, packed)| postcard::from_bytes::<Packed>(&packed).ok()).unwrap_or_default();
        let of = of.into_iter().flat_map(|(emitter, steps)| {
            let (mut at, mut claim) = (0, 0);
            steps.into_iter().filter_map(move |(frames, rows)| {
                (at, claim) = (at + frames, claim + rows);
                let hash = *hashes.get(at)?;
                Some(KnownFrame { hash, claim, emitter: emitter.clone() })
            })
        });
        of.collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_batch_comes_back_as_it_was_noted(
            frames in prop::collection::vec((any::<u64>(), prop::collection::vec((1i64.., 0..3usize), 0..4)), 0..40)
        ) {
            let hashes: Vec<u64> = frames.iter().map(|(hash, _)| *hash).collect();
            let mut known: Vec<KnownFrame> = frames
                .iter()
                .flat_map(|(hash, claims)| claims.iter().map(|(claim, emitter)| (*hash, *claim, *emitter)))
                .map(|(hash, claim, emitter)| KnownFrame {
                    hash,
                    claim,
                    emitter: ["CAF/077", "MSA/051", ""].get(emitter).copied().unwrap_or_default().into(),
                })
                .collect();
            let mut recognised = Recognised::default();
            recognised.note(&hashes, &known);
            let mut back = recognised.next(&hashes);
            let order = |frame: &KnownFrame| (frame.hash, frame.claim, frame.emitter.clone());
            known.sort_by_key(order);
            back.sort_by_key(order);
            prop_assert_eq!(back, known);
        }
    }

    #[test]
    fn a_batch_cut_otherwise_is_asked_for_again() {
        let known = [KnownFrame { hash: 7, claim: 1, emitter: "CAF/077".into() }];
        let mut recognised = Recognised::default();
        recognised.note(&[7, 8], &known);
        assert!(recognised.next(&[7]).is_empty());
        assert!(recognised.next(&[7, 8]).is_empty());
    }

    #[test]
    fn a_batch_ends_where_it_has_enough_unknown_frames() {
        let hashes: Vec<u64> = (0..3_000).collect();
        let known = |hash: &u64| KnownFrame { hash: *hash, claim: 1, emitter: CompactString::default() };
        let (mut changed, mut little_changed) = (Recognised::default(), Recognised::default());
        changed.note(&hashes, &[]);
        assert_eq!(changed.sizes().first(), Some(&BATCH_RECORDS));
        assert_eq!(changed.sizes().iter().sum::<usize>(), 3_000);
        little_changed.note(&hashes, &hashes.iter().skip(20).map(known).collect::<Vec<_>>());
        assert_eq!(little_changed.sizes(), [3_000]);
    }

    #[test]
    fn a_claim_takes_two_bytes() {
        let hashes: Vec<u64> = (0..512).collect();
        let known =
            |claim: i64| KnownFrame { hash: claim.unsigned_abs() / 2, claim, emitter: "CAF/077".into() };
        let known: Vec<KnownFrame> = (0..1_024).map(known).collect();
        let mut recognised = Recognised::default();
        recognised.note(&hashes, &known);
        assert!(recognised.0.iter().map(|(_, packed)| packed.len()).sum::<usize>() < 2_100);
    }
}
