//! Resolve: which claims speak of one person.
//!
//! All claims that have to do with one another enter, in an order their content gives; groups leave, one a person, and the pairs of
//! groups a person is to be asked about. The same claims always give the same groups, whatever came first: the strongest bond is
//! followed first, and where several persons are as near and are not one, none is chosen (ADR 0010).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::bond::{Bond, Doubt, Relation, may_be_one, relate};
use super::policy::{Centibits, Policy};
use super::profile::Profile;
use super::span::Span;

/// A claim to be placed.
#[derive(Debug, Clone)]
pub struct Member {
    /// What it tells.
    pub profile: Profile,
    /// The record that states it, and which of the persons in that record it is.
    pub stands: (u64, u64),
    /// How long it was stated.
    pub span: Span,
}

/// What a person has ruled of two claims, by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling {
    /// The two claims.
    pub of: (usize, usize),
    /// They speak of one person, or of two.
    pub one: bool,
}

/// Two groups of which a person is to say whether they are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The groups, by place.
    pub of: (usize, usize),
    /// Why.
    pub doubt: Doubt,
    /// What their likeness weighs.
    pub weight: Centibits,
}

/// Who is who.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Partition {
    /// The claims of each person, by place.
    pub groups: Vec<Vec<usize>>,
    /// What is left to ask.
    pub questions: Vec<Question>,
}

/// Groups claims by person.
pub fn partition(members: Vec<Member>, rulings: &[Ruling], policy: &Policy) -> Partition {
    if let [_] = members.as_slice() {
        return Partition { groups: vec![vec![0]], questions: Vec::new() };
    }
    let mut table = Table::of(members, rulings, policy);
    table.acquaint();
    table.obey();
    table.relate_all();
    while let Some(pair) = table.strongest() {
        let rivals = table.rivals(pair);
        if rivals.is_empty() {
            table.unite(pair);
        } else {
            table.contested.insert(pair);
            table.contested.extend(rivals);
        }
    }
    table.read()
}

/// Two groups, the lower place first.
type Pair = (usize, usize);

fn pair(a: usize, b: usize) -> Pair {
    (a.min(b), a.max(b))
}

struct Group {
    profile: Profile,
    members: Vec<usize>,
    stands: Vec<((u64, u64), Span)>,
    /// The claims one of its own has to do with, by itself.
    acquainted: BTreeSet<usize>,
}

impl Group {
    fn knows(&self, other: &Self) -> bool {
        other.members.iter().any(|member| self.acquainted.contains(member))
    }
}

struct Table<'p> {
    policy: &'p Policy,
    groups: Vec<Option<Group>>,
    relations: BTreeMap<Pair, Relation>,
    /// Pairs between which several are as near.
    contested: BTreeSet<Pair>,
    rulings: &'p [Ruling],
}

impl<'p> Table<'p> {
    fn of(members: Vec<Member>, rulings: &'p [Ruling], policy: &'p Policy) -> Self {
        let group = |(place, Member { profile, stands, span })| {
            let (members, acquainted) = (vec![place], BTreeSet::new());
            Some(Group { profile, members, stands: vec![(stands, span)], acquainted })
        };
        let groups = members.into_iter().enumerate().map(group).collect();
        Self { policy, groups, relations: BTreeMap::new(), contested: BTreeSet::new(), rulings }
    }

    /// Which claims have to do with one another, each by itself: groups are compared only where one of each do. What is heard besides, or
    /// was grouped before, changes nothing.
    fn acquaint(&mut self) {
        for a in 0..self.groups.len() {
            for b in a + 1..self.groups.len() {
                if self.has_to_do((a, b)) {
                    for (one, other) in [(a, b), (b, a)] {
                        if let Some(group) = self.groups.get_mut(one).and_then(Option::as_mut) {
                            group.acquainted.insert(other);
                        }
                    }
                }
            }
        }
    }

    /// Related, or of one number, whatever else speaks against it.
    fn has_to_do(&self, pair: Pair) -> bool {
        let both = self.get(pair.0).zip(self.get(pair.1));
        both.is_some_and(|(a, b)| {
            relate(&a.profile, &b.profile, self.policy).is_some() || a.profile.bears_a_number_of(&b.profile)
        })
    }

    /// What a person has ruled goes before everything.
    fn obey(&mut self) {
        for ruling in self.rulings.iter().filter(|ruling| ruling.one) {
            let places = [ruling.of.0, ruling.of.1].map(|member| self.place_of(member));
            if let [Some(a), Some(b)] = places
                && a != b
            {
                self.join(pair(a, b));
            }
        }
    }

    fn place_of(&self, member: usize) -> Option<usize> {
        self.groups
            .iter()
            .position(|group| group.as_ref().is_some_and(|group| group.members.contains(&member)))
    }

    fn get(&self, place: usize) -> Option<&Group> {
        self.groups.get(place).and_then(Option::as_ref)
    }

    fn relate_all(&mut self) {
        for a in 0..self.groups.len() {
            for b in a + 1..self.groups.len() {
                self.relate((a, b));
            }
        }
    }

    fn relate(&mut self, pair: Pair) {
        let relation = match (self.get(pair.0), self.get(pair.1)) {
            (Some(a), Some(b)) if a.knows(b) && !self.kept_apart(a, b) => {
                relate(&a.profile, &b.profile, self.policy)
            }
            _ => None,
        };
        self.contested.remove(&pair);
        match relation {
            Some(relation) => self.relations.insert(pair, relation),
            None => self.relations.remove(&pair),
        };
    }

