//! A profile at work: of what is known of persons, what it is told.
//!
//! A person's versions and what the profile was told of them enter, with the news of a page or with a subscriber on its way; events
//! leave, and what the profile was told then. Pure but for the clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::following::{Addressed, Told};
use super::moving::OnItsWay;
use super::news::News;
use super::telling::{Kin, Lens, Standing, Step};
use super::versions::{Passage, passages};
use super::{Scope, Subscription, Territory};
use crate::clock::Clock;
use crate::delivery::PersonId;
use crate::event::{Event, Manner, Occasion, read_as_gone, read_out};
use crate::referential::departement;
use crate::statement::{Origin, Stated};
use crate::store::Version;
use uuid::Uuid;

/// What is known of a person, and what the profile knows.
pub(super) struct Known {
    pub versions: Arc<Vec<Version>>,
    pub told: Option<Told>,
}

/// A profile at work: what it sees now, and what it saw under each declaration before.
pub(super) struct Sight<'h> {
    pub lens: Lens<'h>,
    pub saw: Vec<Scope>,
    pub clock: &'h dyn Clock,
    /// Those who subscribe.
    pub subscriptions: &'h [Subscription],
    /// The territories of those who are told nothing now.
    pub away: &'h [Territory],
    /// Those a page names as kin, and what is known of them.
    pub kin: BTreeMap<PersonId, Stated>,
}

/// What is told of one person.
pub(super) struct Tale {
    pub person: PersonId,
    pub told: Option<Told>,
    pub events: Vec<Addressed>,
}

impl Sight<'_> {
    /// What the news of a person come to. Nothing is kept of one the profile does not see and never saw.
    pub fn of_news(&self, person: PersonId, known: Known, news: &News) -> Tale {
        let Known { versions, told } = known;
        let from = match &told {
            Some(told) => Some(told.version),
            None if news.created && news.first == 1 => None,
            None => Some(news.first.saturating_sub(1)),
        };
        let mut now = told.unwrap_or_default();
        let mut events = Vec::new();
        for passage in passages(&versions, from, news.last) {
            let mut kin = news.kin.range(now.version + 1..=passage.sequence).map(|(_, kin)| *kin);
            let kin = kin.next().filter(|kin| self.may_name(now.standing.seen_in.as_deref(), *kin));
            let saw = passage.before.map(|before| self.saw(now.declared).see(before)).unwrap_or_default();
            let (told, standing) =
                self.step(person, (saw, now.standing), (&passage, news.created, kin.unwrap_or(Kin::None)));
            now = Told { version: passage.sequence, declared: self.current(), standing };
            events.extend(told);
        }
        now.version = now.version.max(news.last);
        Tale { person, told: Some(now).filter(Told::is_known), events }
    }

    /// What the profile sees of a person now, beside what it saw.
    pub fn of_now(&self, person: PersonId, known: Known) -> Tale {
        let Known { versions, told } = known;
        let now = told.unwrap_or_default();
        let held = versions.iter().find(|version| version.sequence >= now.version);
        let saw = held.map(|held| self.saw(now.declared).see(&held.state)).unwrap_or_default();
        let Some(latest) = versions.last() else { return Tale { person, told: None, events: Vec::new() } };
        let passage = Passage { before: None, after: &latest.state, by: None, sequence: latest.sequence };
        let (events, standing) = self.step(person, (saw, now.standing), (&passage, false, Kin::None));
        let now = Told { version: latest.sequence, declared: self.current(), standing };
        Tale { person, told: Some(now).filter(Told::is_known), events }
    }

    fn step(
        &self,
        person: PersonId,
        (saw, standing): (Stated, Standing),
        (passage, created, kin): (&Passage<'_>, bool, Kin),
    ) -> (Vec<Addressed>, Standing) {
        let first = passage.after.origins.first().cloned().unwrap_or_else(Origin::nowhere);
        let (at, by) = passage.by.unwrap_or_else(|| (self.clock.now(), &first));
        let step = Step { saw: &saw, after: passage.after, by, created, kin, at };
        let (events, standing) = self.lens.tell(person, standing, step);
        let told = |event: Event| {
            let queued = self.subscriptions.iter().any(|s| s.is_queued() && s.follows(&event.routing_key));
            Addressed { person, to: None, event, queued }
        };
        (events.into_iter().map(told).collect(), standing)
    }

    /// What a subscriber on its way is told of a person the profile sees: all there is, or that the person is gone.
    pub fn of_move(&self, person: PersonId, known: &Known, on: &OnItsWay<'_>) -> Option<Addressed> {
        let told = known.told.as_ref()?;
        let place = told.standing.seen_in.as_ref().filter(|place| on.concerns(place))?;
        self.reading(person, known, (place, on.leaving), (on.subscription, on.id))
    }

    /// What a subscriber that asks for a person again is told: all there is, or that the person is gone from its sight. Nothing of whom it
    /// never saw.
    pub fn again(
        &self,
        person: PersonId,
        known: &Known,
        (own, id): (&Subscription, Uuid),
    ) -> Option<Addressed> {
        let told = known.told.as_ref()?;
        match told.standing.seen_in.as_ref().filter(|place| own.territory.covers(place)) {
            Some(place) => self.reading(person, known, (place, false), (own, id)),
            None if self.was_within(known, own) => self.reading(person, known, ("00", true), (own, id)),
            None => None,
        }
    }

    fn reading(
        &self,
        person: PersonId,
        known: &Known,
        (place, gone): (&str, bool),
        (own, id): (&Subscription, Uuid),
    ) -> Option<Addressed> {
        let told = known.told.as_ref()?;
        let occasion = Occasion {
            person: self.lens.pseudonyms.of(&self.lens.scope.profile, person),
            arrival: None,
            last_sequence: told.standing.sequence,
            at: self.clock.now(),
            departement: place,
            manner: Manner::Scoped,
        };
        let event = if gone {
            read_as_gone(occasion, id)
        } else {
            let held = known.versions.iter().find(|version| version.sequence >= told.version)?;
            read_out(self.lens.canon, occasion, &self.lens.scope.see(&held.state), id)?
        };
        Some(Addressed { person, to: Some(own.subscriber.clone()), event, queued: own.is_queued() })
    }

    /// Whether all who are told of a person may know whom the person turned out to have to do with.
    fn may_name(&self, seen_in: Option<&str>, kin: Kin) -> bool {
        let named = kin.person().and_then(|kin| self.kin.get(&kin));
        seen_in.zip(named).is_some_and(|(place, named)| self.lens.may_name(self.away, (place, named)))
    }

    /// Whether a person was ever in a subscriber's territory.
    fn was_within(&self, known: &Known, own: &Subscription) -> bool {
        let within = |version: &Version| own.territory.covers(&departement(self.lens.canon, &version.state));
        known.versions.iter().any(within)
    }

    /// What the profile saw by under a declaration.
    fn saw(&self, declared: u32) -> &Scope {
        let at = usize::try_from(declared).unwrap_or(usize::MAX);
        self.saw.get(at).unwrap_or(self.lens.scope)
    }

    /// The declaration that holds, by its place.
    fn current(&self) -> u32 {
        u32::try_from(self.saw.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }
}
