//! Calls to a place that knows the hub: login and fixed headers are added, a token refused once is renewed once.

use std::collections::BTreeMap;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Url};

use super::answer::Answer;
use super::auth::{Auth, Login, header_name};
use super::caller::{Caller, Understood};
use super::limits::Limits;
use super::time::Time;

/// What France Travail demands on the realm of agents: a batch names itself there.
const AGENT_HEADERS: &[&str] = &["pa-identifiant-agent", "pa-nom-agent", "pa-prenom-agent"];

/// How a place is called, as configured.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    pub(super) auth: &'a Auth,
    pub(super) headers: &'a BTreeMap<String, String>,
    pub(super) limits: &'a Limits,
}

/// Calls a place that knows the hub.
pub(super) struct Client {
    caller: Caller,
    login: Login,
    headers: HeaderMap,
}

impl Client {
    /// # Errors
    /// [`Code::BadConfig`]: a secret is missing, a header cannot be one, the realm of agents without its headers.
    pub(super) fn new(access: Access<'_>, time: Time) -> Result<Self, TransportError> {
        check_agent(access)?;
        let mut headers = HeaderMap::new();
        for (name, value) in access.headers {
            let value = HeaderValue::try_from(value).map_err(|_| {
                TransportError::new(
                    Code::BadConfig,
                    format!("expected printable ASCII in the header `{name}`"),
                )
            })?;
            headers.insert(header_name(name)?, value);
        }
        let login = Login::new(access.auth, access.limits, time.clone())?;
        Ok(Self { caller: Caller::new(access.limits, time)?, login, headers })
    }

    /// The hour and patience.
    pub(super) fn time(&self) -> &Time {
        self.caller.time()
    }

    /// A request with the configured headers.
    pub(super) fn request(&self, method: Method, url: Url) -> Request {
        let mut request = Request::new(method, url);
        request.headers_mut().extend(self.headers.clone());
        request
    }

    /// Tries to log in, where that is a call of its own.
    pub(super) async fn log_in(&self) -> Result<(), TransportError> {
        match &self.login {
            Login::Renewed(tokens) => tokens.current().await.map(drop),
            Login::Open | Login::Fixed(..) => Ok(()),
        }
    }

    /// Sends it until there is a success, "not modified", or an answer the caller understands.
    pub(super) async fn send(
        &self,
        mut request: Request,
        understood: Understood,
    ) -> Result<Answer, TransportError> {
        let tokens = match &self.login {
            Login::Open => return self.caller.call(&request, understood).await,
            Login::Fixed(name, value) => {
                request.headers_mut().insert(name, value.clone());
                return self.caller.call(&request, understood).await;
            }
            Login::Renewed(tokens) => tokens,
        };
        let token = tokens.current().await?;
        request.headers_mut().insert(AUTHORIZATION, token.clone());
        match self.caller.call(&request, understood).await {
            Err(error) if error.code == Code::LoginRefused => {
                tokens.refused(&token).await;
                request.headers_mut().insert(AUTHORIZATION, tokens.current().await?);
                self.caller.call(&request, understood).await
            }
            settled => settled,
        }
    }
}

/// An address below the configured one.
pub(super) fn below(base: &Url, path: &[&str]) -> Result<Url, TransportError> {
    let mut url = base.clone();
    let not_a_base = || TransportError::new(Code::BadConfig, "expected an address paths can be added to");
    url.path_segments_mut().map_err(|()| not_a_base())?.pop_if_empty().extend(path);
    Ok(url)
}

/// An address as configured, of HTTP.
pub(super) fn address(text: &str, key: &str) -> Result<Url, TransportError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(Url::has_host).ok_or_else(|| {
        TransportError::new(Code::BadConfig, format!("expected an http(s) address in `{key}`"))
    })
}

fn check_agent(access: Access<'_>) -> Result<(), TransportError> {
    let Auth::Oauth2(credentials) = access.auth else { return Ok(()) };
    let url = address(&credentials.token_url, "token_url")?;
    if !url.query_pairs().any(|(name, value)| name == "realm" && value == "/agent") {
        return Ok(());
    }
    let given = |wanted: &&&str| {
        access
            .headers
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value.trim().is_empty())
    };
    let lacking: Vec<&str> = AGENT_HEADERS.iter().filter(|name| !given(name)).copied().collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let detail = format!("the realm `/agent` demands headers, found no `{}`", lacking.join("`, `"));
    Err(TransportError::new(Code::BadConfig, detail))
}
