//! All that is known now, person by person: what a tool starts from before it follows the events.
//!
//! A page of persons leaves as CloudEvents of type `fr.dlnuf.personne.etat`, in the order of their identifiers. Whoever notes
//! the end of the journal first, reads every page, then follows the journal from there and drops what is not above the
//! `sequence` of a person's state, misses nothing.

use hub_core::canonical::Canon;
use hub_core::clock::Clock;
use hub_core::delivery::PersonId;
use hub_core::event::{Manner, show_state};
use hub_core::store::{Store, StoreError};
use uuid::Uuid;

/// Where the first page starts.
pub const START: PersonId = PersonId(Uuid::nil());

/// Some persons as they are known now.
pub struct Page {
    /// One event each; a person of whom nothing is known any more has none.
    pub states: Vec<String>,
    /// What to ask for next; `None` after the last page.
    pub next: Option<PersonId>,
}

/// Reads the page behind `after`.
///
/// # Errors
/// When the store fails.
pub async fn page(
    store: &dyn Store,
    (canon, clock): (&Canon, &dyn Clock),
    after: PersonId,
    limit: u32,
) -> Result<Page, StoreError> {
    let people = store.people(after, limit).await?;
    let mut persons = if people.is_empty() { Vec::new() } else { store.persons(&people).await? };
    persons.sort_by_key(|person| person.id);
    let now = clock.now();
    let states = persons.iter().filter_map(|person| {
        show_state(canon, clock.mint(), (person.id, person.sequence), (now, Manner::Journal), &person.state)
    });
    Ok(Page { states: states.collect(), next: people.last().copied() })
}
