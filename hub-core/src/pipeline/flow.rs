//! Batches on their way, three at once: while one is sealed and written, the next is settled and the one after is read.
//!
//! Settling ahead asks the store before the batch in front is in it. When what was asked touches what that batch writes, the answers
//! it changes are asked again once it is written, and only then the batch is settled; so persons and events are those of one batch
//! after the other.

use std::collections::BTreeSet;
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::HashSet;
use tokio::sync::mpsc;

use crate::code::Code;
use crate::connector::{Dialect, Frames};
use crate::delivery::{Counts, Digest, PersonId};
use crate::event::announce_load;
use crate::identity::IdentityKey;
use crate::statement::Origin;
use crate::store::{Commit, KnownFrame, StoreError};

use super::context::readable;
use super::intake::{Intake, ReadBatch, Reader};
use super::laid::Work;
use super::settling::{Ahead, Settled, Writing, ended};
use super::{BATCH_BYTES, BATCH_RECORDS, Pipeline, Progress, RunError};

/// Claims looked at per round when looking for those gone silent.
const SILENT_PAGE: u32 = 2_000;

/// A settled batch being sealed and written, with what it was settled from, should it have to be settled again.
struct Ready {
    read: ReadBatch,
    settled: Settled,
    writing: Writing,
}

/// Waits until the batch being written is.
async fn written(ready: Option<&mut Ready>) -> Result<(), StoreError> {
    let Some(Ready { writing, .. }) = ready else { return Ok(()) };
    ended(writing).await
}

impl Pipeline {
    /// Takes in a whole delivery, then judges who is absent from it.
    pub(super) async fn process(
        &self,
        intake: &mut Intake,
        reader: Box<Reader>,
        progress: &dyn Progress,
    ) -> Result<(Counts, Box<Reader>), RunError> {
        let mut ready = None;
        let flown = self.flow(intake, reader, progress, &mut ready).await;
        if let Some(Ready { writing, .. }) = &mut ready {
            // Something failed: nothing is left on its way.
            ended(writing).await?;
        }
        let (mut total, reader) = flown?;
        // Records put aside in vain: nothing later in the delivery stated their claims as they were.
        let (aside, others) = intake.repeated.end();
        for record in others {
            intake.told.add(Code::SharedNumber, None, record);
        }
        let (again, mut reader) = self.read_again(intake, reader, &aside).await?;
        total.add(&again);
        if intake.snapshot {
            total.add(&self.find_silent(intake, &mut reader).await?);
        }
        // An identifier no record states any more keeps nobody apart now.
        intake.ended = true;
        intake.unjudged = intake.snapshot && reader.is_in_doubt();
        let left = std::mem::take(&mut intake.left);
        let (again, mut reader) = self.read_again(intake, reader, &left).await?;
        total.add(&again);
        reader.warnings.join(std::mem::take(&mut intake.told));
        progress.advance(intake.records, intake.records);
        Ok((total, reader))
    }

