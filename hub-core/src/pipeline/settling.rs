//! A batch on its way from what was read to what is written: the store is asked, the pure stages settle, the commit is sealed and
//! written.
//!
//! What the store was asked for is kept beside the commit: a commit written meanwhile may change the answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashSet;
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument as _;

use crate::delivery::PersonId;
use crate::identity::IdentityKey;
use crate::statement::{RecordKey, Statement};
use crate::store::{Commit, StoreError};

use super::Pipeline;
use super::batch::{self, Settlement};
use super::hand::{Bench, Hand};
use super::intake::{Intake, ReadBatch};
use super::mapped::MappedRecord;
use super::pairing::{self, Paired, Told};
use super::repeated::Aside;

/// How often persons a batch brings together are followed to those they bring.
const FURTHER_TRIES: usize = 4;
/// How often a batch is tried again after a concurrent write.
const CONFLICT_TRIES: usize = 5;

/// What settling a batch asked the store for.
#[derive(Default)]
pub(super) struct Asked {
    records: Vec<RecordKey>,
    keys: Vec<IdentityKey>,
    persons: Vec<PersonId>,
}

/// A batch whose commit is known.
pub(super) struct Settled {
    pub commit: Arc<Commit>,
    /// Records put aside until it is known whether their claims are stated again.
    pub aside: Vec<Aside>,
    pub told: Vec<Told>,
    pub left: Vec<u64>,
    pub asked: Asked,
}

/// A commit on its way into the store, in a task of its own: it waits for nobody.
pub(super) type Writing = JoinHandle<Result<(), StoreError>>;

