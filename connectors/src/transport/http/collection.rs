//! A list read by HTTP: pages come, one item a line leaves, exactly as the place wrote it.
//!
//! One offer waits at a list at all times: what it holds is known by asking. Its version is the cursor the last fetch left, so a caller
//! does not pass over an offer because its version was fetched before. At most one page is in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use hub_core::code::Code;
use hub_core::transport::{Fetched, Missing, Offer, Sink, Transport, TransportError};
use jiff::Timestamp;
use reqwest::header::{ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{Answer, shown};
use super::auth::Auth;
use super::client::{Access, Client, address};
use super::json;
use super::limits::Limits;
use super::lines::Lines;
use super::paging::{Paging, Place, Turned, Turns, set};
use super::since::{Since, is_plausible, larger, requested};
use super::time::Time;

/// The version of a list read from its start.
const ALL: &str = "*";

/// A list, as configured.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionConfig {
    /// Its address, fixed parameters included.
    pub url: String,
    /// Headers sent with every call.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How the place knows the hub.
    #[serde(default)]
    pub auth: Auth,
    /// How it is cut into pages.
    #[serde(default)]
    pub paging: Paging,
    /// JSON pointer to the array of items in a page; empty when the page is the array.
    #[serde(default)]
    pub items: String,
    /// How only what is new is asked for.
    #[serde(default)]
    pub since: Since,
    /// Pages read at most in one fetch: 10,000.
    #[serde(default = "max_pages")]
    pub max_pages: u32,
    /// How calls are bounded and repeated.
    #[serde(default)]
    pub limits: Limits,
}

fn max_pages() -> u32 {
    10_000
}

/// A list read by HTTP.
pub struct Collection {
    config: CollectionConfig,
    url: Url,
    client: Client,
}

/// What was seen so far that decides where to go on from.
struct Seen {
    largest: Option<String>,
    etag: Option<String>,
    requested: Option<String>,
    partial: u64,
    /// Items that would be gone on from a time far ahead.
    ahead: u64,
    started: Timestamp,
}

impl Collection {
    /// # Errors
    /// [`Code::BadConfig`], with the key.
    pub fn new(config: CollectionConfig, time: Time) -> Result<Self, TransportError> {
        check(&config)?;
        let url = address(&config.url, "url")?;
        let access = Access { auth: &config.auth, headers: &config.headers, limits: &config.limits };
        let client = Client::new(access, time)?;
        Ok(Self { config, url, client })
    }

    async fn page(&self, place: &Place, from: Option<&str>) -> Result<Answer, TransportError> {
        let mut url = self.config.paging.address(&self.url, place);
        let continued = matches!(place, Place::At(_));
        if let (Since::Parameter { name, first, .. }, false) = (&self.config.since, continued)
            && let Some(value) = from.or(first.as_deref())
        {
            set(&mut url, name, value);
        }
        let mut request = self.client.request(Method::GET, url);
        self.config.paging.mark(&mut request, place);
        if let (Since::Etag, Some(etag)) = (&self.config.since, from) {
            let etag = HeaderValue::try_from(etag);
            request.headers_mut().extend(etag.ok().map(|etag| (IF_NONE_MATCH, etag)));
        }
        let doubtful = matches!(place, Place::After { doubtful: true, .. });
        self.client.send(request, if doubtful { perhaps_beyond_the_end } else { beyond_the_end }).await
    }

    /// Writes a page's items and tells how many they are.
    async fn write(
        &self,
        page: &[&RawValue],
        lines: &mut Lines<'_>,
        seen: &mut Seen,
    ) -> Result<(), TransportError> {
        for item in page {
            if let Since::Parameter { largest: Some(pointer), .. } = &self.config.since {
                seen.value(json::word(item, pointer));
            }
            lines.write(json::line(item)).await?;
        }
        Ok(())
    }

    fn items<'a>(&self, answer: &Answer, body: &'a RawValue) -> Result<Vec<&'a RawValue>, TransportError> {
        let pointer = &self.config.items;
        json::at(body, pointer)
            .and_then(json::elements)
            .ok_or_else(|| answer.error(Code::AnswerNotUnderstood, &format!("an array at `{pointer}`")))
    }

    /// A 206 that is no page of more: the place could not tell all.
    fn is_partial(&self, answer: &Answer) -> bool {
        let in_ranges = matches!(self.config.paging, Paging::Range { .. } | Paging::OffsetLimit { .. });
        answer.status == StatusCode::PARTIAL_CONTENT && !in_ranges
    }

    fn cursor(&self, seen: Seen) -> Option<String> {
        match &self.config.since {
            Since::All => None,
            Since::Etag => seen.etag,
            Since::Parameter { largest: Some(_), .. } => seen.largest,
            Since::Parameter { largest: None, .. } => seen.requested,
        }
    }

    fn fetched(&self, lines: &Lines<'_>, seen: Seen) -> Fetched {
        if lines.written() == 0 {
            return Fetched::Nothing;
        }
        let told = [
            ("the place says that its answer is not whole (206)", seen.partial),
            ("an item's time lies far ahead, and the list is not gone on from there", seen.ahead),
        ];
        let told = told.into_iter().filter(|(_, count)| *count > 0);
        let missing = told.map(|(detail, count)| Missing {
            code: Code::AnswerNotUnderstood,
            detail: detail.to_owned(),
            count,
        });
        let missing = missing.collect();
        Fetched::Whole { cursor: self.cursor(seen), missing }
    }
}

