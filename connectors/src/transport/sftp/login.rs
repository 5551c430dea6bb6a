//! Tells the server who we are: by our key, or by a password where there is no key.
//!
//! A connection to a server that is trusted enters, and is logged in when it leaves. Secrets are read when they are needed, kept no
//! longer, and never shown.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use russh::client::{AuthResult, Handle};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, load_secret_key};
use russh::{Error, MethodKind};

use super::SftpConfig;
use super::host_key::Guard;

/// Logs in; the caller bounds the time.
pub(super) async fn log_in(ssh: &mut Handle<Guard>, config: &SftpConfig) -> Result<(), TransportError> {
    let answer = if let Some(file) = &config.key_file {
        let key = key(file.clone(), config.key_passphrase_env.as_deref()).await?;
        by_key(ssh, &config.user, key).await
    } else {
        let password = secret(config.password_env.as_deref())?.unwrap_or_default();
        ssh.authenticate_password(&config.user, password).await
    };
    let place = format!("{}:{}", config.host, config.port);
    match answer {
        Ok(AuthResult::Success) => Ok(()),
        // A connection that broke is told as a refusal too.
        Ok(_) if ssh.is_closed() => Err(broken(&place)),
        Ok(AuthResult::Failure { remaining_methods, .. }) => Err(refused(&place, config, &remaining_methods)),
        Err(error) => Err(broken(&place).because(error)),
    }
}

fn broken(place: &str) -> TransportError {
    TransportError::new(
        Code::PlaceUnreachable,
        format!("expected to log in at {place}, found that it broke off"),
    )
}

fn refused(place: &str, config: &SftpConfig, accepts: &[MethodKind]) -> TransportError {
    let by = if config.key_file.is_some() { "key" } else { "password" };
    let accepts: Vec<String> = accepts.iter().map(|method| format!("{method:?}")).collect();
    let detail =
        format!("expected {place} to accept the {by} configured, found a refusal; it accepts {accepts:?}");
    TransportError::new(Code::LoginRefused, detail)
}

async fn by_key(ssh: &mut Handle<Guard>, user: &str, key: PrivateKey) -> Result<AuthResult, Error> {
    let hash = if key.algorithm().is_rsa() {
        // A server that does not say what it knows is given the safer choice, not SHA-1.
        ssh.best_supported_rsa_hash().await?.unwrap_or(Some(HashAlg::Sha256))
    } else {
        None
    };
    ssh.authenticate_publickey(user, PrivateKeyWithHashAlg::new(Arc::new(key), hash)).await
}

/// Reads our key; a passphrase is slow to use on purpose.
async fn key(file: PathBuf, passphrase_env: Option<&str>) -> Result<PrivateKey, TransportError> {
    let passphrase = secret(passphrase_env)?;
    let name = file.display().to_string();
    let read = tokio::task::spawn_blocking(move || load_secret_key(file, passphrase.as_deref())).await;
    let detail = format!("expected a private key of OpenSSH in `{name}` that opens as configured");
    let wrong = || TransportError::new(Code::BadConfig, detail);
    match read {
        Ok(Ok(key)) => Ok(key),
        Ok(Err(error)) => Err(wrong().because(error)),
        Err(error) => Err(wrong().because(error)),
    }
}

/// What the environment variable holds, when one is named.
fn secret(name: Option<&str>) -> Result<Option<String>, TransportError> {
    let Some(name) = name else { return Ok(None) };
    // The error is left aside: it may show the value.
    let missing =
        |_| TransportError::new(Code::BadConfig, format!("expected a secret in `{name}`, found none"));
    env::var(name).map(Some).map_err(missing)
}