/// What a commit is settled from: a batch that was read, or claims that go silent, by row number.
#[derive(Clone, Copy)]
pub(super) enum Work<'w> {
    Read(&'w ReadBatch),
    Silent(&'w [i64]),
}

impl Asked {
    /// Whether a commit may change an answer.
    pub fn touched_by(&self, commit: &Commit) -> bool {
        let records: HashSet<(&str, &str)> =
            self.records.iter().map(|(emitter, key)| (emitter.as_str(), key.as_str())).collect();
        let keys: HashSet<&IdentityKey> = self.keys.iter().collect();
        let persons: HashSet<PersonId> = self.persons.iter().copied().collect();
        let claims = |s: &Statement| {
            records.contains(&(s.emitter.as_str(), s.record_key.as_str())) || persons.contains(&s.person)
        };
        commit.statements.iter().any(claims)
            || commit.keys.iter().any(|(key, _)| keys.contains(key))
            || commit.persons.iter().any(|person| persons.contains(&person.id))
            || commit.mergers.iter().any(|merger| persons.contains(&merger.into))
    }
}

/// Waits until a commit is written.
pub(super) async fn ended(writing: &mut Writing) -> Result<(), StoreError> {
    writing.await.map_err(|lost| gone("writing a batch", lost))?
}

fn gone(context: &'static str, lost: JoinError) -> StoreError {
    StoreError::Unreachable { context, source: Box::new(lost) }
}

impl Pipeline {
    pub(super) async fn settle_read(
        &self,
        intake: &Intake,
        read: Option<&ReadBatch>,
    ) -> Result<Option<Settled>, StoreError> {
        let Some(read) = read else { return Ok(None) };
        self.settle(intake, Work::Read(read)).await.map(Some)
    }

    /// Settles while nothing of this run is on its way.
    pub(super) async fn settle_again(&self, intake: &Intake, work: Work<'_>) -> Result<Settled, StoreError> {
        let mut tries = 0;
        loop {
            match self.settle(intake, work).await {
                Err(StoreError::Conflict) if tries < CONFLICT_TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    pub(super) async fn settle_and_write(
        &self,
        intake: &mut Intake,
        work: Work<'_>,
    ) -> Result<Arc<Commit>, StoreError> {
        let mut tries = 0;
        loop {
            let Settled { commit, told, left, .. } = self.settle_again(intake, work).await?;
            match ended(&mut self.write(&commit)).await {
                Err(StoreError::Conflict) if tries < CONFLICT_TRIES => tries += 1,
                outcome => return outcome.map(|()| intake.keep(commit, (told, left))),
            }
        }
    }

    async fn settle(&self, intake: &Intake, work: Work<'_>) -> Result<Settled, StoreError> {
        let (mut further, mut tries) = (Vec::new(), 0);
        let (asked, aside, mut settlement) = loop {
            let mut asked = Asked::default();
            let mut paired = match work {
                Work::Read(read) => self.paired(intake, read, &mut asked).await?,
                Work::Silent(claims) => Paired::silence(self.store.statements(claims).await?),
            };
            let aside = std::mem::take(&mut paired.aside);
            paired.further.clone_from(&further);
            let settlement = self.settle_paired(intake, paired, &mut asked).await?;
            if settlement.further.is_empty() || tries == FURTHER_TRIES {
                break (asked, aside, settlement);
            }
            further.extend_from_slice(&settlement.further);
            tries += 1;
        };
        let commit = &mut settlement.commit;
        commit.checkpoint = intake.checkpoint + 1;
        if let Work::Read(read) = work {
            commit.checkpoint = read.number;
            commit.rejects.clone_from(&read.rejects);
            commit.counts.records = read.records;
            commit.counts.unchanged = read.unchanged;
            commit.counts.rejected = read.rejects.len() as u64;
        }
        let Settlement { commit, told, left, .. } = settlement;
        Ok(Settled { commit: Arc::new(commit), aside, told, left, asked })
    }

    /// Seals a commit on a thread of its own, which takes a core for itself, and writes it.
    pub(super) fn write(&self, commit: &Arc<Commit>) -> Writing {
        let (store, commit) = (Arc::clone(&self.store), Arc::clone(commit));
        let sealer = Arc::clone(&store);
        let write = async move {
            let sealing = tokio::task::spawn_blocking(move || sealer.ready(&commit));
            let ready = sealing.await.map_err(|lost| gone("sealing a batch", lost))?;
            store.write(&ready).await
        };
        tokio::spawn(write.in_current_span())
    }

    async fn paired(
        &self,
        intake: &Intake,
        read: &ReadBatch,
        asked: &mut Asked,
    ) -> Result<Paired, StoreError> {
        let records = read.mapped.clone();
        let keys = records.iter().map(MappedRecord::key).chain(read.refused.iter().cloned());
        let keys: BTreeSet<RecordKey> = keys.collect();
        asked.records = keys.into_iter().collect();
        let existing = if asked.records.is_empty() {
            Vec::new()
        } else {
            self.store.statements_of(&intake.mapping.source, &asked.records).await?
        };
        Ok(pairing::pair(intake.context(self), records, existing, &read.restated))
    }

    async fn settle_paired(
        &self,
        intake: &Intake,
        paired: Paired,
        asked: &mut Asked,
    ) -> Result<Settlement, StoreError> {
        asked.keys = paired.wanted_keys();
        let wanted = &asked.keys;
        let (candidates, crowded) = self.candidates(wanted).await?;
        let mut ids = paired.linked_persons();
        ids.extend(candidates.iter().map(|(_, person)| *person));
        ids.sort();
        ids.dedup();
        asked.persons = ids;
        let ids = &asked.persons;
        let known = if ids.is_empty() { Vec::new() } else { self.store.persons(ids).await? };
        let mut hand = Hand { looked_up: &asked.keys, candidates, crowded, known, bench: Bench::default() };
        if !asked.keys.is_empty() && !hand.known.is_empty() {
            self.call(&mut hand).await?;
            asked.persons = hand.known.iter().map(|person| person.id).collect();
        }
        if hand.known.iter().any(|person| person.merged_into.is_some()) {
            // Absorbed by another run, or by the batch in front, since its claims were read.
            return Err(StoreError::Conflict);
        }
        Ok(batch::settle(intake.context(self), paired, hand, &mut || self.clock.mint()))
    }

    /// Who bears these keys; and those that more bear than anybody would compare.
    pub(super) async fn candidates(
        &self,
        keys: &[IdentityKey],
    ) -> Result<(Vec<(IdentityKey, PersonId)>, Vec<IdentityKey>), StoreError> {
        let mut found = if keys.is_empty() { Vec::new() } else { self.store.candidates(keys).await? };
        found.sort_unstable();
        let limit = usize::try_from(self.policy.block_limit).unwrap_or(usize::MAX);
        let (mut candidates, mut crowded) = (Vec::with_capacity(found.len()), Vec::new());
        for of_key in found.chunk_by(|a, b| a.0 == b.0) {
            let Some(key) = of_key.first().and_then(|(at, _)| keys.get(*at)) else { continue };
            if of_key.len() > limit {
                crowded.push(key.clone());
            } else {
                candidates.extend(of_key.iter().map(|(_, person)| (key.clone(), *person)));
            }
        }
        Ok((candidates, crowded))
    }

    /// Calls what was asked and ruled about the persons at hand, and those they were asked about.
    pub(super) async fn call(&self, hand: &mut Hand<'_>) -> Result<(), StoreError> {
        let ids: Vec<PersonId> = hand.known.iter().map(|person| person.id).collect();
        hand.bench.questions = self.store.questions_of(&ids).await?;
        let asked = hand.bench.questions.iter().flat_map(|question| [question.persons.0, question.persons.1]);
        let absent: BTreeSet<PersonId> = asked.filter(|person| !ids.contains(person)).collect();
        let absent: Vec<PersonId> = absent.into_iter().collect();
        if !absent.is_empty() {
            hand.known.extend(self.store.persons(&absent).await?);
        }
        let ids: Vec<PersonId> = hand.known.iter().map(|person| person.id).collect();
        hand.bench.ruled = self.store.ruled_of(&ids).await?;
        Ok(())
    }
}
