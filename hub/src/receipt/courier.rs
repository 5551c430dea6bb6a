//! The courier: brings receipts back to sources that want them, to the place the delivery was fetched from or to an address.
//!
//! What is owed is noted when a delivery is acknowledged, and struck out once its last receipt was taken; a receipt that cannot be
//! brought is tried again, later each time, and operators are told, once until one arrives at its place again. A held delivery is
//! told as such, and again when it was decided of.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use connectors::transport::http::post;
use hub_core::code::Code;
use hub_core::delivery::DeliveryId;
use hub_core::disposition::{Disposition, wait_after};
use hub_core::ledger::Book;
use hub_core::pipeline::Pipeline;
use hub_core::store::StoreError;
use hub_core::transport::TransportError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tracing::{info, warn};
use uuid::Uuid;

use super::{ReceiptError, Summary, csv, json, refused};
use crate::notice::notify;
use crate::pull::places::Places;
use crate::sources::{Pull, Sources};

/// Receipts owed, by delivery.
pub const OWED: Book<Owed> = Book::named("receipt");
/// Sources whose receipts cannot be brought, of which operators were told: since when.
const UNBROUGHT: Book<Timestamp> = Book::named("unbrought");
/// How often receipts owed are looked for when nobody says that a run has ended.
const IDLE: Duration = Duration::from_secs(5);
/// Receipts owed that are read at once.
const PAGE: u32 = 1_000;
/// What a place refuses is tried again after this long, then twice, thrice.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// Longest wait between two tries: a due date further off was noted by a clock that was ahead.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A receipt owed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owed {
    /// The pull the delivery was fetched by.
    pub pull: Option<String>,
    /// The state last told.
    pub told: Option<String>,
    /// Tries that failed since.
    pub tries: u32,
    /// Not before.
    pub due: Option<Timestamp>,
}

/// The driver and what it needs.
pub struct Courier {
    /// The stages and their adapters.
    pub pipeline: Arc<Pipeline>,
    /// Who wants receipts, and where.
    pub sources: Arc<Sources>,
    /// Their places.
    pub places: Arc<Places>,
    /// Told when a run has ended.
    pub ended: Arc<Notify>,
}

/// A receipt that was not brought.
#[derive(Debug, thiserror::Error)]
enum CourierError {
    #[error(transparent)]
    Place(#[from] TransportError),
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error(transparent)]
    Refused(#[from] refused::RefusedError),
}

impl CourierError {
    fn code(&self) -> Code {
        match self {
            Self::Place(error) => error.code,
            Self::Receipt(ReceiptError::Store(error)) => error.code(),
            Self::Receipt(ReceiptError::Io(_)) | Self::Refused(refused::RefusedError::Io(_)) => {
                Code::ArchiveFailed
            }
            Self::Refused(refused::RefusedError::Fault(fault)) => fault.code,
        }
    }
}

/// The files of a receipt, each with its name.
struct Files(Vec<(String, Vec<u8>)>);

impl Courier {
    /// Brings receipts, for ever.
    pub async fn run(&self) {
        loop {
            let ended = self.ended.notified();
            if let Err(error) = self.round().await {
                warn!(code = %error.code(), %error, "the receipts owed cannot be read");
            }
            let _ = tokio::time::timeout(IDLE, ended).await;
        }
    }

    /// Brings what is due now. A source whose place does not answer is left alone until the next round: the others need not wait.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn round(&self) -> Result<(), StoreError> {
        let store = self.pipeline.store.as_ref();
        let (mut after, mut away) = (String::new(), HashSet::new());
        loop {
            let page = OWED.page(store, &after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for (entry, owed) in page {
                self.visit(&entry, &owed, &mut away).await?;
            }
        }
    }

    async fn visit(&self, entry: &str, owed: &Owed, away: &mut HashSet<String>) -> Result<(), StoreError> {
        let (store, now) = (self.pipeline.store.as_ref(), self.pipeline.clock.now());
        let latest = now.checked_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX);
        if owed.due.is_some_and(|due| due > now && due <= latest) {
            return Ok(());
        }
        let Ok(id) = entry.parse::<Uuid>() else { return Ok(()) };
        let Some(summary) = Summary::of(store, DeliveryId(id)).await? else { return Ok(()) };
        let told = owed.told.as_deref() == Some(summary.state());
        if !summary.is_final() || told || away.contains(&summary.delivery.source) {
            return Ok(());
        }
        if !self.bring(entry, &summary, owed).await? {
            away.insert(summary.delivery.source);
        }
        Ok(())
    }

