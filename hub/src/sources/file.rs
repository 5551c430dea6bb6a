//! What may stand in the sources file, key by key; `schemas/sources/v1.json` says the same to editors.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use axum::http::Uri;
use connectors::transport::folder::FolderConfig;
use connectors::transport::http::{CallbackConfig, CollectionConfig, EnrichmentConfig, MiloConfig};
use connectors::transport::object_store::Config as Bucket;
use connectors::transport::sftp::SftpConfig;
use connectors::wrapping::KeyFiles;
use hub_core::code::Code;
use hub_core::guard::Guards;
use hub_core::transport::TransportError;
use jiff::civil::{Time, Weekday};
use serde::{Deserialize, Deserializer};

use super::schedule::{Cadence, PARIS, zone};
use super::token::Token;

/// Largest delivery when a source says nothing: 4 GiB.
pub(super) const USUAL_BYTES: u64 = 4 << 30;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourcesFile {
    pub(super) sources: Option<BTreeMap<String, Source>>,
}

/// One institution.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Who may push for it.
    #[serde(default)]
    pub tokens: Vec<Token>,
    /// Largest delivery, unpacked.
    #[serde(default = "usual_bytes", deserialize_with = "size")]
    pub max_bytes: u64,
    /// What opens what it encrypts.
    #[serde(default)]
    pub keys: KeyFiles,
    /// When a delivery is held.
    #[serde(default, deserialize_with = "guards")]
    pub guards: Guards,
    /// The mapping to use when the header does not tell.
    #[serde(default)]
    pub mapping: Option<String>,
    /// Places it is fetched from, by name.
    #[serde(default)]
    pub pulls: BTreeMap<String, Pull>,
    /// By when it should have come.
    #[serde(default)]
    pub expected: Option<Expected>,
    /// Where its receipts are sent.
    #[serde(default)]
    pub receipts: Option<CallbackConfig>,
}

/// A place extracts are fetched from: exactly one kind, and when.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {
    /// A drop folder of this machine.
    #[serde(default)]
    folder: Option<FolderConfig>,
    /// A folder of an SFTP server.
    #[serde(default)]
    sftp: Option<SftpConfig>,
    /// An object store.
    #[serde(default)]
    bucket: Option<Bucket>,
    /// A list read by HTTP.
    #[serde(default)]
    collection: Option<CollectionConfig>,
    /// Persons asked about one by one (France Travail).
    #[serde(default)]
    persons: Option<EnrichmentConfig>,
    /// An i-milo event queue.
    #[serde(default)]
    milo: Option<MiloConfig>,
    /// For `persons`: how long an answer is fresh; nobody is asked about again before.
    #[serde(default = "month")]
    pub fresh_for_hours: u64,
    /// When it is looked at.
    #[serde(default)]
    pub schedule: Option<Schedule>,
    /// Leave each delivery's receipt there.
    #[serde(default)]
    pub leave_receipts: bool,
}

