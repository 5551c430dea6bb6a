//! A person's word on who is who: what follows from it, in one commit.
//!
//! A ruling, or one to be undone, enters; the persons concerned are grouped anew with it, and persons, events and the ruling itself are
//! written together. The driver waits for the turn like a run does.

use std::collections::BTreeSet;

use compact_str::CompactString;
use uuid::Uuid;

use crate::code::Code;
use crate::delivery::{DeliveryId, PersonId, RunId};
use crate::event::Event;
use crate::identity::IdentityKey;
use crate::ruling::{Absorbed, Ruled, Ruling, Word};
use crate::statement::{Origin, Statement};
use crate::store::{Commit, KnownPerson, StoreError};

use super::announcing::tell;
use super::context::Grounds;
use super::hand::{Bench, Hand};
use super::people::{People, Working};
use super::resolving::{Resolution, resolve};
use super::{Pipeline, Progress};

/// How often persons a ruling brings together are followed to those they bring.
const FURTHER_TRIES: usize = 4;

/// What a person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Two persons are one, or two.
    Rule {
        /// The persons.
        persons: (PersonId, PersonId),
        /// They are one.
        one: bool,
    },
    /// Some claims of a person, by row, speak of another one.
    Part {
        /// The person.
        person: PersonId,
        /// The claims.
        claims: Vec<i64>,
    },
    /// A ruling does not hold.
    Undo(Uuid),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The ruling, as it is kept now.
    pub ruling: Ruling,
    /// Who the persons concerned are now.
    pub persons: Vec<PersonId>,
    /// Events announced.
    pub events: Vec<Event>,
    /// Persons known before and not named whom they are about too.
    pub others: Vec<PersonId>,
}

/// What follows, before it is written.
struct Followed {
    commit: Commit,
    /// Who the persons concerned are then.
    persons: Vec<PersonId>,
    /// Who was known of those it was looked at with.
    known: BTreeSet<PersonId>,
}

/// Why nothing was ruled.
#[derive(Debug, thiserror::Error)]
pub enum RulingError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody bears this identifier.
    #[error("there is no person `{0}`")]
    NoPerson(PersonId),
    /// The person was absorbed.
    #[error("`{0}` was found to be `{1}`: name that one")]
    Absorbed(PersonId, PersonId),
    /// One person was named twice.
    #[error("expected two persons, found one twice")]
    OnePerson,
    /// A person has no claim of this number, or no other one.
    #[error("`{0}` has no such claim, or would keep none")]
    NoClaim(PersonId),
    /// No such ruling, or it was undone.
    #[error("there is no ruling `{0}` that holds")]
    NoRuling(Uuid),
}

impl RulingError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::NoPerson(_) | Self::Absorbed(..) | Self::NoRuling(_) => Code::NotFound,
            Self::OnePerson | Self::NoClaim(_) => Code::BadRequest,
        }
    }
}

impl Pipeline {
    /// Rules, and writes what follows.
    ///
    /// # Errors
    /// When what is named is not there, or the store fails; nothing is changed then.
    pub async fn rule(
        &self,
        verdict: &Verdict,
        word: Word,
        progress: &dyn Progress,
    ) -> Result<Outcome, RulingError> {
        let _turn = self.turn(progress).await?;
        let (ruling, persons) = self.ruling(verdict, word).await?;
        let Followed { commit, persons, known } = self.follow(&ruling, persons).await?;
        self.store.commit(&commit).await?;
        let events = commit.events;
        let about: BTreeSet<PersonId> = events.iter().map(|event| event.person).collect();
        let ruling = commit.ruling.ok_or(RulingError::NoRuling(ruling.id))?;
        let named = |person: &PersonId| ruling.persons.0 == *person || ruling.persons.1 == *person;
        let others = about.into_iter().filter(|person| known.contains(person) && !named(person)).collect();
        Ok(Outcome { ruling, persons, events, others })
    }

    /// The ruling a verdict is, and the persons it is about.
    async fn ruling(&self, verdict: &Verdict, word: Word) -> Result<(Ruling, Vec<PersonId>), RulingError> {
        let (id, at) = (self.clock.mint(), self.clock.now());
        let new = |persons, one, claims| Ruling {
            id,
            persons,
            one,
            claims,
            at,
            word: word.clone(),
            absorbed: Vec::new(),
            undone: None,
        };
        match verdict {
            Verdict::Rule { persons: (one, other), .. } if one == other => Err(RulingError::OnePerson),
            Verdict::Rule { persons: (a, b), one } => {
                let (a, b) = (self.somebody(*a).await?, self.somebody(*b).await?);
                let claims = if *one {
                    oldest(&a).zip(oldest(&b)).into_iter().collect()
                } else {
                    all(&a.statements, &b.statements)
                };
                Ok((new((a.id, b.id), *one, claims), vec![a.id, b.id]))
            }
            Verdict::Part { person, claims } => {
                let person = self.somebody(*person).await?;
                let (apart, rest): (Vec<Statement>, Vec<Statement>) = person
                    .statements
                    .iter()
                    .cloned()
                    .partition(|statement| statement.id.is_some_and(|id| claims.contains(&id)));
                if apart.len() != claims.len() || rest.is_empty() {
                    return Err(RulingError::NoClaim(person.id));
                }
                Ok((new((person.id, person.id), false, all(&apart, &rest)), vec![person.id]))
            }
            Verdict::Undo(ruling) => {
                let found = self.store.ruling(*ruling).await?.filter(|ruling| ruling.undone.is_none());
                let mut found = found.ok_or(RulingError::NoRuling(*ruling))?;
                found.undone = Some((at, word));
                let persons = self.now_of(&found).await?;
                Ok((found, persons))
            }
        }
    }

