//! The drivers that tell each profile somebody subscribes to what the journal holds.
//!
//! Declared subscriptions enter; what profiles are told is in the store. Whoever expires is told nothing from that day on.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hub_core::canonical::Canon;
use hub_core::clock::Clock;
use hub_core::store::{Store, StoreError};
use hub_core::subscription::{Followed, Glance, Herald, Pseudonyms, Reach};
use tracing::{info, warn};

use crate::clock::today;
use crate::declarations::Declarations;

/// How often the journal is looked at.
const IDLE: Duration = Duration::from_millis(200);
/// How long the store is left alone when it fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// The drivers.
pub struct Heralds {
    /// Where the journal is, and what profiles were told.
    pub store: Arc<dyn Store>,
    /// The canonical record.
    pub canon: Arc<Canon>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What persons are called.
    pub pseudonyms: Pseudonyms,
    /// Who subscribes to what.
    pub declarations: Arc<Declarations>,
    /// What was last read for one of them.
    pub glance: Arc<Glance>,
}

impl Heralds {
    /// Tells profiles what comes, for ever.
    pub async fn run(&self) {
        loop {
            let wait = match self.tell_all().await {
                Ok(0) => IDLE,
                Ok(events) => {
                    info!(events, "told to profiles");
                    IDLE
                }
                Err(error) => {
                    warn!(code = %error.code(), %error, "profiles are not told now, will try again");
                    PATIENCE
                }
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Tells every profile all there is now; how many events that was.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tell_all(&self) -> Result<u64, StoreError> {
        let (declared, reach) = (self.declarations.current(), Reach::now(self.store.as_ref()).await?);
        let told = declared.told(today(), |own| reach.holds(own));
        let heralds: Vec<Herald> = told.into_iter().map(|followed| self.herald(followed)).collect();
        let (mut going, mut events): (Vec<&Herald>, u64) = (heralds.iter().collect(), 0);
        // Page by page, all of them at once: what is read for one serves the others, and one is told while another is written.
        while !going.is_empty() {
            let mut further = Vec::with_capacity(going.len());
            let advances = join_all(going.iter().map(|herald| herald.advance())).await;
            for (herald, advance) in going.into_iter().zip(advances) {
                match advance {
                    Ok(advance) if advance.idle => {}
                    Ok(advance) => {
                        events += advance.events;
                        further.push(herald);
                    }
                    // Another hub tells this profile.
                    Err(StoreError::Conflict) => {}
                    Err(error) => return Err(error),
                }
            }
            going = further;
        }
        Ok(events)
    }

    fn herald(&self, followed: Followed<'_>) -> Herald {
        let (canon, clock) = (Arc::clone(&self.canon), Arc::clone(&self.clock));
        let naming = (self.pseudonyms.clone(), Arc::clone(&self.glance));
        Herald::new(Arc::clone(&self.store), (canon, clock), naming, followed)
    }
}
