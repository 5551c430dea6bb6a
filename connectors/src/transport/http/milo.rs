//! The event queue of i-milo, of the missions locales: events enter, one line for each dossier they concern leaves.
//!
//! Events are acknowledged once the lines are durable here; until then they come again. An event of a kind that is not read here is
//! acknowledged too, so that the queue does not fill.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hub_core::code::Code;
use hub_core::transport::{Fetched, Offer, Sink, Transport, TransportError};
use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode, Url};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::Answer;
use super::auth::Auth;
use super::client::{Access, Client, address, below};
use super::collection::nothing_left_here;
use super::event::{Concerned, Event, Kind, by_dossier};
use super::json::{self, Word};
use super::limits::Limits;
use super::lines::Lines;
use super::pending::Pending;
use super::secret::Secret;
use super::time::Time;
use super::toll::{Cause, Toll};

/// The header a key goes in.
const KEY_HEADER: &str = "x-gravitee-api-key";
/// Calls a second when the configuration says nothing.
const RATE: NonZeroU32 = NonZeroU32::new(3).expect("not zero");
/// When so many dossiers are asked for and none is there, it is the address that is wrong, and no event may be lost for it.
const MANY: usize = 10;
/// Dossiers asked for at the same time.
const PARALLEL: usize = 3;

/// An i-milo event queue, as configured.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MiloConfig {
    /// Where the resources are.
    pub base_url: String,
    /// One key a resource.
    pub keys: MiloKeys,
    /// Events taken in one fetch: 300.
    #[serde(default = "events_per_fetch")]
    pub events_per_fetch: usize,
    /// How calls are bounded and repeated; 3 a second when it says nothing.
    #[serde(default)]
    pub limits: Limits,
}

/// The keys of an i-milo queue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MiloKeys {
    /// Of the events.
    pub events: Secret,
    /// Of the dossiers.
    pub dossiers: Secret,
    /// Of the appointments; they are left out without it.
    #[serde(default)]
    pub rdv: Option<Secret>,
}

fn events_per_fetch() -> usize {
    300
}

/// An i-milo event queue.
pub struct Milo {
    config: MiloConfig,
    base: Url,
    client: Client,
    events: HeaderValue,
    dossiers: HeaderValue,
    rdv: Option<HeaderValue>,
    /// The events of the last fetch, until they are acknowledged.
    fetched: Pending<Word>,
}

/// The line of a dossier: its newest event, what it holds, and its appointments when they are read.
#[derive(Serialize)]
struct Line<'a> {
    evenement: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    dossier: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rdv: Option<Vec<Rdv<'a>>>,
}

/// An appointment: its newest event, and what it holds unless it is there no more.
#[derive(Serialize)]
struct Rdv<'a> {
    evenement: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    rdv: Option<Box<RawValue>>,
}

/// What the queue holds.
struct Queue {
    events: Vec<Event>,
    unreadable: usize,
}

impl Milo {
    /// # Errors
    /// [`Code::BadConfig`], with the key.
    pub fn new(config: MiloConfig, time: Time) -> Result<Self, TransportError> {
        let base = address(&config.base_url, "base_url")?;
        let rate = config.limits.requests_per_second.or(Some(RATE));
        let limits = Limits { requests_per_second: rate, ..config.limits.clone() };
        let access = Access { auth: &Auth::None, headers: &BTreeMap::new(), limits: &limits };
        let client = Client::new(access, time)?;
        let key = |secret: &Secret| secret.read()?.header("");
        let (events, dossiers) = (key(&config.keys.events)?, key(&config.keys.dossiers)?);
        let rdv = config.keys.rdv.as_ref().map(key).transpose()?;
        Ok(Self { config, base, client, events, dossiers, rdv, fetched: Pending::default() })
    }

