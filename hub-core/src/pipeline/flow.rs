//! Batches on their way, three at once: while one is written, the next is settled and the one after is read.
//!
//! Settling ahead asks the store before the batch in front is in it. When what was asked touches what that batch writes, the
//! answer may have changed and the batch is settled again; so persons and events are those of one batch after the other.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::code::Code;
use crate::connector::Frames;
use crate::delivery::{Counts, PersonId};
use crate::event::announce_load;
use crate::identity::IdentityKey;
use crate::statement::{Origin, Statement};
use crate::store::{self, Commit, StoreError};

use super::batch::{self, Settlement, readable};
use super::intake::{Intake, ReadBatch, Reader};
use super::mapped::{MappedRecord, RecordKey};
use super::pairing::{self, Paired, Told};
use super::repeated::Aside;
use super::{BATCH_BYTES, BATCH_RECORDS, Pipeline, Progress, RunError};

/// Claims looked at per round when looking for those gone silent.
const SILENT_PAGE: u32 = 2_000;
/// How often persons a batch brings together are followed to those they bring.
const FURTHER_TRIES: usize = 4;
/// How often a batch is tried again after a concurrent write.
const CONFLICT_TRIES: usize = 5;

/// What settling a batch asked the store for.
#[derive(Default)]
struct Asked {
    records: Vec<(String, String)>,
    keys: Vec<IdentityKey>,
    persons: Vec<PersonId>,
}

/// A batch ready to be written.
struct Settled {
    commit: Arc<Commit>,
    ready: store::Ready,
    /// Records put aside until it is known whether their claims are stated again.
    aside: Vec<Aside>,
    told: Vec<Told>,
    left: Vec<u64>,
    asked: Asked,
}

/// A settled batch with what it was settled from, should it have to be settled again.
struct Ready {
    read: ReadBatch,
    settled: Settled,
}

