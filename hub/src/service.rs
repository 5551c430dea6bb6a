//! What a serving hub does by itself: fetches, takes in, publishes, brings receipts, clears up; each a driver of its own.
//!
//! A driver that waits on one thing stops no other. They share what they tell one another: an arrival wakes the backlog, a run that
//! ends wakes publisher and courier.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use hub_core::pipeline::Pipeline;
use hub_core::publisher::Publisher;
use hub_core::store::StoreError;
use hub_core::subscription::{Declared, Subscription, paused, queues_made};
use jiff::civil::Date;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tracing::{info, warn};

use crate::api::{Counter, Desk, Inner, Registry, Rooms, Window};
use crate::backlog::Backlog;
use crate::clock::today;
use crate::consultations::sweep;
use crate::court::Court;
use crate::heralds::Heralds;
use crate::installation;
use crate::pull::Puller;
use crate::receipt::courier::Courier;
use crate::settings::Settings;
use crate::webhook::Postman;

/// How long what arrives may stay half-written: a resumable upload is taken up again within it.
const LEFT: Duration = Duration::from_hours(24);
/// How often it is asked who is told.
const ASKED: Duration = Duration::from_secs(1);
/// How often that is looked at.
const SWEEP: Duration = Duration::from_hours(1);

/// Who is told: on a day, of those declared, all but some; and who had a queue and is declared no more.
#[derive(PartialEq)]
struct Audience {
    day: Date,
    declared: Arc<Declared>,
    paused: BTreeSet<CompactString>,
    gone: Vec<CompactString>,
}

/// The drivers.
pub struct Service {
    pipeline: Arc<Pipeline>,
    backlog: Backlog,
    puller: Arc<Puller>,
    courier: Courier,
    publisher: Option<Arc<Publisher>>,
    heralds: Heralds,
    postman: Postman,
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
        let publisher = installation::publisher(settings, &pipeline.store)?.map(Arc::new);
        let heralds = installation::heralds(settings, &pipeline)?;
        let postman = installation::postman(settings, &heralds)?;
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
        Ok(Self {
            pipeline,
            backlog,
            puller,
            courier,
            publisher,
            heralds,
            postman,
            settings: settings.clone(),
            desk,
        })
    }

    /// What those who show a token come to.
    pub fn counter(&self) -> Counter {
        let heralds = &self.heralds;
        let window = Window::new(
            Arc::clone(&self.pipeline),
            Arc::clone(&heralds.declarations),
            heralds.pseudonyms.clone(),
        );
        Counter { desk: Arc::clone(&self.desk), window }
    }

    /// What opens on loopback.
    pub fn inner(&self) -> Inner {
        let registry = Registry {
            pipeline: Arc::clone(&self.pipeline),
            declarations: Arc::clone(&self.heralds.declarations),
            folder: self.settings.subscriptions_folder(),
        };
        Inner { counter: Some(self.counter()), court: Some(self.court()), registry: Some(registry) }
    }

    /// What rulings are made with.
    fn court(&self) -> Arc<Court> {
        Arc::new(Court {
            pipeline: Arc::clone(&self.pipeline),
            declarations: Arc::clone(&self.heralds.declarations),
        })
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
                apart(Arc::clone(publisher), told(stopped.clone())).await;
            }
        };
        let others = async {
            tokio::select! {
                () = self.backlog.run() => {}
                () = Arc::clone(&self.puller).run() => {}
                () = self.courier.run() => {}
                () = self.heralds.run() => {}
                () = self.heralds.declarations.follow() => {}
                () = self.postman.run() => {}
                () = self.sweep() => {}
                () = told(stopped.clone()) => {}
            }
        };
        tokio::join!(publishing, self.publish_to_profiles(&stopped), others);
    }

    /// Publishes what profiles are told; anew every day, as subscriptions expire, and when one is paused, resumed or declared otherwise.
    async fn publish_to_profiles(&self, stopped: &watch::Receiver<bool>) {
        while !*stopped.borrow() {
            let (now, store) = (self.audience().await, &self.pipeline.store);
            let (declared, on) = ((&*now.declared, &now.gone[..]), (now.day, &now.paused));
            let publisher = installation::profile_publisher(&self.settings, store, declared, on).await;
            let over = async {
                tokio::select! {
                    () = told(stopped.clone()) => {}
                    () = self.other_audience(&now) => {}
                }
            };
            match publisher {
                Ok(Some(publisher)) => apart(Arc::new(publisher), over).await,
                Ok(None) => over.await,
                Err(error) => {
                    warn!(%error, "profiles are not published");
                    over.await;
                }
            }
        }
    }

    /// Who is told now.
    async fn audience(&self) -> Audience {
        let (store, declared) = (self.pipeline.store.as_ref(), self.heralds.declarations.current());
        loop {
            let known = async { Ok((paused(store).await?, queues_made(store).await?)) };
            match known.await {
                Ok((paused, mut gone)) => {
                    let has_queue = |name: &CompactString| {
                        declared.subscriptions.get(name).is_some_and(Subscription::is_queued)
                    };
                    gone.retain(|name| !has_queue(name));
                    return Audience { day: today(), declared, paused, gone };
                }
                Err::<_, StoreError>(error) => {
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
            if let Err(error) = sweep(self.pipeline.store.as_ref(), self.pipeline.clock.now()).await {
                warn!(code = %error.code(), %error, "old consultations could not be forgotten");
            }
            tokio::time::sleep(SWEEP).await;
        }
    }
}

/// Publishes until `over` resolves, as a task of its own: what is on its way is not kept waiting by what others work out meanwhile.
pub async fn apart(publisher: Arc<Publisher>, over: impl Future<Output = ()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let mut task = JoinSet::new();
    task.spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        publisher.run_until(stopped).await;
    });
    let mut over = pin!(over);
    let mut done = tokio::select! {
        () = &mut over => None,
        done = task.join_next() => done,
    };
    drop(stop);
    if done.is_none() {
        done = task.join_next().await;
    }
    if let Some(Err(error)) = done.filter(|done| done.as_ref().is_err_and(JoinError::is_panic)) {
        resume_unwind(error.into_panic());
    }
}

/// Resolves once told to stop.
pub async fn told(mut stopped: watch::Receiver<bool>) {
    drop(stopped.wait_for(|told| *told).await);
}
