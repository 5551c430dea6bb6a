//! What a serving hub does by itself: fetches, takes in, publishes, brings receipts, clears up; each a driver of its own.
//!
//! A driver that waits on one thing stops no other. They share what they tell one another: an arrival wakes the backlog, a run that
//! ends wakes publisher and courier.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use hub_core::pipeline::Pipeline;
use hub_core::publisher::Publisher;
use hub_core::subscription::paused;
use jiff::civil::Date;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::api::{Counter, Desk, Rooms, Window};
use crate::backlog::Backlog;
use crate::clock::today;
use crate::court::Court;
use crate::heralds::Heralds;
use crate::installation;
use crate::pull::Puller;
use crate::receipt::courier::Courier;
use crate::settings::Settings;

/// How long what arrives may stay half-written: a resumable upload is taken up again within it.
const LEFT: Duration = Duration::from_hours(24);
/// How often it is asked who is told.
const ASKED: Duration = Duration::from_secs(1);
/// How often that is looked at.
const SWEEP: Duration = Duration::from_hours(1);

/// A day, and the subscribers who are told nothing on it.
type Audience = (Date, BTreeSet<CompactString>);

/// The drivers.
pub struct Service {
    pipeline: Arc<Pipeline>,
    backlog: Backlog,
    puller: Arc<Puller>,
    courier: Courier,
    publisher: Option<Publisher>,
    heralds: Heralds,
    settings: Settings,
    desk: Arc<Desk>,
}

impl Service {
    /// Puts the drivers together.
    ///
    /// # Errors
    /// When the store cannot be opened, or mappings, sources or subscriptions hold mistakes.
    pub async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let pipeline = Arc::new(installation::pipeline(settings).await?);
        let sources = Arc::new(installation::sources(settings, &pipeline.catalogue)?);
        let publisher = installation::publisher(settings, &pipeline.store)?;
        let heralds = installation::heralds(settings, &pipeline)?;
        let mut backlog = Backlog::new(Arc::clone(&pipeline), Arc::clone(&sources));
        if let Some(publisher) = &publisher {
            backlog.publish = Arc::clone(&publisher.wake);
        }
        let (arrived, ended) = (Arc::clone(&backlog.arrived), Arc::clone(&backlog.ended));
        let puller = installation::puller(&pipeline, Arc::clone(&sources));
        let puller = Arc::new(Puller { arrived: Arc::clone(&arrived), ..puller });
        let (of, from) = (Arc::clone(&pipeline), Arc::clone(&sources));
        let courier = Courier {
            pipeline: of,
            sources: from,
            places: Arc::clone(&puller.places),
            ended: Arc::clone(&ended),
        };
        let desk = Arc::new(Desk::new(Arc::clone(&pipeline), sources, arrived, ended));
        Ok(Self { pipeline, backlog, puller, courier, publisher, heralds, settings: settings.clone(), desk })
    }

    /// What those who show a token come to.
    pub fn counter(&self) -> Counter {
        let (store, declared) = (Arc::clone(&self.pipeline.store), self.heralds.declared.clone());
        Counter { desk: Arc::clone(&self.desk), window: Window { store, declared: Arc::new(declared) } }
    }

    /// What rulings are made with.
    pub fn court(&self) -> Arc<Court> {
        Arc::new(Court { pipeline: Arc::clone(&self.pipeline), declared: self.heralds.declared.clone() })
    }

    /// What readers are shown.
    pub fn rooms(&self) -> Rooms {
        Rooms { store: Arc::clone(&self.pipeline.store), canon: Arc::clone(&self.pipeline.canon) }
    }

    /// Whether events are published.
    pub fn publishes(&self) -> bool {
        self.publisher.is_some()
    }

    /// Works until told to stop: a wave of events on its way is given time, a run is left at its checkpoint.
    pub async fn work(&self, stopped: watch::Receiver<bool>) {
        let publishing = async {
            if let Some(publisher) = &self.publisher {
                publisher.run_until(told(stopped.clone())).await;
            }
        };
        let others = async {
            tokio::select! {
                () = self.backlog.run() => {}
                () = Arc::clone(&self.puller).run() => {}
                () = self.courier.run() => {}
                () = self.heralds.run() => {}
                () = self.sweep() => {}
                () = told(stopped.clone()) => {}
            }
        };
        tokio::join!(publishing, self.publish_to_profiles(&stopped), others);
    }

    /// Publishes what profiles are told; anew every day, as subscriptions expire, and when one is paused or resumed.
    async fn publish_to_profiles(&self, stopped: &watch::Receiver<bool>) {
        while !*stopped.borrow() {
            let (now, store) = (self.audience().await, &self.pipeline.store);
            let (declared, on) = (&self.heralds.declared, (now.0, &now.1));
            let publisher = installation::profile_publisher(&self.settings, store, declared, on);
            let over = async {
                tokio::select! {
                    () = told(stopped.clone()) => {}
                    () = self.other_audience(&now) => {}
                }
            };
            match publisher {
                Ok(Some(publisher)) => publisher.run_until(over).await,
                Ok(None) => over.await,
                Err(error) => {
                    warn!(%error, "profiles are not published");
                    over.await;
                }
            }
        }
    }

    /// What day it is, and who is told nothing for now.
    async fn audience(&self) -> Audience {
        loop {
            match paused(self.pipeline.store.as_ref()).await {
                Ok(paused) => return (today(), paused),
                Err(error) => {
                    warn!(code = %error.code(), %error, "who is paused is not known, will ask again");
                }
            }
            tokio::time::sleep(ASKED).await;
        }
    }

    /// Resolves once it is another.
    async fn other_audience(&self, known: &Audience) {
        while self.audience().await == *known {
            tokio::time::sleep(ASKED).await;
        }
    }

    /// Clears what was left half-written, now and once an hour.
    async fn sweep(&self) {
        loop {
            let archive = Arc::clone(&self.pipeline.archive);
            match tokio::task::spawn_blocking(move || archive.sweep(LEFT)).await {
                Ok(Ok(0)) | Err(_) => {}
                Ok(Ok(count)) => info!(count, "files left half-written were removed"),
                Ok(Err(error)) => warn!(%error, "files left half-written could not be removed"),
            }
            tokio::time::sleep(SWEEP).await;
        }
    }
}

/// Resolves once told to stop.
pub async fn told(mut stopped: watch::Receiver<bool>) {
    drop(stopped.wait_for(|told| *told).await);
}
