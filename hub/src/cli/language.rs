//! The language people are told things in: French where the environment says so, English otherwise.
//!
//! Only what a code means is said in both; a program reads codes.

use std::sync::LazyLock;

use hub_core::code::{Entry, Text};

static FRENCH: LazyLock<bool> = LazyLock::new(|| {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    // In the order POSIX reads them.
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set);
    locale.is_some_and(|locale| locale.starts_with("fr"))
});

/// What a code means, in the reader's language.
pub fn told(entry: &Entry) -> &Text {
    if *FRENCH { &entry.fr } else { &entry.en }
}
