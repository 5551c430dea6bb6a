//! What was known of a person is kept when something else is, on both backends: whole, sealed, bound to its row, in the same commit.

use hub_core::canonical::Value;
use hub_core::delivery::PersonId;
use hub_core::statement::{Origin, Stated};
use hub_core::store::{Commit, Kept, Merger, PersonWrite, Replaced, Run, Store, StoreError, Version};
use jiff::{Timestamp, ToSpan as _};

use crate::store_conformance::{arrive, batch, canon, seal};
use crate::support::{Postgres, mint};

/// A name nobody may find on the disk.
const FORMER: &str = "CANARI-ANCIEN";

/// A state of one name, stated by a record of this number.
fn named(run: &Run, name: &str, record: u64) -> (Stated, Origin) {
    let by = Origin {
        source: "caf".into(),
        emitter: "CAF 75".into(),
        delivery: run.delivery,
        record,
        line: record,
        mapping: "caf/vrsb0801@1".into(),
        valid_at: "2026-01-01".into(),
    };
    let mut state = Stated::default();
    state.push(canon().find("identite.nom_naissance").expect("a field"), Value::text(name), &by);
    (state, by)
}

/// A commit that replaces what is known of a person, at an instant.
fn replacing(
    run: &Run,
    (checkpoint, at): (u64, Timestamp),
    write: (PersonId, u64, u64),
    (replaced, now): (Option<Replaced>, Stated),
) -> Commit {
    let (id, expected, sequence) = write;
    let mut commit = Commit { checkpoint, ..Commit::new(run.id, at) };
    let state = Kept::Apart(now);
    commit.persons.push(PersonWrite { id, expected: Some(expected), sequence, state, replaced });
    commit
}

async fn history(store: &dyn Store, person: PersonId) -> Vec<Version> {
    store.history(person).await.expect("reads")
}

async fn keeps_versions(store: &dyn Store) -> PersonId {
    let run = arrive(store, 7).await;
    let first = batch(&run, 1, 2);
    store.commit(&first).await.expect("commits");
    let (person, other) = (first.persons[0].id, first.persons[1].id);
    assert_eq!(history(store, PersonId(mint())).await, []);
    let known = history(store, person).await;
    let created = first.statements[0].stated.clone();
    let version = |sequence, from, state, end| Version { sequence, from: Some(from), state, end };
    assert_eq!(known, [version(1, run.started_at, created.clone(), None)], "nothing but what is known");

    let (second, by_second) = named(&run, FORMER, 2);
    let (third, by_third) = named(&run, "CANARI-NOUVEAU", 3);
    let day = run.started_at + 24.hours();
    let over = Replaced { state: created.clone(), by: by_second.clone() };
    store
        .commit(&replacing(&run, (2, day), (person, 1, 2), (Some(over), second.clone())))
        .await
        .expect("commits");
    // Another origin, the same values, the same instant and sequence.
    let over = Replaced { state: second.clone(), by: by_third.clone() };
    store
        .commit(&replacing(&run, (3, day), (person, 2, 2), (Some(over), third.clone())))
        .await
        .expect("commits");
    // Written again as it was: since when it is known stays.
    let later = day + 24.hours();
    store.commit(&replacing(&run, (4, later), (person, 2, 2), (None, third.clone()))).await.expect("commits");
    let wanted = [
        version(1, run.started_at, created, Some((day, by_second))),
        version(2, day, second.clone(), Some((day, by_third.clone()))),
        version(2, day, third.clone(), None),
    ];
    assert_eq!(history(store, person).await, wanted);

    let over = Replaced { state: third.clone(), by: by_third.clone() };
    let stale = replacing(&run, (5, later), (person, 1, 3), (Some(over), second));
    assert!(matches!(store.commit(&stale).await, Err(StoreError::Conflict)));
    assert_eq!(history(store, person).await, wanted, "a refused commit leaves no version");

    let over = Replaced { state: third, by: by_third.clone() };
    let mut absorbed = replacing(&run, (5, later), (person, 2, 3), (Some(over), Stated::default()));
    absorbed.mergers.push(Merger { absorbed: person, into: other });
    store.commit(&absorbed).await.expect("commits");
    let after = history(store, person).await;
    assert_eq!(after[..2], wanted[..2], "its versions stay under its name");
    assert_eq!(after[2].end, Some((later, by_third)));
    assert_eq!(after[3], version(3, later, Stated::default(), None));
    assert_eq!(history(store, other).await.len(), 1);
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_keeps_versions_and_no_clear_value() {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let store = hub::store::open(&url, seal(1), canon()).await.expect("opens");
    let person = keeps_versions(store.as_ref()).await;
    for file in std::fs::read_dir(folder.path()).expect("folder") {
        let bytes = std::fs::read(file.expect("file").path()).expect("readable");
        assert!(!bytes.windows(FORMER.len()).any(|w| w == FORMER.as_bytes()), "a canary is on disk");
    }
    let database = sqlx::SqlitePool::connect(&url).await.expect("opens");
    let run = |sql: &'static str| sqlx::query(sql).execute(&database);
    run("update person set since_ns = null").await.expect("writes");
    run("update history set since_ns = null where id = (select min(id) from history)").await.expect("writes");
    let old = history(store.as_ref(), person).await;
    assert_eq!([old[0].from, old[3].from], [None, None], "it was there before versions were kept");
    assert!(old[0].end.is_some() && old[1].from.is_some());
    run("update history set payload = (select payload from history order by id limit 1 offset 1)
where id = (select min(id) from history)")
    .await
    .expect("writes");
    let moved = store.history(person).await;
    assert!(matches!(moved, Err(StoreError::Unreadable { .. })), "a payload is bound to its row");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgresql_store_keeps_versions() {
    let server = Postgres::fresh().await;
    let store = hub::store::open(&server.url, seal(1), canon()).await.expect("opens");
    keeps_versions(store.as_ref()).await;
    drop(store);
    server.remove().await;
}
