//! The program itself, run as a user runs it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

/// The program, built with the tests.
const PROGRAM: &str = env!("CARGO_BIN_EXE_dlnuf-under-test");

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

/// A command of the program, with no setting from outside, that speaks English.
pub fn command() -> Command {
    let mut command = Command::new(PROGRAM);
    let settings = [
        "DLNUF_HOME",
        "DLNUF_STORE",
        "DLNUF_ARCHIVE",
        "DLNUF_BROKER",
        "DLNUF_MAPPINGS",
        "DLNUF_SOURCES",
        "DLNUF_LOG",
    ];
    for name in settings {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C").stdin(Stdio::null());
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
