//! `dlnuf sources`: the institutions configured; `token` makes one of them a token to push with.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Exit, Output, show};
use crate::installation;
use crate::settings::Settings;
use crate::sources::token;

/// Arguments of `sources`.
#[derive(Debug, Args)]
pub struct SourcesCommand {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token to push with: shown once, kept by nobody
    Token {
        /// What it is called in the log
        name: String,
    },
}

impl SourcesCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// When the sources file holds mistakes.
    pub fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        match self.action {
            Some(Action::Token { name }) => {
                make(&name, output);
                Ok(Exit::Done)
            }
            None => list(settings, output),
        }
    }
}

fn make(name: &str, output: Output) {
    let secret = token::mint();
    let hash = token::hash(&secret);
    if output == Output::Json {
        return show::json_line(&json!({ "token": secret, "name": name, "hash": hash.to_string() }));
    }
    show::line(format_args!("token, for the institution, shown only now: {secret}"));
    show::line(format_args!("under `tokens:` of its source in the sources file:"));
    show::line(format_args!("  - {{ name: {name}, hash: \"{hash}\" }}"));
}

fn list(settings: &Settings, output: Output) -> anyhow::Result<Exit> {
    let canon = installation::canon()?;
    let catalogue = installation::mapping_files(settings)?.compile(&canon)?;
    let sources = installation::sources(settings, &catalogue)?;
    if output == Output::Json {
        for (name, source) in sources.iter() {
            show::json_line(&json!({
                "source": name, "tokens": source.tokens.len(), "max_bytes": source.max_bytes,
                "pulls": source.pulls.keys().collect::<Vec<_>>(),
            }));
        }
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = sources
        .iter()
        .map(|(name, source)| {
            let pulls: Vec<&str> = source.pulls.keys().map(String::as_str).collect();
            vec![name.to_owned(), source.tokens.len().to_string(), pulls.join(", ")]
        })
        .collect();
    if rows.is_empty() {
        let file = settings.sources_file();
        show::line(format_args!("no source is configured: `{}` is not there, or is empty", file.display()));
        return Ok(Exit::Done);
    }
    show::table(&["source", "tokens", "fetched from"], rows);
    Ok(Exit::Done)
}
