//! `dlnuf events tail|snapshot`: the journal of events, or what is known now, as CloudEvents.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use hub_core::canonical::Canon;
use hub_core::store::Store;
use serde_json::Value as Json;

use super::language::either;
use super::{Exit, Output};
use crate::clock::MachineClock;
use crate::installation;
use crate::settings::Settings;
use crate::snapshot::{START, page};

/// Subcommands of `events`.
#[derive(Debug, Subcommand)]
pub enum Events {
    /// Print the events stored, oldest first
    Tail(Tail),
    /// Print all that is known now, one event a person: what a tool starts from
    Snapshot,
}

/// Arguments of `events tail`.
#[derive(Debug, Args)]
pub struct Tail {
    /// Print only events after this cursor
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// Stay, and print events as they come
    #[arg(long)]
    follow: bool,
}

const PAGE: u32 = 500;
const POLL_MS: u64 = 500;

impl Events {
    /// Runs the command.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let canon = installation::canon()?;
        let store = installation::open_existing(settings, &canon).await?;
        match self {
            Self::Tail(tail) => tail.run(store.as_ref(), output).await,
            Self::Snapshot => snapshot(store.as_ref(), &canon, output).await,
        }
    }
}

impl Tail {
    async fn run(self, store: &dyn Store, output: Output) -> anyhow::Result<Exit> {
        let mut after = self.after;
        let known = after == 0 || store.reaches(after).await?;
        anyhow::ensure!(
            known,
            "the journal has no cursor {after}: it was made anew since; start with --after 0"
        );
        loop {
            let page = store.events(after, PAGE).await?;
            for event in &page {
                after = event.cursor;
                if !print(event.cursor, &event.json, output) {
                    return Ok(Exit::Done);
                }
            }
            if page.is_empty() && !self.follow {
                go_on(after);
                return Ok(Exit::Done);
            }
            if page.is_empty() {
                tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
            }
        }
    }
}

async fn snapshot(store: &dyn Store, canon: &Canon, output: Output) -> anyhow::Result<Exit> {
    // Before the persons are read: what changes meanwhile is told again rather than missed.
    let cursor = store.journal_end().await?;
    let mut next = Some(START);
    while let Some(after) = next {
        let page = page(store, (canon, &MachineClock), after, PAGE).await?;
        for state in &page.states {
            if !print(cursor, state, output) {
                return Ok(Exit::Done);
            }
        }
        next = page.next;
    }
    go_on(cursor);
    Ok(Exit::Done)
}

/// On the error output, so that what programs read stays events alone.
fn go_on(after: u64) {
    eprintln!("{} dlnuf events tail --after {after}", either("pour la suite :", "go on with:"));
}

/// False once the reader went away (`| head`): it has seen enough.
fn print(cursor: u64, json: &str, output: Output) -> bool {
    let text = match output {
        Output::Json => json.to_owned(),
        Output::Table => line(cursor, json),
    };
    writeln!(std::io::stdout(), "{text}").is_ok()
}

/// One line for a person: cursor, type, subject, the fields that changed or who the subject turned out to be, or to be taken for.
fn line(cursor: u64, json: &str) -> String {
    let event: Json = serde_json::from_str(json).unwrap_or_default();
    let text = |pointer: &str| event.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
    let changes =
        event.pointer("/data/changements").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let fields: Vec<&str> = changes.iter().filter_map(|change| change.get("champ")?.as_str()).collect();
    let other = |name: &str| event.pointer(name).and_then(Json::as_str);
    let into = other("/data/fusionnee_dans").or_else(|| other("/data/scindee_en"));
    let loaded =
        event.pointer("/data/chargement/personnes").map(|count| format!("{count} persons can be read"));
    let into = into.map(|into| format!("→ {into}"));
    let told = into.or(loaded).unwrap_or_else(|| fields.join(", "));
    format!("{cursor:>8}  {}  {}  {told}", text("/type"), text("/subject"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_names_the_fields_and_no_value() {
        let json = r#"{"type":"t","subject":"s","data":{"changements":[{"champ":"adresse.voie","apres":"SECRET"}]}}"#;
        let line = super::line(7, json);
        assert!(line.contains("adresse.voie") && !line.contains("SECRET"));
        let merged = r#"{"type":"t","subject":"s","data":{"fusionnee_dans":"u","changements":[]}}"#;
        assert!(super::line(8, merged).ends_with("s  → u"));
    }
}
