//! The consultations of a subscriber: when, by what, what was answered, about whom.

use clap::Args;
use serde_json::json;

use super::Desk;
use super::here::store;
use crate::cli::language::either;
use crate::cli::{Exit, Output, show};
use crate::consultations::page;
use crate::settings::Settings;

/// Arguments of `lookups`.
#[derive(Debug, Args)]
pub struct Lookups {
    /// Its name
    name: String,
}

impl Lookups {
    /// Prints them, the first first.
    pub(super) async fn run(self, desk: &Desk, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let store = store(desk, settings).await?;
        let (mut after, mut rows) = (None, Vec::new());
        loop {
            let found = page(store.as_ref(), &self.name, after.as_deref()).await?;
            if after.is_none() && found.is_empty() {
                // One who is no longer declared is answered for what it asked.
                desk.subscription(&self.name)?;
            }
            let Some((last, _)) = found.last() else { break };
            after = Some(last.clone());
            for (_, asked) in found {
                let person = asked.person.map(|person| person.0.to_string());
                if output == Output::Json {
                    show::json_line(&json!({
                        "le": asked.at, "par": asked.by, "reponse": asked.answer, "personne": person, "finalite": asked.purpose,
                    }));
                    continue;
                }
                let at = asked.at.strftime("%Y-%m-%d %H:%M:%S").to_string();
                rows.push(vec![at, asked.by, asked.answer, person.unwrap_or_else(|| "-".to_owned())]);
            }
        }
        if output == Output::Table {
            let headings = either(["le", "par", "réponse", "personne"], ["at", "by", "answer", "person"]);
            show::table(&headings, rows);
        }
        Ok(Exit::Done)
    }
}
