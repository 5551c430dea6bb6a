//! Puts the adapters together: store, archive, formats, mappings, clock.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use compact_str::CompactString;
use connectors::BuiltIn;
use hub_core::archive::Archive;
use hub_core::canonical::Canon;
use hub_core::clock::Clock as _;
use hub_core::delivery::Delivery;
use hub_core::identity::IdentityFields;
use hub_core::mapping::Catalogue;
use hub_core::pipeline::Pipeline;
use hub_core::publisher::Publisher;
use hub_core::store::{Store, StoreError};
use hub_core::subscription::{Declared, Pseudonyms, Subscription};
use jiff::civil::Date;

use crate::archive::{BucketArchive, FolderArchive, private_folder};
use crate::arrival::Arrivals;
use crate::broker::{self, Reader};
use crate::clock::MachineClock;
use crate::court::Court;
use crate::declarations::Declarations;
use crate::heralds::Heralds;
use crate::mappings::{MappingFiles, PERSON_SCHEMA};
use crate::provision;
use crate::pull::Puller;
use crate::pull::places::Places;
use crate::seal::Seal;
use crate::settings::Settings;
use crate::sources::{Sources, SourcesError};
use crate::store;
use crate::webhook::{Networks, Post, Postman};

/// The mapping files in force.
///
/// # Errors
/// When the folder cannot be read.
pub fn mapping_files(settings: &Settings) -> anyhow::Result<MappingFiles> {
    Ok(match &settings.mappings {
        Some(folder) => MappingFiles::folder(folder)?,
        None => MappingFiles::built_in(),
    })
}

/// The canonical schema in force.
///
/// # Errors
/// When the built-in schema is broken.
pub fn canon() -> anyhow::Result<Arc<Canon>> {
    Ok(Arc::new(Canon::from_schema(PERSON_SCHEMA)?))
}

/// Opens the store the settings name.
///
/// # Errors
/// When it cannot be reached, or the key is not its key.
pub async fn open_store(settings: &Settings, canon: &Arc<Canon>) -> anyhow::Result<Arc<dyn Store>> {
    private_folder(&settings.home).with_context(|| format!("creating `{}`", settings.home.display()))?;
    // In this order: a hub starting beside this one makes the key before the store.
    let (stored, key) = (settings.embedded_store_exists(), settings.key());
    let keyless = !key.exists();
    anyhow::ensure!(!(keyless && stored), missing_key(settings));
    let seal = Seal::load_or_create(&key)?;
    // On the heap: opening a store would weigh on every caller's future.
    match Box::pin(store::open(&settings.store_url(), seal, Arc::clone(canon))).await {
        Err(StoreError::Unreadable { .. }) if keyless => {
            // The store is not new: a key made just now is not its key, and must not stay to be taken for it.
            std::fs::remove_file(&key).with_context(|| format!("removing `{}`", key.display()))?;
            Err(anyhow::anyhow!(missing_key(settings)))
        }
        opened => opened.context("opening the store"),
    }
}

fn missing_key(settings: &Settings) -> String {
    let (store, key) = (settings.store_name(), settings.key());
    format!("{store} is there, its key is not: put your copy of it at `{}`", key.display())
}

/// Opens a store to read it: one that is not there is not made.
///
/// # Errors
/// As [`open_store`], and when there is no store.
pub async fn open_existing(settings: &Settings, canon: &Arc<Canon>) -> anyhow::Result<Arc<dyn Store>> {
    if let Some(path) = settings.embedded_store() {
        let there = path.try_exists().with_context(|| format!("looking for `{}`", path.display()))?;
        anyhow::ensure!(there, "{} does not exist; `dlnuf deliver` makes it", settings.store_name());
    }
    let key = settings.key();
    let key_there = key.try_exists().with_context(|| format!("looking for `{}`", key.display()))?;
    // Whoever only reads makes no key: it would be taken for the store's.
    anyhow::ensure!(key_there, missing_key(settings));
    open_store(settings, canon).await
}

