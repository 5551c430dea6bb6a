//! How facts come in: the formats the hub reads, behind the port `hub_core::connector::Formats`, and the places it fetches from.
//! How facts come in: the formats the hub reads, behind the port `hub_core::connector::Formats`, and what is wrapped around them.
//!
//! The bytes of a delivery and a mapping's dialect enter, a cutter of frames and a decoder of records leave. Whatever
//! the bytes, nothing here panics, memory stays bounded by one record and one batch, and no fault quotes a value.

mod format;
pub mod outline;
mod probe;
pub mod transport;
pub mod wrapping;

use std::io::Read;

use hub_core::connector::{Dialect, Fault, Formats, Layout, Opened, Probe};

/// The formats built into the hub: XML, delimited text, text in columns of fixed width and JSON.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltIn;

impl Formats for BuiltIn {
    fn open(&self, bytes: Box<dyn Read + Send>, dialect: &Dialect) -> Result<Opened, Fault> {
        match &dialect.layout {
            Layout::Xml { .. } => format::xml::open(bytes, dialect),
            Layout::Csv { .. } => format::csv::open(bytes, dialect),
            Layout::Fixed { .. } => format::fixed::open(bytes, dialect),
            Layout::Json { .. } => format::json::open(bytes, dialect),
        }
    }

    fn probe(&self, head: &[u8]) -> Result<Probe, Fault> {
        probe::probe(head)
    }
}
