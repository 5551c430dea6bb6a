//! Failures over HTTP: RFC 9457 problems carrying the same stable codes as the command line.

use std::io;

use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hub_core::code::Code;
use hub_core::store::StoreError;
use serde_json::json;

use crate::arrival::{ArrivalError, code_of};
use crate::sources::KeyError;

/// A problem to answer with.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: Code,
    detail: String,
    /// The detail in French; what the code means when it is left out.
    explanation: Option<String>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: Code, detail: &str) -> Self {
        Self { status, code, detail: detail.to_owned(), explanation: None }
    }

    /// The same, with its detail in French too.
    pub(super) fn in_french(self, explanation: &str) -> Self {
        Self { explanation: Some(explanation.to_owned()), ..self }
    }

    pub(super) fn bad_request(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest, detail)
    }

    pub(super) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, Code::NotFound, detail)
    }
}

impl Problem {
    /// Whether there is no room.
    pub(super) fn is_full(&self) -> bool {
        self.status == StatusCode::INSUFFICIENT_STORAGE
    }

    /// Whether sending the same again would be answered the same.
    pub(super) fn is_final(&self) -> bool {
        self.status.is_client_error() && self.status != StatusCode::REQUEST_TIMEOUT
    }
}

impl From<ArrivalError> for Problem {
    fn from(error: ArrivalError) -> Self {
        match error {
            ArrivalError::Fault(fault) => fault.into(),
            ArrivalError::Archive(error) => error.into(),
            ArrivalError::Store(error) => error.into(),
        }
    }
}

/// The disk does not take what came, or does not give back what was kept.
impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        let code = code_of(&error);
        let full = code == Code::DiskFull;
        let status = if full { StatusCode::INSUFFICIENT_STORAGE } else { StatusCode::SERVICE_UNAVAILABLE };
        tracing::error!(%code, %error, "an arrival could not be written or read");
        Self::new(status, code, "nothing was acknowledged")
    }
}

/// A key of the source cannot be had: the hub's own fault, told without saying which.
impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        tracing::error!(%error, "a source's keys cannot be had");
        let detail = "the hub cannot open deliveries of this source now";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::BadConfig, detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(code = %error.code(), %error, "a request failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.code(), &error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let entry = self.code.entry();
        let body = json!({
            "type": format!("https://dlnuf.fr/codes/{}", self.code),
            "title": entry.en.title, "titre": entry.fr.title, "status": self.status.as_u16(), "code": self.code,
            "detail": self.detail, "explication": self.explanation.as_deref().unwrap_or(&entry.fr.cause), "remedy": entry.en.for_sender(), "remede": entry.fr.for_sender(),
        });
        let mut response =
            (self.status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"dlnuf\""));
        }
        response
    }
}
