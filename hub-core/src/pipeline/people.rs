//! The persons a batch concerns: found by the keys they share with its claims, united when a claim shows that two are one.
//!
//! Known persons enter; who each claim speaks of, who was absorbed by whom and what each person is now leave. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use uuid::Uuid;

use crate::delivery::PersonId;
use crate::identity::{Bond, IdentityKey, Profile, Traits, bonds};
use crate::statement::{Origin, RecordKey, Statement};
use crate::store::KnownPerson;

use super::context::Context;
use super::pairing::Pending;

/// A person being worked on.
#[derive(Default)]
pub(super) struct Working {
    pub known: Option<KnownPerson>,
    pub statements: Vec<Arc<Statement>>,
    profile: Profile,
    /// What claims of this batch tell of the person, and the rows they take the place of.
    heard: Vec<Arc<Traits>>,
    replaced: Vec<i64>,
    /// A claim joined it whose birth or given names the others do not have: it may now be one with persons it was not.
    changed: bool,
}

impl Working {
    /// `silent` are the rows no longer stated from now on.
    fn of(context: Context<'_>, mut person: KnownPerson, silent: &HashSet<i64>) -> Self {
        let mut statements = std::mem::take(&mut person.statements);
        for statement in &mut statements {
            statement.absent |= statement.id.is_some_and(|id| silent.contains(&id));
        }
        let statements = statements.into_iter().map(Arc::new).collect();
        let mut working = Self { statements, known: Some(person), ..Self::default() };
        working.draw_profile(context);
        working
    }

