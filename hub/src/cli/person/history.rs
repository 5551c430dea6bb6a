//! `dlnuf person history`: the versions of a record, and what made each.
//!
//! Versions enter, the changes between each and the one before leave, with the record or the silence that made them.

use hub_core::canonical::{Canon, Value};
use hub_core::delivery::PersonId;
use hub_core::diff::{Change, diff};
use hub_core::statement::{Origin, Stated};
use hub_core::store::{Store, Version};
use serde_json::{Value as Json, json};

use super::super::language::{counted, either};
use super::super::{Output, show};
use super::show::{origin, shown};

/// Prints the versions of a person, the first one first.
pub(super) async fn tell(
    store: &dyn Store,
    canon: &Canon,
    id: PersonId,
    output: Output,
) -> anyhow::Result<()> {
    let history = store.history(id).await?;
    let into = super::known(store, id).await?.merged_into;
    let nothing = Stated::default();
    let (mut last, mut before): (Option<&Version>, Option<&Version>) = (None, None);
    for (number, version) in (1u64..).zip(&history) {
        let by = last.and_then(|last| last.end.as_ref()).map(|(_, by)| by);
        let by = by.or_else(|| version.state.origins.first());
        let state = before.map_or(&nothing, |before| &before.state);
        let absorbed = match version.end {
            None => into,
            // Found to be another one then, and somebody again since.
            Some(_) if version.state.fields.is_empty() => super::ruled_to_be_in(store, id, version).await?,
            Some(_) => None,
        };
        // What is known goes on under another name: nothing was taken back.
        let by = by.filter(|_| absorbed.is_none());
        let changes = by.map(|by| diff(state, &version.state, by)).unwrap_or_default();
        match output {
            Output::Json => show::json_line(&document(canon, (id, version), &changes, absorbed)),
            Output::Table => {
                heading(number, version, absorbed);
                if before.is_none() {
                    first(changes.len(), id, version);
                } else if absorbed.is_none() {
                    changed(canon, &changes, by);
                }
            }
        }
        last = Some(version);
        before = if absorbed.is_some() { before.or(last) } else { last };
    }
    Ok(())
}

fn document(
    canon: &Canon,
    (id, version): (PersonId, &Version),
    changes: &[Change<'_>],
    absorbed: Option<PersonId>,
) -> Json {
    let json = |value: Option<&Value>| value.map(|value| value.to_json(canon));
    let changes = changes.iter().map(|change| {
        let path = &canon.field(change.field).path;
        json!({
            "champ": path, "avant": json(change.before), "apres": json(change.after), "provenance": change.origin,
        })
    });
    let mut document = json!({
        "personne": id, "sequence": version.sequence, "depuis": version.from.map(|from| from.to_string()),
        "jusqu_a": version.end.as_ref().map(|(until, _)| until.to_string()), "changements": changes.collect::<Vec<_>>(),
    });
    if let (Some(into), Some(members)) = (absorbed, document.as_object_mut()) {
        members.insert("fusionnee_dans".to_owned(), json!(into));
    }
    document
}

fn heading(number: u64, version: &Version, absorbed: Option<PersonId>) {
    let from = version.from.map(|from| from.to_string());
    let from =
        from.as_deref().unwrap_or(either("avant la tenue des historiques", "before histories were kept"));
    let until = match (&version.end, absorbed) {
        (Some((until, _)), Some(into)) => {
            let french = format!("→ {until}, fusionnée : l'historique se poursuivait sous `{into}`");
            either(french, format!("→ {until}, merged: its history went on under `{into}`"))
        }
        (Some((until, _)), None) => format!("→ {until}"),
        (None, Some(into)) => {
            let french = format!("fusionnée : l'historique se poursuit sous `{into}`");
            either(french, format!("merged: its history goes on under `{into}`"))
        }
        (None, None) => either("→ aujourd'hui", "→ now").to_owned(),
    };
    let sequence = version.sequence;
    show::line(either(
        format_args!("\nversion {number} (séquence {sequence})  {from} {until}"),
        format_args!("\nversion {number} (sequence {sequence})  {from} {until}"),
    ));
}

/// The first version is not repeated: `person show --at` shows it.
fn first(fields: usize, id: PersonId, version: &Version) {
    let fields = counted(fields as u64, ["champ", "champs"], ["field", "fields"]);
    let at = version.from.map(|from| format!(" --at {from}")).unwrap_or_default();
    let shown = format!("dlnuf person show {id}{at}");
    show::line(either(
        format_args!("  première version, {fields} : {shown}"),
        format_args!("  first version, {fields}: {shown}"),
    ));
    if let Some(from) = version.state.origins.first() {
        show::line(format_args!("  {}", origin(from)));
    }
}

fn changed(canon: &Canon, changes: &[Change<'_>], by: Option<&Origin>) {
    let mut origins: Vec<&Origin> = Vec::new();
    let rows: Vec<Vec<String>> = changes
        .iter()
        .map(|change| {
            let known = origins.iter().position(|origin| *origin == change.origin);
            let at = known.unwrap_or_else(|| {
                origins.push(change.origin);
                origins.len() - 1
            });
            let text =
                |value: Option<&Value>| value.map_or_else(|| "–".to_owned(), |v| shown(&v.to_json(canon)));
            let path = canon.field(change.field).path.clone();
            vec![path, text(change.before), text(change.after), (at + 1).to_string()]
        })
        .collect();
    if rows.is_empty() {
        let same =
            either("les valeurs restent, dites ailleurs ou autrement", "the values stayed, stated elsewhere");
        show::line(format_args!("  {same}"));
        origins.extend(by);
    } else {
        let headings = either(["champ", "avant", "après", "origine"], ["field", "before", "after", "origin"]);
        show::table(&headings, rows);
    }
    for (number, from) in (1..).zip(origins) {
        show::line(format_args!(" {number:>5}  {}", origin(from)));
    }
}