/// The kind of place a pull is from.
#[derive(Debug, Clone, Copy)]
pub enum Place<'p> {
    /// A drop folder.
    Folder(&'p FolderConfig),
    /// An SFTP server.
    Sftp(&'p SftpConfig),
    /// An object store.
    Bucket(&'p Bucket),
    /// A list.
    Collection(&'p CollectionConfig),
    /// Persons.
    Persons(&'p EnrichmentConfig),
    /// A queue.
    Milo(&'p MiloConfig),
}

/// When a place is looked at: a cron expression, or every so many seconds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Cron expression of five fields.
    #[serde(default)]
    pub cron: Option<String>,
    /// Seconds between two looks.
    #[serde(default)]
    pub every_seconds: Option<u64>,
    /// The zone the expression is read in.
    #[serde(default = "paris")]
    pub time_zone: String,
    /// Up to so many seconds later, each time another, so that a thousand hubs do not call at once.
    #[serde(default)]
    pub jitter_seconds: u64,
}

/// By when an extract should have come.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The hour, `HH:MM`.
    #[serde(deserialize_with = "hour")]
    pub by: Time,
    /// On which days; every day when left out.
    #[serde(default, deserialize_with = "weekdays")]
    pub days: Vec<Weekday>,
    /// The zone the hour is read in.
    #[serde(default = "paris")]
    pub time_zone: String,
}

impl Source {
    /// What is wrong with it, each with the keys it stands under.
    pub(super) fn mistakes(&self, name: &str) -> Vec<Mistake> {
        let plain = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        let mut mistakes = Vec::new();
        if !plain(name) {
            mistakes.push(Mistake::new("", "a source is named by letters, digits, `-` and `_`"));
        }
        if let Some(expected) = &self.expected {
            let mistake = zone(&expected.time_zone).err();
            mistakes.extend(mistake.map(|mistake| Mistake::new("expected.time_zone", mistake)));
        }
        let secure = self.receipts.as_ref().is_none_or(|receipts| is_private(&receipts.callback));
        if !secure {
            let text = "expected an address of https, or of http on this machine";
            mistakes.push(Mistake::new("receipts.callback", text));
        }
        let (mut names, mut hashes) = (BTreeSet::new(), BTreeSet::new());
        for (at, token) in self.tokens.iter().enumerate() {
            if !names.insert(&token.name) || !hashes.insert(token.hash.to_string()) {
                mistakes.push(Mistake::new(format!("tokens.{at}"), "this token is there twice"));
            }
        }
        for (pull, settings) in &self.pulls {
            if !plain(pull) {
                let text = "a pull is named by letters, digits, `-` and `_`";
                mistakes.push(Mistake::new(format!("pulls.{pull}"), text));
            }
            mistakes.extend(
                settings.mistakes().into_iter().map(|mistake| mistake.under(&format!("pulls.{pull}"))),
            );
        }
        mistakes.into_iter().map(|mistake| mistake.under(name)).collect()
    }
}

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Mistake {
    /// Keys, joined with dots.
    pub at: String,
    pub text: String,
}

impl Mistake {
    pub(super) fn new(at: impl Into<String>, text: impl Into<String>) -> Self {
        Self { at: at.into(), text: text.into() }
    }

    fn under(self, key: &str) -> Self {
        let dot = if self.at.is_empty() { "" } else { "." };
        Self { at: format!("{key}{dot}{}", self.at), ..self }
    }
}

/// Whether nobody on the way reads what is posted to an address.
fn is_private(address: &str) -> bool {
    let Ok(address) = address.parse::<Uri>() else { return false };
    let host = address.host().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let here = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
    match address.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => here,
        _ => false,
    }
}

impl Pull {
    /// The one place it is from.
    ///
    /// # Errors
    /// When it names none, or several.
    pub fn place(&self) -> Result<Place<'_>, TransportError> {
        let places = [
            self.folder.as_ref().map(Place::Folder),
            self.sftp.as_ref().map(Place::Sftp),
            self.bucket.as_ref().map(Place::Bucket),
            self.collection.as_ref().map(Place::Collection),
            self.persons.as_ref().map(Place::Persons),
            self.milo.as_ref().map(Place::Milo),
        ];
        let mut named = places.into_iter().flatten();
        match (named.next(), named.next()) {
            (Some(place), None) => Ok(place),
            _ => Err(TransportError::new(
                Code::BadConfig,
                "expected one of `folder`, `sftp`, `bucket`, `collection`, `persons` and `milo`",
            )),
        }
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let place = self.place().err().map(|error| Mistake::new("", error.detail));
        let mut mistakes: Vec<Mistake> = place.into_iter().collect();
        let Some(schedule) = &self.schedule else { return mistakes };
        match (&schedule.cron, schedule.every_seconds) {
            (Some(cron), None) => {
                let mistake = Cadence::new(cron, &schedule.time_zone).err();
                let key = if zone(&schedule.time_zone).is_err() { "time_zone" } else { "cron" };
                mistakes.extend(mistake.map(|mistake| Mistake::new(format!("schedule.{key}"), mistake)));
            }
            (None, Some(1..)) => {}
            _ => {
                let text = "it is either `cron` or `every_seconds` (1 at least)";
                mistakes.push(Mistake::new("schedule", text));
            }
        }
        mistakes
    }
}

/// Thirty days, as `WebRSA` asks France Travail for an orientation again.
fn month() -> u64 {
    30 * 24
}

fn usual_bytes() -> u64 {
    USUAL_BYTES
}

fn paris() -> String {
    PARIS.to_owned()
}

/// A number of bytes, or one with `KiB`, `MiB` or `GiB` behind it.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Number(u64),
        Text(String),
    }
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let found = match Written::deserialize(deserializer) {
        Ok(Written::Number(bytes)) => Some(bytes),
        Ok(Written::Text(text)) => units.iter().find_map(|(unit, shift)| {
            let number: u64 = text.trim().strip_suffix(unit)?.trim().parse().ok()?;
            number.checked_mul(1 << shift)
        }),
        Err(_) => None,
    };
    found.filter(|bytes| *bytes > 0).ok_or_else(|| {
        serde::de::Error::custom("expected a number of bytes above 0, or one such as `500MiB` or `4GiB`")
    })
}

fn hour<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let text = String::deserialize(deserializer)?;
    Time::strptime("%H:%M", &text).map_err(|_| serde::de::Error::custom("`by` is an hour such as \"07:00\""))
}

fn weekdays<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Weekday>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    let day = |name: &String| {
        Ok(match name.as_str() {
            "mon" => Weekday::Monday,
            "tue" => Weekday::Tuesday,
            "wed" => Weekday::Wednesday,
            "thu" => Weekday::Thursday,
            "fri" => Weekday::Friday,
            "sat" => Weekday::Saturday,
            "sun" => Weekday::Sunday,
            _ => return Err(serde::de::Error::custom("`days` are mon, tue, wed, thu, fri, sat, sun")),
        })
    };
    names.iter().map(day).collect()
}

/// Shares between 0 and 1, or `off`.
fn guards<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Guards, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Share {
        Number(f64),
        Off(bool),
        Word(String),
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        volume: Option<Share>,
        rejects: Option<Share>,
        closures: Option<Share>,
        unknown_codes: Option<Share>,
        least: Option<u64>,
    }
    let share = |name: &str, written: Option<Share>, usual: Option<f64>| match written {
        None => Ok(usual),
        Some(Share::Number(share)) if (0.0..=1.0).contains(&share) => Ok(Some(share)),
        Some(Share::Off(false)) => Ok(None),
        Some(Share::Word(word)) if word == "off" => Ok(None),
        Some(_) => Err(serde::de::Error::custom(format!("`{name}` is a share between 0 and 1, or `off`"))),
    };
    let (written, usual) = (Written::deserialize(deserializer)?, Guards::default());
    Ok(Guards {
        volume: share("volume", written.volume, usual.volume)?,
        rejects: share("rejects", written.rejects, usual.rejects)?,
        closures: share("closures", written.closures, usual.closures)?,
        unknown_codes: share("unknown_codes", written.unknown_codes, usual.unknown_codes)?,
        least: written.least.unwrap_or(usual.least),
    })
}
