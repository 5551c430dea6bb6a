//! Mending: persons a subscriber asks for are shown to it again, or told to be gone, through its own channel.
//!
//! A request enters, kept until it is answered; readings leave, at the sequence the profile knows, in the order of all it is told. A request
//! answered twice, as after a crash, gives the same events.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::moving::WAITING;
use super::{Addressed, Advance, Herald, Subscription};
use crate::delivery::PersonId;
use crate::ledger::Book;
use crate::store::{Store, StoreError};

/// What is asked for, by the identifier its readings bear.
const REPAIRS: Book<Repair> = Book::named("reparations");
/// Persons of one request.
const PERSONS: usize = 500;
/// Requests looked at at once.
const ASKED: u32 = 1_000;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Repair {
    subscriber: CompactString,
    persons: Vec<PersonId>,
}

/// Asks that a subscriber be shown these persons again; `mint` gives identifiers.
///
/// # Errors
/// When the store fails.
pub async fn ask_for_repair(
    store: &dyn Store,
    mint: impl Fn() -> Uuid,
    (subscriber, persons): (&CompactString, &[PersonId]),
) -> Result<(), StoreError> {
    for persons in persons.chunks(PERSONS) {
        let repair = Repair { subscriber: subscriber.clone(), persons: persons.to_vec() };
        REPAIRS.change(store, &mint().to_string(), |_| repair.clone()).await?;
    }
    Ok(())
}

/// Forgets what a subscriber asked for.
///
/// # Errors
/// When the store fails.
pub async fn forget_repairs(store: &dyn Store, subscriber: &str) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let asked = REPAIRS.page(store, &after, ASKED).await?;
        let Some((last, _)) = asked.last() else { return Ok(()) };
        after.clone_from(last);
        for (id, _) in asked.iter().filter(|(_, repair)| repair.subscriber == subscriber) {
            REPAIRS.erase(store, id).await?;
        }
    }
}

impl Herald {
    /// Answers the next request of one of those who subscribe.
    pub(super) async fn mend(&self) -> Result<Advance, StoreError> {
        let idle = Advance { idle: true, ..Advance::default() };
        let Some((id, repair, own)) = self.next_to_mend().await? else { return Ok(idle) };
        if own.is_queued() && self.store.told_waiting().await? > WAITING {
            return Ok(idle);
        }
        let Some(before) = self.store.following(&self.scope.profile).await? else { return Ok(idle) };
        let known = self.known(&repair.persons).await?;
        let sight = self.sight(&before, BTreeMap::new());
        let told =
            repair.persons.iter().filter_map(|person| sight.again(*person, known.get(person)?, (own, id)));
        let told: Vec<Addressed> = told.collect();
        let events = told.len() as u64;
        self.write_move(&before, before.clone(), told).await?;
        self.store.erase_note(REPAIRS.name(), &id.to_string()).await?;
        Ok(Advance { events, persons: repair.persons.len() as u64, idle: false })
    }

    async fn next_to_mend(&self) -> Result<Option<(Uuid, Repair, &Subscription)>, StoreError> {
        let asked = REPAIRS.page(self.store.as_ref(), "", ASKED).await?;
        Ok(asked.into_iter().find_map(|(id, repair)| {
            let own = self.subscriptions.iter().find(|own| own.subscriber == repair.subscriber)?;
            Some((id.parse().ok()?, repair, own))
        }))
    }
}
