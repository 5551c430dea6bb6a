//! The bare limit on SQLite: stream, hash, and keep what is new, one `json_each` statement a batch of ten thousand.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, SqliteConnection};

use crate::bare::{each, hash, payload, persons};

/// Households of one transaction.
const BATCH: usize = 10_000;

type Rows = Vec<(i64, i64, String)>;

/// One night into a file, durable as the hub's: write-ahead log, full synchronisation.
pub async fn pipeline(database: &Path, file: &Path) {
    let options = SqliteConnectOptions::new()
        .filename(database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await.expect("SQLite");
    for table in [
        "create table if not exists foyer (number integer primary key, hash integer not null, payload text not null)",
        "create index if not exists foyer_hash on foyer (hash)",
        "create table if not exists personne (number integer, rank integer, payload text, primary key (number, rank)) without rowid",
    ] {
        connection.execute(table).await.expect("a table");
    }
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<(Rows, Rows)>(1);
    let file = file.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let (mut foyers, mut members, mut number) = (Rows::new(), Rows::new(), 0);
        each(&file, |foyer| {
            number += 1;
            let text = payload(&foyer.texts);
            members.extend((0..).zip(persons(&foyer)).map(|(rank, text)| (number, rank, text)));
            foyers.push((number, hash(&text), text));
            if foyers.len() == BATCH {
                let full = (std::mem::take(&mut foyers), std::mem::take(&mut members));
                sender.blocking_send(full).expect("the writer stays");
            }
        });
        sender.blocking_send((foyers, members)).expect("the writer stays");
    });
    while let Some((foyers, members)) = receiver.recv().await {
        keep(&mut connection, foyers, members).await;
    }
    reading.await.expect("read");
}

async fn keep(connection: &mut SqliteConnection, mut foyers: Rows, mut members: Rows) {
    let hashes: Vec<i64> = foyers.iter().map(|(_, hash, _)| *hash).collect();
    let new: Vec<i64> = sqlx::query_scalar(
        "select value from json_each($1) where not exists (select 1 from foyer where foyer.hash = value)",
    )
    .bind(serde_json::to_string(&hashes).expect("JSON"))
    .fetch_all(&mut *connection)
    .await
    .expect("a diff");
    let new: std::collections::HashSet<i64> = new.into_iter().collect();
    foyers.retain(|(_, hash, _)| new.contains(hash));
    let kept: std::collections::HashSet<i64> = foyers.iter().map(|(number, ..)| *number).collect();
    members.retain(|(number, ..)| kept.contains(number));
    let mut tx = connection.begin_with("begin immediate").await.expect("a transaction");
    for (statement, rows) in [
        (
            "insert or replace into foyer select value ->> 0, value ->> 1, value ->> 2 from json_each($1)",
            foyers,
        ),
        (
            "insert or replace into personne select value ->> 0, value ->> 1, value ->> 2 from json_each($1)",
            members,
        ),
    ] {
        let rows = serde_json::to_string(&rows).expect("JSON");
        sqlx::query(statement).bind(rows).execute(&mut *tx).await.expect("rows");
    }
    tx.commit().await.expect("committed");
}
