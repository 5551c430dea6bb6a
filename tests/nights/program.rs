//! The nights themselves, by the program as it is shipped: time and peak memory of the whole process.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hub::synth::{self, Plan};

use crate::bare::{self, Addressed};
use crate::{Figure, embedded, one_record, other_feeds, timed};

/// The program, built with this benchmark.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_dlnuf-under-test");

/// Runs the program to its end; seconds and peak resident memory in KiB (`VmHWM`, looked at every 5 ms).
pub fn measured(home: &Path, arguments: &[&str]) -> (f64, u64) {
    let start = Instant::now();
    let mut child = Command::new(PROGRAM)
        .args(["--output", "json", "--home"])
        .arg(home)
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let status = format!("/proc/{}/status", child.id());
    let (wait, mut peak) = (std::sync::mpsc::channel::<()>(), 0);
    loop {
        if let Some(ended) = child.try_wait().expect("a child") {
            assert!(matches!(ended.code(), Some(0 | 3)), "{arguments:?} ended with {ended}");
            return (start.elapsed().as_secs_f64(), peak);
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        let _ = wait.1.recv_timeout(Duration::from_millis(5));
    }
}

/// Night 1 and night 2 on both stores, and the outbox to the broker.
pub fn nights(
    folder: &Path,
    (caf, records): (&[&Path; 2], u64),
    (principals, csv_records): (&[&Path; 2], u64),
    bare_read: f64,
) {
    let file = |night: usize| caf[night].to_str().expect("a path");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    sqlite(folder, caf, records, &runtime);
    let (Ok(server), Ok(broker)) =
        (std::env::var("DLNUF_TEST_POSTGRES_URL"), std::env::var("DLNUF_TEST_AMQP_URL"))
    else {
        eprintln!("PostgreSQL and RabbitMQ: not measured, no server is named (`make bench` starts them)");
        return;
    };
    let bare_night = |night: usize| timed(|| runtime.block_on(bare::pipeline(&server, caf[night]))).0;
    let bare_nights = [bare_night(0), bare_night(1)];
    for (night, seconds) in (1..).zip(bare_nights) {
        let name = format!("bare pipeline, night {night}: hash, diff, insert");
        Figure::new(name, seconds, records, "records").print();
    }
    let (copy, ()) = timed(|| runtime.block_on(bare::copy(&server, records)));
    Figure::new("bare COPY of 2 KB rows, no index", copy, records, "rows").print();
    let postgres = ["--store", &server, "deliver", "caf"];
    let first_load = [&postgres[..], &["--first-load", file(0)]].concat();
    let (seconds, memory_kib) = measured(&folder.join("first-load"), &first_load);
    let figure = Figure::new("night 1, PostgreSQL, as a first load", seconds, records, "records");
    Figure { memory_kib, ..figure.against(bare_nights[0], "bare pipeline (limit 2)") }.print();
    runtime.block_on(bare::forget(&server));
    let home = folder.join("postgres");
    let (seconds, memory_kib) = measured(&home, &[&postgres[..], &[file(0)]].concat());
    let figure = Figure::new("night 1, PostgreSQL, every person announced", seconds, records, "records");
    let limit = format!("bare pipeline ({:.2} × bare read + COPY)", seconds / (copy + bare_read));
    Figure { memory_kib, ..figure.against(bare_nights[0], limit) }.print();
    // As many messages as there are events: a queue nobody reads grows slower.
    let events = waiting(&home, &server);
    let bare_lapin = |addressed| timed(|| runtime.block_on(bare::publish(&broker, events, addressed))).0;
    let [to_queue, to_topic] = [Addressed::Queue, Addressed::Topic].map(bare_lapin);
    Figure::new("bare lapin to a queue, 3 KB, 1,000 in flight", to_queue, events, "messages").print();
    Figure::new("the same addressed as events are", to_topic, events, "messages").print();
    // A handful of records: nearly nothing to load, and what waits is published.
    let few = few_records(folder);
    let again = ["--store", &server, "--broker", &broker, "deliver", "departement", &few];
    let (seconds, memory_kib) = measured(&home, &again);
    let figure = Figure::new("outbox of night 1 to the quorum queue", seconds, events, "events");
    let limit = format!("bare lapin so addressed (limit 1.33; {:.2} × to a queue)", seconds / to_queue);
    Figure { memory_kib, ..figure.against(to_topic, limit) }.print();
    let second = ["--store", &server, "--broker", &broker, "deliver", "caf", file(1)];
    let (seconds, memory_kib) = measured(&home, &second);
    let figure = Figure::new("night 2, PostgreSQL + RabbitMQ", seconds, records, "records");
    Figure { memory_kib, ..figure.against(bare_nights[1], "bare pipeline (limit 2)") }.print();
    runtime.block_on(bare::forget(&server));
    runtime.block_on(other_feeds::nights(folder, &server, principals, csv_records));
    runtime.block_on(one_record::latency(&folder.join("one-sqlite"), None, &broker));
    runtime.block_on(one_record::latency(&folder.join("one-postgres"), Some(&server), &broker));
    runtime.block_on(bare::forget(&server));
}

/// Nights on SQLite beside the bare pipeline.
fn sqlite(folder: &Path, caf: &[&Path; 2], records: u64, runtime: &tokio::runtime::Runtime) {
    let file = |night: usize| caf[night].to_str().expect("a path");
    let bare_night = |night: usize| {
        let (seconds, ()) =
            timed(|| runtime.block_on(embedded::pipeline(&folder.join("bare.db"), caf[night])));
        let name = format!("bare pipeline on SQLite, night {}", night + 1);
        Figure::new(name, seconds, records, "records").print();
        seconds
    };
    let bare = [bare_night(0), bare_night(1)];
    let (first, home) = (folder.join("sqlite-first-load"), folder.join("sqlite"));
    for (home, night, more, name) in [
        (&first, 0, &["--first-load"][..], "night 1, SQLite, as a first load"),
        (&home, 0, &[], "night 1, SQLite, every person announced"),
        (&home, 1, &[], "night 2, SQLite"),
    ] {
        let (seconds, memory_kib) = measured(home, &[&["deliver", "caf", file(night)], more].concat());
        let figure = Figure::new(name, seconds, records, "records");
        Figure { memory_kib, ..figure.against(bare[night], "bare pipeline on SQLite (limit 2)") }.print();
    }
}

/// The extract of a small département.
fn few_records(folder: &Path) -> String {
    let place = folder.join("few");
    std::fs::create_dir(&place).expect("a folder");
    let plan = Plan { households: 10, seed: 2, night: 1, changed_per_million: 0 };
    let written = synth::write(&plan, &place, &|_| {}).expect("extracts");
    let file = written.iter().map(|written| &written.file);
    let mut file = file.filter(|file| file.to_string_lossy().contains("departement-"));
    file.next().and_then(|file| file.to_str()).expect("an extract of a département").to_owned()
}

/// Events that wait, as `doctor` counts them.
fn waiting(home: &Path, server: &str) -> u64 {
    let mut doctor = Command::new(PROGRAM);
    doctor.args(["--output", "json", "--store", server, "--home"]).arg(home).arg("doctor");
    let output = String::from_utf8(doctor.output().expect("the doctor").stdout).expect("text");
    let outbox = output.lines().find(|line| line.contains("\"outbox\"")).expect("the outbox");
    let found = outbox.split("\"found\":\"").nth(1).and_then(|rest| rest.split(' ').next());
    found.and_then(|count| count.parse().ok()).expect("a count")
}

/// Peak memory of night 1 on SQLite for a tenth of the households: it must not grow with the file.
pub fn memory(folder: &Path, households: u64) {
    let place = folder.join("tenth");
    std::fs::create_dir(&place).expect("a folder");
    let plan = Plan { households: households / 10, seed: 1, night: 1, changed_per_million: 20_000 };
    let written = synth::write(&plan, &place, &|_| {}).expect("extracts");
    let file = written[0].file.to_str().expect("a path").to_owned();
    let (seconds, memory_kib) = measured(&folder.join("small"), &["deliver", "caf", &file]);
    let name = format!("night 1, SQLite, {} households", households / 10);
    Figure { memory_kib, ..Figure::new(name, seconds, plan.households, "records") }.print();
}
