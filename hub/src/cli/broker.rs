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
    let files = SubscriptionFiles::of(settings)?;
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
        let mut advice: Vec<&str> = drifts.iter().map(remedy).collect();
        advice.sort_unstable();
        advice.dedup();
        for advice in advice {
            show::line(format_args!("- {advice}"));
        }
    }
    if drifts.is_empty() { Exit::Done } else { Exit::Mistakes }
}

/// What to do about a difference.
fn remedy(drift: &Drift) -> &'static str {
    match (drift.thing, &drift.expected, &drift.found) {
        ("policy", None, _) => either(
            "une politique que le hub n'a pas faite s'applique à une de ses files, et peut en faire perdre : resserrez son motif ou ôtez-la (`rabbitmqctl clear_policy`)",
            "a policy the hub did not make applies to one of its queues, and may lose what waits there: narrow its pattern or take it away (`rabbitmqctl clear_policy`)",
        ),
        ("user", Some(_), _) | ("policy", ..) => either(
            "un utilisateur ou une politique : `dlnuf subscriber rotate NOM`, ou `add` pour qui n'a jamais été ajouté, les refait",
            "a user or a policy: `dlnuf subscriber rotate NAME`, or `add` for one never added, makes them anew",
        ),
        ("tag", ..) => either(
            "une étiquette : `rabbitmqctl set_user_tags UTILISATEUR` les ôte toutes",
            "a tag: `rabbitmqctl set_user_tags USER` takes all of them away",
        ),
        (_, Some(_), None) => either(
            "ce qui manque est déclaré par `dlnuf serve` à sa prochaine connexion",
            "what is missing is declared by `dlnuf serve` when it next connects",
        ),
        ("queue" | "exchange", Some(_), Some(_)) => either(
            "une file ou un échange fait autrement : supprimez-le sur le courtier, `dlnuf serve` le refait et montre à l'abonné ce qu'il contenait",
            "a queue or an exchange made otherwise: delete it on the broker, `dlnuf serve` makes it anew and shows the subscriber what it held",
        ),
        ("binding", None, _) => either(
            "une liaison de trop : ôtez-la sur le courtier (interface de gestion, page de la file)",
            "a binding too many: take it away on the broker (management pages, that of the queue)",
        ),
        ("exchange", None, _) => either(
            "l'échange d'un profil que plus personne ne suit : supprimez-le sur le courtier",
            "the exchange of a profile nobody follows any more: delete it on the broker",
        ),
        _ => either(
            "une file ou un utilisateur que rien ne déclare : `dlnuf subscriber remove NOM`",
            "a queue or a user nothing declares: `dlnuf subscriber remove NAME`",
        ),
    }
}

fn thing_in_words(thing: &str) -> &str {
    match thing {
        "queue" => either("file", "queue"),
        "binding" => either("liaison", "binding"),
        "user" => either("utilisateur", "user"),
        "tag" => either("étiquette", "tag"),
        "policy" => either("politique", "policy"),
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
