//! Connections: a listener and the doors behind it enter; requests are answered until told to stop.
//!
//! Whoever opens a connection and says nothing, or spells its request letter by letter, is hung up on; when the hub stops, requests
//! under way are given time, and no more than that.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tracing::{debug, warn};

/// How long the head of a request may take to come, also that of the next one on the same connection.
const HEAD: Duration = Duration::from_secs(65);
/// How long requests under way are waited for once told to stop.
const LAST: Duration = Duration::from_mins(2);
/// How long nothing is taken when the system has no more connections to give.
const RESPITE: Duration = Duration::from_secs(1);

/// Answers on a listener until `stop` resolves, then what is under way.
pub(super) async fn answer(
    listener: TcpListener,
    doors: Router,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let (open, mut stop) = (GracefulShutdown::new(), pin!(stop));
    let mut server = http1::Builder::new();
    // Who has said all and listens on is answered.
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).half_close(true);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "a connection could not be taken");
                tokio::time::sleep(RESPITE).await;
                continue;
            }
        };
        let answering =
            server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(doors.clone()));
        let answering = open.watch(answering);
        tokio::spawn(async move {
            if let Err(error) = answering.await {
                debug!(%error, "a connection broke off");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(LAST, open.shutdown()).await.is_err() {
        warn!("requests still under way were broken off");
    }
    Ok(())
}
