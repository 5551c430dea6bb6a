//! What a subscriber is told, over HTTP: a page behind a cursor, waited for if asked, or a stream of server-sent events.
//!
//! A token enters, and a place; what the subscriber's profile was told behind it, and is for it, leaves. The cursor is what to ask for next,
//! also when nothing has come.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::unfold;
use hub_core::code::Code;
use hub_core::store::Store;
use hub_core::subscription::{Channel, Declared, Subscription, ToldEvent, ask_for_snapshot, paused};
use serde::Deserialize;
use tokio::time::Instant;

use super::page::answer;
use super::problem::Problem;
use crate::admission::{Admitted, admitted};
use crate::clock::today;

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

/// What subscribers read through.
#[derive(Clone)]
pub struct Window {
    /// What was told.
    pub store: Arc<dyn Store>,
    /// Who subscribes to what.
    pub declared: Arc<Declared>,
}

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

/// A subscriber that was let in.
struct Reader {
    window: Window,
    subscription: Subscription,
    from: u64,
}

pub(super) async fn events(
    State(window): State<Window>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Problem> {
    let reader = window.let_in(&headers).await?;
    let Ok(Query(Asked { after, limit, wait })) = asked else { return Err(misread()) };
    if !(1..=1_000).contains(&limit) || wait > LONGEST_WAIT.as_secs() {
        return Err(misread());
    }
    let streamed =
        headers.get(ACCEPT).is_some_and(|accepted| accepted.as_bytes().starts_with(b"text/event-stream"));
    if streamed {
        let last = headers.get(LAST_EVENT).and_then(|last| last.to_str().ok()?.parse().ok());
        return Ok(stream(reader, last.or(after).unwrap_or(0)));
    }
    let until = Instant::now() + Duration::from_secs(wait);
    let mut cursor = after.unwrap_or(0).max(reader.from);
    loop {
        let (events, next) = reader.page(cursor, limit).await?;
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
    ask_for_snapshot(window.store.as_ref(), &reader.subscription.subscriber).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

impl Window {
    /// Who asks, if the token is known and the subscription in force.
    async fn let_in(&self, headers: &HeaderMap) -> Result<Reader, Problem> {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let scheme = bearer.and_then(|value| value.split_once(' '));
        let secret = scheme
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, secret)| secret.trim());
        let found = match secret {
            Some(secret) => admitted(self.store.as_ref(), secret).await?,
            None => None,
        };
        let Some(Admitted { subscriber, from }) = found else { return Err(refused()) };
        let known = self.declared.subscriptions.get(subscriber.as_str());
        let own = known.filter(|own| own.channel == Channel::Http && !own.has_expired(today()));
        let Some(subscription) = own.cloned() else { return Err(refused()) };
        if paused(self.store.as_ref()).await?.contains(&subscription.subscriber) {
            let detail = "the subscription is paused: nothing is told for now";
            return Err(Problem::new(StatusCode::FORBIDDEN, Code::TokenRefused, detail)
                .in_french("l'abonnement est en pause : rien n'est dit pour l'instant"));
        }
        Ok(Reader { window: self.clone(), subscription, from })
    }
}

impl Reader {
    /// Up to `limit` events behind a place, and the place to go on from.
    async fn page(&self, mut after: u64, limit: usize) -> Result<(Vec<ToldEvent>, u64), Problem> {
        let mut events = Vec::new();
        loop {
            let told = self.window.store.told(&self.subscription.profile, after, PAGE).await?;
            if told.is_empty() {
                return Ok((events, after));
            }
            for event in told {
                after = event.position;
                if self.subscription.receives(&event) {
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
fn stream(reader: Reader, after: u64) -> Response {
    let until = Instant::now() + STREAM;
    let cursor = after.max(reader.from);
    let parts = unfold((reader, cursor, true), move |(reader, cursor, first)| async move {
        if first {
            // How soon to ask again, and that it has begun.
            return Some((Ok("retry: 1000\n\n".to_owned()), (reader, cursor, false)));
        }
        while Instant::now() < until {
            // Whoever asks again is told why it failed.
            let Ok((events, next)) = reader.page(cursor, usual()).await else { return None };
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

fn refused() -> Problem {
    let detail = "expected the token of a subscriber of channel `http` whose subscription is in force";
    Problem::new(StatusCode::UNAUTHORIZED, Code::TokenRefused, detail)
        .in_french("attendu : le jeton d'un abonné de canal `http` dont l'abonnement est en vigueur")
}

fn misread() -> Problem {
    Problem::bad_request("`after` is a cursor (a whole number), `limit` is between 1 and 1000, `wait` at most 30 seconds; nothing else is understood")
        .in_french("`after` est un curseur (un nombre entier), `limit` est entre 1 et 1000, `wait` au plus 30 secondes ; rien d'autre n'est compris")
}
