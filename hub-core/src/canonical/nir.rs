//! The NIR (numéro d'inscription au répertoire): 13 characters, an optional two-digit key.
//!
//! Text as a feed states it enters, the 13 characters and what is to be said of them leave. Sources: decree 82-103; Corsica
//! 2A/2B count as 19/18 in the key; months 20-42 and 50-99 are fictitious but valid; first digit 3, 7 or 8 is provisional.

use compact_str::CompactString;

use crate::code::Code;

/// A number that passed, in 13 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Nir {
    /// The 13 characters, upper-case.
    pub number: CompactString,
    /// A temporary number: it identifies nobody by itself and will be replaced.
    pub provisional: bool,
    /// It came with its key.
    pub keyed: bool,
    /// It came as a spreadsheet's number: with a fraction, or without the zero its key begins with.
    pub from_spreadsheet: bool,
}

/// Numbers used as examples in public documents; they belong to nobody.
const FICTITIOUS: &[&str] = &["2690549588157"];

/// Reads a NIR of 13 or 15 characters, spaces and dots ignored, `1803331476872.0` and `1.803331476872E12` understood, and a key of 01
/// to 09 that has lost its zero. A
/// spreadsheet's `1.80333E+12` has lost digits: completed with zeros it would be somebody else's.
///
/// # Errors
/// [`Code::InvalidNir`] for an impossible number, [`Code::WrongNirKey`] for a key that does not fit.
pub fn parse(text: &str) -> Result<Nir, Code> {
    let (digits, floating) = significant(text);
    let number = digits.get(..13).ok_or(Code::InvalidNir)?;
    let counted = countable(number).ok_or(Code::InvalidNir)?;
    check_shape(number)?;
    match digits.get(13..) {
        Some("") => {}
        Some(key) if key.len() == 2 || (key.len() == 1 && key != "0") => {
            let stated: u64 = key.parse().map_err(|_| Code::InvalidNir)?;
            if stated != 97 - counted % 97 {
                return Err(Code::WrongNirKey);
            }
        }
        _ => return Err(Code::InvalidNir),
    }
    let filler = number.bytes().all(|digit| number.starts_with(char::from(digit)));
    if filler || FICTITIOUS.contains(&number) {
        return Err(Code::InvalidNir);
    }
    let provisional = is_provisional(number);
    let (keyed, from_spreadsheet) = (digits.len() == 15, floating || digits.len() == 14);
    Ok(Nir { number: CompactString::from(number), provisional, keyed, from_spreadsheet })
}

/// The two-digit key of a 13-character number.
pub fn key(number: &str) -> Option<u64> {
    countable(number).map(|n| 97 - n % 97)
}

fn significant(text: &str) -> (CompactString, bool) {
    let plain: CompactString = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{a0}' && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if let Some(whole) = plain.strip_suffix(".0").or_else(|| plain.strip_suffix(",0")) {
        return (CompactString::from(whole), true);
    }
    match plain.split_once("E+").or_else(|| plain.split_once('E')) {
        Some((mantissa, exponent)) => (whole(mantissa, exponent).unwrap_or(plain), true),
        None => (plain.chars().filter(|c| *c != '.').collect(), false),
    }
}

/// The digits of a number in scientific notation, when it has kept them all.
fn whole(mantissa: &str, exponent: &str) -> Option<CompactString> {
    let exponent: usize = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once(['.', ','])?;
    (fraction.len() == exponent).then(|| CompactString::from(whole) + fraction)
}

/// The number as the key counts it: Corsica's 2A is 19, 2B is 18.
fn countable(number: &str) -> Option<u64> {
    let counted = match number.get(5..7)? {
        "2A" => format!("{}19{}", number.get(..5)?, number.get(7..)?),
        "2B" => format!("{}18{}", number.get(..5)?, number.get(7..)?),
        _ => number.to_owned(),
    };
    (counted.len() == 13 && counted.bytes().all(|b| b.is_ascii_digit())).then(|| counted.parse().ok())?
}

/// A number given while the real one is not known; it is replaced one day and tells nobody apart.
pub fn is_provisional(number: &str) -> bool {
    number.starts_with(['3', '7', '8'])
}

/// Whether two NIR may be one in which sex, year or month was corrected: place of birth and rank in its register stay (decree 82-103).
/// Of twins the ranks differ.
pub fn may_be_mended(one: &str, other: &str) -> bool {
    one.get(REGISTER).is_some_and(|entry| other.get(REGISTER) == Some(entry))
}

/// Where a NIR says in which register its bearer was entered, and at which rank.
const REGISTER: std::ops::RangeFrom<usize> = 5..;

fn check_shape(number: &str) -> Result<(), Code> {
    let month: u8 = number.get(3..5).and_then(|m| m.parse().ok()).ok_or(Code::InvalidNir)?;
    let sex = number.starts_with(['1', '2', '3', '4', '7', '8']);
    let known = matches!(month, 1..=12 | 20..=42 | 50..=99);
    if sex && known { Ok(()) } else { Err(Code::InvalidNir) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirteen_and_fifteen_characters_and_spreadsheet_forms_are_one_number() {
        for text in [
            "1850578006084",
            "185057800608491",
            "1 85 05 78 006 084 91",
            "1850578006084.0",
            "1.850578006084E12",
        ] {
            assert_eq!(parse(text).map(|n| n.number.to_string()), Ok("1850578006084".to_owned()), "{text}");
        }
    }

    #[test]
    fn a_key_that_has_lost_its_zero_is_one_when_it_fits() {
        let read = parse("18502521210869").map(|nir| (nir.number.to_string(), nir.from_spreadsheet));
        assert_eq!(read, Ok(("1850252121086".to_owned(), true)));
        assert_eq!(parse("18502521210868").err(), Some(Code::WrongNirKey));
        assert_eq!(parse("18502521210860").err(), Some(Code::InvalidNir));
    }

    #[test]
    fn corsican_numbers_count_as_19_and_18() {
        assert_eq!(key("186022A215325"), Some(23));
        assert_eq!(key("186022B215325"), Some(50));
        assert!(parse("186022A21532523").is_ok());
    }

    #[test]
    fn impossible_numbers_are_refused_with_their_code() {
        for (text, code) in [
            ("185057800608490", Code::WrongNirKey),
            ("1851578006084", Code::InvalidNir),
            ("9850578006084", Code::InvalidNir),
            ("185057800608", Code::InvalidNir),
            ("269054958815780", Code::InvalidNir),
            ("1111111111111", Code::InvalidNir),
            ("222222222222275", Code::WrongNirKey),
            ("ABC", Code::InvalidNir),
            ("é", Code::InvalidNir),
            ("18505780060849X", Code::InvalidNir),
            ("1,85058E+12", Code::InvalidNir),
            ("1.85057800608E12", Code::InvalidNir),
        ] {
            assert_eq!(parse(text).err(), Some(code), "{text}");
        }
    }

    #[test]
    fn provisional_numbers_are_told_apart() {
        assert_eq!(parse("7850578006084").map(|n| n.provisional), Ok(true));
    }
}
