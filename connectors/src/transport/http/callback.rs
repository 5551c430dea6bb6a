//! An address that is told something: a receipt, posted as JSON.
//!
//! The address and a body enter; it was taken when the answer is 2xx. Waits are bounded, and no error shows the body or the token.

use hub_core::code::Code;
use hub_core::transport::TransportError;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::redirect::Policy;
use serde::Deserialize;

use super::answer::shown;
use super::client::address;
use super::limits::Limits;
use super::secret::Secret;
use super::tls;

/// An address, as configured.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackConfig {
    /// Where to post.
    pub callback: String,
    /// The bearer token to show.
    #[serde(default)]
    pub bearer: Option<Secret>,
    /// How calls are bounded.
    #[serde(default)]
    pub limits: Limits,
}

/// Posts JSON to an address.
///
/// # Errors
/// When it cannot be reached, or does not answer 2xx.
pub async fn post(config: &CallbackConfig, body: Vec<u8>) -> Result<(), TransportError> {
    let url = address(&config.callback, "callback")?;
    let place = shown(&url);
    // A redirection would be followed by asking, without the receipt; the answer would tell nothing of it.
    let client = tls::client(&config.limits, Policy::none())?;
    let mut request = client.post(url).header(CONTENT_TYPE, "application/json");
    if let Some(bearer) = &config.bearer {
        request = request.header(AUTHORIZATION, bearer.read()?.header("Bearer ")?);
    }
    let answer = request.body(body).send().await;
    let answer = answer.map_err(|error| {
        let detail = format!("expected an answer from `{place}`, found none");
        TransportError::new(Code::PlaceUnreachable, detail).because(error.without_url())
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let code = match status {
        StatusCode::UNAUTHORIZED => Code::LoginRefused,
        StatusCode::FORBIDDEN => Code::PlaceRefused,
        StatusCode::TOO_MANY_REQUESTS => Code::TooManyRequests,
        _ if status.is_server_error() => Code::PlaceUnreachable,
        _ => Code::AnswerNotUnderstood,
    };
    Err(TransportError::new(code, format!("expected 2xx from `{place}`, found {}", status.as_u16())))
}
