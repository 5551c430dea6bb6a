//! What the documents have people copy is run here as it stands, with the hub's address in place of the example's.

use std::fs;
use std::process::Command;

use serde_json::Value as Json;

use crate::support::extracts::{Hub, JULIE, Member, PAUL, household, made, monthly};
use crate::support::serving::{Serving, token_of};

const DOCUMENT: &str = include_str!("../docs/deliveries.md");

/// The shell blocks under a heading, without the lines that start the hub itself.
fn blocks(heading: &str) -> Vec<String> {
    let section = DOCUMENT.split("\n## ").find(|section| section.starts_with(heading)).expect("the section");
    let blocks = section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().expect("a block"));
    let ours =
        |block: &str| block.lines().filter(|line| !line.starts_with("dlnuf ")).collect::<Vec<_>>().join("\n");
    blocks.map(ours).collect()
}

fn run(script: &str, hub: &Hub, serving: &Serving, token: &str) -> String {
    let script = script.replace("https://hub.example.fr", &serving.base);
    let mut bash = Command::new("bash");
    bash.args(["-euo", "pipefail", "-c", &script]).current_dir(hub.folder()).env("TOKEN", token);
    let ended = bash.output().expect("bash runs");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{script}\n{errors}");
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_institution_that_copies_the_commands_delivers_and_reads_its_receipt() {
    let hub = Hub::fresh();
    let (token, line) = token_of("caf");
    let sources = format!("sources: {{ caf: {{ tokens: [{line}] }} }}");
    let serving = Serving::start(&hub.folder().join("hub"), &sources, &[]);
    let bad = Member { born: "1980-13-45", nir: "", ..JULIE };
    let night = |day: &str| {
        let good = household("1024041", "521", "2", &[PAUL]);
        monthly(&made(day, "01:00:00"), 2, &[good, household("1024042", "521", "2", &[bad])])
    };
    hub.file("RSABEM.RCV", &night("2026-03-01"));
    let [push, pieces] = <[String; 2]>::try_from(blocks("Push")).expect("two blocks");
    let answer: Json = serde_json::from_str(&run(&push, &hub, &serving, &token)).expect("JSON");
    let id = answer.pointer("/livraisons/0/livraison").and_then(Json::as_str).expect("a delivery").to_owned();
    assert_eq!(serving.receipt(&token, &id).await["etat"], "integree_avec_rejets");

    for command in blocks("Receipts").first().expect("a block").lines() {
        run(&command.replace("/ID", &format!("/{id}")), &hub, &serving, &token);
    }
    let mut names: Vec<String> = fs::read_dir(hub.folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.contains(&format!("RSABEM.rejets-{id}.RCV")), "{names:?}");
    assert!(names.contains(&format!("compte-rendu-{id}.csv")), "{names:?}");

    hub.file("RSABEM.RCV", &night("2026-04-01"));
    run(&pieces, &hub, &serving, &token);
    assert_eq!(hub.ask(&["deliveries"]).json().len(), 2, "the pieces made a delivery");
}

/// The YAML blocks of the document, those of one place put where a place stands.
fn configurations() -> Vec<String> {
    let blocks = DOCUMENT.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().expect("a block"));
    let whole = |block: &str| {
        if block.starts_with("sources:") {
            // The first block shows what a hash looks like in a few characters.
            return block.replace("4f0c…64 digits", &"4f".repeat(32));
        }
        let inside: Vec<String> = block.lines().map(|line| format!("        {line}")).collect();
        format!("sources:\n  caf:\n    pulls:\n      nuit:\n{}", inside.join("\n"))
    };
    blocks.map(whole).collect()
}

#[test]
fn every_configuration_shown_is_one_the_hub_reads_and_its_schema_allows() {
    let schema: Json = serde_json::from_str(include_str!("../schemas/sources/v1.json")).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a valid schema");
    let configurations = configurations();
    assert!(configurations.len() >= 7, "{}", configurations.len());
    for text in configurations {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("sources.yaml");
        fs::write(&file, &text).expect("a file");
        hub::sources::Sources::read(&file).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let value: Json = serde_saphyr::from_str(&text).expect("YAML");
        let faults: Vec<String> =
            schema.iter_errors(&value).map(|fault| format!("{} {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:?}\n{text}");
    }
}
