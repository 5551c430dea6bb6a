//! Whether a folder there can be worked with: it is listed, each file that waits is opened, and what becomes of files taken in is
//! tried.
//!
//! A session enters; what waits leaves in a few words, or every right that lacks, each by its path. Nothing is left there.

use hub_core::code::Code;
use hub_core::transport::{Offer, TransportError};

use super::session::Session;
use super::{After, Sftp, join};

/// A file made to see whether one can be; no look takes it for an extract.
const TRIAL: &str = ".dlnuf-essai.part";
/// Files that are opened: each takes its time.
const MOST_OPENED: usize = 20;

impl Sftp {
    /// Tries all that a look and what follows it need.
    pub(super) async fn tried(&self, session: &Session) -> Result<String, TransportError> {
        let listed = self.list(session).await?;
        let folder = &self.config.folder;
        let mut lacking = Vec::new();
        lacking.extend(self.unreadable(session, &listed.offers).await?);
        match &self.config.after {
            After::Keep => {}
            After::Delete => lacking.extend(unwritable(session, folder, "files taken in are deleted").await?),
            After::Move(target) => {
                lacking.extend(unwritable(session, folder, "files taken in are moved away").await?);
                lacking.extend(unwritable(session, target, "files taken in are moved there").await?);
            }
        }
        if let Some(receipts) = &self.config.receipts {
            // Some servers take files there and give none back: nothing is tried.
            lacking.extend(missing(session, receipts, "receipts are left there").await?);
        }
        if !lacking.is_empty() {
            return Err(TransportError::new(Code::PlaceRefused, lacking.join("; ")));
        }
        Ok(format!("host key {}; {}", session.host_key(), listed.told("files", folder)))
    }

    /// The files that cannot be opened.
    async fn unreadable(
        &self,
        session: &Session,
        offers: &[Offer],
    ) -> Result<Option<String>, TransportError> {
        let (mut count, mut first) = (0, None);
        for offer in offers.iter().take(MOST_OPENED) {
            match session.may_read(&self.path(&offer.name)?, offer).await {
                Err(error) if error.code == Code::PlaceRefused => {
                    count += 1;
                    first.get_or_insert(offer.name.as_str());
                }
                // It went meanwhile.
                Err(error) if error.code == Code::OfferChanged => {}
                opened => opened?,
            }
        }
        Ok(first.map(|first| {
            format!("{count} of {} files that wait may not be read, first `{first}`", offers.len())
        }))
    }
}

/// Why a folder cannot be changed: a file is made there and taken away.
async fn unwritable(session: &Session, folder: &str, why: &str) -> Result<Option<String>, TransportError> {
    let missing = missing(session, folder, why).await?;
    if missing.is_some() {
        return Ok(missing);
    }
    match session.try_writing(&join(folder, TRIAL)).await {
        Err(error) if error.code == Code::PlaceUnreachable => Err(error),
        Err(_) => Ok(Some(format!("nothing can be made and removed in `{folder}`, though {why}"))),
        Ok(()) => Ok(None),
    }
}

async fn missing(session: &Session, folder: &str, why: &str) -> Result<Option<String>, TransportError> {
    let found = session.look_at(if folder.is_empty() { "." } else { folder }).await?;
    Ok(found.is_none().then(|| format!("there is no folder `{folder}`, though {why}")))
}
