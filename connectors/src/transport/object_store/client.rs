//! The client of a bucket: a configuration enters, a store with bounded waits and tries leaves, on rustls with ring.

use std::sync::Arc;
use std::time::Duration;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::list::PaginatedListStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};

use super::config::Config;
use super::failure::failure;

/// Longest wait for a connection to say something, unless told otherwise.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Longest wait for a connection to stand.
const CONNECT: Duration = Duration::from_secs(10);
/// Longest time for one answer to its end; what is then missing is asked for again from there.
const ANSWER: Duration = Duration::from_hours(1);
/// Tries after the first one; the source is tried again later by itself.
const RETRIES: usize = 3;

/// Gives what an environment variable holds.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A store and what it is read by.
pub(super) struct Opened {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) pages: Option<Arc<dyn PaginatedListStore>>,
    pub(super) prefix: Path,
}

/// Opens the place a configuration names.
pub(super) fn open(config: &Config, environment: Environment<'_>) -> Result<Opened, TransportError> {
    if let Some(folder) = config.url.strip_prefix("file://") {
        let opened = LocalFileSystem::new_with_prefix(folder);
        let store = opened.map_err(|error| failure("opening the folder", &error))?;
        return Ok(Opened { store: Arc::new(store), pages: None, prefix: Path::ROOT });
    }
    let Some(place) = config.url.strip_prefix("s3://") else {
        return Err(wrong("`url` is neither `s3://bucket/prefix` nor `file:///folder`"));
    };
    let (bucket, under) = place.split_once('/').unwrap_or((place, ""));
    let held = |setting, name: &Option<String>| variable(setting, name.as_deref(), environment);
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_access_key_id(held("access_key_env", &config.access_key_env)?)
        .with_secret_access_key(held("secret_key_env", &config.secret_key_env)?)
        .with_allow_http(config.allow_http);
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = &config.region {
        builder = builder.with_region(region);
    }
    let store = bounded(builder, Duration::from_secs(config.timeout_seconds.max(1)));
    // What the library says of a wrong setting may quote the setting.
    let store = Arc::new(store.map_err(|_| wrong("`url`, `endpoint` or `region` make no client"))?);
    let pages: Arc<dyn PaginatedListStore> = Arc::<AmazonS3>::clone(&store);
    Ok(Opened { store, pages: Some(pages), prefix: prefix("url", under)? })
}

/// Makes an S3 client that waits at most `patience` for a connection to say something, and tries a few times.
///
/// # Errors
/// When the builder lacks something, or the machine has no certificates to trust.
pub fn bounded(builder: AmazonS3Builder, patience: Duration) -> object_store::Result<AmazonS3> {
    // Refused when one was chosen before: that one is used then.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let seconds = |time: Duration| format!("{} seconds", time.as_secs());
    let waits = [
        (ClientConfigKey::ConnectTimeout, CONNECT.min(patience)),
        (ClientConfigKey::ReadTimeout, patience),
        (ClientConfigKey::Timeout, ANSWER),
    ];
    let builder = waits.into_iter().fold(builder, |builder, (key, time)| {
        builder.with_config(AmazonS3ConfigKey::Client(key), seconds(time))
    });
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() };
    let retry_timeout = patience.saturating_mul(3);
    builder
        // Every S3-type server deletes one by one; not every one many at once.
        .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true")
        .with_retry(RetryConfig { backoff, max_retries: RETRIES, retry_timeout })
        .build()
}

/// A prefix people wrote.
pub(super) fn prefix(setting: &str, text: &str) -> Result<Path, TransportError> {
    Path::parse(text).map_err(|_| wrong(&format!("`{setting}` is no prefix of keys")))
}

fn variable(
    setting: &str,
    name: Option<&str>,
    environment: Environment<'_>,
) -> Result<String, TransportError> {
    let Some(name) = name else {
        return Err(wrong(&format!("`{setting}` names no environment variable")));
    };
    let value = environment(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| wrong(&format!("the environment variable `{name}` is not set")))
}

fn wrong(detail: &str) -> TransportError {
    TransportError::new(Code::BadConfig, detail)
}
