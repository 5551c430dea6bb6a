//! P5, P6, for those who subscribe: the hub is killed while profiles are told; each subscriber's queue holds every event, its repeats are
//! recognisable, and each person's are in order.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use hub::broker::queue_of;
use lapin::options::{BasicGetOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use serde_json::Value as Json;
use tokio::time::Instant;

use crate::events_reach_the_broker::{BROKER, reader, url};
use crate::events_survive_the_broker::rabbit;
use crate::profiles_reach_the_broker::kind;
use crate::support::extracts::{Hub, somebody};
use crate::support::serving::Serving;

/// Persons who change every night.
const PERSONS: u64 = 300;
/// Nights, in each of which the hub is killed.
const NIGHTS: usize = 6;
/// A queue that lost its leader with the broker is made anew within this.
const PATIENCE: Duration = Duration::from_secs(150);

fn declare(hub: &Hub, prefix: &str) {
    let folder = std::path::Path::new(&hub.home()).join("abonnements");
    std::fs::create_dir_all(folder.join("profils")).expect("a folder");
    let profile = format!("profil: {prefix}\ntitre: Essai\nchamps: [identite, adresse]\n");
    std::fs::write(folder.join(format!("profils/{prefix}.yaml")), profile).expect("a file");
    for (name, territory) in [(format!("{prefix}-tous"), "tous"), (format!("{prefix}-marne"), "[\"51\"]")] {
        let subscription = format!(
            "abonne: {name}\ntitre: Essai\nprofil: {prefix}\nfinalite: Essayer\nbase_legale: CASF L. 263-4-1\n\
             expire: 2099-12-31\nterritoire: {territory}\ncanal: file\n"
        );
        std::fs::write(folder.join(format!("{name}.yaml")), subscription).expect("a file");
    }
}

/// A list on which everybody lives elsewhere than the night before: one in three in the Marne one night, in the Haute-Marne the next.
fn list(night: usize) -> Vec<u8> {
    let mut text =
        "Adresse;CP Ville;Nom bénéficiaire;Prénom bénéficiaire;Date de Naissance;ID IODAS\n".to_owned();
    for number in 0..PERSONS {
        let (name, born) = somebody(number);
        let born: Vec<&str> = born.rsplit('-').collect();
        let moves = number % 3 == 0 && night % 2 == 1;
        let town = if moves { "52000 Chaumont" } else { "51100 Reims" };
        let _ = writeln!(text, "{night} rue Haute;{town};{name};PAUL;{};C-{number}", born.join("/"));
    }
    text.into_bytes()
}

/// The messages of a queue, in order; those there are until it is found not to be there.
async fn messages(queue: &str) -> Vec<Json> {
    let (_connection, channel) = reader().await;
    let (mut messages, options) = (Vec::new(), BasicGetOptions { no_ack: true });
    while let Ok(Some(message)) = channel.basic_get(queue.into(), options).await {
        messages.push(serde_json::from_slice(&message.delivery.data).expect("JSON"));
    }
    messages
}

/// Waits for a queue.
async fn stands(queue: &str) {
    let (until, passive) =
        (Instant::now() + PATIENCE, QueueDeclareOptions { passive: true, ..Default::default() });
    loop {
        let (_connection, channel) = reader().await;
        if channel.queue_declare(queue.into(), passive, FieldTable::default()).await.is_ok() {
            return;
        }
        assert!(Instant::now() < until, "{queue} was not made");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Each person's events, as a consumer keeps them that drops what is not behind the last one.
fn kept(events: &[Json]) -> BTreeMap<String, Vec<(u64, Json)>> {
    let mut persons: BTreeMap<String, Vec<(u64, Json)>> = BTreeMap::new();
    for event in events {
        let rank = event["sequence"].as_str().expect("a rank").parse().expect("a number");
        let own = persons.entry(event["subject"].as_str().expect("a person").to_owned()).or_default();
        if own.last().is_none_or(|(last, _)| rank > *last) {
            own.push((rank, event.clone()));
        }
    }
    persons
}

async fn all_is_published(hub: &Hub, serving: &Serving) {
    let settings = hub::settings::Settings::at(hub.home().into());
    let canon = hub::installation::canon().expect("a schema");
    let store = hub::installation::open_store(&settings, &canon).await.expect("a store");
    let until = Instant::now() + PATIENCE;
    while store.told_waiting().await.expect("counts") > 0 {
        let waited = Instant::now() < until;
        assert!(waited, "the publisher did not come back by itself within {PATIENCE:?}: {}", serving.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_subscribers_are_told_survives_the_deaths_of_the_hub() {
    let _alone = BROKER.lock().await;
    let hub = Hub::unguarded("departement");
    declare(&hub, "hub");
    let broker = ["--broker".to_owned(), url()];
    let options: Vec<&str> = broker.iter().map(String::as_str).collect();
    let mut serving = Serving::again(hub.home().as_ref(), &options);
    // One killed before its queues stand shows everybody again, which is another promise.
    for name in ["hub-tous", "hub-marne"] {
        stands(&queue_of(name)).await;
    }
    for night in 0..NIGHTS {
        hub.deliver("departement", &format!("{night}.csv"), &list(night));
        // Not at the same moment of each night.
        tokio::time::sleep(Duration::from_millis(37 * night as u64)).await;
        serving.kill();
        serving = Serving::again(hub.home().as_ref(), &options);
    }
    for name in ["hub-tous", "hub-marne"] {
        // Tells what is left to tell, and says all that was told.
        let ended = hub.ask(&["subscriber", "events", name]);
        let told = ended.json();
        assert!(told.len() > 500, "{}", ended.errors);
        all_is_published(&hub, &serving).await;
        let came = messages(&queue_of(name)).await;
        let mut by_id: HashMap<&str, &Json> = HashMap::new();
        for event in &came {
            let first = by_id.entry(event["id"].as_str().expect("an id")).or_insert(event);
            assert_eq!(*first, event, "a repeat is the same to the byte");
        }
        let (told, kept) = (kept(&told), kept(&came));
        assert_eq!(kept.len(), told.len(), "{name}");
        for (person, expected) in &told {
            let shown =
                |events: &[(u64, Json)]| events.iter().map(|(_, event)| kind(event)).collect::<Vec<_>>();
            assert_eq!(
                &kept[person],
                expected,
                "{name}: {:?}, not {:?}",
                shown(&kept[person]),
                shown(expected)
            );
        }
    }
    assert_eq!(serving.stop(), Some(0));
}

/// What a consumer that keeps order holds of each person in the end: the rank, and whether the person is gone.
fn held(events: &[Json]) -> BTreeMap<String, (u64, bool)> {
    let mut persons: BTreeMap<String, (u64, bool)> = BTreeMap::new();
    for event in events.iter().filter(|event| !kind(event).ends_with("instantane.termine")) {
        let rank = event["sequence"].as_str().expect("a rank").parse().expect("a number");
        let gone = kind(event).ends_with("personne.sortie");
        let reading = event["data"]["instantane"].is_string();
        let own = persons.entry(event["subject"].as_str().expect("a person").to_owned()).or_insert((0, true));
        if rank > own.0 || (reading && rank == own.0) {
            *own = (rank, gone);
        }
    }
    persons
}

#[tokio::test(flavor = "multi_thread")]
async fn what_subscribers_are_told_survives_the_deaths_of_the_hub_and_of_the_broker() {
    let _alone = BROKER.lock().await;
    let hub = Hub::unguarded("departement");
    declare(&hub, "courtier");
    let broker = ["--broker".to_owned(), url()];
    let options: Vec<&str> = broker.iter().map(String::as_str).collect();
    let mut serving = Serving::again(hub.home().as_ref(), &options);
    for night in 0..NIGHTS {
        hub.deliver("departement", &format!("{night}.csv"), &list(night));
        tokio::time::sleep(Duration::from_millis(41 * night as u64)).await;
        if night % 3 == 2 {
            if rabbit("kill").is_none() {
                return;
            }
            rabbit("start");
        } else {
            serving.kill();
            serving = Serving::again(hub.home().as_ref(), &options);
        }
    }
    let mut lists = Vec::new();
    for name in ["courtier-tous", "courtier-marne"] {
        let told = hub.ask(&["subscriber", "events", name]).json();
        all_is_published(&hub, &serving).await;
        lists.push((name, told));
    }
    for (name, told) in lists {
        // A queue that had to be made anew is shown everybody: what came before is replaced, never gone back behind.
        let until = Instant::now() + PATIENCE;
        let (expected, mut came) = (held(&told), Vec::new());
        loop {
            came.extend(messages(&queue_of(name)).await);
            if held(&came) == expected {
                break;
            }
            let waited = Instant::now() < until;
            assert!(
                waited,
                "{name} holds {} persons as they are, not {}: {}",
                agreed(&held(&came), &expected),
                expected.len(),
                serving.log()
            );
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        let mut by_id: HashMap<&str, &Json> = HashMap::new();
        for event in &came {
            let first = by_id.entry(event["id"].as_str().expect("an id")).or_insert(event);
            assert_eq!(*first, event, "a repeat is the same to the byte");
        }
    }
    assert_eq!(serving.stop(), Some(0));
}

fn agreed(held: &BTreeMap<String, (u64, bool)>, expected: &BTreeMap<String, (u64, bool)>) -> usize {
    expected.iter().filter(|(person, rank)| held.get(*person) == Some(rank)).count()
}
