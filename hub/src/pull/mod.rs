//! Pulls: extracts are fetched from the places institutions offer them at.
//!
//! A look that is owed enters; what the place offers leaves as deliveries, how the look went is noted, and operators are told what
//! they should know, once. One hub at a time looks at a place.

mod bounded;
pub mod clockwork;
pub mod places;
mod refusals;
pub mod roster;
pub mod standing;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use hub_core::code::Code;
use hub_core::disposition::{Disposition, wait_after};
use hub_core::store::{Store, StoreError};
use hub_core::transport::TransportError;
use jiff::Timestamp;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::arrival::{ArrivalError, Arrivals};
use crate::notice::notify;
use crate::sources::{Pull, Sources};
use places::Places;
use refusals::Refusals;
use standing::{FETCHING, Failure, Look, STANDINGS, Standing, entry};
use visit::Visit;

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
    /// Offers set apart or refused, by name, with why.
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
        let (mut brought, mut refusals) = (Brought::default(), Refusals::default());
        let visit =
            Visit { puller: self, source, entry: &entry, brought: &mut brought, refusals: &mut refusals };
        let looked = tokio::select! {
            looked = visit.make(name, pull, &standing) => looked,
            error = self.renew(source, &lease, held) => Err(error.into()),
        };
        FETCHING.erase(self.store(), source).await?;
        self.arrived.notify_one();
        if looked.as_ref().is_err_and(|error| Disposition::of(error.code()) == Disposition::Halt) {
            // A key that somebody puts right is read again.
            self.places.close(&entry);
        }
        let told = refusals.tell(self.store(), self.arrivals.clock.as_ref(), (source, &entry)).await;
        let refusal = refusals.in_short();
        let noted = self.note(source, &entry, pull, (&brought, looked.as_ref().err(), refusal)).await;
        self.store().lease(&lease, self.holder, 0).await?;
        looked?;
        told?;
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

    /// What comes from a source waits until all of it is there.
    async fn hold(&self, source: &str) -> Result<(), StoreError> {
        let until = self.arrivals.clock.now().checked_add(LEASE).unwrap_or(Timestamp::MAX);
        FETCHING.change(self.store(), source, |_| until).await.map(|_| ())
    }

    /// Notes how a look went, when the next one is owed, and tells operators of the first failure and of its end.
    async fn note(
        &self,
        source: &str,
        entry: &str,
        pull: &Pull,
        (brought, error, refusal): (&Brought, Option<&PullError>, Option<Failure>),
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
            let last = Some(Look { at: now, deliveries, failure: failure.clone().or(refusal.clone()) });
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
