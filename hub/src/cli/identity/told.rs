//! What follows from a ruling, and why there is none, as people read it.

use hub_core::pipeline::RulingError;

use crate::cli::language::{Said, counted};

/// Events, counted, for people.
pub(super) fn events(kinds: &[&'static str]) -> String {
    let count = counted(kinds.len() as u64, ["événement", "événements"], ["event", "events"]);
    let mut names: Vec<&str> = kinds.iter().map(|kind| kind.trim_start_matches("fr.dlnuf.")).collect();
    names.dedup();
    if names.is_empty() { count } else { format!("{count} ({})", names.join(", ")) }
}

/// Why nothing was ruled.
pub(super) fn in_words(error: RulingError) -> anyhow::Error {
    let french = match &error {
        RulingError::Store(_) => return error.into(),
        RulingError::NoPerson(id) => format!("il n'y a pas de personne `{id}`"),
        RulingError::Absorbed(id, into) => format!("`{id}` est désormais `{into}` : nommez celle-ci"),
        RulingError::OnePerson => "attendu : deux personnes ; trouvé : deux fois la même".to_owned(),
        RulingError::NoClaim(id) => format!("`{id}` n'a pas cette déclaration, ou n'en garderait aucune"),
        RulingError::NoRuling(id) => format!("il n'y a pas de décision `{id}` en vigueur"),
    };
    Said::either(error.code(), french, error.to_string()).into()
}
