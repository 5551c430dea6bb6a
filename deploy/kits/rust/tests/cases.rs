//! Runs `../../cases.json` through the real stores, and what only this kit has.

use dlnuf_client::{
    Change, Decision, Failure, FileStore, Gap, MemoryStore, Person, Poison, Store, Tool, Verdict, handle,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

const TABLE: &str = include_str!("../../cases.json");

#[derive(Default)]
struct Told {
    gaps: Vec<Value>,
    erased: Vec<String>,
    fails: bool,
}

impl Tool for Told {
    async fn on_change(&mut self, change: &Change<'_>) -> Result<(), Failure> {
        if self.fails {
            return Err(Failure::Again("invented".into()));
        }
        self.erased.extend(change.state.is_none().then(|| change.person.to_owned()));
        Ok(())
    }

    async fn on_gap(&mut self, gap: &Gap) -> Result<(), Failure> {
        self.gaps.push(match gap {
            Gap::Person { person, last, sequence } => {
                json!({"person": person, "last": last, "sequence": sequence})
            }
            Gap::Snapshot { snapshot, read, persons } => {
                json!({"snapshot": snapshot, "read": read, "persons": persons})
            }
        });
        Ok(())
    }
}

fn body(table: &Value, event: &Value) -> Vec<u8> {
    if let Some(text) = event.as_str() {
        return text.into();
    }
    let mut whole = table["envelope"].as_object().unwrap().clone();
    whole.extend(event.as_object().unwrap().clone());
    serde_json::to_vec(&whole).unwrap()
}

fn first() -> Vec<u8> {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    body(&table, &table["cases"][0]["events"][0])
}

/// The lines of a store's file that hold what a case knows.
fn known_lines(known: &Value) -> String {
    let lines = [json!({"persons": known["persons"]}), json!({"snapshots": known["snapshots"]})];
    lines.iter().fold(String::new(), |text, line| format!("{text}{line}\n"))
}

fn persons(memory: &MemoryStore) -> Value {
    let plain =
        |(id, held): (&str, &Person)| (id.to_owned(), json!({"last": held.last, "state": held.state}));
    Value::Object(memory.persons().map(plain).collect())
}

async fn run(table: &Value, case: &Value, store: &mut FileStore) -> BTreeMap<&'static str, Value> {
    let complete = case.get("complete").is_none_or(|complete| complete == true);
    let (mut told, mut verdicts, mut changed) = (Told::default(), Vec::new(), Vec::new());
    for event in case["events"].as_array().unwrap() {
        match handle(&body(table, event), store, &mut told, complete).await {
            Ok(decision) => {
                verdicts.push(format!("{:?}", decision.verdict).to_lowercase());
                changed.push(decision.changed);
            }
            Err(Failure::Poison(_)) => verdicts.push("poison".into()),
            Err(again) => panic!("{again:?}"),
        }
    }
    let open: Vec<_> = store.memory().open_snapshots().collect();
    BTreeMap::from([
        ("verdicts", json!(verdicts)),
        ("changed", json!(changed)),
        ("persons", persons(store.memory())),
        ("gaps", json!(told.gaps)),
        ("erased", json!(told.erased)),
        ("open_snapshots", json!(open)),
    ])
}

#[tokio::test]
async fn each_case_of_the_table_also_in_a_file_that_is_read_again() {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for case in table["cases"].as_array().unwrap() {
        let path = folder.path().join(case["name"].as_str().unwrap());
        fs::write(&path, known_lines(&case["known"])).unwrap();
        let mut store = FileStore::open(&path).unwrap();
        let seen = run(&table, case, &mut store).await;
        for (key, value) in case["expect"].as_object().unwrap() {
            assert_eq!(&seen[key.as_str()], value, "{} of {}", key, case["name"]);
        }
        assert_eq!(store.memory(), FileStore::open(&path).unwrap().memory(), "{}", case["name"]);
    }
}

#[tokio::test]
async fn a_failing_callback_leaves_nothing_written_and_the_repeat_is_whole() {
    let (mut store, mut tool) = (MemoryStore::default(), Told { fails: true, ..Told::default() });
    let failed = handle(&first(), &mut store, &mut tool, true).await;
    assert!(matches!(failed, Err(Failure::Again(_))));
    assert_eq!(store, MemoryStore::default());
    tool.fails = false;
    assert_eq!(handle(&first(), &mut store, &mut tool, true).await.unwrap().verdict, Verdict::Apply);
}

#[tokio::test]
async fn a_line_that_was_cut_short_counts_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut");
    let mut store = FileStore::open(&path).unwrap();
    handle(&first(), &mut store, &mut Told::default(), true).await.unwrap();
    fs::File::options().append(true).open(&path).unwrap().write_all(br#"{"persons":{"x":{"la"#).unwrap();
    for _ in 0..2 {
        assert_eq!(FileStore::open(&path).unwrap().memory(), store.memory());
    }
}

#[test]
fn a_file_that_has_grown_is_rewritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grown");
    let mut store = FileStore::open(&path).unwrap();
    for last in 1..=1100 {
        let write = Some(Person { last, state: Some(serde_json::Map::new()) });
        store.write(&Decision { person: "p".into(), write, ..Decision::default() }, &[]).unwrap();
    }
    assert!(fs::metadata(&path).unwrap().len() < 300 * 50);
    assert_eq!(FileStore::open(&path).unwrap().person("p").unwrap().unwrap().last, 1100);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_poison() {
    for body in [vec![0xff, 0xfe], vec![b'['; 100_000]] {
        let failed = handle(&body, &mut MemoryStore::default(), &mut Told::default(), true).await;
        assert_eq!(failed.err(), Some(Failure::Poison(Poison("unreadable JSON"))));
    }
}
