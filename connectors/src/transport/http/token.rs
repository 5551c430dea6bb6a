//! `OAuth2` tokens by client credentials: fetched once for all calls that need one, renewed before they expire, never shown.

use std::time::Duration;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use reqwest::header::HeaderValue;
use reqwest::{Request, StatusCode, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::answer::Answer;
use super::caller::Caller;
use super::json::Word;
use super::limits::Limits;
use super::secret::{Hidden, Secret};
use super::time::Time;

/// A token is renewed this long before it expires, or at four fifths of its life when that is later.
const EARLY: Duration = Duration::from_mins(1);
/// Longest life a token is believed to have.
const LONGEST_LIFE: Duration = Duration::from_hours(24);
/// The life of a token whose answer does not say it.
const UNSAID_LIFE: Duration = Duration::from_mins(5);

/// How a token is had.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    /// Where, its query included: `…/connexion/oauth2/access_token?realm=/partenaire`.
    pub token_url: String,
    /// Who the hub is there.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// What it asks for, words separated by spaces.
    #[serde(default)]
    pub scope: String,
}

/// The token in use.
pub(super) struct Tokens {
    caller: Caller,
    url: Url,
    config: ClientCredentials,
    secret: Hidden,
    held: Mutex<Option<Held>>,
}

struct Held {
    header: HeaderValue,
    /// On the clock of patience.
    renewed_at: Duration,
}

/// What the place answers; unknown members are its business.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<Word>,
}

impl Tokens {
    /// # Errors
    /// [`Code::BadConfig`] for an address that is none, or a secret that is not there.
    pub(super) fn new(
        config: &ClientCredentials,
        limits: &Limits,
        time: Time,
    ) -> Result<Self, TransportError> {
        let url = Url::parse(&config.token_url).map_err(|error| {
            TransportError::new(Code::BadConfig, "expected an address in `token_url`").because(error)
        })?;
        let limits = Limits { requests_per_second: None, ..limits.clone() };
        Ok(Self {
            caller: Caller::new(&limits, time)?,
            url,
            secret: config.client_secret.read()?,
            config: config.clone(),
            held: Mutex::default(),
        })
    }

    /// The `Authorization` of a call now. Calls in parallel wait for one fetch.
    pub(super) async fn current(&self) -> Result<HeaderValue, TransportError> {
        let mut held = self.held.lock().await;
        let now = self.caller.time().patience.elapsed();
        if let Some(token) = held.as_ref().filter(|token| now < token.renewed_at) {
            return Ok(token.header.clone());
        }
        *held = None;
        let (header, life) = self.fetch().await?;
        let renewed_at = now + life.saturating_sub(EARLY.min(life / 5));
        *held = Some(Held { header: header.clone(), renewed_at });
        Ok(header)
    }

    /// Forgets a token the place did not accept, unless another call has renewed it.
    pub(super) async fn refused(&self, header: &HeaderValue) {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|token| token.header == header) {
            *held = None;
        }
    }

    async fn fetch(&self) -> Result<(HeaderValue, Duration), TransportError> {
        let answer = self.caller.call(&self.request()?, refuses_login).await?;
        if !answer.status.is_success() {
            return Err(answer.error(Code::LoginRefused, "a token"));
        }
        let not_understood = || answer.error(Code::AnswerNotUnderstood, "`access_token`");
        let granted: Granted = serde_json::from_slice(&answer.body).map_err(|_| not_understood())?;
        let mut header = HeaderValue::try_from(format!("Bearer {}", granted.access_token))
            .map_err(|_| not_understood())?;
        header.set_sensitive(true);
        let seconds = granted.expires_in.and_then(|word| word.text().parse().ok());
        Ok((header, seconds.map_or(UNSAID_LIFE, Duration::from_secs).min(LONGEST_LIFE)))
    }

    fn request(&self) -> Result<Request, TransportError> {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", &self.config.client_id),
            ("client_secret", self.secret.reveal()),
        ];
        if !self.config.scope.is_empty() {
            form.push(("scope", &self.config.scope));
        }
        let request = self.caller.http().post(self.url.clone()).form(&form).build();
        request.map_err(|error| {
            let detail = "expected an address that takes a form in `token_url`";
            TransportError::new(Code::BadConfig, detail).because(error.without_url())
        })
    }
}

/// RFC 6749 §5.2: a client that is not known is told by 400 or 401.
fn refuses_login(answer: &Answer) -> bool {
    matches!(answer.status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED)
}
