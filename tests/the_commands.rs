//! The commands as their users type them: the program itself, its output, its exit codes, on a store of its own.

use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::support::program::{Ended, command, dlnuf, run_in};

fn synth(folder: &Path, night: u32) {
    let (night, folder) = (night.to_string(), folder.to_str().expect("a path"));
    let written = dlnuf(&["synth", "--households", "300", "--seed", "3", "--night", &night, folder]);
    assert_eq!(written.code, 0, "{}", written.errors);
}

fn at(home: &Path, arguments: &[&str]) -> Ended {
    let mut all = vec!["--home", home.to_str().expect("a path"), "--output", "json"];
    all.extend(arguments);
    dlnuf(&all)
}

/// A hub that took in the first CAF night of three hundred households.
struct Hub {
    _folder: tempfile::TempDir,
    home: std::path::PathBuf,
    extract: std::path::PathBuf,
    report: Json,
}

fn first_night() -> Hub {
    let folder = tempfile::tempdir().expect("a folder");
    synth(folder.path(), 1);
    let (home, extract) = (folder.path().join("hub"), folder.path().join("caf-vrsb0801-n1.xml"));
    let delivered = at(&home, &["deliver", "caf", extract.to_str().expect("a path")]);
    let report = delivered.json().remove(0);
    Hub { _folder: folder, home, extract, report }
}

fn count(report: &Json, name: &str) -> u64 {
    report.get(name).and_then(Json::as_u64).unwrap_or_else(|| panic!("`{name}` in {report}"))
}

fn text<'j>(report: &'j Json, name: &str) -> &'j str {
    report.get(name).and_then(Json::as_str).unwrap_or_else(|| panic!("`{name}` in {report}"))
}

#[test]
fn the_demonstration_plays_two_nights_holds_the_broken_file_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let played = run_in(folder.path(), &["--output", "json", "demo", "--households", "200"]);
    assert_eq!(played.code, 0, "{}", played.errors);
    let lines = played.json();
    let status = |wanted: &str| lines.iter().filter(|l| l.get("status").is_some_and(|s| s == wanted)).count();
    assert_eq!((status("held"), status("already_received")), (1, 1));
    let events = lines.iter().filter(|line| line.get("specversion").is_some()).count();
    let announced: u64 = lines
        .iter()
        .filter(|line| line.get("night").is_some_and(|night| night == 2))
        .map(|line| count(line, "events"))
        .sum();
    assert_eq!(events as u64, announced, "the events shown are those of the second night");
    assert!(lines.iter().any(|line| line.get("provenances").is_some()), "a person is shown");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left behind");
}

#[test]
fn the_demonstration_can_be_kept_and_looked_at_further() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("essai");
    let name = kept.to_str().expect("a path");
    assert_eq!(dlnuf(&["demo", "--households", "100", "--keep", name]).code, 0);
    let runs = at(&kept.join("hub"), &["runs"]);
    assert_eq!(runs.json().len(), 9, "one run for each delivery that was new");
    let again = dlnuf(&["demo", "--keep", name]);
    assert_eq!(again.code, 1, "a folder that exists is not written into");
}

#[test]
fn a_replay_of_what_is_known_changes_nothing_and_says_so_first() {
    let hub = first_night();
    let replayed = at(&hub.home, &["replay", "delivery", text(&hub.report, "delivery")]);
    let lines = replayed.json();
    assert_eq!(lines.len(), 2, "a plan, then the report");
    assert_eq!(lines[0].get("plan"), Some(&Json::Bool(true)));
    for line in &lines {
        assert_eq!((count(line, "changed"), count(line, "events")), (0, 0));
    }
}

#[test]
fn a_dry_run_tells_what_the_replay_then_does_and_writes_nothing_itself() {
    let hub = first_night();
    synth(hub.extract.parent().expect("a folder"), 2);
    let second = hub.extract.with_file_name("caf-vrsb0801-n2.xml");
    at(&hub.home, &["deliver", "caf", second.to_str().expect("a path")]);
    let before = at(&hub.home, &["events", "tail"]).output;
    // The first night again: everything that night 2 changed would change back.
    let arguments = ["replay", "run", text(&hub.report, "run"), "--mapping", "as-run"];
    let plan = at(&hub.home, &[&arguments[..], &["--dry-run"]].concat()).json().remove(0);
    assert_eq!(at(&hub.home, &["events", "tail"]).output, before, "a dry run announces nothing");
    assert!(count(&plan, "events") > 0);
    let done = at(&hub.home, &arguments).json().remove(1);
    for name in ["records", "unchanged", "claims", "persons", "changed", "gone", "rejected", "events"] {
        assert_eq!(count(&plan, name), count(&done, name), "{name}");
    }
}

#[test]
fn refused_records_are_replayed_alone_with_a_mended_mapping() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, file) = (folder.path().join("hub"), folder.path().join("extrait.csv"));
    let rows = "NIR;Nom d'usage;Prénoms;Date de naissance\n";
    fs::write(
        &file,
        format!("{rows}2890829019616;RIBEIRO;MANON;19/08/1989\n1890829019619;ALVES;;19/08/1989\n"),
    )
    .expect("a file");
    let strict = mapping(folder.path(), "strict", "reject");
    let lax = mapping(folder.path(), "lax", "drop");
    let file = file.to_str().expect("a path");
    let delivered = at(&home, &["--mappings", &strict, "deliver", "essai", file]);
    assert_eq!(delivered.code, 3, "{}{}", delivered.output, delivered.errors);
    let report = delivered.json().remove(0);
    let replay = ["--mappings", &lax, "replay", "rejects", text(&report, "run")];
    let done = at(&home, &replay).json().remove(1);
    assert_eq!((count(&done, "records"), count(&done, "rejected"), count(&done, "persons")), (1, 0, 1));
    assert_eq!(count(&done, "gone"), 0, "a part of a file says nothing of the others");
}

