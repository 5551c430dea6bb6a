//! Announce: the changes of one person become CloudEvents.
//!
//! Changes enter, at most one event per family leaves, each change in exactly one of them. The identifier is a function of the
//! person and the sequence, so a repeat is recognisable. Sensitive values and the NIR are named but withheld (CASF R. 263-5).

mod cloud;

use jiff::Timestamp;
use uuid::Uuid;

use crate::canonical::{Canon, Category, Value};
use crate::delivery::{PersonId, RunId};
use crate::diff::{Change, diff};
use crate::statement::{Origin, Stated};

use cloud::{Chargement, Data, Load, Personne, changement, render, write};

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
                scindee_en: None,
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
        scindee_en: None,
        provenance: origin,
        changements: Vec::new(),
    };
    render(occasion, occasion.last_sequence + 1, "fr.dlnuf.personne.fusionnee", data)
}

/// Renders that part of what was known of a person is another's, `apart`; `origin` is the claim that showed it.
pub fn announce_split(occasion: Occasion<'_>, apart: PersonId, origin: &Origin) -> Event {
    let data = Data {
        personne: Personne { id: occasion.person },
        fusionnee_dans: None,
        scindee_en: Some(apart),
        provenance: origin,
        changements: Vec::new(),
    };
    render(occasion, occasion.last_sequence + 1, "fr.dlnuf.personne.scindee", data)
}

/// Renders the one event of a first load, of which no person is announced by itself: `persons` were made from `origin`.
pub fn announce_load(run: RunId, at: Timestamp, persons: u64, origin: &Origin) -> Event {
    let subject = PersonId(run.0);
    let occasion = Occasion { person: subject, created: false, last_sequence: 0, at, departement: "00" };
    let load = Load { chargement: Chargement { personnes: persons }, provenance: origin };
    render(occasion, 1, "fr.dlnuf.chargement.termine", load)
}

/// Renders all that is known of a person as one `CloudEvent`, as if it had just been made known; `None` when nothing is.
/// It is a reading, not a fact: `id` is fresh, `sequence` that of the person's last event.
pub fn show_state(
    canon: &Canon,
    id: Uuid,
    (person, sequence): (PersonId, u64),
    at: Timestamp,
    state: &Stated,
) -> Option<String> {
    let origin = state.origins.first()?;
    let nothing = Stated::default();
    let changes = diff(&nothing, state, origin);
    let data = Data {
        personne: Personne { id: person },
        fusionnee_dans: None,
        scindee_en: None,
        provenance: origin,
        changements: changes.iter().map(|change| changement(canon, change, origin)).collect(),
    };
    Some(write(id, "fr.dlnuf.personne.etat", person, (at, sequence), data))
}

/// Whether this state of the RSA right closes it.
pub(crate) fn closes(state: &str) -> bool {
    matches!(state, "rsa_clos" | "rsa_clos_anterieur" | "rsa_refuse")
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
                Some(state) if closes(state) => "fr.dlnuf.droit.clos",
                _ => "fr.dlnuf.droit.modifie",
            }
        }
    }
}
