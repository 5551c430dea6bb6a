//! Look up: who somebody is that a tool asks about, by what it knows of them.
//!
//! Canonical values enter, as a claim would state them; one person leaves, or that there is nobody, or that several could be meant. It
//! is the matcher's own judgement: what it would link is one, what it would ask a person about is nobody's to know. Nothing is written.

use std::collections::BTreeSet;

use super::Pipeline;
use crate::canonical::FieldValues;
use crate::delivery::{DeliveryId, PersonId};
use crate::identity::{IdentityKey, Profile, Span, relate};
use crate::store::{KnownPerson, StoreError};

/// Persons compared for one question, those the asker may not know among them; with more, several are meant.
const MOST: usize = 2_000;
/// Persons read at once.
const AT_ONCE: usize = 200;

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nobody who is known.
    Nobody,
    /// This person.
    One(Box<KnownPerson>),
    /// More than one could be meant, or the matcher would ask.
    Several,
}

impl Pipeline {
    /// Finds who is meant by these values among those whom the asker may know: all others are nobody, and raise no doubt either, or else a
    /// value a little off would tell that somebody is there. Also those are compared whom a key too many bear leads to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_up(
        &self,
        asked: &FieldValues,
        may_know: impl Fn(&KnownPerson) -> bool + Send,
    ) -> Result<Found, StoreError> {
        let now = Span::since(DeliveryId(uuid::Uuid::max()));
        let meant = Profile::of(&self.identity.traits(asked, "consultation", ""), now);
        let keys: Vec<IdentityKey> = meant.keys().copied().collect();
        let candidates = if keys.is_empty() { Vec::new() } else { self.store.candidates(&keys).await? };
        let ids: BTreeSet<PersonId> = candidates.into_iter().map(|(_, person)| person).collect();
        if ids.len() > MOST {
            return Ok(Found::Several);
        }
        let ids: Vec<PersonId> = ids.into_iter().collect();
        let (mut one, mut doubtful) = (Vec::new(), false);
        for ids in ids.chunks(AT_ONCE) {
            let persons = self.store.persons(ids).await?.into_iter();
            for person in persons.filter(|person| person.merged_into.is_none() && may_know(person)) {
                let known = Profile::of_all(&person.statements, &self.identity);
                match relate(&meant, &known, &self.policy).map(|relation| relation.found) {
                    Some(Ok(_)) => one.push(person),
                    Some(Err(_)) => doubtful = true,
                    None => {}
                }
            }
        }
        Ok(match (one.pop(), one.is_empty()) {
            (Some(person), true) if !doubtful => Found::One(Box::new(person)),
            (None, _) if !doubtful => Found::Nobody,
            _ => Found::Several,
        })
    }
}
