//! What a NIR says of a birth, held against what is stated beside it.
//!
//! Thirteen characters and a value enter, whether they can go together leaves. What a number cannot say (a fictitious month, a
//! provisional number) contradicts nothing. The place is the one of the day of registration: départements were cut in 1968 and 1976,
//! Algeria, Morocco and Tunisia had numbers of their own, and communes have merged since.

use super::commune::COMMUNES;
use super::departement::of_commune;
use crate::canonical::nir::is_provisional;

/// The first day births of the Paris region were registered under its new départements.
const SEINE_CUT: &str = "1968";
/// The départements that stood in the Seine and the Seine-et-Oise, with the numbers these bore.
const PARIS_REGION: &[&str] = &["75", "78", "91", "92", "93", "94", "95"];
/// Territories whose births were registered as those of Guadeloupe.
const OF_GUADELOUPE: &[&str] = &["971", "977", "978"];

/// Whether the first digit goes with a sex (`homme`, `femme`).
pub(super) fn sex_agrees(nir: &str, sex: &str) -> bool {
    let first = nir.as_bytes().first();
    !matches!((first, sex), (Some(b'1' | b'3' | b'7'), "femme") | (Some(b'2' | b'4' | b'8'), "homme"))
}

/// Whether year and month go with a date of birth, as far as both are known.
pub(super) fn date_agrees(nir: &str, date: &str) -> bool {
    let agree = |own: Option<&str>, other: Option<&str>| own.is_none() || other.is_none() || own == other;
    let month = nir.get(3..5).filter(|month| ("01"..="12").contains(month));
    is_provisional(nir) || (agree(nir.get(1..3), date.get(2..4)) && agree(month, date.get(5..7)))
}

/// Whether the place goes with a commune of birth, or a country (`99` and three digits), of somebody born at a date, if it is known.
pub(super) fn place_agrees(nir: &str, commune: &str, date: Option<&str>) -> bool {
    let Some(place) = nir.get(5..10).filter(|_| !is_provisional(nir)) else { return true };
    let abroad = |code: &str| code.starts_with("99");
    match (abroad(place), abroad(commune)) {
        // Countries change their numbers with their names.
        (true, true) => true,
        (true, false) => false,
        (false, true) => matches!(place.get(..2), Some("91" | "92" | "93" | "94" | "95" | "96")),
        (false, false) => {
            place == commune || same_commune(place, commune) || was_elsewhere(place, commune, date)
        }
    }
}

/// Whether two codes name one commune today; where one is not known, whether they are of one département.
fn same_commune(place: &str, commune: &str) -> bool {
    match (COMMUNES.present(place), COMMUNES.present(commune)) {
        (Some(place), Some(commune)) => place.code == commune.code,
        _ => of_commune(place) == of_commune(commune),
    }
}

/// Whether a commune was counted to the other département when it was registered.
fn was_elsewhere(place: &str, commune: &str, date: Option<&str>) -> bool {
    let both = |codes: &[&str]| codes.contains(&of_commune(place)) && codes.contains(&of_commune(commune));
    let cut = both(PARIS_REGION) && date.is_none_or(|date| date < SEINE_CUT);
    let corsican = |code: &str| matches!(of_commune(code), "20" | "2A" | "2B");
    let whole_island = of_commune(place) == "20" || of_commune(commune) == "20";
    cut || (whole_island && corsican(place) && corsican(commune))
        || (both(OF_GUADELOUPE) && of_commune(place) != of_commune(commune))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_goes_with_its_sex_year_and_month() {
        for (nir, sex, wanted) in [
            ("1850578006084", "homme", true),
            ("1850578006084", "femme", false),
            ("2850578006084", "homme", false),
            ("4850578006084", "femme", true),
            ("8850578006084", "homme", false),
            ("1850578006084", "autre", true),
        ] {
            assert_eq!(sex_agrees(nir, sex), wanted, "{nir} {sex}");
        }
        for (nir, date, wanted) in [
            ("1850578006084", "1985-05-17", true),
            ("1850578006084", "1985", true),
            ("1850578006084", "1985-06-17", false),
            ("1850578006084", "1986-05-17", false),
            ("1853578006084", "1985-06-17", true),
            ("7850578006084", "1986-05-17", true),
            ("1040578006084", "2004-05-17", true),
        ] {
            assert_eq!(date_agrees(nir, date), wanted, "{nir} {date}");
        }
    }

    #[test]
    fn a_number_goes_with_the_place_it_was_registered_at() {
        let old = Some("1960-05-17");
        let young = Some("1985-05-17");
        for (place, commune, date, wanted) in [
            ("52121", "52121", young, true),
            ("52121", "52448", young, false),
            ("75112", "75056", young, true),
            ("75112", "75118", young, true),
            ("01340", "01015", young, true),
            ("52999", "52448", young, true),
            ("52999", "51454", young, false),
            ("75029", "92012", old, true),
            ("75029", "92012", young, false),
            ("78029", "95018", None, true),
            ("20004", "2A004", old, true),
            ("2A004", "2B033", young, false),
            ("97123", "97701", young, true),
            ("99352", "99352", young, true),
            ("92352", "99352", old, true),
            ("99352", "52121", young, false),
            ("52121", "99352", young, false),
        ] {
            let nir = format!("18505{place}084");
            assert_eq!(place_agrees(&nir, commune, date), wanted, "{place} {commune}");
            assert!(
                place_agrees(&format!("78505{place}084"), commune, date),
                "provisional: {place} {commune}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(nir in "\\PC{0,14}", other in "\\PC{0,10}") {
            let _ = (sex_agrees(&nir, &other), date_agrees(&nir, &other), place_agrees(&nir, &other, Some(&other)));
        }
    }
}
