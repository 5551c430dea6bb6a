//! Asks the hub over HTTP what its queue does not say: whom to know, and to show somebody again; tells it what was applied.
//!
//! No redirection is followed and every wait ends. An error bears the call, the status and the hub's code, never a value of
//! a person, the token or an address.

use crate::digest::{Digests, persons};
use crate::{Differing, Failure};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const AT_ONCE: usize = 1_000;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(30);
const LARGEST_ANSWER_BYTES: usize = 64 << 20;

/// Why a call was in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HubError {
    /// No hub can be called this way: what was expected.
    Setup(&'static str),
    /// The hub refused.
    Refused {
        /// What was asked: `POST repairs`.
        call: String,
        /// The status of its answer.
        status: u16,
        /// The hub's code, `DLN` and four digits; none: somebody else answered.
        code: Option<String>,
    },
    /// It could not be reached, was too slow, or said what nobody can read.
    Unanswered {
        /// What was asked.
        call: String,
    },
}

/// Whether an event was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Etat {
    /// It was.
    Applique,
    /// It failed.
    Echec,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The event's `id`.
    pub id: String,
    /// Whether it was applied.
    pub etat: Etat,
    /// The event's `time`.
    pub time: Option<String>,
    /// Why it failed: a word of the tool's own, of letters, digits, `_`, `-` and `.`; never a value.
    pub cause: Option<String>,
}

/// The hub, for one subscriber.
#[derive(Clone, Debug)]
pub struct Hub {
    client: Client,
    url: Url,
    timeout: Duration,
}

impl Hub {
    /// The hub at `url` (its token-guarded address), for the subscriber whose `token` this is.
    pub fn new(url: &str, token: &str) -> Result<Self, HubError> {
        let plain =
            |url: &Url| url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && plain(url));
        let url = url.ok_or(HubError::Setup("expected an http(s) address without login and query"))?;
        let bearer = HeaderValue::try_from(format!("Bearer {token}"));
        let mut bearer = bearer.map_err(|_| HubError::Setup("expected a token on one line"))?;
        bearer.set_sensitive(true);
        Ok(Self { client: client(bearer)?, url, timeout: TIMEOUT })
    }

    /// Waits so long for a whole answer, not 30 seconds.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Has these persons shown again through the subscriber's channel; returns those it is not to know, to be forgotten.
    pub async fn repair(
        &self,
        persons: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Vec<String>, HubError> {
        let each: BTreeSet<String> = persons.into_iter().map(Into::into).collect();
        let each: Vec<String> = each.into_iter().collect();
        let mut unknown = Vec::new();
        for some in each.chunks(AT_ONCE) {
            let told =
                self.call(Method::POST, "repairs", Some(json!({ "subjects": some })), unknown_in).await?;
            unknown.extend(told);
        }
        Ok(unknown)
    }

    /// Has everybody shown again.
    pub async fn snapshot(&self) -> Result<(), HubError> {
        self.call(Method::POST, "snapshot", None, |_| Some(())).await
    }

    /// Tells what became of events.
    pub async fn report(&self, effects: &[Effect]) -> Result<(), HubError> {
        for some in effects.chunks(AT_ONCE) {
            let some: Vec<Value> = some.iter().map(Effect::in_json).collect();
            self.call(Method::POST, "effects", Some(json!({ "effets": some })), |_| Some(())).await?;
        }
        Ok(())
    }

    /// Compares `known`, the last sequence of each person held, with what the hub told. Who is erased is not held.
    ///
    /// What is on its way in the queue counts as told: compare with an empty queue, or again a moment later.
    pub async fn differing(&self, known: &BTreeMap<String, u64>) -> Result<Differing, HubError> {
        let digests = self.call(Method::GET, "digests", None, Digests::parse).await?;
        let mut differing = Differing::default();
        for (part, held) in digests.unlike(known) {
            let told = self.call(Method::GET, &format!("digests/{part}"), None, persons).await?;
            differing.compare(&held, &told, digests.ranked);
        }
        Ok(differing)
    }

    /// Calls, and reads the answer; one without a body is null.
    async fn call<T>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, HubError> {
        let call = format!("{method} {}", path.split('/').next().unwrap_or_default());
        let bodiless = method == Method::POST && body.is_none();
        let mut request = self.client.request(method, self.address(path)).timeout(self.timeout);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        } else if bodiless {
            request = request.header(CONTENT_LENGTH, 0); // some proxies insist on one
        }
        // The error of the HTTP client shows addresses: it ends here.
        let Ok(answer) = request.send().await else { return Err(HubError::Unanswered { call }) };
        let (status, text) = (answer.status(), whole(answer).await);
        if !status.is_success() {
            let code = text.and_then(|text| code_in(&text));
            return Err(HubError::Refused { call, status: status.as_u16(), code });
        }
        let answer = text.and_then(|text| json_in(&text));
        answer.and_then(|answer| read(&answer)).ok_or(HubError::Unanswered { call })
    }

    fn address(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["v1", "subscribers", "me"]).extend(path.split('/'));
        }
        url
    }
}

impl Effect {
    fn in_json(&self) -> Value {
        let etat = match self.etat {
            Etat::Applique => "applique",
            Etat::Echec => "echec",
        };
        let mut effect = json!({ "id": self.id, "etat": etat });
        for (name, value) in [("time", &self.time), ("cause", &self.cause)] {
            if let Some(value) = value {
                effect[name] = json!(value);
            }
        }
        effect
    }
}

impl fmt::Display for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup(expected) => f.write_str(expected),
            Self::Refused { call, status, code: Some(code) } => write!(f, "{call}: {status} {code}"),
            Self::Refused { call, status, code: None } => write!(f, "{call}: {status}"),
            Self::Unanswered { call } => write!(f, "{call}: no answer that can be read"),
        }
    }
}

impl std::error::Error for HubError {}

impl From<HubError> for Failure {
    fn from(error: HubError) -> Self {
        Self::Again(error.to_string())
    }
}

/// TLS as towards the broker: rustls with ring, and the web's roots.
fn client(bearer: HeaderValue) -> Result<Client, HubError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| HubError::Setup("expected TLS 1.2 and 1.3"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
        .redirect(Policy::none()) // the token goes nowhere else
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .build();
    client.map_err(|_| HubError::Setup("expected an HTTP client"))
}

async fn whole(mut answer: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        if body.len() + chunk.len() > LARGEST_ANSWER_BYTES {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

fn json_in(text: &[u8]) -> Option<Value> {
    if text.is_empty() { Some(Value::Null) } else { serde_json::from_slice(text).ok() }
}

/// The hub's code; what anything in between puts there instead is not repeated.
fn code_in(text: &[u8]) -> Option<String> {
    let problem = json_in(text)?;
    let code = problem["code"].as_str()?;
    let digits = code.strip_prefix("DLN")?;
    (digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| code.to_owned())
}

fn unknown_in(answer: &Value) -> Option<Vec<String>> {
    answer["inconnus"].as_array()?.iter().map(|person| person.as_str().map(str::to_owned)).collect()
}
