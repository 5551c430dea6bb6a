//! Extracts fetched from an object store: an S3-type bucket, or a folder spoken to in the same way.
//!
//! A configuration enters, offers and their bytes leave. An offer is fetched only as long as it is the very version that was
//! listed; nothing at the place is removed unless that version is still the one there. Tries and waits are bounded, as is the
//! listing, and no error or debug output shows a key, a secret or a signature.

mod check;
mod client;
mod config;
mod failure;
mod listing;

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use hub_core::code::Code;
use hub_core::transport::{Fetched, Offer, Sink, Transport, TransportError};
use jiff::Timestamp;
use object_store::list::PaginatedListStore;
use object_store::path::{Path, PathPart};
use object_store::{Error, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutPayload};
use tokio::io::AsyncWriteExt as _;

use super::names::{Listed, PassedOver, Wanted};
use listing::Found;

pub use client::{Environment, PATIENCE, bounded};
pub use config::{After, Config};
pub use failure::failure;

/// Opens the version of an object that has no `ETag`: such a version cannot be asked for.
const UNTAGGED: &str = "untagged ";

/// A bucket, or a folder, extracts are left in.
pub struct Bucket {
    store: Arc<dyn ObjectStore>,
    /// The same store read page by page, where it is read so: one odd key then spoils a page, not the listing.
    pages: Option<Arc<dyn PaginatedListStore>>,
    place: String,
    prefix: Path,
    wanted: Wanted,
    after: After,
    moved_to: Option<Path>,
    receipts: Option<Path>,
    passed_over: PassedOver,
}

impl Bucket {
    /// Prepares the client; nothing is called yet.
    ///
    /// # Errors
    /// `BadConfig` when the configuration cannot be meant, or an environment variable it names is not set.
    pub fn open(config: &Config) -> Result<Self, TransportError> {
        Self::open_with(config, &|name| std::env::var(name).ok())
    }

    /// As [`Bucket::open`], with an environment of the caller's own.
    ///
    /// # Errors
    /// As [`Bucket::open`].
    pub fn open_with(config: &Config, environment: Environment<'_>) -> Result<Self, TransportError> {
        let client::Opened { store, pages, prefix } = client::open(config, environment)?;
        let moved_to = match &config.after {
            After::Move(prefix) => Some(client::prefix("after.move", prefix)?),
            After::Keep | After::Delete => None,
        };
        let receipts = config.receipts.as_deref().map(|prefix| client::prefix("receipts", prefix));
        Ok(Self {
            store,
            pages,
            place: config.url.clone(),
            prefix,
            wanted: Wanted::new(&config.pattern, false)?,
            after: config.after.clone(),
            moved_to,
            receipts: receipts.transpose()?,
            passed_over: PassedOver::default(),
        })
    }

    /// Everything wanted under the prefix, in no order.
    async fn objects(&self) -> Result<Found, TransportError> {
        let wanted = |object: &ObjectMeta| self.is_near(&object.location);
        let found = match &self.pages {
            Some(pages) => listing::by_page(pages.as_ref(), &self.prefix, wanted).await,
            None => listing::at_once(self.store.as_ref(), &self.prefix, wanted).await,
        };
        let found = found.map_err(|error| failure(&format!("listing `{}`", self.place), &error))?;
        if found.endless {
            let detail = format!("expected the listing of `{}` to end, found no end of it", self.place);
            return Err(TransportError::new(Code::AnswerNotUnderstood, detail));
        }
        Ok(found)
    }

    async fn list(&self) -> Result<Listed, TransportError> {
        let (found, mut listed) = (self.objects().await?, Listed::default());
        for object in found.objects {
            let name = object.location.filename().unwrap_or_default();
            if !self.wanted.takes(name) {
                listed.pass_over(object.location.as_ref().as_bytes());
            } else if self.stands(&object).await? {
                listed.offers.push(offer(&object));
            }
        }
        let ours = |key: &&String| self.own().any(|own| key.starts_with(&format!("{own}/")));
        let folder = |key: &&String| key.ends_with('/');
        for key in found.odd.iter().filter(|key| !ours(key) && !folder(key)) {
            let name = key.rsplit('/').next().unwrap_or_default();
            if self.wanted.takes(name) || self.wanted.is_odd(name.as_bytes()) {
                listed.pass_over(key.as_bytes());
            }
        }
        listed.offers.sort_by(|one, other| (one.changed_at, &one.name).cmp(&(other.changed_at, &other.name)));
        Ok(listed)
    }

    /// The prefixes under which the hub itself puts things.
    fn own(&self) -> impl Iterator<Item = &Path> {
        [&self.moved_to, &self.receipts].into_iter().flatten()
    }

    /// Whether a key is that of an extract, though perhaps none that can be taken.
    fn is_near(&self, key: &Path) -> bool {
        let name = key.filename().unwrap_or_default();
        let named = self.wanted.takes(name) || self.wanted.is_odd(name.as_bytes());
        named && *key != self.prefix && !self.own().any(|own| key.prefix_matches(own))
    }

