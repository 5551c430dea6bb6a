//! Receipts (comptes rendus d'intégration): what became of a delivery, for the institution that sent it.
//!
//! A delivery's identifier enters; counts, warnings, every refused record with its place and an explanation in French leave, as JSON
//! or CSV, page by page so that a thousand rejects weigh no more than one. Nothing of a person stands in it.

pub mod courier;
pub mod csv;
pub mod json;
pub mod refused;
mod wording;

use std::collections::BTreeSet;
use std::io;

use hub_core::delivery::{Counts, Delivery, DeliveryId, Status};
use hub_core::reject::Reject;
use hub_core::store::{Run, Store, StoreError};

use crate::decision::{DECISIONS, Decision, Verdict};

/// Rejects read at once.
const PAGE: u32 = 200;

/// A receipt that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive or the place it is written to failed.
    #[error("the receipt could not be written")]
    Io(#[from] io::Error),
}

/// What a receipt begins with.
pub struct Summary {
    /// The delivery.
    pub delivery: Delivery,
    /// The run that counts: the last one, or the last that took it in.
    pub run: Option<Run>,
    /// What a person decided of it.
    pub decision: Option<Decision>,
}

impl Summary {
    /// What is known of a delivery; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(store: &dyn Store, id: DeliveryId) -> Result<Option<Self>, StoreError> {
        let Some(delivery) = store.delivery(id).await? else { return Ok(None) };
        let runs = store.runs_of(id).await?;
        let broken_off = runs.first().is_some_and(|run| run.status == Status::Halted);
        // One that went through it again and broke off takes nothing back.
        let counts = runs.iter().position(|run| broken_off && run.took_in()).unwrap_or_default();
        let run = runs.into_iter().nth(counts);
        let decision = DECISIONS.read(store, &id.to_string()).await?;
        Ok(Some(Self { delivery, run, decision }))
    }

    /// How the delivery stands, in a word of the institution's own language.
    pub fn state(&self) -> &'static str {
        let refused = self.decision.as_ref().is_some_and(|decision| decision.verdict == Verdict::Refused);
        match self.run.as_ref().map(|run| run.status) {
            Some(Status::Held) if refused => "ecartee",
            Some(Status::Held) => "retenue",
            Some(Status::Done | Status::AlreadyReceived) => "integree",
            Some(Status::DoneWithRejects) => "integree_avec_rejets",
            Some(Status::Running) => "en_cours",
            Some(Status::Halted) => "interrompue",
            None => "recue",
        }
    }

    /// Whether it will not change by itself any more.
    pub fn is_final(&self) -> bool {
        matches!(self.state(), "integree" | "integree_avec_rejets" | "retenue" | "ecartee")
    }

    /// What was counted of it; nothing of a delivery that is held, of which nothing was taken in.
    pub fn counts(&self) -> Option<&Counts> {
        self.run.as_ref().filter(|run| run.status != Status::Held).map(|run| &run.counts)
    }

    /// The numbers of its refused records.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refused_numbers(&self, store: &dyn Store) -> Result<BTreeSet<u64>, StoreError> {
        let (mut numbers, mut after) = (BTreeSet::new(), 0);
        loop {
            let page = self.rejects(store, after).await?;
            let Some(last) = page.last() else { return Ok(numbers) };
            after = last.position.number;
            numbers.extend(page.iter().map(|reject| reject.position.number));
        }
    }

    /// The refused records of its run behind the last one seen, a page.
    async fn rejects(&self, store: &dyn Store, after: u64) -> Result<Vec<Reject>, StoreError> {
        match &self.run {
            Some(run) if run.counts.rejected > 0 => store.rejects(run.id, after, PAGE).await,
            _ => Ok(Vec::new()),
        }
    }
}
