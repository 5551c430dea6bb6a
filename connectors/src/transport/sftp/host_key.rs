//! The pinned host keys: the server shows one of them, or it is not the institution's.
//!
//! Lines of the configuration enter; a session whose server proved to hold a pinned key leaves, else an error with the fingerprints
//! that were expected and found.

use std::sync::Arc;
use std::time::Duration;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use russh::client::{self, Handle, Handler};
use russh::keys::ssh_key::Fingerprint;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Error, Preferred};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The kinds of host keys, best first; a server may have one of each, and shows one of the kind asked for.
const KINDS: [&[Algorithm]; 3] = [
    &[Algorithm::Ed25519],
    &[
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
        Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
    ],
    &[Algorithm::Rsa { hash: Some(HashAlg::Sha512) }, Algorithm::Rsa { hash: Some(HashAlg::Sha256) }],
];

/// The host keys that are trusted.
pub(super) struct Pins {
    fingerprints: Arc<[Fingerprint]>,
    /// The kinds to ask for: those of whole lines, and all when a fingerprint alone does not tell.
    kinds: Vec<&'static [Algorithm]>,
}

impl Pins {
    /// Reads fingerprints `SHA256:…` and whole lines `ssh-ed25519 AAAA…`.
    pub(super) fn new(lines: &[String]) -> Result<Self, TransportError> {
        let read: Vec<_> = lines.iter().map(|line| read(line.trim())).collect::<Result<_, _>>()?;
        if read.is_empty() {
            return Err(TransportError::new(Code::BadConfig, "expected a `host_key`, found none"));
        }
        let asked = |kind: &&[Algorithm]| {
            read.iter().any(|(_, of)| of.as_ref().is_none_or(|of| kind.iter().any(|one| same_kind(one, of))))
        };
        let kinds = KINDS.into_iter().filter(asked).collect();
        Ok(Self { fingerprints: read.iter().map(|(fingerprint, _)| *fingerprint).collect(), kinds })
    }

    /// Opens a connection to a server that holds a pinned key; gives the key's fingerprint too. A server asked for one kind of key
    /// may be known by another, so each kind is asked for in turn.
    pub(super) async fn connect(
        &self,
        (host, port): (&str, u16),
        time: Duration,
    ) -> Result<(Handle<Guard>, Fingerprint), TransportError> {
        let mut shown = Vec::new();
        for kind in &self.kinds {
            let asked = timeout(time, self.ask((host, port), kind, time)).await;
            match asked.unwrap_or(Err(Unmet::Ssh(Error::ConnectionTimeout))) {
                Ok(connected) => return Ok(connected),
                Err(Unmet::OtherKey(key)) => shown.push(key.to_string()),
                Err(Unmet::Ssh(Error::NoCommonAlgo { .. })) => {}
                Err(Unmet::Ssh(error)) => {
                    let detail = format!("expected an SSH server at {host}:{port}, found none that answers");
                    return Err(TransportError::new(Code::PlaceUnreachable, detail).because(error));
                }
            }
        }
        Err(self.unmet(&format!("{host}:{port}"), &shown))
    }

    async fn ask(
        &self,
        address: (&str, u16),
        kind: &'static [Algorithm],
        time: Duration,
    ) -> Result<(Handle<Guard>, Fingerprint), Unmet> {
        let preferred = Preferred { key: kind.into(), ..Preferred::DEFAULT };
        // Whatever is left half done by a server that hangs ends by itself.
        let config =
            client::Config { preferred, inactivity_timeout: Some(time * 2), ..client::Config::default() };
        let stream = TcpStream::connect(address).await.map_err(Error::IO)?;
        stream.set_nodelay(true).map_err(Error::IO)?;
        let (tell, told) = oneshot::channel();
        let guard = Guard { pins: Arc::clone(&self.fingerprints), tell: Some(tell) };
        let handle = client::connect_stream(Arc::new(config), stream, guard).await?;
        Ok((handle, told.await.map_err(|_| Error::Disconnect)?))
    }

