//! The fields a file has, whatever a mapping reads of it.
//!
//! A file and its dialect enter; each field met leaves towards a visitor, with its text: whoever asks keeps names and shapes,
//! never a text.

use connectors::outline::{json_leaves, xml_leaves};
use hub_core::connector::{Dialect, Fault, Layout, fold_header};
use hub_core::record::{NameId, Names};

use super::reading::{Reading, Source};

/// Visits the fields of the first `most` records: a column as the header writes it, else a path from the record down.
///
/// # Errors
/// The fault that makes the file unreadable.
pub fn fields(
    dialect: &Dialect,
    source: &Source<'_>,
    most: u64,
    visit: &mut dyn FnMut(&str, &str),
) -> Result<u64, Fault> {
    let leaves = match &dialect.layout {
        Layout::Csv { columns, .. } => return cells(dialect, columns.as_deref(), source, most, visit),
        Layout::Fixed { columns, .. } => {
            let names: Vec<String> = columns.iter().map(|slot| slot.name.clone()).collect();
            return cells(dialect, Some(&names), source, most, visit);
        }
        Layout::Xml { .. } => xml_leaves,
        Layout::Json { .. } => json_leaves,
    };
    let mut reading = Reading::open_as(dialect.clone(), source)?;
    let mut records = 0;
    while records < most {
        let Some(record) = reading.next_raw()? else { break };
        leaves(record, visit);
        records += 1;
    }
    Ok(records)
}

fn cells(
    dialect: &Dialect,
    declared: Option<&[String]>,
    source: &Source<'_>,
    most: u64,
    visit: &mut dyn FnMut(&str, &str),
) -> Result<u64, Fault> {
    let header: Vec<String> = if let Some(columns) = declared {
        columns.iter().map(|name| name.trim_end_matches('?').to_owned()).collect()
    } else {
        let reading = Reading::open_as(dialect.clone(), source)?;
        reading.columns().unwrap_or_default().to_vec()
    };
    header.iter().filter(|cell| !cell.trim().is_empty()).for_each(|cell| visit(cell, ""));
    let mut names = Names::default();
    let columns: Vec<(NameId, &String)> =
        header.iter().map(|cell| (names.intern(&fold_header(cell)), cell)).collect();
    let mut reading = Reading::open_as(Dialect { names, ..dialect.clone() }, source)?;
    let mut records = 0;
    while records < most {
        let Some((_, decoded)) = reading.next()? else { break };
        let Ok(record) = decoded else { continue };
        records += 1;
        for (id, cell) in &columns {
            let texts = record.children(record.root(), *id).map(|node| record.value(node));
            texts.filter(|text| !text.is_empty()).for_each(|text| visit(cell, text));
        }
    }
    Ok(records)
}
