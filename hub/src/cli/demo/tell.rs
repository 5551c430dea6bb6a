//! What the demonstration shows: the way of each delivery, the changes, the refusals, one person, their events, what to try.

use std::collections::BTreeMap;

use hub_core::code::Code;
use hub_core::delivery::{PersonId, Status};
use hub_core::store::{JournalEvent, KnownPerson};
use serde_json::{Value as Json, json};

use super::super::{Output, language, person, show};
use super::{Play, Played};

/// Events read at once.
const PAGE: u32 = 2_000;
/// Persons looked at for one worth showing.
const CANDIDATES: usize = 500;

/// Says what is about to happen.
pub fn opening(output: Output) {
    if output == Output::Table {
        show::line(
            "Two nights of extracts from the CAF, France Travail and a département. Nobody in them exists.",
        );
    }
}

/// One delivery as it ends: a program gets its report, a person sees it pass.
pub fn delivery(played: &Played, output: Output) -> anyhow::Result<()> {
    match output {
        Output::Json => {
            let mut report = serde_json::to_value(&played.report)?;
            if let Some(object) = report.as_object_mut() {
                object.insert("night".to_owned(), json!(played.night));
                object.insert("file".to_owned(), json!(played.file));
            }
            show::json_line(&report);
        }
        Output::Table => {
            let status = played.report.status.word().replace('_', " ");
            show::line(format_args!("  night {}  {}: {status}", played.night, played.file));
        }
    }
    Ok(())
}

/// Tells the whole play.
pub async fn all(play: &Play, output: Output) -> anyhow::Result<()> {
    let second = second_night(play).await?;
    let chosen = worth_showing(play, &second).await?;
    if output == Output::Json {
        for event in &second {
            show::line(&event.json);
        }
        if let Some(chosen) = &chosen {
            person::record(&play.pipeline.canon, chosen, output);
        }
        return Ok(());
    }
    title("The way of each delivery");
    stages(&play.played);
    title("Night 2: what changed");
    changes(&second);
    title("What was held, refused or remarked, and why");
    refusals(play).await?;
    if let Some(chosen) = &chosen {
        title(&format!("One person, {}: each value and who stated it", chosen.id));
        let file = |delivery| {
            let found = play.played.iter().find(|played| played.report.delivery == delivery);
            found.map(|played| played.file.clone()).unwrap_or_default()
        };
        person::brief(&play.pipeline.canon, chosen, &file);
        title("What night 2 announced of that person, as the tools receive it");
        let of_person = second.iter().filter(|event| event.person == chosen.id);
        for event in of_person {
            let event: Json = serde_json::from_str(&event.json)?;
            show::line(serde_json::to_string_pretty(&event)?);
        }
    }
    title("Next");
    next(play, chosen.as_ref());
    Ok(())
}

fn title(text: &str) {
    show::line(format_args!("\n{text}"));
}

/// Some lines a delivery, so that nothing is cut in any terminal.
fn stages(played: &[Played]) {
    for played in played {
        let counts = &played.report.counts;
        show::line(format_args!("  night {}  {}", played.night, mapping(played)));
        if matches!(played.report.status, Status::Held | Status::AlreadyReceived) {
            continue;
        }
        show::line(format_args!(
            "    {} records, {} known, {} refused → {} claims, {} gone",
            counts.records, counts.unchanged, counts.rejected, counts.claims, counts.gone
        ));
        show::line(format_args!(
            "      → {} persons new, {} changed → {} events",
            counts.persons, counts.changed, counts.events
        ));
    }
    show::line(
        "  known: the same bytes as before, not read further · claim: what a source states of one person",
    );
    show::line("  gone: claims a snapshot no longer states");
}

/// The mapping used, or what happened instead.
fn mapping(played: &Played) -> String {
    match played.report.status {
        Status::Held => format!("{}: held, {}", played.report.source, played.remark),
        Status::AlreadyReceived => format!("{}: nothing to do, {}", played.report.source, played.remark),
        _ => played.report.mapping.clone(),
    }
}

