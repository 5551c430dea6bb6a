//! The folder of subscriptions: profiles in `profils/`, beside them a file for each tool.
//!
//! Files enter; what they declare leaves, or every mistake with its place. A hub without the folder has no subscriber.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use hub_core::canonical::Canon;
use hub_core::code::Code;
use hub_core::mapping::Diagnostic;
use hub_core::subscription::{Declared, Mistaken, check};
use jiff::civil::Date;

use crate::mappings::Mistake;
use crate::settings::Settings;

/// The folder, relative to it, that holds the profiles.
const PROFILES: &str = "profils";

/// A file at most this large, in bytes.
pub const LARGEST: usize = 64 << 10;

/// The texts of a folder of subscriptions, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// Reads the folder the settings name.
    ///
    /// # Errors
    /// When it cannot be read; only the usual one may be missing.
    pub fn of(settings: &Settings) -> Result<Self, SubscriptionsError> {
        Self::folder(&settings.subscriptions_folder(), settings.subscriptions.is_some())
    }

    /// Reads a folder; nothing when it is not there, unless it was named.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn folder(folder: &Path, named: bool) -> Result<Self, SubscriptionsError> {
        let mut files = BTreeMap::new();
        if named {
            let failed = |source| SubscriptionsError::Folder { folder: folder.to_owned(), source };
            std::fs::metadata(folder).map_err(failed)?;
        }
        for (within, prefix) in
            [(folder.to_owned(), String::new()), (folder.join(PROFILES), format!("{PROFILES}/"))]
        {
            for path in yaml_in(&within)? {
                let failed = |source| SubscriptionsError::Folder { folder: path.clone(), source };
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                let bytes = read(&path).map_err(failed)?;
                files.insert(format!("{prefix}{}", name.unwrap_or_default()), bytes);
            }
        }
        Ok(Self { files })
    }

    /// What they declare on a day, and every mistake in them.
    pub fn check(&self, canon: &Canon, today: Date) -> (Declared, Vec<Mistake>) {
        let (mut texts, mut mistakes) = (Vec::new(), Vec::new());
        for (file, bytes) in &self.files {
            if Path::new(file).extension().is_some_and(|extension| extension == "yml") {
                let expected =
                    "expected a file that ends in `.yaml`, found `.yml`: it would not be found by its name";
                let diagnostic = Diagnostic::new(Code::SubscriptionSyntax, 0..0, expected);
                mistakes.push(Mistake { file: file.clone(), text: String::new(), diagnostic });
                continue;
            }
            match text_of(bytes) {
                Ok(text) => texts.push((file.clone(), text.to_owned())),
                Err(expected) => mistakes.push(Mistake {
                    file: file.clone(),
                    text: String::new(),
                    diagnostic: Diagnostic::new(Code::SubscriptionSyntax, 0..0, expected),
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

    /// Puts a file among them, or in the place of one; true when it is new.
    pub fn put(&mut self, name: &str, bytes: Vec<u8>) -> bool {
        self.files.insert(name.to_owned(), bytes).is_none()
    }

    /// Has a file as it was among others, or not at all where it was not there.
    pub fn put_back(&mut self, name: &str, before: &Self) {
        match before.files.get(name) {
            Some(bytes) => self.files.insert(name.to_owned(), bytes.clone()),
            None => self.files.remove(name),
        };
    }

    /// How many files there are.
    pub fn count(&self) -> usize {
        self.files.len()
    }
}

/// Whether a file, by its path in the folder, is that of a profile.
pub fn is_profile(file: &str) -> bool {
    Path::new(file).starts_with(PROFILES)
}

/// Reads a file, of one that is too large only as much as shows it.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text_of(bytes: &[u8]) -> Result<&str, String> {
    if bytes.len() > LARGEST {
        return Err(format!("expected a file of at most {LARGEST} bytes, found more"));
    }
    std::str::from_utf8(bytes).map_err(|_| "expected UTF-8, found other bytes: save it as UTF-8".to_owned())
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
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
            && path.is_file()
        {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