/// What a commit is settled from: a batch that was read, or claims that go silent, by row number.
#[derive(Clone, Copy)]
enum Work<'w> {
    Read(&'w ReadBatch),
    Silent(&'w [i64]),
}

impl Asked {
    /// Whether a commit may change an answer.
    fn touched_by(&self, commit: &Commit) -> bool {
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

/// The rows a commit rewrites.
fn rewritten(commit: &Commit) -> impl Iterator<Item = i64> + '_ {
    commit.statements.iter().filter_map(|statement| statement.id)
}

impl Pipeline {
    /// Takes in a whole delivery, then judges who is absent from it.
    pub(super) async fn process(
        &self,
        intake: &mut Intake,
        mut reader: Box<Reader>,
        progress: &dyn Progress,
    ) -> Result<(Counts, Box<Reader>), RunError> {
        let (mut total, mut cut) = (Counts::default(), 0);
        let mut batches = self.cut(intake);
        let (mut read, mut ready): (Option<ReadBatch>, Option<Ready>) = (None, None);
        loop {
            let frames = batches.recv().await.map(|mut frames| {
                cut += frames.frames.len() as u64;
                intake.choose(&mut frames);
                frames
            });
            if frames.is_none() && read.is_none() && ready.is_none() {
                break;
            }
            // Settling last: it is the one that computes here, and the others would start after it.
            let (written, next, ahead) = tokio::join!(
                self.write_ready(ready.as_ref()),
                self.read(reader, frames),
                self.settle_read(intake, read.as_ref())
            );
            let in_front = self.written(intake, ready.take(), written).await?;
            ready = self.ready_after(intake, in_front.as_deref(), read.take(), ahead).await?;
            if let Some(Ready { read, settled }) = &mut ready {
                let aside = std::mem::take(&mut settled.aside);
                intake.repeated.take(read.restated.keys().copied(), aside);
            }
            (reader, read) = next?;
            if let Some(batch) = &mut read {
                let on_their_way = in_front.iter().chain(ready.iter().map(|ready| &ready.settled.commit));
                let overtaken = on_their_way.flat_map(|commit| rewritten(commit)).collect();
                self.complete(&overtaken, &mut reader, batch).await?;
            }
            if let Some(commit) = in_front {
                total.add(&commit.counts);
                progress.advance(total.records, intake.records);
            }
        }
        if cut != intake.records {
            let short = format!("surveyed {} records, read {cut}", intake.records);
            return Err(RunError::Archive(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, short)));
        }
        // Records put aside in vain: nothing later in the delivery stated their claims as they were.
        let aside = intake.repeated.end();
        let (again, mut reader) = self.read_again(intake, reader, &aside).await?;
        total.add(&again);
        if intake.snapshot {
            total.add(&self.find_silent(intake, &mut reader).await?);
        }
        // An identifier no record states any more keeps nobody apart now.
        intake.ended = true;
        let left = std::mem::take(&mut intake.left);
        let (again, mut reader) = self.read_again(intake, reader, &left).await?;
        total.add(&again);
        reader.warnings.join(std::mem::take(&mut intake.told));
        progress.advance(intake.records, intake.records);
        Ok((total, reader))
    }

    /// Cuts frames on a thread of its own, a batch ahead.
    fn cut(&self, intake: &Intake) -> mpsc::Receiver<Frames> {
        let (sender, receiver) = mpsc::channel(1);
        let (archive, formats) = (Arc::clone(&self.archive), Arc::clone(&self.formats));
        let (digest, dialect) = (intake.digest, intake.mapping.dialect.clone());
        tokio::task::spawn_blocking(move || {
            // The survey has read these very bytes to their end: a failure here is the archive's. It ends the stream early,
            // and `process` halts the run on the record count.
            let Ok(bytes) = archive.open(digest) else {
                return;
            };
            let Ok(mut opened) = formats.open(bytes, &dialect) else {
                return;
            };
            loop {
                let mut frames = Frames::default();
                let cut = opened.framer.next_batch(&mut frames, BATCH_RECORDS, BATCH_BYTES);
                if cut.is_err() || frames.frames.is_empty() || sender.blocking_send(frames).is_err() {
                    return;
                }
            }
        });
        receiver
    }

    /// Decodes and maps a batch on a thread of its own; the reader goes there and comes back.
    async fn read(
        &self,
        mut reader: Box<Reader>,
        frames: Option<Frames>,
    ) -> Result<(Box<Reader>, Option<ReadBatch>), RunError> {
        let Some(frames) = frames.filter(|frames| !frames.frames.is_empty()) else {
            return Ok((reader, None));
        };
        let source = reader.source().to_owned();
        let hashes: Vec<u64> = frames.frames.iter().map(|frame| reader.seeded(frame.hash)).collect();
        let known = self.store.known_frames(&source, &hashes).await?;
        let work = move || {
            reader.saw(&known);
            let batch = reader.read(frames, hashes, &known);
            (reader, batch)
        };
        let (reader, batch) = tokio::task::spawn_blocking(work).await?;
        Ok((reader, Some(batch)))
    }

    /// Ends the reading of a batch, now that it is known what those in front of it write.
    async fn complete(
        &self,
        overtaken: &HashSet<i64>,
        reader: &mut Reader,
        batch: &mut ReadBatch,
    ) -> Result<(), StoreError> {
        reader.read_after_all(batch, overtaken);
        if !batch.refused.is_empty() {
            let statements = self.store.statements_of(reader.source(), &batch.refused).await?;
            reader.protect(&statements);
        }
        if !batch.glimpsed.is_empty() {
            self.protect_glimpsed(reader, batch).await?;
        }
        Ok(())
    }

    /// A refused record may be known by another key (a new demand, a new matricule): whoever its persons may be is not absent.
    async fn protect_glimpsed(&self, reader: &mut Reader, batch: &ReadBatch) -> Result<(), StoreError> {
        let mut keys: Vec<IdentityKey> = Vec::new();
        for (emitter, values) in &batch.glimpsed {
            let traits = self.identity.traits(values, reader.source(), emitter);
            // Nobody could be recognised by nothing.
            reader.unreadable += u64::from(traits.keys().is_empty());
            keys.extend_from_slice(traits.keys());
        }
        let found = self.store.candidates(&keys).await?;
        let persons: BTreeSet<PersonId> = found.into_iter().map(|(_, person)| person).collect();
        let persons: Vec<PersonId> = persons.into_iter().collect();
        for person in self.store.persons(&persons).await? {
            reader.protect(&person.statements);
        }
        Ok(())
    }

    async fn settle_read(
        &self,
        intake: &Intake,
        read: Option<&ReadBatch>,
    ) -> Result<Option<Settled>, StoreError> {
        let Some(read) = read else { return Ok(None) };
        self.settle(intake, Work::Read(read)).await.map(Some)
    }

    async fn write_ready(&self, ready: Option<&Ready>) -> Result<(), StoreError> {
        let Some(ready) = ready else { return Ok(()) };
        self.store.write(&ready.settled.ready).await
    }

    /// What was committed in the end: another try when somebody else wrote the same persons meanwhile.
    async fn written(
        &self,
        intake: &mut Intake,
        ready: Option<Ready>,
        outcome: Result<(), StoreError>,
    ) -> Result<Option<Arc<Commit>>, StoreError> {
        let Some(ready) = ready else { return Ok(None) };
        match outcome {
            Ok(()) => {
                let Settled { commit, told, left, .. } = ready.settled;
                Ok(Some(intake.keep(commit, (told, left))))
            }
            Err(StoreError::Conflict) => {
                self.settle_and_write(intake, Work::Read(&ready.read)).await.map(Some)
            }
            Err(error) => Err(error),
        }
    }

    /// The batch settled ahead; settled again when the one in front of it changed what had been asked for.
    async fn ready_after(
        &self,
        intake: &Intake,
        in_front: Option<&Commit>,
        read: Option<ReadBatch>,
        ahead: Result<Option<Settled>, StoreError>,
    ) -> Result<Option<Ready>, StoreError> {
        let Some(read) = read else { return Ok(None) };
        let ahead = match ahead {
            Err(StoreError::Conflict) => None,
            ahead => ahead?,
        };
        let stands = |settled: &Settled| !in_front.is_some_and(|commit| settled.asked.touched_by(commit));
        let settled = match ahead.filter(stands) {
            Some(settled) => settled,
            None => self.settle_again(intake, Work::Read(&read)).await?,
        };
        Ok(Some(Ready { read, settled }))
    }

    /// Settles while nothing of this run is on its way.
    async fn settle_again(&self, intake: &Intake, work: Work<'_>) -> Result<Settled, StoreError> {
        let mut tries = 0;
        loop {
            match self.settle(intake, work).await {
                Err(StoreError::Conflict) if tries < CONFLICT_TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn settle_and_write(&self, intake: &mut Intake, work: Work<'_>) -> Result<Arc<Commit>, StoreError> {
        let mut tries = 0;
        loop {
            let Settled { commit, ready, told, left, .. } = self.settle_again(intake, work).await?;
            match self.store.write(&ready).await {
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
        let commit = Arc::new(commit);
        let ready = self.ready(&commit).await?;
        Ok(Settled { commit, ready, aside, told, left, asked })
    }

    /// On a thread of its own: sealing a batch takes a core for itself.
    async fn ready(&self, commit: &Arc<Commit>) -> Result<store::Ready, StoreError> {
        let (store, commit) = (Arc::clone(&self.store), Arc::clone(commit));
        let lost = |source| StoreError::Unreachable { context: "sealing a batch", source: Box::new(source) };
        tokio::task::spawn_blocking(move || store.ready(&commit)).await.map_err(lost)
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
        let found = if wanted.is_empty() { Vec::new() } else { self.store.candidates(wanted).await? };
        let candidates: Vec<(IdentityKey, _)> =
            found.into_iter().filter_map(|(at, person)| Some((wanted.get(at)?.clone(), person))).collect();
        let mut ids = paired.linked_persons();
        ids.extend(candidates.iter().map(|(_, person)| *person));
        ids.sort();
        ids.dedup();
        asked.persons = ids;
        let ids = &asked.persons;
        let known = if ids.is_empty() { Vec::new() } else { self.store.persons(ids).await? };
        if known.iter().any(|person| person.merged_into.is_some()) {
            // Absorbed by another run, or by the batch in front, since its claims were read.
            return Err(StoreError::Conflict);
        }
        let candidates = (asked.keys.as_slice(), candidates);
        Ok(batch::settle(intake.context(self), paired, candidates, known, &mut || self.clock.mint()))
    }

    /// Takes in records that were left when they were first read.
    async fn read_again(
        &self,
        intake: &mut Intake,
        mut reader: Box<Reader>,
        numbers: &BTreeSet<u64>,
    ) -> Result<(Counts, Box<Reader>), RunError> {
        let mut total = Counts::default();
        if numbers.is_empty() {
            return Ok((total, reader));
        }
        // What there is to tell of them was told.
        let told = std::mem::take(&mut reader.warnings);
        let mut batches = self.cut(intake);
        while let Some(mut frames) = batches.recv().await {
            frames.frames.retain(|frame| numbers.contains(&frame.position.number));
            let (back, batch) = self.read(reader, Some(frames)).await?;
            reader = back;
            if let Some(mut batch) = batch {
                reader.read_after_all(&mut batch, &HashSet::new());
                let batch = batch.again(intake.checkpoint + 1);
                total.add(&self.settle_and_write(intake, Work::Read(&batch)).await?.counts);
            }
        }
        reader.warnings = told;
        Ok((total, reader))
    }

    /// The last word of a first load: the persons it made can be read.
    pub(super) async fn announce_load(
        &self,
        intake: &mut Intake,
        reader: &Reader,
        persons: u64,
    ) -> Result<Counts, StoreError> {
        let mut commit = Commit::new(intake.run);
        intake.checkpoint += 1;
        commit.checkpoint = intake.checkpoint;
        let emitters: Vec<String> = reader.emitters.iter().map(|emitter| readable(emitter)).collect();
        let origin = Origin { emitter: emitters.join(", "), ..intake.origin.clone() };
        commit.events.push(announce_load(intake.run, intake.at, persons, &origin));
        commit.counts.events = 1;
        self.store.commit(&commit).await?;
        Ok(commit.counts)
    }

    /// Claims of this delivery's emitters that it did not state: they go silent.
    async fn find_silent(&self, intake: &mut Intake, reader: &mut Reader) -> Result<Counts, RunError> {
        let mut total = Counts::default();
        if reader.unreadable > 0 || reader.incomplete {
            reader.warnings.add(Code::AbsenceNotJudged, None, 0);
            return Ok(total);
        }
        let emitters: Vec<String> = reader.emitters.iter().cloned().collect();
        let mut after = 0;
        loop {
            let source = intake.mapping.source.clone();
            let page = self.store.stated_before(&source, &emitters, intake.run, after, SILENT_PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(total);
            };
            after = *last;
            let gone: Vec<i64> = page.into_iter().filter(|claim| !reader.seen.contains(*claim)).collect();
            if !gone.is_empty() {
                total.add(&self.settle_and_write(intake, Work::Silent(&gone)).await?.counts);
            }
        }
    }
}
