//! A person's record as a person or a program reads it: each value, and where it was stated.
//!
//! A person, or a version of them, and the policy enter; tables or JSON leave. Values go to whoever asks for the person: nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use hub_core::canonical::{Canon, FieldId};
use hub_core::code::Code;
use hub_core::delivery::DeliveryId;
use hub_core::merge::{Precedence, Verdict, explain};
use hub_core::referential::{Checks, Doubt};
use hub_core::statement::{Origin, Stated, Statement};
use hub_core::store::{KnownPerson, Version};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::super::language::{either, told};
use super::super::{Output, show};
use super::verdict::{motive, word};

/// Arguments of `person show`.
#[derive(Debug, Args)]
pub struct Show {
    /// The person, as in an event's subject
    pub(super) id: Uuid,
    /// As it was known at an instant (2026-03-05T02:00:00Z), or at the end of a day (2026-03-05, UTC)
    #[arg(long, value_name = "DATE", value_parser = instant, conflicts_with = "all_values")]
    pub(super) at: Option<Timestamp>,
    /// Also what other claims state and is not kept, and why
    #[arg(long)]
    pub(super) all_values: bool,
}

/// An instant, or the last one of a day.
fn instant(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let expected = "expected a date such as 2026-03-05, or an instant such as 2026-03-05T02:00:00Z";
    let day: Date = text.parse().map_err(|_| expected)?;
    Ok(TimeZone::UTC.to_timestamp(day.at(23, 59, 59, 999_999_999)).map_err(|_| expected)?)
}

/// Prints what is known of a person now.
pub fn record(canon: &Canon, person: &KnownPerson, output: Output) {
    match output {
        Output::Json => show::json_line(&Json::Object(document(canon, person))),
        Output::Table => {
            values(canon, &person.state);
            list_claims(person);
        }
    }
}

/// Prints what is known of a person, and every value that is not kept.
pub(super) fn record_and_others(
    canon: &Canon,
    precedence: &Precedence,
    person: &KnownPerson,
    output: Output,
) {
    let others = others(canon, precedence, person);
    if output == Output::Json {
        let mut document = document(canon, person);
        let told = |other: &Other<'_>| {
            let (kind, motive) = word(other.verdict);
            json!({
                "champ": other.field, "valeur": other.value, "verdict": kind, "motif": motive, "provenance": other.origin,
            })
        };
        document.insert("autres_valeurs".to_owned(), others.iter().map(told).collect());
        show::json_line(&Json::Object(document));
        return;
    }
    values(canon, &person.state);
    if others.is_empty() {
        show::line(either("\naucune autre valeur", "\nno other value"));
        return;
    }
    show::line(either("\nautres valeurs, non retenues", "\nother values, not kept"));
    let rows = others.iter().map(|other| {
        let stated = format!("{} {} ({})", other.origin.source, other.origin.emitter, other.origin.valid_at);
        vec![other.field.to_owned(), shown(&other.value), stated, motive(other.statement, other.verdict)]
    });
    let headings =
        either(["champ", "valeur", "dite par", "motif"], ["field", "value", "stated by", "why not"]);
    show::table(&headings, rows.collect());
}

/// Prints what was known of a person in a version.
pub(super) fn version(canon: &Canon, id: Uuid, version: &Version, output: Output) {
    let until = version.end.as_ref().map(|(until, _)| until.to_string());
    let from = version.from.map(|from| from.to_string());
    if output == Output::Json {
        show::json_line(&json!({
            "personne": id, "sequence": version.sequence, "depuis": from, "jusqu_a": until,
            "dossier": canon.to_json(&version.state.values()), "provenances": provenances(canon, &version.state),
        }));
        return;
    }
    let from = from.as_deref().unwrap_or("…");
    let until = until.as_deref().unwrap_or("…");
    show::line(either(
        format_args!("connu du {from} au {until}"),
        format_args!("known from {from} to {until}"),
    ));
    values(canon, &version.state);
}

fn document(canon: &Canon, person: &KnownPerson) -> Map<String, Json> {
    let mut document = Map::new();
    document.insert("personne".to_owned(), json!(person.id));
    document.insert("sequence".to_owned(), json!(person.sequence));
    document.insert("dossier".to_owned(), canon.to_json(&person.state.values()));
    document.insert("provenances".to_owned(), Json::Object(provenances(canon, &person.state)));
    document.insert("declarations".to_owned(), claims(person));
    document.insert(
        "doutes".to_owned(),
        json!(by_field(canon, &Checks::over(canon).doubts(&person.state.values()))),
    );
    document
}

/// Prints the claims linked to a person, by the numbers `identity split` takes.
fn list_claims(person: &KnownPerson) {
    show::line(either("\ndéclarations", "\nclaims"));
    let row = |claim: &Statement| {
        let latest = claim.stated.origins.iter().max_by_key(|origin| origin.place());
        let gone = if claim.absent { either("retirée", "withdrawn") } else { "" };
        vec![
            claim.id.map_or_else(String::new, |id| id.to_string()),
            claim.source.to_string(),
            emitter(&claim.emitter),
            latest.map_or_else(String::new, |origin| origin.record.to_string()),
            latest.map_or_else(String::new, |origin| origin.delivery.to_string()),
            gone.to_owned(),
        ]
    };
    let headings = either(
        ["numéro", "source", "émetteur", "enregistrement", "livraison", ""],
        ["number", "source", "emitter", "record", "delivery", ""],
    );
    show::table(&headings, person.statements.iter().map(row).collect());
}

