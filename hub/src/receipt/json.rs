//! The receipt as JSON.

use std::io::Write;

use hub_core::delivery::Warning;
use hub_core::reject::Reject;
use hub_core::store::Store;
use serde_json::{Value as Json, json};

use super::wording::{detail, of_state};
use super::{ReceiptError, Summary};
use crate::decision::{Decision, Verdict};

/// Writes a receipt.
///
/// # Errors
/// When the store fails, or `out` does.
pub async fn write(
    store: &dyn Store,
    summary: &Summary,
    out: &mut (dyn Write + Send),
) -> Result<(), ReceiptError> {
    let text = head(summary).to_string();
    // The rejects follow as the last member.
    let open = text.strip_suffix('}').unwrap_or(&text);
    write!(out, "{open},\"rejets\":[")?;
    let (mut after, mut first) = (0, true);
    loop {
        let page = summary.rejects(store, after).await?;
        let Some(last) = page.last() else { break };
        after = last.position.number;
        for reject in &page {
            let comma: &[u8] = if first { b"" } else { b"," };
            first = false;
            out.write_all(comma)?;
            write!(out, "{}", refused(reject))?;
        }
    }
    out.write_all(b"]}\n")?;
    Ok(())
}

/// All of it but the refused records.
pub fn head(summary: &Summary) -> Json {
    let delivery = &summary.delivery;
    let mut head = json!({
        "livraison": delivery.id, "source": delivery.source, "fichier": delivery.filename,
        "recue_le": delivery.received_at.to_string(), "taille_octets": delivery.size_bytes,
        "empreinte_blake3": delivery.digest.to_string(), "etat": summary.state(), "explication": of_state(summary.state()),
    });
    let mut add = |name: &str, value: Json| {
        if let Some(object) = head.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
    };
    if let Some(decision) = &summary.decision {
        let (verdict, message) = decided(decision);
        add("decision", json!({ "sens": verdict, "message": message, "le": decision.at.to_string() }));
    }
    if let Some(run) = &summary.run {
        add("correspondance", json!(run.mapping));
        add("traitee_le", json!(run.ended_at.map(|at| at.to_string())));
        add("avertissements", run.warnings.iter().map(warned).collect());
    }
    if let Some(counts) = summary.counts() {
        add(
            "comptes",
            json!({
                "lus": counts.records, "inchanges": counts.unchanged, "refuses": counts.rejected, "declarations": counts.claims,
                "personnes_creees": counts.persons, "personnes_modifiees": counts.changed.saturating_sub(counts.persons),
                "absentes": counts.gone, "evenements": counts.events,
            }),
        );
    }
    head
}

/// What was decided, and what the institution is told of it; the reason is the hub's own.
pub(super) fn decided(decision: &Decision) -> (&'static str, Option<&str>) {
    let verdict = match decision.verdict {
        Verdict::Released => "relachee",
        Verdict::Refused => "ecartee",
    };
    (verdict, decision.message.as_deref())
}

fn warned(warning: &Warning) -> Json {
    let entry = &warning.code.entry().fr;
    json!({
        "code": warning.code, "titre": entry.title, "explication": entry.cause, "detail": detail(warning), "champ": warning.field,
        "nombre": warning.count, "premier_enregistrement": (warning.first_record > 0).then_some(warning.first_record),
        "que_faire": entry.for_sender(),
    })
}

fn refused(reject: &Reject) -> Json {
    let entry = &reject.code.entry().fr;
    json!({
        "enregistrement": reject.position.number, "ligne": reject.position.line, "octet": reject.position.byte,
        "etape": stage(reject), "code": reject.code, "champ": reject.field, "titre": entry.title, "explication": entry.cause,
        "que_faire": entry.for_sender(),
    })
}

/// The stage in the institution's language.
pub(super) fn stage(reject: &Reject) -> &'static str {
    match reject.stage {
        hub_core::reject::Stage::Decode => "lecture",
        hub_core::reject::Stage::Map => "correspondance",
    }
}
