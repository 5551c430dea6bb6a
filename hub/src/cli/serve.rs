//! `dlnuf serve`: takes in what arrives, publishes what changed, answers over HTTP, until told to stop.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

use super::{Exit, show};
use crate::api;
use crate::service::{Service, told};
use crate::settings::Settings;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to answer over HTTP; a loopback address, as readers of events and persons have no access tokens yet
    #[arg(long, env = "DLNUF_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where institutions push their deliveries and subscribers read, with a token; any address, behind a proxy that speaks TLS
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
        let service = Service::open(settings).await?;
        let listener = bind(self.listen).await?;
        let institutions = match self.listen_deliveries {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        greet(&listener, institutions.as_ref(), service.publishes())?;
        let (stopping, stopped) = watch::channel(false);
        let pushing = async {
            match institutions {
                Some(listener) => {
                    api::serve_institutions(listener, service.counter(), told(stopped.clone())).await
                }
                None => Ok(()),
            }
        };
        let serving = async {
            let served = api::serve(listener, service.rooms(), service.inner(), stop()).await;
            stopping.send_replace(true);
            served
        };
        let (served, pushed, ()) = tokio::join!(serving, pushing, service.work(stopped.clone()));
        served.and(pushed)?;
        Ok(Exit::Done)
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
