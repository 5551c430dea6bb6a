//! From the bytes of one row to a `Record`: one leaf for each cell that is not empty and that a mapping reads, in column order.
//!
//! The framer has already checked the row's width. Columns that bear the same header are all kept.

use std::collections::HashMap;

use hub_core::connector::{Decoder, Fault, fold_header};
use hub_core::record::{NameId, Names, Record};

use super::row::{self, Signs};
use crate::format::cut::not_utf8;

/// Decodes rows.
#[derive(Debug)]
pub(super) struct CsvDecoder {
    columns: Vec<Option<NameId>>,
    signs: Signs,
}

impl CsvDecoder {
    /// A decoder for these header cells.
    pub(super) fn new(header: &[String], signs: Signs, names: &Names) -> Self {
        let mut known: Vec<_> = names.iter().collect();
        known.sort_unstable_by_key(|(_, id)| id.0);
        let mut folded = HashMap::new();
        for (name, id) in known {
            folded.entry(fold_header(name)).or_insert(id);
        }
        let columns = header.iter().map(|cell| {
            let exact = names.get(cell);
            exact.or_else(|| folded.get(&fold_header(cell)).copied())
        });
        Self { columns: columns.collect(), signs }
    }
}

/// The text of a cell: a spreadsheet protects `0770` as `="0770"`.
fn protected(text: &str) -> &str {
    text.strip_prefix("=\"").and_then(|inside| inside.strip_suffix('"')).unwrap_or(text)
}

impl Decoder for CsvDecoder {
    fn decode(&self, frame: &[u8], record: &mut Record) -> Result<(), Fault> {
        record.clear();
        let row = std::str::from_utf8(frame).map_err(|_| not_utf8())?;
        row::texts(row, self.signs, |index, text| {
            let Some(Some(name)) = self.columns.get(index) else { return };
            let text = if self.signs.quotes { protected(text) } else { text };
            // An empty cell is no text, as a column that is not there.
            if !text.is_empty() {
                record.leaf(*name, text);
            }
        });
        record.finish();
        Ok(())
    }
}
