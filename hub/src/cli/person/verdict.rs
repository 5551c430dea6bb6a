//! What became of a claim, in words: for programs one word each, for people a sentence.

use hub_core::merge::{Criterion, Verdict};
use hub_core::statement::Statement;

use super::super::language::either;

/// The verdict and its motive as programs read them.
pub(super) fn word(verdict: Verdict<'_>) -> (&'static str, Option<&'static str>) {
    match verdict {
        Verdict::Kept => ("retenue", None),
        Verdict::United => ("unie", None),
        Verdict::Forgotten => ("ecartee", Some("dossier_termine")),
        Verdict::Passed => ("ecartee", Some("numero_donne")),
        Verdict::Lost(_, by) => ("ecartee", Some(criterion(by))),
    }
}

fn criterion(by: Criterion) -> &'static str {
    match by {
        Criterion::Doubt => "nir_provisoire",
        Criterion::Unsure => "nir_sans_cle",
        Criterion::Authority => "autorite",
        Criterion::Standing => "perime",
        Criterion::Preference => "preference",
        Criterion::Recency => "date",
        Criterion::Arrival => "arrivee",
        Criterion::Run => "passage",
        Criterion::Content => "arbitraire",
    }
}

/// Why a value is not kept, in a few words.
pub(super) fn motive(stated: &Statement, verdict: Verdict<'_>) -> String {
    let (french, english) = match verdict {
        Verdict::Kept => ("retenue", "kept"),
        Verdict::United => ("réunie à la valeur retenue", "united with the value kept"),
        Verdict::Forgotten => {
            ("dossier terminé, la source en a un autre", "its dossier is over, its source has another")
        }
        Verdict::Passed => {
            ("sa source donne ce numéro à quelqu'un d'autre", "its source gives this number to somebody else")
        }
        Verdict::Lost(to, by) => return lost(stated.absent, &to.source, by),
    };
    either(french, english).to_owned()
}

fn lost(absent: bool, to: &str, by: Criterion) -> String {
    match by {
        Criterion::Doubt => either("NIR provisoire", "provisional NIR").to_owned(),
        Criterion::Unsure => {
            either("NIR ni certifié ni dit avec sa clé", "NIR neither certified nor stated with its key")
                .to_owned()
        }
        Criterion::Authority => either(
            format!("`{to}` passe avant pour ce champ"),
            format!("`{to}` is believed first for this field"),
        ),
        Criterion::Standing if absent => either("n'est plus dite", "no longer stated").to_owned(),
        Criterion::Standing => {
            either("remplacée par un dossier de même numéro", "replaced by a dossier of the same number")
                .to_owned()
        }
        Criterion::Preference => {
            either(format!("`{to}` dit la valeur préférée"), format!("`{to}` states the value preferred"))
        }
        Criterion::Recency => either(format!("`{to}` est plus récent"), format!("`{to}` is more recent")),
        Criterion::Arrival => either(
            format!("de même date, `{to}` l'a dite en dernier"),
            format!("of the same date, `{to}` stated it last"),
        ),
        Criterion::Run => either("relue depuis", "read again since").to_owned(),
        Criterion::Content => {
            either("rien ne les départage : choix constant", "nothing tells them apart: always the same one")
                .to_owned()
        }
    }
}
