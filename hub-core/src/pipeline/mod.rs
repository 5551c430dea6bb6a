//! The driver that carries one delivery from its archived bytes to committed persons and events.
//!
//! It surveys the delivery first (cut, count, no decoding): a truncated or unreadable one is held before anything is applied.
//! Then batch after batch ([`flow`]): frames whose hash is known are skipped; the others are decoded, mapped, settled and
//! committed with their checkpoint. An interrupted run goes on where it stopped, because what is committed already is found
//! unchanged.

mod announcing;
mod batch;
mod circles;
mod context;
mod discretion;
mod flow;
mod guarding;
mod hand;
mod intake;
mod judging;
mod kept;
mod laid;
mod look;
mod lookup;
mod mapped;
mod pairing;
mod passing;
mod people;
mod place;
mod recognised;
mod reindexing;
mod repeated;
mod report;
mod resolving;
mod restoring;
mod ruling;
mod seen;
mod settling;
mod summoning;
mod survey;
mod unread;
mod voices;

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use tokio::sync::mpsc;
use tracing::{Instrument, info, info_span};

use crate::archive::Archive;
use crate::canonical::Canon;
use crate::clock::Clock;
use crate::code::Code;
use crate::connector::{Fault, Formats};
use crate::delivery::{Counts, Delivery, DeliveryId, RunId, Status};
use crate::guard::Guards;
use crate::identity::{IdentityFields, Policy};
use crate::mapping::{Catalogue, Envelope, Mapping};
use crate::merge::Precedence;
use crate::statement::Origin;
use crate::store::{Registration, Run, Store, StoreError, Turn};

use intake::{Intake, Reader, Terms};
pub use judging::Judged;
pub use lookup::Found;
use place::believable;
pub use report::Report;
use report::Warnings;
pub use ruling::{Outcome, RulingError, Verdict};
use survey::Survey;

/// Records per batch: one commit each. Fewer rewrite the pages of random keys more often, more take memory three times over.
const BATCH_RECORDS: usize = 512;
/// How often the turn is asked for.
const TURN_POLL: Duration = Duration::from_millis(100);
/// Bytes per batch, so that large records do not swell it.
const BATCH_BYTES: usize = 2 << 20;
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
    /// The refused records to process; all the delivery has when left out.
    pub only: Option<Refused>,
    /// The delivery whose refused records it holds, mended.
    pub corrects: Option<DeliveryId>,
    /// Process it although the same bytes were processed before, and hold it for nothing: a person has looked.
    pub again: bool,
    /// What makes it wait for a person.
    pub guards: Guards,
    /// It fills a hub nobody listens to yet: one event tells that the persons it makes can be read, none announces each.
    pub first_load: bool,
}

impl Order {
    /// The whole delivery, once, with the mapping its header asks for.
    pub fn new(delivery: Delivery) -> Self {
        let guards = Guards::default();
        Self { delivery, mapping: None, only: None, corrects: None, again: false, guards, first_load: false }
    }

    /// The guards that hold: a part of a delivery is compared with nothing, and what a person has looked at is not looked at again.
    fn guards(&self) -> Guards {
        let whole = self.only.is_none() && self.corrects.is_none();
        if whole && !self.again { self.guards } else { Guards::OFF }
    }
}

/// Records a run refused. What was stated of them since their delivery was first taken in stays, and nothing is judged absent from a part.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The first run that took the delivery in.
    pub by: RunId,
    /// Their numbers; all the delivery has when they came, mended, in one of their own.
    pub records: Option<BTreeSet<u64>>,
}

/// Told of progress: records done, of how many.
pub trait Progress: Send + Sync {
    /// Called after each batch.
    fn advance(&self, records: u64, of: u64);

    /// Called once when another run has the turn.
    fn waits(&self) {}
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
    /// What each likeness weighs, and from when two are one.
    pub policy: Policy,
}

impl Pipeline {
    /// The same, on another store.
    #[must_use]
    pub fn on(&self, store: Arc<dyn Store>) -> Self {
        Self {
            store,
            archive: Arc::clone(&self.archive),
            formats: Arc::clone(&self.formats),
            clock: Arc::clone(&self.clock),
            canon: Arc::clone(&self.canon),
            catalogue: self.catalogue.clone(),
            precedence: self.precedence.clone(),
            identity: self.identity.clone(),
            policy: self.policy.clone(),
        }
    }

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

