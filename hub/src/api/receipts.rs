//! `GET /v1/deliveries/ID`: the receipt, for the source the delivery is of; `/receipt.csv` for people, `/refused` for the records to
//! mend.
//!
//! `?wait=SECONDS` answers as soon as the delivery was taken in, held or refused, or when the time is over.

use std::collections::BTreeSet;
use std::io::Seek as _;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hub_core::code::Code;
use hub_core::delivery::DeliveryId;
use serde::Deserialize;
use tempfile::{SpooledData, SpooledTempFile};
use tokio::time::Instant;
use tokio_util::io::ReaderStream;
use uuid::Uuid;

use super::desk::{Desk, Named};
use super::filename::attachment;
use super::problem::Problem;
use crate::receipt::{ReceiptError, Summary, csv, json, refused};

/// Longest wait, in seconds.
const LONGEST_WAIT: u64 = 60;
/// Receipts up to this size are made in memory.
const MEMORY_BYTES: usize = 1 << 20;
/// How often other processes' runs are looked at while waiting.
const LOOK: Duration = Duration::from_secs(1);

/// What may be asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    wait: u64,
}

pub(super) async fn receipt(
    State(desk): State<Arc<Desk>>,
    Named(id): Named,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wait = match asked {
        Ok(Query(Asked { wait })) if wait <= LONGEST_WAIT => Duration::from_secs(wait),
        _ => return Err(Problem::bad_request("`wait` is 0 to 60 seconds; nothing else is understood")),
    };
    let summary = settled(&desk, &headers, &id, wait).await?;
    let mut file = scratch(&desk);
    json::write(desk.pipeline.store.as_ref(), &summary, &mut file).await?;
    stream(file, "application/json", None)
}

pub(super) async fn table(
    State(desk): State<Arc<Desk>>,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let summary = settled(&desk, &headers, &id, Duration::ZERO).await?;
    let mut file = scratch(&desk);
    csv::write(desk.pipeline.store.as_ref(), &summary, &mut file).await?;
    stream(file, "text/csv; charset=utf-8", Some(&format!("compte-rendu-{}.csv", summary.delivery.id)))
}

pub(super) async fn refused_records(
    State(desk): State<Arc<Desk>>,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let summary = settled(&desk, &headers, &id, Duration::ZERO).await?;
    let nothing = || Problem::not_found("no record of this delivery was refused");
    let run = summary.run.as_ref().filter(|run| run.counts.rejected > 0).ok_or_else(nothing)?;
    let numbers: BTreeSet<u64> = summary.refused_numbers(desk.pipeline.store.as_ref()).await?;
    let mapping = desk.pipeline.catalogue.named(run.kind());
    let mapping = mapping.ok_or_else(|| Problem::not_found("the mapping it was read by is there no more"))?;
    let (pipeline, digest) = (Arc::clone(&desk.pipeline), summary.delivery.digest);
    let mut file = scratch(&desk);
    let write = move || {
        let (archive, formats) = (pipeline.archive.as_ref(), pipeline.formats.as_ref());
        refused::write((archive, digest), (formats, &mapping.dialect), &numbers, &mut file)?;
        Ok::<_, refused::RefusedError>(file)
    };
    let written = tokio::task::spawn_blocking(write).await.map_err(std::io::Error::from)?;
    let file = written.map_err(|error| match error {
        refused::RefusedError::Fault(fault) => Problem::from(fault),
        refused::RefusedError::Io(error) => error.into(),
    })?;
    let name = refused::name(summary.delivery.filename.as_deref(), summary.delivery.id);
    stream(file, "application/octet-stream", Some(&name))
}

/// What is known of a delivery of the source that asks, after waiting for it to be taken in.
async fn settled(desk: &Desk, headers: &HeaderMap, id: &str, wait: Duration) -> Result<Summary, Problem> {
    let (source, _) = desk.entitled(headers, None)?;
    let unknown = || Problem::not_found("there is no such delivery of this source");
    let id = DeliveryId(Uuid::from_str(id).map_err(|_| unknown())?);
    let deadline = Instant::now() + wait;
    loop {
        let ended = desk.ended.notified();
        let summary = Summary::of(desk.pipeline.store.as_ref(), id).await?;
        // Another source's delivery is as unknown as none.
        let summary = summary.filter(|summary| summary.delivery.source == source).ok_or_else(unknown)?;
        if summary.is_final() || Instant::now() >= deadline {
            return Ok(summary);
        }
        let _ = tokio::time::timeout_at(deadline.min(Instant::now() + LOOK), ended).await;
    }
}

/// A place nobody else sees: in memory, or on the archive's own disk for what is large. A usual receipt is told also when the disk is
/// full.
fn scratch(desk: &Desk) -> SpooledTempFile {
    tempfile::spooled_tempfile_in(MEMORY_BYTES, desk.pipeline.archive.landing())
}

fn stream(mut file: SpooledTempFile, kind: &'static str, name: Option<&str>) -> Result<Response, Problem> {
    let length = file.stream_position()?;
    file.rewind()?;
    let body = match file.into_inner() {
        SpooledData::InMemory(bytes) => Body::from(bytes.into_inner()),
        SpooledData::OnDisk(file) => Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file))),
    };
    let mut response = (StatusCode::OK, [(CONTENT_TYPE, kind)], body).into_response();
    response.headers_mut().insert(axum::http::header::CONTENT_LENGTH, length.into());
    if let Some(name) = name.and_then(attachment) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

impl From<ReceiptError> for Problem {
    fn from(error: ReceiptError) -> Self {
        match error {
            ReceiptError::Store(error) => error.into(),
            ReceiptError::Io(error) => error.into(),
        }
    }
}

impl From<hub_core::connector::Fault> for Problem {
    fn from(fault: hub_core::connector::Fault) -> Self {
        let status = match fault.code {
            Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, fault.code, &fault.detail)
    }
}
