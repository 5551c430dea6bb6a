//! A folder on an institution's SFTP server.
//!
//! Files there enter as offers, in the order in which they were written or only the newest one; what was taken in is kept, deleted
//! or moved there, and never another file that came under its name since. The server must show a host key that is pinned, and one
//! that hangs is left: a connection is opened for each call, and every operation on it has its time.

mod check;
mod host_key;
mod login;
mod session;

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use hub_core::code::Code;
use hub_core::transport::{Fetched, Offer, Sink, Transport, TransportError};
use serde::Deserialize;

use self::host_key::Pins;
use self::session::Session;
use super::names::{Listed, PassedOver, Wanted, numbered, one_or_more, segment};

/// How many files of one name may stand side by side.
const MOST_OF_ONE_NAME: u32 = 1000;

/// An SFTP server's configuration; it names secrets, and holds none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SftpConfig {
    /// The server.
    pub host: String,
    /// Its port.
    #[serde(default = "port")]
    pub port: u16,
    /// Who we are there.
    pub user: String,
    /// Our private key, as OpenSSH keeps it.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The environment variable that holds the key's passphrase, when it has one.
    #[serde(default)]
    pub key_passphrase_env: Option<String>,
    /// The environment variable that holds our password, where there is no key.
    #[serde(default)]
    pub password_env: Option<String>,
    /// The host keys that are trusted: `SHA256:…`, or whole lines such as `ssh-ed25519 AAAA…`.
    #[serde(deserialize_with = "one_or_more")]
    pub host_key: Vec<String>,
    /// The folder there.
    pub folder: String,
    /// Globs of the names that are taken, such as `*principal*`; every name when none is given.
    #[serde(default, deserialize_with = "one_or_more")]
    pub pattern: Vec<String>,
    /// Which of the files that match are taken.
    #[serde(default)]
    pub pick: Pick,
    /// How the newest file is known.
    #[serde(default)]
    pub newest_by: NewestBy,
    /// Leaves out names that programs give to files they still write.
    #[serde(default = "skip_part_names")]
    pub skip_part_names: bool,
    /// What becomes there of a file taken in.
    #[serde(default)]
    pub after: After,
    /// The folder there that receipts are left in.
    #[serde(default)]
    pub receipts: Option<String>,
    /// How long one operation may take.
    #[serde(default = "timeout_seconds")]
    pub timeout_seconds: u32,
}

/// Which of the files that match are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// Every one.
    #[default]
    All,
    /// The newest alone.
    Newest,
}

/// How the newest file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewestBy {
    /// By its time of change.
    #[default]
    Time,
    /// By its name: the last one in order, as names with a date `YYYYMMDD` have it.
    Name,
}

/// What becomes there of a file taken in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// It stays where it is.
    #[default]
    Keep,
    /// It is deleted.
    Delete,
    /// It moves to another folder there, which exists.
    Move(String),
}

fn port() -> u16 {
    22
}

fn timeout_seconds() -> u32 {
    30
}

fn skip_part_names() -> bool {
    true
}

/// A folder on an SFTP server.
pub struct Sftp {
    config: SftpConfig,
    wanted: Wanted,
    pins: Pins,
    passed_over: PassedOver,
}

/// A path without what does not tell it from another.
fn plain(path: &str) -> &str {
    path.trim_start_matches("./").trim_end_matches('/')
}

impl Sftp {
    /// A place as configured; the server itself is called later.
    pub fn new(config: SftpConfig) -> Result<Self, TransportError> {
        let wrong = |detail| Err(TransportError::new(Code::BadConfig, detail));
        match (&config.key_file, &config.password_env) {
            (Some(_), Some(_)) => return wrong("expected `key_file` or `password_env`, found both"),
            (None, None) => return wrong("expected `key_file` or `password_env`, found neither"),
            _ if config
                .receipts
                .as_ref()
                .is_some_and(|receipts| plain(receipts) == plain(&config.folder)) =>
            {
                // They would be taken for extracts.
                return wrong("expected `receipts` to be another folder than `folder`");
            }
            _ if config.timeout_seconds == 0 => return wrong("expected `timeout_seconds` above 0, found 0"),
            _ => {}
        }
        let wanted = Wanted::new(&config.pattern, config.skip_part_names)?;
        let pins = Pins::new(&config.host_key)?;
        Ok(Self { config, wanted, pins, passed_over: PassedOver::default() })
    }

    async fn session(&self) -> Result<Session, TransportError> {
        Session::open(&self.config, &self.pins).await
    }

    fn path(&self, name: &str) -> Result<String, TransportError> {
        segment(name).map(|name| join(&self.config.folder, name))
    }

