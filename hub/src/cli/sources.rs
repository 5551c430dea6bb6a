//! `dlnuf sources`: the institutions configured and how their pulls stand; tokens to push with; pause, resume, rewind a pull.

use std::sync::Arc;

use clap::{Args, Subcommand};
use hub_core::store::Store;
use jiff::Timestamp;
use serde_json::json;

use super::language::{counted, either};
use super::list::minutes;
use super::{Exit, Output, language, show};
use crate::installation;
use crate::pull::standing::{STANDINGS, Standing, entry, forget};
use crate::settings::Settings;
use crate::sources::{Source, token};

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
    /// Fetch nothing by a pull until it is resumed
    Pause(Which),
    /// Fetch by a pull again, at once
    Resume(Which),
    /// Have a pull forget where it is: all that its place still offers is fetched again
    Rewind(Rewind),
}

/// A pull.
#[derive(Debug, Args)]
struct Which {
    /// `SOURCE/PULL`, as the sources file names them
    pull: String,
}

/// Arguments of `rewind`.
#[derive(Debug, Args)]
struct Rewind {
    #[command(flatten)]
    which: Which,
    /// Go on from this cursor instead of the beginning, for places read by cursor
    #[arg(long)]
    cursor: Option<String>,
}

impl SourcesCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// When the sources file holds mistakes.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        match self.action {
            Some(Action::Pause(which)) => {
                which.change(settings, |standing| Standing { paused: true, ..standing }).await
            }
            Some(Action::Resume(which)) => {
                let resumed = |standing| Standing {
                    paused: false,
                    next: Some(Timestamp::UNIX_EPOCH),
                    tries: 0,
                    ..standing
                };
                which.change(settings, resumed).await
            }
            Some(Action::Rewind(rewind)) => rewind.run(settings).await,
            Some(Action::Token { name }) => {
                make(&name, output);
                Ok(Exit::Done)
            }
            None => list(settings, output).await,
        }
    }
}

impl Which {
    /// The store, once the pull is known to be configured.
    async fn store(&self, settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
        let canon = installation::canon()?;
        let catalogue = installation::mapping_files(settings)?.compile(&canon)?;
        let sources = installation::sources(settings, &catalogue)?;
        let known = self.pull.split_once('/').and_then(|(source, pull)| sources.get(source)?.pulls.get(pull));
        let unknown = || {
            let pull = &self.pull;
            either(
                format!("il n'y a pas de collecte `{pull}` ; `dlnuf sources` les liste"),
                format!("there is no pull `{pull}`; `dlnuf sources` lists them"),
            )
        };
        anyhow::ensure!(known.is_some(), unknown());
        installation::open_store(settings, &canon).await
    }

    async fn change(
        &self,
        settings: &Settings,
        change: impl Fn(Standing) -> Standing + Send + Sync,
    ) -> anyhow::Result<Exit> {
        let store = self.store(settings).await?;
        let standing = STANDINGS
            .change(store.as_ref(), &self.pull, |standing| change(standing.unwrap_or_default()))
            .await?;
        let stands = if standing.paused {
            either("est en pause", "is paused")
        } else {
            either("reprend", "is resumed")
        };
        show::line(format_args!("{} {stands}", self.pull));
        Ok(Exit::Done)
    }
}

impl Rewind {
    async fn run(self, settings: &Settings) -> anyhow::Result<Exit> {
        let store = self.which.store(settings).await?;
        let change = |standing: Option<Standing>| Standing {
            cursor: self.cursor.clone(),
            next: Some(Timestamp::UNIX_EPOCH),
            ..standing.unwrap_or_default()
        };
        STANDINGS.change(store.as_ref(), &self.which.pull, change).await?;
        let forgotten = forget(store.as_ref(), &self.which.pull).await?;
        let pull = &self.which.pull;
        let again = counted(forgotten as u64, ["fichier", "fichiers"], ["offer", "offers"]);
        show::line(either(
            format_args!("{pull} repart du début ; cherchés de nouveau s'ils sont encore là : {again}"),
            format_args!("{pull} is rewound; fetched again if still there: {again}"),
        ));
        Ok(Exit::Done)
    }
}

