//! The driver that carries one delivery from its archived bytes to committed persons and events.
//!
//! It surveys the delivery first (cut, count, no decoding): a truncated or unreadable one is held before anything is applied.
//! Then batch after batch: frames whose hash is known are skipped; the others are decoded, mapped, settled and committed with
//! their checkpoint. An interrupted run goes on where it stopped, because what is committed already is found unchanged.

mod batch;
mod intake;
mod people;
mod report;
mod seen;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::{Instrument, info, info_span};

use crate::archive::Archive;
use crate::canonical::Canon;
use crate::clock::Clock;
use crate::code::Code;
use crate::connector::{Fault, Formats, Frames};
use crate::delivery::{Counts, Delivery, RunId, Status};
use crate::identity::{IdentityFields, IdentityKey};
use crate::mapping::{Catalogue, Envelope, Mapping};
use crate::merge::Precedence;
use crate::statement::Origin;
use crate::store::{Commit, Registration, Run, Store, StoreError};

use batch::Paired;
use intake::{Intake, ReadBatch, Reader, Survey};
pub use report::Report;
use report::Warnings;

/// Records per batch: one commit each.
const BATCH_RECORDS: usize = 400;
/// Bytes per batch, so that large records do not swell it.
const BATCH_BYTES: usize = 2 << 20;
/// Claims looked at per round when looking for those gone silent.
const SILENT_PAGE: u32 = 2_000;
/// How often a batch is tried again after a concurrent write.
const CONFLICT_TRIES: usize = 5;

/// A run that could not go on. What was committed stays; the run resumes at its checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive failed.
    #[error("the archived bytes could not be read back")]
    Archive(#[source] std::io::Error),
    /// A task of the run was lost.
    #[error("a task of the run was lost")]
    Lost(#[from] tokio::task::JoinError),
}

impl RunError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Archive(_) => Code::ArchiveFailed,
            Self::Lost(_) => Code::Halted,
        }
    }
}

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct Order {
    /// The delivery, already archived and registered.
    pub delivery: Delivery,
    /// The mapping to use, when a person or a replay names it; with a version (`caf/vrsb0801@1`), that version or none.
    pub mapping: Option<String>,
    /// The records to process, by number; all when left out. Nothing is judged absent from a part.
    pub only: Option<BTreeSet<u64>>,
    /// Process it although the same bytes were processed before.
    pub again: bool,
}

/// Told of progress: records done, of how many.
pub trait Progress: Send + Sync {
    /// Called after each batch.
    fn advance(&self, records: u64, of: u64);
}

impl Progress for () {
    fn advance(&self, _: u64, _: u64) {}
}

/// The driver and its adapters.
pub struct Pipeline {
    /// Where facts are kept.
    pub store: Arc<dyn Store>,
    /// Where bytes are kept.
    pub archive: Arc<dyn Archive>,
    /// The formats.
    pub formats: Arc<dyn Formats>,
    /// Time and identifiers.
    pub clock: Arc<dyn Clock>,
    /// The canonical schema.
    pub canon: Arc<Canon>,
    /// The mappings.
    pub catalogue: Catalogue,
    /// Which source is believed first.
    pub precedence: Precedence,
    /// The fields that tell persons apart.
    pub identity: IdentityFields,
}

impl Pipeline {
    /// Processes a delivery.
    ///
    /// # Errors
    /// A technical failure; a fault of the delivery is a report with status held.
    pub async fn run(&self, order: Order, progress: &dyn Progress) -> Result<Report, RunError> {
        let run = RunId(self.clock.mint());
        let span =
            info_span!("run", source = %order.delivery.source, delivery = %order.delivery.id, run = %run);
        self.run_inside(run, order, progress).instrument(span).await
    }

    async fn run_inside(&self, id: RunId, order: Order, progress: &dyn Progress) -> Result<Report, RunError> {
        let delivery = order.delivery;
        let registration = self.store.register(&delivery).await?;
        if let (Registration::Known { delivery: first, processed: true }, false) = (registration, order.again)
        {
            info!(first = %first, "already received");
            return Ok(Report::already_received(first, &delivery));
        }
        let chosen = self.choose(&delivery, order.mapping.as_deref()).await?;
        let surveyed = match chosen {
            Ok(mapping) => self.survey(&delivery, &mapping).await?.map(|survey| (mapping, survey)),
            Err(fault) => Err(fault),
        };
        let mut run = self.new_run(id, &delivery, order.mapping.clone().unwrap_or_default());
        if let Ok((mapping, survey)) = &surveyed {
            run.mapping = mapping.name();
            run.created.clone_from(&survey.envelope.created);
            run.emitter.clone_from(&survey.emitter);
        }
        let place = if order.again { Ok(None) } else { self.place_in_time(&run).await? };
        self.store.begin(&run).await?;
        let mut warnings = Warnings::default();
        let (status, counts) = match place.and_then(|warning| Ok((warning, surveyed?))) {
            Err(fault) => {
                info!(code = %fault.code, "held");
                warnings.fault(&fault);
                (Status::Held, Counts::default())
            }
            Ok((warning, (mapping, survey))) => {
                let mut intake = Intake::new(self, id, &delivery, Arc::clone(&mapping), &survey);
                intake.only = order.only;
                let mut reader = Box::new(Reader::new(Arc::clone(&self.canon), mapping, survey));
                if let Some(fault) = warning {
                    reader.warnings.fault(&fault);
                }
                let (counts, reader) = self.process(&mut intake, reader, progress).await?;
                warnings = reader.warnings;
                (if counts.rejected > 0 { Status::DoneWithRejects } else { Status::Done }, counts)
            }
        };
        let warnings = warnings.into_list(&self.canon);
        self.store.close(id, status, &warnings, Some(self.clock.now())).await?;
        info!(
            status = status.word(),
            records = counts.records,
            changed = counts.changed,
            rejected = counts.rejected,
            "run ended"
        );
        Ok(Report::new(&run, status, counts, warnings))
    }

