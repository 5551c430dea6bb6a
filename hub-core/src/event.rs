//! Announce: the changes of one person become CloudEvents.
//!
//! Changes enter, at most one event per family leaves, each change in exactly one of them. The identifier is a function of the
//! person and the sequence, so a repeat is recognisable. Sensitive values and the NIR are named but withheld (CASF R. 263-5).

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::canonical::{Canon, Category, Classification, Value};
use crate::delivery::PersonId;
use crate::diff::Change;

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
pub fn announce(canon: &Canon, occasion: Occasion<'_>, changes: &[Change]) -> Vec<Event> {
    let mut families: Vec<(Category, Vec<&Change>)> = Vec::new();
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
            render(canon, occasion, sequence, kind, &changes)
        })
        .collect()
}

fn kind(canon: &Canon, family: Category, created: bool, changes: &[&Change]) -> &'static str {
    match family {
        Category::Personne if created => "fr.dlnuf.personne.creee",
        Category::Personne => "fr.dlnuf.personne.modifiee",
        Category::Inscription => "fr.dlnuf.inscription.modifiee",
        Category::Orientation => "fr.dlnuf.orientation.modifiee",
        Category::Engagement => "fr.dlnuf.engagement.modifie",
        Category::Droit => {
            let state = canon.find("droits.rsa.etat");
            let after = changes.iter().find(|c| Some(c.field) == state).and_then(|c| c.after.as_ref());
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

fn render(
    canon: &Canon,
    occasion: Occasion<'_>,
    sequence: u64,
    kind: &'static str,
    changes: &[&Change],
) -> Event {
    let id = event_id(occasion.person, sequence);
    let changes: Vec<Json> = changes.iter().map(|change| rendered(canon, change)).collect();
    let json = json!({
        "specversion": "1.0",
        "id": id,
        "source": "/dlnuf",
        "type": kind,
        "subject": occasion.person,
        "time": occasion.at.to_string(),
        "sequence": format!("{sequence:010}"),
        "datacontenttype": "application/json",
        "dataschema": "https://dlnuf.fr/schemas/evenement/v1.json",
        "data": { "personne": occasion.person, "changements": changes },
    })
    .to_string();
    let words: Vec<&str> = kind.split('.').skip(2).collect();
    let routing_key = format!("{}.{}", words.join("."), occasion.departement);
    Event { id, person: occasion.person, sequence, kind, routing_key, json }
}

fn rendered(canon: &Canon, change: &Change) -> Json {
    let field = canon.field(change.field);
    let withheld = field.classification == Classification::Sensitive || field.path == "identite.nir";
    let mut object = Map::new();
    object.insert("champ".to_owned(), json!(field.path));
    if withheld {
        object.insert("valeur_retenue".to_owned(), Json::Bool(true));
    } else {
        let shown = |value: &Option<Value>| value.as_ref().map_or(Json::Null, |v| v.to_json(canon));
        object.insert("avant".to_owned(), shown(&change.before));
        object.insert("apres".to_owned(), shown(&change.after));
    }
    object.insert("provenance".to_owned(), json!(change.origin));
    Json::Object(object)
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
