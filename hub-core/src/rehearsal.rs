//! A store that only pretends: reads see what was there and what the rehearsed run wrote, nothing reaches the store beneath.
//!
//! A run on a rehearsal takes the very path of a real one and tells what it would change. What it would write is kept in
//! memory, so memory grows with the changes, not with the delivery.

mod tellings;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::delivery::{Delivery, DeliveryId, Digest, PersonId, RunId, Status, Warning};
use crate::identity::IdentityKey;
use crate::ledger::{Ledger, Note};
use crate::reject::Reject;
use crate::ruling::{Question, Ruled, Ruling, Rulings};
use crate::statement::{RecordKey, Statement};
use crate::store::{
    Commit, JournalEvent, Kept, KnownFrame, KnownPerson, Merger, PersonWrite, Ready, Registration, Run,
    Store, StoreError, Turn, Version,
};

/// The pretending store.
pub struct Rehearsal {
    store: Arc<dyn Store>,
    written: Mutex<Written>,
}

/// What would be in the store.
#[derive(Default)]
struct Written {
    statements: HashMap<i64, Statement>,
    by_record: HashMap<RecordKey, HashSet<i64>>,
    by_person: HashMap<PersonId, HashSet<i64>>,
    by_hash: HashMap<u64, HashSet<i64>>,
    persons: HashMap<PersonId, PersonWrite>,
    keys: HashMap<IdentityKey, Vec<PersonId>>,
    /// Who was absorbed, by whom in the end.
    absorbed_by: HashMap<PersonId, PersonId>,
    /// Claims that only changed persons: no record has stated them.
    given: HashSet<i64>,
    kinds: BTreeMap<&'static str, u64>,
    fresh: i64,
}

impl Rehearsal {
    /// A rehearsal over a store.
    pub fn over(store: Arc<dyn Store>) -> Self {
        Self { store, written: Mutex::default() }
    }

