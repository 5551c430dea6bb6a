//! The forms of place codes: postal code, INSEE commune, département.
//!
//! Text of a feed enters; the code in its official form leaves, or nothing when it has not that form. Whether there is such a place is
//! not asked here. Source: the Insee's code officiel géographique.

use compact_str::{CompactString, format_compact};

/// Five digits; a spreadsheet takes the leading zero of `01000`.
pub(super) fn postal_code(text: &str) -> Option<CompactString> {
    five_digits(text).filter(|code| is_postal_code(code))
}

/// Five digits, whose leading zero may be lost.
pub(super) fn five_digits(text: &str) -> Option<CompactString> {
    padded(text, 5).filter(|code| code.len() == 5 && text.len() >= 4 && is_digits(code))
}

/// Five characters, `2A004` on Corsica.
pub(super) fn commune(text: &str) -> Option<CompactString> {
    padded(text, 5).filter(|code| text.len() >= 4 && is_commune_code(code))
}

/// CAF writes `052`, ASP `034`, France Travail `08`: the official code is `52`, `34`, `08`, `2A`, `974`.
pub(super) fn departement(text: &str) -> Option<CompactString> {
    let upper = text.to_ascii_uppercase();
    let code = match upper.len() {
        3 => upper.strip_prefix('0').unwrap_or(&upper),
        _ => &upper,
    };
    Some(format_compact!("{code:0>2}")).filter(|code| is_departement(code))
}

/// Letters and digits, with the zeros a spreadsheet took.
pub(super) fn padded(text: &str, width: usize) -> Option<CompactString> {
    let text = text.strip_suffix(".0").unwrap_or(text);
    let fits = !text.is_empty() && text.len() <= width && text.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then(|| format_compact!("{text:0>width$}"))
}

/// Whether a text has the form of a postal code: five digits, the first those of a département or of a collectivity; Monaco's begin by 98.
pub fn is_postal_code(code: &str) -> bool {
    let begins = |digits| code.get(..digits).is_some_and(is_departement);
    code.len() == 5
        && is_digits(code)
        && (begins(2) || begins(3) || code.starts_with("20") || code.starts_with("980"))
}

/// Whether a text has the form of the INSEE code of a commune, or of a country where one may stand (`99` and three digits).
pub fn is_commune_code(code: &str) -> bool {
    let corsica = code.starts_with("2A") || code.starts_with("2B");
    code.len() == 5 && code.get(usize::from(corsica) * 2..).is_some_and(is_digits)
}

/// Whether a text is the official code of a département, or of a collectivity overseas.
pub fn is_departement(code: &str) -> bool {
    let number = || code.parse::<u16>().ok().filter(|_| is_digits(code));
    match code.len() {
        2 => matches!(code, "2A" | "2B") || number().is_some_and(|n| (1..=95).contains(&n) && n != 20),
        3 => number().is_some_and(|n| (971..=978).contains(&n) || (986..=988).contains(&n)),
        _ => false,
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
