//! `/v1/uploads`: an extract pushed in pieces that can be taken up again where they broke off, by the tus protocol 1.0
//! (<https://tus.io/protocols/resumable-upload>): core, creation, termination, expiration.
//!
//! `POST` announces the length, `PATCH` brings bytes at an offset, `HEAD` tells the offset. The piece that completes the upload
//! acknowledges the delivery as `POST /v1/deliveries` does.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_core::code::Code;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::desk::{Desk, Named, Slip};
use super::digests::Digests;
use super::filename::last_segment;
use super::landing::{heard_out, too_large, write};
use super::problem::Problem;

const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const DIGEST: &str = "repr-digest";
const PIECE: &str = "application/offset+octet-stream";

/// An upload, as its file beside the bytes says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Upload {
    source: String,
    length: u64,
    filename: Option<String>,
    /// `Repr-Digest` of the whole, as announced.
    digest: Option<String>,
    /// The delivery it became.
    delivery: Option<String>,
}

/// The files of an upload.
struct Files {
    bytes: PathBuf,
    card: PathBuf,
}

impl Files {
    fn of(landing: &Path, id: Uuid) -> Self {
        let named = |extension| landing.join(format!("upload-{}.{extension}", id.simple()));
        Self { bytes: named("part"), card: named("json") }
    }

    fn read(&self) -> Result<(Upload, u64), Problem> {
        let gone = || {
            Problem::new(StatusCode::NOT_FOUND, Code::UnknownUpload, "there is no such upload of this source")
        };
        let text = fs::read(&self.card).map_err(|_| gone())?;
        let upload: Upload = serde_json::from_slice(&text).map_err(|_| gone())?;
        let offset = match fs::metadata(&self.bytes) {
            Ok(bytes) => bytes.len(),
            // Its bytes are in the archive.
            Err(_) if upload.delivery.is_some() => upload.length,
            Err(_) => 0,
        };
        Ok((upload, offset))
    }

    fn write(&self, upload: &Upload) -> Result<(), Problem> {
        let text = serde_json::to_vec(upload).expect("an upload is plain JSON");
        let fresh = self.card.with_extension("json.new");
        Ok(fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &self.card))?)
    }
}

pub(super) async fn create(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Result<Response, Problem> {
    let metadata = metadata(&headers)?;
    let asked = metadata.iter().find(|(name, _)| name == "source").map(|(_, value)| value.as_str());
    let (source, known) = desk.entitled(&headers, asked)?;
    let length = number(&headers, &LENGTH)?;
    if length > known.max_bytes {
        return Err(too_large(known.max_bytes));
    }
    Digests::announced(&headers)?;
    let filename =
        metadata.iter().find(|(name, _)| name == "filename").and_then(|(_, value)| last_segment(value));
    let digest = headers.get(DIGEST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let id = desk.pipeline.clock.mint();
    let upload = Upload { source: source.to_owned(), length, filename, digest, delivery: None };
    let files = Files::of(desk.pipeline.archive.landing(), id);
    files.write(&upload)?;
    Ok(answer(StatusCode::CREATED, 0, length, Some(format!("/v1/uploads/{id}"))))
}

pub(super) async fn offset(
    State(desk): State<Arc<Desk>>,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, files) = desk.upload(&headers, &id)?;
    let (upload, offset) = files.read()?;
    let place = upload.delivery.map(|id| format!("/v1/deliveries/{id}"));
    Ok(answer(StatusCode::OK, offset, upload.length, place))
}

pub(super) async fn piece(
    State(desk): State<Arc<Desk>>,
    Named(id): Named,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut body = body.into_data_stream();
    let outcome = taken(&desk, &id, &headers, &mut body).await;
    if outcome.is_err() {
        heard_out(&headers, body).await;
    }
    outcome
}

async fn taken(
    desk: &Desk,
    id: &str,
    headers: &HeaderMap,
    body: &mut BodyDataStream,
) -> Result<Response, Problem> {
    if headers.get(CONTENT_TYPE).is_none_or(|kind| kind != PIECE) {
        let detail = format!("expected `Content-Type: {PIECE}`");
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::BadRequest, &detail));
    }
    let (id, files) = desk.upload(headers, id)?;
    let _pen = desk.pens.pen(id)?;
    let (mut upload, before) = files.read()?;
    if number(headers, &OFFSET)? != before {
        let detail = format!("expected `Upload-Offset: {before}`, found another");
        return Err(Problem::new(StatusCode::CONFLICT, Code::UploadOffset, &detail));
    }
    // What is worked on is not swept.
    files.write(&upload)?;
    let came = write_piece(&files, (headers, body), (before, upload.length)).await?;
    let offset = before + came;
    if offset == upload.length && upload.delivery.is_none() {
        upload.delivery = Some(complete(desk, &files, &upload).await?);
        files.write(&upload)?;
        let _ = fs::remove_file(&files.bytes);
    }
    let place = upload.delivery.map(|id| format!("/v1/deliveries/{id}"));
    Ok(answer(StatusCode::NO_CONTENT, offset, upload.length, place))
}