/// Opens everything a run needs. A store whose look-up keys are of an older release has them written anew, once.
///
/// # Errors
/// When any part cannot be opened, or the mappings hold mistakes.
pub async fn pipeline(settings: &Settings) -> anyhow::Result<Pipeline> {
    let canon = canon()?;
    let files = mapping_files(settings)?;
    let pipeline = Pipeline {
        store: open_store(settings, &canon).await?,
        archive: open_archive(settings)?,
        formats: Arc::new(BuiltIn),
        clock: Arc::new(MachineClock),
        catalogue: files.compile(&canon)?,
        precedence: files.precedence()?,
        policy: files.identity()?,
        identity: IdentityFields::of(&canon),
        canon,
    };
    if pipeline.has_old_keys().await? {
        let (persons, ..) = pipeline.store.sizes().await?;
        if persons > 0 {
            tracing::warn!(persons, "look-up keys are written anew, once");
        }
        pipeline.index_again(&()).await?;
    }
    Ok(pipeline)
}

/// Opens the archive the settings name; a bucket is reached on the runtime this is called on.
///
/// # Errors
/// When the folder cannot be made, or no client of the bucket.
pub fn open_archive(settings: &Settings) -> anyhow::Result<Arc<dyn Archive>> {
    let place = settings.archive_place();
    if place.starts_with("s3://") {
        let archive = BucketArchive::at(&place, &settings.home.join("landing"));
        return Ok(Arc::new(archive.with_context(|| format!("opening the archive `{place}`"))?));
    }
    anyhow::ensure!(!place.contains("://"), "the archive is neither a folder nor `s3://bucket/prefix`");
    let archive = FolderArchive::open(Path::new(&place));
    Ok(Arc::new(archive.with_context(|| format!("opening the archive `{place}`"))?))
}

/// What persons are called by to those who subscribe.
///
/// # Errors
/// When the protection key cannot be read.
pub fn pseudonyms(settings: &Settings) -> anyhow::Result<Pseudonyms> {
    Ok(Seal::load_or_create(&settings.key())?.pseudonyms())
}

/// Those who tell profiles what the journal holds.
///
/// # Errors
/// When the folder of subscriptions cannot be read, or holds mistakes other than what has expired.
pub fn heralds(settings: &Settings, pipeline: &Pipeline) -> anyhow::Result<Heralds> {
    let declarations = Arc::new(Declarations::read(settings, &pipeline.canon)?);
    Ok(Heralds {
        store: Arc::clone(&pipeline.store),
        canon: Arc::clone(&pipeline.canon),
        clock: Arc::clone(&pipeline.clock),
        pseudonyms: pseudonyms(settings)?,
        declarations,
        glance: Arc::default(),
    })
}

/// What posts to those who subscribe by webhook.
///
/// # Errors
/// When the protection key cannot be read, or a network named is none.
pub fn postman(settings: &Settings, heralds: &Heralds) -> anyhow::Result<Postman> {
    let networks = networks(settings)?;
    Ok(Postman {
        store: Arc::clone(&heralds.store),
        clock: Arc::clone(&heralds.clock),
        declarations: Arc::clone(&heralds.declarations),
        canon: Arc::clone(&heralds.canon),
        seal: Seal::load_or_create(&settings.key())?,
        post: Arc::new(Post::new(networks)?),
        holder: MachineClock.mint(),
    })
}

/// Where webhooks may lead.
///
/// # Errors
/// When a network named is none.
pub fn networks(settings: &Settings) -> anyhow::Result<Networks> {
    Networks::read(&settings.webhook_networks).map_err(|wrong| {
        anyhow::anyhow!("`--webhook-networks`: expected networks such as `10.1.0.0/16`, found `{wrong}`")
    })
}

/// Where it is ruled who is who. Mistakes in subscriptions stop nobody who rules: those are counted that hold.
///
/// # Errors
/// As [`pipeline`], and when the folder of subscriptions cannot be read.
pub async fn court(settings: &Settings) -> anyhow::Result<Court> {
    let pipeline = Arc::new(pipeline(settings).await?);
    let declarations = Arc::new(Declarations::read_sound(settings, &pipeline.canon)?);
    Ok(Court { pipeline, declarations })
}

