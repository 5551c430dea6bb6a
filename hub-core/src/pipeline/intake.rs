//! What one run carries from batch to batch: the reading of frames into mapped records, and what settling them needs.

use std::collections::BTreeSet;
use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::{HashMap, HashSet};

use crate::canonical::{Canon, FieldValues};
use crate::claim::{Mapped, Refusal};
use crate::code::Code;
use crate::connector::{Decoder, Dialect, Frame, Frames};
use crate::delivery::{Delivery, Digest, RunId};
use crate::mapping::Mapping;
use crate::record::Record;
use crate::referential::Checks;
use crate::reject::{Reject, Stage};
use crate::statement::{Origin, RecordKey, Statement};
use crate::store::{Commit, KnownFrame};

use super::context::{Context, Grounds};
use super::mapped::MappedRecord;
use super::pairing::Told;
use super::recognised::Recognised;
use super::repeated::Repeated;
use super::report::Warnings;
use super::seen::Seen;
use super::survey::Survey;
use super::unread::Unread;
use super::{Pipeline, Refused, origin_of};

/// Longest original text kept with a refused record, in bytes.
const ORIGINAL_BYTES: usize = 64 << 10;

/// How a delivery is to be taken in.
pub(super) struct Terms {
    /// The records to process; all when left out.
    pub only: Option<Refused>,
    /// Persons it makes are not announced one by one.
    pub first_load: bool,
    /// Persons made by the same first load before it was interrupted.
    pub made_before: u64,
}

/// The state of one run that commits share.
pub(super) struct Intake {
    pub run: RunId,
    pub digest: Digest,
    pub mapping: Arc<Mapping>,
    /// How its bytes are read.
    pub dialect: Dialect,
    pub records: u64,
    pub snapshot: bool,
    /// Batches committed.
    pub checkpoint: u64,
    /// Records stated twice.
    pub repeated: Repeated,
    /// What the store knew of its frames before the run began.
    pub recognised: Recognised,
    /// Claims the run has rewritten since.
    rewritten: Seen,
    /// What there is to tell of records already written.
    pub told: Warnings,
    /// Records left for the end, by number: an identifier of theirs may be new because another is gone.
    pub left: BTreeSet<u64>,
    /// The delivery is at its end: nothing waits any more.
    pub ended: bool,
    /// It should say who is absent, and cannot.
    pub unjudged: bool,
    pub terms: Terms,
    unread: Unread,
    pub origin: Origin,
    pub at: jiff::Timestamp,
}

/// The part that reads, a batch ahead of the commits and on a thread of its own.
pub(super) struct Reader {
    pub warnings: Warnings,
    pub seen: Seen,
    pub emitters: BTreeSet<CompactString>,
    /// Records that could not be read far enough to know which they are.
    pub unreadable: u64,
    /// The trailer announces more records than there are.
    incomplete: bool,
    batches: u64,
    mapping: Arc<Mapping>,
    decoder: Arc<dyn Decoder>,
    record: Record,
    checks: Checks,
    canon: Arc<Canon>,
    /// The day the delivery came.
    today: String,
}

/// A frame left unread, because a claim bears its hash.
struct Skipped {
    claim: i64,
    /// Its place in the batch.
    at: usize,
}

/// A batch of frames, read.
#[derive(Default)]
pub(super) struct ReadBatch {
    /// Its number among those of the run, from 1.
    pub number: u64,
    frames: Frames,
    hashes: Vec<u64>,
    skipped: Vec<Skipped>,
    /// The claims stated again unchanged, each with the number of the last record that does.
    pub restated: HashMap<i64, u64>,
    pub mapped: Vec<MappedRecord>,
    pub rejects: Vec<Reject>,
    /// Refused records that are known by key: what they stated before is not absent.
    pub refused: Vec<RecordKey>,
    /// What can be read of the persons of refused records, with their emitter: known by another key, they are not absent either.
    pub glimpsed: Vec<(CompactString, FieldValues)>,
    pub records: u64,
    pub unchanged: u64,
}

impl ReadBatch {
    /// The same records as a batch of its own: they were counted when they were first read.
    pub fn again(self, number: u64) -> Self {
        Self { number, mapped: self.mapped, ..Self::default() }
    }
}

