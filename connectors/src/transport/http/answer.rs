//! An answer: status, headers, a bounded body; and what may be told of it: never more of a body than its code.

use std::time::Duration;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use serde_json::Value as Json;

/// Where the places write the code of an error.
const CODE_MEMBERS: &[&str] = &["/codeRetour", "/code", "/error", "/errors/0/code"];
/// Longest code told, and the most digits in it: a code, not somebody's number.
const LONGEST_CODE: usize = 40;
const MOST_DIGITS: usize = 6;
/// Longest wait a place is believed to ask for.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// Shortest wait before a place that asked to wait is called again.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// An answer that was read to its end.
pub(super) struct Answer {
    /// Its status.
    pub(super) status: StatusCode,
    /// Its headers.
    pub(super) headers: HeaderMap,
    /// Its body.
    pub(super) body: Vec<u8>,
    /// What was called; not to be told as it is.
    pub(super) url: Url,
}

/// Why an answer could not be read to its end.
pub(super) enum Unread {
    /// The connection broke.
    Broken(reqwest::Error),
    /// The body is larger than allowed.
    TooLarge,
}

impl Answer {
    /// Reads a response to its end, or to the largest size.
    pub(super) async fn read(mut response: Response, max_bytes: u64) -> Result<Self, Unread> {
        if response.content_length().is_some_and(|size| size > max_bytes) {
            return Err(Unread::TooLarge);
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Unread::Broken)? {
            if (body.len() + chunk.len()) as u64 > max_bytes {
                return Err(Unread::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let (status, url) = (response.status(), response.url().clone());
        Ok(Self { status, headers: response.headers().clone(), body, url })
    }

    /// A header's text.
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The code a JSON body states, when it looks like one.
    pub(super) fn code(&self) -> Option<String> {
        if !self.header(CONTENT_TYPE)?.contains("json") {
            return None;
        }
        let body: Json = serde_json::from_slice(&self.body).ok()?;
        let code = CODE_MEMBERS.iter().find_map(|member| match body.pointer(member)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        })?;
        let plain = code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
        let digits = code.bytes().filter(u8::is_ascii_digit).count();
        (plain && code.len() <= LONGEST_CODE && digits <= MOST_DIGITS).then_some(code)
    }

    /// How long the place asks to wait: seconds, a date, or this default when it says neither.
    pub(super) fn retry_after(&self, now: Timestamp, default: Duration) -> Duration {
        let asked = self.header(RETRY_AFTER).and_then(|text| wait_asked(text.trim(), now));
        asked.unwrap_or(default).clamp(SHORTEST_WAIT, LONGEST_WAIT)
    }

    /// When the place says it answered.
    pub(super) fn date(&self) -> Option<Timestamp> {
        instant(self.header(DATE)?)
    }

    /// An error about this answer: what was called, its status, its code.
    pub(super) fn error(&self, code: Code, expected: &str) -> TransportError {
        let stated = self.code().map(|code| format!(" `{code}`")).unwrap_or_default();
        let status = self.status.as_u16();
        TransportError::new(
            code,
            format!("expected {expected} of {}, found {status}{stated}", shown(&self.url)),
        )
    }
}

/// An address as it may be told: host and path, without the query, and without the parts that may be somebody's number.
pub(super) fn shown(url: &Url) -> String {
    let parts: Vec<&str> = url.path_segments().into_iter().flatten().map(told).collect();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("`{}{port}/{}`", url.host_str().unwrap_or_default(), parts.join("/"))
}

fn told(part: &str) -> &str {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let number = part.starts_with(|c: char| c.is_ascii_digit()) || digits > 2;
    if number || part.contains(['@', '%']) { "…" } else { part }
}

fn wait_asked(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let length = instant(text)?.duration_since(now);
    Some(Duration::try_from(length).unwrap_or_default())
}

fn instant(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn answer(headers: &[(HeaderName, &'static str)], body: &str) -> Answer {
        let headers =
            headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        let url = Url::parse("https://api.example/usagers").expect("an address");
        Answer { status: StatusCode::BAD_REQUEST, headers, body: body.as_bytes().to_vec(), url }
    }

    #[test]
    fn a_wait_is_asked_in_seconds_by_a_date_or_not_at_all() {
        let now = "2026-03-02T05:00:00Z".parse().expect("an instant");
        for (text, seconds) in [
            ("7", 7),
            (" 7 ", 7),
            ("0", 1),
            ("Mon, 02 Mar 2026 05:01:30 GMT", 90),
            ("Mon, 02 Mar 2026 04:00:00 GMT", 1),
            ("bientôt", 3),
            ("-5", 3),
            ("1.5", 3),
            ("99999999999", 86_400),
            ("99999999999999999999999", 3),
        ] {
            let Ok(value) = HeaderValue::from_str(text) else { continue };
            let mut answer = answer(&[], "");
            answer.headers.insert(RETRY_AFTER, value);
            let wait = answer.retry_after(now, Duration::from_secs(3));
            assert_eq!(wait, Duration::from_secs(seconds), "{text}");
        }
        let silent = answer(&[], "").retry_after(now, Duration::from_secs(3));
        assert_eq!(silent, Duration::from_secs(3));
    }

    #[test]
    fn of_a_body_only_the_code_is_told_and_only_when_it_looks_like_one() {
        let json = [(CONTENT_TYPE, "application/json;charset=UTF-8")];
        for (body, code) in [
            (r#"{"codeRetour":"R997","message":"né le 12/05/1985"}"#, Some("R997")),
            (r#"{"error":"invalid_client"}"#, Some("invalid_client")),
            (r#"{"errors":[{"code":"37999"}]}"#, Some("37999")),
            (r#"{"code":1850578006084}"#, None),
            (r#"{"code":"Jeanne Fictive"}"#, None),
            (r#"{"code":"#, None),
        ] {
            assert_eq!(answer(&json, body).code().as_deref(), code, "{body}");
        }
        assert_eq!(answer(&[], r#"{"code":"R997"}"#).code(), None);
    }

    #[test]
    fn an_address_is_told_without_query_and_without_numbers() {
        let url = Url::parse("https://api.example/sue/v4/dossiers/3f0c8a52/rdv/12?nir=1850578006084")
            .expect("an address");
        assert_eq!(shown(&url), "`api.example/sue/v4/dossiers/…/rdv/…`");
    }
}