    /// Draws the profile anew: from what this batch tells, and the statements it leaves.
    fn draw_profile(&mut self, context: Context<'_>) {
        self.profile = Profile::default();
        for traits in &self.heard {
            self.profile.add(traits);
        }
        let replaced = |s: &Statement| s.id.is_some_and(|id| self.replaced.contains(&id));
        for statement in &self.statements {
            let traits = context.identity.traits_of(statement);
            if replaced(statement) {
                self.profile.add_earlier(&traits);
            } else if statement.absent {
                self.profile.add_silent(&traits);
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
        silent: &[Statement],
    ) -> Self {
        let silent: HashSet<i64> = silent.iter().filter_map(|statement| statement.id).collect();
        let mut by_key: HashMap<IdentityKey, Vec<PersonId>> = HashMap::new();
        for (key, person) in candidates {
            by_key.entry(key).or_default().push(person);
        }
        let by_id =
            known.into_iter().map(|person| (person.id, Working::of(context, person, &silent))).collect();
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
    ///
    /// `None` when only a number keeps it from one of its name, and the delivery may yet show that number to be gone.
    pub fn find(
        &mut self,
        context: Context<'_>,
        claim: &Pending,
        stated_at: &Origin,
        mint: &mut dyn FnMut() -> Uuid,
    ) -> Option<Found> {
        let beside = self.in_record.get(&claim.record).into_iter().flatten();
        let beside: Vec<PersonId> = beside.map(|person| self.now(*person)).collect();
        let own = claim.old.as_ref().map(|old| self.now(old.person)).filter(|own| !beside.contains(own));
        if let Some(own) = own {
            self.forget(context, own, claim);
        }
        let mut bound = bonds(&claim.traits, self.sharing(claim.wanted()));
        bound.retain(|(_, person)| !beside.contains(person));
        let own = own.filter(|own| self.stays(*own, claim, &bound));
        let in_doubt = own.is_none() && nir_in_doubt(&bound);
        let numbered = bound.iter().filter(|(bond, _)| bond.is_number() && !in_doubt);
        let numbered: Vec<PersonId> = own.into_iter().chain(numbered.map(|(_, person)| *person)).collect();
        let (of_name, several) = self.of_name(&bound, &numbered);
        let against_number = bound.iter().any(|(bond, _)| *bond == Bond::NameAgainstNumber);
        let against_number = own.is_none() && against_number && claim.alone;
        if against_number && context.may_leave() {
            return None;
        }
        // The number may have changed, and nobody can say that the old one is gone.
        let renumbered = against_number && context.unjudged;
        let mut all = numbered.into_iter().chain(of_name);
        let mut person = all.next().unwrap_or_else(|| PersonId(mint()));
        let learned = self.learn(person, claim);
        // What the claim alone does not bind, the person it has joined may.
        let bound_now = self.bound_to(person, claim).into_iter().filter(|_| !in_doubt);
        let others: Vec<PersonId> = all.chain(bound_now).filter(|other| !beside.contains(other)).collect();
        for other in others {
            person = self.unite(person, other, stated_at);
        }
        Some(Found { person, learned, ambiguous: in_doubt || several || renumbered })
    }

    /// Forgets what a claim told of the person it was linked to, when it tells something else now.
    fn forget(&mut self, context: Context<'_>, own: PersonId, claim: &Pending) {
        let replaced = claim.old.as_ref().filter(|_| !claim.wanted().is_empty()).and_then(|old| old.id);
        if let (Some(id), Some(working)) = (replaced, self.by_id.get_mut(&own)) {
            working.replaced.push(id);
            working.draw_profile(context);
        }
    }

    /// Whether a claim stays with the person it was linked to: as long as its traits are the same, or go with what the other
    /// claims tell, or nobody else bears its numbers; not when its source numbers the two apart.
    fn stays(&self, own: PersonId, claim: &Pending, bound: &[(Bond, PersonId)]) -> bool {
        let Some(working) = self.by_id.get(&own).filter(|_| !claim.wanted().is_empty()) else { return true };
        let elsewhere = bound.iter().any(|(bond, person)| bond.is_number() && *person != own);
        !working.profile.numbers_apart(&claim.traits)
            && (!elsewhere || working.profile.may_hold(&claim.traits))
    }

    /// Those bound by a number to the person a claim has joined: by one of the claim's own, or of all when it changed the person.
    fn bound_to(&self, person: PersonId, claim: &Pending) -> Vec<PersonId> {
        let Some(working) = self.by_id.get(&person) else { return Vec::new() };
        let all: Vec<IdentityKey> =
            working.changed.then(|| working.profile.keys()).into_iter().flatten().collect();
        let keys = if working.changed { all.as_slice() } else { claim.wanted() };
        let others = self.sharing(keys).filter(|(_, other, _)| *other != person);
        let bound = others.filter(|(key, _, profile)| working.profile.binds_by_number(profile, key));
        bound.map(|(_, other, _)| other).collect()
    }

    /// Those of a claim's name and birth that are one person, and whether there were several: the whole name goes before one that
    /// only may be it.
    fn of_name(&self, bound: &[(Bond, PersonId)], numbered: &[PersonId]) -> (Vec<PersonId>, bool) {
        let whole = bound.iter().any(|(bond, _)| *bond == Bond::WholeName);
        let wanted = |bond: Bond| if whole { bond == Bond::WholeName } else { bond.is_name() };
        let named = bound.iter().filter(|(bond, _)| wanted(*bond));
        let all: Vec<PersonId> = named.map(|(_, person)| *person).collect();
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
        working.heard.extend(gone_working.heard);
        working.replaced.extend(gone_working.replaced);
        working.changed |= gone_working.changed;
        let moved = gone_working.statements.into_iter().map(Arc::unwrap_or_clone);
        working.statements.extend(moved.map(|statement| Arc::new(Statement { person: kept, ..statement })));
        self.absorbed_by.insert(gone, kept);
        self.absorbed
            .extend(gone_working.known.map(|person| Absorbed { person, shown_by: shown_by.clone() }));
        kept
    }

    /// The keys of persons a claim has changed that were not among those looked up, which are sorted.
    pub fn further(&self, looked_up: &[IdentityKey]) -> Vec<IdentityKey> {
        let changed = self.by_id.values().filter(|working| working.changed);
        let keys = changed.flat_map(|working| working.profile.keys());
        keys.filter(|key| looked_up.binary_search(key).is_err()).collect()
    }

    /// Remembers a claim's traits; returns the keys no statement of the person bears yet.
    fn learn(&mut self, person: PersonId, claim: &Pending) -> Vec<IdentityKey> {
        let working = self.by_id.entry(person).or_default();
        working.changed |= working.profile.is_news(&claim.traits);
        working.heard.push(Arc::clone(&claim.traits));
        let new = working.profile.add(&claim.traits);
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

/// A NIR that fits but for one trait, while another person of another NIR bears the whole name: one of the two is written wrong.
fn nir_in_doubt(bound: &[(Bond, PersonId)]) -> bool {
    let first = bound.iter().find(|(bond, _)| bond.is_number());
    first.is_some_and(|(bond, _)| *bond == Bond::NirNearly)
        && bound.iter().any(|(bond, _)| *bond == Bond::NameAgainstNir)
}
