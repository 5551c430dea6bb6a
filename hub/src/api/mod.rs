//! The HTTP door, version 1: persons as they are known, the journal of events by cursor, and whether the hub is well.
//!
//! Events hold values of persons and there are no access tokens yet, so the door answers on loopback only, and only to
//! requests addressed to it by a loopback name: a web page rebinding its DNS name gets nothing.

mod events;
mod page;
mod persons;
mod problem;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hub_core::canonical::Canon;
use hub_core::code::Code;
use hub_core::store::Store;
use serde_json::json;
use tokio::net::TcpListener;

use problem::Problem;

/// What the doors open on.
#[derive(Clone)]
struct Rooms {
    store: Arc<dyn Store>,
    canon: Arc<Canon>,
}

impl FromRef<Rooms> for Arc<dyn Store> {
    fn from_ref(rooms: &Rooms) -> Self {
        Self::clone(&rooms.store)
    }
}

/// Answers on a listener until `stop` resolves; requests under way are answered first.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    store: Arc<dyn Store>,
    canon: Arc<Canon>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(Rooms { store, canon })).with_graceful_shutdown(stop).await
}

const NO_SUCH: &str = "there is no such resource; see `/v1/personnes`, `/v1/evenements` and `/sante`";

fn router(rooms: Rooms) -> Router {
    Router::new()
        .route("/v1/evenements", get(events::page))
        .route("/v1/personnes", get(persons::page))
        .route("/sante", get(health))
        .fallback(async || Problem::not_found(NO_SUCH))
        .layer(from_fn(loopback_name))
        .layer(map_response(never_cached))
        .with_state(rooms)
}

async fn health(State(store): State<Arc<dyn Store>>) -> Result<Response, Problem> {
    let waiting = store.waiting().await?;
    Ok(axum::Json(json!({ "etat": "en service", "evenements_en_attente": waiting })).into_response())
}

async fn loopback_name(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_loopback(host) {
        return next.run(request).await;
    }
    let detail = "the request names another host than `localhost` or `127.0.0.1`";
    Problem::new(StatusCode::MISDIRECTED_REQUEST, Code::BadRequest, detail).into_response()
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn never_cached(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_loopback_names_are_answered() {
        for host in ["localhost", "localhost:8080", "127.0.0.1:80", "[::1]:8080", "[::1]"] {
            assert!(super::is_loopback(host), "{host}");
        }
        for host in
            ["", "evil.example", "127.0.0.1.evil.example:80", "10.0.0.1:8080", "localhost.evil.example"]
        {
            assert!(!super::is_loopback(host), "{host}");
        }
    }
}
