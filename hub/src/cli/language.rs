//! The language people are told things in: French where the environment says so, English otherwise.
//!
//! Only what a code means is said in both; a program reads codes. Pages for a département are French unless another is set.

use std::sync::LazyLock;

use hub_core::code::{Entry, Text};

/// The locale, in the order POSIX reads its names.
static LOCALE: LazyLock<Option<String>> = LazyLock::new(|| {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set)
});

/// What a code means, in the reader's language.
pub fn told(entry: &Entry) -> &Text {
    let french = LOCALE.as_ref().is_some_and(|locale| locale.starts_with("fr"));
    if french { &entry.fr } else { &entry.en }
}

/// Whether the environment names a language that is not French; `C` and `POSIX` name none.
pub fn is_other_than_french() -> bool {
    let language = LOCALE.as_deref().and_then(|locale| locale.split(['_', '.', '@']).next());
    language.is_some_and(|language| !["fr", "C", "POSIX"].contains(&language))
}
