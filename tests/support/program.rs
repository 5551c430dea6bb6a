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

/// What root's right to read and write everything is called, and that to look everywhere.
const RIGHTS: &str = "-dac_override,-dac_read_search";

/// A command of the program, with no setting from outside, that speaks English.
pub fn command() -> Command {
    without_settings(Command::new(PROGRAM))
}

/// The same, of a user whom files can be kept from, also when root runs the tests.
pub fn humble() -> Command {
    without_settings(humbly(PROGRAM))
}

/// A program that root's right to read and write everything is kept from.
pub fn humbly(program: &str) -> Command {
    let is_root = Command::new("id").arg("-u").output().expect("id").stdout == b"0\n";
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args([&format!("--bounding-set={RIGHTS}"), &format!("--inh-caps={RIGHTS}"), program]);
    command
}

fn without_settings(mut command: Command) -> Command {
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
    ended(command.args(arguments).current_dir(folder))
}

/// Runs a command to its end.
pub fn ended(command: &mut Command) -> Ended {
    let ended = command.output().expect("the program starts");
    Ended {
        code: ended.status.code().expect("an exit code"),
        output: String::from_utf8(ended.stdout).expect("text"),
        errors: String::from_utf8_lossy(&ended.stderr).into_owned(),
    }
}
