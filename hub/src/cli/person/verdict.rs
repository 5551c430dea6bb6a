//! What became of a claim, in words: for programs one word each, for people a sentence.

use hub_core::merge::{Criterion, Verdict};

use super::super::language::either;

/// The verdict and its motive as programs read them.
pub(super) fn word(verdict: Verdict<'_>) -> (&'static str, Option<&'static str>) {
    match verdict {
        Verdict::Kept => ("retenue", None),
        Verdict::United => ("unie", None),
        Verdict::Forgotten => ("ecartee", Some("dossier_termine")),
        Verdict::Lost(_, by) => ("ecartee", Some(criterion(by))),
    }
}

fn criterion(by: Criterion) -> &'static str {
    match by {
        Criterion::Doubt => "nir_provisoire",
        Criterion::Authority => "autorite",
        Criterion::Standing => "perime",
        Criterion::Preference => "preference",
        Criterion::Recency => "date",
        Criterion::Run => "passage",
        Criterion::Content => "arbitraire",
    }
}

/// Why a value is not kept, in a few words.
pub(super) fn motive(verdict: Verdict<'_>) -> String {
    let (french, english) = match verdict {
        Verdict::Kept => ("retenue", "kept"),
        Verdict::United => ("réunie à la valeur retenue", "united with the value kept"),
        Verdict::Forgotten => {
            ("dossier terminé, la source en a un autre", "its dossier is over, its source has another")
        }
        Verdict::Lost(to, by) => return lost(&to.source, by),
    };
    either(french, english).to_owned()
}

fn lost(to: &str, by: Criterion) -> String {
    match by {
        Criterion::Doubt => either("NIR provisoire", "provisional NIR").to_owned(),
        Criterion::Authority => either(
            format!("`{to}` passe avant pour ce champ"),
            format!("`{to}` is believed first for this field"),
        ),
        Criterion::Standing => {
            either("n'est plus dite, ou remplacée", "no longer stated, or replaced").to_owned()
        }
        Criterion::Preference => {
            either(format!("`{to}` dit la valeur préférée"), format!("`{to}` states the value preferred"))
        }
        Criterion::Recency => either(format!("`{to}` est plus récent"), format!("`{to}` is more recent")),
        Criterion::Run => either("relue depuis", "read again since").to_owned(),
        Criterion::Content => {
            either("rien ne les départage : choix constant", "nothing tells them apart: always the same one")
                .to_owned()
        }
    }
}
