//! `GET /v1/personnes?after=ID&limit=N`: a page of persons as they are known now, for a tool that starts.
//!
//! A page is a CloudEvents batch of `fr.dlnuf.personne.etat`. `link` names the next page, which is empty after the last one;
//! `dlnuf-cursor` of the first page is where to follow `/v1/evenements` from, once all are read.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_TYPE, LINK};
use axum::response::{IntoResponse as _, Response};
use hub_core::delivery::PersonId;
use serde::Deserialize;

use super::Rooms;
use super::events::{BATCH, CURSOR, LARGEST, usual};
use super::problem::Problem;
use crate::clock::MachineClock;
use crate::snapshot;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    #[serde(default = "start")]
    after: PersonId,
    #[serde(default = "usual")]
    limit: u32,
}

fn start() -> PersonId {
    snapshot::START
}

pub(super) async fn page(
    State(rooms): State<Rooms>,
    place: Result<Query<Place>, QueryRejection>,
) -> Result<Response, Problem> {
    let wrong =
        "`after` is the identifier of a person, `limit` is between 1 and 1000; nothing else is understood";
    let Ok(Query(Place { after, limit: limit @ 1..=LARGEST })) = place else {
        return Err(Problem::bad_request(wrong));
    };
    // Before the persons are read: what changes meanwhile is told again rather than missed.
    let cursor = rooms.store.journal_end().await?;
    let of = (rooms.canon.as_ref(), &MachineClock as &dyn hub_core::clock::Clock);
    let page = snapshot::page(rooms.store.as_ref(), of, after, limit).await?;
    let next = page.next.unwrap_or(after);
    let headers = [
        (CONTENT_TYPE, BATCH.to_owned()),
        (LINK, format!("</v1/personnes?after={next}&limit={limit}>; rel=\"next\"")),
        (CURSOR, cursor.to_string()),
    ];
    Ok((headers, format!("[{}]", page.states.join(","))).into_response())
}