    /// How many events of each type would be announced.
    pub fn kinds(&self) -> BTreeMap<&'static str, u64> {
        self.written().kinds.clone()
    }

    fn written(&self) -> std::sync::MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Written {
    /// `kept` are the claims that change persons, as the store beneath has them.
    fn take(&mut self, commit: &Commit, kept: Vec<Statement>) {
        for merger in &commit.mergers {
            self.absorb(*merger);
        }
        for statement in kept {
            self.give(&commit.moved, statement);
        }
        for statement in &commit.statements {
            // Rows of the real store are numbered from 1: below zero nothing can be mistaken for one.
            let id = statement.id.unwrap_or_else(|| {
                self.fresh -= 1;
                self.fresh
            });
            self.given.remove(&id);
            self.keep(id, Statement { id: Some(id), ..statement.clone() });
        }
        let now = |person: &PersonWrite| PersonWrite { replaced: None, ..person.clone() };
        self.persons.extend(commit.persons.iter().map(|person| (person.id, now(person))));
        for (key, person) in &commit.keys {
            self.keys.entry(*key).or_default().push(*person);
        }
        for event in &commit.events {
            *self.kinds.entry(event.kind).or_default() += 1;
        }
    }

    fn keep(&mut self, id: i64, statement: Statement) {
        let record = (statement.emitter.clone(), statement.record_key.clone());
        self.by_record.entry(record).or_default().insert(id);
        self.by_person.entry(statement.person).or_default().insert(id);
        if let Some(hash) = statement.record_hash {
            self.by_hash.entry(hash).or_default().insert(id);
        }
        self.statements.insert(id, statement);
    }

    /// Gives a claim to another person, as what was read or as it was written before.
    fn give(&mut self, moved: &[(i64, PersonId)], read: Statement) {
        let Some((id, person)) = moved.iter().find(|(claim, _)| Some(*claim) == read.id).copied() else {
            return;
        };
        let written = self.statements.get(&id).cloned();
        if written.is_none() {
            self.given.insert(id);
        }
        self.keep(id, Statement { person, ..written.unwrap_or(read) });
    }

    fn absorb(&mut self, Merger { absorbed, into }: Merger) {
        for absorber in self.absorbed_by.values_mut().filter(|absorber| **absorber == absorbed) {
            *absorber = into;
        }
        self.absorbed_by.insert(absorbed, into);
        let moved = self.by_person.remove(&absorbed).unwrap_or_default();
        for claim in &moved {
            if let Some(statement) = self.statements.get_mut(claim) {
                statement.person = into;
            }
        }
        self.by_person.entry(into).or_default().extend(moved);
    }

    fn now(&self, person: PersonId) -> PersonId {
        self.absorbed_by.get(&person).copied().unwrap_or(person)
    }

    /// These persons and those they absorbed.
    fn with_absorbed(&self, ids: &[PersonId]) -> Vec<PersonId> {
        let absorbed =
            self.absorbed_by.iter().filter(|(_, into)| ids.contains(into)).map(|(person, _)| *person);
        ids.iter().copied().chain(absorbed).collect()
    }

    /// Puts what was written in the place of what was read; `written` are the rows that were asked for.
    fn over_statements<'i>(
        &self,
        mut read: Vec<Statement>,
        written: impl Iterator<Item = &'i i64>,
    ) -> Vec<Statement> {
        read.retain(|old| old.id.is_none_or(|id| !self.statements.contains_key(&id)));
        for old in &mut read {
            old.person = self.now(old.person);
        }
        read.extend(written.filter_map(|id| self.statements.get(id)).cloned());
        read
    }

    /// Whether a record has stated a claim in what was written.
    fn has_restated(&self, claim: i64) -> bool {
        self.statements.contains_key(&claim) && !self.given.contains(&claim)
    }

    /// A person as read and written; `moved` are the statements read of all it is and absorbed.
    fn over_person(
        &self,
        id: PersonId,
        read: Option<&KnownPerson>,
        moved: Vec<Statement>,
    ) -> Option<KnownPerson> {
        let before = read.map(|person| {
            let apart = || Kept::Apart(person.state.clone());
            (person.sequence, if person.in_claim { Kept::InClaim } else { apart() })
        });
        let now = self.persons.get(&id).map(|write| (write.sequence, write.state.clone())).or(before);
        let (sequence, kept) = now?;
        let in_claim = kept == Kept::InClaim;
        let written = self.by_person.get(&id).into_iter().flatten();
        let mut statements = self.over_statements(moved, written);
        // A claim written since may speak of somebody else.
        statements.retain(|statement| statement.person == id);
        let state = kept.read(&statements)?;
        let merged_before = read.and_then(|person| person.merged_into).map(|into| self.now(into));
        let merged_into = self.absorbed_by.get(&id).copied().or(merged_before);
        Some(KnownPerson { id, sequence, state, in_claim, statements, merged_into })
    }
}

#[async_trait]
impl Ledger for Rehearsal {
    async fn note(&self, book: &str, entry: &str) -> Result<Option<Note>, StoreError> {
        self.store.note(book, entry).await
    }

    async fn notes(&self, book: &str, after: &str, limit: u32) -> Result<Vec<(String, Note)>, StoreError> {
        self.store.notes(book, after, limit).await
    }