    async fn list(&self, session: &Session) -> Result<Listed, TransportError> {
        let Listed { offers, odd } = session.list(&self.config.folder, &self.wanted).await?;
        // Some servers show a name twice; only one file can be had by it.
        let mut newest: BTreeMap<String, Offer> = BTreeMap::new();
        for offer in offers {
            match newest.get(&offer.name) {
                Some(other) if other.changed_at >= offer.changed_at => {}
                _ => {
                    newest.insert(offer.name.clone(), offer);
                }
            }
        }
        let mut offers: Vec<Offer> = newest.into_values().collect();
        // The sort is stable, and the names were in order.
        if self.config.pick == Pick::All || self.config.newest_by == NewestBy::Time {
            offers.sort_by_key(|offer| offer.changed_at);
        }
        if self.config.pick == Pick::Newest {
            offers.drain(..offers.len().saturating_sub(1));
        }
        Ok(Listed { offers, odd })
    }

    async fn take_away(&self, session: &Session, offer: &Offer) -> Result<(), TransportError> {
        let path = self.path(&offer.name)?;
        match session.look_at(&path).await? {
            Some(found) if session::version(&found) == offer.version => {}
            // Done already, or another file has come under the name since: it is an offer of its own.
            _ => return Ok(()),
        }
        match &self.config.after {
            After::Keep => Ok(()),
            After::Delete => session.remove(&path).await,
            After::Move(folder) => set_aside(session, &path, folder, &offer.name).await,
        }
    }
}

#[async_trait]
impl Transport for Sftp {
    async fn look(&self, _cursor: Option<&str>) -> Result<Vec<Offer>, TransportError> {
        let session = self.session().await?;
        let found = self.list(&session).await;
        session.close().await;
        let mut found = found?;
        self.passed_over.keep(&mut found);
        Ok(found.offers)
    }

    fn passed_over(&self) -> Vec<String> {
        self.passed_over.names()
    }

    async fn fetch(&self, offer: &Offer, into: Sink<'_>) -> Result<Fetched, TransportError> {
        let path = self.path(&offer.name)?;
        let session = self.session().await?;
        let fetched = session.fetch(&path, offer, into).await;
        session.close().await;
        fetched.map(|()| Fetched::Whole { cursor: None, missing: Vec::new() })
    }

    async fn taken(&self, offer: &Offer) -> Result<(), TransportError> {
        if self.config.after == After::Keep {
            return Ok(());
        }
        let session = self.session().await?;
        let taken = self.take_away(&session, offer).await;
        session.close().await;
        taken
    }

    async fn leave(&self, name: &str, bytes: &[u8]) -> Result<(), TransportError> {
        let Some(folder) = &self.config.receipts else {
            return Err(TransportError::new(Code::BadConfig, "expected a folder in `receipts`, found none"));
        };
        let path = join(folder, segment(name)?);
        let session = self.session().await?;
        let left = session.put_down(&path, bytes).await;
        session.close().await;
        left
    }

    async fn check(&self) -> Result<String, TransportError> {
        let session = self.session().await?;
        let found = self.tried(&session).await;
        session.close().await;
        found
    }
}

/// Moves a file to a name nobody has there; by the protocol a rename onto another file fails, but not every server keeps to it.
async fn set_aside(session: &Session, path: &str, folder: &str, name: &str) -> Result<(), TransportError> {
    for number in 1..=MOST_OF_ONE_NAME {
        let target = join(folder, &numbered(name, number));
        if session.look_at(&target).await?.is_none() {
            return session.rename(path, &target).await;
        }
    }
    Err(TransportError::new(Code::PlaceRefused, format!("expected a free name in `{folder}`, found none")))
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        _ if folder.ends_with('/') => format!("{folder}{name}"),
        _ => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "host: sftp.exemple.fr\nuser: dlnuf\nfolder: /depot\n";
    const PIN: &str = "host_key: SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU\n";

    fn place(lines: &[&str]) -> Result<Sftp, Option<TransportError>> {
        let config = serde_saphyr::from_str(&lines.concat()).map_err(|_| None)?;
        Sftp::new(config).map_err(Some)
    }

    #[test]
    fn settings_are_read_with_what_is_usual_for_those_left_out() {
        let place = place(&[LEAST, PIN, "key_file: k\nafter: {move: /depot/lus}"]).expect("a place");
        assert_eq!(place.config.after, After::Move(String::from("/depot/lus")));
        assert_eq!((place.config.port, place.config.timeout_seconds), (22, 30));
        assert_eq!((place.config.pick, place.config.skip_part_names), (Pick::All, true));
    }

    #[test]
    fn without_a_pin_or_with_two_ways_to_log_in_nothing_is_called() {
        assert!(place(&[LEAST, "key_file: k"]).is_err_and(|error| error.is_none()));
        assert!(place(&[LEAST, PIN, "key_file: k\nkeyfile: k"]).is_err_and(|error| error.is_none()));
        for settings in ["", "key_file: k\npassword_env: P", "key_file: k\ntimeout_seconds: 0"] {
            let error = place(&[LEAST, PIN, settings]).err().flatten().expect("refused");
            assert_eq!(error.code, Code::BadConfig, "{settings}");
        }
    }

    #[test]
    fn a_path_there_is_put_together_from_any_folder() {
        let paths =
            [("", "a"), ("/", "a"), ("/d", "a"), ("d/", "a")].map(|(folder, name)| join(folder, name));
        assert_eq!(paths, ["a", "/a", "/d/a", "d/a"]);
    }
}
