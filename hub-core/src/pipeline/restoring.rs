//! Who is somebody again once a ruling holds no more, or claims are parted: each who was absorbed has their identifier back.
//!
//! Rulings enter, with whom each had absorbed and the claims that one had; those to be restored leave, with the claims that are theirs again.

use std::collections::BTreeSet;

use crate::delivery::PersonId;
use crate::ruling::{Absorbed, Ruling};
use crate::statement::Statement;
use crate::store::{KnownPerson, StoreError};

use super::Pipeline;

/// Rulings looked through for who was made one with others.
const RULINGS: u32 = 10_000;

impl Pipeline {
    /// Who is somebody again once a ruling is undone, or claims are parted.
    pub(super) async fn restored(&self, ruling: &Ruling) -> Result<Vec<(Absorbed, KnownPerson)>, StoreError> {
        let parts = ruling.persons.0 == ruling.persons.1;
        if ruling.undone.is_none() && !parts {
            return Ok(Vec::new());
        }
        let rulings = self.store.rulings(RULINGS).await?;
        let absorbed: Vec<Absorbed> = match &ruling.undone {
            // Also whom rulings undone before this one had absorbed: what this one says may have held them here.
            Some(_) => {
                let before = rulings.iter().filter(|other| other.undone.is_some() && other.id != ruling.id);
                ruling.absorbed.iter().chain(before.flat_map(|other| &other.absorbed)).cloned().collect()
            }
            // Whoever of them is parted from the person is themselves again.
            None => held(&rulings).cloned().collect(),
        };
        let ids: Vec<PersonId> = absorbed.iter().map(|absorbed| absorbed.person).collect();
        let is_here = |known: &KnownPerson| match known.merged_into {
            Some(into) => ruling.undone.is_some() || into == ruling.persons.0,
            None => false,
        };
        let known = self.store.persons(&ids).await?.into_iter().filter(is_here);
        let was =
            |person: &KnownPerson| absorbed.iter().find(|absorbed| absorbed.person == person.id).cloned();
        let (absorbed, known) = known.filter_map(|known| Some((was(&known)?, known))).unzip();
        let absorbed = self.but_of_others(absorbed, &rulings).await?;
        Ok(absorbed.into_iter().zip::<Vec<KnownPerson>>(known).collect())
    }

    /// Without the claims of somebody they had themselves absorbed, who is somebody again and has them: that one is not to lose them.
    async fn but_of_others(
        &self,
        mut absorbed: Vec<Absorbed>,
        rulings: &[Ruling],
    ) -> Result<Vec<Absorbed>, StoreError> {
        let all = || rulings.iter().flat_map(|ruling| &ruling.absorbed);
        let part_of = |part: &Absorbed, whole: &Absorbed| {
            let within = part.claims.iter().all(|claim| whole.claims.contains(claim));
            part.person != whole.person && within && part.claims.len() < whole.claims.len()
        };
        let parts: Vec<&Absorbed> =
            all().filter(|part| absorbed.iter().any(|whole| part_of(part, whole))).collect();
        let persons: BTreeSet<PersonId> = parts.iter().map(|part| part.person).collect();
        let persons = self.store.persons(&persons.into_iter().collect::<Vec<_>>()).await?;
        let has = |part: &Absorbed, claim: i64| {
            let found = persons.iter().find(|known| known.id == part.person && known.merged_into.is_none());
            found.is_some_and(|known| known.statements.iter().any(|held| held.id == Some(claim)))
        };
        for whole in &mut absorbed {
            let of_others = |claim: &i64| {
                parts
                    .iter()
                    .any(|part| part_of(part, whole) && part.claims.contains(claim) && has(part, *claim))
            };
            let own = whole.claims.iter().copied().filter(|claim| !of_others(claim)).collect();
            whole.claims = own;
        }
        Ok(absorbed)
    }

    /// Where all the rest was brought in by rulings, the rest is parted: who was there before keeps the identifier, and those brought in
    /// have theirs again.
    pub(super) async fn brought_in_apart(
        &self,
        person: PersonId,
        (apart, rest): (Vec<Statement>, Vec<Statement>),
    ) -> Result<(Vec<Statement>, Vec<Statement>), StoreError> {
        let rulings = self.store.rulings(RULINGS).await?;
        let ids: Vec<PersonId> = held(&rulings).map(|absorbed| absorbed.person).collect();
        let known = self.store.persons(&ids).await?.into_iter();
        let here: BTreeSet<PersonId> =
            known.filter(|known| known.merged_into == Some(person)).map(|known| known.id).collect();
        let brought = held(&rulings).filter(|absorbed| here.contains(&absorbed.person));
        let brought: BTreeSet<i64> = brought.flat_map(|absorbed| absorbed.claims.iter().copied()).collect();
        let all_brought =
            |claims: &[Statement]| claims.iter().all(|s| s.id.is_some_and(|id| brought.contains(&id)));
        Ok(if all_brought(&rest) && !all_brought(&apart) { (rest, apart) } else { (apart, rest) })
    }
}

/// Those whom rulings that hold absorbed.
fn held(rulings: &[Ruling]) -> impl Iterator<Item = &Absorbed> {
    rulings.iter().filter(|ruling| ruling.undone.is_none()).flat_map(|ruling| &ruling.absorbed)
}
