//! Pulls: extracts are fetched from the places institutions offer them at.
//!
//! An offer enters; its bytes leave as deliveries, durable and known, before the place is told that it may forget them. A crash
//! anywhere between fetches the same bytes again, which is no news. One hub at a time looks at a place.

pub mod clockwork;
pub mod places;
pub mod roster;
pub mod standing;

use std::collections::HashSet;
use std::io::Seek as _;
use std::sync::Arc;
use std::time::Duration;

use hub_core::code::Code;
use hub_core::disposition::{Disposition, wait_after};
use hub_core::store::{Store, StoreError};
use hub_core::transport::{Fetched, Offer, Transport, TransportError};
use jiff::Timestamp;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::arrival::{ArrivalError, Arrivals, Received};
use crate::notice::notify;
use crate::receipt::courier::{OWED, Owed};
use crate::sources::{Pull, Sources};
use places::Places;
use standing::{FETCHING, Failure, Look, STANDINGS, Standing, TAKEN, Taken, entry, offer_entry, taken_by};

/// How long a lease on a place lasts, and what came of it waits for more; renewed three times as often, so that a hub that died is
/// followed by another soon.
const LEASE: Duration = Duration::from_secs(15);

/// Fetches from places.
pub struct Puller {
    /// Where what is fetched goes.
    pub arrivals: Arrivals,
    /// The sources.
    pub sources: Arc<Sources>,
    /// Their places.
    pub places: Arc<Places>,
    /// Told when a delivery was acknowledged.
    pub arrived: Arc<Notify>,
    /// Who fetches, for the leases.
    pub holder: Uuid,
}

/// What a look brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brought {
    /// Deliveries, those whose bytes were known included.
    pub deliveries: Vec<hub_core::delivery::DeliveryId>,
    /// Offers set apart, by name, with why.
    pub apart: Vec<(String, Failure)>,
}

/// A look that failed; what came before it did so stays.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The place failed.
    #[error(transparent)]
    Place(#[from] TransportError),
    /// What came could not be kept.
    #[error(transparent)]
    Arrival(ArrivalError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another hub looks at the place now.
    #[error("another hub looks at this place now")]
    Taken,
    /// Somebody paused it.
    #[error("the pull is paused; `dlnuf sources resume` takes it up again")]
    Paused,
}

impl PullError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Place(error) => error.code,
            Self::Arrival(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Taken | Self::Paused => Code::StoreConflict,
        }
    }
}

impl Puller {
    fn store(&self) -> &dyn Store {
        self.arrivals.store.as_ref()
    }

    /// Looks at one place now and fetches what is new there; notes how it went and when it is looked at next.
    ///
    /// # Errors
    /// When place, archive or store fail; it is noted, and tried again as the disposition of the failure says.
    pub async fn look(&self, source: &str, name: &str, pull: &Pull) -> Result<Brought, PullError> {
        let entry = entry(source, name);
        let standing = STANDINGS.read(self.store(), &entry).await?.unwrap_or_default();
        if standing.paused {
            return Err(PullError::Paused);
        }
        let lease = format!("pull:{entry}");
        let held = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
        if !self.store().lease(&lease, self.holder, held).await? {
            return Err(PullError::Taken);
        }
        let mut brought = Brought::default();
        let looked = tokio::select! {
            looked = self.fetch_all(source, name, (pull, &standing), &mut brought) => looked,
            error = self.renew(source, &lease, held) => Err(error.into()),
        };
        FETCHING.erase(self.store(), source).await?;
        self.arrived.notify_one();
        let noted = self.note(source, &entry, pull, (&brought, looked.as_ref().err())).await;
        self.store().lease(&lease, self.holder, 0).await?;
        looked?;
        noted?;
        Ok(brought)
    }

    /// Keeps a lease for ever; ends when it cannot.
    async fn renew(&self, source: &str, lease: &str, held: u64) -> StoreError {
        loop {
            tokio::time::sleep(LEASE / 3).await;
            match self.renewed(source, lease, held).await {
                Ok(true) => {}
                Ok(false) => return StoreError::Conflict,
                Err(error) => return error,
            }
        }
    }

