//! Subscriptions: which tool may know what of whom, why, and until when.
//!
//! Declared files enter ([`written`], [`check`]); a [`Scope`] a profile sees a person through leaves, and subscriptions that name it.
//! Need to know is the rule (CASF R. 263-5): what no profile lists is nobody's, and a sensitive field is listed by its own name, with
//! the text that allows it.

mod bound;
mod check;
mod following;
mod foreseen;
mod glance;
mod herald;
mod mending;
mod moving;
mod news;
mod queues;
mod roll;
mod scope;
mod sight;
mod telling;
mod territory;
mod versions;
mod written;

use compact_str::CompactString;
use jiff::civil::Date;

use crate::canonical::{Canon, Category};

pub use bound::{Bond, about_to_bind, bound_by_nothing_else, forget_bonds};
pub use check::{Declared, Mistaken, check};
pub use following::{
    Addressed, Declaration, Following, Member, Move, PAUSED, Telling, Tellings, Told, ToldEvent,
    ask_for_snapshot, paused, queues_aside,
};
pub use foreseen::Prospect;
pub use glance::Glance;
pub use herald::{Advance, Herald};
pub use mending::{ask_for_repair, forget_repairs};
pub use queues::{Reach, queue_is_bound, queue_is_missing, queue_is_unbound, queues_made};
pub use roll::{Differences, Roll, compare, in_sight_of, known_by, roll};
pub use scope::Scope;
pub use telling::{Kin, Lens, Pseudonyms, Standing, Step};
pub use territory::Territory;

/// A tool that is told what changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its name, which its queue bears.
    pub subscriber: CompactString,
    /// What people call it.
    pub title: String,
    /// The profile it sees persons through.
    pub profile: CompactString,
    /// What for.
    pub purpose: String,
    /// What allows it.
    pub basis: String,
    /// The first day it is told nothing any more.
    pub expires: Date,
    /// Whom.
    pub territory: Territory,
    /// Which families of events; all when none is named.
    pub families: Vec<Category>,
    /// How.
    pub channel: Channel,
    /// How many persons it may ask about within twenty-four hours.
    pub lookups: u32,
}

/// A profile somebody subscribes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed<'d> {
    /// What it sees.
    pub scope: &'d Scope,
    /// The subscriptions to it.
    pub subscriptions: Vec<Subscription>,
    /// The territories of those who subscribe too, and are told nothing now.
    pub away: Vec<Territory>,
}

impl Declared {
    /// What a profile was told, as one of its subscribers may read it now: nothing of whom its territory no longer covers, nor of a
    /// field the profile no longer holds.
    pub fn read_by(&self, own: &Subscription, canon: &Canon, event: ToldEvent) -> Option<ToldEvent> {
        let scope = self.scopes.get(&own.profile).filter(|_| own.receives(&event))?;
        Some(ToldEvent { json: scope.cut(canon, event.json), ..event })
    }

    /// The profiles somebody subscribes to on a day.
    pub fn followed(&self, today: Date) -> Vec<Followed<'_>> {
        self.told(today, |_| true)
    }

    /// The profiles to be told on a day, with those who are; the others are away.
    pub fn told(&self, today: Date, is_told: impl Fn(&Subscription) -> bool) -> Vec<Followed<'_>> {
        let of = |scope: &'_ Scope| {
            let live = self.subscriptions.values().filter(|s| s.profile == scope.profile);
            live.filter(|s| !s.has_expired(today)).cloned().partition(&is_told)
        };
        let followed = self.scopes.values().map(|scope| {
            let (subscriptions, away): (Vec<Subscription>, Vec<Subscription>) = of(scope);
            let away = away.into_iter().map(|own| own.territory).collect();
            Followed { scope, subscriptions, away }
        });
        followed.filter(|followed| !followed.subscriptions.is_empty()).collect()
    }
}

/// How a subscriber gets its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A RabbitMQ queue of its own.
    Queue,
    /// It asks over HTTP: pages by cursor, long-poll, SSE.
    Http,
    /// The hub posts them there, signed.
    Webhook {
        /// Where.
        url: String,
        /// Failures in a row after which it is posted nothing more.
        failures: u32,
    },
}

impl Channel {
    /// A word for tables and JSON.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queue => "file",
            Self::Http => "http",
            Self::Webhook { .. } => "webhook",
        }
    }
}

impl Subscription {
    /// Whether it is told nothing any more on a day.
    pub fn has_expired(&self, today: Date) -> bool {
        self.expires <= today
    }

    /// Whether it reads a queue.
    pub fn is_queued(&self) -> bool {
        self.channel == Channel::Queue
    }

    /// Whether something its profile was told is for it.
    pub fn receives(&self, event: &ToldEvent) -> bool {
        match &event.to {
            Some(to) => *to == self.subscriber,
            None => self.follows(&event.routing_key),
        }
    }

    /// Whether events of a routing key are for it.
    pub fn follows(&self, routing_key: &str) -> bool {
        let mut words = routing_key.split('.');
        let family = words.next().and_then(|word| FAMILIES.into_iter().find(|f| family_word(*f) == word));
        let verb = words.next().unwrap_or_default();
        let departement = words.next_back().unwrap_or_default();
        self.territory.covers(departement)
            && (COMING_AND_GOING.contains(&verb) || family.is_none_or(|family| self.wants(family)))
    }

    /// Whether it asked for a family of events.
    pub fn wants(&self, family: Category) -> bool {
        self.families.is_empty() || self.families.contains(&family)
    }
}

/// The word of a family of events, as routing keys begin.
pub fn family_word(family: Category) -> &'static str {
    match family {
        Category::Personne => "personne",
        Category::Droit => "droit",
        Category::Inscription => "inscription",
        Category::Orientation => "orientation",
        Category::Engagement => "engagement",
    }
}

/// How somebody comes, goes or turns out to be another one: told to all, whatever families they asked for.
pub const COMING_AND_GOING: [&str; 5] = ["creee", "entree", "sortie", "fusionnee", "scindee"];

/// Every family of events.
pub const FAMILIES: [Category; 5] =
    [Category::Personne, Category::Droit, Category::Inscription, Category::Orientation, Category::Engagement];

#[cfg(test)]
mod tests;
