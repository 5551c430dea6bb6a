//! `GET /v1/personnes?after=ID&limit=N`: a page of persons as they are known now, for a tool that starts.
//!
//! A page is a CloudEvents batch of `fr.dlnuf.personne.etat`. `link` names the next page, which is empty after the last one;
//! `dlnuf-cursor` of the first page is where to follow `/v1/evenements` from, once all are read.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use hub_core::clock::Clock;
use hub_core::delivery::PersonId;

use super::Rooms;
use super::page::{Place, answer};
use super::problem::Problem;
use crate::clock::MachineClock;
use crate::snapshot;

pub(super) async fn page(
    State(rooms): State<Rooms>,
    place: Result<Query<Place<PersonId>>, QueryRejection>,
) -> Result<Response, Problem> {
    let Place { after, limit } = Place::asked(place, "the identifier of a person")?;
    let after = after.unwrap_or(snapshot::START);
    // Before the persons are read: what changes meanwhile is told again rather than missed.
    let cursor = rooms.store.journal_end().await?;
    let of = (rooms.canon.as_ref(), &MachineClock as &dyn Clock);
    let page = snapshot::page(rooms.store.as_ref(), of, after, limit).await?;
    let next = page.next.unwrap_or(after);
    Ok(answer(&page.states, &format!("/v1/personnes?after={next}&limit={limit}"), cursor))
}