#[test]
fn a_header_that_lacks_a_column_is_held_and_the_column_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let (home, file) = (folder.path().join("hub"), folder.path().join("extrait.csv"));
    let mappings = mapping(folder.path(), "strict", "reject");
    let file = file.to_str().expect("a path");
    for (header, code, named) in [("NIR;Prenom", "DLN0108", "`prenoms`"), ("A;B", "DLN0109", "`essai/liste`")]
    {
        fs::write(file, format!("{header}\n2890829019616;MANON\n")).expect("a file");
        let held = at(&home, &["--mappings", &mappings, "deliver", "essai", file]);
        assert_eq!(held.code, 4, "{}", held.errors);
        let warning = held.json().remove(0).pointer("/warnings/0").cloned().expect("a warning");
        assert_eq!(text(&warning, "code"), code);
        assert!(text(&warning, "message").contains(named), "{warning}");
    }
}

/// A folder with one small mapping; `missing` is what a missing given name does.
fn mapping(folder: &Path, name: &str, missing: &str) -> String {
    let root = folder.join(name);
    fs::create_dir_all(root.join("essai")).expect("a folder");
    fs::write(root.join("precedence.yaml"), "default: [essai]\n").expect("a file");
    let text = format!(
        "mapping: essai/liste
version: \"1\"
source: essai
title: Essai
format: {{csv: {{}}, encoding: utf-8}}
detect:
  - {{columns: [NIR, Prénoms]}}
delivery: {{snapshot: true}}
record: {{key: [NIR]}}
persons:
  fields:
    identite.nir: NIR
    identite.nom_usage: Nom d'usage
    identite.prenoms: {{from: Prénoms, missing: {missing}}}
    identite.date_naissance: Date de naissance
"
    );
    fs::write(root.join("essai/liste.yaml"), text).expect("a file");
    root.to_str().expect("a path").to_owned()
}

#[test]
fn the_doctor_finds_a_hub_well_and_names_what_is_not() {
    let hub = first_night();
    let well = at(&hub.home, &["doctor"]);
    assert_eq!(well.code, 0, "{}", well.output);
    assert!(well.json().iter().all(|finding| finding.get("state").is_some_and(|state| state == "ok")));
    let archived = walk(&hub.home.join("archive"));
    fs::write(&archived, "other bytes").expect("a file");
    let ill = at(&hub.home, &["--broker", "amqp://127.0.0.1:1", "doctor"]);
    assert_eq!(ill.code, 1);
    let failing: Vec<Json> =
        ill.json().into_iter().filter(|f| f.get("state").is_some_and(|s| s == "fails")).collect();
    let parts: Vec<&str> = failing.iter().map(|finding| text(finding, "part")).collect();
    assert_eq!(parts, ["archive", "broker"]);
    assert!(failing.iter().all(|finding| !text(finding, "remedy").is_empty()));
}

/// The one file under a folder.
fn walk(folder: &Path) -> std::path::PathBuf {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let entry = entries.into_iter().find(|entry| entry.file_name().is_none_or(|name| name != ".landing"));
    let entry = entry.expect("an entry");
    if entry.is_dir() { walk(&entry) } else { entry }
}

#[test]
fn output_that_is_lost_is_a_failure() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device that is always full");
    let ended = command().args(["explain", "DLN0304"]).stdout(full).output().expect("the program starts");
    assert_eq!(ended.status.code(), Some(1));
}

#[test]
fn a_mistake_in_the_precedence_is_found_before_any_file_is_read() {
    for (right, wrong, code) in [
        ("default:", "defualt:", "DLN0401"),
        ("adresse: [[caf", "adrese: [[caf", "DLN0403"),
        ("identifiants.numero_demande_rsa,", "identifiants.numero_demande,", "DLN0403"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mappings = folder.path().join("mappings");
        let name = mappings.to_str().expect("a path");
        assert_eq!(dlnuf(&["mapping", "export", name]).code, 0);
        let file = mappings.join("precedence.yaml");
        let policy = fs::read_to_string(&file).expect("the precedence").replace(right, wrong);
        fs::write(&file, policy).expect("written");
        let linted = dlnuf(&["--output", "json", "--mappings", name, "mapping", "lint"]);
        let mistakes = linted.json();
        let found: Vec<(&str, &str)> = mistakes.iter().map(|m| (text(m, "file"), text(m, "code"))).collect();
        assert_eq!((linted.code, found.as_slice()), (5, &[("precedence.yaml", code)][..]), "{wrong}");
    }
}

#[test]
fn reading_makes_neither_a_store_nor_a_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("hub");
    for store in [&[][..], &["--store", "postgres://nobody@127.0.0.1:1/none"]] {
        let ended = at(&home, &[store, &["runs"]].concat());
        assert_eq!((ended.code, home.exists()), (1, false), "{}", ended.errors);
    }
}

#[test]
fn a_file_of_another_source_is_told_whose_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    synth(folder.path(), 1);
    let list = folder.path().join("departement-carnet-de-bord-n1.csv");
    let ended = at(&folder.path().join("hub"), &["deliver", "caf", list.to_str().expect("a path")]);
    let report = ended.json().remove(0);
    let told = report.pointer("/warnings/0/message").and_then(Json::as_str).unwrap_or_default();
    assert!(ended.code == 4 && told.contains("deliver it as `departement`"), "{report}");
}
