//! The département of a code, of a postal code, and of a person.
//!
//! Codes enter, the official code of a département or of a collectivity overseas leaves: `52`, `2A`, `974`, `987`. Postal codes of
//! Corsica begin with 20 on both sides of the island; Saint-Barthélemy and Saint-Martin have those of Guadeloupe.

use super::commune::COMMUNES;
use crate::canonical::{Canon, is_commune_code, is_departement, is_postal_code};
use crate::statement::Stated;

/// The département of a person: the one stated, else that of the commune, else that of the postal code, else `00`. A code that has not
/// the form of one decides nothing: it is kept, and flagged.
pub fn departement(canon: &Canon, state: &Stated) -> String {
    let text =
        |path: &str| canon.find(path).and_then(|id| state.get(id)).and_then(|(value, _)| value.as_text());
    of_address(&text).unwrap_or("00").to_owned()
}

/// Every official code.
pub fn departements() -> impl Iterator<Item = String> {
    let numbered = (1..=95u16).map(|n| format!("{n:02}")).chain((970..=990u16).map(|n| n.to_string()));
    numbered.chain(["2A", "2B"].map(str::to_owned)).filter(|code| is_departement(code))
}

fn of_address<'s>(text: &impl Fn(&str) -> Option<&'s str>) -> Option<&'s str> {
    let commune = || text("adresse.commune_insee").filter(|code| is_commune_code(code));
    let known = || commune().and_then(|code| COMMUNES.present(code)).map(|present| of_commune(present.code));
    let postal = || text("adresse.code_postal").filter(|code| is_postal_code(code)).map(of_postal);
    let stated = text("adresse.departement").filter(|code| is_departement(code));
    let place = stated.or_else(known).or_else(postal).or_else(|| commune().map(of_commune));
    // Abroad, or in no département there is: of none, as a subscription names it.
    place.filter(|code| is_departement(code))
}

/// The département of an INSEE code, whether or not there is such a commune.
pub(crate) fn of_commune(code: &str) -> &str {
    let overseas = code.starts_with("97") || code.starts_with("98");
    code.get(..if overseas { 3 } else { 2 }).unwrap_or(code)
}

/// The département of a postal code; of one that serves two, the one it begins with.
pub(super) fn of_postal(postal: &str) -> &str {
    let usual = by_range(postal);
    let mut served = COMMUNES.served_by(postal).map(|commune| of_commune(commune.code));
    let first = served.next().unwrap_or(usual);
    if first == usual || served.any(|code| code == usual) { usual } else { first }
}

/// Whether a postal code may be one of a département.
pub(super) fn may_be_of(postal: &str, departement: &str) -> bool {
    by_range(postal) == departement
        || COMMUNES.served_by(postal).any(|commune| of_commune(commune.code) == departement)
}

/// Whether an address of one département may be counted to another: Guadeloupe's institutions serve the two islands that left it.
pub(super) fn may_serve(stated: &str, departement: &str) -> bool {
    stated == departement || (stated == "971" && matches!(departement, "977" | "978"))
}

/// The département a postal code begins with: of a CEDEX, all that is known.
fn by_range(postal: &str) -> &str {
    match postal.get(..3) {
        Some("202" | "203" | "204" | "205" | "206") => "2B",
        Some(corsican) if corsican.starts_with("20") => "2A",
        _ => of_commune(postal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postal_code_is_of_its_departement() {
        for (postal, wanted) in [
            ("52000", "52"),
            ("01200", "01"),
            ("20000", "2A"),
            ("20137", "2A"),
            ("20200", "2B"),
            ("20600", "2B"),
            ("20405", "2B"),
            ("20704", "2A"),
            ("97133", "977"),
            ("97150", "978"),
            ("97100", "971"),
            ("97600", "976"),
            ("98714", "987"),
            ("54035", "54"),
            ("94390", "91"),
        ] {
            assert_eq!(of_postal(postal), wanted, "{postal}");
        }
        assert!(may_be_of("01200", "74") && may_be_of("01200", "01") && !may_be_of("01200", "38"));
    }

    #[test]
    fn a_person_is_of_the_departement_stated_else_of_the_commune_else_of_the_postal_code() {
        for (postal, commune, departement, wanted) in [
            (Some("01000"), Some("74001"), Some("52"), Some("52")),
            (Some("01200"), Some("74001"), None, Some("74")),
            (Some("20000"), Some("2B033"), None, Some("2B")),
            (Some("20200"), None, None, Some("2B")),
            (Some("52000"), Some("99352"), None, Some("52")),
            (None, Some("99352"), None, None),
            (Some("98000"), None, None, None),
            (Some("96123"), None, None, None),
            (None, Some("75999"), None, Some("75")),
            (None, Some("97123"), None, Some("977")),
            (None, None, None, None),
            (Some("5200A"), Some("521"), Some("99"), None),
            (Some("52000"), Some("521"), Some("52.1"), Some("52")),
        ] {
            let text = |path: &str| match path {
                "adresse.code_postal" => postal,
                "adresse.commune_insee" => commune,
                "adresse.departement" => departement,
                _ => None,
            };
            assert_eq!(of_address(&text), wanted, "{postal:?} {commune:?} {departement:?}");
        }
    }

    #[test]
    fn a_departement_has_one_of_the_official_codes() {
        for code in ["01", "52", "95", "2A", "2B", "971", "974", "976", "987"] {
            assert!(is_departement(code), "{code}");
        }
        for code in ["", "0", "1", "00", "20", "96", "2C", "970", "979", "99", "52000", "+1"] {
            assert!(!is_departement(code), "{code}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_postal_code_that_panics(text in "\\PC{0,8}") {
            let _ = (of_postal(&text), may_be_of(&text, "2A"), of_commune(&text));
        }
    }
}