    /// Whether the emitter made a later delivery of this kind that was taken in already: this one would undo it. Another one
    /// made at the same instant is worth a warning.
    async fn place_in_time(&self, run: &Run) -> Result<Result<Option<Fault>, Fault>, StoreError> {
        let kind = run.mapping.split('@').next().unwrap_or_default();
        if run.created.is_empty() {
            return Ok(Ok(None));
        }
        let latest = self.store.latest_created(&run.source, kind, &run.emitter).await?;
        let Some(latest) = latest else { return Ok(Ok(None)) };
        Ok(match run.created.cmp(&latest) {
            Ordering::Greater => Ok(None),
            Ordering::Equal => Ok(Some(Fault::new(Code::SameHeader, format!("made at {latest} too")))),
            Ordering::Less => Err(Fault::new(
                Code::OlderDelivery,
                format!(
                    "expected one made after {latest}, found {}; to apply it all the same: dlnuf replay delivery {}",
                    run.created, run.delivery
                ),
            )),
        })
    }

    fn new_run(&self, id: RunId, delivery: &Delivery, mapping: String) -> Run {
        Run {
            id,
            delivery: delivery.id,
            source: delivery.source.clone(),
            mapping,
            started_at: self.clock.now(),
            ended_at: None,
            status: Status::Running,
            checkpoint: 0,
            counts: Counts::default(),
            warnings: Vec::new(),
            created: String::new(),
            emitter: String::new(),
        }
    }

    async fn choose(
        &self,
        delivery: &Delivery,
        named: Option<&str>,
    ) -> Result<Result<Arc<Mapping>, Fault>, RunError> {
        if let Some(name) = named {
            return Ok(self.catalogue.asked(name));
        }
        let (archive, digest) = (Arc::clone(&self.archive), delivery.digest);
        let head = tokio::task::spawn_blocking(move || read_head(archive.as_ref(), digest))
            .await?
            .map_err(RunError::Archive)?;
        let chosen = self.formats.probe(&head);
        Ok(chosen
            .and_then(|probe| self.catalogue.choose(&delivery.source, &probe, delivery.filename.as_deref())))
    }

    /// Cuts the whole delivery once without decoding it.
    async fn survey(
        &self,
        delivery: &Delivery,
        mapping: &Arc<Mapping>,
    ) -> Result<Result<Survey, Fault>, RunError> {
        let (archive, formats) = (Arc::clone(&self.archive), Arc::clone(&self.formats));
        let (digest, mapping) = (delivery.digest, Arc::clone(mapping));
        let work = move || -> Result<Result<Survey, Fault>, RunError> {
            let bytes = archive.open(digest).map_err(RunError::Archive)?;
            Ok(intake::survey(formats.as_ref(), bytes, &mapping))
        };
        tokio::task::spawn_blocking(work).await?
    }

    /// Batch after batch: while one is settled and committed, the next is read.
    async fn process(
        &self,
        intake: &mut Intake,
        mut reader: Box<Reader>,
        progress: &dyn Progress,
    ) -> Result<(Counts, Box<Reader>), RunError> {
        let (mut total, mut cut) = (Counts::default(), 0);
        let mut batches = self.cut(intake);
        let mut waiting: Option<ReadBatch> = None;
        loop {
            let frames = batches.recv().await.map(|mut frames| {
                cut += frames.frames.len() as u64;
                intake.choose(&mut frames);
                frames
            });
            let ended = frames.is_none();
            let (settled, read) =
                tokio::join!(self.take_in(intake, waiting.take()), self.read(reader, frames));
            total.add(&settled?);
            (reader, waiting) = read?;
            if let Some(batch) = &mut waiting {
                self.complete(intake, &mut reader, batch).await?;
            }
            progress.advance(total.records, intake.records);
            if ended {
                break;
            }
        }
        if cut != intake.records {
            let short = format!("surveyed {} records, read {cut}", intake.records);
            return Err(RunError::Archive(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, short)));
        }
        if intake.snapshot && intake.only.is_none() {
            total.add(&self.find_silent(intake, &mut reader).await?);
        }
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

