//! Merge: the statements of every source about one person become one state.
//!
//! Statements enter in any order, the same state leaves: for each block of fields the claim of the source with the highest
//! declared authority wins, then one still stated over one gone silent or replaced by a later one of the same dossier, then, of
//! those that state a preferred field, the one with the preferred value (of two dossiers, the one whose right is open), then the one
//! with the most recent facts, of one date those of the last delivery, then the content itself as a last, arbitrary but stable, word.
//! A provisional NIR goes after any other. A dossier that is over says nothing beside one of its source that is not. Losing values stay
//! in their statements.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::canonical::nir::is_provisional;
use crate::canonical::{Canon, FieldId, Item, Kind, Value};
use crate::delivery::{DeliveryId, RunId};
use crate::statement::{Origin, Stated, Statement};

/// Declared authority: which source is believed first, by field prefix.
#[derive(Debug, Clone, Default)]
pub struct Precedence {
    default: Vec<Vec<String>>,
    by_prefix: BTreeMap<String, Vec<Vec<String>>>,
    preferred: BTreeMap<String, Vec<String>>,
    replaced: Vec<String>,
}

impl Precedence {
    /// Builds a policy: an order of sources, several of which may share a place, and exceptions by field path or section.
    pub fn new(default: Vec<Vec<String>>, by_prefix: BTreeMap<String, Vec<Vec<String>>>) -> Self {
        Self { default, by_prefix, preferred: BTreeMap::new(), replaced: Vec::new() }
    }

    /// Prefers, between claims of equal authority, those whose value of a field comes first here.
    #[must_use]
    pub fn preferring(self, preferred: BTreeMap<String, Vec<String>>) -> Self {
        Self { preferred, ..self }
    }

    /// Claims of an emitter that state one value of such a field are one dossier: one that first came after another had last changed
    /// replaces it.
    #[must_use]
    pub fn replacing(self, replaced: Vec<String>) -> Self {
        Self { replaced, ..self }
    }

    /// Whether a claim has the last word no more: gone silent, or replaced.
    fn is_over(&self, canon: &Canon, statement: &Statement, statements: &[&Statement]) -> bool {
        let latest = statement.stated.latest();
        let replaced = |field: FieldId, value: &Value| {
            let beside = statements.iter().filter(|other| {
                !other.absent && other.emitter == statement.emitter && other.source == statement.source
            });
            let mut stated = beside.filter_map(|other| other.stated.get(field));
            stated.any(|(other, since)| other == value && Some(since.place()) > latest)
        };
        let named = |field| statement.stated.get(field).is_some_and(|(value, _)| replaced(field, value));
        statement.absent || self.dossier(canon).any(named)
    }

    /// The fields that name a dossier.
    fn dossier<'c>(&'c self, canon: &'c Canon) -> impl Iterator<Item = FieldId> + 'c {
        self.replaced.iter().filter_map(|path| canon.find(path))
    }

    /// A dossier that is over says nothing any more beside one of its source that is not: what the new one does not state is not so.
    fn forget_old_dossiers(&self, canon: &Canon, contenders: &mut Vec<Contender<'_>>) {
        let is_dossier =
            |c: &Contender<'_>| self.dossier(canon).any(|field| c.statement.stated.get(field).is_some());
        let lasting: BTreeSet<&str> = contenders
            .iter()
            .filter(|c| !c.over && is_dossier(c))
            .map(|c| c.statement.source.as_str())
            .collect();
        contenders.retain(|c| !c.over || !is_dossier(c) || !lasting.contains(c.statement.source.as_str()));
    }

    /// Where a claim stands by its preferred values, 0 before all others; nowhere when it states none.
    fn preference(&self, canon: &Canon, statement: &Statement) -> Option<usize> {
        let stated =
            |path: &str| statement.stated.get(canon.find(path)?).and_then(|(value, _)| value.as_text());
        let place = |(path, order): (&String, &Vec<String>)| {
            stated(path).and_then(|text| order.iter().position(|word| word == text)).unwrap_or(order.len())
        };
        let any = self.preferred.keys().any(|path| stated(path).is_some());
        any.then(|| self.preferred.iter().map(place).sum())
    }