fn make(name: &str, output: Output) {
    let secret = token::mint();
    let hash = token::hash(&secret);
    if output == Output::Json {
        return show::json_line(&json!({ "token": secret, "name": name, "hash": hash.to_string() }));
    }
    let (shown, kept) = either(
        (
            "jeton, pour l'institution, montré seulement ici :",
            "sous `tokens:` de sa source, dans le fichier des sources :",
        ),
        ("token, for the institution, shown only now:", "under `tokens:` of its source in the sources file:"),
    );
    show::line(format_args!("{shown} {secret}"));
    show::line(kept);
    show::line(format_args!("  - {{ name: {name}, hash: \"{hash}\" }}"));
}

async fn list(settings: &Settings, output: Output) -> anyhow::Result<Exit> {
    let canon = installation::canon()?;
    let catalogue = installation::mapping_files(settings)?.compile(&canon)?;
    let sources = installation::sources(settings, &catalogue)?;
    if sources.iter().next().is_none() {
        let file = settings.sources_file();
        let file = file.display();
        show::line(either(
            format_args!("aucune source n'est configurée : `{file}` n'existe pas, ou est vide"),
            format_args!("no source is configured: `{file}` is not there, or is empty"),
        ));
        return Ok(Exit::Done);
    }
    let store = installation::open_store(settings, &canon).await?;
    for (name, source) in sources.iter() {
        let last = store.last_arrival(name).await?;
        tell(name, source, last, output);
        for pull in source.pulls.keys() {
            let standing = STANDINGS.read(store.as_ref(), &entry(name, pull)).await?.unwrap_or_default();
            tell_pull(name, pull, &standing, output);
        }
    }
    Ok(Exit::Done)
}

fn tell(name: &str, source: &Source, last: Option<Timestamp>, output: Output) {
    if output == Output::Json {
        return show::json_line(&json!({
            "source": name, "tokens": source.tokens.len(), "max_bytes": source.max_bytes,
            "last_arrival": last.map(|at| at.to_string()), "expected_by": source.expected.as_ref().map(|e| e.by.to_string()),
        }));
    }
    let came = last.map_or_else(
        || either("rien n'est encore arrivé", "nothing came yet").to_owned(),
        |at| format!("{} {} UTC", either("dernière arrivée le", "last arrival"), minutes(at)),
    );
    let tokens = counted(source.tokens.len() as u64, ["jeton", "jetons"], ["token", "tokens"]);
    show::line(format_args!("{name}{} {came}, {tokens}", either(" :", ":")));
}

fn tell_pull(source: &str, pull: &str, standing: &Standing, output: Output) {
    let Standing { next, tries, paused, last, cursor } = standing;
    if output == Output::Json {
        return show::json_line(&json!({
            "pull": entry(source, pull), "paused": paused, "next": next.map(|at| at.to_string()), "failed_tries": tries,
            "cursor": cursor, "last": last,
        }));
    }
    let next = match next {
        _ if *paused => either("en pause", "paused").to_owned(),
        None => either("pas encore regardée", "not looked at yet").to_owned(),
        Some(at) => format!("{} {} UTC", either("prochain essai le", "next look"), minutes(*at)),
    };
    let colon = either(" :", ":");
    show::line(format_args!("  {}{colon} {next}", entry(source, pull)));
    let Some(look) = last else { return };
    let at = minutes(look.at);
    let looked = either("dernier essai le", "last look");
    let Some(failure) = &look.failure else {
        let came = counted(look.deliveries, ["livraison", "livraisons"], ["delivery", "deliveries"]);
        return show::line(format_args!("    {looked} {at} UTC{colon} {came}"));
    };
    // Where only some of what is there was refused, the look itself did not fail.
    let times = match tries {
        0 => String::new(),
        tries => format!(" ({})", counted(u64::from(*tries), ["fois", "fois"], ["time", "times"])),
    };
    let failed = either("en échec", "failed");
    let code = failure.code;
    show::line(format_args!(
        "    {looked} {at} UTC {failed}{times}{colon} {code} {}",
        language::told(code.entry()).title
    ));
    show::line(format_args!("      {}", failure.detail));
}
