//! `GET /v1/evenements?after=CURSOR&limit=N`: a page of the journal, for tools that do not speak AMQP.
//!
//! A page is a CloudEvents batch, oldest first. `dlnuf-cursor` is what to ask for next as `after`, also when the page is
//! empty; a reader that stores it with what it did misses nothing and reads nothing twice.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName, LINK};
use axum::response::{IntoResponse as _, Response};
use hub_core::code::Code;
use hub_core::store::Store;
use serde::Deserialize;

use super::problem::Problem;

pub(super) const CURSOR: HeaderName = HeaderName::from_static("dlnuf-cursor");
/// A list of CloudEvents.
pub(super) const BATCH: &str = "application/cloudevents-batch+json";
pub(super) const LARGEST: u32 = 1_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    #[serde(default)]
    after: u64,
    #[serde(default = "usual")]
    limit: u32,
}

pub(super) fn usual() -> u32 {
    100
}

pub(super) async fn page(
    State(store): State<Arc<dyn Store>>,
    place: Result<Query<Place>, QueryRejection>,
) -> Result<Response, Problem> {
    let wrong =
        "`after` is a cursor (a whole number), `limit` is between 1 and 1000; nothing else is understood";
    let Ok(Query(Place { after, limit: limit @ 1..=LARGEST })) = place else {
        return Err(Problem::bad_request(wrong));
    };
    let events = store.events(after, limit).await?;
    if events.is_empty() && after > 0 && !store.reaches(after).await? {
        let detail = "the journal was made anew since this cursor was given: start again with `after=0`";
        return Err(Problem::new(StatusCode::GONE, Code::UnknownCursor, detail));
    }
    let next = events.last().map_or(after, |event| event.cursor);
    let texts: Vec<&str> = events.iter().map(|event| event.json.as_str()).collect();
    let headers = [
        (CONTENT_TYPE, BATCH.to_owned()),
        (LINK, format!("</v1/evenements?after={next}&limit={limit}>; rel=\"next\"")),
        (CURSOR, next.to_string()),
    ];
    Ok((headers, format!("[{}]", texts.join(","))).into_response())
}
