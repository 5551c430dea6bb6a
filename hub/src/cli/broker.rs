//! `dlnuf broker`: whether what stands on the broker is what is declared, and what waits there.

use clap::Subcommand;
use hub_core::code::Code;
use hub_core::subscription::paused;
use serde_json::json;

use super::language::{counted, either};
use super::{Exit, Output, show};
use crate::broker::{Drift, NOWHERE, Queue, Reader, Standing};
use crate::clock::today;
use crate::installation;
use crate::provision::{Provision, wanted};
use crate::settings::Settings;
use crate::subscriptions::SubscriptionFiles;

/// Subcommands of `broker`.
#[derive(Debug, Subcommand)]
pub enum Broker {
    /// Show every difference between what is declared and what stands; returns 5 when there is one
    Lint,
    /// Show what waits: for each subscriber, its dead letters, and what found no queue
    Queues,
}

impl Broker {
    /// Runs the command.
    ///
    /// # Errors
    /// When the broker's management API does not answer, or the subscriptions cannot be read.
    pub async fn run(self, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let standing = Provision::of(settings)?.standing().await?;
        Ok(match self {
            Self::Lint => lint(&standing, &readers(settings).await?, output),
            Self::Queues => queues(&standing, output),
        })
    }
}

/// Those who are to have a queue today.
async fn readers(settings: &Settings) -> anyhow::Result<Vec<Reader>> {
    let canon = installation::canon()?;
    let files = SubscriptionFiles::folder(&settings.subscriptions_folder())?;
    let (declared, mistakes) = files.check(&canon, today());
    if let Some(mistake) =
        mistakes.iter().find(|mistake| mistake.diagnostic.code != Code::SubscriptionExpired)
    {
        // Whom a faulty file declares would be taken for nobody.
        anyhow::bail!("{mistake}; `dlnuf subscriber lint`");
    }
    let store = installation::open_store(settings, &canon).await?;
    let silent = paused(store.as_ref()).await?;
    let live = declared.subscriptions.values().filter(|own| own.is_queued() && !own.has_expired(today()));
    let reader = live.map(|own| (Reader::of(own, today()), silent.contains(&own.subscriber)));
    Ok(reader.map(|(reader, silent)| if silent { reader.silenced() } else { reader }).collect())
}

fn lint(standing: &Standing, readers: &[Reader], output: Output) -> Exit {
    let drifts = standing.drifts(&wanted(readers), readers);
    for Drift { thing, name, expected, found } in &drifts {
        if output == Output::Json {
            show::json_line(&json!({ "objet": thing, "nom": name, "attendu": expected, "trouve": found }));
            continue;
        }
        let nothing = || either("rien", "nothing").to_owned();
        let something =
            |text: &String| if text.is_empty() { either("là", "there").to_owned() } else { text.clone() };
        let expected = expected.as_ref().map_or_else(nothing, something);
        let found = found.as_ref().map_or_else(nothing, something);
        show::line(format_args!("{}  {name}", thing_in_words(thing)));
        show::line(either(
            format_args!("  attendu : {expected}\n  trouvé  : {found}"),
            format_args!("  expected: {expected}\n  found:    {found}"),
        ));
    }
    if output == Output::Table {
        let count = counted(drifts.len() as u64, ["écart", "écarts"], ["difference", "differences"]);
        show::line(count);
        if !drifts.is_empty() {
            show::line(either(
                "ce qui manque est déclaré par `dlnuf serve` à sa prochaine connexion, un utilisateur par `dlnuf subscriber add` ; ce qui \
                 est en trop s'ôte par `dlnuf subscriber remove`",
                "what is missing is declared by `dlnuf serve` when it next connects, a user by `dlnuf subscriber add`; what is too many \
                 goes by `dlnuf subscriber remove`",
            ));
        }
    }
    if drifts.is_empty() { Exit::Done } else { Exit::Mistakes }
}

fn thing_in_words(thing: &str) -> &str {
    match thing {
        "queue" => either("file", "queue"),
        "binding" => either("liaison", "binding"),
        "user" => either("utilisateur", "user"),
        other => other,
    }
}

fn queues(standing: &Standing, output: Output) -> Exit {
    let ours = |queue: &&Queue| {
        queue.name.starts_with("dlnuf.abonne.")
            || queue.name.starts_with("dlnuf.rebuts")
            || queue.name == NOWHERE
    };
    let mut rows = Vec::new();
    for queue in standing.queues.iter().filter(ours) {
        let Queue { name, messages_ready, messages_unacknowledged, consumers, .. } = queue;
        if output == Output::Json {
            show::json_line(&json!({
                "file": name, "en_attente": messages_ready, "en_cours": messages_unacknowledged, "lecteurs": consumers,
            }));
        }
        let shown = |count: &Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
        rows.push(vec![
            name.clone(),
            shown(messages_ready),
            shown(messages_unacknowledged),
            shown(consumers),
        ]);
    }
    if output == Output::Table {
        let headings = either(
            ["file", "en attente", "en cours", "lecteurs"],
            ["queue", "waiting", "in hand", "readers"],
        );
        show::table(&headings, rows);
    }
    Exit::Done
}
