//! Announce: the changes of one person become CloudEvents.
//!
//! Changes enter, at most one event per family leaves, each change in exactly one of them. The identifier is a function of the
//! person and the sequence, so a repeat is recognisable. Sensitive values and the NIR are named but withheld (CASF R. 263-5).

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::canonical::{Canon, Category, Classification, Shown, Value};
use crate::delivery::PersonId;
use crate::diff::Change;
use crate::statement::Origin;

/// An event, rendered and ready to be stored and published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Deterministic identifier.
    pub id: Uuid,
    /// The person concerned.
    pub person: PersonId,
    /// Sequence of the event among this person's, from 1.
    pub sequence: u64,
    /// CloudEvents type.
    pub kind: &'static str,
    /// Routing key, `entity.change.departement`.
    pub routing_key: String,
    /// The `CloudEvent`, structured JSON.
    pub json: String,
}

/// What announcing needs to know besides the changes.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The person.
    pub person: PersonId,
    /// The person was not known before.
    pub created: bool,
    /// Sequence of the person's last event; 0 for none.
    pub last_sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Département of the person, for routing; `00` when not known.
    pub departement: &'a str,
}

/// Renders the events that announce `changes`, in family order.
///
/// # Panics
/// Never: a family is made of changes.
pub fn announce(canon: &Canon, occasion: Occasion<'_>, changes: &[Change<'_>]) -> Vec<Event> {
    let mut families: Vec<(Category, Vec<&Change<'_>>)> = Vec::new();
    for change in changes {
        let family = if occasion.created { Category::Personne } else { canon.field(change.field).category };
        match families.iter_mut().find(|(known, _)| *known == family) {
            Some((_, members)) => members.push(change),
            None => families.push((family, vec![change])),
        }
    }
    families.sort_by_key(|(family, _)| *family);
    (occasion.last_sequence + 1..)
        .zip(families)
        .map(|(sequence, (family, changes))| {
            let kind = kind(canon, family, occasion.created, &changes);
            let origin = changes.first().expect("a family is made of changes").origin;
            let data = Data {
                personne: Personne { id: occasion.person },
                fusionnee_dans: None,
                provenance: origin,
                changements: changes.iter().map(|change| changement(canon, change, origin)).collect(),
            };
            render(occasion, sequence, kind, data)
        })
        .collect()
}

/// Renders the last event of a person found to be another one, `into`; `origin` is the claim that showed it.
pub fn announce_merger(occasion: Occasion<'_>, into: PersonId, origin: &Origin) -> Event {
    let data = Data {
        personne: Personne { id: occasion.person },
        fusionnee_dans: Some(into),
        provenance: origin,
        changements: Vec::new(),
    };
    render(occasion, occasion.last_sequence + 1, "fr.dlnuf.personne.fusionnee", data)
}

fn kind(canon: &Canon, family: Category, created: bool, changes: &[&Change<'_>]) -> &'static str {
    match family {
        Category::Personne if created => "fr.dlnuf.personne.creee",
        Category::Personne => "fr.dlnuf.personne.modifiee",
        Category::Inscription => "fr.dlnuf.inscription.modifiee",
        Category::Orientation => "fr.dlnuf.orientation.modifiee",
        Category::Engagement => "fr.dlnuf.engagement.modifie",
        Category::Droit => {
            let state = canon.find("droits.rsa.etat");
            let after = changes.iter().find(|c| Some(c.field) == state).and_then(|c| c.after);
            match after.and_then(Value::as_text) {
                Some("rsa_droit_ouvert_versable") => "fr.dlnuf.droit.ouvert",
                Some("rsa_droit_ouvert_et_suspendu" | "rsa_droit_ouvert_versement_suspendu") => {
                    "fr.dlnuf.droit.suspendu"
                }
                Some("rsa_clos" | "rsa_clos_anterieur" | "rsa_refuse") => "fr.dlnuf.droit.clos",
                _ => "fr.dlnuf.droit.modifie",
            }
        }
    }
}

/// The `CloudEvent` as it is written (CloudEvents 1.0, structured mode).
#[derive(Serialize)]
struct CloudEvent<'a> {
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
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    personne: Personne,
    #[serde(skip_serializing_if = "Option::is_none")]
    fusionnee_dans: Option<PersonId>,
    /// Of every change that does not bear its own.
    provenance: &'a Origin,
    changements: Vec<Changement<'a>>,
}

#[derive(Serialize)]
struct Personne {
    id: PersonId,
}

#[derive(Serialize)]
struct Changement<'a> {
    champ: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    valeur_retenue: Option<bool>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    valeurs: Option<Valeurs<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provenance: Option<&'a Origin>,
}

#[derive(Serialize)]
struct Valeurs<'a> {
    avant: Option<Shown<'a>>,
    apres: Option<Shown<'a>>,
}

fn render(occasion: Occasion<'_>, sequence: u64, kind: &'static str, data: Data<'_>) -> Event {
    let id = event_id(occasion.person, sequence);
    let json = serde_json::to_string(&CloudEvent {
        specversion: "1.0",
        id,
        source: "/dlnuf",
        kind,
        subject: occasion.person,
        time: occasion.at,
        sequence: format!("{sequence:010}"),
        datacontenttype: "application/json",
        dataschema: "https://dlnuf.fr/schemas/evenement/v1.json",
        data,
    })
    .expect("texts, numbers and lists are always writable");
    let words: Vec<&str> = kind.split('.').skip(2).collect();
    let routing_key = format!("{}.{}", words.join("."), occasion.departement);
    Event { id, person: occasion.person, sequence, kind, routing_key, json }
}

fn changement<'a>(canon: &'a Canon, change: &Change<'a>, common: &Origin) -> Changement<'a> {
    let field = canon.field(change.field);
    let withheld = field.classification == Classification::Sensitive || field.path == "identite.nir";
    let shown = |value: Option<&'a Value>| value.map(|value| value.shown(canon));
    Changement {
        champ: &field.path,
        valeur_retenue: withheld.then_some(true),
        valeurs: (!withheld).then(|| Valeurs { avant: shown(change.before), apres: shown(change.after) }),
        provenance: (change.origin != common).then_some(change.origin),
    }
}

/// The identifier of a person's event: the same person and sequence always give the same.
fn event_id(person: PersonId, sequence: u64) -> Uuid {
    let mut hasher = blake3::Hasher::new_derive_key("dlnuf 2026 event id");
    hasher.update(person.0.as_bytes());
    hasher.update(&sequence.to_le_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Uuid::new_v8(bytes)
}