/// The publisher, when the settings name a broker.
///
/// # Errors
/// When the broker's URL is not understood.
pub fn publisher(settings: &Settings, store: &Arc<dyn Store>) -> anyhow::Result<Option<Publisher>> {
    let Some(url) = &settings.broker else { return Ok(None) };
    let (broker, holder) = (broker::at(url)?, MachineClock.mint());
    Ok(Some(Publisher::new(Arc::clone(store), broker, holder)))
}

/// The publisher of what profiles are told, to those of their subscribers who have a queue on a day and are not paused; none without a
/// broker or without any of them. The queues of those who had one and are declared no more, `gone`, are bound to nothing.
///
/// # Errors
/// When the broker's URL is not understood.
pub async fn profile_publisher(
    settings: &Settings,
    store: &Arc<dyn Store>,
    (declared, gone): (&Declared, &[CompactString]),
    (today, paused): (Date, &BTreeSet<CompactString>),
) -> anyhow::Result<Option<Publisher>> {
    let Some(url) = &settings.broker else { return Ok(None) };
    let queued = declared.subscriptions.values().filter(|subscription| subscription.is_queued());
    let silent = |name: &CompactString| paused.contains(name);
    let reader = |subscription: &Subscription| {
        let reader = Reader::of(subscription, today);
        if silent(&reader.name) { reader.silenced() } else { reader }
    };
    let mut readers: Vec<Reader> = queued.map(reader).collect();
    readers.extend(gone.iter().flat_map(|name| of_any_profile(declared, name)));
    if readers.is_empty() {
        return Ok(None);
    }
    let readers = provision::kept(store.as_ref(), readers).await?;
    let broker = broker::of_profiles(url, readers, settings.broker_api.as_deref())?;
    let holder = MachineClock.mint();
    Ok(Some(Publisher::of_profiles(Arc::clone(store), broker, holder)))
}

/// One who had a queue and is declared no more, as a reader of each profile that is told: of which one it was is not known.
fn of_any_profile<'d>(declared: &'d Declared, name: &'d str) -> impl Iterator<Item = Reader> + 'd {
    declared.scopes.keys().map(move |profile| Reader { profile: profile.clone(), ..Reader::named(name) })
}

/// Where arrivals are kept and made known.
pub fn arrivals(pipeline: &Pipeline) -> Arrivals {
    Arrivals {
        archive: Arc::clone(&pipeline.archive),
        store: Arc::clone(&pipeline.store),
        clock: Arc::clone(&pipeline.clock),
    }
}

/// What fetches from the places of the sources.
pub fn puller(pipeline: &Pipeline, sources: Arc<Sources>) -> Puller {
    let (store, clock) = (Arc::clone(&pipeline.store), Arc::clone(&pipeline.clock));
    let places = Arc::new(Places::new(store, clock, Arc::clone(&pipeline.canon)));
    let holder = MachineClock.mint();
    Puller { arrivals: arrivals(pipeline), sources, places, arrived: Arc::default(), holder }
}

/// The sources file's content.
///
/// # Errors
/// When it cannot be read, holds mistakes, or names a source no mapping is for.
pub fn sources(settings: &Settings, catalogue: &Catalogue) -> anyhow::Result<Sources> {
    if let Some(named) = &settings.sources {
        // Only the usual one may be missing.
        std::fs::metadata(named).map_err(|source| SourcesError::Io { path: named.clone(), source })?;
    }
    let sources = Sources::read(&settings.sources_file())?;
    sources.fit(&settings.sources_file(), catalogue)?;
    Ok(sources)
}

/// Archives the extracts in a file, then registers them: they are acknowledged once all is durable.
///
/// # Errors
/// When the file cannot be read or opened, or archive or store cannot be written.
pub async fn receive(
    pipeline: &Pipeline,
    sources: &Sources,
    source: &str,
    file: &Path,
) -> anyhow::Result<Vec<Delivery>> {
    let opened = std::fs::File::open(file).with_context(|| format!("opening `{}`", file.display()))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    let parcel = sources.parcel(source, opened, name)?;
    let arrivals = arrivals(pipeline);
    let extracts = arrivals.open(parcel).await.with_context(|| format!("reading `{}`", file.display()))?;
    let received = arrivals.acknowledge(source, extracts).await?;
    Ok(received.into_iter().map(|received| received.delivery).collect())
}
