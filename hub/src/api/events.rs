//! `GET /v1/evenements?after=CURSOR&limit=N`: a page of the journal, for tools that do not speak AMQP.
//!
//! A page is a CloudEvents batch, oldest first. `dlnuf-cursor` is what to ask for next as `after`, also when the page is
//! empty; a reader that stores it with what it did misses nothing and reads nothing twice.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use hub_core::code::Code;
use hub_core::store::Store;

use super::page::{Place, answer};
use super::problem::Problem;

pub(super) async fn page(
    State(store): State<Arc<dyn Store>>,
    place: Result<Query<Place<u64>>, QueryRejection>,
) -> Result<Response, Problem> {
    let Place { after, limit } = Place::asked(place, "a cursor (a whole number)")?;
    let after = after.unwrap_or(0);
    let events = store.events(after, limit).await?;
    if events.is_empty() && after > 0 && !store.reaches(after).await? {
        let detail = "the journal was made anew since this cursor was given: start again with `after=0`";
        return Err(Problem::new(StatusCode::GONE, Code::UnknownCursor, detail));
    }
    let next = events.last().map_or(after, |event| event.cursor);
    let texts: Vec<&str> = events.iter().map(|event| event.json.as_str()).collect();
    Ok(answer(&texts, &format!("/v1/evenements?after={next}&limit={limit}"), next))
}
