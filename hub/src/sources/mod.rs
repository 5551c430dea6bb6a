//! The sources file: which institutions deliver, how each may, and what is expected of it.
//!
//! `sources.yaml` enters; a checked [`Sources`] leaves, or every mistake with its place. A hub without the file takes in what
//! `dlnuf deliver` is given, and nothing by itself.

pub mod file;
mod lines;
pub mod schedule;
pub mod token;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use connectors::wrapping::Keys;
use hub_core::code::Code;
use hub_core::delivery::Delivery;
use hub_core::mapping::Catalogue;
use hub_core::pipeline::Order;

use crate::arrival::Parcel;
use crate::receipt::refused::corrected;

pub use connectors::wrapping::KeyError;
use file::Mistake;
use lines::Lines;

pub use file::{Pull, Source};
pub use token::Token;

/// The sources of this hub.
#[derive(Debug, Default, Clone)]
pub struct Sources {
    by_name: BTreeMap<String, Source>,
    lines: Lines,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// It cannot be read.
    #[error("the sources file `{path}` cannot be read")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not what a sources file is.
    #[error("`{path}`, {mistakes}")]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// What is wrong, a line each.
        mistakes: String,
    },
}

impl SourcesError {
    /// The stable code.
    pub fn code(&self) -> Code {
        Code::BadConfig
    }
}

impl Sources {
    /// Reads the file; no sources when it is not there.
    ///
    /// # Errors
    /// When it cannot be read, or holds mistakes.
    pub fn read(path: &Path) -> Result<Self, SourcesError> {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(source) => return Err(SourcesError::Io { path: path.to_owned(), source }),
            Ok(bytes) => bytes,
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let before = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
            format!("line {}: expected UTF-8, found other bytes", 1 + before.filter(|b| **b == b'\n').count())
        });
        text.and_then(|text| Self::parse(&text))
            .map_err(|mistakes| SourcesError::Mistakes { path: path.to_owned(), mistakes })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let file: file::SourcesFile = serde_saphyr::from_str(text).map_err(|error| unread(text, &error))?;
        let sources = Self { by_name: file.sources.unwrap_or_default(), lines: Lines::of(text) };
        let mistakes = sources.by_name.iter().flat_map(|(name, source)| source.mistakes(name)).collect();
        sources.placed(mistakes).map_or(Ok(sources), Err)
    }

    /// Mistakes with their lines, in the order of the file; none when there is none.
    fn placed(&self, mistakes: Vec<Mistake>) -> Option<String> {
        let placed = |Mistake { at, text }: Mistake| (self.lines.at(&format!("sources.{at}")), at, text);
        let mut placed: Vec<_> = mistakes.into_iter().map(placed).collect();
        placed.sort();
        let told = placed.into_iter().map(|(line, at, text)| match line {
            Some(line) => format!("line {line}: `{at}`: {text}"),
            None => format!("`{at}`: {text}"),
        });
        Some(told.collect::<Vec<_>>().join("\n  ")).filter(|told| !told.is_empty())
    }

    /// Compares what the file at `path` says with the mappings: of what no mapping is for, nothing could be read.
    ///
    /// # Errors
    /// When a source, or the mapping it names, is not among them.
    pub fn fit(&self, path: &Path, catalogue: &Catalogue) -> Result<(), SourcesError> {
        let known = catalogue.sources();
        let mistake = |(name, source): (&str, &Source)| {
            if !known.contains(&name) {
                let text = format!("no mapping is for it; the mappings know {}", known.join(", "));
                return Some(Mistake::new(name, text));
            }
            let fault = catalogue.asked(name, source.mapping.as_deref()?).err()?;
            Some(Mistake::new(format!("{name}.mapping"), fault.detail))
        };
        match self.placed(self.iter().filter_map(mistake).collect()) {
            Some(mistakes) => Err(SourcesError::Mistakes { path: path.to_owned(), mistakes }),
            None => Ok(()),
        }
    }

    /// One source.
    pub fn get(&self, name: &str) -> Option<&Source> {
        self.by_name.get(name)
    }

    /// A file that came from a source, with what opens it and how large it may be.
    ///
    /// # Errors
    /// When a key or password of the source cannot be had.
    pub fn parcel(&self, source: &str, file: File, name: Option<String>) -> Result<Parcel, KeyError> {
        let known = self.get(source);
        let keys = known.map(|source| Keys::read(&source.keys)).transpose()?.unwrap_or_default();
        Ok(Parcel { file, name, keys, max_bytes: self.max_bytes(source) })
    }

    /// Most bytes one thing that comes from a source may have.
    pub fn max_bytes(&self, source: &str) -> u64 {
        self.get(source).map_or(file::USUAL_BYTES, |source| source.max_bytes)
    }

    /// Whether a receipt of what a source sends by this way is to be brought to it.
    pub fn wants_receipts(&self, source: &str, pull: Option<&str>) -> bool {
        self.get(source).is_some_and(|known| {
            let left = pull.and_then(|pull| known.pulls.get(pull)).is_some_and(|pull| pull.leave_receipts);
            left || known.receipts.is_some()
        })
    }

    /// How a delivery of a source is to be run.
    pub fn order(&self, delivery: Delivery) -> Order {
        let known = self.get(&delivery.source);
        let corrects = delivery.filename.as_deref().and_then(corrected);
        Order {
            mapping: known.and_then(|source| source.mapping.clone()),
            guards: known.map(|source| source.guards).unwrap_or_default(),
            corrects,
            ..Order::new(delivery)
        }
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Source)> {
        self.by_name.iter().map(|(name, source)| (name.as_str(), source))
    }

    /// Whether some source may push.
    pub fn anyone_pushes(&self) -> bool {
        self.by_name.values().any(|source| !source.tokens.is_empty())
    }

    /// Which source a token is of, and the token's own name.
    pub fn bearer(&self, secret: &str, today: &str) -> Option<(&str, &Token)> {
        let hash = token::hash(secret);
        self.iter().find_map(|(name, source)| {
            let token = source.tokens.iter().find(|token| token.is(hash) && !token.expired(today))?;
            Some((name, token))
        })
    }
}

