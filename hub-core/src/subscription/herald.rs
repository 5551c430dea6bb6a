//! The driver that tells a profile what the journal holds, apart from any load: what it tells waits for the broker, or is asked for.
//!
//! A page of the journal is told at a time: whom it speaks of, what of them changed since the profile last heard of them, and one
//! transaction for what it is told and how far it has come. A profile that is new, or declared otherwise than it was, is shown
//! everybody first. An interrupted telling goes on where it stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use compact_str::CompactString;

use super::following::{Declaration, Following, Member, Telling, Told};
use super::glance::{self, Glance, Histories};
use super::moving::member;
use super::news::{News, is_load, news};
use super::sight::{Known, Sight, Tale};
use super::telling::{Lens, Pseudonyms};
use super::{Followed, Scope, Subscription, Territory};
use crate::canonical::Canon;
use crate::clock::Clock;
use crate::delivery::PersonId;
use crate::ledger::Book;
use crate::statement::Stated;
use crate::store::{Store, StoreError};

/// Which profile each subscriber reads.
const PROFILES_READ: Book<CompactString> = Book::named("profils-lus");

/// Events of the journal told at once.
const PAGE: u32 = 1_000;
/// Persons gone through at once.
const PERSONS: u32 = 500;

/// The driver of one profile.
pub struct Herald {
    /// Where the journal is, and what was told.
    pub store: Arc<dyn Store>,
    /// The canonical record.
    pub canon: Arc<Canon>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What persons are called.
    pub pseudonyms: Pseudonyms,
    /// What the profile sees.
    pub scope: Scope,
    /// The subscriptions to it.
    pub subscriptions: Vec<Subscription>,
    /// What was last read, also for others.
    glance: Arc<Glance>,
    /// The territory of each.
    territories: Vec<Territory>,
    /// Those of who subscribes too, and is told nothing now.
    away: Vec<Territory>,
}

/// What one step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Advance {
    /// Events told.
    pub events: u64,
    /// Persons looked at.
    pub persons: u64,
    /// There was nothing to tell.
    pub idle: bool,
}

impl Advance {
    fn and(self, other: Self) -> Self {
        let (events, persons) = (self.events + other.events, self.persons + other.persons);
        Self { events, persons, idle: self.idle && other.idle }
    }
}

impl Herald {
    /// A driver of a profile and those who subscribe to it.
    pub fn new(
        store: Arc<dyn Store>,
        (canon, clock): (Arc<Canon>, Arc<dyn Clock>),
        (pseudonyms, glance): (Pseudonyms, Arc<Glance>),
        Followed { scope, subscriptions, away }: Followed<'_>,
    ) -> Self {
        let territories = subscriptions.iter().map(|s| s.territory.clone()).collect();
        Self {
            store,
            canon,
            clock,
            pseudonyms,
            scope: scope.clone(),
            subscriptions,
            glance,
            territories,
            away,
        }
    }

    /// Tells the next page, or shows the next persons.
    ///
    /// # Errors
    /// When the store fails; [`StoreError::Conflict`] when another hub tells this profile.
    pub async fn advance(&self) -> Result<Advance, StoreError> {
        let declared = self.declaration();
        let Some(before) = self.store.following(&self.scope.profile).await? else {
            return self.begin(None, declared).await;
        };
        // Who must not know persons any more is told first.
        if let Some(advance) = self.lead_out(&before).await? {
            return Ok(advance);
        }
        if before.declared.last() != Some(&declared) {
            return self.begin(Some(before), declared).await;
        }
        if let Some(behind) = before.sweep {
            return self.show_everybody(before, behind).await;
        }
        let (told, shown, mended) =
            (self.tell_page(before).await?, self.lead_in().await?, self.mend().await?);
        Ok(told.and(shown).and(mended))
    }

    /// Everybody is to be gone through: of a new profile from where the journal ends now.
    async fn begin(&self, before: Option<Following>, declared: Declaration) -> Result<Advance, StoreError> {
        let cursor = match &before {
            Some(before) => before.cursor,
            None => self.store.journal_end().await?,
        };
        let mut declarations = before.as_ref().map(|before| before.declared.clone()).unwrap_or_default();
        declarations.push(declared);
        let (members, moving) = match &before {
            Some(before) => (before.members.clone(), before.moving.clone()),
            None => (self.first_members().await?, None),
        };
        let after = Following { cursor, sweep: Some(nobody()), declared: declarations, members, moving };
        self.write(before, after, Vec::new()).await
    }

    /// Those told with a new profile what everybody is. Who read another one before is shown everybody instead, so that it lets go of
    /// those it knew by the names of that one.
    async fn first_members(&self) -> Result<Vec<Member>, StoreError> {
        let mut members = Vec::new();
        for own in &self.subscriptions {
            let read = PROFILES_READ.read(self.store.as_ref(), &own.subscriber).await?;
            if read.is_none_or(|profile| profile == self.scope.profile) {
                self.reads(own).await?;
                members.push(member(own, own.territory.codes()));
            }
        }
        Ok(members)
    }

