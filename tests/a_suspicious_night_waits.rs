//! P10: a suspicious night waits for a person, who releases or refuses it; nothing of it is published before.

use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, codes, household, made, monthly};

/// Enough for a share to mean something.
const DOSSIERS: usize = 120;

/// A night on which these dossiers are stated, in a state each.
fn night(day: &str, states: &[&str]) -> Vec<u8> {
    let letters =
        |at: usize| at.to_string().bytes().map(|digit| char::from(digit - b'0' + b'A')).collect::<String>();
    let dossiers: Vec<String> = states
        .iter()
        .enumerate()
        .map(|(at, state)| {
            let name = letters(1_000 + at);
            household(&format!("1{at:06}"), "521", state, &[Member { name: &name, nir: "", ..PAUL }])
        })
        .collect();
    monthly(&made(day, "01:00:00"), dossiers.len(), &dossiers)
}

fn after_a_usual_night() -> Hub {
    let hub = Hub::fresh();
    let report = hub.deliver("caf", "1.xml", &night("2026-01-31", &["2"; DOSSIERS]));
    assert_eq!(report["status"], "done", "{report}");
    hub
}

fn held(hub: &Hub, bytes: &[u8], code: &str) -> String {
    let before = hub.events().len();
    let report = hub.deliver("caf", "2.xml", bytes);
    assert_eq!((&report["status"], codes(&report)), (&"held".into(), vec![code]), "{report}");
    assert_eq!(hub.events().len(), before, "nothing was announced");
    report["delivery"].as_str().expect("an identifier").to_owned()
}

fn state_of(hub: &Hub, delivery: &str) -> Json {
    let listed = hub.ask(&["deliveries"]).json();
    listed.into_iter().find(|listed| listed["delivery"] == delivery).expect("it is listed")["state"].clone()
}

#[test]
fn half_the_volume_waits_and_is_applied_once_released() {
    let hub = after_a_usual_night();
    let delivery = held(&hub, &night("2026-02-28", &["2"; DOSSIERS / 3]), "DLN0121");
    assert_eq!(state_of(&hub, &delivery), "retenue");
    let released = hub.ask(&["deliveries", "release", &delivery, "--note", "checked with the CAF"]);
    let report = released.json().pop().expect("a report");
    assert_eq!((&report["status"], &report["gone"]), (&"done".into(), &80.into()), "{report}");
    assert_eq!(state_of(&hub, &delivery), "integree");
    let again = hub.ask(&["deliveries", "release", &delivery, "--note", "again"]);
    assert_eq!(again.code, 1, "it awaits nothing any more");
}

#[test]
fn a_mass_closure_waits_and_leaves_no_trace_once_refused() {
    let hub = after_a_usual_night();
    let closing: Vec<&str> = (0..DOSSIERS).map(|at| if at < 30 { "5" } else { "2" }).collect();
    let delivery = held(&hub, &night("2026-02-28", &closing), "DLN0123");
    let note = [
        "deliveries",
        "refuse",
        &delivery,
        "--note",
        "seen with Léa",
        "--message",
        "Renvoyez le fichier de mars.",
    ];
    assert_eq!(hub.ask(&note).code, 0);
    assert_eq!(state_of(&hub, &delivery), "ecartee");
    let receipt = hub.ask(&["deliveries", "receipt", &delivery]).json().pop().expect("a receipt");
    assert_eq!(receipt["decision"]["message"], "Renvoyez le fichier de mars.", "{receipt}");
    assert!(!receipt.to_string().contains("Léa"), "the note is the hub's own: {receipt}");
    assert!(receipt.get("comptes").is_none(), "nothing of it was taken in: {receipt}");
    let held = &receipt["avertissements"][0];
    assert!(held["detail"].as_str().is_some_and(|detail| detail.contains("droits clos")), "{receipt}");
    assert!(held["que_faire"].as_str().is_some_and(|remedy| !remedy.contains("dlnuf")), "{receipt}");
    let next = hub.deliver("caf", "3.xml", &night("2026-03-31", &["2"; DOSSIERS]));
    assert_eq!((&next["status"], &next["changed"]), (&"done".into(), &0.into()), "nothing had been applied");
}

#[test]
fn some_rights_closed_are_a_usual_night() {
    let hub = after_a_usual_night();
    let closing: Vec<&str> = (0..DOSSIERS).map(|at| if at < 20 { "5" } else { "2" }).collect();
    let report = hub.deliver("caf", "2.xml", &night("2026-02-28", &closing));
    assert_eq!((&report["status"], &report["changed"]), (&"done".into(), &20.into()), "{report}");
}

#[test]
fn many_rejects_or_unknown_codes_wait_also_on_the_first_night() {
    let hub = Hub::fresh();
    let broken = String::from_utf8(night("2026-01-31", &["2"; DOSSIERS])).expect("text");
    held(&hub, broken.replacen("1980-01-02", "1980-13-02", 40).as_bytes(), "DLN0122");
    let odd: Vec<&str> = (0..DOSSIERS).map(|at| if at < 60 { "8" } else { "2" }).collect();
    held(&hub, &night("2026-01-31", &odd), "DLN0124");
    assert!(hub.persons().is_empty());
}