    async fn renewed(&self, source: &str, lease: &str, held: u64) -> Result<bool, StoreError> {
        if FETCHING.read(self.store(), source).await?.is_some() {
            self.hold(source).await?;
        }
        self.store().lease(lease, self.holder, held).await
    }

    async fn fetch_all(
        &self,
        source: &str,
        name: &str,
        (pull, standing): (&Pull, &Standing),
        brought: &mut Brought,
    ) -> Result<(), PullError> {
        let place = self.places.of(source, name, pull)?;
        let offers = place.look(standing.cursor.as_deref()).await?;
        let entry = entry(source, name);
        self.forget_gone(&entry, &offers).await?;
        for offer in &offers {
            let note = offer_entry(&entry, &offer.name, &offer.version);
            let taken = if place.offers_once() { TAKEN.read(self.store(), &note).await? } else { None };
            match taken {
                // A crash came between the note and the place.
                Some(taken) if taken.failure.is_none() => place.taken(offer).await?,
                Some(_) => {}
                None => {
                    // What comes next may have been made before: one alone need not wait.
                    if offers.len() > 1 {
                        self.hold(source).await?;
                    }
                    self.take(source, &entry, (place.as_ref(), offer), brought).await?;
                }
            }
        }
        Ok(())
    }

    /// What comes from a source waits until all of it is there.
    async fn hold(&self, source: &str) -> Result<(), StoreError> {
        let until = self.arrivals.clock.now().checked_add(LEASE).unwrap_or(Timestamp::MAX);
        FETCHING.change(self.store(), source, |_| until).await.map(|_| ())
    }

    /// Fetches an offer; one that can never be opened is set apart.
    async fn take(
        &self,
        source: &str,
        entry: &str,
        (place, offer): (&dyn Transport, &Offer),
        brought: &mut Brought,
    ) -> Result<(), PullError> {
        match self.fetch_one(source, entry, (place, offer), brought).await {
            Err(PullError::Arrival(error)) if Disposition::of(error.code()) == Disposition::Quarantine => {
                let note = offer_entry(entry, &offer.name, &offer.version);
                Ok(self.set_apart(source, &note, offer, (&error, brought)).await?)
            }
            fetched => fetched,
        }
    }

    /// Fetches one offer: bytes, deliveries, note, cursor, then the place is told.
    async fn fetch_one(
        &self,
        source: &str,
        entry: &str,
        (place, offer): (&dyn Transport, &Offer),
        brought: &mut Brought,
    ) -> Result<(), PullError> {
        let lost = |error| PullError::Arrival(ArrivalError::Archive(error));
        let file = tempfile::tempfile_in(self.arrivals.archive.landing()).map_err(lost)?;
        let mut sink = tokio::fs::File::from_std(file);
        let cursor = match place.fetch(offer, &mut sink).await? {
            Fetched::Nothing => return Ok(()),
            Fetched::Whole { cursor, missing } => {
                for missing in missing {
                    let detail = format!("{} × {}", missing.count, missing.detail);
                    tracing::info!(source, code = %missing.code, detail, "left out");
                }
                cursor
            }
        };
        sink.flush().await.map_err(lost)?;
        let mut file = sink.into_std().await;
        file.rewind().map_err(lost)?;
        let segment = offer.name.rsplit('/').next().unwrap_or(&offer.name).to_owned();
        let parcel = self.sources.parcel(source, file, Some(segment));
        let parcel = parcel.map_err(|error| TransportError::new(Code::BadConfig, error.to_string()))?;
        let opened = self.arrivals.open(parcel).await.map_err(PullError::Arrival)?;
        let received = self.arrivals.acknowledge(source, opened).await.map_err(PullError::Arrival)?;
        brought.deliveries.extend(received.iter().map(|received| received.delivery.id));
        let pull = entry.rsplit('/').next().unwrap_or_default();
        if self.sources.wants_receipts(source, Some(pull)) {
            let owed = || Owed { pull: Some(pull.to_owned()), ..Owed::default() };
            for Received { delivery, .. } in &received {
                OWED.change(self.store(), &delivery.id.to_string(), |_| owed()).await?;
            }
        }
        let taken = Taken { name: offer.name.clone(), at: self.arrivals.clock.now(), failure: None };
        let note = offer_entry(entry, &offer.name, &offer.version);
        TAKEN.claim(self.store(), &note, &taken).await?;
        if cursor.is_some() {
            let next =
                |before: Option<Standing>| Standing { cursor: cursor.clone(), ..before.unwrap_or_default() };
            STANDINGS.change(self.store(), entry, next).await?;
        }
        Ok(place.taken(offer).await?)
    }

