//! What a failed call to an object store means.
//!
//! The library's error enters, a code and a few words leave. Of a server's answer only its status and its one-word code are told:
//! the rest may hold the access key, or what was signed. So the library's error is never shown nor kept as a cause.

use std::error::Error as StdError;
use std::io;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use object_store::Error;
use object_store::client::HttpError;

/// Codes by which servers refuse a key, a secret or a signature; all but one come with 403, as a missing right does.
const LOGIN: &[&str] = &[
    "AuthFailure",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
];

/// What a server answered.
struct Answer {
    status: Option<u16>,
    /// `NoSuchBucket`, `AccessDenied`…; empty where the answer had no body.
    word: String,
}

/// Says what a failed call means; `doing` says what was tried, such as "listing `s3://bucket`".
pub fn failure(doing: &str, error: &Error) -> TransportError {
    // A connection that broke has a cause in the system too.
    if let (None, Some(cause)) = (cause::<HttpError>(error), cause::<io::Error>(error)) {
        return on_disk(doing, cause.kind());
    }
    let answer = answer(error);
    let code = code(error, &answer);
    let found = match (answer.status, code) {
        (_, Code::BadConfig) => "the bucket is in another region, or behind another endpoint".to_owned(),
        (Some(status), _) => format!("the server answered {status} {}", answer.word),
        (None, Code::PlaceUnreachable) => "no answer, or it broke off".to_owned(),
        (None, _) => "the answer is not one of an S3-type server".to_owned(),
    };
    TransportError::new(code, format!("{doing}: {}", found.trim_end()))
}

/// Says what it means that a listed object is not there: it went, unless its whole bucket did.
pub(super) fn gone(doing: &str, error: &Error) -> TransportError {
    if answer(error).word == "NoSuchBucket" {
        return failure(doing, error);
    }
    let detail = format!("{doing}: it is gone since it was listed; look again");
    TransportError::new(Code::OfferChanged, detail)
}

/// Says what it means that bytes fetched could not be written here.
pub(super) fn unwritten(error: io::Error) -> TransportError {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let code = if full { Code::DiskFull } else { Code::ArchiveFailed };
    TransportError::new(code, "the bytes fetched could not be written here").because(error)
}

fn code(error: &Error, answer: &Answer) -> Code {
    match answer.status {
        _ if LOGIN.contains(&answer.word.as_str()) => Code::LoginRefused,
        _ if answer.word == "SlowDown" => Code::TooManyRequests,
        Some(401) => Code::LoginRefused,
        Some(403) => Code::PlaceRefused,
        Some(429) => Code::TooManyRequests,
        Some(301 | 307 | 308) => Code::BadConfig,
        Some(408 | 409 | 412 | 500..) => Code::PlaceUnreachable,
        None if error.to_string().contains("redirect without LOCATION") => Code::BadConfig,
        None if cause::<HttpError>(error).is_some() => Code::PlaceUnreachable,
        Some(_) | None => Code::AnswerNotUnderstood,
    }
}

fn on_disk(doing: &str, kind: io::ErrorKind) -> TransportError {
    let code = match kind {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Code::AnswerNotUnderstood,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Code::PlaceRefused,
        _ => Code::PlaceUnreachable,
    };
    TransportError::new(code, format!("{doing}: {kind}"))
}

/// Reads the answer out of the error's text: the library keeps its type to itself.
fn answer(error: &Error) -> Answer {
    let text = error.to_string();
    let between = |before: &str, after: char| Some(text.split_once(before)?.1.split_once(after)?.0);
    let word = between("<Code>", '<').unwrap_or_default();
    // A server may write anything there.
    let plain = word.len() <= 40 && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Answer {
        status: between("status code: ", ' ').and_then(|status| status.parse().ok()),
        word: if plain { word.to_owned() } else { String::new() },
    }
}

fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref::<E>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> TransportError {
        failure("listing", &Error::Generic { store: "S3", source: text.into() })
    }

    #[test]
    fn a_refused_signature_stops_and_shows_nothing_that_was_signed() {
        let error = told(
            "non-2xx status code: 403 Forbidden: <Error><Code>SignatureDoesNotMatch</Code>\
             <AWSAccessKeyId>AKIA1</AWSAccessKeyId><StringToSign>AWS4</StringToSign></Error>",
        );
        assert_eq!(error.code, Code::LoginRefused);
        assert_eq!(error.detail, "listing: the server answered 403 SignatureDoesNotMatch");
        assert!(error.source.is_none());
    }

    #[test]
    fn each_answer_has_its_code() {
        for (text, code) in [
            ("status code: 403 Forbidden: <Code>AccessDenied</Code>", Code::PlaceRefused),
            ("status code: 401 Unauthorized: ", Code::LoginRefused),
            ("status code: 404 Not Found: <Code>NoSuchBucket</Code>", Code::AnswerNotUnderstood),
            ("status code: 429 Too Many Requests: ", Code::TooManyRequests),
            ("status code: 503 Service Unavailable: <Code>SlowDown</Code>", Code::TooManyRequests),
            ("status code: 500 Internal Server Error: ", Code::PlaceUnreachable),
            ("Received redirect without LOCATION, this normally", Code::BadConfig),
            ("Got invalid list response: eof", Code::AnswerNotUnderstood),
        ] {
            assert_eq!(told(text).code, code, "{text}");
        }
    }

    #[test]
    fn a_word_that_is_no_word_is_left_out() {
        let error = told("status code: 400 Bad Request: <Code>a b\nc</Code>");
        assert_eq!(error.detail, "listing: the server answered 400");
    }
}
