//! `POST /v1/deliveries`: an institution pushes an extract; `201` once it is durable and known.
//!
//! The body streams to the archive's disk, whatever its size. The token says whose it is; `Content-Digest` is checked,
//! `Idempotency-Key` makes a retry harmless, `Content-Encoding` may be gzip or zstd.

use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hub_core::code::Code;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::desk::{Desk, Slip};
use super::digests::Digests;
use super::filename::named;
use super::landing::{Landed, announced, coded, heard_out};
use super::problem::Problem;
use crate::arrival::Received;

/// Longest key a sender may give a file.
const KEY_BYTES: usize = 255;

/// What may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    source: Option<String>,
}

pub(super) async fn push(
    State(desk): State<Arc<Desk>>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut body = body.into_data_stream();
    let outcome = pushed(&desk, asked, &headers, &mut body).await;
    if outcome.is_err() {
        heard_out(&headers, body).await;
    }
    outcome
}

async fn pushed(
    desk: &Desk,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<Response, Problem> {
    let Query(Asked { source: asked }) = asked.map_err(|_| {
        Problem::bad_request("only `source` is understood").in_french("seul `source` est compris")
    })?;
    let (source, known) = desk.entitled(headers, asked.as_deref())?;
    announced(headers, known.max_bytes)?;
    bare(headers)?;
    let mut digests = Digests::announced(headers)?;
    let slip = Slip { source: source.to_owned(), filename: named(headers), key: key(headers)? };
    let landed = Landed::fresh(desk.pipeline.archive.landing(), desk.pipeline.clock.mint());
    landed.fill(body, known.max_bytes, &mut digests).await?;
    digests.check()?;
    let mut file = landed.open()?;
    coded(headers, &mut file)?;
    let parcel = desk.sources.parcel(source, file, slip.filename.clone())?;
    let received = desk.accept(&slip, parcel).await?;
    Ok(acknowledged(&received, slip.key.is_some()))
}

/// A form is no extract: the file stands inside it, between marks.
fn bare(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        return Ok(());
    }
    let detail =
        "expected the file itself as the body (curl: `--data-binary @FILE` or `-T FILE`), found a form";
    let problem = Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::UnknownCoding, detail);
    Err(problem.in_french("le corps doit être le fichier lui-même (curl : `--data-binary @FICHIER` ou `-T FICHIER`), pas un formulaire"))
}

/// What came, and where to ask what became of it. The same bytes again are no news, unless the sender's key says it is the same
/// request.
pub(super) fn acknowledged(received: &[Received], same_request: bool) -> Response {
    let all_known = !received.is_empty() && received.iter().all(|received| received.known);
    let status = if all_known && !same_request { StatusCode::OK } else { StatusCode::CREATED };
    let place = received.first().map(|received| format!("/v1/deliveries/{}", received.delivery.id));
    let listed: Vec<Json> = received.iter().map(listed).collect();
    let body = axum::Json(json!({ "livraisons": listed }));
    (status, [(LOCATION, place.unwrap_or_default())], body).into_response()
}

fn listed(Received { delivery, known }: &Received) -> Json {
    json!({
        "livraison": delivery.id, "fichier": delivery.filename, "taille_octets": delivery.size_bytes,
        "empreinte_blake3": delivery.digest.to_string(), "deja_recue": known,
        "compte_rendu": format!("/v1/deliveries/{}", delivery.id),
    })
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all("idempotency-key").iter();
    let Some(value) = given.next() else { return Ok(None) };
    match (value.to_str(), given.next()) {
        (Ok(key), None) if !key.is_empty() && key.len() <= KEY_BYTES => Ok(Some(key.to_owned())),
        _ => Err(Problem::bad_request("`Idempotency-Key` is given once, in 1 to 255 printable characters")
            .in_french("`Idempotency-Key` se donne une fois, en 1 à 255 caractères imprimables")),
    }
}
