//! How far behind each subscriber is: what was told and has not reached it, since when, and what it says became of the rest.
//!
//! A subscription enters; counts and times leave, never a value of a person. What waits in a subscriber's queue is the broker's to say.

use hub_core::ledger::Book;
use hub_core::store::{Store, StoreError};
use hub_core::subscription::{Channel, Subscription, ToldEvent, paused};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::admission::is_admitted;
use crate::effects::{Effects, effects};
use crate::webhook::{STANDINGS, Standing};

/// The place up to which a subscriber that reads over HTTP has asked for more: it has what was before.
pub const READ: Book<u64> = Book::named("lectures");
/// Told events looked through at once.
const PAGE: u32 = 1_000;
/// Events counted at most.
pub const MOST: u64 = 10_000;

/// How far behind a subscriber is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// Whether it is told anything now: `en_service`, `en_pause`, `expire`, `desactive`.
    pub state: &'static str,
    /// It was given what it connects by.
    pub added: bool,
    /// Events told that have not left the hub for it, [`MOST`] at most.
    pub waiting: u64,
    /// The time of the oldest of them.
    pub oldest: Option<Timestamp>,
    /// It is being shown persons: how many so far.
    pub shown: Option<u64>,
    /// Where its webhook stands.
    pub webhook: Option<Standing>,
    /// What it says became of what reached it.
    pub effects: Effects,
}

#[derive(Deserialize)]
struct Timed {
    time: Timestamp,
}

impl Lag {
    /// Reads how far behind a subscriber is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(store: &dyn Store, own: &Subscription, today: Date) -> Result<Self, StoreError> {
        let name = own.subscriber.as_str();
        let webhook = match own.channel {
            Channel::Webhook { .. } => STANDINGS.read(store, name).await?,
            Channel::Queue | Channel::Http => None,
        };
        let paused = paused(store).await?.contains(name);
        let state = match &webhook {
            _ if own.has_expired(today) => "expire",
            _ if paused => "en_pause",
            Some(standing) if standing.disabled => "desactive",
            _ => "en_service",
        };
        let moving = store.following(&own.profile).await?.and_then(|following| following.moving);
        let shown = moving.filter(|way| way.subscriber == name && !way.leaving).map(|way| way.persons);
        let (waiting, oldest) = waiting(store, own, webhook.as_ref()).await?;
        let added = is_admitted(store, name).await?;
        Ok(Self { state, added, waiting, oldest, shown, webhook, effects: effects(store, name).await? })
    }

    /// The same in JSON.
    pub fn in_json(&self) -> Json {
        let Effects { applied, failed, up_to, reported } = &self.effects;
        let webhook = self.webhook.as_ref().map(|standing| {
            json!({ "echecs_de_suite": standing.failures, "derniere_reponse": standing.last, "prochain_essai": standing.due })
        });
        json!({
            "etat": self.state, "ajoute": self.added, "en_attente": self.waiting, "plus_ancien": self.oldest, "instantane_en_cours": self.shown,
            "webhook": webhook,
            "effets": { "appliques": applied, "en_echec": failed, "applique_jusqu_a": up_to, "dernier_compte_rendu": reported },
        })
    }
}

/// How many events are for a subscriber and have not left the hub, and the time of the first.
async fn waiting(
    store: &dyn Store,
    own: &Subscription,
    webhook: Option<&Standing>,
) -> Result<(u64, Option<Timestamp>), StoreError> {
    let mut after = match own.channel {
        Channel::Queue => 0,
        Channel::Http => READ.read(store, &own.subscriber).await?.unwrap_or_default(),
        Channel::Webhook { .. } => webhook.map_or(0, |standing| standing.cursor),
    };
    let (mut count, mut oldest) = (0, None);
    while count < MOST {
        let page = match own.channel {
            Channel::Queue => store.told_outbox(after, PAGE).await?,
            Channel::Http | Channel::Webhook { .. } => store.told(&own.profile, after, PAGE).await?,
        };
        let Some(last) = page.last() else { break };
        after = last.position;
        for event in page.iter().filter(|event| event.profile == own.profile && own.receives(event)) {
            count += 1;
            oldest = oldest.or_else(|| time(event));
        }
    }
    Ok((count.min(MOST), oldest))
}

fn time(event: &ToldEvent) -> Option<Timestamp> {
    serde_json::from_str::<Timed>(&event.json).ok().map(|timed| timed.time)
}