    async fn queue(&self) -> Result<Queue, TransportError> {
        let answer = self.get(&["operateurs", "events"], &self.events).await?;
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(Queue { events: Vec::new(), unreadable: 0 });
        }
        let elements = json::elements(json::body(&answer)?)
            .ok_or_else(|| answer.error(Code::AnswerNotUnderstood, "an array of events"))?;
        let mut events: Vec<Event> = elements.iter().filter_map(|raw| Event::read(raw)).collect();
        let unreadable = elements.len() - events.len();
        if events.is_empty() && unreadable > 0 {
            return Err(
                answer.error(Code::AnswerNotUnderstood, "events with `identifiant`, `idDossier`, `type`")
            );
        }
        events.truncate(self.config.events_per_fetch);
        Ok(Queue { events, unreadable })
    }

    /// The line of a dossier, or why there is none.
    async fn line(&self, concerned: Concerned) -> Result<Result<String, Cause>, TransportError> {
        let event = concerned.own.as_ref().or(concerned.rdv.last());
        let event = event.expect("a dossier is concerned by at least one event");
        let mut line = Line { evenement: &event.raw, dossier: None, rdv: None };
        if !concerned.own.as_ref().is_some_and(|own| own.ended) {
            line.dossier =
                self.resource(&["sue", "dossiers", concerned.dossier.text()], &self.dossiers).await?;
            if line.dossier.is_none() {
                let detail = "a dossier named by an event is not there";
                return Ok(Err((Code::PersonUnknownThere, detail.into())));
            }
        }
        if let (Some(key), false) = (&self.rdv, concerned.rdv.is_empty()) {
            line.rdv = Some(self.rdv(&concerned, key).await?);
        }
        Ok(Ok(json::line(&line)))
    }

    async fn rdv<'c>(
        &self,
        concerned: &'c Concerned,
        key: &HeaderValue,
    ) -> Result<Vec<Rdv<'c>>, TransportError> {
        let mut each = Vec::new();
        for event in &concerned.rdv {
            let rdv = match event.object.as_ref().filter(|_| !event.ended) {
                Some(id) => {
                    let path = ["operateurs", "dossiers", concerned.dossier.text(), "rdv", id.text()];
                    self.resource(&path, key).await?
                }
                None => None,
            };
            each.push(Rdv { evenement: &event.raw, rdv });
        }
        Ok(each)
    }

    /// A resource as it came; none when it is not there.
    async fn resource(
        &self,
        path: &[&str],
        key: &HeaderValue,
    ) -> Result<Option<Box<RawValue>>, TransportError> {
        let answer = self.get(path, key).await?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::NO_CONTENT) {
            return Ok(None);
        }
        Ok(Some(json::body(&answer)?.to_owned()))
    }

    async fn get(&self, path: &[&str], key: &HeaderValue) -> Result<Answer, TransportError> {
        let mut request = self.client.request(Method::GET, below(&self.base, path)?);
        request.headers_mut().insert(KEY_HEADER, key.clone());
        let gone = |answer: &Answer| answer.status == StatusCode::NOT_FOUND;
        self.client.send(request, gone).await
    }

    async fn acknowledge(&self, event: &Word) -> Result<(), TransportError> {
        let path = ["operateurs", "events", event.text(), "ack"];
        let mut request = self.client.request(Method::POST, below(&self.base, &path)?);
        request.headers_mut().insert(KEY_HEADER, self.events.clone());
        let done = |answer: &Answer| matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
        self.client.send(request, done).await.map(drop)
    }
}

#[async_trait]
impl Transport for Milo {
    async fn look(&self, _cursor: Option<&str>) -> Result<Vec<Offer>, TransportError> {
        let events = self.queue().await?.events;
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(Vec::new()) };
        let version = format!("{}..{} ({})", first.id.text(), last.id.text(), events.len());
        let name = "operateurs/events".to_owned();
        Ok(vec![Offer { name, version, size_bytes: None, changed_at: None }])
    }

    async fn fetch(&self, offer: &Offer, into: Sink<'_>) -> Result<Fetched, TransportError> {
        let Queue { mut events, unreadable } = self.queue().await?;
        let (mut lines, mut toll) = (Lines::into(into), Toll::default());
        for _ in 0..unreadable {
            toll.count((
                Code::AnswerNotUnderstood,
                "an event without number, dossier, type or action".into(),
            ));
        }
        for _ in events.iter().filter(|event| event.kind == Kind::Unknown) {
            toll.count((Code::AnswerNotUnderstood, "an event of an unknown type".into()));
        }
        self.fetched.remember(&offer.version, events.iter().map(|event| event.id.clone()).collect());
        events.retain(|event| event.kind != Kind::Rdv || self.rdv.is_some());
        let dossiers = by_dossier(events);
        let (asked, mut absent) = (dossiers.len(), 0);
        let mut read =
            stream::iter(dossiers.into_iter().map(|concerned| self.line(concerned))).buffered(PARALLEL);
        while let Some(line) = read.try_next().await? {
            match line {
                Ok(line) => lines.write(line).await?,
                Err(cause) => {
                    absent += 1;
                    toll.count(cause);
                }
            }
        }
        if asked >= MANY && absent == asked {
            let detail = format!("expected the dossiers events name, found none of {asked} there");
            return Err(TransportError::new(Code::AnswerNotUnderstood, detail));
        }
        if lines.written() == 0 {
            // No bytes will be kept, so nothing stands between these events and their acknowledgement.
            self.taken(offer).await?;
            return Ok(Fetched::Nothing);
        }
        Ok(Fetched::Whole { cursor: None, missing: toll.told() })
    }

    async fn taken(&self, offer: &Offer) -> Result<(), TransportError> {
        for event in self.fetched.recall(&offer.version) {
            self.acknowledge(&event).await?;
        }
        Ok(())
    }

    fn offers_once(&self) -> bool {
        false
    }

    async fn leave(&self, _name: &str, _bytes: &[u8]) -> Result<(), TransportError> {
        Err(nothing_left_here())
    }

    async fn check(&self) -> Result<String, TransportError> {
        let waiting = self.queue().await?.events.len();
        Ok(format!("the queue answers, {waiting} events wait"))
    }
}