    async fn somebody(&self, id: PersonId) -> Result<KnownPerson, RulingError> {
        let found = self.store.persons(&[id]).await?.pop().ok_or(RulingError::NoPerson(id))?;
        match found.merged_into {
            Some(into) => Err(RulingError::Absorbed(id, into)),
            None => Ok(found),
        }
    }

    /// Who the claims of a ruling belong to now.
    async fn now_of(&self, ruling: &Ruling) -> Result<Vec<PersonId>, StoreError> {
        let claims: BTreeSet<i64> = ruling.claims.iter().flat_map(|(one, other)| [*one, *other]).collect();
        let claims: Vec<i64> = claims.into_iter().collect();
        let persons = self.store.statements(&claims).await?.into_iter().map(|statement| statement.person);
        let persons: BTreeSet<PersonId> = persons.collect();
        Ok(persons.into_iter().collect())
    }

    /// What follows from a ruling about these persons.
    async fn follow(&self, ruling: &Ruling, summoned: Vec<PersonId>) -> Result<Followed, StoreError> {
        let mut keys: Vec<IdentityKey> = Vec::new();
        for statement in self.store.persons(&summoned).await?.iter().flat_map(|person| &person.statements) {
            keys.extend_from_slice(self.identity.traits_of(statement).keys());
        }
        let mut tries = 0;
        loop {
            keys.sort();
            keys.dedup();
            let (candidates, crowded) = self.candidates(&keys).await?;
            let mut ids = summoned.clone();
            ids.extend(candidates.iter().map(|(_, person)| *person));
            ids.sort();
            ids.dedup();
            let known = self.store.persons(&ids).await?;
            let looked_up = keys.clone();
            let mut hand = Hand { looked_up, candidates, crowded, known, bench: Bench::default() };
            self.call(&mut hand).await?;
            hand.bench.summoned.clone_from(&summoned);
            let restored = self.restored(ruling).await?;
            let known: BTreeSet<PersonId> = hand.known.iter().map(|person| person.id).collect();
            let (commit, further) = self.settle_ruling(ruling, hand, restored);
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

    /// Who is somebody again once a ruling is undone.
    async fn restored(&self, ruling: &Ruling) -> Result<Vec<(Absorbed, KnownPerson)>, StoreError> {
        if ruling.undone.is_none() {
            return Ok(Vec::new());
        }
        let ids: Vec<PersonId> = ruling.absorbed.iter().map(|absorbed| absorbed.person).collect();
        let known = self.store.persons(&ids).await?.into_iter().filter(|known| known.merged_into.is_some());
        let was = |person: &KnownPerson| {
            ruling.absorbed.iter().find(|absorbed| absorbed.person == person.id).cloned()
        };
        Ok(known.filter_map(|known| Some((was(&known)?, known))).collect())
    }

    fn settle_ruling(
        &self,
        ruling: &Ruling,
        mut hand: Hand,
        restored: Vec<(Absorbed, KnownPerson)>,
    ) -> (Commit, Vec<IdentityKey>) {
        if ruling.undone.is_some() {
            hand.bench.ruled.retain(|ruled| ruled.ruling != ruling.id);
        } else {
            let ruled = |claims: &(i64, i64)| Ruled { ruling: ruling.id, claims: *claims, one: ruling.one };
            hand.bench.ruled.extend(ruling.claims.iter().map(ruled));
        }
        let origin = Self::origin_of(ruling);
        let grounds = Grounds {
            canon: &self.canon,
            precedence: &self.precedence,
            identity: &self.identity,
            policy: &self.policy,
            origin: &origin,
            at: ruling.undone.as_ref().map_or(ruling.at, |(at, _)| *at),
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
        let mut commit = Commit::new(RunId(Uuid::nil()), grounds.at);
        examined.extend(people.absorbed.iter().map(|absorbed| absorbed.person.id));
        tell(grounds, &people, (BTreeSet::new(), hashbrown::HashMap::new()), &mut commit);
        (commit.keys, commit.examined, commit.questions) = (keys, examined, questions);
        commit.restored = hand
            .bench
            .restored
            .iter()
            .map(|restored| restored.person)
            .filter(|person| people.get(*person).is_some_and(Working::has_claims))
            .collect();
        let mut ruling = ruling.clone();
        if ruling.one && ruling.undone.is_none() {
            let was = |person: PersonId| Absorbed {
                person,
                claims: before.get(&person).cloned().unwrap_or_default(),
            };
            ruling.absorbed = people.absorbed.iter().map(|absorbed| was(absorbed.person.id)).collect();
        }
        commit.ruling = Some(ruling);
        (commit, further)
    }

    fn origin_of(ruling: &Ruling) -> Origin {
        let at = ruling.undone.as_ref().map_or(ruling.at, |(at, _)| *at);
        Origin {
            source: CompactString::const_new("hub"),
            emitter: CompactString::const_new("identite"),
            delivery: DeliveryId(ruling.id),
            record: 0,
            line: 0,
            mapping: CompactString::const_new("identite"),
            valid_at: at.to_string().chars().take(10).collect(),
        }
    }
}

fn oldest(person: &KnownPerson) -> Option<i64> {
    person.statements.iter().filter_map(|statement| statement.id).min()
}

/// Every claim of one side with every claim of the other.
fn all(one: &[Statement], other: &[Statement]) -> Vec<(i64, i64)> {
    let ids = |statements: &[Statement]| statements.iter().filter_map(|s| s.id).collect::<Vec<i64>>();
    let others = ids(other);
    ids(one)
        .into_iter()
        .flat_map(|one| others.iter().map(move |other| (one, *other)).collect::<Vec<_>>())
        .collect()
}
