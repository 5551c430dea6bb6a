//! The folder of subscriptions: profiles in `profils/`, beside them a file for each tool.
//!
//! Files enter; what they declare leaves, or every mistake with its place. A hub without the folder has no subscriber.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hub_core::canonical::Canon;
use hub_core::code::Code;
use hub_core::mapping::Diagnostic;
use hub_core::subscription::{Declared, Mistaken, check};
use jiff::civil::Date;

use crate::mappings::Mistake;

/// The folder, relative to it, that holds the profiles.
const PROFILES: &str = "profils";

/// The texts of a folder of subscriptions, by path.
#[derive(Debug, Clone, Default)]
pub struct SubscriptionFiles {
    files: BTreeMap<String, Vec<u8>>,
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionsError {
    /// It cannot be read.
    #[error("the subscriptions in `{folder}` cannot be read")]
    Folder {
        /// The folder, or a file in it.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl SubscriptionFiles {
    /// Reads a folder; nothing when it is not there.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn folder(folder: &Path) -> Result<Self, SubscriptionsError> {
        let mut files = BTreeMap::new();
        for (within, prefix) in
            [(folder.to_owned(), String::new()), (folder.join(PROFILES), format!("{PROFILES}/"))]
        {
            for path in yaml_in(&within)? {
                let failed = |source| SubscriptionsError::Folder { folder: path.clone(), source };
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                let bytes = std::fs::read(&path).map_err(failed)?;
                files.insert(format!("{prefix}{}", name.unwrap_or_default()), bytes);
            }
        }
        Ok(Self { files })
    }

    /// What they declare on a day, and every mistake in them.
    pub fn check(&self, canon: &Canon, today: Date) -> (Declared, Vec<Mistake>) {
        let (mut texts, mut mistakes) = (Vec::new(), Vec::new());
        for (file, bytes) in &self.files {
            match std::str::from_utf8(bytes) {
                Ok(text) => texts.push((file.clone(), text.to_owned())),
                Err(_) => mistakes.push(Mistake {
                    file: file.clone(),
                    text: String::new(),
                    diagnostic: Diagnostic::new(
                        Code::SubscriptionSyntax,
                        0..0,
                        "expected UTF-8, found other bytes: save it as UTF-8",
                    ),
                }),
            }
        }
        let (declared, found) = check(canon, &texts, today);
        let text = |file: &str| texts.iter().find(|(name, _)| name == file).map(|(_, text)| text.clone());
        mistakes.extend(found.into_iter().map(|Mistaken { file, diagnostic }| Mistake {
            text: text(&file).unwrap_or_default(),
            file,
            diagnostic,
        }));
        (declared, mistakes)
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        self.files.len()
    }
}

/// The YAML files of a folder, in order; none when it is not there.
fn yaml_in(folder: &Path) -> Result<Vec<PathBuf>, SubscriptionsError> {
    let failed = |source| SubscriptionsError::Folder { folder: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
