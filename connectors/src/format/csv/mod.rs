//! Delimited text: a header line, then one record a row.
//!
//! `row` splits text into rows and cells, `frame` cuts rows out of the delivery and checks their width, `decode` turns
//! a row into the cells a mapping reads. Header cells are compared folded: accents, case and line breaks do not count.

mod decode;
mod frame;
pub(crate) mod row;
#[cfg(test)]
mod tests;

use std::io::Read;

use hub_core::code::Code;
use hub_core::connector::{Dialect, Fault, Layout, Opened};

use super::cut::Cutter;
use super::text::Text;

/// Opens a delimited delivery: reads its header line.
pub(crate) fn open(bytes: Box<dyn Read + Send>, dialect: &Dialect) -> Result<Opened, Fault> {
    let Layout::Csv { separator, columns } = &dialect.layout else {
        return Err(Fault::new(Code::NotTheFormat, "expected a delimited layout"));
    };
    let text = Text::open(bytes, dialect.encoding.as_deref(), false)?;
    let (cut, header) = frame::CsvCut::open(text, *separator, dialect.limits)?;
    let cells = columns.as_deref().unwrap_or(&header.cells);
    let decoder = decode::CsvDecoder::new(cells, header.separator, &dialect.names);
    Ok(Opened { framer: Box::new(Cutter::new(cut.expecting(cells))), decoder: Box::new(decoder) })
}
