//! Who is believed for a block of fields, and what decided it.
//!
//! The claims that state something of the block enter; the one believed leaves, and on demand, for each other, the one it lost to
//! and by which criterion. Both come from the same comparisons.

use std::cmp::Ordering;

use crate::canonical::nir::is_provisional;
use crate::canonical::{Canon, FieldId, Kind, Value};
use crate::delivery::{DeliveryId, RunId};
use crate::statement::{Origin, Statement};

use super::precedence::Precedence;

/// A statement, and whether it has the last word no more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Contender<'s> {
    pub statement: &'s Statement,
    pub over: bool,
    /// Its dossier is over, and its source has another one.
    pub forgotten: bool,
}

/// What decides between two claims, in the order it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Criterion {
    /// A provisional NIR goes after any other.
    Doubt,
    /// A NIR without its key, and not certified, goes after one that no misprint can be in.
    Unsure,
    /// The policy believes one source before the other.
    Authority,
    /// One is stated still; the other has gone silent, or a later claim of its dossier has replaced it.
    Standing,
    /// One states the value the policy prefers.
    Preference,
    /// The facts of one are more recent.
    Recency,
    /// Of one date, one was delivered later, or stands further on in its file.
    Arrival,
    /// One place read twice: the later run counts.
    Run,
    /// Nothing does: their content, so that the same one is believed every time.
    Content,
}

/// How strong a claim is for a block.
struct Strength<'s> {
    contender: Contender<'s>,
    doubtful: bool,
    unsure: bool,
    rank: usize,
    preference: Option<usize>,
    /// The last place it was stated at.
    recent: Option<(&'s str, DeliveryId, u64)>,
    run: RunId,
    content: Vec<&'s Value>,
}

type Comparison = for<'a, 's> fn(&'a Strength<'s>, &'a Strength<'s>) -> Ordering;

/// Each criterion, the stronger one first.
const CRITERIA: [(Criterion, Comparison); 9] = [
    (Criterion::Doubt, |a, b| a.doubtful.cmp(&b.doubtful)),
    (Criterion::Unsure, |a, b| a.unsure.cmp(&b.unsure)),
    (Criterion::Authority, |a, b| a.rank.cmp(&b.rank)),
    (Criterion::Standing, |a, b| a.contender.over.cmp(&b.contender.over)),
    (Criterion::Preference, |a, b| a.preference_place().cmp(&b.preference_place())),
    (Criterion::Recency, |a, b| b.date().cmp(&a.date())),
    (Criterion::Arrival, |a, b| b.recent.cmp(&a.recent)),
    (Criterion::Run, |a, b| b.run.cmp(&a.run)),
    (Criterion::Content, |a, b| a.content.cmp(&b.content)),
];

/// The claims that state something of a block: of those that state a preferred value the one whose is preferred, so that the dossier
/// whose right is open counts whole; against those that say nothing of it, and out of the block it stands in, the date decides.
pub(super) struct Contest<'s> {
    preferring: Vec<Strength<'s>>,
    others: Vec<Strength<'s>>,
}

/// A claim that is not believed, the one it lost to, and why.
pub(super) struct Loss<'s> {
    pub lost: Contender<'s>,
    pub to: Contender<'s>,
    pub by: Criterion,
}

impl<'s> Contest<'s> {
    pub fn new(canon: &Canon, precedence: &Precedence, contenders: &[Contender<'s>], block: u16) -> Self {
        let own = precedence.prefers_in(canon, block);
        let strengths = contenders.iter().map(|contender| strength(canon, precedence, *contender, block));
        let (preferring, others) = strengths.partition(|strength| own || strength.preference.is_some());
        Self { preferring, others }
    }

    /// Who is believed.
    pub fn winner(&self) -> Option<Contender<'s>> {
        self.strongest().map(|strength| strength.contender)
    }

    /// Why each other is not.
    pub fn losses(&self) -> Vec<Loss<'s>> {
        let (Some(winner), preferred) = (self.strongest(), self.preferred()) else { return Vec::new() };
        let loss = |lost: &Strength<'s>, to: &Strength<'s>, preferring| {
            let (by, _) = to.against(lost, preferring);
            let same = std::ptr::eq(lost, to);
            (!same).then_some(Loss { lost: lost.contender, to: to.contender, by })
        };
        let beside = self.preferring.iter().filter_map(|lost| loss(lost, preferred?, true));
        let others = preferred.into_iter().chain(&self.others);
        beside.chain(others.filter_map(|lost| loss(lost, winner, false))).collect()
    }

    /// The first of those that state a preferred value.
    fn preferred(&self) -> Option<&Strength<'s>> {
        self.preferring.iter().min_by(|a, b| a.against(b, true).1)
    }

    fn strongest(&self) -> Option<&Strength<'s>> {
        self.preferred().into_iter().chain(&self.others).min_by(|a, b| a.against(b, false).1)
    }
}

impl Strength<'_> {
    /// Which criterion decides between two, and for whom.
    fn against(&self, other: &Self, preferring: bool) -> (Criterion, Ordering) {
        let asked = CRITERIA.iter().filter(|(by, _)| preferring || *by != Criterion::Preference);
        let mut decided = asked.map(|(by, compare)| (*by, compare(self, other)));
        decided.find(|(_, order)| order.is_ne()).unwrap_or((Criterion::Content, Ordering::Equal))
    }

    fn date(&self) -> Option<&str> {
        self.recent.map(|(date, _, _)| date)
    }

    fn preference_place(&self) -> usize {
        self.preference.unwrap_or(usize::MAX)
    }
}

/// The path a claim's authority for a block is looked up by: that of the first field it states of it.
pub(super) fn ranked_by<'c>(canon: &'c Canon, statement: &Statement, block: u16) -> &'c str {
    let mut fields = statement.stated.fields.iter().map(|(id, _, _)| canon.field(*id));
    fields.find(|field| field.block == block).map_or("", |field| field.path.as_str())
}

fn strength<'s>(
    canon: &Canon,
    precedence: &Precedence,
    contender: Contender<'s>,
    block: u16,
) -> Strength<'s> {
    let statement = contender.statement;
    let of_block =
        || statement.stated.fields.iter().filter(move |(id, _, _)| canon.field(*id).block == block);
    // A dossier counts whole, so that two of them are never mixed into one nobody stated; other records field by field. Deliveries
    // are numbered in the order they arrived, which a replay and a resumed run leave as it was.
    let dossier = precedence.is_dossier(canon, statement);
    let origins = || of_block().filter_map(|(_, _, at)| statement.stated.origins.get(usize::from(*at)));
    let recent = if dossier { statement.stated.latest() } else { origins().map(Origin::place).max() };
    let nir = of_block().find(|(id, _, _)| canon.field(*id).kind == Kind::Nir);
    let doubtful = nir.is_some_and(|(_, value, _)| value.as_text().is_some_and(is_provisional));
    // What qualifies a NIR says that it is certified, or came with its key.
    let said = |(id, value, _): &(FieldId, Value, u16)| {
        canon.field(*id).qualifies == nir.map(|(id, _, _)| *id) && *value == Value::Bool(true)
    };
    let unsure = nir.is_some() && !of_block().any(said);
    Strength {
        contender,
        doubtful,
        unsure,
        rank: precedence.rank(&statement.source, ranked_by(canon, statement, block)),
        preference: precedence.preference(canon, statement),
        recent,
        run: statement.run,
        content: of_block().map(|(_, value, _)| value).collect(),
    }
}
