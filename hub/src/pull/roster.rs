//! Whom a place is asked about: the persons of the store, those asked lately left out.
//!
//! Persons are listed in the order of their identifiers; when each was asked is a note, by pull and person, so that a look that
//! broke off asks nobody twice before the answer is old.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hub_core::canonical::{Canon, FieldId};
use hub_core::clock::Clock;
use hub_core::delivery::PersonId;
use hub_core::ledger::Book;
use hub_core::roster::{Asked, Outcome, Roster};
use hub_core::store::{KnownPerson, Store, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// When persons were asked about, by `SOURCE/PULL/PERSON`.
const ASKINGS: Book<Asking> = Book::named("asked");
/// A whole date, `1982-02-01`.
const WHOLE_DATE: usize = 10;

/// That a person was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Asking {
    at: Timestamp,
    found: bool,
}

/// The persons of a store.
pub struct StoreRoster {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// `SOURCE/PULL`.
    pull: String,
    /// How long an answer is fresh.
    fresh_for: Duration,
    fields: Fields,
}

/// The fields persons are asked by.
struct Fields {
    nir: Option<FieldId>,
    birth_date: Option<FieldId>,
    france_travail: Option<FieldId>,
}

impl StoreRoster {
    /// The persons of a store, for one pull.
    pub fn new(
        (store, clock): (Arc<dyn Store>, Arc<dyn Clock>),
        canon: &Canon,
        pull: String,
        fresh_for: Duration,
    ) -> Self {
        let fields = Fields {
            nir: canon.find("identite.nir"),
            birth_date: canon.find("identite.date_naissance"),
            france_travail: canon.find("identifiants.identifiant_ft"),
        };
        Self { store, clock, pull, fresh_for, fields }
    }

    /// When each of these persons was last asked about.
    async fn asked_at(&self, people: &[PersonId]) -> Result<HashMap<Uuid, Timestamp>, StoreError> {
        let (Some(first), Some(last)) = (people.first(), people.last()) else { return Ok(HashMap::new()) };
        let (mut after, end) = (self.entry(before(*first)), self.entry(*last));
        let mut asked = HashMap::new();
        loop {
            let page = ASKINGS.page(self.store.as_ref(), &after, 1_000).await?;
            let whole = page.len();
            let own: Vec<(String, Asking)> =
                page.into_iter().take_while(|(entry, _)| *entry <= end).collect();
            let ended = own.len() < whole;
            let Some((last, _)) = own.last() else { return Ok(asked) };
            after.clone_from(last);
            for (entry, asking) in own {
                let person = entry.rsplit('/').next().and_then(|text| text.parse().ok());
                asked.extend(person.map(|person: Uuid| (person, asking.at)));
            }
            if ended {
                return Ok(asked);
            }
        }
    }

    fn entry(&self, person: PersonId) -> String {
        format!("{}/{person}", self.pull)
    }

    fn asked_by(&self, person: &KnownPerson) -> Asked {
        let text = |field: Option<FieldId>| {
            let (value, _) = person.state.get(field?)?;
            value.as_text().map(str::to_owned)
        };
        Asked {
            person: person.id,
            nir13: text(self.fields.nir),
            birth_date: text(self.fields.birth_date).filter(|date| date.len() == WHOLE_DATE),
            france_travail: text(self.fields.france_travail),
        }
    }
}

/// The identifier just before this one.
fn before(person: PersonId) -> PersonId {
    PersonId(Uuid::from_u128(person.0.as_u128().saturating_sub(1)))
}

#[async_trait]
impl Roster for StoreRoster {
    async fn due(&self, after: Option<PersonId>, limit: u32) -> Result<Vec<Asked>, StoreError> {
        let mut after = after.unwrap_or(PersonId(Uuid::nil()));
        let now = self.clock.now();
        loop {
            let people = self.store.people(after, limit).await?;
            let Some(last) = people.last() else { return Ok(Vec::new()) };
            after = *last;
            let asked = self.asked_at(&people).await?;
            let fresh = |person: &PersonId| {
                asked.get(&person.0).is_some_and(|at| now.duration_since(*at).unsigned_abs() < self.fresh_for)
            };
            let due: Vec<PersonId> = people.into_iter().filter(|person| !fresh(person)).collect();
            if !due.is_empty() {
                let mut persons = self.store.persons(&due).await?;
                persons.sort_by_key(|person| person.id);
                return Ok(persons.iter().map(|person| self.asked_by(person)).collect());
            }
        }
    }

    async fn asked(&self, person: PersonId, at: Timestamp, outcome: Outcome) -> Result<(), StoreError> {
        let asking = Asking { at, found: outcome == Outcome::Answered };
        ASKINGS.change(self.store.as_ref(), &self.entry(person), |_| asking).await.map(|_| ())
    }
}
