//! Whether a bucket can be worked with: it is listed, objects that wait are asked about, and what becomes of those taken in is tried.
//!
//! An open bucket enters; what waits leaves in a few words, or every right that lacks. Nothing is left there.

use hub_core::code::Code;
use hub_core::transport::{Offer, TransportError};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};

use super::{After, Bucket, failure, key};

/// An object made to see whether one can be; it is no extract.
const TRIAL: &str = "dlnuf-essai.part";
/// Objects that are asked about: each takes its time.
const MOST_ASKED: usize = 20;

impl Bucket {
    /// Tries all that a look and what follows it need.
    pub(super) async fn tried(&self) -> Result<String, TransportError> {
        let listed = self.list().await?;
        let mut lacking = Vec::new();
        lacking.extend(self.unreadable(&listed.offers).await?);
        if let Some(under) = &self.moved_to {
            let put = self.store.put(&trial(under), PutPayload::from_static(b"")).await;
            let put = put.map_err(|error| failure("putting an object", &error));
            lacking.extend(refused(put, &format!("nothing can be put under `{under}`"))?);
            // Where things are only put, it stays: it is never offered.
            let _ = self.store.delete(&trial(under)).await;
        }
        if self.after != After::Keep {
            // Deleting what is not there is done when it is allowed.
            lacking.extend(self.undeletable(&self.prefix).await?);
        }
        if lacking.is_empty() {
            return Ok(format!("it answers; {}", listed.told("objects", &self.place)));
        }
        Err(TransportError::new(Code::PlaceRefused, lacking.join("; ")))
    }

    /// The objects that may not be read: asking about one takes the same right.
    async fn unreadable(&self, offers: &[Offer]) -> Result<Option<String>, TransportError> {
        let (mut count, mut first) = (0, None);
        for offer in offers.iter().take(MOST_ASKED) {
            match self.now(&key(offer)?).await {
                Err(error) if error.code == Code::PlaceRefused => {
                    count += 1;
                    first.get_or_insert(offer.name.as_str());
                }
                found => drop(found?),
            }
        }
        let all = offers.len();
        Ok(first.map(|first| format!("{count} of {all} objects that wait may not be read, first `{first}`")))
    }

    async fn undeletable(&self, under: &Path) -> Result<Option<String>, TransportError> {
        let deleted = match self.store.delete(&trial(under)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            deleted => deleted.map_err(|error| failure("deleting an object", &error)),
        };
        refused(deleted, &format!("nothing can be deleted under `{under}`"))
    }
}

fn trial(under: &Path) -> Path {
    under.clone().join(TRIAL)
}

/// What a refusal means; any other failure stays one.
fn refused<T>(done: Result<T, TransportError>, means: &str) -> Result<Option<String>, TransportError> {
    match done {
        Err(error) if error.code == Code::PlaceRefused => Ok(Some(means.to_owned())),
        done => done.map(|_| None),
    }
}
