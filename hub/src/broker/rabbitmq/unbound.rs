//! Bindings taken away behind the hub's back. AMQP lists none: only the management API tells, where the hub knows it.
//!
//! Those who were bound when the last session opened enter; whoever is not any more leaves. What was published meanwhile never reached
//! their queues, so they are treated as if these were lost: bound again, and shown everybody.

use std::collections::BTreeSet;
use std::time::Duration;

use compact_str::CompactString;
use hub_core::code::Code;
use tracing::{error, warn};

use super::management::{Binding, Management};
use super::profiles::Reader;

/// How long the management API may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Those who lack a binding. Where nobody answers nothing is known, and everybody taken to be bound.
pub(super) async fn unbound(api: &Management, readers: &[Reader]) -> BTreeSet<CompactString> {
    let found = match tokio::time::timeout(ANSWER, api.bindings("dlnuf.profil.")).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            warn!(%error, "the broker's management API does not tell bindings: one taken away is not seen");
            return BTreeSet::new();
        }
        Err(_) => {
            warn!("the broker's management API is slow: a binding taken away is not seen");
            return BTreeSet::new();
        }
    };
    let lacking = readers.iter().filter(|reader| lacks(reader, &found));
    let lacking: BTreeSet<CompactString> = lacking.map(|reader| reader.name.clone()).collect();
    for name in &lacking {
        error!(code = %Code::BindingLost, subscriber = name.as_str(),
            "a binding of a subscriber's queue was taken away: it is made again, and the subscriber shown everybody");
    }
    lacking
}

/// Whether a reader is bound by fewer keys than it is to be.
fn lacks(reader: &Reader, found: &[Binding]) -> bool {
    let (exchange, queue) = (reader.exchange(), reader.queue());
    let bound = |key: &String| {
        found.iter().any(|binding| {
            binding.source == exchange && binding.destination == queue && binding.routing_key == *key
        })
    };
    !reader.keys.iter().all(bound)
}