    async fn run_inside(
        &self,
        id: RunId,
        mut order: Order,
        progress: &dyn Progress,
    ) -> Result<Report, RunError> {
        let _turn = self.turn(progress).await?;
        let delivery = order.delivery.clone();
        let before = match self.store.register(&delivery).await? {
            Registration::Known(first) => self.store.runs_of(first).await?,
            Registration::New => Vec::new(),
        };
        let chosen = self.choose(&delivery, order.mapping.as_deref()).await?;
        let asked = order.mapping.clone().unwrap_or_default();
        let mapping = chosen.as_ref().map_or(asked, |mapping| mapping.name());
        if let Some(first) = before.iter().find(|run| !order.again && already(run, &mapping)) {
            info!(first = %first.delivery, "already received");
            return Ok(Report::already_received(first.delivery, &delivery));
        }
        let mut surveyed = match chosen {
            Ok(mapping) => {
                self.survey(&delivery, &mapping, order.guards()).await?.map(|survey| (mapping, survey))
            }
            Err(fault) => Err(fault),
        };
        if let Some(corrected) = order.corrects {
            match self.corrected(&delivery.source, corrected).await? {
                Ok(refused) => order.only = Some(refused),
                Err(fault) => surveyed = Err(fault),
            }
        }
        let mut run = self.new_run(id, &delivery, mapping);
        if let Ok((mapping, survey)) = &surveyed {
            describe(&mut run, mapping, survey, &order);
        }
        let look = surveyed.as_ref().ok().and_then(|(_, survey)| survey.look.as_ref());
        let made_before = if order.only.is_none() { self.untold(&run, look).await? } else { None };
        let interrupted = before.first().is_some_and(|run| run.first_load && run.stopped_short());
        run.first_load = order.first_load || interrupted || made_before.is_some();
        let weighed = self.weigh(&run, &order, surveyed).await?;
        self.store.begin(&run).await?;
        let (status, counts, warnings) = match weighed {
            Err(fault) => {
                info!(code = %fault.code, "held");
                let mut warnings = Warnings::default();
                warnings.fault(&fault);
                (Status::Held, Counts::default(), warnings)
            }
            Ok((warning, found)) => {
                let made_before = made_before.unwrap_or_default();
                let terms = Terms { only: order.only, first_load: run.first_load, made_before };
                self.take_in((&run, &delivery), terms, found, warning, progress).await?
            }
        };
        self.end(&run, status, counts, warnings).await
    }

    async fn end(
        &self,
        run: &Run,
        status: Status,
        counts: Counts,
        warnings: Warnings,
    ) -> Result<Report, RunError> {
        let warnings = warnings.into_list(&self.canon);
        self.store.close(run.id, status, &warnings, Some(self.clock.now())).await?;
        info!(
            status = status.word(),
            records = counts.records,
            changed = counts.changed,
            rejected = counts.rejected,
            "run ended"
        );
        Ok(Report::new(run, status, counts, warnings))
    }

    /// Whether a surveyed delivery may be taken in now: with what there is to tell of its place, or the fault that holds it.
    async fn weigh(
        &self,
        run: &Run,
        order: &Order,
        surveyed: Result<(Arc<Mapping>, Survey), Fault>,
    ) -> Result<Result<(Option<Fault>, (Arc<Mapping>, Survey)), Fault>, RunError> {
        let place = match self.place_in_time(run, order.only.as_ref()).await? {
            // Whoever runs it whole again was told to.
            Err(fault) if order.again && (order.only.is_none() || order.corrects.is_some()) => {
                Ok(Some(fault))
            }
            place => place.map(|same| same.filter(|_| !order.again)),
        };
        let (warning, found) = match place.and_then(|warning| Ok((warning, surveyed?))) {
            Ok(weighed) => weighed,
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(match self.guard(run, &found.1, order.guards()).await? {
            Some(fault) => Err(fault),
            None => Ok((warning, found)),
        })
    }

    /// Takes in a delivery that is not held.
    async fn take_in(
        &self,
        (run, delivery): (&Run, &Delivery),
        terms: Terms,
        (mapping, mut survey): (Arc<Mapping>, Survey),
        warning: Option<Fault>,
        progress: &dyn Progress,
    ) -> Result<(Status, Counts, Warnings), RunError> {
        let Envelope { created, creation_unread, .. } = &survey.envelope;
        let unordered = run.created.is_empty() && (*creation_unread || !created.is_empty());
        let (first_load, made_before) = (terms.first_load, terms.made_before);
        let correction = terms.only.as_ref().is_some_and(|refused| refused.records.is_none());
        if correction {
            // Its trailer says what the whole held.
            survey.totals.clear();
        }
        let mut intake = Intake::new(self, (run.id, terms), delivery, Arc::clone(&mapping), &mut survey);
        let mut reader = Box::new(Reader::new(Arc::clone(&self.canon), mapping, survey, day_of(delivery)));
        if let Some(fault) = warning {
            reader.warnings.fault(&fault);
        }
        if correction {
            reader.warnings.add(Code::Correction, None, 0);
        }
        if unordered {
            reader.warnings.add(Code::UnknownCreation, None, 0);
        }
        let (mut counts, reader) = self.process(&mut intake, reader, progress).await?;
        // What could not be read at all has nothing to be read from.
        if first_load && !reader.emitters.is_empty() {
            counts.add(&self.announce_load(&mut intake, &reader, made_before + counts.persons).await?);
        }
        let status = if counts.rejected > 0 { Status::DoneWithRejects } else { Status::Done };
        Ok((status, counts, reader.warnings))
    }

    /// Waits for the turn.
    async fn turn(&self, progress: &dyn Progress) -> Result<Turn, StoreError> {
        if let Some(turn) = self.store.turn().await? {
            return Ok(turn);
        }
        info!("another run has the turn");
        progress.waits();
        loop {
            tokio::time::sleep(TURN_POLL).await;
            if let Some(turn) = self.store.turn().await? {
                return Ok(turn);
            }
        }
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
            snapshot: false,
            first_load: false,
            flow: String::new(),
            fingerprint: 0,
        }
    }

