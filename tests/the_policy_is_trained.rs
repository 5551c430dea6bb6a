//! What likenesses weigh is learnt from the hub's own claims, by the commands `docs/identity.md` has people copy, run as they stand.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;

use crate::support::extracts::{Hub, PAUL, household, made, monthly};
use crate::support::program::dlnuf;

const DOCUMENT: &str = include_str!("../docs/identity.md");
const PROGRAM: &str = env!("CARGO_BIN_EXE_dlnuf-under-test");

/// Runs the document's shell blocks in a folder, under the program's usual name.
fn run_document(folder: &Path) {
    let shim = folder.join("bin");
    fs::create_dir(&shim).expect("a folder");
    let program = shim.join("dlnuf");
    fs::write(
        &program,
        format!("#!/bin/sh\nexec {PROGRAM} --home '{}' \"$@\"\n", folder.join("hub").display()),
    )
    .expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("rights");
    let path = format!("{}:{}", shim.display(), std::env::var("PATH").unwrap_or_default());
    let blocks = DOCUMENT.split("```sh\n").skip(1).map(|rest| rest.split("```").next().expect("a block"));
    let blocks: Vec<&str> = blocks.collect();
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        let mut bash = Command::new("bash");
        let ended =
            bash.args(["-euo", "pipefail", "-c", block]).current_dir(folder).env("PATH", &path).output();
        let ended = ended.expect("bash runs");
        assert!(ended.status.success(), "{block}\n{}", String::from_utf8_lossy(&ended.stderr));
    }
}

fn measured(arguments: &[&str]) -> Json {
    dlnuf(&[&["--output", "json"][..], arguments].concat()).json().pop().expect("a measure")
}

#[test]
fn whoever_copies_the_commands_has_a_policy_that_is_used_and_no_worse() {
    let folder = tempfile::tempdir().expect("a folder");
    run_document(folder.path());
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (data, mappings) = (at("essai"), at("correspondances"));
    let written = fs::read_to_string(format!("{mappings}/identite.yaml")).expect("the policy");
    let persons = measured(&["identity", "measure", &data])["found"].as_u64().expect("a number");
    assert!(written.contains(&format!("population: {persons}\n")), "{written}");
    let figure = |measure: &Json, name: &str| measure[name].as_f64().expect("a number");
    let declared = measured(&["identity", "measure", &data]);
    let trained = measured(&["--mappings", &mappings, "identity", "measure", &data]);
    let made = |measure: &Json| ["asked", "missed", "missed_likenesses"].map(|name| measure[name].clone());
    assert_ne!(made(&declared), made(&trained), "another policy is in force");
    assert!(figure(&trained, "f1") > figure(&declared, "f1") - 0.002, "{declared} {trained}");
    assert!(figure(&trained, "precision") > 0.998, "{trained}");
}

#[test]
fn a_store_teaches_what_its_folder_teaches_and_the_doctor_says_when_it_has_outgrown_its_policy() {
    let hub = Hub::unguarded("caf");
    let data = hub.folder().join("data").display().to_string();
    dlnuf(&["synth", "--truth", "--households", "300", &data]);
    let file = fs::read(format!("{data}/caf-vrsb0801-n1.xml")).expect("the extract");
    hub.deliver("caf", "1.xml", &file);
    let told = hub.ask(&["identity", "train", "--seed", "7"]);
    assert_eq!(told.code, 0, "{}", told.errors);
    let told = told.json();
    let of = |level: &str| {
        let line = told.iter().find(|line| line["trait"] == "naissance" && line["level"] == level);
        line.expect("a level")["found"]["bits"].as_f64().expect("bits")
    };
    assert!(of("identique") > 0.0 && of("different") < 0.0);
    assert!(told.last().expect("a sum")["claims"].as_u64() > Some(300));

    let ill = |mappings: &str| {
        let findings = hub.ask(&["--mappings", mappings, "doctor"]).json();
        findings
            .into_iter()
            .find(|finding| finding["part"] == "identity")
            .map(|finding| finding["state"].clone())
    };
    let mappings = hub.folder().join("mappings").display().to_string();
    dlnuf(&["mapping", "export", &mappings]);
    assert_eq!(ill(&mappings), None);
    let policy = format!("{mappings}/identite.yaml");
    let small =
        fs::read_to_string(&policy).expect("a policy").replace("population: 200000", "population: 100");
    fs::write(&policy, small).expect("a policy");
    assert_eq!(ill(&mappings), Some("look".into()));
}

#[test]
fn a_store_that_has_nothing_to_teach_says_so() {
    let hub = Hub::fresh();
    hub.deliver(
        "caf",
        "1.xml",
        &monthly(&made("2026-03-05", "01:00:00"), 1, &[household("2055990", "521", "2", &[PAUL])]),
    );
    let told = hub.ask(&["identity", "train"]);
    assert_eq!((told.code, told.output.as_str()), (1, ""));
    assert!(
        told.errors.contains("two claims or more") && !told.errors.contains("VERDIER"),
        "{}",
        told.errors
    );
}
