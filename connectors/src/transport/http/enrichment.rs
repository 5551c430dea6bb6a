//! Persons asked about one by one, as France Travail has it: each is searched for, then a few calls are made with the token found.
//!
//! Persons of a roster enter, one line each leaves, in the roster's order: what they were asked by, and each answer as it came. Somebody
//! the place fails about is asked again the next time, and hides nobody else. A fetch that fails in the middle is made again from
//! its start: nobody of it counts as asked. After a crash between archive and `taken`, the same persons are asked again.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use hub_core::code::Code;
use hub_core::delivery::PersonId;
use hub_core::roster::{Asked, Outcome, Roster};
use hub_core::store::StoreError;
use hub_core::transport::{Fetched, Offer, Sink, Transport, TransportError};
use serde::Deserialize;

use super::auth::Auth;
use super::client::{Access, Client, address};
use super::collection::nothing_left_here;
use super::limits::Limits;
use super::lines::Lines;
use super::pending::Pending;
use super::person::{PersonCall, Persons, Told};
use super::time::Time;
use super::toll::Toll;

/// When the place fails about so many persons one after the other, it is the place that fails.
const MOST_FAILING: usize = 3;
/// Persons asked for from the roster at once.
const ROSTER_PAGE: u32 = 200;

/// Persons asked about one by one, as configured.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrichmentConfig {
    /// Where the calls are, `https://api.francetravail.io/partenaire`.
    pub base_url: String,
    /// Headers sent with every call; on the realm `/agent` the three `pa-…-agent`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How the place knows the hub.
    pub auth: Auth,
    /// What is asked about each person found.
    pub calls: Vec<PersonCall>,
    /// Persons asked about at the same time: 4.
    #[serde(default = "parallel")]
    pub parallel: usize,
    /// Persons asked about in one fetch: 500.
    #[serde(default = "persons_per_fetch")]
    pub persons_per_fetch: u32,
    /// How calls are bounded and repeated.
    #[serde(default)]
    pub limits: Limits,
}

fn parallel() -> usize {
    4
}

fn persons_per_fetch() -> u32 {
    500
}

/// Persons asked about one by one.
pub struct Enrichment {
    config: EnrichmentConfig,
    persons: Persons,
    roster: Arc<dyn Roster>,
    time: Time,
    /// Who was asked by the last fetch, until it is taken.
    asked: Pending<(PersonId, Outcome)>,
}

impl Enrichment {
    /// # Errors
    /// [`Code::BadConfig`], with the key.
    pub fn new(
        config: EnrichmentConfig,
        roster: Arc<dyn Roster>,
        time: Time,
    ) -> Result<Self, TransportError> {
        let base = address(&config.base_url, "base_url")?;
        let access = Access { auth: &config.auth, headers: &config.headers, limits: &config.limits };
        let client = Client::new(access, time.clone())?;
        let persons = Persons::new(client, base, &config.calls)?;
        Ok(Self { config, persons, roster, time, asked: Pending::default() })
    }

    async fn due(&self) -> Result<Vec<Asked>, TransportError> {
        let (mut due, mut after) = (Vec::new(), None);
        loop {
            let wanted =
                self.config.persons_per_fetch.saturating_sub(u32::try_from(due.len()).unwrap_or(u32::MAX));
            if wanted == 0 {
                return Ok(due);
            }
            let page = self.roster.due(after, wanted.min(ROSTER_PAGE)).await.map_err(not_kept)?;
            let Some(last) = page.last() else { return Ok(due) };
            after = Some(last.person);
            due.extend(page);
        }
    }
}

#[async_trait]
impl Transport for Enrichment {
    async fn look(&self, _cursor: Option<&str>) -> Result<Vec<Offer>, TransportError> {
        if self.roster.due(None, 1).await.map_err(not_kept)?.is_empty() {
            return Ok(Vec::new());
        }
        let version = self.time.clock.now().to_string();
        Ok(vec![Offer { name: "personnes".to_owned(), version, size_bytes: None, changed_at: None }])
    }

    async fn fetch(&self, offer: &Offer, into: Sink<'_>) -> Result<Fetched, TransportError> {
        let (mut lines, mut toll, mut asked) = (Lines::into(into), Toll::default(), Vec::new());
        let due = self.due().await?;
        let mut answers = stream::iter(due.into_iter().map(|person| self.persons.ask(person)))
            .buffered(self.config.parallel.max(1));
        let mut failing = Vec::new();
        while let Some(answer) = answers.next().await {
            let Told { person, outcome, line, missing } = match answer {
                Err(error) if error.code == Code::PlaceUnreachable && failing.len() + 1 < MOST_FAILING => {
                    toll.count((error.code, "the place fails when asked about a person".into()));
                    failing.push(error);
                    continue;
                }
                answer => answer?,
            };
            failing.clear();
            asked.push((person, outcome));
            if let Some(cause) = missing {
                toll.count(cause);
            }
            if let Some(line) = line {
                lines.write(line).await?;
            }
        }
        if let (true, Some(error)) = (asked.is_empty(), failing.pop()) {
            return Err(error);
        }
        if !asked.is_empty() && toll.holds_only(Code::PlaceRefused, asked.len()) {
            return Err(TransportError::new(Code::PlaceRefused, "the place answers about nobody (`R001`)"));
        }
        self.asked.remember(&offer.version, asked);
        if lines.written() == 0 {
            // No bytes will be kept, so nothing stands between the answers and the roster.
            self.taken(offer).await?;
            return Ok(Fetched::Nothing);
        }
        Ok(Fetched::Whole { cursor: None, missing: toll.told() })
    }

    async fn taken(&self, offer: &Offer) -> Result<(), TransportError> {
        let at = self.time.clock.now();
        for (person, outcome) in self.asked.recall(&offer.version) {
            self.roster.asked(person, at, outcome).await.map_err(not_kept)?;
        }
        Ok(())
    }

    fn offers_once(&self) -> bool {
        false
    }

    async fn leave(&self, _name: &str, _bytes: &[u8]) -> Result<(), TransportError> {
        Err(nothing_left_here())
    }

    async fn check(&self) -> Result<String, TransportError> {
        self.persons.log_in().await?;
        Ok("a token was given; nobody was asked about".to_owned())
    }
}

fn not_kept(error: StoreError) -> TransportError {
    TransportError::new(error.code(), "the roster of persons to ask about did not answer").because(error)
}