    async fn write_note(&self, _: &str, _: &str, _: &str, _: u64) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn erase_note(&self, _: &str, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What is asked and ruled beneath; a rehearsed run's own questions are not kept.
#[async_trait]
impl Rulings for Rehearsal {
    async fn questions(&self, limit: u32) -> Result<Vec<Question>, StoreError> {
        self.store.questions(limit).await
    }

    async fn count_questions(&self) -> Result<u64, StoreError> {
        self.store.count_questions().await
    }

    async fn questions_of(&self, persons: &[PersonId]) -> Result<Vec<Question>, StoreError> {
        self.store.questions_of(persons).await
    }

    async fn ruled_of(&self, persons: &[PersonId]) -> Result<Vec<Ruled>, StoreError> {
        self.store.ruled_of(persons).await
    }

    async fn rulings(&self, limit: u32) -> Result<Vec<Ruling>, StoreError> {
        self.store.rulings(limit).await
    }

    async fn ruling(&self, id: Uuid) -> Result<Option<Ruling>, StoreError> {
        self.store.ruling(id).await
    }
}

#[async_trait]
impl Store for Rehearsal {
    async fn turn(&self) -> Result<Option<Turn>, StoreError> {
        Ok(Some(Box::new(())))
    }

    async fn register(&self, delivery: &Delivery) -> Result<Registration, StoreError> {
        let known = self.store.delivery_by_digest(&delivery.source, delivery.digest).await?;
        Ok(known.map_or(Registration::New, |known| Registration::Known(known.id)))
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<Delivery>, StoreError> {
        self.store.delivery(id).await
    }

    async fn delivery_by_digest(&self, source: &str, digest: Digest) -> Result<Option<Delivery>, StoreError> {
        self.store.delivery_by_digest(source, digest).await
    }

    async fn deliveries(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        self.store.deliveries(limit).await
    }

    async fn last_arrival(&self, source: &str) -> Result<Option<Timestamp>, StoreError> {
        self.store.last_arrival(source).await
    }

    async fn pending(&self, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        self.store.pending(limit).await
    }

    async fn begin(&self, _run: &Run) -> Result<(), StoreError> {
        Ok(())
    }

    async fn close(
        &self,
        _run: RunId,
        _status: Status,
        _warnings: &[Warning],
        _ended_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        Ok(())
    }

    async fn run(&self, id: RunId) -> Result<Option<Run>, StoreError> {
        self.store.run(id).await
    }

    async fn runs(&self, limit: u32) -> Result<Vec<Run>, StoreError> {
        self.store.runs(limit).await
    }

    async fn runs_of(&self, delivery: DeliveryId) -> Result<Vec<Run>, StoreError> {
        self.store.runs_of(delivery).await
    }

    async fn runs_in_flow(
        &self,
        source: &str,
        flow: &str,
        emitter: &str,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        self.store.runs_in_flow(source, flow, emitter, limit).await
    }

    async fn latest_snapshot(
        &self,
        source: &str,
        flow: &str,
        emitter: &str,
    ) -> Result<Option<RunId>, StoreError> {
        self.store.latest_snapshot(source, flow, emitter).await
    }

    async fn latest_created(
        &self,
        source: &str,
        flow: &str,
        emitter: &str,
    ) -> Result<Option<String>, StoreError> {
        self.store.latest_created(source, flow, emitter).await
    }

    async fn known_frames(&self, source: &str, hashes: &[u64]) -> Result<Vec<KnownFrame>, StoreError> {
        let mut frames = self.store.known_frames(source, hashes).await?;
        let written = self.written();
        frames.retain(|frame| !written.statements.contains_key(&frame.claim));
        for hash in hashes {
            let claims = written.by_hash.get(hash).into_iter().flatten();
            let stated = claims.filter_map(|claim| Some((claim, written.statements.get(claim)?)));
            // A row rewritten since bears another hash, or says no more.
            let stated =
                stated.filter(|(_, s)| s.record_hash == Some(*hash) && s.source == source && !s.absent);
            let frame = |claim: &i64, s: &Statement| KnownFrame {
                hash: *hash,
                claim: *claim,
                emitter: s.emitter.clone(),
            };
            frames.extend(stated.map(|(claim, s)| frame(claim, s)));
        }
        Ok(frames)
    }

    async fn statements_of(&self, source: &str, records: &[RecordKey]) -> Result<Vec<Statement>, StoreError> {
        let read = self.store.statements_of(source, records).await?;
        let written = self.written();
        let rows = records.iter().filter_map(|record| written.by_record.get(record)).flatten();
        // A run is of one source, so all that was written is.
        Ok(written.over_statements(read, rows))
    }

    async fn statements(&self, ids: &[i64]) -> Result<Vec<Statement>, StoreError> {
        let read = self.store.statements(ids).await?;
        Ok(self.written().over_statements(read, ids.iter()))
    }

    async fn candidates(&self, keys: &[IdentityKey]) -> Result<Vec<(usize, PersonId)>, StoreError> {
        let mut found = self.store.candidates(keys).await?;
        let written = self.written();
        for (at, key) in keys.iter().enumerate() {
            let persons = written.keys.get(key).map(Vec::as_slice).unwrap_or_default();
            found.extend(persons.iter().map(|person| (at, *person)));
        }
        for (_, person) in &mut found {
            *person = written.now(*person);
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    async fn persons(&self, ids: &[PersonId]) -> Result<Vec<KnownPerson>, StoreError> {
        let wanted = self.written().with_absorbed(ids);
        let mut read = self.store.persons(&wanted).await?;
        let written = self.written();
        let mut moved: HashMap<PersonId, Vec<Statement>> = HashMap::new();
        for person in &mut read {
            moved.entry(written.now(person.id)).or_default().append(&mut person.statements);
        }
        let read: HashMap<PersonId, KnownPerson> = read.into_iter().map(|p| (p.id, p)).collect();
        let over =
            |id: &PersonId| written.over_person(*id, read.get(id), moved.remove(id).unwrap_or_default());
        Ok(ids.iter().filter_map(over).collect())
    }

    /// That of the store beneath: what is rehearsed has no history.
    async fn histories(&self, persons: &[PersonId]) -> Result<Vec<(PersonId, Vec<Version>)>, StoreError> {
        self.store.histories(persons).await
    }

    async fn people(&self, after: PersonId, limit: u32) -> Result<Vec<PersonId>, StoreError> {
        self.store.people(after, limit).await
    }

    async fn count_stated(&self, source: &str, emitters: &[String]) -> Result<u64, StoreError> {
        self.store.count_stated(source, emitters).await
    }

    async fn stated_before(
        &self,
        source: &str,
        emitters: &[String],
        run: RunId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<i64>, StoreError> {
        let mut after = after;
        loop {
            let mut page = self.store.stated_before(source, emitters, run, after, limit).await?;
            let Some(last) = page.last().copied() else { return Ok(page) };
            page.retain(|claim| !self.written().has_restated(*claim));
            if !page.is_empty() {
                return Ok(page);
            }
            after = last;
        }
    }

    fn ready(&self, commit: &Arc<Commit>) -> Ready {
        Arc::clone(commit) as Ready
    }

    async fn write(&self, ready: &Ready) -> Result<(), StoreError> {
        let commit: &Commit = ready.downcast_ref().ok_or(StoreError::Unreadable { context: "a commit" })?;
        let moved: Vec<i64> = commit.moved.iter().map(|(claim, _)| *claim).collect();
        let kept = if moved.is_empty() { Vec::new() } else { self.statements(&moved).await? };
        self.written().take(commit, kept);
        Ok(())
    }

    async fn rejects(&self, run: RunId, after: u64, limit: u32) -> Result<Vec<Reject>, StoreError> {
        self.store.rejects(run, after, limit).await
    }

    async fn events(&self, after: u64, limit: u32) -> Result<Vec<JournalEvent>, StoreError> {
        self.store.events(after, limit).await
    }

    async fn journal_end(&self) -> Result<u64, StoreError> {
        self.store.journal_end().await
    }

    async fn outbox(&self, after: u64, limit: u32) -> Result<Vec<JournalEvent>, StoreError> {
        self.store.outbox(after, limit).await
    }

    async fn waiting(&self) -> Result<u64, StoreError> {
        self.store.waiting().await
    }

    async fn confirm(&self, _cursors: &[u64]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn lease(&self, _name: &str, _holder: Uuid, _for_ms: u64) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn sizes(&self) -> Result<(u64, u64, u64), StoreError> {
        self.store.sizes().await
    }
}
