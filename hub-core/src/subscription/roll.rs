//! The roll of a subscriber: whom it is to know, by the names it knows them by, and how far each has been told.
//!
//! What profiles were told enters; the roll leaves, and how what a tool says it knows differs from it. By the roll a tool finds whom
//! it missed, or had before it was restored, and asks for those alone.

use std::collections::BTreeMap;

use super::{Pseudonyms, Subscription, Told};
use crate::delivery::PersonId;
use crate::store::{Store, StoreError};

/// Persons read at once.
const PAGE: u32 = 5_000;

/// Whom a subscriber is to know: by name, the sequence of the last event the profile was told of each.
pub type Roll = BTreeMap<PersonId, u64>;

/// Where what a tool knows is not the roll.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differences {
    /// On the roll, and not known to the tool.
    pub missing: Vec<PersonId>,
    /// Known to the tool as they were before.
    pub behind: Vec<PersonId>,
    /// Known to the tool as they will be: the hub was restored from an older copy.
    pub ahead: Vec<PersonId>,
    /// Known to the tool, and not on the roll.
    pub unknown: Vec<PersonId>,
}

impl Differences {
    /// Everybody who differs.
    pub fn all(&self) -> impl Iterator<Item = PersonId> + '_ {
        [&self.missing, &self.behind, &self.ahead, &self.unknown].into_iter().flatten().copied()
    }
}

/// Reads the roll of a subscriber.
///
/// # Errors
/// When the store fails.
pub async fn roll(
    store: &dyn Store,
    pseudonyms: &Pseudonyms,
    own: &Subscription,
) -> Result<Roll, StoreError> {
    let (mut roll, mut behind) = (Roll::new(), super::herald::nobody());
    loop {
        let page = store.told_people(&own.profile, behind, PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(roll) };
        behind = *last;
        for (person, told) in page {
            if is_in_sight(&told, own) {
                roll.insert(pseudonyms.of(&own.profile, person), told.standing.sequence);
            }
        }
    }
}

/// How what a tool knows differs from the roll; of one that is not told all families, only whom it knows is compared.
pub fn compare(roll: &Roll, known: &Roll, own: &Subscription) -> Differences {
    let mut differences = Differences::default();
    for (person, told) in roll {
        match known.get(person) {
            None => differences.missing.push(*person),
            Some(_) if !own.families.is_empty() => {}
            Some(sequence) if sequence < told => differences.behind.push(*person),
            Some(sequence) if sequence > told => differences.ahead.push(*person),
            Some(_) => {}
        }
    }
    differences.unknown = known.keys().filter(|person| !roll.contains_key(person)).copied().collect();
    differences
}

/// Those among everybody a profile was ever told of whom it knows by these names.
///
/// # Errors
/// When the store fails.
pub async fn known_by(
    store: &dyn Store,
    pseudonyms: &Pseudonyms,
    (profile, names): (&str, &[PersonId]),
) -> Result<BTreeMap<PersonId, PersonId>, StoreError> {
    found(store, pseudonyms, (profile, names), |_| true).await
}

/// Those among whom a subscriber is to know whom it knows by these names: of others it is not even said that they are there.
///
/// # Errors
/// When the store fails.
pub async fn in_sight_of(
    store: &dyn Store,
    pseudonyms: &Pseudonyms,
    (own, names): (&Subscription, &[PersonId]),
) -> Result<BTreeMap<PersonId, PersonId>, StoreError> {
    found(store, pseudonyms, (&own.profile, names), |told| is_in_sight(told, own)).await
}

fn is_in_sight(told: &Told, own: &Subscription) -> bool {
    told.standing.seen_in.as_ref().is_some_and(|place| own.territory.covers(place))
}

async fn found(
    store: &dyn Store,
    pseudonyms: &Pseudonyms,
    (profile, names): (&str, &[PersonId]),
    counts: impl Fn(&Told) -> bool,
) -> Result<BTreeMap<PersonId, PersonId>, StoreError> {
    let wanted: std::collections::BTreeSet<PersonId> = names.iter().copied().collect();
    let (mut found, mut behind) = (BTreeMap::new(), super::herald::nobody());
    while found.len() < wanted.len() {
        let page = store.told_people(profile, behind, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        behind = *last;
        let all = page.iter().filter(|(_, told)| counts(told));
        let all = all.map(|(person, _)| (pseudonyms.of(profile, *person), *person));
        found.extend(all.filter(|(name, _)| wanted.contains(name)));
    }
    Ok(found)
}