    async fn choose(
        &self,
        delivery: &Delivery,
        named: Option<&str>,
    ) -> Result<Result<Arc<Mapping>, Fault>, RunError> {
        if let Some(name) = named {
            return Ok(self.catalogue.asked(&delivery.source, name));
        }
        let (archive, digest) = (Arc::clone(&self.archive), delivery.digest);
        let head = tokio::task::spawn_blocking(move || read_head(archive.as_ref(), digest))
            .await?
            .map_err(RunError::Archive)?;
        let chosen = self.formats.probe(&head);
        Ok(chosen
            .and_then(|probe| self.catalogue.choose(&delivery.source, &probe, delivery.filename.as_deref())))
    }

    /// Cuts the whole delivery once without decoding it; where there are guards, they look on.
    async fn survey(
        &self,
        delivery: &Delivery,
        mapping: &Arc<Mapping>,
        guards: Guards,
    ) -> Result<Result<Survey, Fault>, RunError> {
        let (archive, formats) = (Arc::clone(&self.archive), Arc::clone(&self.formats));
        let (digest, cut_by) = (delivery.digest, Arc::clone(mapping));
        let (onlooker, shown) = mpsc::channel(1);
        let work = move || {
            let open = || archive.open(digest);
            survey::survey(formats.as_ref(), &open, &cut_by, &onlooker).map_err(RunError::Archive)
        };
        let surveyed = tokio::task::spawn_blocking(work);
        let look = self.look(delivery.id, mapping, guards, shown).await?;
        Ok(surveyed.await??.map(|survey| Survey { look, ..survey }))
    }
}

/// What the mapping and the survey tell of a run.
fn describe(run: &mut Run, mapping: &Mapping, survey: &Survey, order: &Order) {
    mapping.flow().clone_into(&mut run.flow);
    run.fingerprint = mapping.fingerprint;
    if believable(&survey.envelope.created, &order.delivery) {
        run.created.clone_from(&survey.envelope.created);
    }
    run.emitter.clone_from(&survey.emitter);
    run.snapshot = survey.envelope.snapshot && order.only.is_none();
}

/// Whether a run took the same bytes in by this mapping; by any, when none recognises them now.
fn already(run: &Run, mapping: &str) -> bool {
    run.took_in() && (mapping.is_empty() || mapping.split('@').next() == Some(run.kind()))
}

fn read_head(archive: &dyn Archive, digest: crate::delivery::Digest) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    archive.open(digest)?.take(64 << 10).read_to_end(&mut head)?;
    Ok(head)
}

/// What a delivery says of itself, with its day of arrival where it does not.
fn valid_at(envelope: &Envelope, delivery: &Delivery) -> String {
    let arrived = day_of(delivery);
    envelope.reference.clone().filter(|date| *date <= arrived).unwrap_or(arrived)
}

/// The day a delivery came, `YYYY-MM-DD`.
fn day_of(delivery: &Delivery) -> String {
    delivery.received_at.to_string().chars().take(10).collect()
}

fn origin_of(delivery: &Delivery, mapping: &Mapping, envelope: &Envelope) -> Origin {
    Origin {
        source: CompactString::from(&delivery.source),
        emitter: CompactString::default(),
        delivery: delivery.id,
        record: 0,
        line: 0,
        mapping: mapping.name().into(),
        valid_at: valid_at(envelope, delivery).into(),
    }
}
