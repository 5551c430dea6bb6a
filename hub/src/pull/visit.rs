//! A visit to a place: each thing offered there is fetched, made durable and known, and only then put away there.
//!
//! An offer enters; its bytes leave as deliveries, before the place is told that it may forget them. A crash anywhere between fetches
//! the same bytes again, which is no news. What concerns one offer alone does not stop the others.

use std::collections::{HashMap, HashSet};
use std::io::Seek as _;
use std::sync::Arc;

use hub_core::code::Code;
use hub_core::connector::Fault;
use hub_core::disposition::Disposition;
use hub_core::store::{Store, StoreError};
use hub_core::transport::{Fetched, Offer, Transport, TransportError};
use tokio::io::AsyncWriteExt as _;

use super::bounded::Bounded;
use super::refusals::{Refusals, Refused, unusable_name};
use super::standing::{Failure, STANDINGS, Standing, TAKEN, Taken, known, offer_entry};
use super::{Brought, PullError, Puller};
use crate::arrival::{ArrivalError, Received};
use crate::notice::notify;
use crate::receipt::courier::{OWED, Owed};
use crate::sources::Pull;

/// What stands for the version of something that has only a name.
const NAME_ALONE: &str = "name";

/// A visit and what comes of it.
pub(super) struct Visit<'a> {
    pub(super) puller: &'a Puller,
    pub(super) source: &'a str,
    /// `SOURCE/PULL`.
    pub(super) entry: &'a str,
    pub(super) brought: &'a mut Brought,
    pub(super) refusals: &'a mut Refusals,
}

