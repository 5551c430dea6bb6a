//! How each subscriber stands: whether it is told anything, what waits for it and since when, what it reports, what it refused.

use clap::Args;
use hub_core::subscription::Subscription;
use serde_json::json;

use super::Desk;
use super::here::store;
use crate::broker::{Queue, Reader};
use crate::cli::language::either;
use crate::cli::{Exit, Output, show};
use crate::effects::failures;
use crate::lag::{Lag, MOST};
use crate::provision::Provision;
use crate::settings::Settings;

/// Failures shown of one subscriber.
const FAILURES: u32 = 20;

/// Arguments of `state`.
#[derive(Debug, Args)]
pub struct State {
    /// Its name (`dlnuf subscriber list`); all when left out
    name: Option<String>,
}

impl State {
    /// Prints how they stand.
    pub(super) async fn run(self, desk: &Desk, settings: &Settings, output: Output) -> anyhow::Result<Exit> {
        let store = store(desk, settings).await?;
        let wanted: Vec<&Subscription> = match &self.name {
            Some(name) => vec![desk.subscription(name)?],
            None => desk.declared.subscriptions.values().collect(),
        };
        let queues = if settings.broker_api.is_some() && settings.broker.is_some() {
            Provision::of(settings)?.standing().await?.queues
        } else {
            Vec::new()
        };
        let mut rows = Vec::new();
        for own in wanted {
            let lag = Lag::of(store.as_ref(), own, desk.today).await?;
            let of = |name: String| queues.iter().find(|queue| queue.name == name);
            let reader = Reader::named(&own.subscriber);
            let (queue, letters) = (of(reader.queue()), of(reader.dead_letters()));
            match output {
                Output::Json => show::json_line(&in_json(own, &lag, (queue, letters))),
                Output::Table => rows.push(row(own, &lag, (queue, letters))),
            }
        }
        if output == Output::Table {
            let headings = either(
                [
                    "abonné",
                    "canal",
                    "état",
                    "au hub",
                    "plus ancien",
                    "en file",
                    "rebuts",
                    "échecs",
                    "appliqué jusqu'à",
                ],
                [
                    "subscriber",
                    "channel",
                    "state",
                    "at the hub",
                    "oldest",
                    "in queue",
                    "dead",
                    "failed",
                    "applied up to",
                ],
            );
            show::table(&headings, rows);
        }
        if let (Some(name), Output::Table) = (&self.name, output) {
            for (event, failure) in failures(store.as_ref(), name, FAILURES).await? {
                show::line(format_args!(
                    "  {event}  {}  {}  ×{}",
                    failure.cause, failure.since, failure.times
                ));
            }
        }
        Ok(Exit::Done)
    }
}

fn in_json(
    own: &Subscription,
    lag: &Lag,
    (queue, letters): (Option<&Queue>, Option<&Queue>),
) -> serde_json::Value {
    let mut state = lag.in_json();
    if let Some(state) = state.as_object_mut() {
        let of = |queue: &Queue| json!({ "prets": queue.messages_ready, "en_cours": queue.messages_unacknowledged, "lecteurs": queue.consumers });
        state.insert("abonne".to_owned(), json!(own.subscriber));
        state.insert("canal".to_owned(), json!(own.channel.word()));
        state.insert("file".to_owned(), json!(queue.map(of)));
        state.insert("rebuts".to_owned(), json!(letters.and_then(|letters| letters.messages_ready)));
    }
    state
}

fn row(own: &Subscription, lag: &Lag, (queue, letters): (Option<&Queue>, Option<&Queue>)) -> Vec<String> {
    let unknown = || "?".to_owned();
    let nothing = || "-".to_owned();
    let waits = |queue: &Queue| match (queue.messages_ready, queue.messages_unacknowledged) {
        (Some(ready), Some(in_hand)) => (ready + in_hand).to_string(),
        _ => unknown(),
    };
    let (in_queue, dead) = if own.is_queued() {
        (
            queue.map_or_else(unknown, waits),
            letters
                .and_then(|letters| letters.messages_ready)
                .map_or_else(unknown, |count| count.to_string()),
        )
    } else {
        (nothing(), nothing())
    };
    let waiting = if lag.waiting >= MOST { format!("≥ {MOST}") } else { lag.waiting.to_string() };
    let time = |at: Option<jiff::Timestamp>| {
        at.map_or_else(nothing, |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
    };
    vec![
        own.subscriber.to_string(),
        own.channel.word().to_owned(),
        state(lag),
        waiting,
        time(lag.oldest),
        in_queue,
        dead,
        lag.effects.failed.to_string(),
        time(lag.effects.up_to),
    ]
}

fn state(lag: &Lag) -> String {
    let word = match lag.state {
        "en_pause" => either("en pause", "paused"),
        "expire" => either("expiré", "expired"),
        "desactive" => either("désactivé", "disabled"),
        _ if !lag.added => either("à ajouter", "to be added"),
        _ => either("en service", "in service"),
    };
    let failing = lag.webhook.as_ref().filter(|standing| standing.failures > 0);
    match (lag.shown, failing) {
        (Some(shown), _) => format!("{word}, {} {shown}", either("instantané", "snapshot")),
        (None, Some(standing)) => {
            format!("{word}, {} ({})", either("en échec", "failing"), standing.last.as_deref().unwrap_or("?"))
        }
        (None, None) => word.to_owned(),
    }
}