/// The parts of an emitter, as origins write them.
fn emitter(emitter: &str) -> String {
    emitter.replace('\u{1f}', "/")
}

/// The claims linked to a person, as `identity split` names them.
fn claims(person: &KnownPerson) -> Json {
    let claim = |claim: &Statement| {
        let latest = claim.stated.origins.iter().max_by_key(|origin| origin.place());
        let place = latest.map(|origin| (origin.delivery, origin.record));
        json!({
            "numero": claim.id, "source": claim.source, "emetteur": emitter(&claim.emitter), "retiree": claim.absent,
            "livraison": place.map(|place| place.0), "enregistrement": place.map(|place| place.1),
        })
    };
    person.statements.iter().map(claim).collect()
}

fn provenances(canon: &Canon, state: &Stated) -> Map<String, Json> {
    let origins = state.fields.iter().filter_map(|(field, _, at)| {
        Some((canon.field(*field).path.clone(), json!(state.origins.get(usize::from(*at))?)))
    });
    origins.collect()
}

fn values(canon: &Canon, state: &Stated) {
    let doubts = Checks::over(canon).doubts(&state.values());
    let rows = state.fields.iter().map(|(field, value, at)| {
        let doubted = doubts.iter().filter(|doubt| stands_in(canon, doubt.field) == *field);
        let codes = doubted.map(|doubt| doubt.code.to_string()).collect::<Vec<_>>().join(" ");
        vec![canon.field(*field).path.clone(), shown(&value.to_json(canon)), letters(*at), codes]
    });
    let headings = either(["champ", "valeur", "origine", "doute"], ["field", "value", "origin", "doubt"]);
    show::table(&headings, rows.collect());
    for (at, from) in (0..).zip(&state.origins) {
        show::line(format_args!(" {:>5}  {}", letters(at), origin(from)));
    }
    let codes: BTreeSet<Code> = doubts.iter().map(|doubt| doubt.code).collect();
    for code in codes {
        show::line(format_args!(" {code}  {}", told(code.entry()).title));
    }
}

/// How an origin is marked: a, b, … z, aa; claims have numbers, which these are not to be taken for.
fn letters(at: u16) -> String {
    let letter = char::from(b'a' + u8::try_from(at % 26).unwrap_or_default());
    if at < 26 { letter.to_string() } else { letters(at / 26 - 1) + &letter.to_string() }
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

/// A value that is stated and not kept.
struct Other<'a> {
    field: &'a str,
    value: Json,
    origin: &'a Origin,
    statement: &'a Statement,
    verdict: Verdict<'a>,
}

fn others<'a>(canon: &'a Canon, precedence: &Precedence, person: &'a KnownPerson) -> Vec<Other<'a>> {
    let statements: Vec<&Statement> = person.statements.iter().collect();
    let of_field = |(field, named): (_, &'a hub_core::canonical::Field)| {
        let kept = person.state.get(field).map(|(value, _)| value);
        let accounts = explain(canon, precedence, &statements, field).into_iter();
        let lost = accounts.filter(|account| !matches!(account.verdict, Verdict::Kept | Verdict::United));
        let other = move |account: hub_core::merge::Account<'a>| {
            let (value, origin) =
                account.statement.stated.get(field).filter(|(value, _)| Some(*value) != kept)?;
            Some(Other {
                field: &named.path,
                value: value.to_json(canon),
                origin,
                statement: account.statement,
                verdict: account.verdict,
            })
        };
        lost.filter_map(other).collect::<Vec<_>>()
    };
    let single = canon.fields().filter(|(_, field)| field.list.is_none());
    single.flat_map(of_field).collect()
}

/// Longest value shown in brief, in characters.
const BRIEF: usize = 60;

/// Prints a person's record origin by origin, long values cut: for a reader who wants to see how it looks.
pub fn brief(canon: &Canon, person: &KnownPerson, file: &dyn Fn(DeliveryId) -> String) {
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

/// Where a value was stated, in one line.
pub(super) fn origin(origin: &Origin) -> String {
    let place = if origin.is_passed_on() {
        either(
            format!("numéro donné à la ligne {}", origin.line),
            format!("number given away on line {}", origin.line),
        )
    } else if origin.source == "hub" {
        either("décision", "ruling").to_owned()
    } else if origin.record == 0 {
        "absence".to_owned()
    } else {
        let (record, line) = either(("enregistrement", "ligne"), ("record", "line"));
        format!("{record} {}, {line} {}", origin.record, origin.line)
    };
    let (since, delivery) = either(("depuis", "livraison"), ("since", "delivery"));
    format!(
        "{} {} {since} {} ({place}, {delivery} {}, {})",
        origin.source, origin.emitter, origin.valid_at, origin.delivery, origin.mapping
    )
}

/// A value as people read it: of a list, one element a line.
pub(super) fn shown(value: &Json) -> String {
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

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn a_day_is_asked_for_as_it_ended_and_an_instant_as_it_is() {
        let read = |text: &str| instant(text).map(|at| at.to_string()).ok();
        assert_eq!(read("2026-03-05").as_deref(), Some("2026-03-05T23:59:59.999999999Z"));
        assert_eq!(read("2026-03-05T03:00:00+01:00").as_deref(), Some("2026-03-05T02:00:00Z"));
        assert_eq!(["", "hier", "2026-02-30", "9999-12-31", "2026-03"].map(read), [const { None }; 5]);
    }
}
