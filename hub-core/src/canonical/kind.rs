//! The types of canonical fields and how text becomes a value of each.
//!
//! Trimmed, non-empty source text enters; a canonical value, nothing, or a coded problem leaves. The usual French cleaning is
//! done here once, so that a mapping only says where a value stands.

use compact_str::{CompactString, format_compact};

use super::date::{self, Form, Precision, Reading};
use super::{Value, nir, place};
use crate::code::Code;

/// The type of a canonical field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the schema's own `x-type` words, described there")]
pub enum Kind {
    Texte,
    Nom,
    Nir,
    NirAvecCle,
    Date,
    Booleen,
    Decimal,
    Entier,
    Telephone,
    Courriel,
    CodePostal,
    Commune,
    Departement,
    Siret,
    Rome,
    Safir,
    Matricule,
    NumeroDemande,
    IdentifiantFt,
    Code,
    List,
}

/// Longest text kept in the place of a number it is not, in characters: as the schema has it.
const STATED_CHARS: usize = 64;

/// A value read, with what should be said about it although it is kept.
#[derive(Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The canonical value; `None` when the text means "nothing" (an endless date).
    pub value: Option<Value>,
    /// A warning to report.
    pub notice: Option<Code>,
}

/// What a mapping may set for one field's reading.
#[derive(Debug, Clone, Copy)]
pub struct Reads<'a> {
    /// Date forms accepted.
    pub forms: &'a [Form],
    /// How much of a date is known.
    pub precision: Precision,
}

impl Default for Reads<'_> {
    fn default() -> Self {
        Self { forms: Form::ALL, precision: Precision::Day }
    }
}

impl Kind {
    /// The type the schema names with `x-type`.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "texte" | "pays" | "identifiant" => Self::Texte,
            "nom" | "prenoms" => Self::Nom,
            "nir" => Self::Nir,
            "nir_avec_cle" => Self::NirAvecCle,
            "date" => Self::Date,
            "booleen" => Self::Booleen,
            "decimal" => Self::Decimal,
            "entier" => Self::Entier,
            "telephone" => Self::Telephone,
            "courriel" => Self::Courriel,
            "code_postal" => Self::CodePostal,
            "commune" => Self::Commune,
            "departement" => Self::Departement,
            "siret" => Self::Siret,
            "rome" => Self::Rome,
            "safir" => Self::Safir,
            "matricule" => Self::Matricule,
            "numero_demande" => Self::NumeroDemande,
            "identifiant_ft" => Self::IdentifiantFt,
            "code" => Self::Code,
            _ => return None,
        })
    }

    /// Reads trimmed, non-empty text.
    ///
    /// # Errors
    /// The code that says what is wrong with it.
    pub fn parse(self, text: &str, reads: Reads<'_>) -> Result<Parsed, Code> {
        let value = match self {
            Self::Nir => return read_nir(text),
            Self::NirAvecCle => {
                return Ok(Parsed { value: is_keyed(text).then_some(Value::Bool(true)), notice: None });
            }
            Self::Date => return read_date(text, reads),
            Self::Texte | Self::Code => CompactString::from(text),
            Self::Nom => single_spaced(text),
            Self::Booleen => return read_bool(text).map(|b| Parsed::of(Value::Bool(b))),
            Self::Decimal => decimal(text).ok_or(Code::InvalidNumber)?,
            Self::Entier => {
                return text.parse().map(|n| Parsed::of(Value::Int(n))).map_err(|_| Code::InvalidNumber);
            }
            Self::Telephone => phone(text).ok_or(Code::InvalidPhone)?,
            Self::Courriel => email(text).ok_or(Code::InvalidEmail)?,
            Self::CodePostal => or_as_stated(place::postal_code(text), text)?,
            Self::Commune => or_as_stated(place::commune(text), text)?,
            Self::Departement => or_as_stated(place::departement(text), text)?,
            Self::Siret => or_as_stated(digits_of(text, 14), text)?,
            Self::Safir => or_as_stated(place::five_digits(text), text)?,
            Self::Rome => or_as_stated(rome(text), text)?,
            Self::Matricule => matricule(text).ok_or(Code::InvalidIdentifier)?,
            Self::NumeroDemande => place::padded(text, 11).ok_or(Code::InvalidIdentifier)?,
            Self::IdentifiantFt => identifiant_ft(text).ok_or(Code::InvalidIdentifier)?,
            Self::List => return Err(Code::ListMismatch),
        };
        Ok(Parsed::of(Value::Text(value)))
    }
}

impl Parsed {
    fn of(value: Value) -> Self {
        Self { value: Some(value), notice: None }
    }
}

fn read_nir(text: &str) -> Result<Parsed, Code> {
    let nir = nir::parse(text)?;
    let notice = match (nir.provisional, nir.from_spreadsheet) {
        (true, _) => Some(Code::ProvisionalNir),
        (false, true) => Some(Code::LostPrecision),
        _ => None,
    };
    Ok(Parsed { value: Some(Value::Text(nir.number)), notice })
}

