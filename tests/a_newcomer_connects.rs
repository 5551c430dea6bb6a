//! The tutorial for a new tool is run as it stands, with a real RabbitMQ, the hub as a process, and the kits with pika and with amqplib.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::events_reach_the_broker::{BROKER, url};
use crate::support::program::command;

const TUTORIAL: &str = include_str!("../docs/tutorial-subscriber.md");
/// How long a newcomer's five minutes may take here.
const PATIENCE: Duration = Duration::from_mins(2);

/// The commands, one after the other; the last ones are those of the tool, in Python or for Node.js.
fn script(tool: &str) -> String {
    let of = |fence: &str| {
        let blocks =
            TUTORIAL.split(fence).skip(1).map(|rest| rest.split("```").next().expect("a block").to_owned());
        blocks.collect::<Vec<String>>()
    };
    let (mut commands, node) = (of("```sh\n"), of("```sh node\n"));
    if tool == "node" {
        commands.pop();
        commands.extend(node);
    }
    commands.join("\n")
}

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make test`"))
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_copies_the_tutorial_sees_scoped_events_with_pika() {
    follow("python").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_copies_the_tutorial_sees_scoped_events_with_amqplib() {
    follow("node").await;
}

async fn follow(tool: &str) {
    let _alone = BROKER.lock().await;
    let folder = tempfile::tempdir().expect("a folder");
    let programs = folder.path().join("bin");
    std::fs::create_dir(&programs).expect("a folder");
    let program = command();
    std::os::unix::fs::symlink(program.get_program(), programs.join("dlnuf")).expect("a link");
    // A link would lead out of the virtual environment that has pika.
    let python = format!("#!/bin/sh\nexec '{}' \"$@\"\n", setting("DLNUF_TEST_S3_PYTHON"));
    std::fs::write(programs.join("python3"), python).expect("a file");
    std::fs::set_permissions(programs.join("python3"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("a program");
    let path = format!("{}:{}", programs.display(), setting("PATH"));
    let kit = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kits/python");
    let mut bash = tokio::process::Command::from({
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-m", "-c", &script(tool)])
            .current_dir(folder.path())
            .stdin(Stdio::null());
        bash.env("PATH", path).env("KIT", kit).env("LC_ALL", "C.UTF-8").env("PYTHONDONTWRITEBYTECODE", "1");
        bash.env("KIT_NODE", setting("DLNUF_TEST_NODE_KIT"));
        bash.env("DLNUF_BROKER", url()).env("DLNUF_BROKER_API", setting("DLNUF_TEST_RABBITMQ_API"));
        bash
    });
    let running = tokio::time::timeout(PATIENCE, bash.kill_on_drop(true).output());
    let ended = running.await.expect("in time").expect("bash runs");
    let seen = std::fs::read_to_string(folder.path().join("vu.txt")).unwrap_or_default();
    let log = std::fs::read_to_string(folder.path().join("serve.log")).unwrap_or_default();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{errors}\n{seen}\n{log}");
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines.len(), 2, "{seen}");
    assert!(
        lines[0].contains("identite.nom_usage=\"Vuillemin\"") && lines[0].contains("rue des Lilas"),
        "{seen}"
    );
    assert!(lines[1].starts_with("personne.modifiee ") && lines[1].contains("rue Haute"), "{seen}");
    // Digits of a moment or of a pseudonym may be anything.
    let (said, logged) = (without_word(&seen, 1), without_word(&log, 0));
    for hidden in ["Reims", "Bensa", "0639", "+33639", "1988", "7001"] {
        assert!(!said.contains(hidden) && !logged.contains(hidden), "{hidden}: {seen}\n{log}");
    }
}

/// Every line without one of its words.
fn without_word(text: &str, place: usize) -> String {
    let kept = |line: &str| -> Vec<String> {
        let words = line.split(' ').enumerate().filter(|(at, _)| *at != place);
        words.map(|(_, word)| word.to_owned()).collect()
    };
    text.lines().flat_map(kept).collect::<Vec<_>>().join(" ")
}