    /// Whether a preferred field stands in this block.
    fn prefers_in(&self, canon: &Canon, block: u16) -> bool {
        let mut fields = self.preferred.keys().filter_map(|path| canon.find(path));
        fields.any(|field| canon.field(field).block == block)
    }

    /// Rank of a source for a field, 0 the most believed; the longest prefix decides.
    pub fn rank(&self, source: &str, path: &str) -> usize {
        let mut prefix = path;
        let order = loop {
            if let Some(order) = self.by_prefix.get(prefix) {
                break order;
            }
            match prefix.rsplit_once('.') {
                Some((shorter, _)) => prefix = shorter,
                None => break &self.default,
            }
        };
        order.iter().position(|alike| alike.iter().any(|s| s == source)).unwrap_or(order.len())
    }
}

/// A statement, and whether it has the last word no more.
#[derive(Clone, Copy)]
struct Contender<'s> {
    statement: &'s Statement,
    over: bool,
}

/// Merges the statements about one person.
pub fn merge(canon: &Canon, precedence: &Precedence, statements: &[&Statement]) -> Stated {
    if let [only] = statements {
        return uncontested(only);
    }
    let over = |statement: &Statement| precedence.is_over(canon, statement, statements);
    let mut contenders: Vec<Contender<'_>> =
        statements.iter().map(|statement| Contender { statement, over: over(statement) }).collect();
    precedence.forget_old_dossiers(canon, &mut contenders);
    let mut by_block: BTreeMap<u16, Vec<Contender<'_>>> = BTreeMap::new();
    for contender in &contenders {
        for block in blocks(canon, contender.statement) {
            by_block.entry(block).or_default().push(*contender);
        }
    }
    let winner = |(block, of_block)| Some((block, winner(canon, precedence, of_block, block)?));
    let winners: BTreeMap<u16, Contender<'_>> = by_block.into_iter().filter_map(winner).collect();
    let mut fields: Vec<_> = winners
        .iter()
        .flat_map(|(block, Contender { statement, .. })| {
            let of_block =
                statement.stated.fields.iter().filter(|(id, _, _)| canon.field(*id).block == *block);
            of_block.filter_map(|(id, value, at)| {
                Some((*id, value, statement.stated.origins.get(usize::from(*at))?))
            })
        })
        .collect();
    fields.sort_by_key(|(id, _, _)| *id);
    let mut state = Stated::default();
    for (id, value, origin) in fields {
        match value {
            Value::List(_) if canon.field(id).united => {
                let winner = winners.get(&canon.field(id).block).copied();
                state.push(id, union(id, winner, &contenders), origin);
            }
            _ => state.push(id, value.clone(), origin),
        }
    }
    state.fields.iter_mut().for_each(|(_, value, _)| order(value));
    state
}

/// The only statement about a person, as the whole merge would leave it: most persons have one.
pub fn uncontested(only: &Statement) -> Stated {
    let mut state = only.stated.clone();
    state.fields.iter_mut().for_each(|(_, value, _)| order(value));
    state
}

/// The order a file states elements in means nothing.
fn order(value: &mut Value) {
    if let Value::List(items) = value {
        items.sort();
        items.dedup();
    }
}

/// A repeated group is the union of what the winning source states in all its records: one feed states an action a row.
fn union(field: FieldId, winner: Option<Contender<'_>>, contenders: &[Contender<'_>]) -> Value {
    let beside = |c: &&Contender<'_>| {
        winner.is_some_and(|w| w.statement.source == c.statement.source && w.over == c.over)
    };
    let lists = contenders.iter().filter(beside).filter_map(|c| c.statement.stated.get(field));
    let mut items: Vec<Item> = lists
        .flat_map(|(value, _)| match value {
            Value::List(items) => items.clone(),
            _ => Vec::new(),
        })
        .collect();
    items.sort();
    items.dedup();
    Value::List(items)
}

