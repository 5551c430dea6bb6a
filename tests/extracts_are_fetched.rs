//! Extracts are fetched from where institutions leave them, by the program itself: drop folder, SFTP, object store, HTTP. Each is
//! taken in once, in the order of its header, its receipt is left there, and what does not come is told.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, daily, household, made, monthly};
use crate::support::france_travail::FranceTravail;
use crate::support::milo::Queue;
use crate::support::openssh::OpenSsh;
use crate::support::place::{Place, reply};
use crate::support::program::Ended;
use crate::support::s3::S3;
use crate::support::serving::{PATIENCE, Serving};

fn person(name: &str) -> Member<'_> {
    Member { name, nir: "", ..PAUL }
}

fn one(day: &str, name: &str) -> Vec<u8> {
    daily(&made(day, "01:00:00"), &[household("1024041", "521", "2", &[person(name)])])
}

/// A hub whose sources file says this of the CAF's only pull.
fn hub_with(source: &str, pull: &str) -> Hub {
    let hub = Hub::fresh();
    fs::create_dir_all(hub.home()).expect("a folder");
    configure(&hub, source, pull);
    hub
}

fn configure(hub: &Hub, source: &str, pull: &str) {
    let sources = format!("sources:\n  {source}:\n    pulls:\n      nuit: {pull}\n");
    fs::write(Path::new(&hub.home()).join("sources.yaml"), sources).expect("a file");
}

