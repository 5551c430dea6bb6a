//! A batch on its way from what was read to what is written: the store is asked, the pure stages settle, the commit is sealed and
//! written.
//!
//! A batch is laid out ahead of the one in front; where that one changes what the store answered, it is settled once that is
//! written and the answers it changed are renewed.

use std::sync::Arc;

use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument as _;

use crate::store::{Commit, StoreError};

use super::Pipeline;
use super::batch::{self, Settlement};
use super::intake::{Intake, ReadBatch};
use super::laid::{Laid, Work};
use super::pairing::Told;
use super::repeated::Aside;

/// How often persons a batch brings together are followed to those they bring.
const FURTHER_TRIES: usize = 4;
/// How often a batch is tried again after a concurrent write.
const CONFLICT_TRIES: usize = 5;

/// A batch whose commit is known.
pub(super) struct Settled {
    pub commit: Arc<Commit>,
    /// Records put aside until it is known whether their claims are stated again.
    pub aside: Vec<Aside>,
    pub told: Vec<Told>,
    pub left: Vec<u64>,
}

/// A batch settled ahead of the one in front, or laid out until that one is written.
pub(super) enum Ahead {
    Settled(Settled),
    Laid(Box<Laid>),
}

/// A commit on its way into the store, in a task of its own: it waits for nobody.
pub(super) type Writing = JoinHandle<Result<(), StoreError>>;

/// Waits until a commit is written.
pub(super) async fn ended(writing: &mut Writing) -> Result<(), StoreError> {
    writing.await.map_err(|lost| gone("writing a batch", lost))?
}

fn gone(context: &'static str, lost: JoinError) -> StoreError {
    StoreError::Unreachable { context, source: Box::new(lost) }
}

impl Pipeline {
    /// Settles a batch while the one in front of it is written; lays it out only, when that one changes what this one asked for.
    pub(super) async fn settle_ahead(
        &self,
        intake: &Intake,
        read: Option<&ReadBatch>,
        in_front: Option<&Commit>,
    ) -> Result<Option<Ahead>, StoreError> {
        let Some(read) = read else { return Ok(None) };
        let laid = self.lay(intake, Work::Read(read), &[]).await?;
        if in_front.is_some_and(|commit| laid.is_touched_by(commit)) {
            return Ok(Some(Ahead::Laid(Box::new(laid))));
        }
        self.settle(intake, Work::Read(read), laid).await.map(|settled| Some(Ahead::Settled(settled)))
    }

    /// Settles a batch laid out, now that the one in front of it is written.
    pub(super) async fn settle_laid(
        &self,
        intake: &Intake,
        read: &ReadBatch,
        mut laid: Laid,
        in_front: &Commit,
    ) -> Result<Settled, StoreError> {
        if self.renew(&mut laid, in_front).await? {
            self.settle(intake, Work::Read(read), laid).await
        } else {
            Err(StoreError::Conflict)
        }
    }

    /// Settles while nothing of this run is on its way.
    pub(super) async fn settle_again(&self, intake: &Intake, work: Work<'_>) -> Result<Settled, StoreError> {
        let mut tries = 0;
        loop {
            let laid = self.lay(intake, work, &[]).await;
            let settled = match laid {
                Ok(laid) => self.settle(intake, work, laid).await,
                Err(error) => Err(error),
            };
            match settled {
                Err(StoreError::Conflict) if tries < CONFLICT_TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    pub(super) async fn settle_and_write(
        &self,
        intake: &mut Intake,
        work: Work<'_>,
    ) -> Result<Arc<Commit>, StoreError> {
        let mut tries = 0;
        loop {
            let Settled { commit, told, left, .. } = self.settle_again(intake, work).await?;
            match ended(&mut self.write(&commit)).await {
                Err(StoreError::Conflict) if tries < CONFLICT_TRIES => tries += 1,
                outcome => return outcome.map(|()| intake.keep(commit, (told, left))),
            }
        }
    }

    /// Settles what is laid out; once more, with all it then needs, when persons it brings together bring others.
    async fn settle(&self, intake: &Intake, work: Work<'_>, laid: Laid) -> Result<Settled, StoreError> {
        let (mut laid, mut further, mut tries) = (laid, Vec::new(), 0);
        let (aside, mut settlement) = loop {
            let Laid { mut paired, hand, .. } = laid;
            let aside = std::mem::take(&mut paired.aside);
            let settlement = batch::settle(intake.context(self), paired, hand, &mut || self.clock.mint());
            if settlement.further.is_empty() || tries == FURTHER_TRIES {
                break (aside, settlement);
            }
            further.extend_from_slice(&settlement.further);
            tries += 1;
            laid = self.lay(intake, work, &further).await?;
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
        Ok(Settled { commit: Arc::new(commit), aside, told, left })
    }

    /// Seals a commit on a thread of its own, which takes a core for itself, and writes it.
    pub(super) fn write(&self, commit: &Arc<Commit>) -> Writing {
        let (store, commit) = (Arc::clone(&self.store), Arc::clone(commit));
        let sealer = Arc::clone(&store);
        let write = async move {
            let sealing = tokio::task::spawn_blocking(move || sealer.ready(&commit));
            let ready = sealing.await.map_err(|lost| gone("sealing a batch", lost))?;
            store.write(&ready).await
        };
        tokio::spawn(write.in_current_span())
    }
}
