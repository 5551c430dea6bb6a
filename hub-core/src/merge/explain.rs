//! Why a field holds its value: what became of each claim that had a say in it.
//!
//! The statements about a person and a field enter; a verdict for each claim leaves, by the very contest [`super::merge`] holds.

use crate::canonical::{Canon, FieldId};
use crate::statement::Statement;

use super::contest::{Contender, Contest, Criterion, ranked_by};
use super::precedence::Precedence;
use super::{Ring, beside};

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'s> {
    /// It is believed.
    Kept,
    /// What it lists stands beside what the one believed lists.
    United,
    /// Another is believed: the one it lost to, which may have lost in its turn, and why.
    Lost(&'s Statement, Criterion),
    /// Its dossier is over, and its source has another one.
    Forgotten,
    /// A number its record gives to somebody else now.
    Passed,
}

/// A claim that had a say, and what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'s> {
    /// The claim.
    pub statement: &'s Statement,
    /// What became of it.
    pub verdict: Verdict<'s>,
    /// The path its authority was looked up by, for [`Precedence::rank`] and [`Precedence::section`].
    pub ranked_by: &'s str,
}

/// Tells of every claim that states something of a field's block; who is believed comes first. A claim may be believed for the block
/// and state nothing of the field: then nothing is known of it.
pub fn explain<'s>(
    canon: &'s Canon,
    precedence: &Precedence,
    statements: &[&'s Statement],
    field: FieldId,
) -> Vec<Account<'s>> {
    let whole = canon.field(field).list.unwrap_or(field);
    let (block, united) = (canon.field(whole).block, canon.field(whole).united);
    let ring = Ring::of(canon, precedence, statements);
    let contest = ring.contests(canon, precedence).remove(&block);
    let winner = contest.as_ref().and_then(Contest::winner);
    let told = |c: &Contender<'s>, verdict| {
        let ranked_by = ranked_by(canon, c.statement, block);
        Account { statement: c.statement, verdict, ranked_by }
    };
    let kept = winner.iter().map(|c| told(c, Verdict::Kept));
    let losses = contest.as_ref().map(Contest::losses).unwrap_or_default();
    let lost = losses.into_iter().map(|loss| {
        let joins = united && winner.is_some_and(|winner| beside(&winner, &loss.lost));
        let verdict = if joins { Verdict::United } else { Verdict::Lost(loss.to.statement, loss.by) };
        told(&loss.lost, verdict)
    });
    let unheard = |c: &&Contender<'s>| {
        c.forgotten && !precedence.keeps(canon, block) && super::blocks(canon, c.statement).contains(&block)
    };
    let forgotten = ring.contenders.iter().filter(unheard).map(|c| told(c, Verdict::Forgotten));
    let gave_away =
        |c: &&Contender<'s>| c.statement.stated.get(field).is_some_and(|(_, origin)| origin.is_passed_on());
    let passed = ring.contenders.iter().filter(gave_away).map(|c| told(c, Verdict::Passed));
    kept.chain(lost).chain(forgotten).chain(passed).collect()
}
