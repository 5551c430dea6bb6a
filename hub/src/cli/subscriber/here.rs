//! What a subscriber has here: a queue and a user on the broker, and whether it is told anything for now.

use std::sync::Arc;

use hub_core::store::Store;
use hub_core::subscription::{Channel, PAUSED, Subscription, ask_for_snapshot};
use serde_json::json;

use super::Desk;
use crate::admission::{admit, withdraw};
use crate::broker::Reader;
use crate::cli::language::either;
use crate::cli::{Exit, Output, show};
use crate::clock::today;
use crate::installation;
use crate::provision::{Access, Provision};
use crate::settings::Settings;

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
fn queued(subscription: &Subscription) -> anyhow::Result<&Subscription> {
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

async fn store(desk: &Desk, settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    installation::open_store(settings, &desk.canon).await
}

pub(super) async fn add(
    desk: &Desk,
    name: &str,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    let subscription = in_force(desk, name)?;
    let store = store(desk, settings).await?;
    if subscription.channel == Channel::Http {
        // What was told before is none of its affairs: it begins with how things are.
        ask_for_snapshot(store.as_ref(), name).await?;
        return let_in(store.as_ref(), subscription, output).await;
    }
    let access = Provision::of(settings)?.add(&store, queued(subscription)?).await?;
    told(name, &access, output);
    Ok(Exit::Done)
}

pub(super) async fn rotate(
    desk: &Desk,
    name: &str,
    (settings, output): (&Settings, Output),
) -> anyhow::Result<Exit> {
    let subscription = in_force(desk, name)?;
    if subscription.channel == Channel::Http {
        return let_in(store(desk, settings).await?.as_ref(), subscription, output).await;
    }
    let reader = Reader::of(queued(subscription)?, desk.today);
    let access = Provision::of(settings)?.rotate(&reader).await?;
    told(name, &access, output);
    Ok(Exit::Done)
}

/// Gives a subscriber a token to read over HTTP, in the place of the one before.
async fn let_in(store: &dyn Store, subscription: &Subscription, output: Output) -> anyhow::Result<Exit> {
    let name = subscription.subscriber.as_str();
    let token = admit(store, (name, &subscription.profile)).await?;
    match output {
        Output::Json => show::json_line(&json!({ "abonne": name, "jeton": token })),
        Output::Table => {
            show::line(format_args!("DLNUF_TOKEN={token}"));
            eprintln!(
                "{}",
                either(
                    "ce jeton ne sera plus montré : remettez-le à l'outil par un canal sûr ; il lit GET /v1/subscribers/me/events",
                    "this token is not shown again: hand it to the tool by a safe way; it reads GET /v1/subscribers/me/events"
                )
            );
        }
    }
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
    if withdraw(store.as_ref(), name).await?.is_none() || settings.broker.is_some() {
        Provision::of(settings)?.remove(store.as_ref(), &reader).await?;
    }
    let (french, english) = (
        format!("`{name}` n'a plus ni file, ni utilisateur, ni jeton"),
        format!("`{name}` has neither queue, user nor token any more"),
    );
    Ok(done((name, "retire"), either(french, english), output))
}
