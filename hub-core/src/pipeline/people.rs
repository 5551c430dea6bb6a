//! The persons a batch concerns: found by the keys they share with its claims, united when a claim shows that two are one.
//!
//! Known persons enter; who each claim speaks of, who was absorbed by whom and what each person is now leave. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::delivery::PersonId;
use crate::identity::{Bond, IdentityKey, Profile, Traits, bonds};
use crate::statement::{Origin, Statement};
use crate::store::KnownPerson;

use super::context::Context;

/// A person being worked on.
#[derive(Default)]
pub(super) struct Working {
    pub known: Option<KnownPerson>,
    pub statements: Vec<Arc<Statement>>,
    profile: Profile,
    /// What claims of this batch told of a person of the store.
    told: Vec<Traits>,
}

impl Working {
    fn of(context: Context<'_>, mut person: KnownPerson) -> Self {
        let statements = std::mem::take(&mut person.statements).into_iter().map(Arc::new).collect();
        let mut working = Self { statements, known: Some(person), ..Self::default() };
        working.profile_without(context, None);
        working
    }

    /// Draws the profile anew from the statements, leaving one out, and from what this batch told.
    fn profile_without(&mut self, context: Context<'_>, left_out: Option<i64>) {
        self.profile = Profile::default();
        for traits in &self.told {
            self.profile.add(traits);
        }
        let wanted = self.statements.iter().filter(|s| left_out.is_none() || s.id != left_out);
        for statement in wanted {
            let traits = context.identity.traits_of(statement);
            if statement.absent || context.leaves(statement) {
                self.profile.add_leaving(&traits);
            } else {
                self.profile.add(&traits);
            }
        }
    }

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
pub(super) type RecordKey = (String, String);

/// A claim looking for its person.
pub(super) struct Seeking<'c> {
    /// The statement it continues.
    pub old: Option<&'c Statement>,
    pub traits: &'c Traits,
    /// The keys it bears that the statement it continues did not.
    pub wanted: &'c [IdentityKey],
    /// Its record, whose other claims speak of other persons.
    pub record: &'c RecordKey,
    pub stated_at: &'c Origin,
}

/// Who a claim speaks of.
pub(super) struct Found {
    pub person: PersonId,
    /// The keys no statement of the person bore yet.
    pub learned: Vec<IdentityKey>,
    /// Several persons have its name and birth, and nothing tells which it is: none of them was chosen.
    pub ambiguous: bool,
}

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
        let by_id = known.into_iter().map(|person| (person.id, Working::of(context, person))).collect();
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

    /// Who a claim speaks of: the person it was linked to, else the one with the strongest number in common, else the only one of
    /// its name and birth, else a new one. Every other person that shares a key with it and may be the same is absorbed.
    /// Never one of those the other claims of its record speak of, whatever they share.
    pub fn find(
        &mut self,
        context: Context<'_>,
        seeking: &Seeking<'_>,
        mint: &mut dyn FnMut() -> Uuid,
    ) -> Found {
        let beside = self.in_record.get(seeking.record).into_iter().flatten();
        let beside: Vec<PersonId> = beside.map(|person| self.now(*person)).collect();
        let mut bound = bonds(seeking.traits, self.sharing(seeking.wanted));
        bound.retain(|(_, person)| !beside.contains(person));
        let own = seeking.old.map(|old| self.now(old.person)).filter(|own| !beside.contains(own));
        let (named, numbered): (Vec<_>, Vec<_>) = bound.into_iter().partition(|(bond, _)| bond.is_name());
        let numbered: Vec<PersonId> =
            own.into_iter().chain(numbered.into_iter().map(|(_, person)| person)).collect();
        let (of_name, ambiguous) = self.of_name(&named, &numbered);
        let mut all = numbered.into_iter().chain(of_name);
        let mut person = all.next().unwrap_or_else(|| PersonId(mint()));
        let learned = self.learn(context, person, seeking);
        for other in all {
            person = self.unite(person, other, seeking.stated_at);
        }
        Found { person, learned, ambiguous }
    }

    /// Those of a claim's name and birth that are one person, and whether there were several: the whole name goes before one that
    /// only may be it.
    fn of_name(&self, named: &[(Bond, PersonId)], numbered: &[PersonId]) -> (Vec<PersonId>, bool) {
        let whole = named.iter().any(|(bond, _)| *bond == Bond::WholeName);
        let wanted = named.iter().filter(|(bond, _)| !whole || *bond == Bond::WholeName);
        let all: Vec<PersonId> = wanted.map(|(_, person)| *person).collect();
        let one = all.iter().all(|a| all.iter().all(|b| a == b || self.may_unite(*a, *b)));
        if one {
            return (all.into_iter().filter(|person| !numbered.contains(person)).collect(), false);
        }
        (Vec::new(), numbered.is_empty())
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

    /// Whether nothing known of two persons speaks against their being one.
    fn may_unite(&self, one: PersonId, other: PersonId) -> bool {
        let may_be = match (self.by_id.get(&one), self.by_id.get(&other)) {
            (Some(one), Some(other)) => one.profile.may_be(&other.profile) && !one.stood_beside(other),
            _ => false,
        };
        may_be && !self.stand_beside(one, other)
    }

    /// Makes two persons one when nothing known of them speaks against it. The one known longer stays.
    fn unite(&mut self, one: PersonId, other: PersonId, shown_by: &Origin) -> PersonId {
        let age = |person: PersonId| {
            let working = self.by_id.get(&person);
            (working.is_none_or(|working| working.known.is_none()), person)
        };
        let (kept, gone) = if age(one) <= age(other) { (one, other) } else { (other, one) };
        if kept == gone || !self.may_unite(kept, gone) {
            return one;
        }
        let gone_working = self.by_id.remove(&gone).unwrap_or_default();
        let working = self.by_id.entry(kept).or_default();
        working.profile.join(gone_working.profile);
        working.told.extend(gone_working.told);
        let moved = gone_working.statements.into_iter().map(Arc::unwrap_or_clone);
        working.statements.extend(moved.map(|statement| Arc::new(Statement { person: kept, ..statement })));
        self.absorbed_by.insert(gone, kept);
        self.absorbed
            .extend(gone_working.known.map(|person| Absorbed { person, shown_by: shown_by.clone() }));
        kept
    }

    /// Remembers a claim's traits in the place of those it bore before; returns the keys no statement of the person bears yet.
    fn learn(&mut self, context: Context<'_>, person: PersonId, seeking: &Seeking<'_>) -> Vec<IdentityKey> {
        let working = self.by_id.entry(person).or_default();
        if let Some(id) = seeking.old.filter(|_| !seeking.wanted.is_empty()).and_then(|old| old.id) {
            working.profile_without(context, Some(id));
        }
        if working.known.is_some() {
            working.told.push(seeking.traits.clone());
        }
        let new = working.profile.add(seeking.traits);
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
