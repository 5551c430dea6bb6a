//! What a subscriber is told, over HTTP: a page behind a cursor, waited for if asked, or a stream of server-sent events.
//!
//! A token enters, and a place; what the subscriber's profile was told behind it, and is for it, leaves. The cursor is what to ask for next,
//! also when nothing has come.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::unfold;
use hub_core::code::Code;
use hub_core::subscription::{ToldEvent, ask_for_snapshot};
use serde::Deserialize;
use tokio::time::Instant;

use super::page::answer;
use super::problem::Problem;
use super::window::{Visitor, Window};
use crate::lag::READ;

/// Longest wait for something to come.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a stream lasts; whoever listens to one asks again by itself, from the last event it got.
const STREAM: Duration = Duration::from_secs(55);
/// How often it is looked whether something has come.
const LOOK: Duration = Duration::from_millis(200);
/// Told events looked through at once.
const PAGE: u32 = 1_000;
/// The event a stream goes on behind.
const LAST_EVENT: &str = "last-event-id";

/// Where to read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    after: Option<u64>,
    #[serde(default = "usual")]
    limit: usize,
    /// Seconds.
    #[serde(default)]
    wait: u64,
}

fn usual() -> usize {
    100
}

pub(super) async fn events(
    State(window): State<Window>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let reader = window.let_in(&headers).await?.reads_here()?;
    let Ok(Query(Asked { after, limit, wait })) = asked else { return Err(misread()) };
    if !(1..=1_000).contains(&limit) || wait > LONGEST_WAIT.as_secs() {
        return Err(misread());
    }
    if let Some(after) = after {
        reader.has_read(after).await?;
    }
    let streamed =
        headers.get(ACCEPT).is_some_and(|accepted| accepted.as_bytes().starts_with(b"text/event-stream"));
    if streamed {
        // Begun anew instead, a reader would be given all it has had once more.
        let last = headers.get(LAST_EVENT).map(|last| last.to_str().ok().and_then(|last| last.parse().ok()));
        let last = last.map(|last| last.ok_or_else(misread)).transpose()?;
        if let Some(last) = last {
            reader.has_read(last).await?;
        }
        return Ok(stream(reader, last.or(after).unwrap_or(0)));
    }
    let until = Instant::now() + Duration::from_secs(wait);
    let mut cursor = after.unwrap_or(0).max(reader.from);
    loop {
        let (events, next) = reader.page_still(cursor, limit).await?;
        cursor = next;
        if !events.is_empty() || Instant::now() >= until {
            let texts: Vec<&str> = events.iter().map(|event| event.json.as_str()).collect();
            return Ok(answer(
                &texts,
                &format!("/v1/subscribers/me/events?after={cursor}&limit={limit}"),
                cursor,
            ));
        }
        tokio::time::sleep(LOOK).await;
    }
}

pub(super) async fn snapshot(State(window): State<Window>, headers: HeaderMap) -> Result<Response, Problem> {
    let reader = window.let_in(&headers).await?;
    ask_for_snapshot(window.pipeline.store.as_ref(), &reader.subscription.subscriber).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

impl Visitor {
    /// What it asks from behind it has. What was never told is no place to go on from: the hub was made anew, or is an older copy.
    async fn has_read(&self, after: u64) -> Result<(), Problem> {
        let (store, own) = (self.window.pipeline.store.as_ref(), &self.subscription);
        if after > store.told_end(&own.profile).await?.max(self.from) {
            let detail = "nothing was told up to this cursor: begin at 0, and ask for a snapshot";
            return Err(Problem::new(StatusCode::GONE, Code::UnknownCursor, detail).in_french(
                "rien n'a été dit jusqu'à ce curseur : repartez de 0, et demandez un instantané",
            ));
        }
        if READ.read(store, &own.subscriber).await?.is_none_or(|read| read < after) {
            READ.change(store, &own.subscriber, |read| read.unwrap_or_default().max(after)).await?;
        }
        Ok(())
    }

    /// The same for one who may have waited: nothing is given to who would not be let in now.
    async fn page_still(&self, after: u64, limit: usize) -> Result<(Vec<ToldEvent>, u64), Problem> {
        let (events, next) = self.page(after, limit).await?;
        if events.is_empty() {
            return Ok((events, next));
        }
        let now = self.again().await?;
        // Read once more only where what is for it may be something else by now.
        if now.subscription == self.subscription { Ok((events, next)) } else { now.page(after, limit).await }
    }

    /// Up to `limit` events behind a place, and the place to go on from.
    async fn page(&self, mut after: u64, limit: usize) -> Result<(Vec<ToldEvent>, u64), Problem> {
        let mut events = Vec::new();
        loop {
            let told = self.window.pipeline.store.told(&self.subscription.profile, after, PAGE).await?;
            if told.is_empty() {
                return Ok((events, after));
            }
            let declared = self.window.declarations.current();
            for event in told {
                after = event.position;
                if let Some(event) = declared.read_by(&self.subscription, &self.window.pipeline.canon, event)
                {
                    events.push(event);
                    if events.len() == limit {
                        return Ok((events, after));
                    }
                }
            }
        }
    }
}

/// Events as they come, each with its cursor as `id`.
fn stream(reader: Visitor, after: u64) -> Response {
    let until = Instant::now() + STREAM;
    let cursor = after.max(reader.from);
    let parts = unfold((reader, cursor, true), move |(reader, cursor, first)| async move {
        if first {
            // How soon to ask again, and that it has begun.
            return Some((Ok("retry: 1000\n\n".to_owned()), (reader, cursor, false)));
        }
        while Instant::now() < until {
            // Whoever asks again is told why it failed.
            let Ok((events, next)) = reader.page_still(cursor, usual()).await else { return None };
            if !events.is_empty() {
                return Some((Ok::<_, std::convert::Infallible>(written(&events)), (reader, next, false)));
            }
            tokio::time::sleep(LOOK).await;
        }
        None
    });
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(parts)).into_response()
}

fn written(events: &[ToldEvent]) -> String {
    // One line each: JSON is written without line breaks.
    events.iter().fold(String::new(), |mut text, ToldEvent { position, json, .. }| {
        let _ = write!(text, "id: {position}\ndata: {json}\n\n");
        text
    })
}

fn misread() -> Problem {
    Problem::bad_request("`after` is a cursor (a whole number), `limit` is between 1 and 1000, `wait` at most 30 seconds; nothing else is understood")
        .in_french("`after` est un curseur (un nombre entier), `limit` est entre 1 et 1000, `wait` au plus 30 secondes ; rien d'autre n'est compris")
}
