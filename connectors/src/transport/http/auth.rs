//! How a place knows the hub, as configured and as sent.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hub_core::code::Code;
use hub_core::transport::TransportError;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Deserialize;

use super::limits::Limits;
use super::secret::{Hidden, Secret};
use super::time::Time;
use super::token::{ClientCredentials, Tokens};

/// How a place knows the hub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// It does not ask.
    #[default]
    None,
    /// A key in a header.
    ApiKey {
        /// The header's name.
        header: String,
        /// The key.
        key: Secret,
    },
    /// A token that does not change.
    Bearer {
        /// The token.
        token: Secret,
    },
    /// A user and a password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token had by client credentials.
    Oauth2(ClientCredentials),
}

/// What is sent so that the place knows the hub.
pub(super) enum Login {
    Open,
    Fixed(HeaderName, HeaderValue),
    Renewed(Box<Tokens>),
}

impl Login {
    /// # Errors
    /// [`Code::BadConfig`] for a header that cannot be one, or a secret that is not there.
    pub(super) fn new(auth: &Auth, limits: &Limits, time: Time) -> Result<Self, TransportError> {
        Ok(match auth {
            Auth::None => Self::Open,
            Auth::ApiKey { header, key } => Self::Fixed(header_name(header)?, key.read()?.header("")?),
            Auth::Bearer { token } => Self::Fixed(AUTHORIZATION, token.read()?.header("Bearer ")?),
            Auth::Basic { user, password } => Self::Fixed(AUTHORIZATION, basic(user, &password.read()?)),
            Auth::Oauth2(credentials) => Self::Renewed(Box::new(Tokens::new(credentials, limits, time)?)),
        })
    }
}

/// A header's name as configured.
pub(super) fn header_name(name: &str) -> Result<HeaderName, TransportError> {
    name.parse().map_err(|_| {
        TransportError::new(
            Code::BadConfig,
            format!("expected a header's name, found `{}`", name.escape_debug()),
        )
    })
}

/// RFC 7617: `user:password` in base 64.
fn basic(user: &str, password: &Hidden) -> HeaderValue {
    let pair = BASE64_STANDARD.encode(format!("{user}:{}", password.reveal()));
    let value = HeaderValue::try_from(format!("Basic {pair}"));
    let mut value = value.expect("base 64 is printable ASCII");
    value.set_sensitive(true);
    value
}
