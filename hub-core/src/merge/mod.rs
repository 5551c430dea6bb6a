//! Merge: the statements of every source about one person become one state.
//!
//! Statements enter in any order, the same state leaves: for each block of fields the claim of the source with the highest
//! declared authority wins, then one still stated over one gone silent or replaced by a later one of the same dossier, then, of
//! those that state a preferred field, the one with the preferred value (of two dossiers, the one whose right is open), then the one
//! with the most recent facts, of one date those of the last delivery, then the content itself as a last, arbitrary but stable, word.
//! A provisional NIR goes after any other. A dossier that is over says nothing beside one of its source that is not, but of sections
//! declared to outlive it. Losing values stay
//! in their statements, and [`explain`] tells why each lost.

mod contest;
mod explain;
mod precedence;

use std::collections::BTreeMap;

use crate::canonical::{Canon, FieldId, Item, Value};
use crate::statement::{Stated, Statement};

use contest::{Contender, Contest};

pub use contest::Criterion;
pub use explain::{Account, Verdict, explain};
pub use precedence::Precedence;

/// Merges the statements about one person.
pub fn merge(canon: &Canon, precedence: &Precedence, statements: &[&Statement]) -> Stated {
    if let [only] = statements {
        return uncontested(only);
    }
    let ring = Ring::of(canon, precedence, statements);
    let contests = ring.contests(canon, precedence).into_iter();
    let winners: BTreeMap<u16, Contender<'_>> =
        contests.filter_map(|(block, contest)| Some((block, contest.winner()?))).collect();
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
                state.push(id, union(id, winner, &ring.contenders), origin);
            }
            _ => state.push(id, value.clone(), origin),
        }
    }
    state.fields.iter_mut().for_each(|(_, value, _)| order(value));
    state
}

/// Who contends for the blocks of a person.
struct Ring<'s> {
    contenders: Vec<Contender<'s>>,
}

impl<'s> Ring<'s> {
    fn of(canon: &Canon, precedence: &Precedence, statements: &[&'s Statement]) -> Self {
        let over = |statement: &Statement| precedence.is_over(canon, statement, statements);
        let contender =
            |statement: &&'s Statement| Contender { statement, over: over(statement), forgotten: false };
        let mut contenders: Vec<Contender<'s>> = statements.iter().map(contender).collect();
        precedence.forget_old_dossiers(canon, &mut contenders);
        Self { contenders }
    }

    /// A contest for each block something is stated of.
    fn contests(&self, canon: &Canon, precedence: &Precedence) -> BTreeMap<u16, Contest<'s>> {
        let mut by_block: BTreeMap<u16, Vec<Contender<'s>>> = BTreeMap::new();
        for contender in &self.contenders {
            let heard = |block: &u16| !contender.forgotten || precedence.keeps(canon, *block);
            for block in blocks(canon, contender.statement).into_iter().filter(heard) {
                by_block.entry(block).or_default().push(*contender);
            }
        }
        let contest =
            |(block, of_block): (u16, Vec<_>)| (block, Contest::new(canon, precedence, &of_block, block));
        by_block.into_iter().map(contest).collect()
    }
}

/// The only statement about a person, as the whole merge would leave it: most persons have one.
pub fn uncontested(only: &Statement) -> Stated {
    let mut state = if only.absent { only.stated.as_stated() } else { only.stated.clone() };
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
    let united = contenders.iter().filter(|c| winner.is_some_and(|winner| beside(&winner, c)));
    let lists = united.filter_map(|c| c.statement.stated.get(field));
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

/// Whether the lists of two claims are united.
fn beside(winner: &Contender<'_>, other: &Contender<'_>) -> bool {
    winner.statement.source == other.statement.source
        && (winner.over, winner.forgotten) == (other.over, other.forgotten)
}

/// The blocks a claim has a say in.
fn blocks(canon: &Canon, statement: &Statement) -> Vec<u16> {
    let mut blocks: Vec<u16> = statement.stated.spoken().map(|id| canon.field(id).block).collect();
    blocks.sort_unstable();
    blocks.dedup();
    blocks
}

#[cfg(test)]
mod tests;