/// What cannot be read, with its line and keys.
fn unread(text: &str, error: &serde_saphyr::Error) -> String {
    let told = told(error);
    let Some(place) = error.location().map(|at| (at.line(), at.column())).filter(|(line, _)| *line > 0)
    else {
        return told;
    };
    let told = told.split(" at line ").next().unwrap_or_default();
    // The library's advice to those who program.
    let told = told.split(", set DuplicateKeyPolicy").next().unwrap_or_default();
    let told = match told {
        "expected mapping start" => "expected keys with their values",
        "expected sequence start" => "expected a list",
        "invalid boolean" => "expected `true` or `false`",
        "invalid u64" | "invalid u32" | "invalid u16" => "expected a whole number",
        told => told,
    };
    let lines = Lines::of(text);
    // What is missing stands beside the last key there is.
    let beside = told.starts_with("missing field");
    let inside = |keys: &str| keys.rsplit_once('.').map_or_else(String::new, |(inside, _)| inside.to_owned());
    match lines.under(place).map(|keys| if beside { inside(keys) } else { keys.to_owned() }) {
        Some(keys) if !keys.is_empty() => format!("line {}: `{keys}`: {told}", place.0),
        _ => format!("line {}: {told}", place.0),
    }
}

/// A mistake as it was found, and neither the line it stands in nor a value: either may be a secret written where none belongs.
fn told(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    if !["unknown variant", "invalid "].iter().any(|kind| text.contains(kind)) {
        return text;
    }
    for quote in ['`', '"'] {
        if let Some((before, rest)) = text.split_once(quote)
            && let Some((_, after)) = rest.split_once(quote)
        {
            return format!("{before}{quote}…{quote}{after}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = "
sources:
  caf:
    tokens:
      - { name: caf-75, hash: \"HASH\", expires: 2027-01-01 }
    max_bytes: 4GiB
    guards: { closures: 0.1, volume: off }
    expected: { by: \"07:00\", days: [mon, tue, wed, thu, fri] }
";

    fn full() -> String {
        FULL.replace("HASH", &token::hash("secret").to_string())
    }

    #[test]
    fn a_token_opens_its_source_until_it_expires() {
        let sources = Sources::parse(&full()).expect("a good file");
        assert_eq!(sources.bearer("secret", "2026-12-31").map(|(source, _)| source), Some("caf"));
        assert!(sources.bearer("secret", "2027-01-01").is_none(), "expired");
        assert!(sources.bearer("other", "2026-12-31").is_none());
        assert!(sources.bearer("", "2026-12-31").is_none());
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, told) in [
            ("sources: {caf: {tokns: []}}", "tokns"),
            ("sources: {caf: {tokens: [{name: a, hash: \"12\"}]}}", "hash"),
            ("sources: {caf: {max_bytes: 4 Go}}", "max_bytes"),
            ("sources: {caf: {guards: {closures: 1.5}}}", "closures"),
            ("sources: {caf: {expected: {by: \"7h\"}}}", "by"),
            ("sources: {caf: {expected: {by: \"07:00\", time_zone: Europe/Pris}}}", "Europe/Pris"),
            ("sources: {caf: {tokens: [{name: a, hash: \"HASH\", expires: 2026-13-01}]}}", "expires"),
            ("sources: {\"caf/nuit\": {}}", "caf/nuit"),
            ("caf: {}", "caf"),
            (
                "sources:\n  caf:\n    max_bytes: -1",
                "line 3: `caf.max_bytes`: expected a number of bytes above 0",
            ),
            ("sources:\n  caf:\n    max_bytes: 0", "line 3: `caf.max_bytes`"),
            ("sources:\n  caf:\n    tokns: []", "line 3: `caf.tokns`: unknown field"),
            ("sources:\n  caf:\n", "line 2: `caf`: expected keys with their values"),
            ("sources:\n  caf: {}\n  caf: {}", "line 3: "),
            ("sources:\n  caf:\n    expected:\n      by: 7h", "line 4: `caf.expected.by`"),
            ("sources:\n  caf:\n    receipts: {callback: \"ftp://a/b\"}", "line 3: `caf.receipts.callback`"),
            (
                "sources:\n  caf:\n    receipts: {callback: \"http://a.fr/b\"}",
                "line 3: `caf.receipts.callback`",
            ),
            (
                "sources:\n  caf:\n    pulls:\n      a:\n        folder: {path: /a}\n        schedule:\n          cron: 0 25 * * *",
                "line 7: `caf.pulls.a.schedule.cron`",
            ),
            ("sources:\n  \"é\": {}\n  caf:\n    pulls: {a: {}}", "line 4: `caf.pulls.a`"),
            ("sources: {caf: {tokens: [{name: a, hash: \"HASH\"}, {name: b, hash: \"HASH\"}]}}", "twice"),
            ("sources:\n  caf: {", "line "),
        ] {
            let text = &text.replace("HASH", &token::hash("secret").to_string());
            let mistakes = Sources::parse(text).expect_err(text);
            assert!(mistakes.contains(told), "{text}: {mistakes}");
        }
        let here = "sources: {caf: {receipts: {callback: \"http://127.0.0.1:8081/b\"}}}";
        assert!(Sources::parse(here).is_ok());
    }

    #[test]
    fn a_secret_written_where_none_belongs_is_not_told() {
        for text in [
            "sources: {caf: {receipts: {callback: \"https://a\", bearer: {token: SECRET}}}}",
            "sources: {caf: {keys: {passwords: SECRET}}}",
            "sources: {caf: {receipts: {callback: \"https://a\", bearer: SECRET}}}",
        ] {
            let mistakes = Sources::parse(text).expect_err(text);
            assert!(!mistakes.contains("SECRET"), "{mistakes}");
        }
    }

    #[test]
    fn an_empty_file_has_no_source() {
        assert_eq!(Sources::parse("sources:").expect("none").iter().count(), 0);
    }
}
