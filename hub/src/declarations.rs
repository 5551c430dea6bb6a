//! Who subscribes to what, as the files say now: read at the start, read again when they change.
//!
//! A folder enters; what it declares leaves, for all who tell, publish or answer. Files that come to hold mistakes change nothing: what was
//! declared before holds until they are mended, and the log says so once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hub_core::canonical::Canon;
use hub_core::code::Code;
use hub_core::subscription::Declared;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::clock::today;
use crate::settings::Settings;
use crate::subscriptions::{SubscriptionFiles, SubscriptionsError};

/// How often it is looked whether files have changed.
const LOOK: Duration = Duration::from_secs(2);

/// What is declared.
pub struct Declarations {
    folder: PathBuf,
    named: bool,
    canon: Arc<Canon>,
    files: SubscriptionFiles,
    current: watch::Sender<Arc<Declared>>,
}

impl Declarations {
    /// Reads the folder the settings name.
    ///
    /// # Errors
    /// When it cannot be read, or holds mistakes other than what has expired.
    pub fn read(settings: &Settings, canon: &Arc<Canon>) -> anyhow::Result<Self> {
        let files = SubscriptionFiles::of(settings)?;
        let declared = sound(&files, canon)
            .map_err(|mistake| anyhow::anyhow!("{mistake}; `dlnuf subscriber lint` shows every mistake"))?;
        Ok(Self::of(settings, (canon, files), declared))
    }

    /// Reads the folder the settings name; subscriptions with mistakes are left out.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_sound(settings: &Settings, canon: &Arc<Canon>) -> anyhow::Result<Self> {
        let files = SubscriptionFiles::of(settings)?;
        let (declared, mistakes) = files.check(canon, today());
        if !mistakes.is_empty() {
            warn!(
                mistakes = mistakes.len(),
                "subscriptions with mistakes are told nothing: dlnuf subscriber lint"
            );
        }
        Ok(Self::of(settings, (canon, files), declared))
    }

    fn of(settings: &Settings, (canon, files): (&Arc<Canon>, SubscriptionFiles), declared: Declared) -> Self {
        Self {
            folder: settings.subscriptions_folder(),
            named: settings.subscriptions.is_some(),
            canon: Arc::clone(canon),
            files,
            current: watch::Sender::new(Arc::new(declared)),
        }
    }

    /// What is declared now.
    pub fn current(&self) -> Arc<Declared> {
        Arc::clone(&self.current.borrow())
    }

    /// Reads the files again whenever they change, for ever.
    pub async fn follow(&self) {
        let (mut known, mut told) = (self.files.clone(), None);
        loop {
            tokio::time::sleep(LOOK).await;
            let (folder, named) = (self.folder.clone(), self.named);
            let read = tokio::task::spawn_blocking(move || SubscriptionFiles::folder(&folder, named)).await;
            match read {
                Ok(Ok(files)) if files == known => {}
                Ok(Ok(files)) => {
                    self.take(&files);
                    (known, told) = (files, None);
                }
                Ok(Err(error)) => cannot_read(&error, &mut told),
                Err(_) => {}
            }
        }
    }

    fn take(&self, files: &SubscriptionFiles) {
        match sound(files, &self.canon) {
            Ok(declared) => {
                info!(
                    subscriptions = declared.subscriptions.len(),
                    "the files of subscriptions have changed: what they declare holds now"
                );
                self.current.send_replace(Arc::new(declared));
            }
            Err(mistake) => {
                error!(code = %mistake.code, file = mistake.file,
                    "the files of subscriptions have changed and hold mistakes: what was declared before still holds; see `dlnuf subscriber lint`");
            }
        }
    }
}

/// Says once that files cannot be read.
fn cannot_read(cause: &SubscriptionsError, told: &mut Option<String>) {
    let said = cause.to_string();
    if told.as_ref() != Some(&said) {
        error!(error = %cause, "the files of subscriptions cannot be read: what was declared before still holds");
        *told = Some(said);
    }
}

/// A mistake by its code and place.
struct First {
    code: Code,
    file: String,
    text: String,
}

impl std::fmt::Display for First {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.text)
    }
}

/// What files declare, or the first mistake in them; who has expired is told nothing, and that is no reason to tell nobody.
fn sound(files: &SubscriptionFiles, canon: &Canon) -> Result<Declared, First> {
    let (declared, mistakes) = files.check(canon, today());
    for mistake in &mistakes {
        let (code, file) = (mistake.diagnostic.code, mistake.file.clone());
        if code != Code::SubscriptionExpired {
            return Err(First { code, file, text: mistake.to_string() });
        }
        warn!(%code, file, "a subscription has expired: it is told nothing");
    }
    Ok(declared)
}
