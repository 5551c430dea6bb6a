//! Which names of a folder are taken, and which names may be given there.
//!
//! The names a place shows enter, those that are wanted leave: a name is one segment, its writer has finished with it as far as a
//! name can tell, and it matches one of the globs configured. A wanted name no offer can be made of is kept to be told. A name to
//! be given never leaves its folder.

use std::fmt::{self, Write as _};
use std::mem;
use std::sync::{Mutex, PoisonError};

use globset::{Glob, GlobSet, GlobSetBuilder};
use hub_core::code::Code;
use hub_core::transport::{Offer, TransportError};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

/// What programs that copy, transfer or download name a file they still write.
const PART_ENDINGS: &[&str] = &[".part", ".tmp", ".filepart", ".crdownload"];
/// What hidden files, and those of editors and office programs, start with.
const PART_STARTS: &[char] = &['.', '~'];
/// Longest name an offer is made of, in bytes: as long as a bucket's key may be.
const LONGEST: usize = 1024;
/// Longest name shown, in characters.
const LONGEST_SHOWN: usize = 200;
/// Names told in one sentence.
const FEW: usize = 5;
/// Names passed over that are told of one look.
const MOST_PASSED_OVER: usize = 100;

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
        is_usable(name) && self.matches(name)
    }

    /// Whether a name is wanted though no offer can be made of it: it is not UTF-8, or is no plain segment.
    pub(super) fn is_odd(&self, name: &[u8]) -> bool {
        let text = String::from_utf8_lossy(name);
        !is_usable(&text) && self.matches(&text)
    }

    fn matches(&self, name: &str) -> bool {
        !(self.skip_part_names && is_part(name)) && self.globs.is_match(name)
    }
}

fn is_part(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with(PART_STARTS) || PART_ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// What is not UTF-8 was replaced on the way; a file cannot be asked for by such a name.
fn is_usable(name: &str) -> bool {
    is_segment(name) && name.len() <= LONGEST && !name.contains(char::REPLACEMENT_CHARACTER)
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

/// A name as it can be shown: escaped, and cut when it is long.
pub(super) fn escaped(name: &[u8]) -> String {
    let mut shown = String::new();
    for chunk in name.utf8_chunks() {
        shown.extend(chunk.valid().escape_debug());
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("a text takes every text");
        }
    }
    match shown.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", shown.get(..end).unwrap_or_default()),
        None => shown,
    }
}

/// The first few of some names, in a sentence.
pub(super) fn few(names: &[impl AsRef<str>]) -> String {
    let told: Vec<String> = names.iter().take(FEW).map(|name| format!("`{}`", name.as_ref())).collect();
    let more = if names.len() > FEW { ", …" } else { "" };
    format!("{}{more}", told.join(", "))
}

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// What can be offered.
    pub(super) offers: Vec<Offer>,
    /// Names no offer can be made of, as they can be shown.
    pub(super) odd: Vec<String>,
}

impl Listed {
    /// What waits, in a sentence about this place.
    pub(super) fn told(&self, things: &str, place: &str) -> String {
        let waiting = format!("{} {things} wait in `{place}`", self.offers.len());
        if self.odd.is_empty() {
            return waiting;
        }
        format!("{waiting}; {} names cannot be used: {}", self.odd.len(), few(&self.odd))
    }

    /// Keeps a name no offer can be made of; beyond a hundred nobody reads them.
    pub(super) fn pass_over(&mut self, name: &[u8]) {
        if self.odd.len() < MOST_PASSED_OVER {
            self.odd.push(escaped(name));
        }
    }
}

/// The names the last look passed over.
#[derive(Default)]
pub(super) struct PassedOver(Mutex<Vec<String>>);

impl PassedOver {
    /// Keeps those of a look, in place of those of the one before; the offers stay.
    pub(super) fn keep(&self, listed: &mut Listed) {
        let mut odd = mem::take(&mut listed.odd);
        odd.sort();
        odd.dedup();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = odd;
    }

    /// Those of the last look.
    pub(super) fn names(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
    fn a_wanted_name_no_offer_can_be_made_of_is_shown_escaped() {
        let some = wanted(&["*.xml"]);
        for (name, shown) in [
            (&b"caf\xe9.xml"[..], "caf\\xe9.xml"),
            (b"a\nb.xml", "a\\nb.xml"),
            (b"a\\b.xml", "a\\\\b.xml"),
            ("\u{202e}é.xml\u{7}.xml".as_bytes(), "\\u{202e}é.xml\\u{7}.xml"),
        ] {
            assert!(some.is_odd(name), "{name:?}");
            assert_eq!(escaped(name), shown);
        }
        for name in [&b"caf\xe9.csv"[..], b".caf\xe9.xml", b"a.xml", "é.xml".as_bytes()] {
            assert!(!some.is_odd(name), "{name:?}");
        }
        let long = [vec![b'a'; 2000], b".xml".to_vec()].concat();
        assert!(some.is_odd(&long) && escaped(&long).chars().count() == LONGEST_SHOWN + 1);
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
