//! Delimited text: a header line, then one record a row.
//!
//! `row` splits text into rows and cells, `frame` reads the header and checks rows against it, `decode` turns a row into
//! the cells a mapping reads; `lines` cuts them out of the delivery. Header cells are compared folded: accents, case and line breaks do not count.

mod decode;
mod frame;
pub(crate) mod row;
#[cfg(test)]
mod tests;

use std::io::Read;

use hub_core::code::Code;
use hub_core::connector::{Dialect, Fault, Layout, Opened};

use xxhash_rust::xxh3::xxh3_64;

use super::cut::Cutter;
use super::edge::Around;
use super::lines::LineCut;
use super::text::Text;
use frame::Asked;
use row::Signs;

/// The columns of a delivery, and how many cells a row has at least and at most.
struct Columns {
    names: Vec<String>,
    least: usize,
    most: usize,
}

impl Columns {
    fn of_header(cells: &[String]) -> Self {
        let named = |cell: &String| !cell.trim().is_empty();
        let width = cells.iter().rposition(named).map_or(0, |last| last + 1);
        Self { names: cells.to_vec(), least: width, most: width }
    }

    /// Declared by position; those marked `?` at the end may be missing.
    fn declared(columns: &[String]) -> Self {
        let least = columns.iter().rposition(|name| !name.ends_with('?')).map_or(0, |last| last + 1);
        let names = columns.iter().map(|name| name.trim_end_matches('?').to_owned()).collect();
        Self { names, least, most: columns.len() }
    }
}

/// Opens a delimited delivery: reads its header line.
pub(crate) fn open(bytes: Box<dyn Read + Send>, dialect: &Dialect) -> Result<Opened, Fault> {
    let Layout::Csv { separator, quotes, columns, edges } = &dialect.layout else {
        return Err(Fault::new(Code::NotTheFormat, "expected a delimited layout"));
    };
    let limits = dialect.limits;
    let mut text = Text::open(bytes, dialect.encoding.as_deref(), false)?;
    let declared = columns.as_ref().map(|columns| Columns::declared(columns));
    let by_position = declared.is_some();
    // A row around the records is cut by the declared separator, or by the one found in the first line.
    let around = Signs { separator: separator.unwrap_or_else(|| row::sniff(text.window())), quotes: *quotes };
    let decoder = |cells: &[String]| decode::CsvDecoder::new(cells, around, &dialect.names);
    let around = Around::open(&mut text, edges, limits.header_bytes, decoder)?;
    let asked = Asked { separator: *separator, quotes: *quotes, by_position };
    let (rows, header) = frame::CsvRows::open(&mut text, asked, limits.header_bytes)?;
    let columns = declared.unwrap_or_else(|| Columns::of_header(&header.cells));
    let decoder = decode::CsvDecoder::new(&columns.names, header.signs, &dialect.names);
    // A row means what its header says: under other headers it is another record.
    let seed = xxh3_64(columns.names.join("\u{1f}").as_bytes());
    let cut = LineCut::new(text, rows.expecting(columns.least, columns.most), around, limits);
    let framer = Cutter::new(cut).seeded(seed);
    let columns = (!by_position).then_some(columns.names);
    Ok(Opened { framer: Box::new(framer), decoder: Box::new(decoder), columns })
}
