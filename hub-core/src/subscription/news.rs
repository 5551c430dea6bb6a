//! What a page of the journal says of each person it speaks of.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Kin;
use crate::delivery::PersonId;
use crate::store::JournalEvent;

/// What a page says of a person.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct News {
    /// The first and the last of the person's sequence it speaks of.
    pub first: u64,
    pub last: u64,
    /// The person is made known, or made known again.
    pub created: bool,
    /// Whom the person turned out to be, or not to be, by the sequence of the event that says it.
    pub kin: BTreeMap<u64, Kin>,
}

/// Person by person; a page that tells of a first load names nobody by it.
pub(super) fn news(page: &[JournalEvent]) -> BTreeMap<PersonId, News> {
    let mut news: BTreeMap<PersonId, News> = BTreeMap::new();
    for event in page.iter().filter(|event| !is_load(event)) {
        let of =
            news.entry(event.person).or_insert_with(|| News { first: event.sequence, ..News::default() });
        of.last = of.last.max(event.sequence);
        of.created |= event.routing_key.starts_with("personne.creee.");
        of.kin.extend(kin(&event.routing_key, &event.json).map(|kin| (event.sequence, kin)));
    }
    news
}

/// Tells that a first load made persons, whom no event announces.
pub(super) fn is_load(event: &JournalEvent) -> bool {
    event.routing_key.starts_with("chargement.")
}

#[derive(Deserialize)]
struct Event {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    fusionnee_dans: Option<PersonId>,
    scindee_en: Option<PersonId>,
}

/// Whom an event says a person turned out to be, or not to be.
pub(super) fn kin(routing_key: &str, json: &str) -> Option<Kin> {
    if !["personne.fusionnee.", "personne.scindee."].iter().any(|kind| routing_key.starts_with(kind)) {
        return None;
    }
    let Event { data } = serde_json::from_str(json).ok()?;
    let merged = data.fusionnee_dans.map(Kin::MergedInto);
    merged.or_else(|| data.scindee_en.map(Kin::PartedFrom))
}
