//! The name a file comes or goes under: `Content-Disposition` (RFC 6266), with names of any script (RFC 8187).
//!
//! A header enters, the last segment of the name it gives leaves, or none; a name enters, a header every client reads leaves.
//! Reading never fails: what cannot be read is no name.

use std::borrow::Cow;

use axum::http::header::CONTENT_DISPOSITION;
use axum::http::{HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Longest file name kept.
const NAME_CHARACTERS: usize = 200;

/// What is written as `%XX`: all but the `attr-char` of RFC 8187.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The name a request gives its file; `filename*` before `filename`, as the standard has it.
pub(super) fn named(headers: &HeaderMap) -> Option<String> {
    let text = letters(headers.get(CONTENT_DISPOSITION)?.as_bytes());
    let parameters = parameters(&text);
    let of = |wanted: &str| {
        let found = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str())
    };
    let name = of("filename*").and_then(extended).or_else(|| of("filename").map(str::to_owned));
    name.and_then(|name| last_segment(&name))
}

/// The header that gives a file its name: in plain letters for old clients, and as it is.
pub(super) fn attachment(name: &str) -> Option<HeaderValue> {
    let plain = |c: char| if c.is_ascii_graphic() && !['"', '\\'].contains(&c) { c } else { '_' };
    let text: String = name.chars().map(plain).collect();
    let exact = if text == name {
        String::new()
    } else {
        format!("; filename*=UTF-8''{}", utf8_percent_encode(name, ESCAPED))
    };
    format!("attachment; filename=\"{text}\"{exact}").parse().ok()
}

/// The last segment of a path a sender gave, without characters no file name needs.
pub(super) fn last_segment(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS).collect();
    (!name.trim_matches('.').trim().is_empty()).then_some(name)
}

/// Bytes as text: UTF-8 where they are, else ISO-8859-1, as headers once were.
fn letters(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// The parameters behind the disposition's type, by name.
fn parameters(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, behind)) = rest.split_once('=') {
        // `; ;` and words without a value stand before the name.
        let name = name.rsplit(';').next().unwrap_or_default().trim();
        let behind = behind.trim_start();
        let (value, after) = behind.strip_prefix('"').map_or_else(|| bare(behind), quoted);
        found.push((name, value));
        rest = after;
    }
    found
}

/// A value up to the next semicolon, and what stands behind it.
fn bare(text: &str) -> (String, &str) {
    let (value, after) = text.split_once(';').unwrap_or((text, ""));
    (value.trim().to_owned(), after)
}

/// A quoted string behind its opening quote, and what stands behind it. A backslash quotes a quote or a backslash; before another
/// character it is one, since programs write `C:\depot\x.csv` as it is.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            '\\' => {
                let next = characters.next_if(|(_, next)| ['"', '\\'].contains(next));
                value.push(next.map_or('\\', |(_, next)| next));
            }
            _ => value.push(character),
        }
    }
    (value, "")
}

/// `UTF-8'fr'extrait%20d%C3%A9partement.csv`.
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(header: &[u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_bytes(header).ok()?);
        named(&headers)
    }

    #[test]
    fn a_name_is_read_in_every_way_it_is_written() {
        for (header, name) in [
            (r#"attachment; filename="RSABEM.RCV""#, Some("RSABEM.RCV")),
            ("attachment; filename=../../etc/passwd", Some("passwd")),
            (r#"attachment; filename="C:\depot\x.csv""#, Some("x.csv")),
            (r#"attachment; filename="C:\\depot\\x.csv""#, Some("x.csv")),
            (r#"attachment; filename="..""#, None),
            ("attachment", None),
            ("attachment; filename=", None),
            (r#"attachment; filename="l\"extrait; mars.csv"; size=12"#, Some("l\"extrait; mars.csv")),
            (r#"attachment; size=12; FileName = "a.csv""#, Some("a.csv")),
            (r#"attachment; filename="a.csv"#, Some("a.csv")),
            (r#"attachment;; filename="a.csv";"#, Some("a.csv")),
            (r#"attachment; note="filename=b.csv"; filename=a.csv"#, Some("a.csv")),
            (
                "attachment; filename*=UTF-8''d%C3%A9partement%20n%C2%B0%2052.csv",
                Some("département n° 52.csv"),
            ),
            ("attachment; filename*=iso-8859-1'fr'd%E9partement.csv", Some("département.csv")),
            (r#"attachment; filename="b.csv"; filename*=utf-8''a.csv"#, Some("a.csv")),
            ("attachment; filename*=UTF-8''a.csv; filename=b.csv", Some("a.csv")),
            (r#"attachment; filename="b.csv"; filename*=UTF-8''%FF.csv"#, Some("b.csv")),
            (r#"attachment; filename="b.csv"; filename*=KOI8-R''a.csv"#, Some("b.csv")),
            ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd%00", Some("passwd")),
            (r#"attachment; filename="département.csv""#, Some("département.csv")),
        ] {
            assert_eq!(read(header.as_bytes()).as_deref(), name, "{header}");
        }
        assert_eq!(read(b"attachment; filename=\"d\xe9partement.csv\"").as_deref(), Some("département.csv"));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_a_plain_name_or_none(header in prop::collection::vec(any::<u8>(), 0..200)) {
            let name = read(&[b"attachment; filename".as_slice(), &header].concat()).unwrap_or_default();
            prop_assert!(!name.contains(['/', '\\']) && !name.chars().any(char::is_control));
        }

        #[test]
        fn a_name_that_is_given_is_the_name_that_comes_back(name in r#"[^\p{Cc}/\\.]{1,20}[ .;"'%*=a-z]{0,20}"#) {
            prop_assume!(!name.trim().is_empty());
            let header = attachment(&name).expect("a header");
            prop_assert_eq!(read(header.as_bytes()), Some(name));
        }
    }
}
