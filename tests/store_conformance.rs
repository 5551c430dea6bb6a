//! The store port's contract, shown on both backends.

use std::sync::Arc;

use hub::seal::Seal;
use hub_core::canonical::{Canon, Value};
use hub_core::code::Code;
use hub_core::delivery::{Counts, Delivery, DeliveryId, Digest, PersonId, RunId, Status, Warning};
use hub_core::event::Event;
use hub_core::identity::{IdentityKey, KeyKind};
use hub_core::record::Position;
use hub_core::reject::{Reject, Stage};
use hub_core::statement::{Origin, Stated, Statement};
use hub_core::store::{Commit, Kept, Merger, PersonWrite, Registration, Run, Store, StoreError};
use sqlx::Connection as _;

use crate::support::{Postgres, mint};

const NIR: &str = "1850578006048";
const NAME: &str = "CANARI-DUPONT";
const SCHEMA: &str = r#"{"type":"object","properties":{"identite":{"type":"object","properties":{
  "nir":{"type":"string","x-type":"nir","x-classification":"identifiant"},
  "nom_naissance":{"type":"string","x-type":"nom","x-classification":"identifiant"}}}}}"#;

const BACKENDS: &str = "
select pid from pg_stat_activity where application_name = 'dlnuf' and datname = current_database()";

pub fn seal(byte: u8) -> Seal {
    Seal::new([byte; 32])
}

pub fn canon() -> Arc<Canon> {
    Arc::new(Canon::from_schema(SCHEMA).expect("schema"))
}

fn stated(canon: &Canon, nir: &str, delivery: DeliveryId) -> Stated {
    let origin = Origin {
        source: "caf".into(),
        emitter: "CAF 75".into(),
        delivery,
        record: 1,
        line: 1,
        mapping: "caf/vrsb0801@1".into(),
        valid_at: "2026-01-01".into(),
    };
    let field = |path| canon.find(path).expect("field");
    let mut stated = Stated::default();
    stated.push(field("identite.nir"), Value::text(nir), &origin);
    stated.push(field("identite.nom_naissance"), Value::text(NAME), &origin);
    stated
}

pub async fn arrive(store: &dyn Store, byte: u8) -> Run {
    let now = "2026-03-01T02:00:00.123456789Z".parse().expect("instant");
    let delivery = Delivery {
        id: DeliveryId(mint()),
        source: "caf".into(),
        digest: Digest([byte; 32]),
        size_bytes: 12,
        filename: Some("f.xml".into()),
        received_at: now,
    };
    assert_eq!(store.register(&delivery).await.expect("registers"), Registration::New);
    let run = Run {
        id: RunId(mint()),
        delivery: delivery.id,
        source: "caf".into(),
        mapping: "caf/vrsb0801@1".into(),
        started_at: now,
        ended_at: None,
        status: Status::Running,
        checkpoint: 0,
        counts: Counts::default(),
        warnings: vec![],
        created: "20260301".into(),
        emitter: "CAF 75".into(),
        snapshot: true,
        first_load: false,
        flow: "caf/vrsb0801".into(),
        fingerprint: u64::MAX - 7,
    };
    store.begin(&run).await.expect("begins");
    assert_eq!(store.run(run.id).await.expect("reads"), Some(run.clone()));
    assert_eq!(store.delivery(delivery.id).await.expect("reads"), Some(delivery));
    run
}

/// A caller that stops waiting neither cuts a commit nor leaves a connection on which later writes are lost.
async fn cancelled_callers_lose_nothing(store: &dyn Store, url: &str) {
    let run = arrive(store, 9).await;
    let (before, ..) = store.sizes().await.expect("counts");
    for checkpoint in 1..=60 {
        let wait = std::time::Duration::from_micros(checkpoint * 20);
        let _ = tokio::time::timeout(wait, store.persons(&[PersonId(mint())])).await;
        let commit = batch(&run, checkpoint, 1);
        if checkpoint % 2 == 0 || tokio::time::timeout(wait, store.commit(&commit)).await.is_err() {
            let begun = std::time::Instant::now();
            while store.run(run.id).await.expect("reads").expect("there").checkpoint < checkpoint {
                assert!(begun.elapsed().as_secs() < 20, "a commit whose caller went away was lost");
                if checkpoint % 2 == 0 {
                    store.commit(&commit).await.expect("commits");
                }
            }
        }
    }
    let other = hub::store::open(url, seal(1), canon()).await.expect("opens");
    assert_eq!(other.sizes().await.expect("counts").0, before + 60);
}