    /// Takes in batch after batch; `ready` is the one being written, none when all went well.
    async fn flow(
        &self,
        intake: &mut Intake,
        mut reader: Box<Reader>,
        progress: &dyn Progress,
        ready: &mut Option<Ready>,
    ) -> Result<(Counts, Box<Reader>), RunError> {
        let (mut total, mut cut) = (Counts::default(), 0);
        let mut batches = self.cut(intake.digest, intake.dialect.clone(), intake.recognised.sizes());
        let mut read: Option<ReadBatch> = None;
        loop {
            let frames = batches.recv().await.map(|mut frames| {
                cut += frames.frames.len() as u64;
                intake.choose(&mut frames);
                let known = intake.recognise(&frames);
                (frames, known)
            });
            if frames.is_none() && read.is_none() && ready.is_none() {
                break;
            }
            let front = ready.as_ref().map(|ready| Arc::clone(&ready.settled.commit));
            // Settling last: it is the one that computes here, and the others would start after it.
            let (written, next, ahead) = tokio::join!(
                written(ready.as_mut()),
                self.read(reader, frames),
                self.settle_ahead(intake, read.as_ref(), front.as_deref())
            );
            let in_front = self.in_front(intake, ready.take(), written).await?;
            // Settled again, it is another than this one was settled behind.
            let as_planned = match (&front, &in_front) {
                (Some(planned), Some(written)) => Arc::ptr_eq(planned, written),
                (planned, written) => planned.is_none() && written.is_none(),
            };
            let ahead = ahead.map(|ahead| ahead.filter(|_| as_planned));
            *ready = self.ready_after(intake, in_front.as_deref(), read.take(), ahead).await?;
            if let Some(Ready { read, settled, .. }) = ready {
                let aside = std::mem::take(&mut settled.aside);
                intake.repeated.take(read.restated.keys().copied(), aside);
            }
            (reader, read) = next?;
            if let Some(batch) = &mut read {
                let on_their_way = in_front.iter().chain(ready.iter().map(|ready| &ready.settled.commit));
                let overtaken = on_their_way.flat_map(|commit| commit.rewritten()).collect();
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
        Ok((total, reader))
    }

    /// Cuts frames on a thread of its own, a batch ahead: the first ones into batches of these sizes.
    fn cut(&self, digest: Digest, dialect: Dialect, sizes: Vec<usize>) -> mpsc::Receiver<Frames> {
        let (sender, receiver) = mpsc::channel(1);
        let (archive, formats) = (Arc::clone(&self.archive), Arc::clone(&self.formats));
        tokio::task::spawn_blocking(move || {
            // The survey has read these very bytes to their end: a failure here is the archive's. It ends the stream early,
            // and `process` halts the run on the record count.
            let Ok(bytes) = archive.open(digest) else {
                return;
            };
            let Ok(mut opened) = formats.open(bytes, &dialect) else {
                return;
            };
            let mut sizes = sizes.into_iter();
            loop {
                let mut frames = Frames::default();
                let size = sizes.next().unwrap_or(BATCH_RECORDS);
                let cut = opened.framer.next_batch(&mut frames, size, BATCH_BYTES);
                if cut.is_err() || frames.frames.is_empty() || sender.blocking_send(frames).is_err() {
                    return;
                }
            }
        });
        receiver
    }

    /// Decodes and maps a batch on a thread of its own, but for the frames known already and those the store knows; the reader goes
    /// there and comes back.
    async fn read(
        &self,
        mut reader: Box<Reader>,
        frames: Option<(Frames, Vec<KnownFrame>)>,
    ) -> Result<(Box<Reader>, Option<ReadBatch>), RunError> {
        let Some((frames, mut known)) = frames.filter(|(frames, _)| !frames.frames.is_empty()) else {
            return Ok((reader, None));
        };
        let source = reader.source().to_owned();
        let hashes: Vec<u64> = frames.frames.iter().map(|frame| reader.seeded(frame.hash)).collect();
        let recognised: HashSet<u64> = known.iter().map(|frame| frame.hash).collect();
        let unknown: Vec<u64> = hashes.iter().filter(|hash| !recognised.contains(*hash)).copied().collect();
        known.extend(self.store.known_frames(&source, &unknown).await?);
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
            // Who only lives with them may well be absent.
            keys.extend(traits.keys().iter().filter(|key| key.kind().is_personal()));
        }
        let found = self.store.candidates(&keys).await?;
        let persons: BTreeSet<PersonId> = found.into_iter().map(|(_, person)| person).collect();
        let persons: Vec<PersonId> = persons.into_iter().collect();
        for person in self.store.persons(&persons).await? {
            reader.protect(&person.statements);
        }
        Ok(())
    }

    /// What was committed in the end: another try when somebody else wrote the same persons meanwhile.
    async fn in_front(
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

    /// The batch settled ahead, or to be settled now that the one in front of it is written.
    async fn ready_after(
        &self,
        intake: &Intake,
        in_front: Option<&Commit>,
        read: Option<ReadBatch>,
        ahead: Result<Option<Ahead>, StoreError>,
    ) -> Result<Option<Ready>, StoreError> {
        let Some(read) = read else { return Ok(None) };
        let settled = match (ahead, in_front) {
            (Ok(Some(Ahead::Settled(settled))), _) => Ok(settled),
            (Ok(Some(Ahead::Laid(laid))), Some(commit)) => {
                self.settle_laid(intake, &read, *laid, commit).await
            }
            (Ok(_), _) => Err(StoreError::Conflict),
            (Err(error), _) => Err(error),
        };
        let settled = match settled {
            Err(StoreError::Conflict) => self.settle_again(intake, Work::Read(&read)).await?,
            settled => settled?,
        };
        let writing = self.write(&settled.commit);
        Ok(Some(Ready { read, settled, writing }))
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
        let mut batches = self.cut(intake.digest, intake.dialect.clone(), Vec::new());
        while let Some(mut frames) = batches.recv().await {
            frames.frames.retain(|frame| numbers.contains(&frame.position.number));
            let (back, batch) = self.read(reader, Some((frames, Vec::new()))).await?;
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
        let mut commit = Commit::new(intake.run, intake.at);
        intake.checkpoint += 1;
        commit.checkpoint = intake.checkpoint;
        let emitters: Vec<CompactString> = reader.emitters.iter().map(|emitter| readable(emitter)).collect();
        let origin = Origin { emitter: emitters.join(", ").into(), ..intake.origin.clone() };
        commit.events.push(announce_load(intake.run, intake.at, persons, &origin));
        commit.counts.events = 1;
        self.store.commit(&commit).await?;
        Ok(commit.counts)
    }

    /// Claims of this delivery's emitters that it did not state: they go silent.
    async fn find_silent(&self, intake: &mut Intake, reader: &mut Reader) -> Result<Counts, RunError> {
        let mut total = Counts::default();
        if reader.is_in_doubt() {
            reader.warnings.add(Code::AbsenceNotJudged, None, 0);
            return Ok(total);
        }
        let emitters: Vec<String> = reader.emitters.iter().map(ToString::to_string).collect();
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