    fn unmet(&self, place: &str, shown: &[String]) -> TransportError {
        if shown.is_empty() {
            let detail = format!("expected ciphers and a kind of host key {place} has, found none in common");
            return TransportError::new(Code::AnswerNotUnderstood, detail);
        }
        let pinned: Vec<String> = self.fingerprints.iter().map(Fingerprint::to_string).collect();
        let (pinned, shown) = (pinned.join(" or "), shown.join(" and "));
        TransportError::new(
            Code::HostKeyChanged,
            format!("expected {place} to have host key {pinned}, found {shown}"),
        )
    }
}

fn read(line: &str) -> Result<(Fingerprint, Option<Algorithm>), TransportError> {
    if let Ok(fingerprint @ Fingerprint::Sha256(_)) = line.parse() {
        return Ok((fingerprint, None));
    }
    let key = PublicKey::from_openssh(line).map_err(|error| {
        let detail =
            "expected `host_key` as `SHA256:…` or as a line such as `ssh-ed25519 AAAA…`, found neither";
        TransportError::new(Code::BadConfig, detail).because(error)
    })?;
    Ok((key.fingerprint(HashAlg::Sha256), Some(key.algorithm())))
}

fn same_kind(one: &Algorithm, other: &Algorithm) -> bool {
    one == other || matches!((one, other), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}

/// Lets a session go on when the server's key is pinned.
pub(super) struct Guard {
    pins: Arc<[Fingerprint]>,
    tell: Option<oneshot::Sender<Fingerprint>>,
}

/// Why no session came about.
#[derive(Debug)]
pub(super) enum Unmet {
    OtherKey(Fingerprint),
    Ssh(Error),
}

impl From<Error> for Unmet {
    fn from(error: Error) -> Self {
        Self::Ssh(error)
    }
}

impl Handler for Guard {
    type Error = Unmet;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Unmet> {
        let shown = shown.public_key().fingerprint(HashAlg::Sha256);
        if !self.pins.contains(&shown) {
            return Err(Unmet::OtherKey(shown));
        }
        if let Some(tell) = self.tell.take() {
            // Nobody listens any more when the connection took too long.
            let _ = tell.send(shown);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key made for this test, and its fingerprint as `ssh-keygen -l` shows it.
    const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKiXkuObEOWv/8zxlII6BUSDcsCvqyN32OMOAiFymqWv";
    const FINGERPRINT: &str = "SHA256:FSY68WvJl30lQnz9sZYDLZtY1xMQ+Dxd97ai9UqyPM4";

    fn pins(lines: &[&str]) -> Result<Pins, TransportError> {
        Pins::new(&lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_line_and_its_fingerprint_pin_the_same_key() {
        let by_line = pins(&[LINE]).expect("pins");
        let by_fingerprint = pins(&[FINGERPRINT]).expect("pins");
        assert_eq!(by_line.fingerprints, by_fingerprint.fingerprints);
        assert_eq!(by_line.fingerprints.first().map(Fingerprint::to_string).as_deref(), Some(FINGERPRINT));
    }

    #[test]
    fn a_line_tells_which_kind_of_key_to_ask_for_and_a_fingerprint_does_not() {
        assert_eq!(pins(&[LINE]).expect("pins").kinds, [KINDS[0]]);
        assert_eq!(pins(&[FINGERPRINT]).expect("pins").kinds, KINDS);
    }

    #[test]
    fn what_pins_nothing_is_a_wrong_setup() {
        for lines in [&[][..], &[""], &["SHA256:"], &["MD5:16:27:ac"], &["ssh-ed25519"], &[LINE, "any"]] {
            assert_eq!(pins(lines).err().map(|error| error.code), Some(Code::BadConfig), "{lines:?}");
        }
    }
}
