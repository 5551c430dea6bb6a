//! Where a delivery stands among those of its emitter: later than all, older than one taken in, or a correction of one.
//!
//! A run and what the store knows of its flow enter; leave to go on, or the fault that holds the delivery.

use std::cmp::Ordering;
use std::io;
use std::sync::Arc;

use crate::code::Code;
use crate::connector::Fault;
use crate::delivery::{Delivery, DeliveryId, Status};
use crate::store::{Run, StoreError};

use super::look::Look;
use super::{Pipeline, Refused, RunError};

/// Runs of a flow looked back at.
pub(super) const RECENT_RUNS: u32 = 50;

impl Pipeline {
    /// When a delivery says it was made, in the form instants are compared in; empty when it does not, or cannot be read. Only its
    /// beginning is.
    ///
    /// # Errors
    /// When the archive fails.
    pub async fn created(&self, delivery: &Delivery, mapping: Option<&str>) -> Result<String, RunError> {
        let Ok(mapping) = self.choose(delivery, mapping).await? else { return Ok(String::new()) };
        let (archive, formats) = (Arc::clone(&self.archive), Arc::clone(&self.formats));
        let digest = delivery.digest;
        let work = move || -> io::Result<String> {
            let opened = formats.open(archive.open(digest)?, &mapping.dialect);
            Ok(opened.map(|opened| mapping.envelope(opened.framer.header()).created).unwrap_or_default())
        };
        let created = tokio::task::spawn_blocking(work).await?.map_err(RunError::Archive)?;
        Ok(if believable(&created, delivery) { created } else { String::new() })
    }

    /// The first run that took in the delivery a correction is of.
    pub(super) async fn corrected(
        &self,
        source: &str,
        corrected: DeliveryId,
    ) -> Result<Result<Refused, Fault>, StoreError> {
        let delivery = self.store.delivery(corrected).await?.filter(|delivery| delivery.source == source);
        let runs = if delivery.is_some() { self.store.runs_of(corrected).await? } else { Vec::new() };
        let first = runs.iter().rfind(|run| run.took_in());
        Ok(first.map(|run| Refused { by: run.id, records: None }).ok_or_else(|| {
            let detail = format!("expected one of `{source}` that was taken in, found `{corrected}`");
            Fault::new(Code::UnknownCorrected, detail)
        }))
    }

    /// Whether the emitter made a later delivery of this kind that was taken in already: this one would undo it. Another one
    /// made at the same instant is worth a warning.
    pub(super) async fn place_in_time(
        &self,
        run: &Run,
        refused: Option<&Refused>,
    ) -> Result<Result<Option<Fault>, Fault>, StoreError> {
        if let Some(refused) = refused {
            return Ok(self.overtaken(run, refused).await?.map_or(Ok(None), Err));
        }
        if run.created.is_empty() {
            return Ok(Ok(None));
        }
        let latest = self.store.latest_created(&run.source, &run.flow, &run.emitter).await?;
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

    /// Persons made by a first load of this flow that was interrupted, `None` when there was none: nobody was told of them yet, so
    /// whatever comes next in the flow goes on as a first load.
    pub(super) async fn untold(&self, run: &Run, look: Option<&Look>) -> Result<Option<u64>, StoreError> {
        let asked;
        let runs = if let Some(look) = look {
            &look.runs
        } else {
            asked = self.store.runs_in_flow(&run.source, &run.flow, &run.emitter, RECENT_RUNS).await?;
            &asked
        };
        let open = runs.iter().filter(|run| run.status != Status::Held);
        let open: Vec<u64> = open
            .take_while(|run| run.first_load && run.stopped_short())
            .map(|run| run.counts.persons)
            .collect();
        Ok((!open.is_empty()).then(|| open.iter().sum()))
    }

    /// A later snapshot has said all there is to say of what an earlier run refused.
    async fn overtaken(&self, run: &Run, refused: &Refused) -> Result<Option<Fault>, StoreError> {
        let latest = self.store.latest_snapshot(&run.source, &run.flow, &run.emitter).await?;
        let Some(latest) = latest.filter(|latest| *latest > refused.by) else { return Ok(None) };
        // The same delivery run again whole is no later word than itself.
        let of = self.store.run(latest).await?.map(|run| run.delivery);
        Ok((of != Some(run.delivery)).then(|| {
            let detail = format!(
                "run {latest} took a whole snapshot in since; what it refused: dlnuf replay rejects {latest}; \
to apply this one all the same: dlnuf replay delivery {}",
                run.delivery
            );
            Fault::new(Code::OlderDelivery, detail)
        }))
    }
}

/// Feeds write local time and clocks differ: a day ahead is still believed, more would block all later deliveries.
pub(super) fn believable(created: &str, delivery: &Delivery) -> bool {
    let tomorrow = delivery.received_at.checked_add(jiff::SignedDuration::from_hours(36));
    tomorrow.is_ok_and(|tomorrow| created < tomorrow.to_string().as_str())
}