    /// Whether an object is there under its very name. Listings cut the slash off a folder's marker, which is empty, so that only
    /// asking tells it from an extract that is empty by mistake, and about which somebody should hear.
    async fn stands(&self, object: &ObjectMeta) -> Result<bool, TransportError> {
        if object.size > 0 || self.pages.is_none() {
            return Ok(true);
        }
        match self.now(&object.location).await {
            // Fetching it is refused as well, and told.
            Err(error) if error.code == Code::PlaceRefused => Ok(true),
            found => Ok(found?.is_some()),
        }
    }

    /// What stands under a key now.
    async fn now(&self, key: &Path) -> Result<Option<ObjectMeta>, TransportError> {
        match self.store.head(key).await {
            Ok(object) => Ok(Some(object)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(&format!("looking at `{key}`"), &error)),
        }
    }

    /// Where a taken object is moved: under the prefix for those, named as it was under its own.
    fn target(&self, under: &Path, key: &Path) -> Path {
        let rest: Vec<PathPart<'_>> = match key.prefix_match(&self.prefix) {
            Some(parts) => parts.collect(),
            None => key.parts().collect(),
        };
        rest.into_iter().fold(under.clone(), Path::join)
    }
}

#[async_trait]
impl Transport for Bucket {
    async fn look(&self, _cursor: Option<&str>) -> Result<Vec<Offer>, TransportError> {
        let mut listed = self.list().await?;
        self.passed_over.keep(&mut listed);
        Ok(listed.offers)
    }

    fn passed_over(&self) -> Vec<String> {
        self.passed_over.names()
    }

    async fn fetch(&self, offer: &Offer, into: Sink<'_>) -> Result<Fetched, TransportError> {
        let (key, doing) = (key(offer)?, format!("fetching `{}`", offer.name));
        let options = GetOptions { if_match: tag(&offer.version), ..GetOptions::default() };
        let answer = match self.store.get_opts(&key, options).await {
            Err(Error::Precondition { .. }) => return Err(replaced(offer)),
            Err(error @ Error::NotFound { .. }) => return Err(failure::gone(&doing, &error)),
            other => other.map_err(|error| failure(&doing, &error))?,
        };
        if !same(&version(&answer.meta), &offer.version) {
            return Err(replaced(offer));
        }
        let (size, mut bytes, mut written) = (answer.meta.size, answer.into_stream(), 0);
        while let Some(chunk) = bytes.try_next().await.map_err(|error| failure(&doing, &error))? {
            into.write_all(&chunk).await.map_err(failure::unwritten)?;
            written += chunk.len() as u64;
        }
        if written != size {
            let detail = format!("{doing}: {size} bytes were announced, {written} came");
            return Err(TransportError::new(Code::PlaceUnreachable, detail));
        }
        Ok(Fetched::Whole { cursor: None, missing: Vec::new() })
    }

    async fn taken(&self, offer: &Offer) -> Result<(), TransportError> {
        let key = key(offer)?;
        if self.after == After::Keep {
            return Ok(());
        }
        match self.now(&key).await? {
            // Another object under the same name is to be offered by the next look, not removed unread.
            Some(object) if same(&version(&object), &offer.version) => (),
            _ => return Ok(()),
        }
        let done = match &self.moved_to {
            Some(under) => self.store.rename(&key, &self.target(under, &key)).await,
            None => self.store.delete(&key).await,
        };
        match done {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(&format!("removing `{}`", offer.name), &error)),
        }
    }

    async fn leave(&self, name: &str, bytes: &[u8]) -> Result<(), TransportError> {
        let Some(receipts) = &self.receipts else {
            let detail = format!("`{}` has no `receipts` prefix to leave `{name}` under", self.place);
            return Err(TransportError::new(Code::BadConfig, detail));
        };
        let key = receipts.clone().join(name);
        let put = self.store.put(&key, PutPayload::from(bytes.to_vec())).await;
        put.map(drop).map_err(|error| failure(&format!("leaving `{key}`"), &error))
    }

    async fn check(&self) -> Result<String, TransportError> {
        self.tried().await
    }
}

fn offer(object: &ObjectMeta) -> Offer {
    Offer {
        name: object.location.to_string(),
        version: version(object),
        size_bytes: Some(object.size),
        changed_at: Timestamp::from_millisecond(object.last_modified.timestamp_millis()).ok(),
    }
}

/// In seconds where there is no `ETag`: listings tell milliseconds, the headers of an answer do not.
fn version(object: &ObjectMeta) -> String {
    let changed = object.last_modified.timestamp();
    object.e_tag.clone().unwrap_or_else(|| format!("{UNTAGGED}{} {changed}", object.size))
}

fn tag(version: &str) -> Option<String> {
    (!version.starts_with(UNTAGGED)).then(|| version.to_owned())
}

/// Some servers quote an `ETag` in one answer and not in the other.
fn same(one: &str, other: &str) -> bool {
    one.trim_matches('"') == other.trim_matches('"')
}

fn key(offer: &Offer) -> Result<Path, TransportError> {
    let parsed = Path::parse(&offer.name);
    parsed
        .map_err(|_| TransportError::new(Code::AnswerNotUnderstood, "an offer's name is not an object's key"))
}

fn replaced(offer: &Offer) -> TransportError {
    let detail = format!("fetching `{}`: it was replaced since it was listed; look again", offer.name);
    TransportError::new(Code::OfferChanged, detail)
}
