//! What a subscriber has here: a queue and a user on the broker, and whether it is told anything for now.

use std::sync::Arc;

use hub_core::clock::Clock as _;
use hub_core::store::Store;
use hub_core::subscription::{
    Channel, PAUSED, Subscription, ask_for_snapshot, forget_bonds, forget_repairs, queues_made,
};
use jiff::civil::Date;
use serde_json::json;

use super::Desk;
use crate::admission::{admit, is_admitted, withdraw};
use crate::broker::Reader;
use crate::cli::language::either;
use crate::cli::{Exit, Output, show};
use crate::clock::{MachineClock, today};
use crate::effects;
use crate::installation;
use crate::lag::READ;
use crate::provision::{Access, Provision};
use crate::seal::Seal;
use crate::settings::Settings;
use crate::webhook::{self, STANDINGS, Standing};

/// How long one command at most has a subscriber's secrets to itself, in milliseconds.
const ALONE_MS: u64 = 60_000;

/// A subscriber that has not expired.
fn in_force<'d>(desk: &'d Desk, name: &str) -> anyhow::Result<&'d Subscription> {
    let subscription = desk.subscription(name)?;
    let day = subscription.expires;
    anyhow::ensure!(
        !subscription.has_expired(desk.today),
        either(format!("l'abonnement a expiré le {day}"), format!("the subscription expired on {day}"))
    );
    Ok(subscription)
}

/// One that reads a queue.
pub(super) fn queued(subscription: &Subscription) -> anyhow::Result<&Subscription> {
    let (name, channel) = (&subscription.subscriber, subscription.channel.word());
    anyhow::ensure!(
        subscription.is_queued(),
        either(
            format!("`{name}` n'a rien à recevoir ici : son canal est `{channel}`"),
            format!("`{name}` has nothing to be given here: its channel is `{channel}`"),
        )
    );
    Ok(subscription)
}

pub(super) async fn store(desk: &Desk, settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    installation::open_store(settings, &desk.canon).await
}

/// What a subscriber is given, once.
#[derive(Default)]
struct Given {
    access: Option<Access>,
    secret: Option<String>,
    token: Option<String>,
}

pub(super) async fn add(
    desk: &Desk,
    name: &str,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    let subscription = in_force(desk, name)?;
    let store = store(desk, settings).await?;
    let given = alone(&store, name, added(&store, subscription, settings)).await?;
    given.tell(name, output);
    Ok(Exit::Done)
}

async fn added(
    store: &Arc<dyn Store>,
    subscription: &Subscription,
    settings: &Settings,
) -> anyhow::Result<Given> {
    let name = subscription.subscriber.as_str();
    anyhow::ensure!(
        !is_admitted(store.as_ref(), name).await?,
        either(
            format!("`{name}` est déjà ajouté : `dlnuf subscriber rotate {name}` lui donne d'autres secrets"),
            format!("`{name}` was added before: `dlnuf subscriber rotate {name}` gives it other secrets"),
        )
    );
    let mut given = Given::default();
    match &subscription.channel {
        Channel::Queue => given.access = Some(Provision::of(settings)?.add(store, subscription).await?),
        Channel::Webhook { url, .. } => {
            // What can never be posted to is refused now, not at the first event.
            installation::networks(settings)?.target(url)?;
            given.secret = Some(webhook_secret(store, settings, name).await?);
            let cursor = store.told_end(&subscription.profile).await?;
            STANDINGS.change(store.as_ref(), name, |_| Standing { cursor, ..Standing::default() }).await?;
        }
        Channel::Http => {}
    }
    if !subscription.is_queued() {
        // What was told before is none of its affairs: it begins with how things are.
        ask_for_snapshot(store.as_ref(), name).await?;
    }
    given.token = Some(admit(store.as_ref(), (name, &subscription.profile)).await?);
    Ok(given)
}

