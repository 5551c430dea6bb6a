//! Who subscribes to what, as the files say now: read at the start, read again when they change.
//!
//! A folder enters; what it declares leaves, for all who tell, publish or answer. A file that comes to hold a mistake counts as it was
//! before until it is mended, and the log says so; what the others say, and that one is gone, holds at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hub_core::canonical::Canon;
use hub_core::code::Code;
use hub_core::subscription::Declared;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::clock::today;
use crate::mappings::Mistake;
use crate::settings::Settings;
use crate::subscriptions::{SubscriptionFiles, SubscriptionsError, is_profile};

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
        let (mut known, mut holding, mut told) = (self.files.clone(), self.files.clone(), None);
        loop {
            tokio::time::sleep(LOOK).await;
            let (folder, named) = (self.folder.clone(), self.named);
            let read = tokio::task::spawn_blocking(move || SubscriptionFiles::folder(&folder, named)).await;
            match read {
                Ok(Ok(files)) if files == known => {}
                Ok(Ok(files)) => {
                    holding = self.take(&files, &holding);
                    (known, told) = (files, None);
                }
                Ok(Err(error)) => cannot_read(&error, &mut told),
                Err(_) => {}
            }
        }
    }

    /// Takes files in; returns them with those that hold mistakes as they were before. What no longer fits what else is declared is left
    /// out: whoever it is about is told nothing, rather than what was taken back.
    fn take(&self, files: &SubscriptionFiles, before: &SubscriptionFiles) -> SubscriptionFiles {
        let mut holding = files.clone();
        // Profiles first: a subscription that only lacks its profile holds as it is now, once that one is back.
        for profiles in [true, false] {
            let (_, found) = holding.check(&self.canon, today());
            let broken = found.into_iter().filter(|mistake| {
                mistake.diagnostic.code != Code::SubscriptionExpired && is_profile(&mistake.file) == profiles
            });
            for Mistake { file, diagnostic, .. } in broken {
                error!(code = %diagnostic.code, file,
                    "a file of subscriptions has come to hold a mistake: what it said before still holds; see `dlnuf subscriber lint`");
                holding.put_back(&file, before);
            }
        }
        let (declared, left) = holding.check(&self.canon, today());
        for Mistake { file, diagnostic, .. } in mistakes(left) {
            error!(code = %diagnostic.code, file,
                "a subscription does not fit what else is declared now: it is told nothing; see `dlnuf subscriber lint`");
        }
        info!(
            subscriptions = declared.subscriptions.len(),
            "the files of subscriptions have changed: what they declare holds now"
        );
        self.current.send_replace(Arc::new(declared));
        holding
    }
}

/// Those that are no matter of time: who has expired is told nothing, and that is no reason to tell nobody.
fn mistakes(found: Vec<Mistake>) -> impl Iterator<Item = Mistake> {
    let (expired, mistakes): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|mistake| mistake.diagnostic.code == Code::SubscriptionExpired);
    for Mistake { file, diagnostic, .. } in expired {
        warn!(code = %diagnostic.code, file, "a subscription has expired: it is told nothing");
    }
    mistakes.into_iter()
}

/// Says once that files cannot be read.
fn cannot_read(cause: &SubscriptionsError, told: &mut Option<String>) {
    let said = cause.to_string();
    if told.as_ref() != Some(&said) {
        error!(error = %cause, "the files of subscriptions cannot be read: what was declared before still holds");
        *told = Some(said);
    }
}

/// What files declare, or the first mistake in them.
fn sound(files: &SubscriptionFiles, canon: &Canon) -> Result<Declared, String> {
    let (declared, found) = files.check(canon, today());
    mistakes(found).next().map_or(Ok(declared), |mistake| Err(mistake.to_string()))
}
