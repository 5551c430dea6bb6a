//! The HTTP client underneath: rustls with ring, the web's roots and those configured, every wait bounded, one host.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use reqwest::redirect::{Attempt, Policy};
use reqwest::{ClientBuilder, Proxy, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::limits::Limits;

/// Redirections followed, all on the host called.
const REDIRECTIONS: usize = 3;

/// A builder of HTTP clients with the hub's TLS: rustls with ring, and the web's roots. No time is bounded yet.
pub fn builder() -> ClientBuilder {
    with_roots(web_roots())
}

/// Follows a few redirections, all on the host called.
pub(super) fn on_one_host() -> Policy {
    Policy::custom(stay_on_host)
}

/// A client within these limits, which follows redirections as told.
///
/// # Errors
/// [`Code::BadConfig`] for authorities or a proxy that cannot be read.
pub(super) fn client(limits: &Limits, redirections: Policy) -> Result<reqwest::Client, TransportError> {
    let mut roots = web_roots();
    if let Some(file) = &limits.ca_file {
        add_authorities(&mut roots, file)?;
    }
    let mut builder = with_roots(roots)
        .connect_timeout(Duration::from_secs(limits.connect_timeout_seconds))
        .read_timeout(Duration::from_secs(limits.read_timeout_seconds))
        .timeout(Duration::from_secs(limits.timeout_seconds))
        .redirect(redirections)
        .referer(false)
        .user_agent(concat!("dlnuf/", env!("CARGO_PKG_VERSION")));
    builder = match &limits.proxy {
        Some(proxy) => builder.proxy(Proxy::all(proxy).map_err(|_| bad("a proxy's address in `proxy`"))?),
        None => builder.no_proxy(),
    };
    builder.build().map_err(|error| bad("settings a client can be built from").because(error.without_url()))
}

/// Whether two addresses are of one server.
pub(super) fn same_host(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

fn stay_on_host(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let from = attempt.previous().first();
    let stays = from.is_some_and(|first| same_host(first, attempt.url()));
    if stays && attempt.previous().len() <= REDIRECTIONS { attempt.follow() } else { attempt.stop() }
}

fn web_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

fn with_roots(roots: RootCertStore) -> ClientBuilder {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(config)
}

fn add_authorities(roots: &mut RootCertStore, file: &Path) -> Result<(), TransportError> {
    let unreadable = || bad("certificates in PEM in `ca_file`");
    let certificates = CertificateDer::pem_file_iter(file).map_err(|_| unreadable())?;
    let before = roots.len();
    for certificate in certificates {
        roots.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
    }
    if roots.len() == before { Err(unreadable()) } else { Ok(()) }
}

fn bad(expected: &str) -> TransportError {
    TransportError::new(Code::BadConfig, format!("expected {expected}, found something else"))
}
