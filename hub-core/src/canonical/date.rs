//! Dates in the forms the feeds use, to ISO 8601 with the precision that is known.
//!
//! Text enters, `1982-02-01`, `1982-02` or `1982` leaves. A time of day is dropped; `9999-12-31` means no end and yields nothing.

use compact_str::CompactString;

/// A written form of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `1982-02-01`, with or without a time of day or a zone behind it.
    Iso,
    /// `01/02/1982`.
    Slashes,
    /// `01-02-1982`.
    Dashes,
    /// `19820201`.
    Digits,
}

impl Form {
    /// The forms every date accepts unless the mapping restricts them.
    pub const ALL: &'static [Self] = &[Self::Iso, Self::Slashes, Self::Dashes, Self::Digits];

    /// The form named in a mapping.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "YYYY-MM-DD" | "YYYY-MM-DD HH:MM:SS" | "RFC3339" => Some(Self::Iso),
            "DD/MM/YYYY" => Some(Self::Slashes),
            "DD-MM-YYYY" => Some(Self::Dashes),
            "YYYYMMDD" => Some(Self::Digits),
            _ => None,
        }
    }

    /// The names [`Form::named`] knows.
    pub const NAMES: &'static [&'static str] =
        &["YYYY-MM-DD", "YYYY-MM-DD HH:MM:SS", "RFC3339", "DD/MM/YYYY", "DD-MM-YYYY", "YYYYMMDD"];
}

/// How much of a date is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Year, month and day.
    Day,
    /// Year and month.
    Month,
    /// Year only.
    Year,
}

/// What a text turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A date.
    Date(CompactString),
    /// `9999-12-31`: no end.
    Endless,
}

/// Reads a date in one of `forms` at the given precision; `None` when it is in none of them.
pub fn parse(text: &str, forms: &[Form], precision: Precision) -> Option<Reading> {
    let [year, month, day] = forms.iter().find_map(|form| split(text, *form))?;
    if year == "9999" {
        return Some(Reading::Endless);
    }
    let date = jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    if !(1850..=2200).contains(&date.year()) {
        return None;
    }
    let mut known = CompactString::from(year);
    let behind: &[&str] = match precision {
        Precision::Day => &[month, day],
        Precision::Month => &[month],
        Precision::Year => &[],
    };
    for part in behind {
        known.push('-');
        known.push_str(part);
    }
    Some(Reading::Date(known))
}

/// Reads an instant as feeds write it (`2022-04-05T03:00:17.5200`, `05/04/2022T03:00:17`, an offset behind), in one spelling whose
/// order is that of time; `None` when it is none.
pub fn instant(text: &str) -> Option<String> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.to_string().trim_end_matches('Z').to_owned());
    }
    let (date, time) = text.split_once(['T', ' '])?;
    let Some(Reading::Date(date)) = parse(date, Form::ALL, Precision::Day) else { return None };
    let time: jiff::civil::Time = time.trim().parse().ok()?;
    Some(format!("{date}T{time}"))
}

/// Year, month and day, all digits.
fn split(text: &str, form: Form) -> Option<[&str; 3]> {
    let (year, month, day) = match form {
        Form::Iso => (text.get(..4)?, text.get(5..7)?, text.get(8..10)?),
        Form::Digits => (text.get(..4)?, text.get(4..6)?, text.get(6..8)?),
        Form::Slashes | Form::Dashes => (text.get(6..10)?, text.get(3..5)?, text.get(..2)?),
    };
    let bytes = text.as_bytes();
    let separated = match form {
        Form::Digits => text.len() == 8,
        Form::Iso => bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-') && is_time(text.get(10..)?),
        Form::Slashes => bytes.get(2) == Some(&b'/') && bytes.get(5) == Some(&b'/') && text.len() == 10,
        Form::Dashes => bytes.get(2) == Some(&b'-') && bytes.get(5) == Some(&b'-') && text.len() == 10,
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    (separated && digits(year) && digits(month) && digits(day)).then_some([year, month, day])
}

fn is_time(rest: &str) -> bool {
    let mut bytes = rest.bytes();
    match bytes.next() {
        None => true,
        Some(b' ' | b'T') => rest.len() >= 6 && bytes.all(|b| b.is_ascii_digit() || b":.+-Z".contains(&b)),
        Some(b'Z') => rest.len() == 1,
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_has_one_spelling() {
        for (text, wanted) in [
            ("2022-04-05T03:00:17.5200", Some("2022-04-05T03:00:17.52")),
            ("2022-04-05T03:00:17.0000", Some("2022-04-05T03:00:17")),
            ("05/04/2022T03:00:17.52", Some("2022-04-05T03:00:17.52")),
            ("2021-05-17T16:47:11.000+02:00", Some("2021-05-17T14:47:11")),
            ("T", None),
            ("2022-04-05T", None),
            ("2022-13-05T03:00:17", None),
        ] {
            assert_eq!(instant(text).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn the_forms_of_the_feeds_are_one_date() {
        for text in [
            "1982-02-01",
            "1982-02-01 00:00:00.0",
            "1982-02-01T16:47:11.000+02:00",
            "01/02/1982",
            "01-02-1982",
            "19820201",
        ] {
            assert_eq!(
                parse(text, Form::ALL, Precision::Day),
                Some(Reading::Date("1982-02-01".into())),
                "{text}"
            );
        }
        // Written the other way round, digits alone are no date: never another one.
        for text in ["01021982", "19821301", "1982020", "198202011"] {
            assert_eq!(parse(text, Form::ALL, Precision::Day), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in [
            "2020",
            "19970-04-22",
            "",
            "1982-13-01",
            "31/02/1982",
            "1982-02-01x",
            "0001-01-01",
            "é982-02-01",
            "01/02/19822",
        ] {
            assert_eq!(parse(text, Form::ALL, Precision::Day), None, "{text}");
        }
    }

    #[test]
    fn unknown_days_and_months_are_left_out_and_no_end_is_told() {
        assert_eq!(parse("1982-01-01", Form::ALL, Precision::Year), Some(Reading::Date("1982".into())));
        assert_eq!(parse("1982-02-01", Form::ALL, Precision::Month), Some(Reading::Date("1982-02".into())));
        assert_eq!(parse("9999-12-31", Form::ALL, Precision::Day), Some(Reading::Endless));
    }
}
