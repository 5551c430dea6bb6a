//! A batch laid out: its claims paired, and beside them what the store answered about who they may be.
//!
//! A commit written meanwhile may change an answer: those it touches are renewed, or all is laid out anew.

use std::collections::BTreeSet;

use hashbrown::HashSet;

use crate::delivery::PersonId;
use crate::identity::IdentityKey;
use crate::statement::{RecordKey, Statement};
use crate::store::{Commit, StoreError};

use super::Pipeline;
use super::hand::{Bench, Hand};
use super::intake::{Intake, ReadBatch};
use super::mapped::MappedRecord;
use super::pairing::{self, Paired};

/// What a commit is settled from: a batch that was read, or claims that go silent, by row number.
#[derive(Clone, Copy)]
pub(super) enum Work<'w> {
    Read(&'w ReadBatch),
    Silent(&'w [i64]),
}

/// Claims paired, with what is at hand to say who they are.
pub(super) struct Laid {
    pub paired: Paired,
    pub hand: Hand,
    /// The records whose claims were asked for.
    records: Vec<RecordKey>,
}

/// The answers a commit changes.
struct Touched {
    keys: BTreeSet<IdentityKey>,
    persons: BTreeSet<PersonId>,
    /// What is paired, or who is who: nothing can be kept.
    all: bool,
}

impl Touched {
    fn by(commit: &Commit, laid: &Laid) -> Self {
        let keys: HashSet<&IdentityKey> = laid.hand.looked_up.iter().collect();
        let keys = commit.keys.iter().map(|(key, _)| key).filter(|key| keys.contains(key)).copied().collect();
        let linked: HashSet<PersonId> = laid.paired.linked_persons().into_iter().collect();
        let at_hand: HashSet<PersonId> = laid.hand.known.iter().map(|person| person.id).collect();
        let persons = written(commit).filter(|person| at_hand.contains(person)).collect();
        let records: HashSet<(&str, &str)> =
            laid.records.iter().map(|(emitter, key)| (emitter.as_str(), key.as_str())).collect();
        let record = |s: &Statement| records.contains(&(s.emitter.as_str(), s.record_key.as_str()));
        let absorbed = |person: PersonId| at_hand.contains(&person) || linked.contains(&person);
        let all = commit.statements.iter().any(record)
            || written(commit).any(|person| linked.contains(&person))
            || commit.mergers.iter().any(|merger| absorbed(merger.absorbed) || absorbed(merger.into));
        Self { keys, persons, all }
    }

    fn anything(&self) -> bool {
        self.all || !self.keys.is_empty() || !self.persons.is_empty()
    }
}

/// Those a commit changes something of: claims, state, questions.
fn written(commit: &Commit) -> impl Iterator<Item = PersonId> {
    let claims = commit.statements.iter().map(|statement| statement.person);
    let states = commit.persons.iter().map(|person| person.id);
    let moved = commit.moved.iter().map(|(_, person)| *person);
    let asked = commit.questions.iter().flat_map(|question| [question.persons.0, question.persons.1]);
    claims.chain(states).chain(moved).chain(asked).chain(commit.examined.iter().copied())
}

impl Laid {
    /// Whether a commit changes an answer.
    pub fn is_touched_by(&self, commit: &Commit) -> bool {
        Touched::by(commit, self).anything()
    }
}

impl Pipeline {
    /// Lays a batch out, with `further` keys looked up besides its own.
    pub(super) async fn lay(
        &self,
        intake: &Intake,
        work: Work<'_>,
        further: &[IdentityKey],
    ) -> Result<Laid, StoreError> {
        let (mut paired, records) = match work {
            Work::Read(read) => self.paired(intake, read).await?,
            Work::Silent(claims) => (Paired::silence(self.store.statements(claims).await?), Vec::new()),
        };
        // What no longer stands beside others may be one with them.
        for gone in &paired.silent {
            paired.further.extend_from_slice(self.identity.traits_of(gone).keys());
        }
        paired.further.extend_from_slice(further);
        let looked_up = paired.wanted_keys();
        let (candidates, crowded) = self.candidates(&looked_up).await?;
        let mut ids = paired.linked_persons();
        ids.extend(candidates.iter().map(|(_, person)| *person));
        ids.sort();
        ids.dedup();
        let known = if ids.is_empty() { Vec::new() } else { self.store.persons(&ids).await? };
        let mut hand = Hand { looked_up, candidates, crowded, known, bench: Bench::default() };
        self.call(&mut hand).await?;
        still_themselves(&hand)?;
        Ok(Laid { paired, hand, records })
    }

    /// Asks again what a commit changed since; false when all is to be laid out anew.
    pub(super) async fn renew(&self, laid: &mut Laid, commit: &Commit) -> Result<bool, StoreError> {
        let Touched { keys, persons, all } = Touched::by(commit, laid);
        if all {
            return Ok(false);
        }
        let hand = &mut laid.hand;
        let asked: Vec<IdentityKey> = keys.into_iter().collect();
        let (found, crowded) = self.candidates(&asked).await?;
        hand.candidates.retain(|(key, _)| asked.binary_search(key).is_err());
        hand.crowded.retain(|key| asked.binary_search(key).is_err());
        hand.crowded.extend(crowded);
        hand.known.retain(|person| !persons.contains(&person.id));
        let kept: HashSet<PersonId> = hand.known.iter().map(|person| person.id).collect();
        let new = found.iter().map(|(_, person)| *person).filter(|person| !kept.contains(person));
        let wanted: BTreeSet<PersonId> = persons.iter().copied().chain(new).collect();
        let wanted: Vec<PersonId> = wanted.into_iter().collect();
        hand.known.extend(self.store.persons(&wanted).await?);
        hand.candidates.extend(found);
        self.call(hand).await?;
        still_themselves(hand)?;
        Ok(true)
    }

    async fn paired(
        &self,
        intake: &Intake,
        read: &ReadBatch,
    ) -> Result<(Paired, Vec<RecordKey>), StoreError> {
        let records = read.mapped.clone();
        let keys = records.iter().map(MappedRecord::key).chain(read.refused.iter().cloned());
        let keys: BTreeSet<RecordKey> = keys.collect();
        let keys: Vec<RecordKey> = keys.into_iter().collect();
        let existing = if keys.is_empty() {
            Vec::new()
        } else {
            self.store.statements_of(&intake.mapping.source, &keys).await?
        };
        Ok((pairing::pair(intake.context(self), records, existing, &read.restated), keys))
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
                crowded.push(*key);
            } else {
                candidates.extend(of_key.iter().map(|(_, person)| (*key, *person)));
            }
        }
        Ok((candidates, crowded))
    }

    /// Calls what was asked and ruled about the persons at hand, and those they were asked about.
    pub(super) async fn call(&self, hand: &mut Hand) -> Result<(), StoreError> {
        // Who is not looked up is nobody else than they were.
        if hand.looked_up.is_empty() || hand.known.is_empty() {
            return Ok(());
        }
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

/// Absorbed by another run, or by the batch in front, since its claims were read: everything is asked again.
fn still_themselves(hand: &Hand) -> Result<(), StoreError> {
    if hand.known.iter().any(|person| person.merged_into.is_some()) {
        return Err(StoreError::Conflict);
    }
    Ok(())
}
