//! Failures over HTTP: RFC 9457 problems carrying the same stable codes as the command line.

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use hub_core::code::Code;
use hub_core::store::StoreError;
use serde_json::json;

/// A problem to answer with.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    code: Code,
    detail: String,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: Code, detail: &str) -> Self {
        Self { status, code, detail: detail.to_owned() }
    }

    pub(super) fn bad_request(detail: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest, detail)
    }

    pub(super) fn not_found(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, Code::NotFound, detail)
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
            "detail": self.detail, "remedy": entry.en.remedy, "remede": entry.fr.remedy,
        });
        (self.status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}
