//! The program itself, built like the tests and run as a user runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value as Json;

/// The program, brought up to date once: a test of an old one would show nothing.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = std::env::current_exe().expect("the test's own path");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/test").to_owned();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", "hub", "--bin", "dlnuf"]);
    build.arg("--target-dir").arg(profile.parent().expect("target/PROFILE"));
    if profile.ends_with("release") {
        build.arg("--release");
    }
    let built = build.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).status().expect("cargo runs");
    assert!(built.success(), "the program does not build");
    profile.join("dlnuf")
});

/// A program that ended.
pub struct Ended {
    pub code: i32,
    pub output: String,
    pub errors: String,
}

impl Ended {
    /// The JSON values printed, one a line.
    pub fn json(&self) -> Vec<Json> {
        let read =
            |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}\n{}", self.errors));
        self.output.lines().map(read).collect()
    }
}

/// A command of the program, with no setting from outside.
pub fn command() -> Command {
    let mut command = Command::new(PROGRAM.as_path());
    for name in ["DLNUF_HOME", "DLNUF_STORE", "DLNUF_BROKER", "DLNUF_MAPPINGS", "DLNUF_LOG"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub fn dlnuf(arguments: &[&str]) -> Ended {
    run_in(Path::new("."), arguments)
}

/// Runs the program to its end in a folder, with temporary files in it too.
pub fn run_in(folder: &Path, arguments: &[&str]) -> Ended {
    let mut command = command();
    if folder != Path::new(".") {
        command.env("TMPDIR", folder);
    }
    let ended = command.args(arguments).current_dir(folder).output().expect("the program starts");
    Ended {
        code: ended.status.code().expect("an exit code"),
        output: String::from_utf8(ended.stdout).expect("text"),
        errors: String::from_utf8_lossy(&ended.stderr).into_owned(),
    }
}
