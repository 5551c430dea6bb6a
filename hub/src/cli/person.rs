//! `dlnuf person show|why`: what is known of a person, and where each value was stated.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use clap::{Args, Subcommand};
use hub_core::canonical::{Canon, FieldId};
use hub_core::code::Code;
use hub_core::delivery::{DeliveryId, PersonId};
use hub_core::referential::{Checks, Doubt};
use hub_core::statement::{Origin, Statement};
use hub_core::store::{KnownPerson, Store};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::language::told;
use super::{Exit, Output, show};
use crate::installation;
use crate::settings::Settings;

/// Subcommands of `person`.
#[derive(Debug, Subcommand)]
pub enum Person {
    /// Show the person's record, each value with its origin
    Show(Show),
    /// Tell why a field holds its value, and what other sources state
    Why(Why),
}

/// Arguments of `person show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The person, as in an event's subject
    id: Uuid,
}

/// Arguments of `person why`.
#[derive(Debug, Args)]
pub struct Why {
    /// The person
    id: Uuid,
    /// The field, such as droits.rsa.etat
    field: String,
}

impl Person {
    /// Runs the command.
    ///
    /// # Errors
    /// When the person or field does not exist, or the store cannot be read.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let canon = installation::canon()?;
        let store = installation::open_existing(settings, &canon).await?;
        let id = match &self {
            Self::Show(show) => show.id,
            Self::Why(why) => why.id,
        };
        let person = find(store.as_ref(), PersonId(id)).await?;
        match self {
            Self::Show(_) => record(&canon, &person, output),
            Self::Why(why) => reasons(&canon, &person, &why.field, output)?,
        }
        Ok(Exit::Done)
    }
}

/// The person, or the one it was found to be.
async fn find(store: &dyn Store, id: PersonId) -> anyhow::Result<KnownPerson> {
    let found = store.persons(&[id]).await?.pop();
    let person = found.with_context(|| format!("there is no person `{id}`"))?;
    let Some(into) = person.merged_into else { return Ok(person) };
    eprintln!("`{id}` was found to be `{into}`: this is what is known of them.");
    let found = store.persons(&[into]).await?.pop();
    found.with_context(|| format!("there is no person `{into}`"))
}

pub(super) fn record(canon: &Canon, person: &KnownPerson, output: Output) {
    let doubts = Checks::over(canon).doubts(&person.state.values());
    if output == Output::Json {
        let origins = person.state.fields.iter().filter_map(|(field, _, at)| {
            Some((canon.field(*field).path.clone(), json!(person.state.origins.get(usize::from(*at))?)))
        });
        show::json_line(&json!({
            "personne": person.id, "sequence": person.sequence, "dossier": canon.to_json(&person.state.values()),
            "provenances": origins.collect::<serde_json::Map<_, _>>(), "doutes": by_field(canon, &doubts),
        }));
        return;
    }
    let rows = person.state.fields.iter().map(|(field, value, at)| {
        let doubted = doubts.iter().filter(|doubt| stands_in(canon, doubt.field) == *field);
        let codes = doubted.map(|doubt| doubt.code.to_string()).collect::<Vec<_>>().join(" ");
        vec![canon.field(*field).path.clone(), shown(&value.to_json(canon)), (at + 1).to_string(), codes]
    });
    show::table(&["field", "value", "origin", "doubt"], rows.collect());
    for (number, from) in (1..).zip(&person.state.origins) {
        show::line(format_args!(" {number:>5}  {}", origin(from)));
    }
    let codes: BTreeSet<Code> = doubts.iter().map(|doubt| doubt.code).collect();
    for code in codes {
        show::line(format_args!(" {code}  {}", told(code.entry()).title));
    }
}

/// The codes of each doubted field.
fn by_field(canon: &Canon, doubts: &[Doubt]) -> BTreeMap<String, Vec<Code>> {
    let mut codes: BTreeMap<String, Vec<Code>> = BTreeMap::new();
    for doubt in doubts {
        codes.entry(canon.field(doubt.field).path.clone()).or_default().push(doubt.code);
    }
    codes
}

/// The field a value is shown by: of a member, its repeated group.
fn stands_in(canon: &Canon, field: FieldId) -> FieldId {
    canon.field(field).list.map_or(field, |list| stands_in(canon, list))
}

/// Longest value shown in brief, in characters.
const BRIEF: usize = 60;

/// Prints a person's record origin by origin, long values cut: for a reader who wants to see how it looks.
pub(super) fn brief(canon: &Canon, person: &KnownPerson, file: &dyn Fn(DeliveryId) -> String) {
    for (at, from) in person.state.origins.iter().enumerate() {
        let of = |origin: u16| usize::from(origin) == at;
        let stated = person.state.fields.iter().filter(|(_, _, origin)| of(*origin));
        let rows = stated.map(|(field, value, _)| {
            let value = shown(&value.to_json(canon)).replace('\n', " | ");
            let cut = value.char_indices().nth(BRIEF).and_then(|(end, _)| value.get(..end));
            vec![canon.field(*field).path.clone(), cut.map_or_else(|| value.clone(), |cut| format!("{cut}…"))]
        });
        let (record, file, mapping) = (from.record, file(from.delivery), &from.mapping);
        show::line(format_args!("\n{}: record {record} of {file}, by {mapping}", from.source));
        show::table(&["field", "value"], rows.collect());
    }
}

fn reasons(canon: &Canon, person: &KnownPerson, path: &str, output: Output) -> anyhow::Result<()> {
    let field = canon.find(path).with_context(|| format!("there is no field `{path}`"))?;
    let winner = person.state.get(field);
    let stated = |statement: &Statement| {
        let (value, origin) = statement.stated.get(field)?;
        Some((value.to_json(canon), origin.clone(), winner == Some((value, origin)), statement.absent))
    };
    let statements: Vec<_> = person.statements.iter().filter_map(stated).collect();
    if output == Output::Json {
        for (value, origin, kept, absent) in &statements {
            show::json_line(
                &json!({ "champ": path, "valeur": value, "retenue": kept, "silencieux": absent, "provenance": origin }),
            );
        }
        return Ok(());
    }
    let believed = winner.map(|(_, origin)| origin.source.clone());
    let rows = statements.into_iter().map(|(value, from, kept, absent)| {
        let state = match (kept, absent) {
            (true, _) => "kept",
            (false, true) => "no longer stated",
            (false, false) if believed.as_ref() == Some(&from.source) => {
                "another record of the source counts"
            }
            (false, false) => "another source is believed first",
        };
        vec![shown(&value), state.to_owned(), origin(&from)]
    });
    show::table(&["value", "", "stated by"], rows.collect());
    Ok(())
}

fn origin(origin: &Origin) -> String {
    let place = if origin.record == 0 {
        "absence".to_owned()
    } else {
        format!("record {}, line {}", origin.record, origin.line)
    };
    format!(
        "{} {} since {} ({place}, delivery {}, {})",
        origin.source, origin.emitter, origin.valid_at, origin.delivery, origin.mapping
    )
}

/// A value as people read it: of a list, one element a line.
fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => match items.as_slice() {
            [only] => shown(only),
            items => items.iter().map(|item| format!("- {}", shown(item))).collect::<Vec<_>>().join("\n"),
        },
        Json::Object(members) => {
            let member = |(name, value): (&String, &Json)| format!("{name} {}", shown(value));
            members.iter().map(member).collect::<Vec<_>>().join(" · ")
        }
        other => other.to_string(),
    }
}