pub(super) async fn rotate(
    desk: &Desk,
    name: &str,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    let subscription = in_force(desk, name)?;
    let store = store(desk, settings).await?;
    let given = alone(&store, name, rotated(&store, subscription, (settings, desk.today))).await?;
    given.tell(name, output);
    Ok(Exit::Done)
}

async fn rotated(
    store: &Arc<dyn Store>,
    subscription: &Subscription,
    (settings, today): (&Settings, Date),
) -> anyhow::Result<Given> {
    let name = subscription.subscriber.as_str();
    let mut given = Given::default();
    match &subscription.channel {
        Channel::Queue => {
            let reader = Reader::of(subscription, today);
            given.access = Some(Provision::of(settings)?.rotate(&reader).await?);
        }
        Channel::Webhook { .. } => given.secret = Some(webhook_secret(store, settings, name).await?),
        Channel::Http => {}
    }
    given.token = Some(admit(store.as_ref(), (name, &subscription.profile)).await?);
    Ok(given)
}

/// Gives a subscriber secrets while no other command does: each would take away what the other gives.
async fn alone(
    store: &Arc<dyn Store>,
    name: &str,
    giving: impl Future<Output = anyhow::Result<Given>>,
) -> anyhow::Result<Given> {
    let (lease, holder) = (format!("secrets/{name}"), MachineClock.mint());
    anyhow::ensure!(
        store.lease(&lease, holder, ALONE_MS).await?,
        either(
            format!(
                "une autre commande donne des secrets à `{name}` : attendez qu'elle ait fini, une minute au plus"
            ),
            format!("another command gives `{name}` secrets: wait until it is done, a minute at most"),
        )
    );
    let given = giving.await;
    // What was given is told even so: the lease expires by itself.
    let _ = store.lease(&lease, holder, 0).await;
    given
}

async fn webhook_secret(store: &Arc<dyn Store>, settings: &Settings, name: &str) -> anyhow::Result<String> {
    let seal = Seal::load_or_create(&settings.key())?;
    Ok(webhook::mint(store.as_ref(), &seal, name, MachineClock.now()).await?)
}

impl Given {
    /// How to connect, once.
    fn tell(&self, name: &str, output: Output) {
        let Self { access, secret, token } = self;
        if output == Output::Json {
            let mut given = json!({ "abonne": name, "jeton": token });
            if let Some(Access { queue, user, password, url }) = access {
                for (key, value) in
                    [("file", queue), ("utilisateur", user), ("mot_de_passe", password), ("url", url)]
                {
                    given[key] = json!(value);
                }
            }
            if let Some(secret) = secret {
                given["secret"] = json!(secret);
            }
            return show::json_line(&given);
        }
        if let Some(Access { queue, url, .. }) = access {
            show::line(format_args!("DLNUF_AMQP_URL={url}\nDLNUF_QUEUE={queue}"));
        }
        if let Some(secret) = secret {
            show::line(format_args!("DLNUF_WEBHOOK_SECRET={secret}"));
        }
        if let Some(token) = token {
            show::line(format_args!("DLNUF_TOKEN={token}"));
        }
        eprintln!(
            "{}",
            either(
                "ces secrets ne seront plus montrés : remettez-les à l'outil par un canal sûr ; le jeton est pour l'API HTTP (/v1/subscribers/me)",
                "these secrets are not shown again: hand them to the tool by a safe way; the token is for the HTTP API (/v1/subscribers/me)"
            )
        );
    }
}

pub(super) async fn pause(
    desk: &Desk,
    name: &str,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    let subscription = desk.subscription(name)?;
    let store = store(desk, settings).await?;
    let known = store.note(PAUSED, name).await?.map_or(0, |note| note.version);
    store.write_note(PAUSED, name, "{}", known).await?;
    if subscription.is_queued() && settings.broker.is_some() {
        let silenced = Reader::of(subscription, today()).silenced();
        Provision::of(settings)?.declare(&store, vec![silenced]).await?;
    }
    let (french, english) = (
        format!("rien n'est plus dit à `{name}` ; pour reprendre : dlnuf subscriber resume {name}"),
        format!("`{name}` is told nothing for now; to go on: dlnuf subscriber resume {name}"),
    );
    Ok(done((name, "en_pause"), either(french, english), output))
}

