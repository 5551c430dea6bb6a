//! Looks a delivery through before anything of it is applied, for what makes it wait for a person.
//!
//! Frames the survey shows enter; the fault of the first guard the delivery does not pass leaves. Only frames that are new or
//! changed are read, as the run will read them; of a flow's first delivery, which has nothing to be compared with, only the first
//! thousands.

use std::sync::Arc;

use compact_str::CompactString;
use hashbrown::{HashMap, HashSet};
use tokio::sync::mpsc::Receiver;

use crate::canonical::{FieldId, Value};
use crate::code::Code;
use crate::connector::{Decoder, Fault, Frames};
use crate::delivery::DeliveryId;
use crate::event::closes;
use crate::guard::{Figures, Guards};
use crate::mapping::Mapping;
use crate::record::Record;
use crate::statement::{RecordKey, Statement};
use crate::store::{Run, StoreError};

use super::look::Look;
use super::place::RECENT_RUNS;
use super::seen::Seen;
use super::survey::{Shown, Survey};
use super::{Pipeline, RunError};

/// Snapshots before this one that its volume is compared with.
const BEFORE: usize = 5;

/// What one batch showed.
#[derive(Default)]
struct Glance {
    figures: Figures,
    /// Records that can be known by key, with the keys of claims that state a closed right.
    records: HashMap<RecordKey, HashSet<CompactString>>,
    emitters: HashSet<CompactString>,
}

impl Pipeline {
    /// Looks on while a delivery is surveyed, unless there is no guard. The caller has the turn.
    pub(super) async fn look(
        &self,
        delivery: DeliveryId,
        mapping: &Arc<Mapping>,
        guards: Guards,
        mut shown: Receiver<Shown>,
    ) -> Result<Option<Look>, RunError> {
        if !guards.any() {
            return Ok(None);
        }
        let mut look = None;
        while let Some(shown) = shown.recv().await {
            match (shown, &mut look) {
                (Shown::Begins { decoder, emitter }, look) => {
                    let (source, flow) = (&mapping.source, mapping.flow());
                    let runs = self.store.runs_in_flow(source, flow, &emitter, RECENT_RUNS).await?;
                    *look = Some(Look::new(delivery, runs, decoder));
                }
                (Shown::Frames(frames), Some(look)) if !look.is_over() => {
                    self.look_at(look, mapping, frames).await?;
                }
                (Shown::Frames(_), _) => {}
            }
        }
        Ok(look)
    }

    /// The guard a delivery does not pass, if any.
    pub(super) async fn guard(
        &self,
        run: &Run,
        survey: &Survey,
        guards: Guards,
    ) -> Result<Option<Fault>, StoreError> {
        let Some(look) = &survey.look else { return Ok(None) };
        let before = look.runs.iter().filter(|before| before.took_in() && before.delivery != run.delivery);
        let snapshots = before.filter(|before| before.snapshot && run.snapshot);
        let before = snapshots.map(|before| before.counts.records).take(BEFORE).collect();
        let mut figures = Figures { records: survey.records, before, ..look.figures.clone() };
        // Counting reads all they state: not for a few records that could not close a share of it.
        let could_close = run.snapshot || guards.judges_closures(figures.closed);
        if !look.first && could_close {
            let emitters: Vec<String> = look.emitters.iter().map(ToString::to_string).collect();
            figures.stated = self.store.count_stated(&run.source, &emitters).await?;
        }
        if run.snapshot {
            figures.closed += figures.stated.saturating_sub(look.seen.count());
        }
        Ok(guards.judge(&figures))
    }

    /// Looks at the frames of a batch that are new or changed.
    async fn look_at(&self, look: &mut Look, mapping: &Arc<Mapping>, frames: Frames) -> Result<(), RunError> {
        let hashes: Vec<u64> = frames.frames.iter().map(|frame| mapping.seeded(frame.hash)).collect();
        let known = self.store.known_frames(&mapping.source, &hashes).await?;
        for frame in &known {
            look.seen.insert(frame.claim);
            look.emitters.get_or_insert_with(&frame.emitter, Clone::clone);
        }
        look.recognised.note(&hashes, &known);
        let known: HashSet<u64> = known.iter().map(|frame| frame.hash).collect();
        let glance = self.glance((mapping, &look.decoder), frames, hashes, known).await?;
        look.figures.looked_at += glance.figures.looked_at;
        look.figures.refused += glance.figures.refused;
        look.figures.unknown_codes += glance.figures.unknown_codes;
        look.emitters.extend(glance.emitters.iter().cloned());
        if !look.first {
            look.figures.closed += self.closed_by(&mapping.source, &glance, &mut look.seen).await?;
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
                glance.figures.looked_at += 1;
                let bytes = frames.bytes_of(frame);
                if frame.fault.is_some() || decoder.decode(bytes, &mut record).is_err() {
                    glance.figures.refused += 1;
                    continue;
                }
                glance.see(&mapping, &record, state, &today);
            }
            glance
        };
        Ok(tokio::task::spawn_blocking(work).await?)
    }

    /// How many rights of a batch were not closed so far; notes which claims it states.
    async fn closed_by(&self, source: &str, glance: &Glance, seen: &mut Seen) -> Result<u64, StoreError> {
        let records: Vec<RecordKey> = glance.records.keys().cloned().collect();
        let state = self.canon.find("droits.rsa.etat");
        let mut closed = 0;
        for statement in self.store.statements_of(source, &records).await? {
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
    fn see(&mut self, mapping: &Mapping, record: &Record, state: Option<FieldId>, today: &str) {
        let Ok(mapped) = mapping.map(record, today) else {
            self.figures.refused += 1;
            if let Some(key) = mapping.identify(record) {
                self.records.entry(key).or_default();
            }
            return;
        };
        let unknown = mapped.remarks.iter().any(|remark| remark.code == Code::UnknownCode);
        self.figures.unknown_codes += u64::from(unknown);
        self.emitters.get_or_insert_with(&mapped.emitter, Clone::clone);
        let closed = |claim: &&crate::claim::Claim| {
            state.and_then(|field| claim.get(field)).and_then(Value::as_text).is_some_and(closes)
        };
        let keys = mapped.claims.iter().filter(closed).map(|claim| claim.key.clone());
        self.records.entry((mapped.emitter.clone(), mapped.key.clone())).or_default().extend(keys);
    }
}

/// Whether a claim states a right that is not closed.
fn is_open(statement: &Statement, state: Option<FieldId>) -> bool {
    let stated = state.and_then(|field| statement.stated.get(field));
    !statement.absent && stated.and_then(|(value, _)| value.as_text()).is_some_and(|state| !closes(state))
}
