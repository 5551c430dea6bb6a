//! The persons a batch concerns: found by the keys they share with its claims, united when a claim shows that two are one.
//!
//! Known persons enter; who each claim speaks of, who was absorbed by whom and what each person is now leave. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::delivery::PersonId;
use crate::identity::{IdentityKey, Profile, Traits, matches};
use crate::statement::{Origin, Statement};
use crate::store::KnownPerson;

use super::context::Context;

/// A person being worked on.
#[derive(Default)]
pub(super) struct Working {
    pub known: Option<KnownPerson>,
    pub statements: Vec<Arc<Statement>>,
    profile: Profile,
}

impl Working {
    /// Whether some record known before speaks of both, as of two.
    fn stood_beside(&self, other: &Self) -> bool {
        let same = |a: &Statement, b: &Statement| {
            !a.absent
                && !b.absent
                && a.record_key == b.record_key
                && a.emitter == b.emitter
                && a.source == b.source
                && a.key != b.key
        };
        self.statements.iter().any(|a| other.statements.iter().any(|b| same(a, b)))
    }
}

/// A person of the store found to be another one.
pub(super) struct Absorbed {
    pub person: KnownPerson,
    /// Where the claim that showed it stands.
    pub shown_by: Origin,
}

/// The persons at hand and how to find them by key.
pub(super) struct People {
    by_id: BTreeMap<PersonId, Working>,
    by_key: HashMap<IdentityKey, Vec<PersonId>>,
    /// Who absorbed whom in this batch, step by step.
    absorbed_by: BTreeMap<PersonId, PersonId>,
    absorbed: Vec<Absorbed>,
    /// Who the claims of each record of this batch speak of: two persons of one household are never one.
    in_record: HashMap<RecordKey, Vec<PersonId>>,
}

/// Emitter and key of a record.
type RecordKey = (String, String);

impl People {
    pub fn new(
        context: Context<'_>,
        candidates: Vec<(IdentityKey, PersonId)>,
        known: Vec<KnownPerson>,
    ) -> Self {
        let mut by_key: HashMap<IdentityKey, Vec<PersonId>> = HashMap::new();
        for (key, person) in candidates {
            by_key.entry(key).or_default().push(person);
        }
        let working = |mut person: KnownPerson| {
            let mut profile = Profile::default();
            let statements = std::mem::take(&mut person.statements);
            for statement in &statements {
                profile.add(&context.identity.traits_of(statement));
            }
            let statements = statements.into_iter().map(Arc::new).collect();
            (person.id, Working { statements, known: Some(person), profile })
        };
        let by_id = known.into_iter().map(working).collect();
        Self { by_id, by_key, absorbed_by: BTreeMap::new(), absorbed: Vec::new(), in_record: HashMap::new() }
    }

    /// Who a person is now.
    pub fn now(&self, mut person: PersonId) -> PersonId {
        while let Some(absorber) = self.absorbed_by.get(&person) {
            person = *absorber;
        }
        person
    }

    /// The person as worked on.
    pub fn get(&self, person: PersonId) -> Option<&Working> {
        self.by_id.get(&person)
    }

    /// Persons of the store that were absorbed.
    pub fn absorbed(&self) -> &[Absorbed] {
        &self.absorbed
    }

    /// Who a claim speaks of: the person it was linked to (`own`), else the one with the strongest key in common; every
    /// other person that shares one of the `wanted` keys and may be the same is absorbed. Never one of those the other claims
    /// of its `record` speak of, whatever number they share.
    pub fn find(
        &mut self,
        own: Option<PersonId>,
        traits: &Traits,
        wanted: &[IdentityKey],
        (record, shown_by): (&RecordKey, &Origin),
    ) -> Option<PersonId> {
        let beside = self.in_record.get(record).into_iter().flatten();
        let beside: Vec<PersonId> = beside.map(|person| self.now(*person)).collect();
        let found = matches(traits, self.sharing(wanted));
        let own = own.map(|own| self.now(own));
        let all: Vec<PersonId> =
            own.into_iter().chain(found).filter(|person| !beside.contains(person)).collect();
        let mut all = all.into_iter();
        let mut one = all.next()?;
        for other in all {
            one = self.unite(one, other, shown_by);
        }
        Some(one)
    }

    fn sharing<'s>(
        &'s self,
        wanted: &'s [IdentityKey],
    ) -> impl Iterator<Item = (&'s IdentityKey, PersonId, &'s Profile)> {
        let bearing = |key| self.by_key.get(key).map(Vec::as_slice).unwrap_or_default();
        let pairs = wanted.iter().flat_map(move |key| bearing(key).iter().map(move |person| (key, person)));
        pairs.filter_map(|(key, person)| {
            let person = self.now(*person);
            Some((key, person, &self.by_id.get(&person)?.profile))
        })
    }

    /// Makes two persons one when nothing known of them speaks against it. The one known longer stays.
    fn unite(&mut self, one: PersonId, other: PersonId, shown_by: &Origin) -> PersonId {
        let age = |person: PersonId| {
            let working = self.by_id.get(&person);
            (working.is_none_or(|working| working.known.is_none()), person)
        };
        let (kept, gone) = if age(one) <= age(other) { (one, other) } else { (other, one) };
        let may_be_one = match (self.by_id.get(&kept), self.by_id.get(&gone)) {
            (Some(kept), Some(gone)) => kept.profile.may_be(&gone.profile) && !kept.stood_beside(gone),
            _ => false,
        };
        if kept == gone || !may_be_one || self.stand_beside(kept, gone) {
            return one;
        }
        let gone_working = self.by_id.remove(&gone).unwrap_or_default();
        let working = self.by_id.entry(kept).or_default();
        working.profile.join(gone_working.profile);
        let moved = gone_working.statements.into_iter().map(Arc::unwrap_or_clone);
        working.statements.extend(moved.map(|statement| Arc::new(Statement { person: kept, ..statement })));
        self.absorbed_by.insert(gone, kept);
        self.absorbed
            .extend(gone_working.known.map(|person| Absorbed { person, shown_by: shown_by.clone() }));
        kept
    }

    /// Remembers a person's traits; returns the keys no statement of the person bears yet.
    pub fn learn(&mut self, person: PersonId, traits: &Traits) -> Vec<IdentityKey> {
        let new = self.by_id.entry(person).or_default().profile.add(traits);
        for key in &new {
            self.by_key.entry(key.clone()).or_default().push(person);
        }
        new
    }

    /// Whether some record of this batch speaks of both, as of two.
    fn stand_beside(&self, one: PersonId, other: PersonId) -> bool {
        let stands = |people: &[PersonId], wanted| people.iter().any(|person| self.now(*person) == wanted);
        self.in_record.values().any(|people| stands(people, one) && stands(people, other))
    }

    /// Notes that a claim of the record speaks of the person.
    pub fn stands_in(&mut self, record: RecordKey, person: PersonId) {
        self.in_record.entry(record).or_default().push(person);
    }

    /// Takes a claim from a person: it speaks of another one.
    pub fn leave(&mut self, person: PersonId, claim: i64) {
        if let Some(working) = self.by_id.get_mut(&person) {
            working.statements.retain(|statement| statement.id != Some(claim));
        }
    }

    /// Puts a statement in the place of the one it continues.
    pub fn take_in(&mut self, statement: &Arc<Statement>) {
        let Some(working) = self.by_id.get_mut(&statement.person) else {
            return;
        };
        match working.statements.iter_mut().find(|s| statement.id.is_some() && s.id == statement.id) {
            Some(old) => *old = Arc::clone(statement),
            None => working.statements.push(Arc::clone(statement)),
        }
    }
}