fn pulled(ended: &Ended) -> Vec<Json> {
    assert!(matches!(ended.code, 0 | 3), "{}: {}", ended.code, ended.errors);
    ended.json().into_iter().filter(|line| line.get("status").is_some()).collect()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Waits until something is so, which a file system does not announce.
async fn until(what: &str, so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_folder_is_emptied_in_the_order_of_the_headers_and_answered() {
    let hub = Hub::fresh();
    let drop = hub.folder().join("depot");
    fs::create_dir_all(&drop).expect("a folder");
    // The later one comes first, and one is still being written.
    for (name, bytes) in [("a.xml", one("2026-03-02", "DEUX")), ("b.xml", one("2026-03-01", "UN"))] {
        fs::write(drop.join(name), bytes).expect("a file");
    }
    fs::write(drop.join("c.xml.part"), b"<Racine>").expect("a file");
    let sources = format!(
        "sources:\n  caf:\n    pulls:\n      depot:\n        folder: {{ path: {}, settle_seconds: 0 }}\n        \
         schedule: {{ every_seconds: 1 }}\n        leave_receipts: true\n",
        drop.display()
    );
    let serving = Serving::start(&hub.folder().join("hub"), &sources, &[]);
    let answers = drop.join("comptes-rendus");
    until("two receipts in two forms", || files(&answers).len() == 4).await;
    assert_eq!(files(&drop.join("traites")), ["a.xml", "b.xml"]);
    assert!(drop.join("c.xml.part").exists());
    let runs = hub.ask(&["runs"]).json();
    let order: Vec<&Json> = runs.iter().rev().map(|run| &run["file"]).collect();
    assert_eq!(order, ["b.xml", "a.xml"], "{runs:?}");
    let receipt = files(&answers).into_iter().find(|name| name.contains(".json")).expect("a receipt");
    let receipt: Json =
        serde_json::from_slice(&fs::read(answers.join(receipt)).expect("a file")).expect("JSON");
    assert_eq!(receipt["etat"], "integree");
    fs::rename(drop.join("c.xml.part"), drop.join("c.xml")).expect("renamed");
    until("the renamed file is taken", || drop.join("traites/c.xml").exists()).await;
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn an_sftp_server_is_asked_for_what_is_new_and_only_that() {
    let server = OpenSsh::start();
    let key = server.known_key("ed25519", "");
    let folder = server.folder();
    let pull = |host_key: &str| {
        format!(
            "{{ sftp: {{ host: 127.0.0.1, port: {}, user: {}, key_file: {}, host_key: \"{host_key}\", folder: {}, pattern: \"*.xml\" }} }}",
            server.port,
            server.user,
            key.display(),
            folder.display()
        )
    };
    let hub = hub_with("caf", &pull(&server.fingerprint("ed25519")));
    server.put("1.xml", &one("2026-03-01", "UN"), 1_000);
    server.put("notes.txt", b"not an extract", 1_000);
    let first = pulled(&hub.ask(&["pull", "caf/nuit"]));
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!((&first[0]["status"], &first[0]["persons"]), (&"done".into(), &1.into()));
    assert_eq!(
        pulled(&hub.ask(&["pull", "caf"])),
        [] as [Json; 0],
        "it stays there, and is not fetched again"
    );
    server.put("2.xml", &one("2026-03-02", "DEUX"), 2_000);
    assert_eq!(pulled(&hub.ask(&["pull", "caf"])).len(), 1);
    assert_eq!(hub.ask(&["sources", "rewind", "caf/nuit"]).code, 0);
    let again = pulled(&hub.ask(&["pull", "caf"]));
    assert!(
        again.iter().all(|report| report["status"] == "already_received") && again.len() == 2,
        "{again:?}"
    );
    let doctor = hub.ask(&["doctor"]).json();
    let found = doctor.iter().find(|finding| finding["part"] == "caf/nuit").expect("the source is tried");
    assert_eq!(found["state"], "ok", "{found}");
}

#[test]
fn another_host_key_stops_the_pull_until_a_person_resumes_it() {
    let (server, other) = (OpenSsh::start(), OpenSsh::start());
    let key = server.known_key("ed25519", "");
    let pull = |fingerprint: &str| {
        format!(
            "{{ sftp: {{ host: 127.0.0.1, port: {}, user: {}, key_file: {}, host_key: \"{fingerprint}\", folder: {} }} }}",
            server.port,
            server.user,
            key.display(),
            server.folder().display()
        )
    };
    let hub = hub_with("caf", &pull(&other.fingerprint("ed25519")));
    server.put("1.xml", &one("2026-03-01", "UN"), 1_000);
    let refused = hub.ask(&["pull", "caf"]);
    assert_eq!(refused.code, 1);
    assert!(refused.errors.contains("DLN0812"), "{}", refused.errors);
    let notice = hub.ask(&["notices"]).json().pop().expect("a notice");
    assert_eq!((&notice["code"], &notice["source"]), (&"DLN0821".into(), &"caf".into()), "{notice}");
    configure(&hub, "caf", &pull(&server.fingerprint("ed25519")));
    assert!(hub.ask(&["pull", "caf"]).errors.contains("paused"), "a person has to look first");
    assert_eq!(hub.ask(&["sources", "resume", "caf/nuit"]).code, 0);
    assert_eq!(pulled(&hub.ask(&["pull", "caf"])).len(), 1);
    let last = hub.ask(&["notices"]).json().pop().expect("a notice");
    assert_eq!(last["code"], "DLN0821", "resumed by a person: nobody has to be told");
}

#[test]
fn a_bucket_is_a_source_and_an_archive() {
    let mut server = S3::start();
    let extract = String::from_utf8(one("2026-03-01", "UN")).expect("text");
    server.make("depot/1.xml", &extract);
    let hub = Hub::fresh();
    fs::create_dir_all(hub.home()).expect("a folder");
    let sources = format!(
        "sources:\n  caf:\n    pulls:\n      depot:\n        bucket: {{ url: \"s3://extraits/depot\", endpoint: \"{}\", \
         region: eu-west-3, access_key_env: TEST_KEY, secret_key_env: TEST_SECRET, allow_http: true }}\n",
        server.url()
    );
    fs::write(Path::new(&hub.home()).join("sources.yaml"), sources).expect("a file");
    let ask = |command: &[&str]| {
        let mut program = crate::support::program::command();
        let (key, secret) = (server.told("access"), server.told("secret"));
        program.env("TEST_KEY", &key).env("TEST_SECRET", &secret).env("AWS_ACCESS_KEY_ID", &key);
        program
            .env("AWS_SECRET_ACCESS_KEY", &secret)
            .env("AWS_ENDPOINT_URL", server.url())
            .env("AWS_REGION", "eu-west-3");
        program.env("AWS_ALLOW_HTTP", "true").args(["--home", &hub.home(), "--output", "json"]);
        let ended =
            program.args(["--archive", "s3://extraits/archive"]).args(command).output().expect("runs");
        let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{errors}");
        assert!(!errors.contains(&secret), "no secret in an error");
        let output = String::from_utf8(ended.stdout).expect("text");
        output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect::<Vec<Json>>()
    };
    let pulled = ask(&["pull", "caf"]);
    assert!(pulled.iter().any(|line| line["status"] == "done" && line["persons"] == 1), "{pulled:?}");
    let doctor = ask(&["doctor"]);
    let state = |part: &str| {
        doctor.iter().find(|finding| finding["part"] == part).expect("a finding")["state"].clone()
    };
    assert_eq!((state("archive"), state("caf/depot")), ("ok".into(), "ok".into()), "{doctor:?}");
    assert!(!Path::new(&hub.home()).join("archive").exists(), "nothing is kept here");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_of_the_missions_locales_is_read_and_acknowledged() {
    let dossier = r#"{"idDossier":"17","nomNaissance":"LEROY","prenom":"ZOE","dateNaissance":"2004-05-06","mail":"zoe@example.org"}"#;
    let queue = Queue::open(&[("/sue/dossiers/17", dossier)]).await;
    queue.happens("1 17 DOSSIER CREATE 17 2026-03-01 10:00:00");
    queue.happens("2 17 DOSSIER UPDATE 17 2026-03-01 11:00:00");
    let keys: Vec<PathBuf> = ["cle-evenements", "cle-dossiers"].iter().map(|key| secret(key)).collect();
    let pull = format!(
        "{{ milo: {{ base_url: \"{}\", keys: {{ events: {{ file: {} }}, dossiers: {{ file: {} }} }} }} }}",
        queue.place.base,
        keys[0].display(),
        keys[1].display()
    );
    let hub = hub_with("missions-locales", &pull);
    let home = hub.home();
    let ask = move |hub: &Hub| pulled(&hub.ask(&["pull", "missions-locales"]));
    let (first, hub) = tokio::task::spawn_blocking(move || (ask(&hub), hub)).await.expect("ended");
    assert_eq!((first.len(), &first[0]["persons"]), (1, &1.into()), "{first:?} {home}");
    assert_eq!(queue.left(), 0, "both events were acknowledged");
    let person = hub.persons().pop().expect("a person");
    assert_eq!(person.pointer("/identite/nom_naissance"), Some(&"LEROY".into()), "{person}");
}

/// A file that holds a secret.
fn secret(text: &str) -> PathBuf {
    let file = tempfile::NamedTempFile::new().expect("a file");
    fs::write(file.path(), text).expect("written");
    file.keep().expect("kept").1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_over_http_is_read_from_where_it_was_left() {
    let first = r#"[{"idDossier":"1","nomNaissance":"UN","prenom":"ANNE","dateNaissance":"2004-05-06","maj":"2026-03-01"}]"#;
    let second = r#"[{"idDossier":"2","nomNaissance":"DEUX","prenom":"ANNE","dateNaissance":"2004-05-07","maj":"2026-03-02"}]"#;
    let place = Place::open(move |seen, _| {
        reply(200, &[], if seen.line.contains("depuis=2026-03-01") { second } else { first })
    })
    .await;
    let pull = format!(
        "{{ collection: {{ url: \"{}/dossiers\", since: {{ parameter: {{ name: depuis, largest: /maj }} }} }} }}",
        place.base
    );
    let hub = hub_with("missions-locales", &pull);
    let ask = |hub: Hub| async {
        let work = move || (pulled(&hub.ask(&["pull", "missions-locales"])), hub);
        tokio::task::spawn_blocking(work).await.expect("ended")
    };
    let (one, hub) = ask(hub).await;
    let (two, hub) = ask(hub).await;
    assert_eq!([one.len(), two.len()], [1, 1]);
    assert_eq!(hub.persons().len(), 2, "{:?}", place.lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_posted_to_who_wants_it_and_again_until_it_is_taken() {
    let place = Place::open(|_, count| reply(if count == 0 { 503 } else { 204 }, &[], "")).await;
    let hub = Hub::fresh();
    let (token, line) = crate::support::serving::token_of("caf");
    let sources = format!(
        "sources: {{ caf: {{ tokens: [{line}], receipts: {{ callback: \"{}/recu\" }} }} }}",
        place.base
    );
    let serving = Serving::start(&hub.folder().join("hub"), &sources, &[]);
    let pushed = serving.push(&token, "1.xml", one("2026-03-01", "UN")).await;
    assert_eq!(pushed.status(), 201);
    until("the receipt is posted twice", || place.seen().len() >= 2).await;
    let last = place.seen().pop().expect("a request");
    assert_eq!((last.line.as_str(), last.json("/etat").as_deref()), ("POST /recu", Some("integree")));
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_do_not_arrive_are_told_once_and_brought_in_the_end() {
    let place = Place::open(|_, count| reply(if count == 0 { 503 } else { 204 }, &[], "")).await;
    let hub = Hub::fresh();
    let (token, line) = crate::support::serving::token_of("caf");
    let sources = format!(
        "sources: {{ caf: {{ tokens: [{line}], receipts: {{ callback: \"{}/recu\" }} }} }}",
        place.base
    );
    let serving = Serving::start(&hub.folder().join("hub"), &sources, &[]);
    for (day, name) in [("2026-03-01", "UN"), ("2026-03-02", "DEUX")] {
        assert_eq!(serving.push(&token, &format!("{name}.xml"), one(day, name)).await.status(), 201);
    }
    until("both receipts are taken", || place.seen().len() >= 3).await;
    let told = hub.ask(&["notices"]).json();
    assert_eq!(told.len(), 1, "{told:?}");
    let detail = told[0]["detail"].as_str().expect("text");
    assert!(told[0]["code"] == "DLN0811" && detail.starts_with("the receipt of delivery "), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_put_right_is_read_again_when_the_pull_is_resumed() {
    let place = Place::open(|seen, _| {
        let right = seen.header("x-cle") == Some("juste");
        reply(if right { 200 } else { 401 }, &[], "[]")
    })
    .await;
    let (hub, key) = (Hub::fresh(), secret("fausse"));
    let sources = format!(
        "sources:\n  missions-locales:\n    pulls:\n      nuit: {{ collection: {{ url: \"{}/l\", \
         auth: {{ api_key: {{ header: X-Cle, key: {{ file: {} }} }} }} }} }}\n",
        place.base,
        key.display()
    );
    let _serving = Serving::start(&hub.folder().join("hub"), &sources, &[]);
    until("it is paused", || !hub.ask(&["notices"]).json().is_empty()).await;
    fs::write(&key, "juste").expect("written");
    assert_eq!(hub.ask(&["sources", "resume", "missions-locales/nuit"]).code, 0);
    let right = || place.seen().iter().any(|seen| seen.header("x-cle") == Some("juste"));
    until("it calls with the right key", right).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_was_fetched_is_guarded_as_any_other() {
    let hub = Hub::fresh();
    let drop = hub.folder().join("depot");
    fs::create_dir_all(&drop).expect("a folder");
    let dossiers = |count: usize| -> Vec<String> {
        (0..count)
            .map(|at| {
                household(
                    &format!("1{at:06}"),
                    "521",
                    "2",
                    &[person(&"ABCDEFGHIJ"[at % 10..=at % 10].repeat(1 + at / 10))],
                )
            })
            .collect()
    };
    let pull = format!("{{ folder: {{ path: {}, settle_seconds: 0 }} }}", drop.display());
    fs::create_dir_all(hub.home()).expect("a folder");
    configure(&hub, "caf", &pull);
    fs::write(drop.join("1.xml"), monthly(&made("2026-01-31", "01:00:00"), 200, &dossiers(200)))
        .expect("a file");
    assert_eq!(pulled(&hub.ask(&["pull", "caf"]))[0]["status"], "done");
    fs::write(drop.join("2.xml"), monthly(&made("2026-02-28", "01:00:00"), 50, &dossiers(50)))
        .expect("a file");
    let held = hub.ask(&["pull", "caf"]);
    assert_eq!(held.code, 4, "{}", held.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn france_travail_is_asked_about_the_persons_the_hub_knows_and_about_nobody_again_too_soon() {
    let there = FranceTravail::open().await;
    // The NIR is sent with its key.
    there.finds("180015212100924", "jeton");
    let orientation = r#"[{"etat":"OUVERT","parcours":"PED","organisme":"FT","statut":"DECIDE","date_entree_parcours":"2026-02-01"}]"#;
    there.answers("/orientationusager/v1/lectureOrientation", "jeton", 200, orientation);
    let base = &there.place.base;
    let pull = format!(
        "{{ persons: {{ base_url: \"{base}\", headers: {{ pa-identifiant-agent: BATCH, pa-nom-agent: dlnuf, pa-prenom-agent: nuit }}, \
         auth: {{ oauth2: {{ token_url: \"{base}/connexion/oauth2/access_token?realm=/agent\", client_id: hub-essai, \
         client_secret: {{ file: {} }}, scope: a }} }}, calls: [{{ member: orientation, path: orientationusager/v1/lectureOrientation }}] }} }}",
        secret("s3same &").display()
    );
    let hub = hub_with("france-travail", &pull);
    let known = daily(&made("2026-03-01", "01:00:00"), &[household("1024041", "521", "2", &[PAUL])]);
    let ask = move || {
        assert_eq!(hub.deliver("caf", "1.xml", &known)["persons"], 1);
        let first = pulled(&hub.ask(&["pull", "france-travail"]));
        (first, hub.ask(&["pull", "france-travail"]), hub)
    };
    let (first, again, hub) = tokio::task::spawn_blocking(ask).await.expect("ended");
    assert_eq!(
        (first.len(), &first[0]["status"], &first[0]["persons"]),
        (1, &"done".into(), &0.into()),
        "{first:?}"
    );
    let searched = there.place.lines().iter().filter(|line| line.contains("rechercher-usager")).count();
    assert_eq!((searched, pulled(&again).len()), (1, 0), "{:?}", there.place.lines());
    let person = hub.persons().pop().expect("a person");
    assert_eq!(person.pointer("/parcours/orientation/parcours"), Some(&"emploi".into()), "{person}");
    assert!(!again.errors.contains(PAUL.nir), "no NIR in a log");
}