/// `count` new persons, each with a claim, two keys and an event.
pub fn batch(run: &Run, checkpoint: u64, count: u64) -> Commit {
    let canon = canon();
    let mut commit = Commit { checkpoint, ..Commit::new(run.id, run.started_at) };
    commit.counts.records = count;
    for at in 0..count {
        let person = PersonId(mint());
        let state = stated(&canon, NIR, run.delivery);
        commit.statements.push(Statement {
            run: run.id,
            id: None,
            person,
            source: "caf".into(),
            emitter: "CAF 75".into(),
            record_key: format!("canary-record-{checkpoint}-{at}").into(),
            key: "canary-claim".into(),
            record_hash: Some(u64::MAX - at - checkpoint * 100_000),
            absent: false,
            stated: state.clone(),
        });
        let state = if at % 2 == 0 { Kept::InClaim } else { Kept::Apart(state) };
        commit.persons.push(PersonWrite { id: person, expected: None, sequence: 1, state, replaced: None });
        commit.keys.push((IdentityKey::new(KeyKind::Nir, &format!("{NIR}{checkpoint}-{at}")), person));
        commit.keys.push((IdentityKey::new(KeyKind::Nom, &format!("{NAME}|{checkpoint}-{at}")), person));
        commit.events.push(Event {
            id: mint(),
            person,
            sequence: 1,
            kind: "fr.dlnuf.personne.creee",
            routing_key: "personne.creee.75".into(),
            json: format!("{{\"nom\":\"{NAME}\"}}"),
        });
    }
    commit
}

/// Commits `count` events of five persons turn by turn; returns the ids of each person's, in order.
pub async fn many_events(store: &dyn Store, count: u64) -> Vec<Vec<String>> {
    let run = arrive(store, 1).await;
    let mut commit = batch(&run, 1, 5);
    let persons: Vec<PersonId> = commit.persons.iter().map(|person| person.id).collect();
    let mut of_persons = vec![Vec::new(); persons.len()];
    let template = commit.events.remove(0);
    commit.events.clear();
    for at in 0..count {
        let turn = usize::try_from(at).expect("small") % persons.len();
        let event = Event { id: mint(), person: persons[turn], sequence: at / 5 + 1, ..template.clone() };
        of_persons[turn].push(event.id.to_string());
        commit.events.push(event);
    }
    store.commit(&commit).await.expect("commits");
    of_persons
}

fn reject(number: u64) -> Reject {
    Reject {
        position: Position { number, line: number, byte: number },
        stage: Stage::Map,
        code: Code::InvalidDate,
        field: None,
        detail: "expected a date".into(),
        original: NIR.into(),
    }
}

async fn conforms(store: &dyn Store) {
    let run = arrive(store, 1).await;
    let mut first = batch(&run, 1, 3);
    first.rejects = vec![reject(9), reject(2)];
    store.commit(&first).await.expect("commits");
    reads_back(store, &run, &first).await;
    conflicts_change_nothing(store, &run, &first).await;
    claims_come_and_go(store, &run, &first).await;
    the_outbox_empties(store).await;
    a_lease_has_one_holder_until_it_expires(store).await;
    runs_end(store, &run).await;
    concurrent_commits_keep_order(store).await;
    a_person_is_absorbed_and_still_found(store).await;
}