fn blocks(canon: &Canon, statement: &Statement) -> Vec<u16> {
    let mut blocks: Vec<u16> =
        statement.stated.fields.iter().map(|(id, _, _)| canon.field(*id).block).collect();
    blocks.sort_unstable();
    blocks.dedup();
    blocks
}

/// Who is believed for a block: of those that state a preferred value the one whose is preferred, so that the dossier whose right is
/// open counts whole; against those that say nothing of it, and out of the block it stands in, the date decides.
fn winner<'s>(
    canon: &Canon,
    precedence: &Precedence,
    contenders: Vec<Contender<'s>>,
    block: u16,
) -> Option<Contender<'s>> {
    let own = precedence.prefers_in(canon, block);
    let strengths = contenders.into_iter().map(|contender| {
        let preference = precedence.preference(canon, contender.statement);
        (strength(canon, precedence, contender, block), preference, contender)
    });
    let (preferring, others): (Vec<_>, Vec<_>) =
        strengths.partition(|(_, preference, _)| own || preference.is_some());
    let place = |preference: &Option<usize>| preference.unwrap_or(usize::MAX);
    let preferred = preferring.into_iter().min_by(|(a, a_preference, _), (b, b_preference, _)| {
        let (authority, recent) = (a.0.cmp(&b.0), || a.1.cmp(&b.1));
        authority.then(place(a_preference).cmp(&place(b_preference))).then_with(recent)
    });
    let (.., believed) = preferred.into_iter().chain(others).min_by(|(a, ..), (b, ..)| a.cmp(b))?;
    Some(believed)
}

/// Smaller is stronger: doubt, authority, whether it is over; then how recent it is, and its content.
type Strength<'s> = ((bool, usize, bool), (Reverse<Recent<'s>>, Vec<&'s Value>));

/// The last place it was stated at; of one record read by two mappings, the later run.
type Recent<'s> = (Option<(&'s str, DeliveryId, u64)>, RunId);

fn strength<'s>(
    canon: &Canon,
    precedence: &Precedence,
    Contender { statement, over }: Contender<'s>,
    block: u16,
) -> Strength<'s> {
    let of_block =
        || statement.stated.fields.iter().filter(move |(id, _, _)| canon.field(*id).block == block);
    let path = of_block().next().map_or("", |(id, _, _)| canon.field(*id).path.as_str());
    // A dossier counts whole, so that two of them are never mixed into one nobody stated; other records field by field. Deliveries
    // are numbered in the order they arrived, which a replay and a resumed run leave as it was.
    let dossier = precedence.dossier(canon).any(|field| statement.stated.get(field).is_some());
    let origins = || of_block().filter_map(|(_, _, at)| statement.stated.origins.get(usize::from(*at)));
    let recent = if dossier { statement.stated.latest() } else { origins().map(Origin::place).max() };
    let content = of_block().map(|(_, value, _)| value).collect();
    let doubtful = of_block().any(|(id, value, _)| {
        canon.field(*id).kind == Kind::Nir && value.as_text().is_some_and(is_provisional)
    });
    let rank = precedence.rank(&statement.source, path);
    ((doubtful, rank, over), (Reverse((recent, statement.run)), content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_in_one_place_are_believed_alike() {
        let order = |places: &[&[&str]]| {
            places
                .iter()
                .map(|alike| alike.iter().map(|s| (*s).to_owned()).collect())
                .collect::<Vec<Vec<_>>>()
        };
        let exceptions = BTreeMap::from([("contacts".to_owned(), order(&[&["d"], &["caf"]]))]);
        let precedence = Precedence::new(order(&[&["caf", "msa"], &["d"]]), exceptions);
        let ranks = |path| ["caf", "msa", "d", "other"].map(|source| precedence.rank(source, path));
        assert_eq!(ranks("droits.rsa.etat"), [0, 0, 1, 2]);
        assert_eq!(ranks("contacts.courriels"), [1, 2, 0, 2]);
    }
}
