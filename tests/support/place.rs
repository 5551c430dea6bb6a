//! A place on loopback that answers as a test says, and keeps what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use hub_core::transport::{Fetched, Transport, TransportError};
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request that came.
#[derive(Clone)]
pub struct Seen {
    /// `GET /path?query`.
    pub line: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn json(&self, pointer: &str) -> Option<String> {
        let body: Json = serde_json::from_str(&self.body).ok()?;
        body.pointer(pointer)?.as_str().map(str::to_owned)
    }
}

/// What a place answers to a request, which is the so-manyth since it opened.
type Answers = Arc<dyn Fn(&Seen, usize) -> Response + Send + Sync>;

/// An open place; shut when dropped.
pub struct Place {
    pub base: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    server: JoinHandle<std::io::Result<()>>,
}

impl Place {
    pub async fn open(answers: impl Fn(&Seen, usize) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let answers: Answers = Arc::new(answers);
        let router = Router::new().fallback(answer).with_state((seen.clone(), answers));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, seen, server }
    }

    pub fn port(&self) -> u16 {
        let port = self.base.rsplit(':').next().and_then(|port| port.parse().ok());
        port.expect("an address ends with its port")
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("requests").clone()
    }

    /// The first lines of what was asked, in order.
    pub fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Shared = (Arc<Mutex<Vec<Seen>>>, Answers);

async fn answer(
    State((kept, answers)): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: String,
) -> Response {
    let seen = Seen { line: format!("{method} {uri}"), headers, body };
    let number = {
        let mut kept = kept.lock().expect("requests");
        kept.push(seen.clone());
        kept.len() - 1
    };
    answers(&seen, number)
}

/// An answer with this status, these headers and a body of JSON.
pub fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let mut answer = (StatusCode::from_u16(status).expect("a status"), body.to_owned()).into_response();
    let json = [("content-type", "application/json;charset=UTF-8")];
    for (name, value) in json.iter().chain(headers) {
        let name: axum::http::HeaderName = name.parse().expect("a name");
        answer.headers_mut().insert(name, value.parse().expect("a value"));
    }
    answer
}

/// Looks, fetches what is offered first, and gives the lines that came.
pub async fn fetch(
    place: &dyn Transport,
    cursor: Option<&str>,
) -> Result<(Fetched, Vec<String>), TransportError> {
    let offers = place.look(cursor).await?;
    let offer = offers.first().expect("an offer");
    let mut bytes = Vec::new();
    let fetched = place.fetch(offer, &mut bytes).await?;
    let text = String::from_utf8(bytes).expect("UTF-8");
    Ok((fetched, text.lines().map(str::to_owned).collect()))
}