    /// One record states both, as two; or a person has said so.
    fn kept_apart(&self, a: &Group, b: &Group) -> bool {
        let beside = a.stands.iter().any(|((record, key), span)| {
            let other = |((beside, other), of_other): &((u64, u64), Span)| {
                record == beside && key != other && span.meets(*of_other)
            };
            b.stands.iter().any(other)
        });
        let ruled =
            self.rulings.iter().filter(|ruling| !ruling.one).any(|Ruling { of: (one, other), .. }| {
                let holds = |group: &Group, member| group.members.contains(member);
                (holds(a, one) && holds(b, other)) || (holds(a, other) && holds(b, one))
            });
        beside || ruled
    }

    fn bond(&self, pair: Pair) -> Option<(Bond, Centibits)> {
        let relation = self.relations.get(&pair)?;
        Some((relation.found.ok()?, relation.weight))
    }

    /// The strongest bond not contested; of equals the one that stands first.
    fn strongest(&self) -> Option<Pair> {
        let open = self.relations.keys().filter(|pair| !self.contested.contains(pair));
        let strength = |pair: &Pair| {
            let (bond, weight) = self.bond(*pair)?;
            Some((bond.rank(), Reverse(weight), *pair))
        };
        open.filter_map(strength).min().map(|(.., pair)| pair)
    }

    /// Pairs as strong that would bring one of the two together with somebody who is not the other.
    fn rivals(&self, (a, b): Pair) -> Vec<Pair> {
        let Some((bond, weight)) = self.bond((a, b)) else { return Vec::new() };
        let as_strong = |relation: &Relation| match relation.found {
            Ok(Bond::WholeName) if bond == Bond::NirNearly => true,
            Ok(other) => other.rank() == bond.rank() && relation.weight + self.policy.margin >= weight,
            // The NIR fits but for one trait, and the whole name is somebody else's.
            Err(doubt) => bond == Bond::NirNearly && doubt == Doubt::OtherNir,
        };
        let rival = |(pair, relation): (&Pair, &Relation)| {
            let (own, third) = match *pair {
                (x, y) if x == a || x == b => (x, y),
                (x, y) if y == a || y == b => (y, x),
                _ => return None,
            };
            let other = if own == a { b } else { a };
            let found = (own, other, bond == Bond::NirNearly);
            (third != other && as_strong(relation) && !self.may_unite(found, third)).then_some(*pair)
        };
        self.relations.iter().filter_map(rival).collect()
    }

    /// Whether a third goes on going with somebody who is found to be another: none has to be chosen then. A NIR beside another given
    /// name, name or birth does not tell that much where one source states both: it may be copied.
    fn may_unite(&self, (own, other, nearly): (usize, usize, bool), third: usize) -> bool {
        let (Some(a), Some(b), Some(c)) = (self.get(own), self.get(other), self.get(third)) else {
            return false;
        };
        if self.kept_apart(b, c) || b.profile.nirs_differ(&c.profile) {
            return false;
        }
        let both = || {
            let mut both = a.profile.clone();
            both.join(b.profile.clone());
            both
        };
        let copied = nearly && b.profile.is_stated_beside(&c.profile);
        may_be_one(&b.profile, &c.profile) || (!copied && self.goes_with(&both(), &c.profile))
    }

    /// Bound; or of one NIR, and alike enough to be one whatever else differs.
    fn goes_with(&self, one: &Profile, other: &Profile) -> bool {
        relate(one, other, self.policy).is_some_and(|relation| match relation.found {
            Ok(_) => true,
            Err(doubt) => doubt == Doubt::SharedNir && relation.weight >= self.policy.link,
        })
    }

    fn unite(&mut self, (kept, gone): Pair) {
        self.join((kept, gone));
        for place in 0..self.groups.len() {
            self.relations.remove(&pair(gone, place));
            self.contested.remove(&pair(gone, place));
            if place != kept {
                self.relate(pair(kept, place));
            }
        }
    }

    fn join(&mut self, (kept, gone): Pair) {
        let Some(gone) = self.groups.get_mut(gone).and_then(Option::take) else { return };
        if let Some(group) = self.groups.get_mut(kept).and_then(Option::as_mut) {
            group.profile.join(gone.profile);
            group.members.extend(gone.members);
            group.stands.extend(gone.stands);
            group.acquainted.extend(gone.acquainted);
        }
    }

    fn read(self) -> Partition {
        let places: Vec<usize> = (0..self.groups.len()).filter(|place| self.get(*place).is_some()).collect();
        let new = |place: usize| places.binary_search(&place).unwrap_or_default();
        let questions = self.relations.iter().filter_map(|((a, b), relation)| {
            let contested = self.contested.contains(&(*a, *b)).then_some(Doubt::Several);
            let doubt = relation.found.err().or(contested)?;
            Some(Question { of: (new(*a), new(*b)), doubt, weight: relation.weight })
        });
        let questions = questions.collect();
        let groups = self.groups.into_iter().flatten();
        let members = |mut group: Group| {
            group.members.sort_unstable();
            group.members
        };
        Partition { groups: groups.map(members).collect(), questions }
    }
}
