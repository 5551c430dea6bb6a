//! The shape of an event as it is written: CloudEvents 1.0, structured JSON. Data enters, one text leaves.

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::{Event, Manner, Occasion};
use crate::canonical::{Canon, Classification, Shown, Value};
use crate::delivery::PersonId;
use crate::diff::Change;
use crate::statement::Origin;

/// The `CloudEvent` as it is written (CloudEvents 1.0, structured mode).
#[derive(Serialize)]
struct CloudEvent<D> {
    specversion: &'static str,
    id: Uuid,
    source: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: PersonId,
    time: Timestamp,
    sequence: String,
    datacontenttype: &'static str,
    dataschema: &'static str,
    data: D,
}

#[derive(Serialize)]
pub(super) struct Data<'a> {
    pub personne: Personne,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fusionnee_dans: Option<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scindee_en: Option<PersonId>,
    /// The snapshot a reading is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instantane: Option<Uuid>,
    /// Of every change that does not bear its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<Provenance<'a>>,
    pub changements: Vec<Changement<'a>>,
}

/// Where something was stated: whole, or who and since when alone.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Provenance<'a> {
    Whole(&'a Origin),
    Brief { source: &'a str, valide_le: &'a str },
}

impl<'a> Provenance<'a> {
    pub fn of(origin: &'a Origin, manner: Manner) -> Self {
        match manner {
            Manner::Journal => Self::Whole(origin),
            Manner::Scoped => Self::Brief { source: &origin.source, valide_le: &origin.valid_at },
        }
    }
}

#[derive(Serialize)]
pub(super) struct Personne {
    pub id: PersonId,
}

/// A first load, told once.
#[derive(Serialize)]
pub(super) struct Load<'a> {
    pub chargement: Chargement,
    pub provenance: &'a Origin,
}

#[derive(Serialize)]
pub(super) struct Chargement {
    pub personnes: u64,
}

/// The end of a snapshot.
#[derive(Serialize)]
pub(super) struct Ended<'a> {
    pub instantane: Instantane<'a>,
}

#[derive(Serialize)]
pub(super) struct Instantane<'a> {
    pub id: Uuid,
    pub abonne: &'a str,
    pub personnes: u64,
}

#[derive(Serialize)]
pub(super) struct Changement<'a> {
    champ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    valeur_retenue: Option<bool>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    valeurs: Option<Valeurs<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provenance: Option<Provenance<'a>>,
}

#[derive(Serialize)]
struct Valeurs<'a> {
    avant: Option<Shown<'a>>,
    apres: Option<Shown<'a>>,
}

pub(super) fn render(
    occasion: Occasion<'_>,
    sequence: u64,
    kind: &'static str,
    data: impl Serialize,
) -> Event {
    let id = event_id(occasion.person, sequence);
    written((id, kind), occasion, sequence, data)
}

/// A reading bears the sequence its person stands at, and an identifier of its own: an event of that sequence is another thing.
pub(super) fn reading(
    occasion: Occasion<'_>,
    (of, kind): (Uuid, &'static str),
    data: impl Serialize,
) -> Event {
    let mut hasher = blake3::Hasher::new_derive_key("dlnuf 2026 reading id");
    hasher.update(occasion.person.0.as_bytes());
    hasher.update(of.as_bytes());
    hasher.update(kind.as_bytes());
    written((identifier(&hasher), kind), occasion, occasion.last_sequence, data)
}

fn written(
    (id, kind): (Uuid, &'static str),
    occasion: Occasion<'_>,
    sequence: u64,
    data: impl Serialize,
) -> Event {
    let json = write(id, kind, occasion.person, (occasion.at, sequence), data);
    let words: Vec<&str> = kind.split('.').skip(2).collect();
    let routing_key = format!("{}.{}", words.join("."), occasion.departement);
    Event { id, person: occasion.person, sequence, kind, routing_key, json }
}

pub(super) fn write(
    id: Uuid,
    kind: &'static str,
    subject: PersonId,
    (time, sequence): (Timestamp, u64),
    data: impl Serialize,
) -> String {
    serde_json::to_string(&CloudEvent {
        specversion: "1.0",
        id,
        source: "/dlnuf",
        kind,
        subject,
        time,
        sequence: format!("{sequence:010}"),
        datacontenttype: "application/json",
        dataschema: "https://dlnuf.fr/schemas/evenement/v1.json",
        data,
    })
    .expect("texts, numbers and lists are always writable")
}

pub(super) fn changement<'a>(
    canon: &'a Canon,
    change: &Change<'a>,
    (common, manner): (&Origin, Manner),
) -> Changement<'a> {
    let field = canon.field(change.field);
    let reserved = field.classification == Classification::Sensitive || field.path == "identite.nir";
    let withheld = reserved && manner == Manner::Journal;
    let shown = |value: Option<&'a Value>| value.map(|value| value.shown(canon));
    Changement {
        champ: &field.path,
        valeur_retenue: withheld.then_some(true),
        valeurs: (!withheld).then(|| Valeurs { avant: shown(change.before), apres: shown(change.after) }),
        provenance: (change.origin != common).then(|| Provenance::of(change.origin, manner)),
    }
}

/// The identifier of a person's event: the same person and sequence always give the same.
fn event_id(person: PersonId, sequence: u64) -> Uuid {
    let mut hasher = blake3::Hasher::new_derive_key("dlnuf 2026 event id");
    hasher.update(person.0.as_bytes());
    hasher.update(&sequence.to_le_bytes());
    identifier(&hasher)
}

fn identifier(hasher: &blake3::Hasher) -> Uuid {
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Uuid::new_v8(bytes)
}