impl Visit<'_> {
    fn store(&self) -> &dyn Store {
        self.puller.store()
    }

    /// Looks, and takes all that is new.
    pub(super) async fn make(
        mut self,
        name: &str,
        pull: &Pull,
        standing: &Standing,
    ) -> Result<(), PullError> {
        let place: Arc<dyn Transport> = self.puller.places.of(self.source, name, pull)?;
        let offers = place.look(standing.cursor.as_deref()).await?;
        let known = known(self.store(), self.entry).await?;
        self.pass_over(place.passed_over(), &known);
        self.forget_gone(&known, (&offers, &place.passed_over())).await?;
        let mut changed = None;
        for offer in &offers {
            let before = known.get(&self.note_of(offer)).filter(|_| place.offers_once());
            match self.one(place.as_ref(), (offer, before), offers.len() > 1).await {
                // It is looked at again soon; the others need not wait for it.
                Err(PullError::Place(error)) if error.code == Code::OfferChanged => changed = Some(error),
                done => done?,
            }
        }
        changed.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn one(
        &mut self,
        place: &dyn Transport,
        (offer, before): (&Offer, Option<&Taken>),
        of_several: bool,
    ) -> Result<(), PullError> {
        match before {
            // A crash came between the note and the place, or the place refused.
            Some(taken) if taken.failure.is_none() => self.put_away(place, (offer, taken)).await,
            Some(taken) if !taken.is_tried_again() => Ok(()),
            _ => {
                // What comes next may have been made before: one alone need not wait.
                if of_several {
                    self.puller.hold(self.source).await?;
                }
                self.take(place, (offer, before)).await
            }
        }
    }

    /// Fetches an offer; one that can never be opened is set apart, one that may not be read is told.
    async fn take(
        &mut self,
        place: &dyn Transport,
        (offer, before): (&Offer, Option<&Taken>),
    ) -> Result<(), PullError> {
        let once = place.offers_once();
        match self.fetch(place, offer).await {
            Ok(None) => Ok(()),
            Ok(Some(taken)) => self.put_away(place, (offer, &taken)).await,
            Err(PullError::Arrival(error))
                if once && Disposition::of(error.code()) == Disposition::Quarantine =>
            {
                Ok(self.set_apart(offer, &error).await?)
            }
            Err(PullError::Place(error)) if once && concerns_it_alone(error.code) => {
                let failure = failure_of(&error);
                self.brought.apart.push((offer.name.clone(), failure.clone()));
                let taken = Taken { failure: Some(failure.clone()), ..self.taken(&offer.name) };
                let news = before.is_none().then(|| (self.note_of(offer), taken));
                self.refusals.add(Refused::Reading, (&offer.name, failure), news);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Fetches one offer: bytes, deliveries, note, cursor. Nothing when there was nothing new.
    async fn fetch(&mut self, place: &dyn Transport, offer: &Offer) -> Result<Option<Taken>, PullError> {
        let Some((file, cursor)) = self.bytes(place, offer).await? else { return Ok(None) };
        let segment = offer.name.rsplit('/').next().unwrap_or(&offer.name).to_owned();
        let parcel = self.puller.sources.parcel(self.source, file, Some(segment));
        let parcel = parcel.map_err(|error| TransportError::new(Code::BadConfig, error.to_string()))?;
        let arrivals = &self.puller.arrivals;
        let opened = arrivals.open(parcel).await.map_err(PullError::Arrival)?;
        let received = arrivals.acknowledge(self.source, opened).await.map_err(PullError::Arrival)?;
        self.brought.deliveries.extend(received.iter().map(|received| received.delivery.id));
        self.owe_receipts(&received).await?;
        let taken = self.taken(&offer.name);
        TAKEN.change(self.store(), &self.note_of(offer), |_| taken.clone()).await?;
        if cursor.is_some() {
            let next =
                |before: Option<Standing>| Standing { cursor: cursor.clone(), ..before.unwrap_or_default() };
            STANDINGS.change(self.store(), self.entry, next).await?;
        }
        Ok(Some(taken))
    }

    /// An offer's bytes in a file without a name, and the cursor that comes with them.
    async fn bytes(
        &self,
        place: &dyn Transport,
        offer: &Offer,
    ) -> Result<Option<(std::fs::File, Option<String>)>, PullError> {
        let lost = |error| PullError::Arrival(ArrivalError::Archive(error));
        let most = self.puller.sources.max_bytes(self.source);
        if offer.size_bytes.is_some_and(|size| size > most) {
            return Err(too_large(most));
        }
        let file = tempfile::tempfile_in(self.puller.arrivals.archive.landing()).map_err(lost)?;
        let mut sink = Bounded::new(tokio::fs::File::from_std(file), most);
        let fetched = place.fetch(offer, &mut sink).await;
        if sink.overflowed() {
            return Err(too_large(most));
        }
        let Fetched::Whole { cursor, missing } = fetched? else { return Ok(None) };
        for missing in missing {
            let detail = format!("{} × {}", missing.count, missing.detail);
            tracing::info!(source = self.source, code = %missing.code, detail, "left out");
        }
        sink.flush().await.map_err(lost)?;
        let mut file = sink.into_inner().into_std().await;
        file.rewind().map_err(lost)?;
        Ok(Some((file, cursor)))
    }

    async fn owe_receipts(&self, received: &[Received]) -> Result<(), StoreError> {
        let pull = self.entry.rsplit('/').next().unwrap_or_default();
        if !self.puller.sources.wants_receipts(self.source, Some(pull)) {
            return Ok(());
        }
        let owed = || Owed { pull: Some(pull.to_owned()), ..Owed::default() };
        for Received { delivery, .. } in received {
            OWED.change(self.store(), &delivery.id.to_string(), |_| owed()).await?;
        }
        Ok(())
    }

    /// The bytes are durable: the place may forget them. One that does not let us is told; nothing is lost by it.
    async fn put_away(
        &mut self,
        place: &dyn Transport,
        (offer, taken): (&Offer, &Taken),
    ) -> Result<(), PullError> {
        match place.taken(offer).await {
            Err(error) if place.offers_once() && concerns_it_alone(error.code) => {
                let failure = failure_of(&error);
                let stays = Taken { stays: Some(failure.clone()), ..taken.clone() };
                let news = taken.stays.is_none().then(|| (self.note_of(offer), stays));
                self.refusals.add(Refused::PuttingAway, (&offer.name, failure), news);
                Ok(())
            }
            done => Ok(done?),
        }
    }

    /// What can never be opened is not fetched again; the others go on, and somebody is told.
    async fn set_apart(&mut self, offer: &Offer, error: &ArrivalError) -> Result<(), StoreError> {
        let failure = Failure { code: error.code(), detail: error.to_string() };
        let detail = format!("`{}` was set apart: {}", offer.name, failure.detail);
        let taken = Taken { failure: Some(failure.clone()), ..self.taken(&offer.name) };
        TAKEN.change(self.store(), &self.note_of(offer), |_| taken.clone()).await?;
        self.brought.apart.push((offer.name.clone(), failure.clone()));
        notify(self.store(), self.puller.arrivals.clock.as_ref(), self.source, (failure.code, &detail)).await
    }

    /// Names no offer can be made of.
    fn pass_over(&mut self, names: Vec<String>, known: &HashMap<String, Taken>) {
        for name in names {
            let note = offer_entry(self.entry, &name, NAME_ALONE);
            let taken = Taken { failure: Some(unusable_name()), ..self.taken(&name) };
            let news = (!known.contains_key(&note)).then_some((note, taken));
            self.brought.apart.push((name.clone(), unusable_name()));
            self.refusals.add(Refused::Naming, (&name, unusable_name()), news);
        }
    }

    /// Notes of what is not at the place any more are of no use.
    async fn forget_gone(
        &self,
        known: &HashMap<String, Taken>,
        (offers, odd): (&[Offer], &[String]),
    ) -> Result<(), StoreError> {
        let odd = odd.iter().map(|name| offer_entry(self.entry, name, NAME_ALONE));
        let still: HashSet<String> = offers.iter().map(|offer| self.note_of(offer)).chain(odd).collect();
        for gone in known.keys().filter(|note| !still.contains(*note)) {
            TAKEN.erase(self.store(), gone).await?;
        }
        Ok(())
    }

    fn note_of(&self, offer: &Offer) -> String {
        offer_entry(self.entry, &offer.name, &offer.version)
    }

    fn taken(&self, name: &str) -> Taken {
        Taken { name: name.to_owned(), at: self.puller.arrivals.clock.now(), failure: None, stays: None }
    }
}

fn too_large(most: u64) -> PullError {
    let detail = format!("expected at most {most} bytes (`max_bytes` of the source), found more");
    PullError::Arrival(ArrivalError::Fault(Fault::new(Code::TooLarge, detail)))
}

/// What a place says of one offer, and not of itself.
fn concerns_it_alone(code: Code) -> bool {
    matches!(code, Code::PlaceRefused | Code::AnswerNotUnderstood)
}

fn failure_of(error: &TransportError) -> Failure {
    Failure { code: error.code, detail: error.detail.clone() }
}
