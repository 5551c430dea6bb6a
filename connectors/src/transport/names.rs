//! Which names of a folder are taken, and which names may be given there.
//!
//! The names a place shows enter, those that are wanted leave: a name is one segment, its writer has finished with it as far as a
//! name can tell, and it matches one of the globs configured. A name to be given never leaves its folder.

use std::fmt;

use globset::{Glob, GlobSet, GlobSetBuilder};
use hub_core::code::Code;
use hub_core::transport::TransportError;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// What programs that copy, transfer or download name a file they still write.
const PART_ENDINGS: &[&str] = &[".part", ".tmp", ".filepart", ".crdownload"];
/// What hidden files, and those of editors and office programs, start with.
const PART_STARTS: &[char] = &['.', '~'];

/// The names that are taken.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    globs: GlobSet,
    skip_part_names: bool,
}

impl Wanted {
    /// Names that match one of the globs; every name when there is none.
    pub(super) fn new(patterns: &[String], skip_part_names: bool) -> Result<Self, TransportError> {
        let mut globs = GlobSetBuilder::new();
        let all = [String::from("*")];
        for pattern in if patterns.is_empty() { &all } else { patterns } {
            let glob = Glob::new(pattern).map_err(|error| {
                let detail = format!("expected a pattern such as `*.xml`, found `{pattern}`");
                TransportError::new(Code::BadConfig, detail).because(error)
            })?;
            globs.add(glob);
        }
        let globs = globs.build().map_err(|error| {
            TransportError::new(Code::BadConfig, "expected fewer or shorter patterns").because(error)
        })?;
        Ok(Self { globs, skip_part_names })
    }

    /// Whether a name is taken.
    pub(super) fn takes(&self, name: &str) -> bool {
        is_segment(name) && !(self.skip_part_names && is_part(name)) && self.globs.is_match(name)
    }
}

fn is_part(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with(PART_STARTS) || PART_ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

fn is_segment(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\']) && !name.contains(char::is_control)
}

/// The name, when it stays in its folder.
pub(super) fn segment(name: &str) -> Result<&str, TransportError> {
    let refused =
        || TransportError::new(Code::AnswerNotUnderstood, "expected the name of a file in its folder");
    is_segment(name).then_some(name).ok_or_else(refused)
}

/// The name itself for 1, else the name with a number before its extension, to find one that is free.
pub(super) fn numbered(name: &str, number: u32) -> String {
    match name.rsplit_once('.') {
        _ if number <= 1 => name.to_owned(),
        Some((stem, extension)) if !stem.is_empty() => format!("{stem}-{number}.{extension}"),
        _ => format!("{name}-{number}"),
    }
}

/// Reads one text, or a list of them.
pub(super) fn one_or_more<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    struct OneOrMore;
    impl<'de> Visitor<'de> for OneOrMore {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E>(self, one: &str) -> Result<Self::Value, E> {
            Ok(vec![one.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, more: A) -> Result<Self::Value, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(more))
        }
    }
    from.deserialize_any(OneOrMore)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(patterns: &[&str]) -> Wanted {
        let patterns: Vec<String> = patterns.iter().map(|&p| p.to_owned()).collect();
        Wanted::new(&patterns, true).expect("patterns")
    }

    #[test]
    fn a_name_still_written_or_leaving_its_folder_is_never_taken() {
        let all = wanted(&[]);
        for name in ["a.xml", "été.csv", "a.part.xml", "sans extension", "x~"] {
            assert!(all.takes(name), "{name}");
        }
        for name in ["a.part", "A.TMP", "a.xml.filepart", "a.crdownload", ".a.xml.X1y2", "~$a.xlsx"] {
            assert!(!all.takes(name), "{name}");
        }
        for name in ["", ".", "..", "../a.xml", "b/a.xml", "b\\a.xml", "a\0.xml", "a\n.xml"] {
            assert!(!all.takes(name), "{name:?}");
        }
    }

    #[test]
    fn any_one_of_several_patterns_is_enough() {
        let some = wanted(&["*.xml", "*principal*"]);
        assert!(some.takes("a.xml") && some.takes("x_principal.csv"));
        assert!(!some.takes("a.csv") && !some.takes("a.xml.gz"));
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_a_wrong_setup() {
        let error = Wanted::new(&[String::from("[a")], true).expect_err("refused");
        assert_eq!(error.code, Code::BadConfig);
    }

    #[test]
    fn a_number_stands_before_the_extension() {
        let names = [("a.xml", 1), ("a.xml", 2), ("a", 3), (".a", 4), ("a.tar.gz", 5)];
        let numbered: Vec<String> = names.iter().map(|&(name, n)| numbered(name, n)).collect();
        assert_eq!(numbered, ["a.xml", "a-2.xml", "a-3", ".a-4", "a.tar-5.gz"]);
    }
}