pub(super) async fn abandon(
    State(desk): State<Arc<Desk>>,
    Named(id): Named,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (id, files) = desk.upload(&headers, &id)?;
    let _pen = desk.pens.pen(id)?;
    let _ = fs::remove_file(&files.bytes);
    fs::remove_file(&files.card)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Writes a piece behind what is there. What is not what its digest says is taken back, and so is what the disk has no room for:
/// others need it too.
async fn write_piece(
    files: &Files,
    (headers, body): (&HeaderMap, &mut BodyDataStream),
    (before, length): (u64, u64),
) -> Result<u64, Problem> {
    let mut digests = Digests::announced(headers)?;
    if before == length {
        return Ok(0);
    }
    let written = write(&files.bytes, body, length - before, &mut digests).await;
    let checked = match written {
        Ok(came) => digests.check().map(|()| came),
        Err(problem) if problem.is_full() => Err(problem),
        broken => return broken,
    };
    if checked.is_err() {
        File::options().write(true).open(&files.bytes)?.set_len(before)?;
    }
    checked
}

/// The upload is whole: it becomes a delivery, unless it is not what was announced; then nothing of it stays.
async fn complete(desk: &Desk, files: &Files, upload: &Upload) -> Result<String, Problem> {
    let forget = |problem: Problem| {
        // What cannot be a delivery will not become one by being sent on.
        let _ = fs::remove_file(&files.bytes).and_then(|()| fs::remove_file(&files.card));
        problem
    };
    let open = || if upload.length == 0 { tempfile::tempfile() } else { File::open(&files.bytes) };
    let mut file = open()?;
    let mut announced = HeaderMap::new();
    if let Some(digest) = upload.digest.as_deref().and_then(|text| HeaderValue::from_str(text).ok()) {
        announced.insert(DIGEST, digest);
    }
    let mut digests = Digests::announced(&announced)?;
    if digests.any() {
        let reading = tokio::task::spawn_blocking(move || -> io::Result<_> {
            digests.read(&mut file)?;
            Ok((digests, file))
        });
        let read = reading.await.unwrap_or_else(|lost| Err(lost.into()));
        (digests, file) = read?;
    }
    digests.check().map_err(forget)?;
    let slip = Slip { source: upload.source.clone(), filename: upload.filename.clone(), key: None };
    let parcel = desk.sources.parcel(&slip.source, file, slip.filename.clone())?;
    let received = match desk.accept(&slip, parcel).await {
        Err(problem) if problem.is_final() => return Err(forget(problem)),
        received => received?,
    };
    let ids: Vec<String> = received.iter().map(|received| received.delivery.id.to_string()).collect();
    Ok(ids.into_iter().next().unwrap_or_default())
}

impl Desk {
    /// An upload of the source that asks.
    fn upload(&self, headers: &HeaderMap, id: &str) -> Result<(Uuid, Files), Problem> {
        let (source, _) = self.entitled(headers, None)?;
        let unknown = || {
            Problem::new(StatusCode::NOT_FOUND, Code::UnknownUpload, "there is no such upload of this source")
        };
        let id = Uuid::from_str(id).map_err(|_| unknown())?;
        let files = Files::of(self.pipeline.archive.landing(), id);
        let (upload, _) = files.read()?;
        if upload.source == source { Ok((id, files)) } else { Err(unknown()) }
    }
}

fn answer(status: StatusCode, offset: u64, length: u64, place: Option<String>) -> Response {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(OFFSET, offset.into());
    headers.insert(LENGTH, length.into());
    if let Some(value) = place.and_then(|place| HeaderValue::from_str(&place).ok()) {
        headers.insert(LOCATION, value);
    }
    response
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Problem> {
    let value = headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
    value.ok_or_else(|| Problem::bad_request(&format!("`{name}` is a whole number of bytes, and required")))
}

/// `Upload-Metadata: filename BASE64,source BASE64`; a name may stand alone, others than these two say nothing here.
fn metadata(headers: &HeaderMap) -> Result<Vec<(String, String)>, Problem> {
    let malformed = || {
        Problem::bad_request("`Upload-Metadata` is written `filename BASE64,source BASE64`")
            .in_french("`Upload-Metadata` s'écrit `filename BASE64,source BASE64`")
    };
    let Some(value) = headers.get(METADATA) else { return Ok(Vec::new()) };
    let text = value.to_str().map_err(|_| malformed())?;
    let member = |member: &str| {
        let (name, encoded) = member.trim().split_once(' ').unwrap_or((member.trim(), ""));
        let bytes = STANDARD.decode(encoded.trim()).ok()?;
        Some((name.to_owned(), String::from_utf8_lossy(&bytes).into_owned()))
    };
    text.split(',').map(|text| member(text).ok_or_else(malformed)).collect()
}
