//! The driver that tells a profile what the journal holds, apart from any load: what it tells waits for the broker, or is asked for.
//!
//! A page of the journal is told at a time: whom it speaks of, what of them changed since the profile last heard of them, and one
//! transaction for what it is told and how far it has come. A profile that is new, or declared otherwise than it was, is shown
//! everybody first. An interrupted telling goes on where it stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::following::{Addressed, Declaration, Following, Telling, Told};
use super::news::{News, is_load, news};
use super::telling::{Kin, Lens, Pseudonyms, Standing, Step};
use super::versions::{Passage, passages};
use super::{Scope, Territory};
use crate::canonical::Canon;
use crate::clock::Clock;
use crate::delivery::PersonId;
use crate::statement::{Origin, Stated};
use crate::store::{Store, StoreError, Version};

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
    /// The territories of those who subscribe to it.
    pub territories: Vec<Territory>,
    /// Some of them have a queue.
    pub to_broker: bool,
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

/// What is known of a person, and what the profile knows.
struct Known {
    versions: Vec<Version>,
    told: Option<Told>,
}

/// A profile at work: what it sees now, and what it saw under each declaration before.
struct Sight<'h> {
    lens: Lens<'h>,
    saw: Vec<Scope>,
    clock: &'h dyn Clock,
    /// Those a page names as kin whom the profile may know.
    kin: BTreeSet<PersonId>,
}

impl Herald {
    /// Tells the next page, or shows the next persons.
    ///
    /// # Errors
    /// When the store fails; [`StoreError::Conflict`] when another hub tells this profile.
    pub async fn advance(&self) -> Result<Advance, StoreError> {
        let declared = self.declaration();
        match self.store.following(&self.scope.profile).await? {
            Some(before) if before.declared.last() == Some(&declared) => match before.sweep {
                Some(behind) => self.show_everybody(before, behind).await,
                None => self.tell_page(before).await,
            },
            before => self.begin(before, declared).await,
        }
    }

    /// Everybody is to be gone through: of a new profile from where the journal ends now.
    async fn begin(&self, before: Option<Following>, declared: Declaration) -> Result<Advance, StoreError> {
        let cursor = match &before {
            Some(before) => before.cursor,
            None => self.store.journal_end().await?,
        };
        let mut declarations = before.as_ref().map(|before| before.declared.clone()).unwrap_or_default();
        declarations.push(declared);
        let after = Following { cursor, sweep: Some(nobody()), declared: declarations };
        self.write(before, after, Vec::new()).await
    }

    async fn tell_page(&self, before: Following) -> Result<Advance, StoreError> {
        let page = self.store.events(before.cursor, PAGE).await?;
        let Some(last) = page.last() else { return Ok(Advance { idle: true, ..Advance::default() }) };
        // Whom a first load made is in no event.
        let sweep = page.iter().any(is_load).then(nobody);
        let after = Following { cursor: last.cursor, sweep, ..before.clone() };
        let news = news(&page);
        let persons: Vec<PersonId> = news.keys().copied().collect();
        let mut known = self.known(&persons).await?;
        let sight = self.sight(&before, self.visible(&news).await?);
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
        let sight = self.sight(&before, BTreeSet::new());
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
        let (profile, to_broker) = (self.scope.profile.clone(), self.to_broker);
        self.store.tell(&Telling { profile, before, after, told, events, to_broker }).await?;
        Ok(Advance { events: count, persons, idle: false })
    }

    async fn known(&self, persons: &[PersonId]) -> Result<BTreeMap<PersonId, Known>, StoreError> {
        if persons.is_empty() {
            return Ok(BTreeMap::new());
        }
        let told = self.store.told_of(&self.scope.profile, persons).await?;
        let mut told: BTreeMap<PersonId, Told> = told.into_iter().collect();
        let histories = self.store.histories(persons).await?.into_iter();
        Ok(histories.map(|(id, versions)| (id, Known { versions, told: told.remove(&id) })).collect())
    }

    /// Of those the news name as kin, whom the profile may know.
    async fn visible(&self, news: &BTreeMap<PersonId, News>) -> Result<BTreeSet<PersonId>, StoreError> {
        let named = news.values().flat_map(|news| news.kin.values()).filter_map(|kin| kin.person());
        let named: BTreeSet<PersonId> = named.collect();
        if named.is_empty() {
            return Ok(named);
        }
        let persons = self.store.persons(&named.into_iter().collect::<Vec<_>>()).await?;
        let lens = self.lens();
        Ok(persons.iter().filter(|person| lens.shows(&person.state)).map(|person| person.id).collect())
    }

    fn lens(&self) -> Lens<'_> {
        Lens {
            canon: &self.canon,
            scope: &self.scope,
            territories: &self.territories,
            pseudonyms: &self.pseudonyms,
        }
    }

    fn sight(&self, following: &Following, kin: BTreeSet<PersonId>) -> Sight<'_> {
        let saw = following.declared.iter();
        let saw = saw.map(|declared| Scope::of_paths(&self.canon, &self.scope.profile, &declared.fields));
        Sight { lens: self.lens(), saw: saw.collect(), clock: self.clock.as_ref(), kin }
    }

    fn declaration(&self) -> Declaration {
        Declaration {
            fields: self.scope.fields().map(|field| self.canon.field(field).path.clone()).collect(),
            territories: self.territories.iter().map(Territory::codes).collect(),
        }
    }
}

/// Before the first person there is.
fn nobody() -> PersonId {
    PersonId(uuid::Uuid::nil())
}

/// What is told of one person.
struct Tale {
    person: PersonId,
    told: Option<Told>,
    events: Vec<Addressed>,
}

impl Sight<'_> {
    /// What the news of a person come to. Nothing is kept of one the profile does not see and never saw.
    fn of_news(&self, person: PersonId, known: Known, news: &News) -> Tale {
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
            let kin = kin.next().filter(|kin| kin.person().is_some_and(|kin| self.kin.contains(&kin)));
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
    fn of_now(&self, person: PersonId, known: Known) -> Tale {
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
        (events.into_iter().map(|event| Addressed { person, to: None, event }).collect(), standing)
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