async fn reads_back(store: &dyn Store, run: &Run, first: &Commit) {
    let records: Vec<_> =
        first.statements.iter().map(|s| (s.emitter.clone(), s.record_key.clone())).collect();
    let found = store.statements_of("caf", &records).await.expect("reads");
    let ids: Vec<i64> = found.iter().filter_map(|s| s.id).collect();
    let plain: Vec<Statement> = found.iter().cloned().map(|s| Statement { id: None, ..s }).collect();
    assert_eq!(plain, first.statements);
    assert_eq!(store.statements(&ids).await.expect("reads"), found);
    assert!(store.statements_of("other", &records).await.expect("reads").is_empty());
    let keys: Vec<_> = first.keys.iter().map(|(k, _)| *k).collect();
    let wanted: Vec<_> = first.keys.iter().map(|(_, p)| *p).enumerate().collect();
    assert_eq!(store.candidates(&keys).await.expect("reads"), wanted);
    let ids: Vec<_> = first.persons.iter().map(|p| p.id).collect();
    let persons = store.persons(&ids).await.expect("reads");
    assert_eq!(persons.len(), 3);
    for person in &persons {
        let written = first.persons.iter().find(|p| p.id == person.id).expect("written");
        assert_eq!((person.sequence, person.in_claim), (1, written.state == Kept::InClaim));
        assert_eq!(Some(&person.state), written.state.clone().read(&person.statements).as_ref());
        assert_eq!(person.statements.len(), 1);
    }
    let events = store.events(0, 10).await.expect("reads");
    let ids: Vec<_> = events.iter().map(|e| (e.id, e.json.clone())).collect();
    let wanted: Vec<_> = first.events.iter().map(|e| (e.id, e.json.clone())).collect();
    assert_eq!(ids, wanted);
    assert_eq!(store.rejects(run.id, 0, 10).await.expect("reads"), [reject(2), reject(9)]);
    let known = store.run(run.id).await.expect("reads").expect("there");
    assert_eq!((known.checkpoint, known.counts.records), (1, 3));
    assert_eq!(store.sizes().await.expect("counts"), (3, 3, 3));
}

async fn conflicts_change_nothing(store: &dyn Store, run: &Run, first: &Commit) {
    let before = (store.sizes().await.expect("counts"), store.run(run.id).await.expect("reads"));
    let mut stale = batch(run, 2, 2);
    stale.persons.push(PersonWrite { expected: Some(7), sequence: 8, ..first.persons[0].clone() });
    let again = batch(run, 1, 1);
    let mut twice = batch(run, 2, 1);
    twice.persons = vec![first.persons[0].clone()];
    let mut relied = batch(run, 2, 1);
    relied.relied_on = vec![(first.persons[0].id, 1), (first.persons[1].id, 2)];
    for refused in [stale, again, twice, relied] {
        let refused = store.commit(&refused).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    }
    let after = (store.sizes().await.expect("counts"), store.run(run.id).await.expect("reads"));
    assert_eq!(before, after);
}

async fn claims_come_and_go(store: &dyn Store, run: &Run, first: &Commit) {
    let hashes: Vec<u64> = first.statements.iter().filter_map(|s| s.record_hash).collect();
    let known = store.known_frames("caf", &hashes).await.expect("reads");
    assert_eq!(known.len(), 3);
    assert!(store.known_frames("other", &hashes).await.expect("reads").is_empty());
    let gone: Vec<i64> = known.iter().filter(|k| k.hash == hashes[0]).map(|k| k.claim).collect();
    let mut commit = batch(run, 2, 0);
    commit.statements = store.statements(&gone).await.expect("reads");
    commit.statements[0].absent = true;
    commit.persons = vec![PersonWrite { expected: Some(1), sequence: 2, ..first.persons[0].clone() }];
    store.commit(&commit).await.expect("commits");
    assert_eq!(store.statements(&gone).await.expect("reads"), commit.statements);
    assert_eq!(store.known_frames("caf", &hashes).await.expect("reads").len(), 2);
    let emitters = ["CAF 75".to_owned()];
    let other = RunId(mint());
    let page = |after| store.stated_before("caf", &emitters, other, after, 1);
    let one = page(0).await.expect("reads");
    let two = page(one[0]).await.expect("reads");
    assert!(one.len() == 1 && two.len() == 1 && one[0] < two[0]);
    assert!(page(two[0]).await.expect("reads").is_empty());
    let own = store.stated_before("caf", &emitters, run.id, 0, 10).await.expect("reads");
    assert!(own.is_empty());
}

async fn the_outbox_empties(store: &dyn Store) {
    let waiting = store.outbox(0, 10).await.expect("reads");
    assert_eq!(waiting, store.events(0, 10).await.expect("reads"));
    store.confirm(&[waiting[0].cursor, waiting[2].cursor]).await.expect("confirms");
    assert_eq!(store.outbox(0, 10).await.expect("reads"), waiting[1..2]);
    assert_eq!(store.waiting().await.expect("counts"), 1);
    assert!(store.outbox(waiting[1].cursor, 10).await.expect("reads").is_empty());
    assert_eq!(store.events(waiting[0].cursor, 10).await.expect("reads"), waiting[1..]);
}

