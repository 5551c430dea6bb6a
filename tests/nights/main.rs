//! `make bench`: what a night costs, beside the bare limit measured in the same run.
//!
//! Synthetic extracts enter; one table leaves: decode and map against bare parsers, nights on SQLite and PostgreSQL against bare
//! pipelines, a CSV night against an expert's SQL, the outbox against bare lapin, one record's way, peak memory. Figures are for people: none is asserted.

mod bare;
mod embedded;
mod fan_out;
mod one_record;
mod other_feeds;
mod program;

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use connectors::BuiltIn;
use hub::synth::{self, Plan};
use hub_core::canonical::Canon;
use hub_core::connector::{Decoder, Formats as _, Frames, Opened};
use hub_core::mapping::Mapping;
use hub_core::record::Record;

/// One figure: seconds for so many things, and how it stands to its bare limit.
struct Figure {
    name: String,
    seconds: f64,
    count: u64,
    things: &'static str,
    bare: Option<(f64, String)>,
    memory_kib: u64,
}

impl Figure {
    fn new(name: impl Into<String>, seconds: f64, count: u64, things: &'static str) -> Self {
        Self { name: name.into(), seconds, count, things, bare: None, memory_kib: 0 }
    }

    fn against(self, bare: f64, limit: impl Into<String>) -> Self {
        Self { bare: Some((bare, limit.into())), ..self }
    }

    fn print(&self) {
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let (pace, memory) = (self.count as f64 / self.seconds, self.memory_kib as f64 / 1024.0);
        let ratio = self.bare.as_ref().map(|(bare, limit)| format!("{:.2} × {limit}", self.seconds / bare));
        let memory = if self.memory_kib > 0 { format!("{memory:.0} MiB") } else { String::new() };
        let things = format!("{pace:.0} {}/s", self.things);
        let ratio = ratio.unwrap_or_default();
        eprintln!("{:<44} {:>8.2} s {:>20} {:>9}  {ratio}", self.name, self.seconds, things, memory);
    }
}

fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_secs_f64(), result)
}

/// Median of three, for work too short to be timed once.
fn median<T>(work: impl Fn() -> T) -> (f64, T) {
    let mut runs = [timed(&work), timed(&work), timed(&work)];
    runs.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let [_, median, _] = runs;
    median
}

fn main() {
    if std::env::var("ONLY").is_ok_and(|only| only == "fan-out") {
        return fan_out();
    }
    let households: u64 = std::env::var("HOUSEHOLDS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a folder");
    eprintln!("writing the extracts of {households} households, two nights, 2 % changed");
    let nights = [1, 2].map(|night| {
        let place = folder.path().join(format!("night-{night}"));
        std::fs::create_dir(&place).expect("a folder");
        let plan = Plan { households, seed: 1, night, changed_per_million: 20_000 };
        synth::write(&plan, &place, &|_| {}).expect("extracts")
    });
    let caf = nights.each_ref().map(|night| night[0].file.as_path());
    let figures = decode(caf[0], nights[0][0].records);
    let principal = nights.each_ref().map(|night| {
        let principal = |written: &&synth::Extract| written.file.to_string_lossy().contains("principal");
        night.iter().find(principal).expect("an extract of France Travail")
    });
    other_feeds::csv(&principal[0].file, principal[0].records);
    other_feeds::ndjson(&principal[0].file);
    if std::env::var("ONLY").is_ok_and(|only| only == "decode") {
        return;
    }
    eprintln!();
    let csv = (&principal.map(|extract| extract.file.as_path()), principal[1].records);
    program::nights(folder.path(), (&caf, nights[0][0].records), csv, figures);
    program::memory(folder.path(), households);
}

/// Every person changes, ten are told (PERSONS=100000; STORE=sqlite or postgres: that one alone).
fn fan_out() {
    let persons = std::env::var("PERSONS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let named = |name| std::env::var(name).expect("`make bench` starts the servers");
    let (server, broker) = (named("DLNUF_TEST_POSTGRES_URL"), named("DLNUF_TEST_AMQP_URL"));
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let wanted = |kind: &str| std::env::var("STORE").ok().is_none_or(|only| only == kind);
    for (kind, store) in [("sqlite", None), ("postgres", Some(server.as_str()))] {
        if wanted(kind) {
            runtime.block_on(fan_out::figures(folder.path(), store, &broker, persons));
        }
    }
    runtime.block_on(bare::forget(&server));
}

/// Decode and map alone; returns the bare read's seconds.
fn decode(file: &Path, records: u64) -> f64 {
    let canon = Canon::from_schema(hub::mappings::PERSON_SCHEMA).expect("the schema");
    let catalogue = hub::mappings::MappingFiles::built_in().compile(&canon).expect("mappings");
    let mapping = catalogue.named("caf/vrsb0801").expect("the CAF's mapping");
    let _warm = bare::read(file);
    let (bare, found) = median(|| bare::read(file));
    assert_eq!(found, records, "the bare read sees the same records");
    Figure::new("bare quick-xml read into structs, one core", bare, records, "records").print();
    let (one, claims) = median(|| one_core(file, &mapping));
    Figure::new("decode + map, one core", one, records, "records")
        .against(bare, "the bare read (limit 2)")
        .print();
    let (two, again) = median(|| two_cores(file, &mapping));
    assert_eq!(claims, again);
    Figure::new("decode + map, as the hub does", two, records, "records")
        .against(bare, "the bare read")
        .print();
    bare
}

/// Cuts a file as the hub does; `take` gives back a batch to fill again.
fn cut(file: &Path, mapping: &Mapping, mut take: impl FnMut(Frames) -> Frames) {
    let mut opened = open(file, mapping);
    let mut frames = Frames::default();
    loop {
        opened.framer.next_batch(&mut frames, 400, 2 << 20).expect("frames");
        if frames.frames.is_empty() {
            return;
        }
        frames = take(frames);
    }
}

fn open(file: &Path, mapping: &Mapping) -> Opened {
    let bytes = Box::new(std::fs::File::open(file).expect("a file"));
    BuiltIn.open(bytes, &mapping.dialect).expect("an extract")
}

fn map(frames: &Frames, mapping: &Mapping, decoder: &dyn Decoder, record: &mut Record) -> usize {
    let claims = frames.frames.iter().filter_map(|frame| {
        decoder.decode(frames.bytes_of(frame), record).ok()?;
        mapping.map(record, "9999-12-31").ok().map(|mapped| mapped.claims.len())
    });
    claims.sum()
}

fn one_core(file: &Path, mapping: &Mapping) -> usize {
    let decoder = open(file, mapping).decoder;
    let (mut record, mut claims) = (Record::default(), 0);
    cut(file, mapping, |frames| {
        claims += map(&frames, mapping, decoder.as_ref(), &mut record);
        frames
    });
    claims
}

/// Cutting on one thread, decoding and mapping on another.
fn two_cores(file: &Path, mapping: &Mapping) -> usize {
    let decoder = open(file, mapping).decoder;
    let (sender, receiver) = sync_channel::<Frames>(1);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            cut(file, mapping, |frames| {
                sender.send(frames).expect("the reader stays");
                Frames::default()
            });
        });
        let mut record = Record::default();
        receiver.iter().map(|frames| map(&frames, mapping, decoder.as_ref(), &mut record)).sum()
    })
}
