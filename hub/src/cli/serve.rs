//! `dlnuf serve`: the publisher and the HTTP door, until told to stop.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::info;

use super::{Exit, show};
use crate::settings::Settings;
use crate::{api, installation};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to answer over HTTP; a loopback address, as long as there are no access tokens
    #[arg(long, env = "DLNUF_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

impl Serve {
    /// Runs until Ctrl-C or SIGTERM; requests under way are answered first.
    ///
    /// # Errors
    /// When the store cannot be opened, or the address cannot be had.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<Exit> {
        anyhow::ensure!(
            self.listen.ip().is_loopback(),
            "`{}` is not a loopback address; events hold personal data and this release has no access tokens: put an \
             authenticating proxy in front of 127.0.0.1",
            self.listen
        );
        let canon = installation::canon()?;
        let store = installation::open_store(settings, &canon).await?;
        let publisher = installation::publisher(settings, &store)?;
        let listener = TcpListener::bind(self.listen).await;
        let listener = listener.with_context(|| format!("listening on `{}`", self.listen))?;
        let address = listener.local_addr()?;
        info!(%address, broker = publisher.is_some(), "serving");
        show::line(format_args!(
            "events: http://{address}/v1/evenements   persons: http://{address}/v1/personnes   health: http://{address}/sante   \
             stop: Ctrl-C"
        ));
        let (stopping, mut stopped) = watch::channel(false);
        let publishing = async move {
            let stop = async { drop(stopped.wait_for(|stopped| *stopped).await) };
            if let Some(publisher) = publisher {
                publisher.run_until(stop).await;
            }
        };
        let serving = async move {
            let served = api::serve(listener, store, canon, stop()).await;
            stopping.send_replace(true);
            served
        };
        tokio::join!(serving, publishing).0?;
        Ok(Exit::Done)
    }
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
