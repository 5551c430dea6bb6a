//! Persons looked at outside a delivery: those summoned, with all who have something to do with them, grouped anew in one commit.
//!
//! Persons and what is to become of their claims enter; a commit leaves that nobody has written yet. Whom a new group brings along is
//! followed some steps further.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use jiff::Timestamp;
use uuid::Uuid;

use crate::delivery::{DeliveryId, PersonId, RunId};
use crate::identity::IdentityKey;
use crate::ruling::Absorbed;
use crate::statement::Origin;
use crate::store::{Commit, KnownPerson, StoreError};

use super::Pipeline;
use super::announcing::tell;
use super::context::Grounds;
use super::hand::{Bench, Hand};
use super::people::{People, Working};
use super::resolving::{Resolution, resolve};

/// How often persons summoned are followed to those they bring.
const FURTHER_TRIES: usize = 4;

/// What follows, before it is written.
pub(super) struct Followed {
    pub commit: Commit,
    /// Who the persons concerned are then.
    pub persons: Vec<PersonId>,
    /// Who was known of those it was looked at with.
    pub known: BTreeSet<PersonId>,
}

/// What one look comes to.
pub(super) struct Settled {
    pub commit: Commit,
    /// Keys of whom it brings along.
    pub further: Vec<IdentityKey>,
    /// The claims of each person before.
    pub before: BTreeMap<PersonId, Vec<i64>>,
    /// Who is another one now.
    pub absorbed: Vec<PersonId>,
}

/// When and by what.
pub(super) type Cause = (Timestamp, DeliveryId);

impl Pipeline {
    /// Looks at persons with all who share a key with them, and with whom those bring.
    pub(super) async fn summon(
        &self,
        summoned: &[PersonId],
        settle: impl Fn(Hand) -> (Commit, Vec<IdentityKey>),
    ) -> Result<Followed, StoreError> {
        let mut keys: Vec<IdentityKey> = Vec::new();
        for statement in self.store.persons(summoned).await?.iter().flat_map(|person| &person.statements) {
            keys.extend_from_slice(self.identity.traits_of(statement).keys());
        }
        let mut tries = 0;
        loop {
            keys.sort();
            keys.dedup();
            let hand = self.hand_of(summoned, &keys).await?;
            let known: BTreeSet<PersonId> = hand.known.iter().map(|person| person.id).collect();
            let (commit, further) = settle(hand);
            let new: Vec<IdentityKey> =
                further.into_iter().filter(|key| keys.binary_search(key).is_err()).collect();
            if new.is_empty() || tries == FURTHER_TRIES {
                let gone = |person: &PersonId| commit.mergers.iter().any(|merger| merger.absorbed == *person);
                let persons = commit.examined.iter().copied().filter(|person| !gone(person)).collect();
                return Ok(Followed { commit, persons, known });
            }
            keys.extend(new);
            tries += 1;
        }
    }

    async fn hand_of(&self, summoned: &[PersonId], keys: &[IdentityKey]) -> Result<Hand, StoreError> {
        let (candidates, crowded) = self.candidates(keys).await?;
        let mut ids = summoned.to_vec();
        ids.extend(candidates.iter().map(|(_, person)| *person));
        ids.sort();
        ids.dedup();
        let known = self.store.persons(&ids).await?;
        let looked_up = keys.to_vec();
        let mut hand = Hand { looked_up, candidates, crowded, known, bench: Bench::default() };
        self.call(&mut hand).await?;
        hand.bench.summoned = summoned.to_vec();
        Ok(hand)
    }

    /// Groups the claims at hand anew. `restored` are somebody again; of `touched` what is known is put together anew.
    pub(super) fn settle_summoned(
        &self,
        (at, by): Cause,
        mut hand: Hand,
        restored: Vec<(Absorbed, KnownPerson)>,
        touched: BTreeSet<PersonId>,
    ) -> Settled {
        let origin = origin((at, by));
        let grounds = Grounds {
            canon: &self.canon,
            precedence: &self.precedence,
            identity: &self.identity,
            policy: &self.policy,
            origin: &origin,
            at,
            first_load: false,
            may_leave: false,
            unjudged: false,
        };
        let mut people = People::of(std::mem::take(&mut hand.known), &[]);
        for (absorbed, known) in restored {
            people.restore(known);
            hand.bench.restored.push(absorbed);
        }
        let before = people.claims();
        let resolution = resolve(grounds, (&[], &hand), &mut people, &mut || self.clock.mint());
        let Resolution { keys, further, mut examined, questions, .. } = resolution;
        let mut commit = Commit::new(RunId(Uuid::nil()), at);
        examined.extend(people.absorbed.iter().map(|absorbed| absorbed.person.id));
        tell(grounds, &people, (touched, hashbrown::HashMap::new()), &mut commit);
        (commit.keys, commit.examined, commit.questions) = (keys, examined, questions);
        commit.restored = hand
            .bench
            .restored
            .iter()
            .map(|restored| restored.person)
            .filter(|person| people.get(*person).is_some_and(Working::has_claims))
            .collect();
        let absorbed = people.absorbed.iter().map(|absorbed| absorbed.person.id).collect();
        Settled { commit, further, before, absorbed }
    }
}

/// What the hub itself makes known.
fn origin((at, by): Cause) -> Origin {
    Origin {
        source: CompactString::const_new("hub"),
        emitter: CompactString::const_new("identite"),
        delivery: by,
        record: 0,
        line: 0,
        mapping: CompactString::const_new("identite"),
        valid_at: at.to_string().chars().take(10).collect(),
    }
}
