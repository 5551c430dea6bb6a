//! Database errors become the port's three, without any value of a person.
//!
//! A server's own message may quote a parameter, so only its code and the constraint's name go on.

use std::fmt;

use hub_core::store::StoreError;

/// Why the database refused, told without its parameters.
#[derive(Debug)]
pub(super) struct Refused(String);

impl Refused {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// Codes that mean "somebody else was faster": serialization failure and deadlock.
const LOST_RACES: [&str; 2] = ["40001", "40P01"];

/// Codes that mean that the disk is full: SQLite's, PostgreSQL's.
const FULL: [&str; 2] = ["13", "53100"];

/// Turns the error of a statement into the port's, told as `context`.
pub(super) fn failed(context: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| {
        let why = match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                if database.is_unique_violation() || LOST_RACES.contains(&code.as_ref()) {
                    return StoreError::Conflict;
                }
                if FULL.contains(&code.as_ref()) {
                    return unreachable(context, "there is no room left on its disk");
                }
                match database.constraint() {
                    Some(name) => format!("database error {code}, constraint `{name}`"),
                    None => format!("database error {code}"),
                }
            }
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. } => {
                return StoreError::Unreadable { context };
            }
            sqlx::Error::Io(io) => format!("input/output: {io}"),
            sqlx::Error::Tls(_) => "TLS was not agreed on".to_owned(),
            sqlx::Error::PoolTimedOut => "no connection in time".to_owned(),
            sqlx::Error::PoolClosed => "the store is closed".to_owned(),
            sqlx::Error::WorkerCrashed => "the database thread stopped".to_owned(),
            sqlx::Error::Protocol(_) => "unexpected answer of the server".to_owned(),
            sqlx::Error::Configuration(_) => "the URL is not understood".to_owned(),
            _ => "the statement failed".to_owned(),
        };
        unreachable(context, &why)
    }
}

/// As [`failed`], for opening: nothing personal is on the way yet, so the server's message is kept.
pub(super) fn not_opened(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(database) => unreachable("opening the store", database.message()),
        other => failed("opening the store")(other),
    }
}

/// A migration failed.
pub(super) fn not_migrated(error: sqlx::migrate::MigrateError) -> StoreError {
    StoreError::Unreachable { context: "bringing the schema up to date", source: Box::new(error) }
}

/// An error of this module's own.
pub(super) fn unreachable(context: &'static str, why: &str) -> StoreError {
    StoreError::Unreachable { context, source: Box::new(Refused::new(why)) }
}

/// A statement must have touched `wanted` rows, or somebody else changed them.
pub(super) fn expect_rows(touched: u64, wanted: usize) -> Result<(), StoreError> {
    if usize::try_from(touched) == Ok(wanted) { Ok(()) } else { Err(StoreError::Conflict) }
}

/// Runs a write to its end even when the caller stops waiting: a transaction cancelled midway would poison its connection.
pub(super) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(unreachable("writing", "the write stopped midway")))
}
