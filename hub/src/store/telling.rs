//! One step of a profile as both backends write it: sealed, in columns. And what they read of it.

use hub_core::delivery::PersonId;
use hub_core::store::StoreError;
use hub_core::subscription::{Addressed, Following, Standing, Telling, Told, ToldEvent};
use sqlx::FromRow;
use uuid::Uuid;

use super::codec::{Codec, Row};

/// A step, ready to be written.
pub(super) struct TellingWrite {
    pub profile: String,
    /// `None` for a profile told for the first time.
    pub before: Option<String>,
    pub after: String,
    pub told: Vec<ToldWrite>,
    pub events: Vec<ToldEventWrite>,
}

pub(super) struct ToldWrite {
    pub person: Uuid,
    pub version: i64,
    pub declared: i64,
    pub sequence: i64,
    pub seen_in: Option<String>,
}

pub(super) struct ToldEventWrite {
    pub subscriber: Option<String>,
    pub person: Uuid,
    pub subject: Uuid,
    pub id: Uuid,
    pub sequence: i64,
    pub routing_key: String,
    pub payload: Vec<u8>,
    pub queued: bool,
}

impl TellingWrite {
    pub fn new(codec: &Codec, telling: &Telling) -> Self {
        let told = telling.told.iter().map(|(person, told)| ToldWrite {
            person: person.0,
            version: told.version.cast_signed(),
            declared: told.declared.into(),
            sequence: told.standing.sequence.cast_signed(),
            seen_in: told.standing.seen_in.as_ref().map(ToString::to_string),
        });
        let events = telling.events.iter().map(|addressed| {
            let event = &addressed.event;
            ToldEventWrite {
                subscriber: addressed.to.as_ref().map(ToString::to_string),
                person: addressed.person.0,
                subject: event.person.0,
                id: event.id,
                sequence: event.sequence.cast_signed(),
                routing_key: event.routing_key.clone(),
                payload: codec.seal_text(Row::Told(event.id), event.json.as_bytes()),
                queued: addressed.queued,
            }
        });
        Self {
            profile: telling.profile.to_string(),
            before: telling.before.as_ref().map(place),
            after: place(&telling.after),
            told: told.collect(),
            events: events.collect(),
        }
    }
}

/// Where a profile stands, as it is kept and compared.
fn place(following: &Following) -> String {
    serde_json::to_string(following).expect("texts and numbers are plain JSON")
}

/// Reads where a profile stands.
pub(super) fn following(place: &str) -> Result<Following, StoreError> {
    serde_json::from_str(place).map_err(|_| StoreError::Unreadable { context: "where a profile stands" })
}

#[derive(FromRow)]
pub(super) struct ToldRow {
    pub person_id: Uuid,
    pub version: i64,
    pub declared: i64,
    pub sequence: i64,
    pub seen_in: Option<String>,
}

impl From<ToldRow> for (PersonId, Told) {
    fn from(row: ToldRow) -> Self {
        let seen_in = row.seen_in.map(Into::into);
        let standing = Standing { sequence: row.sequence.cast_unsigned(), seen_in };
        let declared = u32::try_from(row.declared).unwrap_or(u32::MAX);
        (PersonId(row.person_id), Told { version: row.version.cast_unsigned(), declared, standing })
    }
}

/// An event as it is read once written.
pub(super) fn told_event(profile: &str, Addressed { to, event, .. }: &Addressed, position: u64) -> ToldEvent {
    ToldEvent {
        position,
        profile: profile.into(),
        to: to.clone(),
        subject: event.person,
        id: event.id,
        routing_key: event.routing_key.clone(),
        json: event.json.clone(),
    }
}

#[derive(FromRow)]
pub(super) struct ToldEventRow {
    pub position: i64,
    pub profile: String,
    pub subscriber: Option<String>,
    pub subject: Uuid,
    pub id: Uuid,
    pub routing_key: String,
    pub payload: Vec<u8>,
}

impl ToldEventRow {
    pub fn read(self, codec: &Codec) -> Result<ToldEvent, StoreError> {
        let context = "an event told";
        let json = String::from_utf8(codec.open_text(Row::Told(self.id), &self.payload, context)?);
        Ok(ToldEvent {
            position: self.position.cast_unsigned(),
            profile: self.profile.into(),
            to: self.subscriber.map(Into::into),
            subject: PersonId(self.subject),
            id: self.id,
            routing_key: self.routing_key,
            json: json.map_err(|_| StoreError::Unreadable { context })?,
        })
    }
}
