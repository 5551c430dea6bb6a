//! Judge again: everybody known is looked at with the policies in force, as if their claims had just come.
//!
//! Persons enter page by page, a commit a page leaves: who is whom, what is known of each, what is asked. For after a change of
//! `identite.yaml` or `precedence.yaml`, which by itself counts only for claims that come from then on. What was ruled stays.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::delivery::{DeliveryId, PersonId};
use crate::store::StoreError;

use super::hand::Hand;
use super::summoning::{Followed, Settled};
use super::{Pipeline, Progress};

/// Persons of a page.
const PAGE: u32 = 500;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judged {
    /// Persons looked at.
    pub persons: u64,
    /// Events announced, by type.
    pub events: BTreeMap<&'static str, u64>,
    /// Pairs asked about.
    pub asked: BTreeSet<(PersonId, PersonId)>,
}

impl Pipeline {
    /// Looks at everybody anew, in the turn of a run. Interrupted, those of the pages written are done; begun again, it ends the same.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn judge_again(&self, progress: &dyn Progress) -> Result<Judged, StoreError> {
        let _turn = self.turn(progress).await?;
        let (of, ..) = self.store.sizes().await?;
        let cause = (self.clock.now(), DeliveryId(self.clock.mint()));
        let (mut after, mut judged) = (PersonId(Uuid::nil()), Judged::default());
        loop {
            let page = self.store.people(after, PAGE).await?;
            let Some(last) = page.last().copied() else { return Ok(judged) };
            let touched: BTreeSet<PersonId> = page.iter().copied().collect();
            let settle = |mut hand: Hand| {
                hand.bench.one_by_one = true;
                let settled = self.settle_summoned(cause, hand, Vec::new(), touched.clone());
                let Settled { commit, further, .. } = settled;
                (commit, further)
            };
            let Followed { commit, .. } = self.summon(&page, settle).await?;
            self.store.commit(&commit).await?;
            for event in &commit.events {
                *judged.events.entry(event.kind).or_default() += 1;
            }
            let examined = |person: &PersonId| commit.examined.contains(person);
            judged.asked.retain(|(one, other)| !examined(one) && !examined(other));
            judged.asked.extend(commit.questions.iter().map(|question| question.persons));
            judged.persons += page.len() as u64;
            progress.advance(judged.persons, of);
            after = last;
        }
    }
}
