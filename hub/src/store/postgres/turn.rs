//! The turn on PostgreSQL: an advisory lock of a connection apart, which the server lets go with its connection or its process.
//!
//! The connection is kept between turns, for a run of one record is shorter than a connection is long to open. A turn that ends is
//! let go in a task of its own; the next one waits for that, and opens another connection when anything failed.

use std::sync::{Arc, Mutex, PoisonError};

use hub_core::store::StoreError;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::task::JoinHandle;

use crate::store::failure::failed;

/// Held by its connection, and let go with it.
const TAKE: &str = "select pg_try_advisory_lock(5038117294671183512)";
const LET_GO: &str = "select pg_advisory_unlock(5038117294671183512)";
/// The server process that holds it.
const HOLDER: &str = "select pg_backend_pid()";

/// The connection between two turns, when there is one.
type Between = Arc<Mutex<Option<Kept>>>;

enum Kept {
    Free(Connected),
    LettingGo(JoinHandle<Option<Connected>>),
}

/// A connection for turns, and its process on the server.
struct Connected {
    connection: PgConnection,
    process: i32,
}

/// Gives the turn.
pub(super) struct Turns {
    options: PgConnectOptions,
    between: Between,
}

/// The turn, until it is dropped.
pub(super) struct Held {
    connected: Option<Connected>,
    between: Between,
}

impl Turns {
    /// Turns of a server nobody is connected to yet.
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, between: Between::default() }
    }

    /// The turn, with the server process that holds it; `None` when somebody else has it.
    pub(super) async fn take(&self) -> Result<Option<(Held, i32)>, StoreError> {
        let failed = failed("taking the turn");
        let kept = match self.kept().await {
            // A connection cut meanwhile is no reason to fail.
            Some(mut kept) => take(&mut kept.connection).await.ok().map(|held| (kept, held)),
            None => None,
        };
        let (connected, held) = if let Some(kept) = kept {
            kept
        } else {
            let mut connected = self.connect().await.map_err(&failed)?;
            let held = take(&mut connected.connection).await.map_err(&failed)?;
            (connected, held)
        };
        if !held {
            keep(&self.between, Kept::Free(connected));
            return Ok(None);
        }
        let process = connected.process;
        Ok(Some((Held { connected: Some(connected), between: Arc::clone(&self.between) }, process)))
    }

    async fn kept(&self) -> Option<Connected> {
        let kept = self.between.lock().unwrap_or_else(PoisonError::into_inner).take();
        match kept? {
            Kept::Free(connected) => Some(connected),
            Kept::LettingGo(connected) => connected.await.ok().flatten(),
        }
    }

    async fn connect(&self) -> Result<Connected, sqlx::Error> {
        let mut connection = self.options.connect().await?;
        let process = sqlx::query_scalar(HOLDER).fetch_one(&mut connection).await?;
        Ok(Connected { connection, process })
    }
}

async fn take(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(TAKE).fetch_one(connection).await
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(mut connected) = self.connected.take() else { return };
        // Without a runtime the connection is dropped, and the turn with it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let letting_go = runtime.spawn(async move {
            let let_go = sqlx::query_scalar(LET_GO).fetch_one(&mut connected.connection).await;
            let_go.is_ok_and(|held: bool| held).then_some(connected)
        });
        keep(&self.between, Kept::LettingGo(letting_go));
    }
}

fn keep(between: &Between, kept: Kept) {
    *between.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
}