impl Intake {
    pub fn new(
        pipeline: &Pipeline,
        (run, terms): (RunId, Terms),
        delivery: &Delivery,
        mapping: Arc<Mapping>,
        survey: &mut Survey,
    ) -> Self {
        Self {
            run,
            digest: delivery.digest,
            origin: origin_of(delivery, &mapping, &survey.envelope),
            at: pipeline.clock.now(),
            mapping,
            dialect: survey.dialect.clone(),
            records: survey.records,
            unread: survey.unread.clone(),
            // Nothing is judged absent from a part.
            snapshot: survey.envelope.snapshot && terms.only.is_none(),
            checkpoint: 0,
            repeated: Repeated::of(std::mem::take(&mut survey.hashes)),
            recognised: survey.look.take().map(|look| look.recognised).unwrap_or_default(),
            rewritten: Seen::default(),
            told: Warnings::default(),
            left: BTreeSet::new(),
            ended: false,
            unjudged: false,
            terms,
        }
    }

    pub fn context<'c>(&'c self, pipeline: &'c Pipeline) -> Context<'c> {
        let refused_by = self.terms.only.as_ref().map(|refused| refused.by);
        let grounds = Grounds {
            canon: &pipeline.canon,
            precedence: &pipeline.precedence,
            identity: &pipeline.identity,
            policy: &pipeline.policy,
            origin: &self.origin,
            at: self.at,
            first_load: self.terms.first_load,
            may_leave: !self.ended && refused_by.is_none(),
            unjudged: self.unjudged,
        };
        let (mapping, unread, repeated) = (&self.mapping, &self.unread, &self.repeated);
        Context { grounds, mapping, run: self.run, unread, repeated, refused_by }
    }

    /// Notes a commit that was written.
    pub fn keep(&mut self, commit: Arc<Commit>, (told, left): (Vec<Told>, Vec<u64>)) -> Arc<Commit> {
        self.checkpoint = commit.checkpoint;
        self.left.extend(left);
        commit.rewritten().for_each(|claim| self.rewritten.insert(claim));
        for (code, record) in told {
            self.told.add(code, None, record);
        }
        commit
    }

    /// What is known of the next frames without asking, and still so.
    pub fn recognise(&mut self, frames: &Frames) -> Vec<KnownFrame> {
        let hashes: Vec<u64> = frames.frames.iter().map(|frame| self.mapping.seeded(frame.hash)).collect();
        let mut known = self.recognised.next(&hashes);
        known.retain(|frame| !self.rewritten.contains(frame.claim));
        known
    }

    /// Leaves the frames to process.
    pub fn choose(&self, frames: &mut Frames) {
        let only = self.terms.only.as_ref().and_then(|refused| refused.records.as_ref());
        if let Some(records) = only {
            frames.frames.retain(|frame| records.contains(&frame.position.number));
        }
    }
}

impl Reader {
    pub fn new(canon: Arc<Canon>, mapping: Arc<Mapping>, survey: Survey, today: String) -> Self {
        let mut warnings = Warnings::default();
        for total in survey.totals.iter().filter(|total| **total != Some(survey.records)) {
            let announced = total.map_or_else(|| "no number".to_owned(), |total| total.to_string());
            warnings.detail(Code::ControlTotal, &format!("announced {announced}, read {}", survey.records));
        }
        if !survey.unread_columns.is_empty() {
            let columns: Vec<String> = survey.unread_columns.iter().map(|name| format!("`{name}`")).collect();
            warnings.detail(Code::UnreadColumns, &columns.join(", "));
        }
        if survey.of_windows {
            warnings.detail(Code::ReadAsWindows, "expected UTF-8, found no letter in it");
        }
        if survey.records == 0 {
            warnings.detail(Code::EmptyDelivery, "no record, in a delivery of changes: nothing changed");
        }
        let incomplete = survey.totals.iter().any(|total| *total > Some(survey.records));
        Self {
            warnings,
            incomplete,
            seen: Seen::default(),
            emitters: BTreeSet::new(),
            unreadable: 0,
            batches: 0,
            mapping,
            decoder: survey.decoder,
            record: Record::default(),
            checks: Checks::over(&canon),
            canon,
            today,
        }
    }

    /// Whether what it has not read may be there all the same.
    pub fn is_in_doubt(&self) -> bool {
        self.unreadable > 0 || self.incomplete
    }

    pub fn source(&self) -> &str {
        &self.mapping.source
    }

    pub fn seeded(&self, hash: u64) -> u64 {
        self.mapping.seeded(hash)
    }

    pub fn saw(&mut self, known: &[KnownFrame]) {
        for frame in known {
            self.seen.insert(frame.claim);
            if !self.emitters.contains(&frame.emitter) {
                self.emitters.insert(frame.emitter.clone());
            }
        }
    }

    /// Claims that are not absent although nothing was read of them.
    pub fn protect(&mut self, statements: &[Statement]) {
        for claim in statements.iter().filter_map(|statement| statement.id) {
            self.seen.insert(claim);
        }
    }