#[async_trait]
impl Transport for Collection {
    async fn look(&self, cursor: Option<&str>) -> Result<Vec<Offer>, TransportError> {
        let version = cursor.unwrap_or(ALL).to_owned();
        let name = self.url.path().trim_start_matches('/').to_owned();
        Ok(vec![Offer { name, version, size_bytes: None, changed_at: None }])
    }

    async fn fetch(&self, offer: &Offer, into: Sink<'_>) -> Result<Fetched, TransportError> {
        let from = Some(offer.version.as_str()).filter(|version| *version != ALL);
        let started = self.client.time().clock.now();
        let mut seen = Seen::from(from, started);
        let (mut lines, mut turns) = (Lines::into(into), Turns::default());
        let mut place = Place::Start;
        for _ in 0..self.config.max_pages {
            let answer = self.page(&place, from).await?;
            seen.requested.get_or_insert_with(|| requested(started, answer.date()));
            if holds_nothing(&answer) {
                return Ok(self.fetched(&lines, seen));
            }
            seen.etag = answer.header(ETAG).map(str::to_owned);
            seen.partial += u64::from(self.is_partial(&answer));
            let body = json::body(&answer)?;
            let page = self.items(&answer, body)?;
            let turned = Turned { place: &place, answer: &answer, body, items: page.len() as u64 };
            turns.note(&turned)?;
            self.write(&page, &mut lines, &mut seen).await?;
            match self.config.paging.next(&turned)? {
                Some(next) => place = next,
                None => return Ok(self.fetched(&lines, seen)),
            }
        }
        let (most, list) = (self.config.max_pages, shown(&self.url));
        let detail = format!("expected at most {most} pages of {list}, found more");
        Err(TransportError::new(Code::AnswerNotUnderstood, detail))
    }

    async fn taken(&self, _offer: &Offer) -> Result<(), TransportError> {
        Ok(())
    }

    fn offers_once(&self) -> bool {
        false
    }

    async fn leave(&self, _name: &str, _bytes: &[u8]) -> Result<(), TransportError> {
        Err(nothing_left_here())
    }

    async fn check(&self) -> Result<String, TransportError> {
        let answer = self.page(&Place::Start, None).await?;
        if holds_nothing(&answer) {
            return Ok("the list answers, and holds nothing".to_owned());
        }
        let items = self.items(&answer, json::body(&answer)?)?.len();
        Ok(format!("the list answers, {items} items on its first page"))
    }
}

impl Seen {
    fn from(cursor: Option<&str>, started: Timestamp) -> Self {
        let largest = cursor.map(str::to_owned);
        Self { largest, etag: None, requested: None, partial: 0, ahead: 0, started }
    }

    fn value(&mut self, value: Option<json::Word>) {
        let Some(value) = value.map(|word| word.text().to_owned()) else { return };
        if !is_plausible(&value, self.started) {
            self.ahead += 1;
            return;
        }
        self.largest = Some(match self.largest.take() {
            Some(largest) => larger(largest, value),
            None => value,
        });
    }
}

/// An error for whoever would leave a file at a place read by HTTP.
pub(super) fn nothing_left_here() -> TransportError {
    TransportError::new(Code::BadConfig, "expected a place files can be left at, found one read by HTTP")
}

fn holds_nothing(answer: &Answer) -> bool {
    matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || perhaps_beyond_the_end(answer)
}

/// A range that begins after the last item.
fn beyond_the_end(answer: &Answer) -> bool {
    answer.status == StatusCode::RANGE_NOT_SATISFIABLE
}

/// The same, or a page that is not there, where the one before may have been the last.
fn perhaps_beyond_the_end(answer: &Answer) -> bool {
    beyond_the_end(answer) || answer.status == StatusCode::NOT_FOUND
}

fn check(config: &CollectionConfig) -> Result<(), TransportError> {
    let bad = |detail: String| Err(TransportError::new(Code::BadConfig, detail));
    if config.since == Since::Etag && config.paging != Paging::None {
        return bad(
            "expected `paging: none` beside `since: etag`, found pages with a version each".to_owned()
        );
    }
    let next = if let Paging::Cursor { next, .. } = &config.paging { Some(next) } else { None };
    let largest = if let Since::Parameter { largest, .. } = &config.since { largest.as_ref() } else { None };
    for pointer in [Some(&config.items), next, largest].into_iter().flatten() {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return bad(format!("expected a JSON pointer such as `/resultats`, found `{pointer}`"));
        }
    }
    Ok(())
}
