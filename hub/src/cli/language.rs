//! The language people are told things in: French where the environment says so, English otherwise.
//!
//! What a code means is said in both, and so are the lines of the commands institutions are looked after with; a program reads codes.
//! Pages for a département are French unless another is set.

use std::fmt;
use std::sync::LazyLock;

use hub_core::code::{Code, Entry, Text};
use hub_core::delivery::Status;

/// The locale, in the order POSIX reads its names.
static LOCALE: LazyLock<Option<String>> = LazyLock::new(|| {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set)
});

/// Whether the environment names French.
pub fn is_french() -> bool {
    LOCALE.as_ref().is_some_and(|locale| locale.starts_with("fr"))
}

/// What a code means, in the reader's language.
pub fn told(entry: &Entry) -> &Text {
    either(&entry.fr, &entry.en)
}

/// The one the reader reads.
pub fn either<T>(french: T, english: T) -> T {
    if is_french() { french } else { english }
}

/// What goes before what is told of something; French leaves a space before it.
pub fn colon() -> &'static str {
    either(" :", ":")
}

/// A number of things: one, and several. French counts none as one.
pub fn counted(count: u64, french: [&str; 2], english: [&str; 2]) -> String {
    let (one, several) = (count == 1 || (count == 0 && is_french()), either(french, english));
    let [single, plural] = several;
    format!("{count} {}", if one { single } else { plural })
}

/// How a run stands.
pub fn status(status: Status) -> String {
    let french = match status {
        Status::Running => "en cours",
        Status::Done => "intégrée",
        Status::DoneWithRejects => "intégrée avec rejets",
        Status::Held => "retenue",
        Status::Halted => "interrompue",
        Status::AlreadyReceived => "déjà reçue",
    };
    either(french.to_owned(), status.word().replace('_', " "))
}

/// A name a file came under, or that it has none.
pub fn name(filename: Option<&str>) -> &str {
    filename.unwrap_or(either("(sans nom)", "(no name)"))
}

/// Whether the environment names a language that is not French; `C` and `POSIX` name none.
pub fn is_other_than_french() -> bool {
    let language = LOCALE.as_deref().and_then(|locale| locale.split(['_', '.', '@']).next());
    language.is_some_and(|language| !["fr", "C", "POSIX"].contains(&language))
}

/// What went wrong, in the reader's language, with its code.
#[derive(Debug)]
pub struct Said {
    text: String,
    /// The stable code.
    pub code: Code,
}

impl Said {
    /// The one the reader reads.
    pub fn either(code: Code, french: String, english: String) -> Self {
        Self { text: either(french, english), code }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Said {}
