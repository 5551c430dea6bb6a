//! What follows from a ruling, and why there is none, as people read it.

use hub_core::delivery::PersonId;
use hub_core::pipeline::RulingError;
use hub_core::ruling::Ruling;
use hub_core::store::Store;

use crate::cli::language::{Said, counted, either};
use crate::court::{Effect, in_french};

/// Rulings looked through for the one that made two persons one.
const RULINGS_LOOKED_THROUGH: u32 = 10_000;

/// What follows from a ruling, for people.
pub(super) fn follows(effect: &Effect) -> String {
    let events = format!("{}{}", events(&effect.events), told(effect));
    let others: Vec<String> = effect.others.iter().map(ToString::to_string).collect();
    if others.is_empty() {
        return events;
    }
    let others = others.join(" ");
    either(format!("{events}\n  concerne aussi {others}"), format!("{events}\n  also concerns {others}"))
}

/// That two are one already, and by which ruling.
pub(super) async fn already_one(store: &dyn Store, persons: (PersonId, PersonId)) -> anyhow::Result<String> {
    let named = |ruling: &Ruling| ruling.persons == persons || ruling.persons == (persons.1, persons.0);
    let rulings = store.rulings(RULINGS_LOOKED_THROUGH).await?;
    let ruled = rulings.iter().find(|ruling| ruling.one && ruling.undone.is_none() && named(ruling));
    Ok(match ruled.map(|ruling| ruling.id) {
        Some(id) => either(
            format!(
                "elles sont déjà une, par la décision `{id}` ; pour revenir en arrière : dlnuf identity undo {id} --note \"…\""
            ),
            format!(
                "they are one already, by ruling `{id}`; to take it back: dlnuf identity undo {id} --note \"…\""
            ),
        ),
        None => either(
            "elles sont déjà une, d'après leurs déclarations ; pour les séparer : dlnuf identity split"
                .to_owned(),
            "they are one already, by what is stated of them; to part them: dlnuf identity split".to_owned(),
        ),
    })
}

/// Whom they are told to, for people; nothing where nothing is told.
fn told(effect: &Effect) -> String {
    if effect.events.is_empty() {
        return String::new();
    }
    let count = effect.told.len() as u64;
    let count = counted(count, ["abonné", "abonnés"], ["subscriber", "subscribers"]);
    let names: Vec<String> = effect.told.iter().map(|(name, events)| format!("{name} {events}")).collect();
    let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    either(format!(", à {count}{names}"), format!(" to {count}{names}"))
}

/// Events, counted, for people.
fn events(kinds: &[&'static str]) -> String {
    let count = counted(kinds.len() as u64, ["événement", "événements"], ["event", "events"]);
    let mut names: Vec<&str> = kinds.iter().map(|kind| kind.trim_start_matches("fr.dlnuf.")).collect();
    names.dedup();
    if names.is_empty() { count } else { format!("{count} ({})", names.join(", ")) }
}

/// Why nothing was ruled.
pub(super) fn in_words(error: RulingError) -> anyhow::Error {
    match in_french(&error) {
        Some(french) => Said::either(error.code(), french, error.to_string()).into(),
        None => error.into(),
    }
}