async fn a_lease_has_one_holder_until_it_expires(store: &dyn Store) {
    let (one, two) = (mint(), mint());
    let lease = async |holder, for_ms| store.lease("outbox", holder, for_ms).await.expect("answers");
    assert!(lease(one, 60_000).await && !lease(two, 60_000).await && lease(one, 60_000).await);
    assert!(lease(one, 0).await && lease(two, 60_000).await && !lease(one, 60_000).await);
    assert!(store.lease("something else", one, 60_000).await.expect("answers"));
}

async fn runs_end(store: &dyn Store, run: &Run) {
    let delivery = store.delivery(run.delivery).await.expect("reads").expect("there");
    let again = Delivery { id: DeliveryId(mint()), ..delivery.clone() };
    let known = Registration::Known(delivery.id);
    assert_eq!(store.register(&again).await.expect("registers"), known);
    let snapshot =
        async |mapping, emitter| store.latest_snapshot("caf", mapping, emitter).await.expect("reads");
    assert_eq!(snapshot("caf/vrsb0801", "CAF 75").await, None);
    let latest = async |mapping, emitter| store.latest_created("caf", mapping, emitter).await.expect("reads");
    assert_eq!(latest("caf/vrsb0801", "CAF 75").await, None);
    let warning =
        Warning { code: Code::InvalidNir, field: None, message: "m".into(), count: 1, first_record: 1 };
    let ended = Some(run.started_at);
    store.close(run.id, Status::Done, std::slice::from_ref(&warning), ended).await.expect("closes");
    let closed = store.run(run.id).await.expect("reads").expect("there");
    assert_eq!((closed.status, closed.ended_at, closed.checkpoint), (Status::Done, ended, 2));
    assert_eq!(closed.warnings, [warning]);
    assert!(closed.took_in() && !closed.stopped_short());
    assert_eq!(store.register(&again).await.expect("registers"), known);
    assert_eq!(snapshot("caf/vrsb0801", "CAF 75").await, Some(run.id));
    assert_eq!(snapshot("caf/vrsb0801", "CAF 77").await, None);
    assert_eq!(store.runs_of(delivery.id).await.expect("reads"), std::slice::from_ref(&closed));
    let in_flow = async |flow| store.runs_in_flow("caf", flow, "CAF 75", 5).await.expect("reads");
    assert_eq!(in_flow("caf/vrsb0801").await, std::slice::from_ref(&closed));
    assert_eq!(in_flow("caf/vrsd0301").await, []);
    assert_eq!(store.runs_of(DeliveryId(mint())).await.expect("reads"), []);
    assert_eq!(latest("caf/vrsb0801", "CAF 75").await.as_deref(), Some("20260301"));
    assert_eq!(latest("caf/vrsb08", "CAF 75").await, None);
    assert_eq!(latest("caf/vrsb0801", "CAF 77").await, None);
    assert_eq!(store.runs(5).await.expect("reads"), [closed]);
    assert_eq!(store.deliveries(5).await.expect("reads"), std::slice::from_ref(&delivery));
    let found = store.delivery_by_digest("caf", delivery.digest).await.expect("reads");
    assert_eq!(found, Some(delivery));
    assert!(store.close(RunId(mint()), Status::Done, &[], None).await.is_err());
}

async fn concurrent_commits_keep_order(store: &dyn Store) {
    let (one, two) = (arrive(store, 2).await, arrive(store, 3).await);
    let (one, two) = (batch(&one, 1, 50), batch(&two, 1, 50));
    let (a, b) = futures_util::future::join(store.commit(&one), store.commit(&two)).await;
    a.and(b).expect("both commit");
    let events = store.events(3, 1000).await.expect("reads");
    for commit in [&one, &two] {
        let ids: Vec<_> = commit.events.iter().map(|e| e.id).collect();
        let at = events.iter().position(|e| e.id == ids[0]).expect("announced");
        let together: Vec<_> = events[at..at + 50].iter().map(|e| e.id).collect();
        assert_eq!(together, ids);
    }
    assert!(events.is_sorted_by_key(|e| e.cursor));
}

