//! Queues that are there and take nothing, as one without a leader after its broker was killed: which they are, and whether they take again.
//!
//! A wave that was not confirmed in time enters; the readers of it whose queue does not take even one message of theirs are kept, with
//! that message, and tried again by it. It is one the reader may have got already, with the same identifier: a repeat harms nobody. A queue
//! that stays silent is deleted: all it held can be shown again, and nothing else would mend it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use compact_str::CompactString;
use hub_core::broker::{Address, Message};
use hub_core::code::Code;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeleteOptions};
use lapin::{BasicProperties, Confirmation, Connection};
use tokio::time::{Instant, timeout};
use tracing::{error, info, warn};

use super::profiles::Reader;

/// How long a queue may take for one message.
const ANSWER: Duration = Duration::from_secs(5);
/// How long an answer may lie unread after that.
const STOOD_STILL: Duration = Duration::from_secs(1);
/// How long a queue may stay silent before it is made anew: longer than a leader's election.
const MENDED_AFTER: Duration = Duration::from_secs(30);

/// Queues that take nothing, by subscriber.
#[derive(Clone, Default)]
pub(super) struct Silent(Arc<Mutex<BTreeMap<CompactString, Held>>>);

#[derive(Clone)]
struct Held {
    message: Message,
    since: Instant,
}

impl Silent {
    /// Finds who of those a wave was for does not take a message of it.
    pub(super) async fn look_for(&self, connection: &Connection, readers: &[Reader], wave: &[Message]) {
        for reader in readers {
            let Some(message) = wave.iter().find(|message| is_for(reader, message)) else { continue };
            if takes(connection, &reader.queue(), message).await == Some(false) {
                error!(code = %Code::QueueSilent, queue = reader.queue(),
                    "a subscriber's queue takes nothing: it is set aside, others do not wait");
                let held = Held { message: message.clone(), since: Instant::now() };
                self.kept().entry(reader.name.clone()).or_insert(held);
            }
        }
    }

    /// Whether a reader's queue took nothing, and still does.
    pub(super) async fn lasts(&self, connection: &Connection, reader: &Reader) -> bool {
        let held = self.kept().get(&reader.name).cloned();
        let Some(Held { message, since }) = held else { return false };
        // What it may no longer be told is no message to try with.
        if !is_for(reader, &message) || takes(connection, &reader.queue(), &message).await == Some(true) {
            info!(queue = reader.queue(), "a subscriber's queue takes messages again");
            self.kept().remove(&reader.name);
            return false;
        }
        if since.elapsed() < MENDED_AFTER || !delete(connection, &reader.queue()).await {
            return true;
        }
        warn!(code = %Code::QueueSilent, queue = reader.queue(),
            "a subscriber's queue that took nothing was deleted: it is made anew, and the subscriber shown everybody");
        self.kept().remove(&reader.name);
        false
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<CompactString, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a message reaches a reader.
fn is_for(reader: &Reader, message: &Message) -> bool {
    match &message.to {
        Address::Journal => false,
        Address::Subscriber(name) => *name == reader.name,
        Address::Profile(profile) => {
            *profile == reader.profile && reader.keys.iter().any(|key| matches(key, &message.routing_key))
        }
    }
}

/// Whether a routing key is one a queue is bound by, word by word.
fn matches(bound: &str, key: &str) -> bool {
    let (bound, key): (Vec<&str>, Vec<&str>) = (bound.split('.').collect(), key.split('.').collect());
    bound.len() == key.len() && bound.iter().zip(key).all(|(bound, word)| *bound == "*" || *bound == word)
}

/// Whether a queue takes a message; nothing where the connection broke, which says nothing of the queue.
async fn takes(connection: &Connection, queue: &str, message: &Message) -> Option<bool> {
    let mut published = std::pin::pin!(async {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let properties = BasicProperties::default()
            .with_message_id(message.id.to_string().into())
            .with_content_type("application/cloudevents+json".into())
            .with_delivery_mode(2)
            .with_app_id("dlnuf".into());
        let sent =
            channel.basic_publish("".into(), queue.into(), options, message.json.as_bytes(), properties);
        sent.await?.await
    });
    let answered = match timeout(ANSWER, &mut published).await {
        // Of a hub that stood still meanwhile the time is over, and the answer may be there to read.
        Err(_) => timeout(STOOD_STILL, published).await,
        answered => answered,
    };
    match answered {
        // A queue that is not there is another matter: it is made when a session opens.
        Ok(Ok(Confirmation::Ack(_))) => Some(true),
        Ok(Ok(_)) | Err(_) => Some(false),
        Ok(Err(_)) => None,
    }
}

async fn delete(connection: &Connection, queue: &str) -> bool {
    let deleted = async {
        let channel = connection.create_channel().await?;
        channel.queue_delete(queue.into(), QueueDeleteOptions::default()).await
    };
    matches!(timeout(ANSWER * 2, deleted).await, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_is_matched_word_by_word() {
        for (bound, key, fits) in [
            ("*.*.*", "droit.ouvert.52", true),
            ("droit.*.52", "droit.ouvert.52", true),
            ("droit.*.52", "droit.ouvert.51", false),
            ("personne.sortie.52", "personne.sortie.52", true),
            ("*.*.52", "personne.sortie", false),
        ] {
            assert_eq!(super::matches(bound, key), fits, "{bound} {key}");
        }
    }
}
