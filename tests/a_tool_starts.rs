//! A tool that starts from a snapshot and follows the journal knows what a tool knows that followed it from the beginning; a first
//! load is told by one event.

use std::collections::BTreeMap;
use std::path::Path;

use hub::synth::{self, Plan};
use reqwest::StatusCode;
use serde_json::Value as Json;

use crate::store_conformance;
use crate::support::door::Door;
use crate::support::program::dlnuf;
use crate::support::sqlite;

/// What a tool keeps: for each person the values last told, field by field.
type Kept = BTreeMap<String, BTreeMap<String, Json>>;

struct Hub(String);

impl Hub {
    fn deliver(&self, file: &Path, more: &[&str]) -> Json {
        self.take_in("caf", file, more)
    }

    fn take_in(&self, source: &str, file: &Path, more: &[&str]) -> Json {
        let file = file.to_str().expect("a path");
        let arguments = ["--home", &self.0, "--output", "json", "deliver", source, file];
        dlnuf(&[&arguments[..], more].concat()).json().pop().expect("a report")
    }

    fn read(&self, what: &[&str]) -> Vec<Json> {
        let events = dlnuf(&[&["--home", &self.0, "--output", "json", "events"][..], what].concat()).json();
        let schema: Json = serde_json::from_str(include_str!("../schemas/evenement/v1.json")).expect("JSON");
        let schema = jsonschema::validator_for(&schema).expect("a valid schema");
        assert!(events.iter().all(|event| schema.is_valid(event)), "an event is not what its schema says");
        events
    }
}

fn text<'e>(event: &'e Json, pointer: &str) -> &'e str {
    event.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

/// Takes events in as a tool does.
fn follow(kept: &mut Kept, events: &[Json]) {
    for event in events {
        let subject = text(event, "/subject").to_owned();
        if text(event, "/type") == "fr.dlnuf.personne.fusionnee" {
            kept.remove(&subject);
            continue;
        }
        let changes = event.pointer("/data/changements").and_then(Json::as_array).expect("changes");
        let person = kept.entry(subject).or_default();
        for change in changes {
            let value = change.get("apres").cloned().unwrap_or(Json::from("withheld"));
            match value {
                Json::Null => person.remove(text(change, "/champ")),
                value => person.insert(text(change, "/champ").to_owned(), value),
            };
        }
    }
}

/// Without the names a hub gave the persons.
fn known(kept: &Kept) -> Vec<String> {
    let mut known: Vec<String> =
        kept.values().map(|person| serde_json::to_string(person).expect("JSON")).collect();
    known.sort();
    known
}

/// Values alone: of one that is withheld, an event does not tell whether it is gone.
fn shown(mut kept: Kept) -> Kept {
    for person in kept.values_mut() {
        person.retain(|_, value| *value != "withheld");
    }
    kept.retain(|_, person| !person.is_empty());
    kept
}

#[test]
fn who_starts_from_a_snapshot_knows_what_those_know_who_followed_from_the_beginning() {
    let folder = tempfile::tempdir().expect("a folder");
    let nights = [1, 2].map(|night| {
        let place = folder.path().join(format!("night-{night}"));
        std::fs::create_dir(&place).expect("a folder");
        let plan = Plan { households: 150, seed: 7, night, changed_per_million: 200_000 };
        synth::write(&plan, &place, &|_| {}).expect("extracts").remove(0).file
    });
    let home = |name: &str| Hub(folder.path().join(name).display().to_string());
    let (told, loaded) = (home("told"), home("loaded"));

    told.deliver(&nights[0], &[]);
    let report = loaded.deliver(&nights[0], &["--first-load"]);
    let journal = loaded.read(&["tail"]);
    assert_eq!((journal.len(), text(&journal[0], "/type")), (1, "fr.dlnuf.chargement.termine"));
    assert_eq!(journal[0].pointer("/data/chargement/personnes"), report.get("persons"));
    assert_eq!((report["events"].as_u64(), report["changed"] == report["persons"]), (Some(1), true));

    let mut started = Kept::new();
    follow(&mut started, &loaded.read(&["snapshot"]));
    assert_eq!(Some(started.len() as u64), report["persons"].as_u64());
    let again = loaded.deliver(&nights[0], &["--first-load"]);
    assert_eq!(again["status"], "already_received");

    told.deliver(&nights[1], &[]);
    loaded.deliver(&nights[1], &[]);
    follow(&mut started, &loaded.read(&["tail", "--after", "1"]));
    let mut followed = Kept::new();
    follow(&mut followed, &told.read(&["tail"]));
    assert!(known(&started) == known(&followed), "the two tools know different things");
    let mut fresh = Kept::new();
    follow(&mut fresh, &told.read(&["snapshot"]));
    assert!(shown(fresh) == shown(followed), "a snapshot is not what the events told");
}

#[test]
fn a_first_load_of_which_nothing_could_be_read_announces_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("vide.csv");
    let rows = "Prénom bénéficiaire;Nom bénéficiaire;Date de Naissance;ID IODAS\n;;;7\n";
    std::fs::write(&file, rows).expect("a written file");
    let hub = Hub(folder.path().join("hub").display().to_string());
    let report = hub.take_in("departement", &file, &["--first-load"]);
    assert_eq!((report["rejected"].as_u64(), report["events"].as_u64()), (Some(1), Some(0)), "{report}");
    assert!(hub.read(&["tail"]).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn persons_are_read_page_by_page_over_http() {
    let (_folder, store) = sqlite().await;
    store_conformance::many_events(store.as_ref(), 25).await;
    let door = Door::open(store).await;
    let (mut next, mut persons) = ("/v1/personnes?limit=2".to_owned(), Vec::new());
    loop {
        let page = door.get(&next).send().await.expect("answers");
        assert_eq!(
            (page.status(), &page.headers()["dlnuf-cursor"]),
            (StatusCode::OK, &"25".parse().expect("text"))
        );
        let link = page.headers()["link"].to_str().expect("text").to_owned();
        next = link.trim_start_matches('<').split('>').next().expect("a link").to_owned();
        let states: Vec<Json> = page.json().await.expect("a batch");
        if states.is_empty() {
            break;
        }
        persons.extend(states.iter().map(|state| text(state, "/subject").to_owned()));
    }
    assert!(persons.len() == 5 && persons.is_sorted());
    for path in ["/v1/personnes?limit=0", "/v1/personnes?after=12"] {
        let answer = door.get(path).send().await.expect("answers");
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
}
