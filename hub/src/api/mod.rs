//! The HTTP door, version 1: persons as they are known, the journal of events by cursor, and whether the hub is well.
//!
//! Events hold values of persons and there are no access tokens yet, so the door answers on loopback only, and only to
//! requests addressed to it by a loopback name: a web page rebinding its DNS name gets nothing.

mod deliveries;
mod desk;
mod digests;
mod effects;
mod events;
mod filename;
mod identity;
mod landing;
mod listening;
mod lookup;
mod page;
mod pen;
mod persons;
mod problem;
mod receipts;
mod roll;
mod subscribers;
mod subscriptions;
mod tus;
mod uploads;
mod window;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Request, State};
use axum::http::header::{CACHE_CONTROL, CONNECTION, HOST, TRANSFER_ENCODING};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, map_response};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, head, post};
use hub_core::canonical::Canon;
use hub_core::code::Code;
use hub_core::store::Store;
use serde_json::json;
use tokio::net::TcpListener;

use crate::contract::{asyncapi, openapi};
use crate::court::Court;
use problem::Problem;

pub use desk::Desk;
pub use subscriptions::{Registry, in_json as subscription_in_json};
pub use window::Window;

/// What the doors open on.
#[derive(Clone)]
pub struct Rooms {
    /// What is known.
    pub store: Arc<dyn Store>,
    /// What it is made of.
    pub canon: Arc<Canon>,
}

impl FromRef<Rooms> for Arc<dyn Store> {
    fn from_ref(rooms: &Rooms) -> Self {
        Self::clone(&rooms.store)
    }
}

/// What opens besides, on loopback.
#[derive(Clone, Default)]
pub struct Inner {
    /// What those who show a token come to.
    pub counter: Option<Counter>,
    /// Who is who.
    pub court: Option<Arc<Court>>,
    /// Who subscribes to what.
    pub registry: Option<Registry>,
}

/// Answers on a listener until `stop` resolves; requests under way are answered first.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    rooms: Rooms,
    Inner { counter, court, registry }: Inner,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let mut doors = Router::new()
        .route("/v1/evenements", get(events::page))
        .route("/v1/personnes", get(persons::page))
        .route("/sante", get(health))
        .with_state(rooms);
    if let Some(court) = court {
        doors = doors.merge(who_is_who(court));
    }
    if let Some(registry) = registry {
        doors = doors.merge(who_subscribes(registry));
    }
    if let Some(counter) = counter {
        doors = doors.merge(counter.doors());
    }
    let doors = doors.layer(from_fn(loopback_name));
    listening::answer(listener, finished(doors), stop).await
}

/// What those who show a token come to: institutions that hand in, subscribers that read.
#[derive(Clone)]
pub struct Counter {
    /// Where institutions hand in.
    pub desk: Arc<Desk>,
    /// What subscribers read through.
    pub window: Window,
}

/// Answers those only who show a token, on a listener of their own.
///
/// # Errors
/// When the listener fails.
pub async fn serve_institutions(
    listener: TcpListener,
    counter: Counter,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    listening::answer(listener, finished(counter.doors()), stop).await
}

const NO_SUCH: &str = "there is no such resource; see `/v1/deliveries`, `/v1/personnes`, `/v1/evenements`, `/v1/identite/questions` and `/sante`";

/// Who is who.
fn who_is_who(court: Arc<Court>) -> Router {
    Router::new()
        .route("/v1/identite/questions", get(identity::questions))
        .route("/v1/identite/questions/{one}/{other}", get(identity::side_by_side))
        .route("/v1/identite/decisions", get(identity::rulings).post(identity::rule))
        .route("/v1/identite/decisions/{id}/annulation", post(identity::undo))
        .with_state(court)
}

/// Who subscribes to what.
fn who_subscribes(registry: Registry) -> Router {
    Router::new()
        .route("/v1/abonnements", get(subscriptions::list))
        .route(
            "/v1/abonnements/{nom}",
            get(subscriptions::one).put(subscriptions::put).delete(subscriptions::delete),
        )
        .route("/v1/profils", get(subscriptions::profiles))
        .route(
            "/v1/profils/{nom}",
            get(subscriptions::profile).put(subscriptions::put_profile).delete(subscriptions::delete_profile),
        )
        .layer(DefaultBodyLimit::max(crate::subscriptions::LARGEST))
        .with_state(registry)
}

impl Counter {
    /// The doors that ask for a token.
    fn doors(self) -> Router {
        let read = Router::new()
            .route("/v1/subscribers/me/events", get(subscribers::events))
            .route("/v1/subscribers/me/snapshot", post(subscribers::snapshot))
            .route("/v1/persons/lookup", post(lookup::look_up))
            .route("/v1/subscribers/me", get(effects::me))
            .route("/v1/subscribers/me/effects", post(effects::take))
            .route("/v1/subscribers/me/digests", get(roll::digests))
            .route("/v1/subscribers/me/digests/{compartiment}", get(roll::persons))
            .route("/v1/subscribers/me/repairs", post(roll::repairs))
            .with_state(self.window);
        hand_in(self.desk).merge(read)
    }
}

/// Where institutions hand in.
fn hand_in(desk: Arc<Desk>) -> Router {
    let uploads = Router::new()
        .route("/v1/uploads", post(uploads::create).options(tus::offered))
        .route(
            "/v1/uploads/{id}",
            head(uploads::offset).patch(uploads::piece).delete(uploads::abandon).options(tus::offered),
        )
        .method_not_allowed_fallback(other_method)
        .layer(from_fn(tus::spoken));
    Router::new()
        .route("/v1/deliveries", post(deliveries::push))
        .route("/v1/deliveries/{id}", get(receipts::receipt))
        .route("/v1/deliveries/{id}/receipt.csv", get(receipts::table))
        .route("/v1/deliveries/{id}/refused", get(receipts::refused_records))
        .merge(uploads)
        .layer(DefaultBodyLimit::disable())
        .with_state(desk)
}

/// What all doors have in common.
fn finished(doors: Router) -> Router {
    doors
        .route("/v1/openapi.json", get(async || axum::Json(openapi())))
        .route("/v1/asyncapi.json", get(async || axum::Json(asyncapi())))
        .method_not_allowed_fallback(other_method)
        .fallback(async || Problem::not_found(NO_SUCH))
        .layer(from_fn(framed))
        .layer(map_response(never_cached))
}

/// A body in chunks is read by its chunks, whatever length stands beside them; its connection ends with it, since somebody on the way
/// may have believed the length (RFC 9112, 6.1).
async fn framed(request: Request, next: Next) -> Response {
    let Some(coding) = request.headers().get(TRANSFER_ENCODING) else { return next.run(request).await };
    let mut response = if coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        next.run(request).await
    } else {
        let detail = "expected `Transfer-Encoding: chunked`, found another coding";
        Problem::new(StatusCode::NOT_IMPLEMENTED, Code::UnknownCoding, detail)
            .in_french("seul `Transfer-Encoding: chunked` est compris")
            .into_response()
    };
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

async fn other_method() -> Problem {
    let detail = "the resource is there, and does not answer to this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, Code::BadRequest, detail)
        .in_french("la ressource existe, mais ne répond pas à cette méthode")
}

async fn health(State(store): State<Arc<dyn Store>>) -> Result<Response, Problem> {
    let (waiting, told) = (store.waiting().await?, store.told_waiting().await?);
    let state =
        json!({ "etat": "en service", "evenements_en_attente": waiting, "evenements_aux_abonnes": told });
    Ok(axum::Json(state).into_response())
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