pub(super) async fn resume(
    desk: &Desk,
    name: &str,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    let subscription = desk.subscription(name)?;
    let store = store(desk, settings).await?;
    let was_paused = store.note(PAUSED, name).await?.is_some();
    if was_paused || subscription.is_queued() {
        // Asked for before it is told again, so that nothing it missed stays missed.
        ask_for_snapshot(store.as_ref(), name).await?;
    }
    store.erase_note(PAUSED, name).await?;
    if let Some(standing) = STANDINGS.read(store.as_ref(), name).await? {
        let ready = Standing { cursor: standing.cursor, ..Standing::default() };
        STANDINGS.change(store.as_ref(), name, |_| ready.clone()).await?;
        if !was_paused {
            let (french, english) = (
                format!("`dlnuf serve` reprend l'envoi à `{name}` là où il s'était arrêté"),
                format!("`dlnuf serve` goes on posting to `{name}` where it stopped"),
            );
            return Ok(done((name, "repris"), either(french, english), output));
        }
    }
    if subscription.is_queued() && settings.broker.is_some() {
        let reader = Reader::of(subscription, today());
        Provision::of(settings)?.declare(&store, vec![reader]).await?;
    }
    Ok(asked(name, output))
}

pub(super) async fn snapshot(
    desk: &Desk,
    name: &str,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    desk.subscription(name)?;
    ask_for_snapshot(store(desk, settings).await?.as_ref(), name).await?;
    Ok(asked(name, output))
}

fn asked(name: &str, output: Output) -> Exit {
    let (french, english) = (
        format!("`dlnuf serve` montrera à `{name}` toutes les personnes qu'il peut connaître"),
        format!("`dlnuf serve` will show `{name}` everybody it may know"),
    );
    done((name, "a_montrer"), either(french, english), output)
}

/// Says what became of a subscriber.
fn done((name, state): (&str, &str), said: String, output: Output) -> Exit {
    match output {
        Output::Json => show::json_line(&json!({ "abonne": name, "etat": state })),
        Output::Table => show::line(said),
    }
    Exit::Done
}

pub(super) async fn remove(
    desk: &Desk,
    name: &str,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    let known = desk.declared.subscriptions.get(name);
    // Also a file with mistakes declares somebody.
    if settings.subscriptions_folder().join(format!("{name}.yaml")).exists() || known.is_some() {
        anyhow::ensure!(
            known.is_some_and(|subscription| subscription.has_expired(desk.today)),
            either(
                format!("`{name}` est encore déclaré : retirez d'abord son fichier"),
                format!("`{name}` is declared still: take its file away first"),
            )
        );
    }
    let reader = Reader::named(name);
    let store = store(desk, settings).await?;
    withdraw(store.as_ref(), name).await?;
    if settings.broker.is_some() || queues_made(store.as_ref()).await?.iter().any(|made| made == name) {
        Provision::of(settings)?.remove(&reader).await?;
    }
    // That it had a queue stays known: should it have one again, it is shown everybody.
    for book in [PAUSED, STANDINGS.name(), READ.name()] {
        store.erase_note(book, name).await?;
    }
    webhook::forget(store.as_ref(), name).await?;
    effects::forget(store.as_ref(), name).await?;
    forget_repairs(store.as_ref(), name).await?;
    forget_bonds(store.as_ref(), name).await?;
    let (french, english) = (
        format!("`{name}` n'a plus ni file, ni utilisateur, ni jeton"),
        format!("`{name}` has neither queue, user nor token any more"),
    );
    Ok(done((name, "retire"), either(french, english), output))
}
