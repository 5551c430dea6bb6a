//! `dlnuf events tail`: the journal of events, as CloudEvents.

use std::io::Write;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::{Exit, Output};
use crate::installation;
use crate::settings::Settings;

/// Subcommands of `events`.
#[derive(Debug, Subcommand)]
pub enum Events {
    /// Print the events stored, oldest first
    Tail(Tail),
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
        let Self::Tail(tail) = self;
        let store = installation::open_existing(settings, &installation::canon()?).await?;
        let mut after = tail.after;
        let known = after == 0 || store.reaches(after).await?;
        anyhow::ensure!(
            known,
            "the journal has no cursor {after}: it was made anew since; start with --after 0"
        );
        loop {
            let page = store.events(after, PAGE).await?;
            for event in &page {
                after = event.cursor;
                let text = match output {
                    Output::Json => event.json.clone(),
                    Output::Table => line(event.cursor, &event.json),
                };
                // A reader that went away (`| head`) has seen enough.
                if writeln!(std::io::stdout(), "{text}").is_err() {
                    return Ok(Exit::Done);
                }
            }
            if page.is_empty() && !tail.follow {
                // On the error output, so that what programs read stays events alone.
                eprintln!("go on later with: dlnuf events tail --after {after}");
                return Ok(Exit::Done);
            }
            if page.is_empty() {
                tokio::time::sleep(Duration::from_millis(POLL_MS)).await;
            }
        }
    }
}

/// One line for a person: cursor, type, subject, the fields that changed or who the subject turned out to be.
fn line(cursor: u64, json: &str) -> String {
    let event: Json = serde_json::from_str(json).unwrap_or_default();
    let text = |pointer: &str| event.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
    let changes =
        event.pointer("/data/changements").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let fields: Vec<&str> = changes.iter().filter_map(|change| change.get("champ")?.as_str()).collect();
    let into = event.pointer("/data/fusionnee_dans").and_then(Json::as_str);
    let told = into.map_or_else(|| fields.join(", "), |into| format!("→ {into}"));
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
