//! The receipt as CSV, for people with a spreadsheet: `;`, UTF-8 with its mark, one line per count, warning and refused record.

use std::io::Write;

use hub_core::store::Store;

use super::json::{decided, stage};
use super::wording::{detail, of_state};
use super::{ReceiptError, Summary};

/// The columns.
const COLUMNS: [&str; 9] =
    ["nature", "nom", "nombre", "enregistrement", "ligne", "champ", "code", "explication", "que_faire"];

/// Writes a receipt.
///
/// # Errors
/// When the store fails, or `out` does.
pub async fn write(
    store: &dyn Store,
    summary: &Summary,
    out: &mut (dyn Write + Send),
) -> Result<(), ReceiptError> {
    out.write_all("\u{feff}".as_bytes())?;
    line(out, &COLUMNS)?;
    let (id, state) = (summary.delivery.id.to_string(), summary.state());
    line(out, &["livraison", &id, "", "", "", "", "", "", ""])?;
    line(out, &["etat", state, "", "", "", "", "", of_state(state), ""])?;
    if let Some(decision) = &summary.decision {
        let (verdict, message) = decided(decision);
        line(out, &["decision", verdict, "", "", "", "", "", message.unwrap_or_default(), ""])?;
    }
    counts(summary, out)?;
    warnings(summary, out)?;
    let mut after = 0;
    loop {
        let page = summary.rejects(store, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.position.number;
        for reject in &page {
            let (entry, field) = (&reject.code.entry().fr, reject.field.as_deref().unwrap_or_default());
            let [number, at] = [reject.position.number, reject.position.line].map(|n| n.to_string());
            let code = reject.code.to_string();
            line(
                out,
                &["rejet", stage(reject), "1", &number, &at, field, &code, &entry.cause, entry.for_sender()],
            )?;
        }
    }
}

fn counts(summary: &Summary, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    let Some(counts) = summary.counts() else { return Ok(()) };
    for (name, count) in [
        ("lus", counts.records),
        ("inchanges", counts.unchanged),
        ("refuses", counts.rejected),
        ("personnes_creees", counts.persons),
        ("personnes_modifiees", counts.changed.saturating_sub(counts.persons)),
        ("absentes", counts.gone),
        ("evenements", counts.events),
    ] {
        line(out, &["comptage", name, &count.to_string(), "", "", "", "", "", ""])?;
    }
    Ok(())
}

fn warnings(summary: &Summary, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    for warning in summary.run.iter().flat_map(|run| &run.warnings) {
        let entry = &warning.code.entry().fr;
        let first = if warning.first_record > 0 { warning.first_record.to_string() } else { String::new() };
        let (count, code) = (warning.count.to_string(), warning.code.to_string());
        let told =
            detail(warning).map_or_else(|| entry.cause.clone(), |detail| format!("{} {detail}", entry.cause));
        let field = warning.field.as_deref().unwrap_or_default();
        let remedy = entry.for_sender();
        line(out, &["avertissement", &entry.title, &count, &first, "", field, &code, &told, remedy])?;
    }
    Ok(())
}

/// One line. What a spreadsheet would take for a formula is text.
fn line(out: &mut (dyn Write + Send), cells: &[&str; 9]) -> std::io::Result<()> {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.write_all(b";")?;
        }
        // Most cells are the hub's own words, numbers and field names; a message and columns are others' words.
        let formula = cell.starts_with(['=', '+', '-', '@', '\t']);
        let cell = if formula { format!("'{cell}") } else { (*cell).to_owned() };
        if cell.contains([';', '"', '\n', '\r']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\r\n")
}