    /// Ends the reading of a batch, now that the one before is committed.
    async fn complete(
        &self,
        intake: &Intake,
        reader: &mut Reader,
        batch: &mut ReadBatch,
    ) -> Result<(), StoreError> {
        reader.read_after_all(batch, &intake.rewritten);
        if !batch.refused.is_empty() {
            let statements = self.store.statements_of(reader.source(), &batch.refused).await?;
            reader.protect(&statements);
        }
        Ok(())
    }

    /// Settles and commits a batch that was read, again when somebody else wrote the same persons meanwhile.
    async fn take_in(&self, intake: &mut Intake, read: Option<ReadBatch>) -> Result<Counts, RunError> {
        let Some(read) = read else { return Ok(Counts::default()) };
        let mut tries = 0;
        loop {
            match self.take_in_once(intake, &read).await {
                Err(StoreError::Conflict) if tries < CONFLICT_TRIES => tries += 1,
                outcome => return Ok(outcome?),
            }
        }
    }

    async fn take_in_once(&self, intake: &mut Intake, read: &ReadBatch) -> Result<Counts, StoreError> {
        let paired = self.paired(intake, read).await?;
        let mut commit = self.settle(intake, paired).await?;
        commit.rejects.clone_from(&read.rejects);
        commit.counts.records = read.records;
        commit.counts.unchanged = read.unchanged;
        commit.counts.rejected = read.rejects.len() as u64;
        self.commit(intake, &mut commit).await?;
        Ok(commit.counts)
    }

    async fn commit(&self, intake: &mut Intake, commit: &mut Commit) -> Result<(), StoreError> {
        commit.checkpoint = intake.checkpoint + 1;
        self.store.commit(commit).await?;
        intake.checkpoint = commit.checkpoint;
        intake.rewritten = commit.statements.iter().filter_map(|statement| statement.id).collect();
        Ok(())
    }

    async fn paired(&self, intake: &Intake, read: &ReadBatch) -> Result<Paired, StoreError> {
        let records = read.mapped.clone();
        let keys: BTreeSet<(String, String)> =
            records.iter().map(|record| (record.mapped.emitter.clone(), record.mapped.key.clone())).collect();
        let keys: Vec<_> = keys.into_iter().collect();
        let existing = if keys.is_empty() {
            Vec::new()
        } else {
            self.store.statements_of(&intake.mapping.source, &keys).await?
        };
        Ok(batch::pair(intake.context(self), records, existing, &read.restated))
    }

    async fn settle(&self, intake: &Intake, paired: Paired) -> Result<Commit, StoreError> {
        let wanted = paired.wanted_keys();
        let found = if wanted.is_empty() { Vec::new() } else { self.store.candidates(&wanted).await? };
        let candidates: Vec<(IdentityKey, _)> =
            found.into_iter().filter_map(|(at, person)| Some((wanted.get(at)?.clone(), person))).collect();
        let mut ids = paired.linked_persons();
        ids.extend(candidates.iter().map(|(_, person)| *person));
        ids.sort();
        ids.dedup();
        let known = if ids.is_empty() { Vec::new() } else { self.store.persons(&ids).await? };
        if known.iter().any(|person| person.merged_into.is_some()) {
            // Absorbed by another run since its claims were read.
            return Err(StoreError::Conflict);
        }
        Ok(batch::settle(intake.context(self), paired, candidates, known, &mut || self.clock.mint()))
    }

    /// Claims of this delivery's emitters that it did not state: they go silent.
    async fn find_silent(&self, intake: &mut Intake, reader: &mut Reader) -> Result<Counts, RunError> {
        let mut total = Counts::default();
        if reader.unreadable > 0 {
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
                total.add(&self.silence(intake, &gone).await?);
            }
        }
    }

    async fn silence(&self, intake: &mut Intake, gone: &[i64]) -> Result<Counts, StoreError> {
        let mut tries = 0;
        loop {
            match self.silence_once(intake, gone).await {
                Err(StoreError::Conflict) if tries < CONFLICT_TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    async fn silence_once(&self, intake: &mut Intake, gone: &[i64]) -> Result<Counts, StoreError> {
        let statements = self.store.statements(gone).await?;
        let mut commit = self.settle(intake, batch::silence(statements)).await?;
        self.commit(intake, &mut commit).await?;
        Ok(commit.counts)
    }
}

fn read_head(archive: &dyn Archive, digest: crate::delivery::Digest) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    archive.open(digest)?.take(64 << 10).read_to_end(&mut head)?;
    Ok(head)
}

/// What a delivery says of itself, with its day of arrival where it does not.
fn valid_at(envelope: &Envelope, delivery: &Delivery) -> String {
    let day = || delivery.received_at.to_string().chars().take(10).collect();
    envelope.reference.clone().unwrap_or_else(day)
}

fn origin_of(delivery: &Delivery, mapping: &Mapping, envelope: &Envelope) -> Origin {
    Origin {
        source: delivery.source.clone(),
        emitter: String::new(),
        delivery: delivery.id,
        record: 0,
        line: 0,
        mapping: mapping.name(),
        valid_at: valid_at(envelope, delivery),
    }
}