    /// Brings one receipt; false when its place does not answer, so that no other need be tried there now.
    async fn bring(&self, entry: &str, summary: &Summary, owed: &Owed) -> Result<bool, StoreError> {
        let (store, source) = (self.pipeline.store.as_ref(), &summary.delivery.source);
        let told = Some(summary.state().to_owned());
        let (next, answers) = match self.everywhere(summary, owed).await {
            Ok(()) => {
                UNBROUGHT.erase(store, source).await?;
                // It may still be decided of.
                let held = summary.state() == "retenue";
                (held.then(|| Owed { told, tries: 0, due: None, ..owed.clone() }), true)
            }
            Err(error) => {
                let (tries, code) = (owed.tries.saturating_add(1), error.code());
                let hopeless = Disposition::of(code) != Disposition::Retry;
                // What a person puts right is seen within minutes, then hours.
                let wait = if hopeless { (FIRST_WAIT * tries).min(LONGEST_WAIT) } else { wait_after(tries) };
                warn!(delivery = entry, %code, %error, tries, "a receipt was not brought; tried again later");
                if owed.tries == 0 {
                    self.tell(source, entry, &error).await?;
                }
                let due = self.pipeline.clock.now().checked_add(wait).ok();
                (Some(Owed { tries, due, ..owed.clone() }), hopeless)
            }
        };
        match next {
            Some(next) => OWED.change(store, entry, |_| next.clone()).await.map(|_| answers),
            None => OWED.erase(store, entry).await.map(|()| answers),
        }
    }

    /// Tells operators that a source's receipts do not arrive, unless they know.
    async fn tell(&self, source: &str, entry: &str, error: &CourierError) -> Result<(), StoreError> {
        let (store, clock) = (self.pipeline.store.as_ref(), self.pipeline.clock.as_ref());
        if UNBROUGHT.read(store, source).await?.is_some() {
            return Ok(());
        }
        let detail =
            format!("the receipt of delivery {entry} could not be brought, and is tried again: {error}");
        notify(store, clock, source, (error.code(), &detail)).await?;
        UNBROUGHT.claim(store, source, &clock.now()).await.map(|_| ())
    }

    async fn everywhere(&self, summary: &Summary, owed: &Owed) -> Result<(), CourierError> {
        let source = &summary.delivery.source;
        let Some(known) = self.sources.get(source) else { return Ok(()) };
        let pull = owed.pull.as_ref().and_then(|name| Some((name, known.pulls.get(name)?)));
        let pull = pull.filter(|(_, pull)| pull.leave_receipts);
        if known.receipts.is_none() && pull.is_none() {
            return Ok(());
        }
        let files = self.files(summary).await?;
        if let Some((name, pull)) = pull {
            self.leave(source, (name, pull), &files).await?;
        }
        if let Some(callback) = &known.receipts {
            let receipt = files.0.first().map(|(_, receipt)| receipt.clone()).unwrap_or_default();
            post(callback, receipt).await?;
        }
        info!(delivery = %summary.delivery.id, source, state = summary.state(), "receipt brought");
        Ok(())
    }

    async fn leave(
        &self,
        source: &str,
        (name, pull): (&str, &Pull),
        files: &Files,
    ) -> Result<(), TransportError> {
        let place = self.places.of(source, name, pull)?;
        for (name, bytes) in &files.0 {
            place.leave(name, bytes).await?;
        }
        Ok(())
    }

    /// The receipt as JSON and CSV, and the refused records when there are some.
    async fn files(&self, summary: &Summary) -> Result<Files, CourierError> {
        let (store, delivery) = (self.pipeline.store.as_ref(), &summary.delivery);
        let (mut text, mut table) = (Vec::new(), Vec::new());
        json::write(store, summary, &mut text).await?;
        csv::write(store, summary, &mut table).await?;
        let stem = format!("compte-rendu-{}", delivery.id);
        let mut files = vec![(format!("{stem}.json"), text), (format!("{stem}.csv"), table)];
        let numbers = summary.refused_numbers(store).await.map_err(ReceiptError::from)?;
        match self.records(summary, numbers).await {
            Ok(Some(records)) => {
                files.push((refused::name(delivery.filename.as_deref(), delivery.id), records));
            }
            Ok(None) => {}
            // The receipt itself is worth more than nothing.
            Err(error) => {
                warn!(delivery = %delivery.id, code = %error.code(), %error, "refused records not brought");
            }
        }
        Ok(Files(files))
    }

    async fn records(
        &self,
        summary: &Summary,
        numbers: BTreeSet<u64>,
    ) -> Result<Option<Vec<u8>>, CourierError> {
        let kind = summary.run.as_ref().map(hub_core::store::Run::kind).unwrap_or_default();
        let Some(mapping) = self.pipeline.catalogue.named(kind).filter(|_| !numbers.is_empty()) else {
            return Ok(None);
        };
        let (pipeline, digest) = (Arc::clone(&self.pipeline), summary.delivery.digest);
        let write = move || {
            let mut out = Vec::new();
            let (archive, formats) = (pipeline.archive.as_ref(), pipeline.formats.as_ref());
            refused::write((archive, digest), (formats, &mapping.dialect), &numbers, &mut out)?;
            Ok::<_, refused::RefusedError>(out)
        };
        let written = tokio::task::spawn_blocking(write).await;
        let written = written.map_err(|lost| refused::RefusedError::Io(io::Error::other(lost)))?;
        Ok(Some(written?))
    }
}
