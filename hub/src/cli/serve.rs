//! `dlnuf serve`: takes in what arrives, publishes what changed, answers over HTTP, until told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use hub_core::pipeline::Pipeline;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::{info, warn};

use super::{Exit, show};
use crate::api::{self, Desk, Rooms};
use crate::backlog::Backlog;
use crate::installation;
use crate::pull::Puller;
use crate::receipt::courier::Courier;
use crate::settings::Settings;

/// How long what arrives may stay half-written: a resumable upload is taken up again within it.
const LEFT: Duration = Duration::from_hours(24);
/// How often that is looked at.
const SWEEP: Duration = Duration::from_hours(1);

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to answer over HTTP; a loopback address, as readers of events and persons have no access tokens yet
    #[arg(long, env = "DLNUF_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where institutions push their deliveries, with a token; any address, behind a proxy that speaks TLS
    #[arg(long, env = "DLNUF_LISTEN_DELIVERIES")]
    listen_deliveries: Option<SocketAddr>,
}

impl Serve {
    /// Runs until Ctrl-C or SIGTERM; requests under way are answered first, a run under way is left at its checkpoint.
    ///
    /// # Errors
    /// When the store cannot be opened, the sources file holds mistakes, or an address cannot be had.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<Exit> {
        anyhow::ensure!(
            self.listen.ip().is_loopback(),
            "`{}` is not a loopback address; events hold personal data and their readers have no access tokens yet: put an \
             authenticating proxy in front of 127.0.0.1",
            self.listen
        );
        let pipeline = Arc::new(installation::pipeline(settings).await?);
        let sources = Arc::new(installation::sources(settings, &pipeline.catalogue)?);
        let mut backlog = Backlog::new(Arc::clone(&pipeline), Arc::clone(&sources));
        let publisher = installation::publisher(settings, &pipeline.store)?;
        if let Some(publisher) = &publisher {
            backlog.publish = Arc::clone(&publisher.wake);
        }
        let (arrived, ended) = (Arc::clone(&backlog.arrived), Arc::clone(&backlog.ended));
        let puller = installation::puller(&pipeline, Arc::clone(&sources));
        let puller = Arc::new(Puller { arrived: Arc::clone(&arrived), ..puller });
        let courier = Courier {
            pipeline: Arc::clone(&pipeline),
            sources: Arc::clone(&sources),
            ended: Arc::clone(&ended),
        };
        let desk = Arc::new(Desk::new(Arc::clone(&pipeline), sources, arrived, ended));
        let listener = bind(self.listen).await?;
        let institutions = match self.listen_deliveries {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        greet(&listener, institutions.as_ref(), publisher.is_some())?;
        let rooms = Rooms { store: Arc::clone(&pipeline.store), canon: Arc::clone(&pipeline.canon) };
        let (stopping, stopped) = watch::channel(false);
        let told =
            |mut stopped: watch::Receiver<bool>| async move { drop(stopped.wait_for(|told| *told).await) };
        let publishing = async {
            if let Some(publisher) = publisher {
                publisher.run_until(told(stopped.clone())).await;
            }
        };
        let taking = async {
            tokio::select! {
                () = backlog.run() => {}
                () = puller.run() => {}
                () = courier.run() => {}
                () = sweep(&pipeline) => {}
                () = told(stopped.clone()) => {}
            }
        };
        let pushing = async {
            match institutions {
                Some(listener) => {
                    api::serve_institutions(listener, Arc::clone(&desk), told(stopped.clone())).await
                }
                None => Ok(()),
            }
        };
        let serving = async {
            let served = api::serve(listener, rooms, Some(Arc::clone(&desk)), stop()).await;
            stopping.send_replace(true);
            served
        };
        let (served, pushed, (), ()) = tokio::join!(serving, pushing, publishing, taking);
        served.and(pushed)?;
        Ok(Exit::Done)
    }
}

/// Clears what was left half-written, now and once an hour.
async fn sweep(pipeline: &Arc<Pipeline>) {
    loop {
        let archive = Arc::clone(&pipeline.archive);
        match tokio::task::spawn_blocking(move || archive.sweep(LEFT)).await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(count)) => info!(count, "files left half-written were removed"),
            Ok(Err(error)) => warn!(%error, "files left half-written could not be removed"),
        }
        tokio::time::sleep(SWEEP).await;
    }
}

async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listening on `{address}`"))
}

/// Tells where it answers.
fn greet(listener: &TcpListener, institutions: Option<&TcpListener>, broker: bool) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    info!(%address, broker, "serving");
    show::line(format_args!(
        "events: http://{address}/v1/evenements   persons: http://{address}/v1/personnes   health: http://{address}/sante"
    ));
    let pushes = institutions.map_or(Ok(address), TcpListener::local_addr)?;
    show::line(format_args!("deliveries: http://{pushes}/v1/deliveries   stop: Ctrl-C"));
    Ok(())
}

async fn stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("a signal handler can be set");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    info!("stopping");
}