    /// Decodes and maps the frames that are not known.
    pub fn read(&mut self, frames: Frames, hashes: Vec<u64>, known: &[KnownFrame]) -> ReadBatch {
        let mut claims: HashMap<u64, Vec<i64>> = HashMap::with_capacity(known.len());
        for frame in known {
            claims.entry(frame.hash).or_default().push(frame.claim);
        }
        self.batches += 1;
        let (number, records) = (self.batches, frames.frames.len() as u64);
        let mut batch = ReadBatch { number, records, ..ReadBatch::default() };
        for (at, (frame, hash)) in frames.frames.iter().zip(&hashes).enumerate() {
            match claims.get(hash).filter(|_| frame.fault.is_none()) {
                Some(claims) => {
                    batch.unchanged += 1;
                    batch.skipped.extend(claims.iter().map(|claim| Skipped { claim: *claim, at }));
                }
                None => self.read_one(frame, frames.bytes_of(frame), *hash, &mut batch),
            }
        }
        (batch.frames, batch.hashes) = (frames, hashes);
        batch
    }

    /// Ends a batch: reads the frames whose claims were rewritten since they were looked up (a file may state a record twice),
    /// notes which record restates which claim, and lets the bytes go.
    pub fn read_after_all(&mut self, batch: &mut ReadBatch, rewritten: &HashSet<i64>) {
        let overtaken = batch.skipped.iter().filter(|skipped| rewritten.contains(&skipped.claim));
        let overtaken: BTreeSet<usize> = overtaken.map(|skipped| skipped.at).collect();
        batch.unchanged -= overtaken.len() as u64;
        let (frames, hashes) = (std::mem::take(&mut batch.frames), std::mem::take(&mut batch.hashes));
        for skipped in std::mem::take(&mut batch.skipped) {
            if let Some(frame) = frames.frames.get(skipped.at).filter(|_| !overtaken.contains(&skipped.at)) {
                batch.restated.insert(skipped.claim, frame.position.number);
            }
        }
        for at in overtaken {
            if let (Some(frame), Some(hash)) = (frames.frames.get(at), hashes.get(at)) {
                self.read_one(frame, frames.bytes_of(frame), *hash, batch);
            }
        }
        batch.mapped.sort_by_key(|record| record.position.number);
    }

    fn read_one(&mut self, frame: &Frame, bytes: &[u8], hash: u64, batch: &mut ReadBatch) {
        let decoded = match &frame.fault {
            Some(fault) => Err(fault.clone()),
            None => self.decoder.decode(bytes, &mut self.record),
        };
        if let Err(fault) = decoded {
            self.unreadable += 1;
            batch.rejects.push(reject(frame, bytes, Stage::Decode, fault.code, None, fault.detail));
            return;
        }
        match self.mapping.map(&self.record, &self.today) {
            Ok(mapped) => {
                self.emitters.insert(mapped.emitter.clone());
                for remark in &mapped.remarks {
                    self.warnings.add(remark.code, remark.field, frame.position.number);
                }
                self.doubt(&mapped, frame.position.number);
                let hash = mapped.remarks.is_empty().then_some(hash);
                batch.mapped.push(MappedRecord {
                    position: frame.position,
                    hash,
                    mapped,
                    earlier: Vec::new(),
                });
            }
            Err(refusal) => self.refuse(frame, bytes, refusal, batch),
        }
    }

    /// Tells what there is to doubt of a record. Its values are as stated, so it is known again by its hash all the same.
    fn doubt(&mut self, mapped: &Mapped, record: u64) {
        for claim in &mapped.claims {
            for doubt in self.checks.doubts(&claim.fields) {
                self.warnings.add(doubt.code, Some(doubt.field), record);
            }
        }
    }

    fn refuse(&mut self, frame: &Frame, bytes: &[u8], refusal: Refusal, batch: &mut ReadBatch) {
        match self.mapping.identify(&self.record) {
            Some(record) => {
                let persons = self.mapping.glimpse(&self.record, &self.today);
                batch.glimpsed.extend(persons.into_iter().map(|person| (record.0.clone(), person)));
                batch.refused.push(record);
            }
            None => self.unreadable += 1,
        }
        let field = refusal.field.map(|id| self.canon.field(id).path.clone());
        let detail = format!("{} ({}:{})", refusal.code.entry().en.title, self.mapping.id, refusal.rule_line);
        batch.rejects.push(reject(frame, bytes, Stage::Map, refusal.code, field, detail));
    }
}

fn reject(
    frame: &Frame,
    bytes: &[u8],
    stage: Stage,
    code: Code,
    field: Option<String>,
    detail: String,
) -> Reject {
    let original = bytes.get(..ORIGINAL_BYTES.min(bytes.len())).unwrap_or_default().to_vec();
    Reject { position: frame.position, stage, code, field, detail, original }
}
