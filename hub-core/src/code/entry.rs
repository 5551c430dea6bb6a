//! What a code means, in words: the entries of `catalogue.yaml`.
//!
//! The text built in enters, a title, a cause and a remedy in French and English leave for each code.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// What one code means.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What it concerns: delivery, record, value, warning, mapping, run, broker or config.
    pub concerns: String,
    /// In French.
    pub fr: Text,
    /// In English.
    pub en: Text,
}

impl Entry {
    pub(super) const fn blank() -> Self {
        Self { concerns: String::new(), fr: Text::blank(), en: Text::blank() }
    }
}

/// Title, cause and remedy in one language.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// A few words.
    pub title: String,
    /// Why it happens.
    pub cause: String,
    /// What to do next.
    pub remedy: String,
    /// What the institution that sent the data can do, where that is something else.
    #[serde(default)]
    sender: Option<String>,
}

impl Text {
    const fn blank() -> Self {
        Self { title: String::new(), cause: String::new(), remedy: String::new(), sender: None }
    }

    /// What the institution that sent the data can do.
    pub fn for_sender(&self) -> &str {
        self.sender.as_deref().unwrap_or(&self.remedy)
    }
}

/// The entry of every code, by its number as it is shown.
pub(super) static CATALOGUE: LazyLock<BTreeMap<String, Entry>> =
    LazyLock::new(|| serde_saphyr::from_str(include_str!("catalogue.yaml")).unwrap_or_default());
