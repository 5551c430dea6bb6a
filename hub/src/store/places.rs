//! What a store is asked for by look-up hashes, and where each thing asked for stands among them.

use hub_core::delivery::PersonId;
use hub_core::identity::IdentityKey;
use hub_core::statement::{RecordKey, Statement};
use uuid::Uuid;

use super::codec::Codec;

/// Hashes, each with the place of what it is the hash of, sorted.
pub(super) struct Places(Vec<(i64, usize)>);

impl Places {
    pub(super) fn of_keys(codec: &Codec, keys: &[IdentityKey]) -> Self {
        Self::of(keys.iter().map(|key| codec.key_index(key)))
    }

    pub(super) fn of_records(codec: &Codec, source: &str, records: &[RecordKey]) -> Self {
        Self::of(records.iter().map(|(emitter, key)| codec.record_index(source, emitter, key)))
    }

    fn of(hashes: impl Iterator<Item = i64>) -> Self {
        let mut places: Vec<(i64, usize)> = hashes.enumerate().map(|(at, hash)| (hash, at)).collect();
        places.sort_unstable();
        Self(places)
    }

    /// Each hash once, in order: their pages are met one after the other.
    pub(super) fn hashes(&self) -> Vec<i64> {
        let mut hashes: Vec<i64> = self.0.iter().map(|(hash, _)| *hash).collect();
        hashes.dedup();
        hashes
    }

    fn at(&self, hash: i64) -> impl Iterator<Item = usize> + '_ {
        let from = self.0.partition_point(|(known, _)| *known < hash);
        let beyond = self.0.get(from..).unwrap_or_default();
        beyond.iter().take_while(move |(known, _)| *known == hash).map(|(_, at)| *at)
    }

    /// Who bears which of the keys asked for, by the rows found.
    pub(super) fn bearers(&self, rows: &[(i64, Uuid)]) -> Vec<(usize, PersonId)> {
        let pairs = rows.iter().flat_map(|(hash, person)| self.at(*hash).map(|at| (at, PersonId(*person))));
        let mut found: Vec<(usize, PersonId)> = pairs.collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Whether a claim is of one of the records asked for. Two may share a hash, however unlikely: the clear texts decide.
    pub(super) fn asked(&self, codec: &Codec, records: &[RecordKey], claim: &Statement) -> bool {
        let hash = codec.record_index(&claim.source, &claim.emitter, &claim.record_key);
        let mut records = self.at(hash).filter_map(|at| records.get(at));
        records.any(|(emitter, key)| *emitter == claim.emitter && *key == claim.record_key)
    }
}
