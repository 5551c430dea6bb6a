//! Those who look after institutions are told in their own language: French where the environment says so, English otherwise.

use std::fs;

use crate::support::extracts::{Hub, PAUL, household, made, monthly};
use crate::support::program::command;
use crate::support::serving::token_of;

/// What a command prints to somebody who reads this language, on either stream.
fn told(hub: &Hub, locale: &str, arguments: &[&str]) -> String {
    let home = hub.home();
    let ended = command()
        .env("LC_ALL", locale)
        .args([&["--home", home.as_str()], arguments].concat())
        .output()
        .expect("the program starts");
    String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned()
}

fn french(hub: &Hub, arguments: &[&str]) -> String {
    told(hub, "fr_FR.UTF-8", arguments)
}

/// A hub that was pushed nothing, fetched one extract, and cannot reach a second place.
fn hub() -> Hub {
    let hub = Hub::fresh();
    let (_, line) = token_of("caf-52");
    let depot = hub.folder().join("depot");
    fs::create_dir_all(&depot).expect("a folder");
    let extract = monthly(&made("2026-03-01", "01:00:00"), 1, &[household("1024041", "521", "2", &[PAUL])]);
    fs::write(depot.join("mars.xml"), extract).expect("a file");
    fs::create_dir_all(hub.home()).expect("a folder");
    let sources = format!(
        "sources:\n  caf:\n    tokens: [{line}]\n    pulls:\n      nuit: {{ folder: {{ path: {}, settle_seconds: 0 }} }}\n",
        depot.display()
    );
    fs::write(hub.folder().join("hub/sources.yaml"), sources).expect("a file");
    hub
}

#[test]
fn every_line_about_sources_is_in_the_language_of_who_reads_it() {
    let hub = hub();
    assert_eq!(
        french(&hub, &["sources"]),
        "caf : rien n'est encore arrivé, 1 jeton\n  caf/nuit : pas encore regardée\n"
    );
    assert_eq!(
        told(&hub, "C", &["sources"]),
        "caf: nothing came yet, 1 token\n  caf/nuit: not looked at yet\n"
    );
    assert!(french(&hub, &["pull", "caf"]).starts_with("caf/nuit : 1 livraison\nmars.xml — intégrée (caf/"));
    assert!(french(&hub, &["sources"]).contains("\n    dernier essai le "), "{}", french(&hub, &["sources"]));
    assert_eq!(french(&hub, &["sources", "pause", "caf/nuit"]), "caf/nuit est en pause\n");
    assert_eq!(french(&hub, &["sources", "resume", "caf/nuit"]), "caf/nuit reprend\n");
    let again = french(&hub, &["sources", "rewind", "caf/nuit"]);
    assert!(again.starts_with("caf/nuit repart du début ; "), "{again}");
    let unknown = french(&hub, &["pull", "msa"]);
    assert!(unknown.starts_with("erreur : il n'y a pas de source `msa`"), "{unknown}");
    let token = french(&hub, &["sources", "token", "caf-52"]);
    assert!(token.starts_with("jeton, pour l'institution, montré seulement ici : dlnuf_"), "{token}");
}

#[test]
fn deliveries_and_the_doctor_speak_french_to_the_french() {
    let hub = hub();
    let none = french(&hub, &["doctor"]);
    assert!(none.contains("aucune encore : le premier `dlnuf deliver` la crée"), "{none}");
    french(&hub, &["pull", "caf"]);
    let listed = french(&hub, &["deliveries"]);
    assert!(listed.contains("\n  mars.xml, ") && listed.contains(" octets : intégrée\n"), "{listed}");
    let id = listed.split(' ').next().expect("an identifier");
    let refused = french(&hub, &["deliveries", "refuse", id, "--note", "non"]);
    assert!(
        refused.starts_with(&format!("erreur : la livraison `{id}` n'est pas retenue : intégrée\n")),
        "{refused}"
    );
    // What a place says of itself is its transport's own.
    let found: String = french(&hub, &["doctor"])
        .lines()
        .filter(|line| !line.contains("caf/nuit"))
        .collect::<Vec<_>>()
        .join("\n");
    let english = [" the ", " is ", " none", " and ", " for ", " in ", "ok ", "look ", "what to do"];
    for (what, text) in [("doctor", &found), ("deliveries", &listed), ("refuse", &refused)] {
        for word in english {
            assert!(!text.contains(word), "`{word}` in {what}: {text}");
        }
    }
}
