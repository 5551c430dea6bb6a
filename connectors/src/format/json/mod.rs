//! JSON deliveries: one object a line, an array of objects, or an object that wraps such an array.
//!
//! `scan` walks brackets and strings, `frame` cuts one object at a time, and `decode` turns an object into a record in
//! which a member is a node, an array is repeated nodes, and `null` is nothing at all.

mod decode;
mod frame;
mod scan;
#[cfg(test)]
mod tests;

use std::io::Read;

use hub_core::code::Code;
use hub_core::connector::{Dialect, Fault, Layout, Opened};

pub(crate) use scan::members;

use super::cut::Cutter;
use super::text::Text;

/// Opens a JSON delivery: reads up to the first object.
pub(crate) fn open(bytes: Box<dyn Read + Send>, dialect: &Dialect) -> Result<Opened, Fault> {
    let Layout::Json { records } = &dialect.layout else {
        return Err(Fault::new(Code::NotTheFormat, "expected a JSON layout"));
    };
    let text = Text::open(bytes, dialect.encoding.as_deref(), false)?;
    let cut = frame::JsonCut::open(text, records, dialect.limits)?;
    Ok(Opened {
        framer: Box::new(Cutter::new(cut)),
        decoder: Box::new(decode::JsonDecoder::new(&dialect.names, dialect.limits)),
        columns: None,
    })
}
