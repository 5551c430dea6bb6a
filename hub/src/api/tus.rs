//! What every request and answer of a resumable upload has in common: the version of the protocol, and what of it is spoken.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use hub_core::code::Code;

use super::problem::Problem;

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const VERSIONS: HeaderName = HeaderName::from_static("tus-version");
const EXTENSIONS: HeaderName = HeaderName::from_static("tus-extension");
const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");

/// Lets requests of the version spoken through, and those that name none; names it in every answer.
pub(super) async fn spoken(request: Request, next: Next) -> Response {
    let other = request.headers().get_all(RESUMABLE).iter().any(|version| version != VERSION);
    let mut response = if other {
        let detail = "expected `Tus-Resumable: 1.0.0`, found another version";
        let problem = Problem::new(StatusCode::PRECONDITION_FAILED, Code::BadRequest, detail)
            .in_french("seule la version 1.0.0 du protocole tus est parlée ici");
        ([(VERSIONS, VERSION)], problem).into_response()
    } else {
        next.run(request).await
    };
    response.headers_mut().insert(RESUMABLE, VERSION);
    response
}

/// `OPTIONS`: what a client may use.
pub(super) async fn offered() -> Response {
    let extensions = HeaderValue::from_static("creation,termination");
    (StatusCode::NO_CONTENT, [(VERSIONS, VERSION), (EXTENSIONS, extensions)]).into_response()
}