    /// What can never be opened is not fetched again; the others go on, and somebody is told.
    async fn set_apart(
        &self,
        source: &str,
        note: &str,
        offer: &Offer,
        (error, brought): (&ArrivalError, &mut Brought),
    ) -> Result<(), StoreError> {
        let failure = Failure { code: error.code(), detail: error.to_string() };
        let detail = format!("`{}` was set apart: {}", offer.name, failure.detail);
        let taken =
            Taken { name: offer.name.clone(), at: self.arrivals.clock.now(), failure: Some(failure.clone()) };
        TAKEN.claim(self.store(), note, &taken).await?;
        brought.apart.push((offer.name.clone(), failure.clone()));
        notify(self.store(), self.arrivals.clock.as_ref(), source, (failure.code, &detail)).await
    }

    /// Notes of offers the place does not make any more are of no use.
    async fn forget_gone(&self, entry: &str, offers: &[Offer]) -> Result<(), StoreError> {
        let still: HashSet<String> =
            offers.iter().map(|offer| offer_entry(entry, &offer.name, &offer.version)).collect();
        for gone in taken_by(self.store(), entry).await?.iter().filter(|note| !still.contains(*note)) {
            TAKEN.erase(self.store(), gone).await?;
        }
        Ok(())
    }

    /// Notes how a look went, when the next one is owed, and tells operators of the first failure and of its end.
    async fn note(
        &self,
        source: &str,
        entry: &str,
        pull: &Pull,
        (brought, error): (&Brought, Option<&PullError>),
    ) -> Result<(), StoreError> {
        let now = self.arrivals.clock.now();
        let failure = error.map(|error| Failure { code: error.code(), detail: error.to_string() });
        let halts =
            failure.as_ref().is_some_and(|failure| Disposition::of(failure.code) == Disposition::Halt);
        let asked = match error {
            Some(PullError::Place(error)) => error.retry_after,
            _ => None,
        };
        let before = STANDINGS.read(self.store(), entry).await?.unwrap_or_default();
        let after = |standing: Option<Standing>| {
            let standing = standing.unwrap_or_default();
            let tries = if failure.is_some() { standing.tries + 1 } else { 0 };
            let wait = wait_after(tries).max(asked.unwrap_or_default());
            let again = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            let next = if failure.is_some() { Some(again) } else { clockwork::next(pull, now) };
            let deliveries = brought.deliveries.len() as u64;
            let last = Some(Look { at: now, deliveries, failure: failure.clone() });
            Standing { next, tries, paused: standing.paused || halts, last, ..standing }
        };
        STANDINGS.change(self.store(), entry, after).await?;
        let clock = self.arrivals.clock.as_ref();
        match &failure {
            Some(failure) if before.tries == 0 => {
                let more = if halts { "; nothing is fetched until `dlnuf sources resume`" } else { "" };
                let detail = format!("`{entry}`: {}{more}", failure.detail);
                notify(self.store(), clock, source, (Code::PullFailed, &detail)).await
            }
            None if before.tries > 0 => {
                notify(self.store(), clock, source, (Code::PullRecovered, &format!("`{entry}`"))).await
            }
            _ => Ok(()),
        }
    }
}
