//! The house rules that a machine can hold: purity of the core, headers, no leftovers.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates the pure core must never depend on: they are adapters.
const FORBIDDEN_IN_CORE: &[&str] = &["sqlx", "lapin", "reqwest", "axum", "clap"];
/// Macros and attributes nobody may leave behind, written apart so that this file does not hold them.
const LEFTOVERS: &[&str] =
    &[concat!("todo", "!("), concat!("unimplemented", "!("), concat!("dbg", "!("), concat!("#[ign", "ore")];
/// A room larger than this asks for another room.
const LARGEST_ROOM_LINES: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources() -> Vec<(PathBuf, String)> {
    let mut pending: Vec<PathBuf> =
        ["hub-core", "connectors", "hub", "tests"].iter().map(|c| root().join(c)).collect();
    let mut files = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending
                .extend(fs::read_dir(&path).expect("a readable folder").flatten().map(|entry| entry.path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("a readable file");
            files.push((path, text));
        }
    }
    assert!(files.len() > 30, "the sources were found");
    files
}

#[test]
fn the_core_depends_on_no_adapter() {
    let manifest = fs::read_to_string(root().join("hub-core/Cargo.toml")).expect("the manifest");
    for name in FORBIDDEN_IN_CORE {
        let depends = manifest.lines().any(|line| line.split(['.', ' ', '=']).next() == Some(name));
        assert!(!depends, "hub-core depends on {name}");
    }
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{} does not open with `//!`", path.display());
    }
}

#[test]
fn nothing_unfinished_is_left_behind() {
    for (path, text) in sources() {
        for leftover in LEFTOVERS {
            assert!(!text.contains(leftover), "{} holds {leftover}", path.display());
        }
    }
}

#[test]
fn no_room_is_too_large() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LARGEST_ROOM_LINES, "{} has {lines} lines", path.display());
    }
}
