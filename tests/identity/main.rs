//! `make bench-identity`: how right the matcher is and what it costs, with the policy as declared and as trained on the same claims.
//!
//! Labelled extracts of invented persons enter; one table leaves: precision, recall, F1, questions, pace and peak memory by size and
//! by who states the NIR; then what one new claim costs in stores of two sizes. Figures are for people: none is asserted.

mod one_claim;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value as Json;

/// The program, built with this benchmark.
const PROGRAM: &str = env!("CARGO_BIN_EXE_dlnuf-under-test");
/// Persons of ten labelled households, about.
const IN_TEN_HOUSEHOLDS: u64 = 13;

fn main() {
    let large = std::env::var("BENCH_LARGE").is_ok_and(|wanted| wanted == "1");
    let folder = tempfile::tempdir().expect("a folder");
    eprintln!(
        "{:<14} {:<9} {:>9} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "about, NIR",
        "policy",
        "persons",
        "claims",
        "precision",
        "recall",
        "F1",
        "asked",
        "pairs/s",
        "claims/s",
        "memory"
    );
    for (persons, nir) in [(10_000, "none"), (100_000, "none"), (100_000, "two"), (100_000, "all")] {
        both_policies(&folder.path().join(format!("{persons}-{nir}")), persons, nir);
    }
    if large {
        both_policies(&folder.path().join("large"), 1_000_000, "none");
    } else {
        eprintln!("1 000 000 persons: not measured (BENCH_LARGE=1 asks for it: some minutes, 8 GB)");
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sizes = if large { [10_000, 1_000_000] } else { [10_000, 100_000] };
    runtime.block_on(one_claim::in_stores(folder.path(), sizes));
}

/// Writes the labelled extracts of so many persons.
fn write(folder: &Path, persons: u64, nir: &str) {
    let households = (persons * 10 / IN_TEN_HOUSEHOLDS).to_string();
    let folder = folder.to_str().expect("a path");
    run(&["synth", "--truth", "--nir", nir, "--households", &households, folder]);
}

fn both_policies(folder: &Path, persons: u64, nir: &str) {
    let (data, mappings) = (folder.join("data"), folder.join("mappings"));
    std::fs::create_dir(folder).expect("a folder");
    write(&data, persons, nir);
    let [data, policy] = [&data, &mappings].map(|path| path.to_str().expect("a path"));
    let label = format!("{persons} {nir}");
    row(&label, "declared", &run(&["identity", "measure", data]));
    run(&["mapping", "export", policy]);
    let written = format!("{policy}/identite.yaml");
    let trained = run(&["identity", "train", "--from", data, "--write", &written]);
    row(&label, "trained", &run(&["--mappings", policy, "identity", "measure", data]));
    eprintln!("{label:<14} training  {:>84.1} s {:>5} MiB", trained.seconds, trained.memory_kib / 1024);
    std::fs::remove_dir_all(folder).expect("a folder");
}

fn row(label: &str, policy: &str, ran: &Ran) {
    let figure = |name: &str| ran.said.get(name).and_then(Json::as_f64).unwrap_or_default();
    let pace = |name: &str| figure(name) / figure("seconds").max(1e-9);
    let percent = |name: &str| format!("{:.3} %", figure(name) * 100.0);
    eprintln!(
        "{label:<14} {policy:<9} {:>9} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9.0} {:>9.0} {:>5} MiB",
        figure("persons"),
        figure("claims"),
        percent("precision"),
        percent("recall"),
        percent("f1"),
        percent("review"),
        pace("compared"),
        pace("claims"),
        ran.memory_kib / 1024
    );
}

/// What a run of the program said last, how long it took, and the most memory it took.
struct Ran {
    said: Json,
    seconds: f64,
    memory_kib: u64,
}

/// Runs the program to its end, looking at its memory (`VmHWM`) every 5 ms.
fn run(arguments: &[&str]) -> Ran {
    let start = std::time::Instant::now();
    let said = tempfile::NamedTempFile::new().expect("a file");
    let out = File::create(said.path()).expect("a file");
    let mut command = Command::new(PROGRAM);
    command.args(["--output", "json"]).args(arguments).stdout(Stdio::from(out));
    let mut child = command.spawn().expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let (wait, mut memory_kib) = (channel::<()>(), 0);
    while child.try_wait().expect("a child").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        memory_kib = memory_kib.max(kib.unwrap_or(0));
        let _ = wait.1.recv_timeout(Duration::from_millis(5));
    }
    let seconds = start.elapsed().as_secs_f64();
    let ended = child.wait().expect("a child");
    assert!(ended.success(), "{arguments:?} ended with {ended}");
    let text = std::fs::read_to_string(said.path()).expect("what it said");
    let said = text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    Ran { said, seconds, memory_kib }
}
