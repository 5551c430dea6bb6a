//! Subscribers on their way: who is new, or whose territory changed, or whose queue was lost, is shown persons, or told they are gone.
//!
//! Who subscribes and what each has been shown enter; the next way one of them has to go leaves, and page by page what it is told.
//! It is told alone, through its own channel, in the order of all its profile is told, so there is no gap to what follows; what it is
//! shown is a reading, at the sequence the profile knows. One at a time, and no faster than the broker takes it.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use uuid::Uuid;

use super::following::{Following, Member, Move, SNAPSHOTS, Telling};
use super::herald::nobody;
use super::{Addressed, Advance, Herald, Subscription, Territory};
use crate::event::announce_shown;
use crate::store::StoreError;

/// Persons gone through at once.
const PERSONS: u32 = 500;
/// Events that may wait for the broker while somebody is shown persons: others are not delayed by more.
pub(super) const WAITING: u64 = 2_000;
/// Subscribers asked about at once.
const ASKED: u32 = 1_000;

/// A subscriber on its way.
pub(super) struct OnItsWay<'m> {
    pub subscription: &'m Subscription,
    pub leaving: bool,
    pub id: Uuid,
    from: Territory,
    to: Territory,
}

impl<'m> OnItsWay<'m> {
    fn of(way: &Move, subscription: &'m Subscription) -> Self {
        let (from, to) = (Territory::of_codes(&way.from), Territory::of_codes(&way.to));
        Self { subscription, leaving: way.leaving, id: way.id, from, to }
    }

    /// Whether persons of a département are spoken of.
    pub fn concerns(&self, place: &str) -> bool {
        let (before, after) = (self.from.covers(place), self.to.covers(place));
        if self.leaving { before && !after } else { after && !before }
    }
}

/// A subscriber that has been shown a territory.
pub(super) fn member(own: &Subscription, territory: Vec<CompactString>) -> Member {
    Member { subscriber: own.subscriber.clone(), territory, queued: own.is_queued() }
}

/// The next who has to be told that persons are gone.
fn next_to_leave(members: &[Member], subscriptions: &[Subscription], id: Uuid) -> Option<Move> {
    members.iter().find_map(|member| {
        let own = subscriptions.iter().find(|s| s.subscriber == member.subscriber)?;
        let from = Territory::of_codes(&member.territory);
        let way = |to: Territory| way(own, (member.territory.clone(), to.codes()), true, id);
        (!own.territory.holds(&from)).then(|| way(from.within(&own.territory)))
    })
}

/// The next who has to be shown persons. Whoever asks is shown everybody.
fn next_to_join(
    members: &[Member],
    subscriptions: &[Subscription],
    asked: &BTreeSet<CompactString>,
    id: Uuid,
) -> Option<Move> {
    subscriptions.iter().find_map(|own| {
        let member = members.iter().find(|member| member.subscriber == own.subscriber);
        // What it read elsewhere is not in its queue.
        let other_way = |member: &&Member| own.is_queued() && !member.queued;
        let member = member.filter(|member| !asked.contains(&own.subscriber) && !other_way(member));
        let from = member.map(|member| member.territory.clone()).unwrap_or_default();
        let shown = Territory::of_codes(&from).holds(&own.territory);
        (member.is_none() || !shown).then(|| way(own, (from, own.territory.codes()), false, id))
    })
}

fn way(
    own: &Subscription,
    (from, to): (Vec<CompactString>, Vec<CompactString>),
    leaving: bool,
    id: Uuid,
) -> Move {
    Move { subscriber: own.subscriber.clone(), from, to, leaving, behind: nobody(), id, persons: 0 }
}

impl Herald {
    /// Tells who lost some of its territory that persons are gone, before anybody is told anything else.
    pub(super) async fn lead_out(&self, before: &Following) -> Result<Option<Advance>, StoreError> {
        let gone = |name: &CompactString| self.subscriptions.iter().all(|own| own.subscriber != *name);
        if before.members.iter().any(|member| gone(&member.subscriber)) {
            // Whoever comes back is shown everybody.
            let mut after = before.clone();
            after.members.retain(|member| !gone(&member.subscriber));
            self.write_move(before, after, Vec::new()).await?;
            return Ok(Some(Advance::default()));
        }
        let reads_elsewhere = |member: &Member| {
            let reads = |own: &Subscription| own.subscriber == member.subscriber && !own.is_queued();
            member.queued && self.subscriptions.iter().any(reads)
        };
        if before.members.iter().any(reads_elsewhere) {
            // Should it read its queue again, what it was told meanwhile is not in there.
            let mut after = before.clone();
            let elsewhere = after.members.iter_mut().filter(|member| reads_elsewhere(member));
            elsewhere.for_each(|member| member.queued = false);
            self.write_move(before, after, Vec::new()).await?;
            return Ok(Some(Advance::default()));
        }
        let under_way = before.moving.clone().filter(|way| way.leaving);
        let next = || next_to_leave(&before.members, &self.subscriptions, self.clock.mint());
        match under_way.or_else(next) {
            Some(way) => self.go_on(before, way).await.map(Some),
            None => Ok(None),
        }
    }

