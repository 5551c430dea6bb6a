//! Calls to the management API: one try, bounded in time and size, every name percent-encoded into the path.
//!
//! A path enters, what the answer holds leaves, or an error that shows neither a password nor a URL.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy as Redirects;
use reqwest::{Client, Method, Response, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(15);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// The API closes a connection that was idle for a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Largest body read: a list that comes as a whole may be long.
const MOST_BYTES: usize = 16 << 20;
/// The most the API gives on a page, and the most pages of one list.
const PAGE_SIZE: u32 = 500;
const MOST_PAGES: u32 = 200;
/// The longest reason told of a refusal.
const REASON_CHARS: usize = 200;

/// A failed call to the management API. Holds neither a password nor a URL.
#[derive(Debug, thiserror::Error)]
pub enum ManagementError {
    /// The URL, or a name that would be part of one, cannot be used.
    #[error("expected {expected}, found something else")]
    Url {
        /// What it must be.
        expected: &'static str,
    },
    /// It cannot be reached, or what it answered cannot be read.
    #[error("expected an answer of the management api when {context}, found none that can be read")]
    Unreachable {
        /// What was being done.
        context: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// It refused.
    #[error("expected the management api to consent when {context}, found {status}: {reason}")]
    Refused {
        /// What was being done.
        context: &'static str,
        /// The status of the answer.
        status: u16,
        /// RabbitMQ's own reason, shortened.
        reason: String,
    },
    /// What is named, or the virtual host, does not exist.
    #[error("expected what is named to exist when {context}, found nothing")]
    NotFound {
        /// What was being done.
        context: &'static str,
    },
}

/// The API of a broker.
pub(super) struct Api {
    client: Client,
    url: Url,
    authorization: HeaderValue,
}

/// A list; whether it comes by pages depends on the list and on the version.
#[derive(Deserialize)]
#[serde(untagged)]
enum Listed<T> {
    Page { items: Vec<T>, page_count: u32 },
    Whole(Vec<T>),
}

/// A request to be sent.
struct Call<'a> {
    context: &'static str,
    method: Method,
    path: &'a [&'a str],
    query: String,
    body: Option<Json>,
}

impl<'a> Call<'a> {
    fn new(context: &'static str, method: Method, path: &'a [&'a str]) -> Self {
        Self { context, method, path, query: String::new(), body: None }
    }
}

#[derive(Deserialize)]
struct Reasoned {
    reason: String,
}

impl Api {
    /// The API below a URL that names a user and a password.
    pub(super) fn new(url: &str) -> Result<Self, ManagementError> {
        let error = || ManagementError::Url { expected: "a URL like `http://user:password@host:15672`" };
        let plain = |url: &Url| url.has_host() && url.query().is_none() && url.fragment().is_none();
        let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let mut url = parsed.filter(plain).ok_or_else(error)?;
        let authorization = login(&url).ok_or_else(error)?;
        url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| error())?;
        Ok(Self { client: client()?, url, authorization })
    }

    /// Reads one thing.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        context: &'static str,
        path: &[&str],
    ) -> Result<T, ManagementError> {
        self.answer(Call::new(context, Method::GET, path)).await
    }

    /// Reads a list to its end; `filter` says what of it is wanted, as a query. Of one that changes between two pages (of 500) a thing
    /// may be missed or seen twice.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        context: &'static str,
        path: &[&str],
        filter: &str,
    ) -> Result<Vec<T>, ManagementError> {
        let mut found = Vec::new();
        for page in 1..=MOST_PAGES {
            let query = format!("page={page}&page_size={PAGE_SIZE}&{filter}");
            match self.answer(Call { query, ..Call::new(context, Method::GET, path) }).await? {
                Listed::Whole(items) => return Ok(items),
                Listed::Page { items, page_count } => {
                    found.extend(items);
                    if page >= page_count {
                        return Ok(found);
                    }
                }
            }
        }
        Err(unreadable(context, format!("expected at most {MOST_PAGES} pages, found more")))
    }

    /// Makes or replaces one thing.
    pub(super) async fn put(
        &self,
        context: &'static str,
        path: &[&str],
        body: Json,
    ) -> Result<(), ManagementError> {
        self.send(Call { body: Some(body), ..Call::new(context, Method::PUT, path) }).await.map(drop)
    }

    /// Deletes one thing.
    pub(super) async fn delete(&self, context: &'static str, path: &[&str]) -> Result<(), ManagementError> {
        self.send(Call::new(context, Method::DELETE, path)).await.map(drop)
    }

    async fn answer<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, ManagementError> {
        let context = call.context;
        serde_json::from_slice(&self.send(call).await?).map_err(|error| unreadable(context, error))
    }

    async fn send(&self, call: Call<'_>) -> Result<Vec<u8>, ManagementError> {
        let context = call.context;
        let mut request = self.client.request(call.method, self.address(call.path, &call.query)?);
        request = request.header(AUTHORIZATION, self.authorization.clone());
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| unreadable(context, error.without_url()))?;
        let status = response.status();
        let body = body(response).await.map_err(|source| ManagementError::Unreachable { context, source })?;
        match status.as_u16() {
            200..=299 => Ok(body),
            404 => Err(ManagementError::NotFound { context }),
            status => Err(ManagementError::Refused { context, status, reason: reason(&body) }),
        }
    }

    fn address(&self, path: &[&str], query: &str) -> Result<Url, ManagementError> {
        let mut whole = format!("{}/api", self.url.path().trim_end_matches('/'));
        for part in path {
            // A URL loses such a part, and would then speak of something larger.
            if matches!(*part, "" | "." | "..") {
                return Err(ManagementError::Url { expected: "a name of more than dots" });
            }
            whole.push('/');
            whole.extend(utf8_percent_encode(part, NON_ALPHANUMERIC));
        }
        let mut url = self.url.clone();
        url.set_path(&whole);
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        Ok(url)
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Api").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// The header that logs in as the user of a URL.
fn login(url: &Url) -> Option<HeaderValue> {
    let user = percent_decode_str(url.username()).decode_utf8().ok()?;
    let password = percent_decode_str(url.password()?).decode_utf8().ok()?;
    if user.is_empty() || user.contains(':') {
        return None;
    }
    let mut value =
        HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn client() -> Result<Client, ManagementError> {
    let builder =
        connectors::transport::http::builder().no_proxy().referer(false).redirect(Redirects::none());
    let bounded = builder.connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).timeout(TOTAL_TIMEOUT);
    let client = bounded.pool_idle_timeout(IDLE_TIMEOUT).build();
    client.map_err(|error| unreadable("building its client", error.without_url()))
}

async fn body(mut response: Response) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(format!("expected at most {MOST_BYTES} bytes, found more").into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What RabbitMQ says of its refusal, on one line.
fn reason(body: &[u8]) -> String {
    let Ok(Reasoned { reason }) = serde_json::from_slice(body) else {
        return String::from("no reason given");
    };
    let line = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(REASON_CHARS).collect()
}

fn unreadable(context: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> ManagementError {
    ManagementError::Unreachable { context, source: source.into() }
}