/// Three persons become one in two steps, the second absorbing who had absorbed the first.
async fn a_person_is_absorbed_and_still_found(store: &dyn Store) {
    let run = arrive(store, 4).await;
    let three = batch(&run, 1, 3);
    store.commit(&three).await.expect("commits");
    let (persons, claims, _) = store.sizes().await.expect("counts");
    let ids: Vec<PersonId> = three.persons.iter().map(|person| person.id).collect();
    let absorbs = |checkpoint, absorbed: usize, into: usize| {
        let mut commit = Commit { checkpoint, ..Commit::new(run.id, run.started_at) };
        commit.mergers.push(Merger { absorbed: ids[absorbed], into: ids[into] });
        let before = three.persons[absorbed].clone();
        commit.persons.push(PersonWrite {
            expected: Some(1),
            sequence: 2,
            state: Kept::Apart(Stated::default()),
            ..before
        });
        // With the other's claims it has more than one: its state stands apart from now on.
        let state = Kept::Apart(stated(&canon(), NIR, run.delivery));
        let after = three.persons[into].clone();
        commit.persons.push(PersonWrite { expected: Some(1), sequence: 1, state, ..after });
        commit
    };
    store.commit(&absorbs(2, 0, 1)).await.expect("commits");
    assert!(matches!(store.commit(&absorbs(3, 0, 2)).await, Err(StoreError::Conflict)));
    store.commit(&absorbs(3, 1, 2)).await.expect("commits");
    let known = store.persons(&ids).await.expect("reads");
    let told = |id| known.iter().find(|person| person.id == id).expect("known");
    let of = |at: usize| (told(ids[at]).statements.len(), told(ids[at]).merged_into);
    assert_eq!([of(0), of(1), of(2)], [(0, Some(ids[2])), (0, Some(ids[2])), (3, None)]);
    assert!(told(ids[2]).statements.iter().all(|statement| statement.person == ids[2]));
    let keys: Vec<_> = three.keys.iter().map(|(key, _)| *key).collect();
    let mut found = store.candidates(&keys).await.expect("reads");
    found.retain(|(_, person)| ids.contains(person));
    assert_eq!(found, keys.iter().enumerate().map(|(at, _)| (at, ids[2])).collect::<Vec<_>>());
    let (persons_after, claims_after, _) = store.sizes().await.expect("counts");
    assert_eq!((persons_after, claims_after), (persons - 2, claims));
}

async fn another_key_is_refused(url: &str) {
    let refused = hub::store::open(url, seal(2), canon()).await.err();
    assert!(matches!(refused, Some(StoreError::Unreadable { .. })), "{refused:?}");
}

/// Whoever has the turn on an empty store may answer from what it has written itself; whoever comes after may not.
async fn a_first_load_finds_what_it_wrote_and_the_next_what_others_wrote(store: &dyn Store, url: &str) {
    let turn = store.turn().await.expect("asks").expect("nobody has it");
    let run = arrive(store, 9).await;
    for checkpoint in 1..=10 {
        let mut commit = batch(&run, checkpoint, 900);
        commit.events.clear();
        finds(store, &commit, 0).await;
        store.commit(&commit).await.expect("commits");
        finds(store, &commit, 900).await;
    }
    drop(turn);
    let other = hub::store::open(url, seal(1), canon()).await.expect("opens");
    let commit = batch(&run, 11, 2);
    other.commit(&commit).await.expect("commits");
    finds(store, &commit, 2).await;
    let hashes: Vec<u64> = (0..900).map(|at| u64::MAX - at - 100_000).collect();
    assert_eq!(other.known_frames("caf", &hashes).await.expect("reads").len(), 900, "of the first batch");
}

