//! For tests only: a reader that drips, and a run of a whole delivery into comparable lines.

use std::io::Read;

use hub_core::code::Code;
use hub_core::connector::{Dialect, Fault, Formats, Frames, Layout, Limits};
use hub_core::record::{Names, NodeId, Record};

use crate::BuiltIn;

/// A reader that gives at most `step` bytes at a time.
pub(crate) struct Drip {
    bytes: Vec<u8>,
    at: usize,
    step: usize,
}

impl Drip {
    pub(crate) fn new(bytes: &[u8], step: usize) -> Self {
        Self { bytes: bytes.to_vec(), at: 0, step }
    }
}

impl Read for Drip {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let left = self.bytes.get(self.at..).unwrap_or_default();
        let count = left.len().min(self.step).min(into.len());
        into[..count].copy_from_slice(&left[..count]);
        self.at += count;
        Ok(count)
    }
}

/// What came of one frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) number: u64,
    pub(crate) line: u64,
    pub(crate) byte: u64,
    pub(crate) raw: String,
    pub(crate) outcome: Result<String, Code>,
}

/// What came of a whole delivery.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) seen: Vec<Seen>,
    pub(crate) header: String,
    pub(crate) trailer: String,
    pub(crate) end: Result<(), Code>,
}

impl Run {
    pub(crate) fn outcomes(&self) -> Vec<Result<&str, Code>> {
        self.seen.iter().map(|seen| seen.outcome.as_deref().map_err(|code| *code)).collect()
    }
}

pub(crate) fn dialect(layout: Layout, names: &[&str]) -> Dialect {
    let mut known = Names::default();
    for name in names {
        known.intern(name);
    }
    Dialect {
        layout,
        encoding: None,
        names: known,
        limits: Limits { record_bytes: 400, header_bytes: 400, depth: 6, nodes: 40, attributes: 3 },
    }
}

/// Reads everything, `step` bytes at a time, in small batches.
pub(crate) fn run(bytes: &[u8], dialect: &Dialect, step: usize) -> Result<Run, Fault> {
    let mut opened = BuiltIn.open(Box::new(Drip::new(bytes, step)), dialect)?;
    let mut batch = Frames::default();
    let mut record = Record::default();
    let mut seen = Vec::new();
    let end = loop {
        if let Err(fault) = opened.framer.next_batch(&mut batch, 3, 1000) {
            break Err(fault.code);
        }
        if batch.frames.is_empty() {
            break Ok(());
        }
        assert!(seen.len() <= bytes.len() + 1, "a framer that never ends");
        for frame in &batch.frames {
            let raw = batch.bytes_of(frame);
            let outcome = match &frame.fault {
                Some(fault) => Err(fault.code),
                None => match opened.decoder.decode(raw, &mut record) {
                    Ok(()) => Ok(show(&record, dialect)),
                    Err(fault) => Err(fault.code),
                },
            };
            seen.push(Seen {
                number: frame.position.number,
                line: frame.position.line,
                byte: frame.position.byte,
                raw: String::from_utf8_lossy(raw).into_owned(),
                outcome,
            });
        }
    };
    Ok(Run {
        seen,
        header: show(opened.framer.header(), dialect),
        trailer: show(opened.framer.trailer(), dialect),
        end,
    })
}

/// A record as `a=1 b(c=2)`, children grouped by name in alphabetical order.
pub(crate) fn show(record: &Record, dialect: &Dialect) -> String {
    show_node(record, record.root(), dialect)
}

fn show_node(record: &Record, node: NodeId, dialect: &Dialect) -> String {
    let mut names: Vec<_> = dialect.names.iter().collect();
    names.sort_unstable_by_key(|(name, _)| *name);
    let mut parts = Vec::new();
    let text = record.value(node);
    if !text.is_empty() {
        parts.push(format!("={text}"));
    }
    for (name, id) in names {
        for child in record.children(node, id) {
            let inner = show_node(record, child, dialect);
            parts.push(if inner.starts_with('=') && !inner.contains('(') {
                format!("{name}{inner}")
            } else {
                format!("{name}({inner})")
            });
        }
    }
    parts.join(" ")
}