    /// Shows who came persons, beside what everybody is told.
    pub(super) async fn lead_in(&self) -> Result<Advance, StoreError> {
        let idle = Advance { idle: true, ..Advance::default() };
        let Some(before) = self.store.following(&self.scope.profile).await? else { return Ok(idle) };
        let under_way = match before.moving.clone() {
            Some(way) => Some((before, way)),
            None => self.begin_to_lead_in(before).await?,
        };
        let Some((before, way)) = under_way else { return Ok(idle) };
        let queued = self.subscriptions.iter().any(|s| s.subscriber == way.subscriber && s.is_queued());
        if queued && self.store.told_waiting().await? > WAITING {
            return Ok(idle);
        }
        self.go_on(&before, way).await
    }

    /// Who comes next, and where the profile stands then.
    async fn begin_to_lead_in(&self, before: Following) -> Result<Option<(Following, Move)>, StoreError> {
        let asked = self.store.notes(SNAPSHOTS, "", ASKED).await?;
        let asked: BTreeSet<CompactString> = asked.into_iter().map(|(name, _)| name.into()).collect();
        let way = next_to_join(&before.members, &self.subscriptions, &asked, self.clock.mint());
        let Some(way) = way else { return Ok(None) };
        if asked.contains(&way.subscriber) {
            // It is no member until it has been shown everybody, so nothing is lost should the hub die here.
            let mut after = before.clone();
            after.members.retain(|member| member.subscriber != way.subscriber);
            after.moving = Some(way.clone());
            self.write_move(&before, after.clone(), Vec::new()).await?;
            self.store.erase_note(SNAPSHOTS, &way.subscriber).await?;
            return Ok(Some((after, way)));
        }
        Ok(Some((before, way)))
    }

    /// Tells the next page of a move, or ends it.
    async fn go_on(&self, before: &Following, way: Move) -> Result<Advance, StoreError> {
        let own = self.subscriptions.iter().find(|s| s.subscriber == way.subscriber);
        let Some(own) = own else { return self.end(before, way, None).await };
        let persons = self.store.people(way.behind, PERSONS).await?;
        let Some(last) = persons.last().copied() else { return self.end(before, way, Some(own)).await };
        let known = self.known(&persons).await?;
        let (sight, on) = (self.sight(before, BTreeMap::new()), OnItsWay::of(&way, own));
        let told = persons.iter().filter_map(|person| sight.of_move(*person, known.get(person)?, &on));
        let told: Vec<Addressed> = told.collect();
        let count = told.len() as u64;
        let way = Move { behind: last, persons: way.persons + count, ..way };
        let after = Following { moving: Some(way), ..before.clone() };
        self.write_move(before, after, told).await?;
        Ok(Advance { events: count, persons: persons.len() as u64, idle: false })
    }

    /// The way is gone: the subscriber has been shown all there is of its territory.
    async fn end(
        &self,
        before: &Following,
        way: Move,
        own: Option<&Subscription>,
    ) -> Result<Advance, StoreError> {
        let mut after = Following { moving: None, ..before.clone() };
        after.members.retain(|member| member.subscriber != way.subscriber);
        let mut told = Vec::new();
        if let Some(own) = own {
            self.reads(own).await?;
            after.members.push(member(own, way.to.clone()));
            // Of a part of a territory nothing else is over.
            if !way.leaving && way.from.is_empty() {
                let event = announce_shown(way.id, (&own.subscriber, way.persons), self.clock.now());
                let to = Some(own.subscriber.clone());
                told.push(Addressed { person: event.person, to, event, queued: own.is_queued() });
            }
        }
        let events = told.len() as u64;
        self.write_move(before, after, told).await?;
        Ok(Advance { events, persons: 0, idle: false })
    }

    pub(super) async fn write_move(
        &self,
        before: &Following,
        after: Following,
        events: Vec<Addressed>,
    ) -> Result<(), StoreError> {
        let (profile, before) = (self.scope.profile.clone(), Some(before.clone()));
        self.store.tell(&Telling { profile, before, after, told: Vec::new(), events }).await
    }
}