/// The store finds so many of a commit's claims, by each of their keys.
async fn finds(store: &dyn Store, commit: &Commit, count: usize) {
    let hashes: Vec<u64> = commit.statements.iter().filter_map(|s| s.record_hash).collect();
    let records: Vec<_> =
        commit.statements.iter().map(|s| (s.emitter.clone(), s.record_key.clone())).collect();
    let keys: Vec<_> = commit.keys.iter().map(|(key, _)| *key).collect();
    assert_eq!(store.known_frames("caf", &hashes).await.expect("reads").len(), count);
    assert_eq!(store.statements_of("caf", &records).await.expect("reads").len(), count);
    assert_eq!(store.candidates(&keys).await.expect("reads").len(), 2 * count);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_into_sqlite_finds_what_it_wrote() {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let store = hub::store::open(&url, seal(1), canon()).await.expect("opens");
    Box::pin(a_first_load_finds_what_it_wrote_and_the_next_what_others_wrote(store.as_ref(), &url)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_into_postgresql_finds_what_it_wrote() {
    let server = Postgres::fresh().await;
    let store = hub::store::open(&server.url, seal(1), canon()).await.expect("opens");
    Box::pin(a_first_load_finds_what_it_wrote_and_the_next_what_others_wrote(store.as_ref(), &server.url))
        .await;
    drop(store);
    server.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_turn_was_cut_writes_no_more_once_another_has_begun() {
    const CUT: &str = "select pg_terminate_backend(pid, 30000) from pg_locks where locktype = 'advisory' \
and database = (select oid from pg_database where datname = current_database())";
    let server = Postgres::fresh().await;
    let store = hub::store::open(&server.url, seal(1), canon()).await.expect("opens");
    let turn = store.turn().await.expect("asks").expect("nobody has it");
    let run = arrive(store.as_ref(), 9).await;
    store.commit(&batch(&run, 1, 2)).await.expect("commits");
    let mut other = sqlx::PgConnection::connect(&server.url).await.expect("connects");
    sqlx::query(CUT).execute(&mut other).await.expect("cuts");
    store.commit(&batch(&run, 2, 2)).await.expect("nobody else has written");
    let second = hub::store::open(&server.url, seal(1), canon()).await.expect("opens");
    let taken = second.turn().await.expect("asks").expect("it was let go");
    let refused = store.commit(&batch(&run, 3, 2)).await.expect_err("another run has begun");
    assert_eq!(refused.code(), Code::StoreUnreachable);
    let begun = store.begin(&run).await.expect_err("another run has begun");
    assert_eq!(begun.code(), Code::StoreUnreachable);
    drop((turn, taken));
    let again = loop {
        // Letting go takes a moment.
        match store.turn().await.expect("asks") {
            Some(turn) => break turn,
            None => tokio::task::yield_now().await,
        }
    };
    store.commit(&batch(&run, 3, 2)).await.expect("commits in a turn of its own");
    drop((again, store, second, other));
    server.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sqlite_store_keeps_the_contract_and_no_clear_value() {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let store = hub::store::open(&url, seal(1), canon()).await.expect("opens");
    conforms(store.as_ref()).await;
    Box::pin(cancelled_callers_lose_nothing(store.as_ref(), &url)).await;
    another_key_is_refused(&url).await;
    for file in std::fs::read_dir(folder.path()).expect("folder") {
        let bytes = std::fs::read(file.expect("file").path()).expect("readable");
        for canary in [NIR, NAME, "canary-record", "canary-claim"] {
            let found = bytes.windows(canary.len()).any(|w| w == canary.as_bytes());
            assert!(!found, "a canary is on disk");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_postgresql_store_keeps_the_contract() {
    let server = Postgres::fresh().await;
    let store = hub::store::open(&server.url, seal(1), canon()).await.expect("opens");
    conforms(store.as_ref()).await;
    Box::pin(cancelled_callers_lose_nothing(store.as_ref(), &server.url)).await;
    another_key_is_refused(&server.url).await;
    drop(store);
    server.remove().await;
}

#[tokio::test]
async fn the_postgresql_store_lends_the_same_connection_again() {
    let server = Postgres::fresh().await;
    let store = hub::store::open(&server.url, seal(1), canon()).await.expect("opens");
    let look = sqlx::PgPool::connect(&server.url).await.expect("connects");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        assert_eq!(store.waiting().await.expect("counts"), 0);
        let backends: Vec<i32> = sqlx::query_scalar(BACKENDS).fetch_all(&look).await.expect("reads");
        seen.extend(backends);
    }
    // A connection comes back to the pool by a task of its own: on a busy machine the next read may not find it yet.
    assert!(!seen.is_empty() && seen.len() <= 6, "{} connections for 20 reads", seen.len());
    look.close().await;
    drop(store);
    server.remove().await;
}
