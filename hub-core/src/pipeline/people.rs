//! The persons a batch concerns, with the claims linked to each.
//!
//! Known persons enter; claims move between them, persons are absorbed or part, and what each is now leaves. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::delivery::PersonId;
use crate::statement::{Origin, Statement};
use crate::store::KnownPerson;

/// A person being worked on.
#[derive(Default)]
pub(super) struct Working {
    pub known: Option<KnownPerson>,
    pub statements: Vec<Arc<Statement>>,
}

impl Working {
    pub fn has_claims(&self) -> bool {
        !self.statements.is_empty()
    }
}

/// A person of the store found to be another one.
pub(super) struct Absorbed {
    pub person: KnownPerson,
    /// Where the claim that showed it stands.
    pub shown_by: Origin,
}

/// A person whose claims turned out to speak of somebody else too.
pub(super) struct Parted {
    pub from: PersonId,
    /// Who was taken for it.
    pub apart: PersonId,
    /// Where the claim that showed it stands.
    pub shown_by: Origin,
}

/// The persons at hand.
#[derive(Default)]
pub(super) struct People {
    by_id: BTreeMap<PersonId, Working>,
    absorbed_by: HashMap<PersonId, PersonId>,
    pub absorbed: Vec<Absorbed>,
    pub parted: Vec<Parted>,
    /// Claims no longer stated from this delivery on.
    silent: HashSet<i64>,
    /// Claims that go to another person although no record states them anew.
    pub moved: Vec<(i64, PersonId)>,
    /// Those who gave such a claim away.
    pub gave: BTreeSet<PersonId>,
}

impl People {
    /// `silent` are the claims no longer stated from now on.
    pub fn of(known: Vec<KnownPerson>, silent: &[Statement]) -> Self {
        let silent: HashSet<i64> = silent.iter().filter_map(|statement| statement.id).collect();
        let working = |mut person: KnownPerson| {
            let mut statements = std::mem::take(&mut person.statements);
            for statement in &mut statements {
                statement.absent |= statement.id.is_some_and(|id| silent.contains(&id));
            }
            let statements = statements.into_iter().map(Arc::new).collect();
            (person.id, Working { known: Some(person), statements })
        };
        let by_id = known.into_iter().map(working).collect();
        Self { by_id, silent, ..Self::default() }
    }

    /// Whether a claim is no longer stated from this delivery on.
    pub fn goes_silent(&self, claim: &Statement) -> bool {
        claim.id.is_some_and(|id| self.silent.contains(&id))
    }

    /// Those of whom a claim is no longer stated from this delivery on.
    pub fn gone_silent(&self) -> impl Iterator<Item = PersonId> {
        let gone = |working: &&Working| working.statements.iter().any(|claim| self.goes_silent(claim));
        let working = self.by_id.iter().filter(|_| !self.silent.is_empty());
        working.filter(move |(_, working)| gone(working)).map(|(person, _)| *person)
    }

    /// Who a person is now.
    pub fn now(&self, mut person: PersonId) -> PersonId {
        while let Some(absorber) = self.absorbed_by.get(&person) {
            person = *absorber;
        }
        person
    }

    /// Whose claim a kept one is now.
    pub fn owner(&self, claim: &Statement) -> PersonId {
        let moved = |id| self.moved.iter().find(|(moved, _)| *moved == id).map(|(_, to)| *to);
        claim.id.and_then(moved).unwrap_or_else(|| self.now(claim.person))
    }

    /// Puts somebody back who had been absorbed.
    pub fn restore(&mut self, known: KnownPerson) {
        self.by_id.insert(known.id, Working { known: Some(known), statements: Vec::new() });
    }

    /// The claims each person has.
    pub fn claims(&self) -> BTreeMap<PersonId, Vec<i64>> {
        let ids =
            |working: &Working| working.statements.iter().filter_map(|statement| statement.id).collect();
        self.by_id.iter().map(|(person, working)| (*person, ids(working))).collect()
    }

    /// The person as worked on.
    pub fn get(&self, person: PersonId) -> Option<&Working> {
        self.by_id.get(&person)
    }

    /// How many persons were absorbed, parted, or gave claims away.
    pub fn changes(&self) -> [usize; 3] {
        [self.absorbed.len(), self.parted.len(), self.moved.len()]
    }

    /// Those who were taken for a person.
    pub fn parted_from(&self, person: PersonId) -> Vec<&Parted> {
        self.parted.iter().filter(|parted| self.now(parted.from) == person).collect()
    }

    /// Makes one person of two.
    pub fn absorb(&mut self, gone: PersonId, into: PersonId, shown_by: &Origin) {
        let Some(working) = self.by_id.remove(&gone) else { return };
        self.absorbed_by.insert(gone, into);
        let moved = working.statements.into_iter().map(|statement| moved(statement, into));
        self.by_id.entry(into).or_default().statements.extend(moved);
        let absorbed = working.known.map(|person| Absorbed { person, shown_by: shown_by.clone() });
        self.absorbed.extend(absorbed);
    }

    /// Gives a claim that is not stated anew to another person.
    pub fn give(&mut self, claim: &Statement, to: PersonId) {
        let Some(id) = claim.id else { return };
        let from = self.now(claim.person);
        if let Some(statement) = self.take(from, id) {
            self.by_id.entry(to).or_default().statements.push(moved(statement, to));
            self.moved.push((id, to));
            self.gave.insert(from);
        }
    }

    /// Takes a claim from a person: it speaks of another one.
    pub fn take(&mut self, person: PersonId, claim: i64) -> Option<Arc<Statement>> {
        let statements = &mut self.by_id.get_mut(&person)?.statements;
        let at = statements.iter().position(|statement| statement.id == Some(claim))?;
        Some(statements.swap_remove(at))
    }

    /// Puts a statement in the place of the one it continues.
    pub fn take_in(&mut self, statement: &Arc<Statement>) {
        let working = self.by_id.entry(statement.person).or_default();
        match working.statements.iter_mut().find(|s| statement.id.is_some() && s.id == statement.id) {
            Some(old) => *old = Arc::clone(statement),
            None => working.statements.push(Arc::clone(statement)),
        }
    }
}

fn moved(statement: Arc<Statement>, to: PersonId) -> Arc<Statement> {
    Arc::new(Statement { person: to, ..Arc::unwrap_or_clone(statement) })
}
