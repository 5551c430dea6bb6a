//! What a subscriber has here: a queue and a user on the broker, and whether it is told anything for now.

use std::sync::Arc;

use hub_core::store::Store;
use hub_core::subscription::{PAUSED, Subscription, ask_for_snapshot};
use serde_json::json;

use super::Desk;
use crate::broker::Reader;
use crate::cli::language::either;
use crate::cli::{Exit, Output, show};
use crate::clock::today;
use crate::installation;
use crate::provision::{Access, Provision};
use crate::settings::Settings;

/// A subscriber that reads a queue and has not expired.
fn queued<'d>(desk: &'d Desk, name: &str) -> anyhow::Result<&'d Subscription> {
    let subscription = desk.subscription(name)?;
    let day = subscription.expires;
    anyhow::ensure!(
        subscription.is_queued(),
        either(
            format!("`{name}` n'a pas de file : son canal est `{}`", subscription.channel.word()),
            format!("`{name}` has no queue: its channel is `{}`", subscription.channel.word()),
        )
    );
    anyhow::ensure!(
        !subscription.has_expired(desk.today),
        either(format!("l'abonnement a expiré le {day}"), format!("the subscription expired on {day}"))
    );
    Ok(subscription)
}

async fn store(desk: &Desk, settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    installation::open_store(settings, &desk.canon).await
}

pub(super) async fn add(
    desk: &Desk,
    name: &str,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    let subscription = queued(desk, name)?;
    let (provision, store) = (Provision::of(settings)?, store(desk, settings).await?);
    let access = provision.add(&store, subscription).await?;
    told(name, &access, output);
    Ok(Exit::Done)
}

pub(super) async fn rotate(
    desk: &Desk,
    name: &str,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    let reader = Reader::of(queued(desk, name)?, desk.today);
    let access = Provision::of(settings)?.rotate(&reader).await?;
    told(name, &access, output);
    Ok(Exit::Done)
}

/// How to connect, once.
fn told(name: &str, access: &Access, output: Output) {
    let Access { queue, user, password, url } = access;
    if output == Output::Json {
        show::json_line(&json!({
            "abonne": name, "file": queue, "utilisateur": user, "mot_de_passe": password, "url": url,
        }));
        return;
    }
    show::line(format_args!("DLNUF_AMQP_URL={url}\nDLNUF_QUEUE={queue}"));
    eprintln!(
        "{}",
        either(
            "ce mot de passe ne sera plus montré : remettez-le à l'outil par un canal sûr",
            "this password is not shown again: hand it to the tool by a safe way"
        )
    );
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
    // Asked for before it is told again, so that nothing it missed stays missed.
    ask_for_snapshot(store.as_ref(), name).await?;
    store.erase_note(PAUSED, name).await?;
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
    if let Some(subscription) = desk.declared.subscriptions.get(name) {
        anyhow::ensure!(
            subscription.has_expired(desk.today),
            either(
                format!("`{name}` est encore déclaré : retirez d'abord son fichier"),
                format!("`{name}` is declared still: take its file away first"),
            )
        );
    }
    let reader = Reader::named(name);
    let store = store(desk, settings).await?;
    Provision::of(settings)?.remove(store.as_ref(), &reader).await?;
    let (french, english) = (
        format!("`{name}` n'a plus ni file ni utilisateur"),
        format!("`{name}` has neither queue nor user any more"),
    );
    Ok(done((name, "retire"), either(french, english), output))
}