/// Whether a NIR was stated with its key. What is no NIR is told where the number itself is read.
fn is_keyed(text: &str) -> bool {
    nir::parse(text).is_ok_and(|nir| nir.keyed)
}

fn read_date(text: &str, reads: Reads<'_>) -> Result<Parsed, Code> {
    match date::parse(text, reads.forms, reads.precision).ok_or(Code::InvalidDate)? {
        Reading::Date(date) => Ok(Parsed::of(Value::Text(date))),
        Reading::Endless => Ok(Parsed { value: None, notice: None }),
    }
}

fn read_bool(text: &str) -> Result<bool, Code> {
    const TRUE: &[&str] = &["1", "o", "oui", "true", "vrai", "x"];
    const FALSE: &[&str] = &["0", "n", "non", "false", "faux"];
    let is = |words: &[&str]| words.iter().any(|w| w.eq_ignore_ascii_case(text));
    if is(TRUE) {
        Ok(true)
    } else if is(FALSE) {
        Ok(false)
    } else {
        Err(Code::InvalidBoolean)
    }
}

fn single_spaced(text: &str) -> CompactString {
    let mut out = CompactString::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// `0001675.00` and `1 675,50` to a plain decimal; never through a float.
fn decimal(text: &str) -> Option<CompactString> {
    let plain: CompactString = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{a0}')
        .map(|c| if c == ',' { '.' } else { c })
        .collect();
    let (sign, unsigned) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("-", rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    // Zeros beyond the cents say nothing: `951.440` is `951.44`.
    let cents = fraction.len().min(2);
    let fraction = fraction.get(..cents.max(fraction.trim_end_matches('0').len())).unwrap_or(fraction);
    Some(if fraction.is_empty() {
        format_compact!("{sign}{whole}")
    } else {
        format_compact!("{sign}{whole}.{fraction}")
    })
}

/// E.164; a French number that lost its leading zero in a spreadsheet gets it back.
fn phone(text: &str) -> Option<CompactString> {
    let text = text.strip_suffix(".0").unwrap_or(text);
    let plain: CompactString = text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let strange = text.chars().any(|c| !(c.is_ascii_digit() || " .-/()+\u{a0}".contains(c)));
    let international = plain.strip_prefix('+').or_else(|| plain.strip_prefix("00"));
    match (strange, international) {
        (true, _) => None,
        (_, Some(rest)) => {
            let rest = rest
                .strip_prefix("330")
                .map_or_else(|| CompactString::from(rest), |r| format_compact!("33{r}"));
            ((8..=15).contains(&rest.len()) && !rest.contains('+') && !rest.starts_with('0'))
                .then(|| format_compact!("+{rest}"))
        }
        (_, None) => match (plain.len(), plain.as_bytes().first()) {
            (10, Some(b'0')) => plain.get(1..).map(|rest| format_compact!("+33{rest}")),
            (9, Some(b'1'..=b'9')) => Some(format_compact!("+33{plain}")),
            _ => None,
        },
    }
}

fn email(text: &str) -> Option<CompactString> {
    let (local, domain) = text.split_once('@')?;
    let fine = !local.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || ",;<>()".contains(c))
        && !domain.contains('@');
    fine.then(|| format_compact!("{local}@{}", domain.to_lowercase()))
}

fn digits_of(text: &str, width: usize) -> Option<CompactString> {
    let plain: CompactString = text.chars().filter(|c| !c.is_whitespace()).collect();
    (plain.len() == width && plain.bytes().all(|b| b.is_ascii_digit())).then_some(plain)
}

/// A code of a place, a structure or an occupation that has not the form of one is kept, for `referential` to tell. A longer text is none.
fn or_as_stated(code: Option<CompactString>, text: &str) -> Result<CompactString, Code> {
    let short = || (text.chars().count() <= STATED_CHARS).then(|| CompactString::from(text));
    code.or_else(short).ok_or(Code::InvalidIdentifier)
}

fn rome(text: &str) -> Option<CompactString> {
    let fits = text.len() == 5
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text.bytes().skip(1).all(|b| b.is_ascii_digit());
    fits.then(|| CompactString::from(text.to_ascii_uppercase()))
}

/// The allocataire number of a household: `205599000000000`, `2055990` and `55990` all name seven digits.
fn matricule(text: &str) -> Option<CompactString> {
    let text = text.strip_suffix(".0").unwrap_or(text);
    let plain: CompactString = text.chars().filter(|c| !c.is_whitespace()).collect();
    let likely =
        plain.bytes().all(|b| b.is_ascii_alphanumeric()) && plain.bytes().any(|b| b.is_ascii_digit());
    if !likely {
        return None;
    }
    let short = match (plain.get(..7), plain.get(7..)) {
        (Some(head), Some(tail)) if tail.bytes().all(|b| b == b'0') => head,
        (Some(_), Some(_)) => plain.trim_start_matches('0'),
        _ => &plain,
    };
    let short = match (short.get(..7), short.get(7..)) {
        (Some(head), Some(tail)) if tail.bytes().all(|b| b == b'0') => head,
        _ => short,
    };
    (short.len() <= 15).then(|| format_compact!("{short:0>7}"))
}

/// Old: seven digits and one letter or digit (shorter ones lost zeros); legacy files add three digits; new: 11 digits.
fn identifiant_ft(text: &str) -> Option<CompactString> {
    let text = text.strip_suffix(".0").unwrap_or(text);
    let plain: CompactString =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let (body, last) = plain.split_at_checked(plain.len().checked_sub(1)?)?;
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    match plain.len() {
        11 if digits(&plain) => Some(plain),
        11 if plain.get(..7).is_some_and(digits) && plain.get(8..).is_some_and(digits) => {
            plain.get(..8).map(CompactString::from)
        }
        6..=8 if digits(body) && last.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            Some(format_compact!("{plain:0>8}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: Kind, text: &str) -> Result<String, Code> {
        kind.parse(text, Reads::default()).map(|p| match p.value {
            Some(Value::Text(t)) => t.to_string(),
            Some(Value::Bool(b)) => b.to_string(),
            _ => String::new(),
        })
    }

    #[test]
    fn every_type_takes_the_forms_of_the_feeds() {
        for (kind, text, wanted) in [
            (Kind::Matricule, "205599000000000", "2055990"),
            (Kind::Matricule, "55990", "0055990"),
            (Kind::Matricule, "000000002055990", "2055990"),
            (Kind::Decimal, "0001675.00", "1675.00"),
            (Kind::Decimal, "1 675,5", "1675.5"),
            (Kind::Decimal, "951.440", "951.44"),
            (Kind::Decimal, "0.12500", "0.125"),
            (Kind::Telephone, "06 01 23 45 67", "+33601234567"),
            (Kind::Telephone, "698943255", "+33698943255"),
            (Kind::Telephone, "+33 (0)6 01 23 45 67", "+33601234567"),
            (Kind::Telephone, "620022002.0", "+33620022002"),
            (Kind::CodePostal, "1000", "01000"),
            (Kind::Commune, "2A004", "2A004"),
            (Kind::Departement, "052", "52"),
            (Kind::Departement, "8", "08"),
            (Kind::Departement, "974", "974"),
            (Kind::NumeroDemande, "1013473008", "01013473008"),
            (Kind::IdentifiantFt, "1253359x", "1253359X"),
            (Kind::IdentifiantFt, "300000L", "0300000L"),
            (Kind::IdentifiantFt, "1253359X051", "1253359X"),
            (Kind::IdentifiantFt, "12345678901", "12345678901"),
            (Kind::IdentifiantFt, "12345678901.0", "12345678901"),
            (Kind::Booleen, "Oui", "true"),
            (Kind::NirAvecCle, "1 85 05 78 006 084 91", "true"),
            (Kind::NirAvecCle, "1850578006084", ""),
            (Kind::NirAvecCle, "185057800608492", ""),
            (Kind::Nom, "  DE   LA TOUR ", "DE LA TOUR"),
            (Kind::Rome, "n1104", "N1104"),
            (Kind::Rome, "FAKE", "FAKE"),
            (Kind::Siret, "732 829 320 00074", "73282932000074"),
            (Kind::Siret, "732 829 320", "732 829 320"),
            (Kind::Safir, "8012", "08012"),
            (Kind::Safir, "931", "931"),
            (Kind::CodePostal, "750", "750"),
            (Kind::CodePostal, "5200A", "5200A"),
            (Kind::CodePostal, "97600", "97600"),
            (Kind::CodePostal, "20137", "20137"),
            (Kind::Commune, "521", "521"),
            (Kind::Departement, "20", "20"),
            (Kind::Departement, "099", "099"),
        ] {
            assert_eq!(read(kind, text), Ok(wanted.to_owned()), "{kind:?} {text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_with_a_code() {
        for (kind, text, code) in [
            (Kind::Decimal, "12,5 €", Code::InvalidNumber),
            (Kind::Telephone, "071234567x", Code::InvalidPhone),
            (Kind::Telephone, "12", Code::InvalidPhone),
            (Kind::Matricule, "ABC", Code::InvalidIdentifier),
            (Kind::Courriel, "a@b", Code::InvalidEmail),
            (Kind::CodePostal, &"7".repeat(65), Code::InvalidIdentifier),
            (Kind::Rome, &"N".repeat(65), Code::InvalidIdentifier),
            (Kind::Booleen, "peut-être", Code::InvalidBoolean),
            (Kind::Date, "2020", Code::InvalidDate),
        ] {
            assert_eq!(read(kind, text), Err(code), "{kind:?} {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_any_type_panic(text in "\\PC{0,24}") {
            for kind in [Kind::Nir, Kind::NirAvecCle, Kind::Date, Kind::Decimal, Kind::Telephone, Kind::Courriel, Kind::CodePostal, Kind::Commune,
                Kind::Departement, Kind::Siret, Kind::Rome, Kind::Safir, Kind::Matricule, Kind::NumeroDemande, Kind::IdentifiantFt] {
                let _ = kind.parse(&text, Reads::default());
            }
        }
    }
}
