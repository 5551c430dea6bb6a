//! The turn on PostgreSQL: an advisory lock of a connection apart, which the server lets go with its connection or its process.
//!
//! Whoever takes it writes its mark in a row that every write of a run looks at: a run whose connection was cut while it worked
//! writes nothing more once another one has begun. The connection is kept between turns, for a run of one record is shorter than a
//! connection is long to open; one that ends is let go in a task of its own, and the next waits for that.

use std::sync::{Arc, Mutex, PoisonError};

use hub_core::store::StoreError;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::store::failure::{failed, unreachable};

/// Held by its connection, and let go with it.
const TAKE: &str = "select pg_try_advisory_lock(5038117294671183512)";
const LET_GO: &str = "select pg_advisory_unlock(5038117294671183512)";
/// Waits for a write of whoever had the turn before, should one be under way.
const MARK: &str = "
insert into lease (name, holder, until_ms) values ('turn', gen_random_uuid(), 0)
on conflict (name) do update set holder = excluded.holder returning holder";
/// Locked to the end of the transaction, so that nobody takes the turn before it.
const MARKED: &str = "select true from lease where name = 'turn' and holder = $1 for share";

/// The connection between two turns, and the mark while this hub has the turn.
#[derive(Default)]
struct State {
    kept: Option<Kept>,
    mark: Option<Uuid>,
}

enum Kept {
    Free(PgConnection),
    LettingGo(JoinHandle<Option<PgConnection>>),
}

/// Gives the turn.
pub(super) struct Turns {
    options: PgConnectOptions,
    state: Arc<Mutex<State>>,
}

/// The turn, until it is dropped.
pub(super) struct Held {
    connection: Option<PgConnection>,
    state: Arc<Mutex<State>>,
}

impl Turns {
    /// Turns of a server nobody is connected to yet.
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, state: Arc::default() }
    }

    /// The turn; `None` when somebody has it.
    pub(super) async fn take(&self) -> Result<Option<Held>, StoreError> {
        if self.mark().is_some() {
            return Ok(None);
        }
        let failed = failed("taking the turn");
        let kept = match self.kept().await {
            // A connection cut meanwhile is no reason to fail.
            Some(mut kept) => take(&mut kept).await.ok().map(|mark| (kept, mark)),
            None => None,
        };
        let (connection, mark) = if let Some(kept) = kept {
            kept
        } else {
            let mut connection = self.options.connect().await.map_err(&failed)?;
            let mark = take(&mut connection).await.map_err(&failed)?;
            (connection, mark)
        };
        let mut state = lock(&self.state);
        if mark.is_none() {
            state.kept = Some(Kept::Free(connection));
            return Ok(None);
        }
        state.mark = mark;
        Ok(Some(Held { connection: Some(connection), state: Arc::clone(&self.state) }))
    }

    /// The mark of the turn this hub has.
    pub(super) fn mark(&self) -> Option<Uuid> {
        lock(&self.state).mark
    }

    async fn kept(&self) -> Option<PgConnection> {
        let kept = lock(&self.state).kept.take();
        match kept? {
            Kept::Free(connection) => Some(connection),
            Kept::LettingGo(connection) => connection.await.ok().flatten(),
        }
    }
}

/// The mark of the turn, when nobody has it.
async fn take(connection: &mut PgConnection) -> Result<Option<Uuid>, sqlx::Error> {
    if sqlx::query_scalar(TAKE).fetch_one(&mut *connection).await? {
        return sqlx::query_scalar(MARK).fetch_one(connection).await.map(Some);
    }
    Ok(None)
}

/// Makes sure, to the end of a transaction, that the turn is still the one of this mark.
pub(super) async fn still(tx: &mut PgConnection, mark: Option<Uuid>) -> Result<(), StoreError> {
    let Some(mark) = mark else { return Ok(()) };
    let marked: Result<Option<bool>, _> = sqlx::query_scalar(MARKED).bind(mark).fetch_optional(tx).await;
    let lost = || {
        unreachable("keeping the turn", "its connection was cut, and another run has begun: deliver again")
    };
    marked.map_err(failed("keeping the turn"))?.map(|_| ()).ok_or_else(lost)
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.mark = None;
        let Some(mut connection) = self.connection.take() else { return };
        // Without a runtime the connection is dropped, and the turn with it.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        state.kept = Some(Kept::LettingGo(runtime.spawn(async move {
            let let_go = sqlx::query_scalar(LET_GO).fetch_one(&mut connection).await;
            let_go.is_ok_and(|held: bool| held).then_some(connection)
        })));
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