async fn second_night(play: &Play) -> anyhow::Result<Vec<JournalEvent>> {
    let (mut all, mut after) = (Vec::new(), play.first_night);
    loop {
        let page = play.pipeline.store.events(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.cursor;
        all.extend(page);
    }
}

fn changes(second: &[JournalEvent]) {
    let mut kinds: BTreeMap<String, (u64, BTreeMap<String, u64>)> = BTreeMap::new();
    for event in second {
        let json: Json = serde_json::from_str(&event.json).unwrap_or_default();
        let kind = json.get("type").and_then(Json::as_str).unwrap_or_default();
        let entry = kinds.entry(kind.to_owned()).or_default();
        entry.0 += 1;
        for change in json.pointer("/data/changements").and_then(Json::as_array).into_iter().flatten() {
            let field = change.get("champ").and_then(Json::as_str).unwrap_or_default();
            *entry.1.entry(field.to_owned()).or_default() += 1;
        }
    }
    let rows = kinds.into_iter().map(|(kind, (count, fields))| {
        let mut fields: Vec<(String, u64)> = fields.into_iter().collect();
        fields.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let named = fields.iter().take(3).map(|(field, count)| format!("{field} {count}×"));
        vec![kind, count.to_string(), named.collect::<Vec<_>>().join(", ")]
    });
    show::table(&["event", "how many", "fields changed most"], rows.collect());
}

async fn refusals(play: &Play) -> anyhow::Result<()> {
    let mut codes = Vec::new();
    for played in play.played.iter().filter(|played| played.night == 2) {
        for warning in &played.report.warnings {
            let field = warning.field.clone().unwrap_or_default();
            let place = (warning.first_record > 0).then(|| format!("from record {}", warning.first_record));
            let place = [place.unwrap_or_default(), field].join(" ");
            told((&played.file, place.trim()), warning.code, "");
            codes.push(warning.code);
        }
        let Some(run) = played.report.run.filter(|_| played.report.counts.rejected > 0) else { continue };
        for reject in play.pipeline.store.rejects(run, 0, 20).await? {
            let place =
                format!("record {} {}", reject.position.number, reject.field.as_deref().unwrap_or_default());
            told((&played.file, place.trim()), reject.code, "refused: ");
            codes.push(reject.code);
        }
    }
    show::remedies(codes.into_iter());
    Ok(())
}

fn told((file, place): (&str, &str), code: Code, what: &str) {
    let place = if place.is_empty() { String::new() } else { format!(" ({place})") };
    show::line(format_args!("  {file}: {code} {what}{}{place}", language::told(code.entry()).title));
}

/// The person of night 2 that most sources speak of.
async fn worth_showing(play: &Play, second: &[JournalEvent]) -> anyhow::Result<Option<KnownPerson>> {
    let mut ids: Vec<PersonId> = second.iter().map(|event| event.person).collect();
    ids.sort();
    ids.dedup();
    ids.truncate(CANDIDATES);
    let persons = play.pipeline.store.persons(&ids).await?;
    let sources = |person: &KnownPerson| {
        let mut sources: Vec<&str> = person.state.origins.iter().map(|o| o.source.as_str()).collect();
        sources.sort_unstable();
        sources.dedup();
        sources.len()
    };
    Ok(persons.into_iter().max_by_key(|person| (sources(person), std::cmp::Reverse(person.id))))
}

fn next(play: &Play, chosen: Option<&KnownPerson>) {
    let program = program();
    let id = chosen.map(|person| person.id.to_string()).unwrap_or_default();
    let lines = match &play.kept {
        Some(home) => {
            let hub = format!("{program} --home {}", home.display());
            vec![
                format!("{hub} person why {id} droits.rsa.etat"),
                format!(
                    "{hub} rejects                           the refused records of the last run that has some"
                ),
                format!("{hub} events tail --output json | head -3"),
                format!("{hub} serve                             the same events over HTTP"),
            ]
        }
        None => vec![
            format!("{program} demo --keep essai                   keep this, and look further"),
            format!(
                "{program} deliver caf EXTRACT.xml             take in a real extract; nothing leaves this machine"
            ),
            format!(
                "{program} mapping lint                        check mappings; docs/ARCHITECTURE.md says how all fits"
            ),
        ],
    };
    for text in lines {
        show::line(format_args!("  {text}"));
    }
}

/// How this program was called, so that the lines can be copied.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "dlnuf".to_owned())
}
