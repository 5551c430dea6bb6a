//! A person's word on who is who: what follows from it, in one commit.
//!
//! A ruling, or one to be undone, enters; the persons concerned are grouped anew with it, and persons, events and the ruling itself are
//! written together. The driver waits for the turn like a run does.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::code::Code;
use crate::delivery::{DeliveryId, PersonId};
use crate::event::Event;
use crate::identity::IdentityKey;
use crate::ruling::{Absorbed, Ruled, Ruling, Word};
use crate::statement::Statement;
use crate::store::{Commit, KnownPerson, StoreError};

use super::discretion::{names_whole, tells_of};
use super::hand::{Hand, Stays};
use super::summoning::{Followed, Settled};
use super::{Pipeline, Progress};

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
    /// The two are one already.
    #[error("`{0}` and `{1}` are one already")]
    OneAlready(PersonId, PersonId),
    /// One person was named twice.
    #[error("expected two persons, found one twice")]
    OnePerson,
    /// A person has no claim of this number, or no other one.
    #[error("`{0}` has no such claim, or would keep none")]
    NoClaim(PersonId),
    /// It was ruled so already, and holds.
    #[error("ruling `{0}` says so already, and holds")]
    Ruled(Uuid),
    /// No such ruling, or it was undone.
    #[error("there is no ruling `{0}` that holds")]
    NoRuling(Uuid),
    /// The note holds a value of a person.
    #[error(
        "expected words without any value of a person, found a name, a birth, an address, a NIR, a telephone or an e-mail address: say why, not who"
    )]
    Indiscreet,
}

impl RulingError {
    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::NoPerson(_) | Self::Absorbed(..) | Self::NoRuling(_) => Code::NotFound,
            Self::OnePerson | Self::OneAlready(..) | Self::NoClaim(_) | Self::Ruled(_) | Self::Indiscreet => {
                Code::BadRequest
            }
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
        let (note, by) = (word.note.clone(), word.by.clone());
        let (ruling, persons) = self.ruling(verdict, word).await?;
        self.is_new(&ruling, &persons).await?;
        let known = self.store.persons(&persons).await?;
        if tells_of(&note, &self.canon, &known) || names_whole(&by, &self.canon, &known) {
            return Err(RulingError::Indiscreet);
        }
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
                let (a, b) = self.two(*a, *b, *one).await?;
                let claims = if *one { self.bound(&a, &b).await? } else { all(&a.statements, &b.statements) };
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
                let (apart, rest) = self.brought_in_apart(person.id, (apart, rest)).await?;
                let (apart, rest) = self.with_followers(apart, rest);
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

    /// Refuses that two are said to be two once more: it would have to be undone twice.
    async fn is_new(&self, ruling: &Ruling, persons: &[PersonId]) -> Result<(), RulingError> {
        let parted = ruling.persons.0 == ruling.persons.1;
        if ruling.undone.is_some() || ruling.one || parted {
            return Ok(());
        }
        let mut said: BTreeMap<(i64, i64), Ruled> = BTreeMap::new();
        for ruled in self.store.ruled_of(persons).await? {
            said.insert(in_order(ruled.claims), ruled);
        }
        let holds =
            |claims: &(i64, i64)| said.get(&in_order(*claims)).filter(|ruled| ruled.one == ruling.one);
        let holding: Option<Vec<&Ruled>> = ruling.claims.iter().map(holds).collect();
        match holding.as_deref() {
            Some([.., last]) => Err(RulingError::Ruled(last.ruling)),
            _ => Ok(()),
        }
    }

    /// The claims by which two are one: the oldest of each, and those that were ruled apart, as the later word counts.
    async fn bound(&self, a: &KnownPerson, b: &KnownPerson) -> Result<Vec<(i64, i64)>, StoreError> {
        let mut claims: Vec<(i64, i64)> = oldest(a).zip(oldest(b)).into_iter().collect();
        let crossing: BTreeSet<(i64, i64)> = all(&a.statements, &b.statements).into_iter().collect();
        for Ruled { claims: (one, other), one: is_one, .. } in self.store.ruled_of(&[a.id, b.id]).await? {
            let apart = [(one, other), (other, one)].into_iter().filter(|_| !is_one);
            claims.extend(apart.filter(|pair| crossing.contains(pair)));
        }
        claims.sort_unstable();
        claims.dedup();
        Ok(claims)
    }

    /// A claim without a name speaks of whom its number says: it goes with the claims parted that bear the number, not with the rest.
    fn with_followers(
        &self,
        mut apart: Vec<Statement>,
        rest: Vec<Statement>,
    ) -> (Vec<Statement>, Vec<Statement>) {
        let of_apart: Vec<_> = apart.iter().map(|claim| self.identity.traits_of(claim)).collect();
        let follows = |claim: &Statement| {
            let own = self.identity.traits_of(claim);
            let mut numbers = own.keys().iter().filter(|key| key.kind().is_number());
            !own.has_a_name() && numbers.any(|key| of_apart.iter().any(|of| of.keys().contains(key)))
        };
        if rest.iter().all(follows) {
            return (apart, rest);
        }
        let (followers, rest) = rest.into_iter().partition(follows);
        apart.extend::<Vec<Statement>>(followers);
        (apart, rest)
    }

    /// Two persons, who are not one already when they are said to be.
    async fn two(
        &self,
        a: PersonId,
        b: PersonId,
        one: bool,
    ) -> Result<(KnownPerson, KnownPerson), RulingError> {
        match (self.somebody(a).await, self.somebody(b).await) {
            (Err(RulingError::Absorbed(_, into)), _) if one && into == b => {
                Err(RulingError::OneAlready(b, a))
            }
            (_, Err(RulingError::Absorbed(_, into))) if one && into == a => {
                Err(RulingError::OneAlready(a, b))
            }
            (a, b) => Ok((a?, b?)),
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
        let restored = self.restored(ruling).await?;
        self.summon(&summoned, |hand| self.settle_ruling(ruling, hand, restored.clone())).await
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
        if ruling.persons.0 == ruling.persons.1 {
            // Whose claims were parted keeps the identifier, with the rest; and has it back with all of them.
            let parted: Vec<i64> = ruling.claims.iter().map(|(one, _)| *one).collect();
            let (apart, again) =
                if ruling.undone.is_none() { (parted, Vec::new()) } else { (Vec::new(), parted) };
            hand.bench.stays = Some(Stays { person: ruling.persons.0, apart, again });
        }
        let at = ruling.undone.as_ref().map_or(ruling.at, |(at, _)| *at);
        let Settled { mut commit, further, before, absorbed } =
            self.settle_summoned((at, DeliveryId(ruling.id)), hand, restored, BTreeSet::new());
        let mut ruling = ruling.clone();
        if ruling.undone.is_none() {
            let was = |person: PersonId| Absorbed {
                person,
                claims: before.get(&person).cloned().unwrap_or_default(),
            };
            ruling.absorbed = absorbed.into_iter().map(was).collect();
        }
        commit.ruling = Some(ruling);
        (commit, further)
    }
}

fn in_order((one, other): (i64, i64)) -> (i64, i64) {
    (one.min(other), one.max(other))
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
