//! One event, posted: signed, bounded in time, never redirected, only where it may go.
//!
//! An address and an event enter; that it was taken leaves, or why not. No error shows a body, a secret or more of an address than its host.

use std::time::Duration;

use hub_core::code::Code;
use hub_core::subscription::ToldEvent;
use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use super::signature::sign;
use super::target::{Networks, Resolver, TargetError};

const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(15);

/// What posts.
pub struct Post {
    client: Client,
    networks: Networks,
}

/// An event that was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// Its address may not be called.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No secret was ever given: `subscriber add` gives one.
    #[error("expected a secret to sign by, found none: `dlnuf subscriber add` gives one")]
    NoSecret,
    /// Nobody answered.
    #[error("expected an answer from `{host}`, found none")]
    Unreachable {
        /// Who was called.
        host: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It answered something else than 2xx.
    #[error("expected 2xx from `{host}`, found {status}")]
    Refused {
        /// Who was called.
        host: String,
        /// What it answered.
        status: u16,
    },
}

impl PostError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Target(_) => Code::WebhookForbidden,
            Self::Unreachable { source, .. } if leads_inside(source) => Code::WebhookForbidden,
            _ => Code::WebhookFailed,
        }
    }

    /// In a word, for tables: a status, or what failed.
    pub fn word(&self) -> String {
        match self {
            Self::Target(_) => "adresse interdite".to_owned(),
            Self::NoSecret => "sans secret".to_owned(),
            Self::Unreachable { source, .. } if leads_inside(source) => "adresse interdite".to_owned(),
            Self::Unreachable { .. } => "sans réponse".to_owned(),
            Self::Refused { status, .. } => status.to_string(),
        }
    }

    /// Whether the tool says that it wants no more.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == StatusCode::GONE.as_u16())
    }
}

/// Whether a name led where nothing may be called.
fn leads_inside(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<TargetError>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

impl Post {
    /// What posts to the Internet, and into these networks.
    ///
    /// # Errors
    /// When no client can be built.
    pub fn new(networks: Networks) -> Result<Self, reqwest::Error> {
        let client = connectors::transport::http::builder()
            .no_proxy()
            .referer(false)
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            .user_agent(concat!("dlnuf/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Resolver(networks.clone()))
            .build()?;
        Ok(Self { client, networks })
    }

    /// Posts an event; it was taken when the answer is 2xx.
    ///
    /// # Errors
    /// When it was not.
    pub async fn event(
        &self,
        url: &str,
        event: &ToldEvent,
        (secrets, now): (&[Vec<u8>], Timestamp),
    ) -> Result<(), PostError> {
        let url = self.networks.target(url)?;
        if secrets.is_empty() {
            return Err(PostError::NoSecret);
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let (stamp, body) = (now.as_second(), event.json.as_bytes());
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/cloudevents+json")
            .header("webhook-id", event.id.to_string())
            .header("webhook-timestamp", stamp)
            .header("webhook-signature", sign(secrets, (event.id, stamp), body))
            .body(event.json.clone());
        let answer = request.send().await;
        let answer = answer
            .map_err(|error| PostError::Unreachable { host: host.clone(), source: error.without_url() })?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(PostError::Refused { host, status: status.as_u16() }) }
    }
}
