//! What a receipt says in words: all of it French, and none of it for the hub's operators only.
//!
//! A state, a code or a warning enters, a sentence leaves. What was found is told in the hub's own English; the figures of the phrases
//! known here are kept, any other is left out, since what its code means is said anyway.

use hub_core::code::Code;
use hub_core::delivery::Warning;

/// What was found, as the hub tells it and in French; `{}` stands for a figure.
const PHRASES: [(&str, &str); 8] = [
    (
        "expected about {} records, found {} ({} % off, limit {} %)",
        "environ {} enregistrements attendus, {} trouvés (écart de {} %, limite {} %)",
    ),
    (
        "expected at most {} % records refused, found {} of {} ({} %)",
        "au plus {} % d'enregistrements refusés attendus, {} trouvés sur {} ({} %)",
    ),
    (
        "expected at most {} % records with an unknown code, found {} of {} ({} %)",
        "au plus {} % d'enregistrements à code inconnu attendus, {} trouvés sur {} ({} %)",
    ),
    (
        "expected at most {} % rights closed or persons gone, found {} of {} ({} %)",
        "au plus {} % de droits clos ou de personnes absentes attendus, {} trouvés sur {} ({} %)",
    ),
    ("announced {}, read {}", "{} annoncés, {} lus"),
    ("expected UTF-8, found no letter in it", "aucune lettre n'est en UTF-8"),
    ("expected at least one record, found none", "aucun enregistrement"),
    (
        "no record, in a delivery of changes: nothing changed",
        "aucun enregistrement, dans une livraison de changements : rien ne change",
    ),
];

/// How a delivery stands, in a sentence.
pub(super) fn of_state(state: &str) -> &'static str {
    match state {
        "recue" => "La livraison est reçue et attend son tour ; il n'y a rien à renvoyer.",
        "en_cours" => "La livraison est en cours d'intégration ; il n'y a rien à renvoyer.",
        "integree" => "La livraison est intégrée.",
        "integree_avec_rejets" => {
            "La livraison est intégrée, sauf les enregistrements refusés : corrigez-les dans le fichier de rejets et renvoyez celui-ci."
        }
        "retenue" => {
            "La livraison est retenue : rien n'en est intégré tant que l'exploitant du hub ne l'a pas relâchée ou écartée."
        }
        "ecartee" => "La livraison est écartée : rien n'en a été ni n'en sera intégré.",
        "interrompue" => {
            "L'intégration s'est interrompue pour une raison technique et reprendra d'elle-même ; il n'y a rien à renvoyer."
        }
        _ => "",
    }
}

/// What was found, beyond what the code says of it.
pub(super) fn detail(warning: &Warning) -> Option<String> {
    let title = &warning.code.entry().fr.title;
    let found = warning.message.strip_prefix(title.as_str())?.trim_start_matches([' ', ':', '\u{a0}']);
    match warning.code {
        _ if found.is_empty() => None,
        // The institution's own columns.
        Code::UnreadColumns => Some(found.to_owned()),
        Code::MissingColumns => {
            let (_, columns) = found.split_once("whose columns ")?;
            columns.strip_suffix(" are not there").map(str::to_owned)
        }
        _ => PHRASES.iter().find_map(|(phrase, french)| Some(filled(french, &figures(phrase, found)?))),
    }
}

/// The figures of a text that is written like this phrase.
fn figures<'t>(phrase: &str, text: &'t str) -> Option<Vec<&'t str>> {
    let mut pieces = phrase.split("{}");
    let mut rest = text.strip_prefix(pieces.next()?)?;
    let mut figures = Vec::new();
    for piece in pieces {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (figure, behind) = rest.split_at(end);
        figures.push(figure);
        rest = behind.strip_prefix(piece)?;
    }
    (rest.is_empty() && figures.iter().all(|figure| !figure.is_empty())).then_some(figures)
}

fn filled(phrase: &str, figures: &[&str]) -> String {
    figures.iter().fold(phrase.to_owned(), |text, figure| text.replacen("{}", figure, 1))
}

#[cfg(test)]
mod tests {
    use hub_core::guard::{Figures, Guards};

    use super::*;

    fn told(code: Code, detail: &str) -> Option<String> {
        let message = format!("{} : {detail}", code.entry().fr.title);
        super::detail(&Warning { code, field: None, message, count: 1, first_record: 0 })
    }

    #[test]
    fn what_every_guard_found_is_told_in_french() {
        let usual = Figures { records: 1_000, looked_at: 1_000, stated: 1_000, ..Figures::default() };
        for figures in [
            Figures { before: vec![3_000], ..usual.clone() },
            Figures { refused: 900, ..usual.clone() },
            Figures { unknown_codes: 900, ..usual.clone() },
            Figures { closed: 900, ..usual.clone() },
        ] {
            let fault = Guards::default().judge(&figures).expect("it is held");
            let told = told(fault.code, &fault.detail);
            let figure = if fault.code == Code::VolumeGuard { "1000" } else { "900" };
            assert!(told.as_deref().is_some_and(|told| told.contains(figure)), "{fault:?}: {told:?}");
        }
    }

    #[test]
    fn what_is_known_only_in_english_is_left_out() {
        assert_eq!(told(Code::Truncated, "expected `</Racine>`, found the end"), None);
        assert_eq!(told(Code::ControlTotal, "announced 12, read 13").as_deref(), Some("12 annoncés, 13 lus"));
        assert_eq!(told(Code::ControlTotal, "announced , read 13"), None);
        let missing = "the nearest is `caf/x`, whose columns `NIR` are not there";
        assert_eq!(told(Code::MissingColumns, missing).as_deref(), Some("`NIR`"));
        assert_eq!(told(Code::UnreadColumns, "NIR, NOM").as_deref(), Some("NIR, NOM"));
    }
}
