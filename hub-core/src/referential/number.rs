//! The forms of numbers institutions go by: SIRET, ROME, SAFIR.
//!
//! Text as it was kept enters, yes or no leaves. Sources: article R. 123-221 of the code de commerce and ISO/IEC 7812 (SIRET), the ROME
//! 4.0 nomenclature (fourteen domains, A to N).

/// The SIREN of La Poste, whose establishments do not follow the usual check digit.
const LA_POSTE: &str = "356000000";

/// Whether a SIRET can be one: fourteen digits whose check digit is right. Those of La Poste add up to a multiple of five.
pub(super) fn is_siret(text: &str) -> bool {
    if !is_digits(text, 14) || text.bytes().all(|digit| digit == b'0') {
        return false;
    }
    let sum: u32 = text.bytes().map(|digit| u32::from(digit - b'0')).sum();
    luhn(text).is_multiple_of(10) || (text.starts_with(LA_POSTE) && sum.is_multiple_of(5))
}

/// Whether a code can be that of an occupation: a domain from A to N, four digits.
pub fn is_rome(text: &str) -> bool {
    let (domain, rest) = text.split_at_checked(1).unwrap_or_default();
    matches!(domain.as_bytes(), [b'A'..=b'N']) && is_digits(rest, 4)
}

/// Whether a code can be that of an agency: five digits.
pub(super) fn is_safir(text: &str) -> bool {
    is_digits(text, 5)
}

fn is_digits(text: &str, width: usize) -> bool {
    text.len() == width && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// The sum of Luhn: from the right, every second digit counts twice, less nine above nine.
fn luhn(digits: &str) -> u32 {
    let twice = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let digits = digits.bytes().rev().map(|digit| u32::from(digit - b'0'));
    digits.enumerate().map(|(at, digit)| if at % 2 == 1 { twice(digit) } else { digit }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_siret_has_fourteen_digits_and_its_check_digit() {
        for (text, wanted) in [
            ("73282932000074", true),
            ("73282932000075", false),
            ("7328293200007", false),
            ("35600000000048", true),
            ("35600000049837", true),
            ("35600000049838", false),
            ("00000000000000", false),
            ("7328293200007é", false),
            ("", false),
        ] {
            assert_eq!(is_siret(text), wanted, "{text}");
        }
    }

    #[test]
    fn an_occupation_and_an_agency_have_their_forms() {
        for (text, wanted) in [
            ("N1104", true),
            ("A1414", true),
            ("O1104", false),
            ("38444", false),
            ("N110", false),
            ("é110", false),
        ] {
            assert_eq!(is_rome(text), wanted, "{text}");
        }
        for (text, wanted) in [("08012", true), ("931", false), ("ABCDE", false), ("080121", false)] {
            assert_eq!(is_safir(text), wanted, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn one_digit_that_changes_is_seen(digits in "[1-9]{13}", at in 0usize..14, by in 1u8..10) {
            let siret = (0..10).map(|key| format!("{digits}{key}")).find(|text| is_siret(text)).expect("a key");
            let mut changed = siret.into_bytes();
            changed[at] = b'0' + (changed[at] - b'0' + by) % 10;
            let changed = String::from_utf8(changed).expect("digits");
            proptest::prop_assert!(!is_siret(&changed) || changed.starts_with(LA_POSTE));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,16}") {
            let _ = (is_siret(&text), is_rome(&text), is_safir(&text));
        }
    }
}
