//! Looks a delivery through before anything of it is applied, for what makes it wait for a person.
//!
//! The surveyed delivery enters; the fault of the first guard it does not pass leaves. Only frames that are new or changed are
//! read, as the run will read them; of a flow's first delivery, which has nothing to be compared with, only the first batches.

use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::{HashMap, HashSet};

use crate::canonical::Value;
use crate::code::Code;
use crate::connector::{Decoder, Fault, Frames};
use crate::delivery::Digest;
use crate::event::closes;
use crate::guard::{Figures, Guards};
use crate::mapping::Mapping;
use crate::record::Record;
use crate::statement::{RecordKey, Statement};
use crate::store::{Run, StoreError};

use super::seen::Seen;
use super::survey::Survey;
use super::{Pipeline, RunError};

/// Snapshots before this one that its volume is compared with.
const BEFORE: usize = 5;
/// Runs looked back at for them.
const RUNS: u32 = 50;
/// Batches of a flow's first delivery that are looked through.
const SAMPLE: u64 = 8;

/// What one batch showed.
#[derive(Default)]
struct Glance {
    looked_at: u64,
    refused: u64,
    unknown_codes: u64,
    /// Records that can be known by key, with the keys of claims that state a closed right.
    records: HashMap<RecordKey, HashSet<CompactString>>,
    emitters: HashSet<CompactString>,
}

impl Pipeline {
    /// The guard a delivery does not pass, if any. The caller has the turn.
    pub(super) async fn guard(
        &self,
        (run, digest): (&Run, Digest),
        mapping: &Arc<Mapping>,
        survey: &Survey,
        guards: Guards,
    ) -> Result<Option<Fault>, RunError> {
        if guards == Guards::OFF {
            return Ok(None);
        }
        let runs = self.store.runs_in_flow(&run.source, &run.flow, &run.emitter, RUNS).await?;
        let taken = || runs.iter().filter(|before| before.took_in() && before.delivery != run.delivery);
        let snapshots = taken().filter(|before| before.snapshot && run.snapshot);
        let before = snapshots.map(|before| before.counts.records).take(BEFORE).collect();
        let mut figures = Figures { records: survey.records, before, ..Figures::default() };
        // The cheapest first.
        if let Some(fault) = guards.judge(&figures) {
            return Ok(Some(fault));
        }
        let first = taken().next().is_none();
        self.look_through((run, digest), (mapping, survey), first, &mut figures).await?;
        Ok(guards.judge(&figures))
    }

    async fn look_through(
        &self,
        (run, digest): (&Run, Digest),
        (mapping, survey): (&Arc<Mapping>, &Survey),
        first: bool,
        figures: &mut Figures,
    ) -> Result<(), RunError> {
        let (mut seen, mut emitters, mut count) = (Seen::default(), HashSet::new(), 0);
        let mut batches = self.cut(digest, survey.dialect.clone());
        while let Some(frames) = batches.recv().await {
            count += 1;
            if first && count > SAMPLE {
                return Ok(());
            }
            let hashes: Vec<u64> = frames.frames.iter().map(|frame| mapping.seeded(frame.hash)).collect();
            let known = self.store.known_frames(&run.source, &hashes).await?;
            for frame in &known {
                seen.insert(frame.claim);
                emitters.get_or_insert_with(&frame.emitter, Clone::clone);
            }
            let known: HashSet<u64> = known.iter().map(|frame| frame.hash).collect();
            let glance = self.glance((mapping, &survey.decoder), frames, hashes, known).await?;
            figures.looked_at += glance.looked_at;
            figures.refused += glance.refused;
            figures.unknown_codes += glance.unknown_codes;
            emitters.extend(glance.emitters.iter().cloned());
            if !first {
                figures.closed += self.closed_by(run, &glance, &mut seen).await?;
            }
        }
        let emitters: Vec<String> = emitters.iter().map(ToString::to_string).collect();
        figures.stated = if first { 0 } else { self.store.count_stated(&run.source, &emitters).await? };
        if run.snapshot {
            figures.closed += figures.stated.saturating_sub(seen.count());
        }
        Ok(())
    }

    /// Reads the frames that are not known, on a thread of its own.
    async fn glance(
        &self,
        (mapping, decoder): (&Arc<Mapping>, &Arc<dyn Decoder>),
        frames: Frames,
        hashes: Vec<u64>,
        known: HashSet<u64>,
    ) -> Result<Glance, RunError> {
        let (mapping, decoder) = (Arc::clone(mapping), Arc::clone(decoder));
        let state = self.canon.find("droits.rsa.etat");
        let today: String = self.clock.now().to_string().chars().take(10).collect();
        let work = move || {
            let (mut glance, mut record) = (Glance::default(), Record::default());
            for (frame, hash) in frames.frames.iter().zip(&hashes) {
                if known.contains(hash) && frame.fault.is_none() {
                    continue;
                }
                glance.looked_at += 1;
                let bytes = frames.bytes_of(frame);
                if frame.fault.is_some() || decoder.decode(bytes, &mut record).is_err() {
                    glance.refused += 1;
                    continue;
                }
                glance.see(&mapping, &record, state, &today);
            }
            glance
        };
        Ok(tokio::task::spawn_blocking(work).await?)
    }

    /// How many rights of a batch were not closed so far; notes which claims it states.
    async fn closed_by(&self, run: &Run, glance: &Glance, seen: &mut Seen) -> Result<u64, StoreError> {
        let records: Vec<RecordKey> = glance.records.keys().cloned().collect();
        let state = self.canon.find("droits.rsa.etat");
        let mut closed = 0;
        for statement in self.store.statements_of(&run.source, &records).await? {
            if let Some(claim) = statement.id {
                seen.insert(claim);
            }
            let record = (statement.emitter.clone(), statement.record_key.clone());
            let closes_it = glance.records.get(&record).is_some_and(|keys| keys.contains(&statement.key));
            closed += u64::from(closes_it && is_open(&statement, state));
        }
        Ok(closed)
    }
}

impl Glance {
    fn see(
        &mut self,
        mapping: &Mapping,
        record: &Record,
        state: Option<crate::canonical::FieldId>,
        today: &str,
    ) {
        let Ok(mapped) = mapping.map(record, today) else {
            self.refused += 1;
            if let Some(key) = mapping.identify(record) {
                self.records.entry(key).or_default();
            }
            return;
        };
        let unknown = mapped.remarks.iter().any(|remark| remark.code == Code::UnknownCode);
        self.unknown_codes += u64::from(unknown);
        self.emitters.get_or_insert_with(&mapped.emitter, Clone::clone);
        let closed = |claim: &&crate::claim::Claim| {
            state.and_then(|field| claim.get(field)).and_then(Value::as_text).is_some_and(closes)
        };
        let keys = mapped.claims.iter().filter(closed).map(|claim| claim.key.clone());
        self.records.entry((mapped.emitter.clone(), mapped.key.clone())).or_default().extend(keys);
    }
}

/// Whether a claim states a right that is not closed.
fn is_open(statement: &Statement, state: Option<crate::canonical::FieldId>) -> bool {
    let stated = state.and_then(|field| statement.stated.get(field));
    !statement.absent && stated.and_then(|(value, _)| value.as_text()).is_some_and(|state| !closes(state))
}
