//! An i-milo queue as documented, with invented dossiers: events, their acknowledgement, dossiers and appointments by key.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::response::Response;

use crate::support::place::{Place, Seen, reply};

/// The key of each resource, by what its path begins with.
const KEYS: &[(&str, &str)] = &[
    ("/operateurs/events", "cle-evenements"),
    ("/operateurs/dossiers", "cle-rdv"),
    ("/sue/dossiers", "cle-dossiers"),
];

/// The queue.
pub struct Queue {
    pub place: Place,
    /// Events by number, as they wait.
    pub waiting: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Queue {
    /// With resources by path.
    pub async fn open(resources: &[(&str, &str)]) -> Self {
        let resources: HashMap<String, String> =
            resources.iter().map(|(path, body)| ((*path).to_owned(), (*body).to_owned())).collect();
        let waiting: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let held = waiting.clone();
        let place =
            Place::open(move |seen, _| answer(seen, &resources, &mut held.lock().expect("the queue"))).await;
        Self { place, waiting }
    }

    /// An event comes: `number dossier TYPE ACTION object date`.
    pub fn happens(&self, words: &str) {
        let words: Vec<&str> = words.splitn(6, ' ').collect();
        let [number, dossier, kind, action, object, date] = words.as_slice() else {
            unreachable!("six words")
        };
        let event = format!(
            r#"{{"identifiant":"{number}","idDossier":"{dossier}","type":"{kind}","action":"{action}","idType":"{object}","date":"{date}"}}"#
        );
        self.waiting.lock().expect("the queue").insert((*number).to_owned(), event);
    }

    pub fn left(&self) -> usize {
        self.waiting.lock().expect("the queue").len()
    }
}

fn answer(
    seen: &Seen,
    resources: &HashMap<String, String>,
    waiting: &mut BTreeMap<String, String>,
) -> Response {
    let (method, path) = seen.line.split_once(' ').expect("a method");
    let key = KEYS.iter().find(|(start, _)| path.starts_with(start)).map(|(_, key)| *key);
    if seen.header("x-gravitee-api-key") != key {
        return reply(401, &[], r#"{"message":"Unauthorized","http_status_code":401}"#);
    }
    if let Some(number) = path.strip_suffix("/ack").and_then(|path| path.rsplit('/').next()) {
        let known = method == "POST" && waiting.remove(number).is_some();
        return if known { reply(200, &[], "") } else { reply(404, &[], "{}") };
    }
    if path == "/operateurs/events" {
        let events: Vec<&str> = waiting.values().map(String::as_str).collect();
        return reply(200, &[], &format!("[{}]", events.join(",")));
    }
    resources.get(path).map_or_else(|| reply(404, &[], "{}"), |body| reply(200, &[], body))
}
