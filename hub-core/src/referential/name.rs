//! Whether a commune as people write it may be the one of an official name.
//!
//! Two texts enter, yes or no leaves. Accents, hyphens, `ST`, a leading article, CEDEX, a number of an arrondissement and a name cut
//! short do not count; only a name that contradicts does.

use compact_str::CompactString;

use crate::text::{base_letter, fold_name};

/// A name this long may have been cut, in characters: the sixth line of an address holds 38 with its postal code.
const CUT_CHARS: usize = 20;

/// Whether what is written is the name, but for accents, case and what stands between words.
pub(super) fn is_written(written: &str, official: &str) -> bool {
    letters(written).eq(letters(official))
}

/// Whether what is written may name the commune.
pub(super) fn may_name(written: &str, official: &str) -> bool {
    if is_written(written, official) {
        return true;
    }
    let (written, official) = (spelled(written), spelled(official));
    written.is_empty()
        || begins(&official, &written)
        || begins(&written, &official)
        || letters(&written).eq(letters(&official))
}

/// The letters and digits of a name, without accents or case.
fn letters(name: &str) -> impl Iterator<Item = char> {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(|c| base_letter(c).chars()).map(|c| c.to_ascii_uppercase())
}

/// Whether a name begins with whole words of another, or was cut where the other goes on.
fn begins(long: &str, short: &str) -> bool {
    let rest = long.strip_prefix(short);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ') || short.len() >= CUT_CHARS)
}

/// The words that tell a commune from another.
fn spelled(name: &str) -> CompactString {
    let folded = fold_name(name);
    let told = folded.split(' ').take_while(|word| *word != "CEDEX");
    let told =
        told.filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()) && *word != "ARRONDISSEMENT");
    let mut spelled = CompactString::with_capacity(folded.len());
    for word in told {
        let word = match word {
            "LE" | "LA" | "LES" if spelled.is_empty() => continue,
            "ST" => "SAINT",
            "STE" => "SAINTE",
            "S" => "SUR",
            "SS" => "SOUS",
            other => other,
        };
        if !spelled.is_empty() {
            spelled.push(' ');
        }
        spelled.push_str(word);
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commune_is_known_by_the_ways_it_is_written() {
        for (written, official) in [
            ("SAINT DIZIER", "Saint-Dizier"),
            ("ST-DIZIER", "Saint-Dizier"),
            ("Chalon s/ Saône", "Chalon-sur-Saône"),
            ("NANCY CEDEX 9", "Nancy"),
            ("PARIS 14", "Paris"),
            ("PARIS XIV", "Paris"),
            ("Marseille 6ème arrondissement", "Marseille"),
            ("LYON 3E ARRONDISSEMENT", "Lyon"),
            ("HAVRE", "Le Havre"),
            ("LHAY LES ROSES", "L'Haÿ-les-Roses"),
            ("CHALONS", "Châlons-en-Champagne"),
            ("BEAUJEU SAINT VALLIER PIER", "Beaujeu-Saint-Vallier-Pierrejux-et-Quitteur"),
            ("CEDEX 9", "Nancy"),
        ] {
            assert!(may_name(written, official), "{written} {official}");
        }
    }

    #[test]
    fn the_name_of_another_commune_is_told_apart() {
        for (written, official) in [
            ("CHAUMONT", "Langres"),
            ("MONT", "Montpellier"),
            ("SAINT DENIS", "Saint-Dizier"),
            ("CHALONS SUR MARNE", "Châlons-en-Champagne"),
        ] {
            assert!(!may_name(written, official), "{written} {official}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_may_name_itself(text in "\\PC{0,24}") {
            assert!(may_name(&text, &text));
        }
    }
}