#[test]
fn a_source_may_have_its_own_limits() {
    let hub = Hub::unguarded("caf");
    hub.deliver("caf", "1.xml", &night("2026-01-31", &["2"; DOSSIERS]));
    let report = hub.deliver("caf", "2.xml", &night("2026-02-28", &["2"; DOSSIERS / 3]));
    assert_eq!((&report["status"], &report["gone"]), (&"done".into(), &80.into()), "{report}");
}

#[test]
fn a_decision_is_only_for_what_is_held() {
    let hub = after_a_usual_night();
    let delivery =
        hub.ask(&["deliveries"]).json().pop().expect("one")["delivery"].as_str().map(str::to_owned);
    let ended = hub.ask(&["deliveries", "refuse", &delivery.expect("an identifier"), "--note", "why not"]);
    assert_eq!(ended.code, 1);
    assert!(ended.errors.contains("is not held: done"), "{}", ended.errors);
}

#[test]
fn a_release_puts_no_old_state_over_a_newer_one_and_a_refusal_is_for_good() {
    let hub = after_a_usual_night();
    let half = held(&hub, &night("2026-02-28", &["2"; DOSSIERS / 3]), "DLN0121");
    assert_eq!(hub.deliver("caf", "3.xml", &night("2026-03-31", &["2"; DOSSIERS]))["status"], "done");
    let released =
        hub.ask(&["deliveries", "release", &half, "--note", "checked"]).json().pop().expect("a report");
    assert_eq!((&released["status"], codes(&released)), (&"held".into(), vec!["DLN0114"]), "{released}");
    assert_eq!(hub.ask(&["deliveries", "refuse", &half, "--note", "too late"]).code, 0);
    let after = hub.ask(&["deliveries", "release", &half, "--note", "after all"]);
    assert_eq!(after.code, 1);
    assert!(after.errors.contains("is not held: refused"), "{}", after.errors);
}

#[test]
fn of_two_who_decide_at_once_one_does() {
    let hub = after_a_usual_night();
    let delivery = held(&hub, &night("2026-02-28", &["2"; DOSSIERS / 3]), "DLN0121");
    let decide = |verdict: &str| hub.ask(&["deliveries", verdict, &delivery, "--note", "at once"]).code;
    let codes = std::thread::scope(|both| {
        let [release, refuse] = ["release", "refuse"].map(|verdict| both.spawn(move || decide(verdict)));
        [release, refuse].map(|decided| decided.join().expect("it ends"))
    });
    let state = state_of(&hub, &delivery);
    match codes {
        [0, 1] => assert_eq!(state, "integree"),
        [1, 0] => assert_eq!(state, "ecartee"),
        codes => panic!("expected one of two to decide, found {codes:?} ({state})"),
    }
}

const LIST: &str = "Pr\u{e9}nom b\u{e9}n\u{e9}ficiaire;Nom b\u{e9}n\u{e9}ficiaire;Date de Naissance;N\u{b0} CAF;ID Iodas;Role\n";

#[test]
fn a_correction_stays_one_when_it_is_released_and_comes_from_a_windows_file_too() {
    let hub = Hub::fresh();
    let latin = |text: &str| -> Vec<u8> {
        text.chars().map(|c| u8::try_from(u32::from(c)).expect("latin")).collect()
    };
    let rows =
        format!("{LIST}ZO\u{e9};PETIT;1980-01-02;1234567;1;dem\nANNE;LEROY;1980-13-45;1234568;2;dem\n");
    let first = hub.deliver("departement", "liste.csv", &latin(&rows));
    assert_eq!((&first["status"], &first["rejected"]), (&"done_with_rejects".into(), &1.into()), "{first}");
    let id = first["delivery"].as_str().expect("an identifier");
    let file = hub.folder().join("rejets.csv").display().to_string();
    let written = hub.ask(&["deliveries", "receipt", id, "--refused", &file]);
    assert_eq!(written.code, 0, "{}", written.errors);
    let bytes = std::fs::read(&file).expect("the refused records");
    assert!(
        bytes.starts_with(&latin(LIST)) && !bytes.windows(5).any(|part| part == b"PETIT"),
        "in its own encoding"
    );
    let mended: String =
        bytes.iter().map(|byte| char::from(*byte)).collect::<String>().replace("1980-13-45", "1980-12-25");
    let file = hub.file("corrige.csv", &latin(&mended));
    let corrected =
        hub.ask(&["deliver", "departement", &file, "--corrects", id]).json().pop().expect("a report");
    assert_eq!((&corrected["persons"], &corrected["gone"]), (&1.into(), &0.into()), "{corrected}");
    assert!(codes(&corrected).contains(&"DLN0127"), "{corrected}");
    let again = corrected["delivery"].as_str().expect("an identifier");
    let replayed = hub.ask(&["replay", "delivery", again]).json().pop().expect("a report");
    assert_eq!(&replayed["gone"], &0, "{replayed}");
    assert!(codes(&replayed).contains(&"DLN0127"), "a replay of a correction is one: {replayed}");
}