    /// Keeps which profile a subscriber reads. The one it read before has it no more: should it come back, it is shown everybody.
    pub(super) async fn reads(&self, own: &Subscription) -> Result<(), StoreError> {
        let store = self.store.as_ref();
        let before = PROFILES_READ.read(store, &own.subscriber).await?;
        if before.as_ref() == Some(&self.scope.profile) {
            return Ok(());
        }
        if let Some(other) = before
            && let Some(before) = store.following(&other).await?
        {
            let mut after = before.clone();
            after.members.retain(|member| member.subscriber != own.subscriber);
            after.moving = after.moving.filter(|way| way.subscriber != own.subscriber);
            let (told, events) = (Vec::new(), Vec::new());
            store.tell(&Telling { profile: other, before: Some(before), after, told, events }).await?;
        }
        PROFILES_READ.change(store, &own.subscriber, |_| self.scope.profile.clone()).await.map(|_| ())
    }

    async fn tell_page(&self, before: Following) -> Result<Advance, StoreError> {
        let page = self.glance.page(self.store.as_ref(), (before.cursor, PAGE)).await?;
        let Some(last) = page.last() else { return Ok(Advance { idle: true, ..Advance::default() }) };
        // Whom a first load made is in no event.
        let sweep = page.iter().any(is_load).then(nobody);
        let after = Following { cursor: last.cursor, sweep, ..before.clone() };
        let news = news(&page);
        let persons: Vec<PersonId> = news.keys().copied().collect();
        let histories = self.glance.histories(self.store.as_ref(), (before.cursor, &persons)).await?;
        let mut known = self.known_of(&histories, &persons).await?;
        let sight = self.sight(&before, self.named(&news).await?);
        let mut tales = Vec::new();
        for (person, news) in news {
            if let Some(known) = known.remove(&person) {
                tales.push(sight.of_news(person, known, &news));
            }
        }
        self.write(Some(before), after, tales).await
    }

    /// Shows persons as they are now, whatever the journal says of them.
    async fn show_everybody(&self, before: Following, behind: PersonId) -> Result<Advance, StoreError> {
        let persons = self.store.people(behind, PERSONS).await?;
        let after = Following { sweep: persons.last().copied(), ..before.clone() };
        let mut known = self.known(&persons).await?;
        let sight = self.sight(&before, BTreeMap::new());
        let tales = persons.iter().filter_map(|person| Some(sight.of_now(*person, known.remove(person)?)));
        let tales = tales.collect();
        self.write(Some(before), after, tales).await
    }

    async fn write(
        &self,
        before: Option<Following>,
        after: Following,
        tales: Vec<Tale>,
    ) -> Result<Advance, StoreError> {
        let persons = tales.len() as u64;
        let (mut told, mut events) = (Vec::new(), Vec::new());
        for tale in tales {
            told.extend(tale.told.map(|told| (tale.person, told)));
            events.extend(tale.events);
        }
        let count = events.len() as u64;
        let profile = self.scope.profile.clone();
        self.store.tell(&Telling { profile, before, after, told, events }).await?;
        Ok(Advance { events: count, persons, idle: false })
    }

    pub(super) async fn known(&self, persons: &[PersonId]) -> Result<BTreeMap<PersonId, Known>, StoreError> {
        let histories = glance::read(self.store.as_ref(), persons).await?;
        self.known_of(&histories, persons).await
    }

    /// What is known of persons whose versions were read, and what the profile knows.
    async fn known_of(
        &self,
        histories: &Histories,
        persons: &[PersonId],
    ) -> Result<BTreeMap<PersonId, Known>, StoreError> {
        if persons.is_empty() {
            return Ok(BTreeMap::new());
        }
        let told = self.store.told_of(&self.scope.profile, persons).await?;
        let mut told: BTreeMap<PersonId, Told> = told.into_iter().collect();
        let known = |(id, versions): (&PersonId, &Arc<_>)| {
            (*id, Known { versions: Arc::clone(versions), told: told.remove(id) })
        };
        Ok(histories.iter().map(known).collect())
    }

    /// Those the news name as kin, and what is known of them.
    async fn named(&self, news: &BTreeMap<PersonId, News>) -> Result<BTreeMap<PersonId, Stated>, StoreError> {
        let named = news.values().flat_map(|news| news.kin.values()).filter_map(|kin| kin.person());
        let named: BTreeSet<PersonId> = named.collect();
        if named.is_empty() {
            return Ok(BTreeMap::new());
        }
        let persons = self.store.persons(&named.into_iter().collect::<Vec<_>>()).await?;
        Ok(persons.into_iter().map(|person| (person.id, person.state)).collect())
    }

    fn lens(&self) -> Lens<'_> {
        Lens {
            canon: &self.canon,
            scope: &self.scope,
            territories: &self.territories,
            pseudonyms: &self.pseudonyms,
        }
    }

    pub(super) fn sight(&self, following: &Following, kin: BTreeMap<PersonId, Stated>) -> Sight<'_> {
        let saw = following.declared.iter();
        let saw = saw.map(|declared| Scope::of_paths(&self.canon, &self.scope.profile, &declared.fields));
        Sight {
            lens: self.lens(),
            saw: saw.collect(),
            clock: self.clock.as_ref(),
            subscriptions: &self.subscriptions,
            away: &self.away,
            kin,
        }
    }

    fn declaration(&self) -> Declaration {
        Declaration {
            fields: self.scope.fields().map(|field| self.canon.field(field).path.clone()).collect(),
            territories: self.territories.iter().map(Territory::codes).collect(),
        }
    }
}

/// Before the first person there is.
pub(super) fn nobody() -> PersonId {
    PersonId(uuid::Uuid::nil())
}
