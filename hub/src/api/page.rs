//! What all lists over HTTP have in common: where a page starts, how long it is, and how it is answered.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::header::{CONTENT_TYPE, HeaderName, LINK};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::problem::Problem;

const CURSOR: HeaderName = HeaderName::from_static("dlnuf-cursor");
const LARGEST: u32 = 1_000;

/// Where a page starts: behind `after`, at the beginning when it is left out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place<A> {
    pub after: Option<A>,
    #[serde(default = "usual")]
    pub limit: u32,
}

fn usual() -> u32 {
    100
}

impl<A> Place<A> {
    /// The place asked for; `after` says what it has to be.
    pub(super) fn asked(query: Result<Query<Self>, QueryRejection>, after: &str) -> Result<Self, Problem> {
        match query {
            Ok(Query(place)) if (1..=LARGEST).contains(&place.limit) => Ok(place),
            _ => Err(Problem::bad_request(&format!(
                "`after` is {after}, `limit` is between 1 and 1000; nothing else is understood"
            ))),
        }
    }
}

/// A page of CloudEvents: `next` is the address of the one behind it, `cursor` a place in the journal.
pub(super) fn answer(events: &[impl AsRef<str>], next: &str, cursor: u64) -> Response {
    let texts: Vec<&str> = events.iter().map(AsRef::as_ref).collect();
    let headers = [
        (CONTENT_TYPE, "application/cloudevents-batch+json".to_owned()),
        (LINK, format!("<{next}>; rel=\"next\"")),
        (CURSOR, cursor.to_string()),
    ];
    (headers, format!("[{}]", texts.join(","))).into_response()
}
