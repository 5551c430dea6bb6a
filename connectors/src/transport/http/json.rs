//! JSON read without being rewritten: the part a pointer names, its texts exactly as the place wrote them.

use std::collections::HashMap;

use hub_core::code::Code;
use hub_core::transport::TransportError;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::Answer;

/// A text, or a number as text: places write their numbers both ways.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Word(String);

impl Word {
    /// Its text.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(serde_json::Number),
        }
        Ok(Self(match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Number(number) => number.to_string(),
        }))
    }
}

/// An answer's body as JSON, a byte order mark left out.
pub(super) fn body(answer: &Answer) -> Result<&RawValue, TransportError> {
    let bytes = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&answer.body);
    serde_json::from_slice(bytes).map_err(|_| answer.error(Code::AnswerNotUnderstood, "JSON in UTF-8"))
}

/// The part at a JSON pointer (RFC 6901); the whole for an empty one.
pub(super) fn at<'a>(value: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    let Some(path) = pointer.strip_prefix('/') else { return pointer.is_empty().then_some(value) };
    path.split('/')
        .try_fold(value, |value, token| member(value, &token.replace("~1", "/").replace("~0", "~")))
}

/// The text or number at a pointer.
pub(super) fn word(value: &RawValue, pointer: &str) -> Option<Word> {
    serde_json::from_str(at(value, pointer)?.get()).ok()
}

/// The elements of an array.
pub(super) fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(value.get()).ok()
}

/// A value as one line. Within texts JSON admits no line break, so of what came only white space changes.
pub(super) fn line(value: &impl Serialize) -> String {
    let written = serde_json::to_string(value).expect("texts, lists and raw JSON are always written");
    written.replace(['\n', '\r'], " ")
}

fn member<'a>(value: &'a RawValue, name: &str) -> Option<&'a RawValue> {
    if value.get().starts_with('[') {
        return elements(value)?.get(name.parse::<usize>().ok()?).copied();
    }
    let members: HashMap<String, &RawValue> = serde_json::from_str(value.get()).ok()?;
    members.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).expect("JSON")
    }

    #[test]
    fn a_pointer_finds_members_elements_and_escaped_names() {
        let value = raw(r#"{"a":{"b":[10,{"c/d":"é\n"}]},"":1}"#);
        for (pointer, found) in [
            ("/a/b/0", Some("10")),
            ("/a/b/1/c~1d", Some(r#""é\n""#)),
            ("/", Some("1")),
            ("/a/b/2", None),
            ("/a/x", None),
            ("/a/b/0/x", None),
            ("a", None),
        ] {
            assert_eq!(at(value, pointer).map(RawValue::get), found, "{pointer}");
        }
        assert_eq!(at(value, "").map(RawValue::get), Some(value.get()));
    }

    #[test]
    fn a_value_comes_on_one_line_and_is_otherwise_what_was_written() {
        let value = raw("{\n \"z\": 1.50,\r\n \"a\": \"deux\\nlignes\" }");
        assert_eq!(line(&value), "{  \"z\": 1.50,   \"a\": \"deux\\nlignes\" }");
    }

    #[test]
    fn a_word_is_a_text_or_a_number_and_nothing_else() {
        let value = raw(r#"{"t":"007","n":12,"o":{},"x":null}"#);
        assert_eq!(word(value, "/t").map(|w| w.text().to_owned()), Some("007".to_owned()));
        assert_eq!(word(value, "/n").map(|w| w.text().to_owned()), Some("12".to_owned()));
        assert!(word(value, "/o").is_none() && word(value, "/x").is_none());
    }
}
