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

use cloud::{
    Chargement, Data, Ended, Instantane, Load, Personne, Provenance, changement, reading, render, write,
};

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
    /// The person was not known before, to those it is told to.
    pub arrival: Option<Arrival>,
    /// Sequence of the person's last event; 0 for none.
    pub last_sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Département of the person, for routing; `00` when not known.
    pub departement: &'a str,
    /// To whom it is told.
    pub manner: Manner,
}

/// How a person comes to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// To the hub.
    Created,
    /// To those who are told: the person came into their territory, or something of theirs into their scope.
    Entered,
}

/// To whom an event is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// The hub's own journal: reserved values are named and withheld, provenance is whole.
    Journal,
    /// A profile, which is shown what it may know and nothing else: all values, provenance in brief.
    Scoped,
}

/// Renders the events that announce `changes`, in family order.
///
/// # Panics
/// Never: a family is made of changes.
pub fn announce(canon: &Canon, occasion: Occasion<'_>, changes: &[Change<'_>]) -> Vec<Event> {
    let mut families: Vec<(Category, Vec<&Change<'_>>)> = Vec::new();
    for change in changes {
        let whole = occasion.arrival.is_some();
        let family = if whole { Category::Personne } else { canon.field(change.field).category };
        match families.iter_mut().find(|(known, _)| *known == family) {
            Some((_, members)) => members.push(change),
            None => families.push((family, vec![change])),
        }
    }
    families.sort_by_key(|(family, _)| *family);
    (occasion.last_sequence + 1..)
        .zip(families)
        .map(|(sequence, (family, changes))| {
            let kind = kind(canon, family, occasion.arrival, &changes);
            let origin = changes.first().expect("a family is made of changes").origin;
            let common = (origin, occasion.manner);
            let changements = changes.iter().map(|change| changement(canon, change, common));
            let provenance = Some(Provenance::of(origin, occasion.manner));
            let data = Data { provenance, changements: changements.collect(), ..data(occasion, origin) };
            render(occasion, sequence, kind, data)
        })
        .collect()
}

/// Renders the last event of a person found to be another one, `into`; `origin` is the claim that showed it.
pub fn announce_merger(occasion: Occasion<'_>, into: PersonId, origin: &Origin) -> Event {
    let data = Data { fusionnee_dans: Some(into), ..data(occasion, origin) };
    render(occasion, occasion.last_sequence + 1, "fr.dlnuf.personne.fusionnee", data)
}

/// Renders that part of what was known of a person is another's, `apart`; `origin` is the claim that showed it.
pub fn announce_split(occasion: Occasion<'_>, apart: PersonId, origin: &Origin) -> Event {
    let data = Data { scindee_en: Some(apart), ..data(occasion, origin) };
    render(occasion, occasion.last_sequence + 1, "fr.dlnuf.personne.scindee", data)
}

/// Renders that a person is no longer shown to those it is told to: who left their territory, or of whom nothing is in their scope.
pub fn announce_exit(occasion: Occasion<'_>, origin: &Origin) -> Event {
    render(occasion, occasion.last_sequence + 1, "fr.dlnuf.personne.sortie", data(occasion, origin))
}

/// Renders all a profile sees of somebody as a reading, not a change: `last_sequence` is where it stands; `None` when it sees nothing.
/// `of` is what all readings made together bear.
pub fn read_out(canon: &Canon, occasion: Occasion<'_>, seen: &Stated, of: Uuid) -> Option<Event> {
    let origin = seen.origins.first()?;
    let nothing = Stated::default();
    let (changes, manner) = (diff(&nothing, seen, origin), occasion.manner);
    let data = Data {
        provenance: Some(Provenance::of(origin, manner)),
        instantane: Some(of),
        changements: changes.iter().map(|change| changement(canon, change, (origin, manner))).collect(),
        ..data(occasion, origin)
    };
    Some(reading(occasion, (of, "fr.dlnuf.personne.etat"), data))
}

/// Renders that somebody is no longer shown to one subscriber, whatever others of its profile see: a reading too.
pub fn read_as_gone(occasion: Occasion<'_>, of: Uuid) -> Event {
    let nowhere = Origin::nowhere();
    let data = Data { instantane: Some(of), ..data(occasion, &nowhere) };
    reading(occasion, (of, "fr.dlnuf.personne.sortie"), data)
}

/// Renders that a subscriber has been shown everybody it may know: `persons` in the readings that bear `of`. It is about nobody.
pub fn announce_shown(of: Uuid, (subscriber, persons): (&str, u64), at: Timestamp) -> Event {
    let manner = Manner::Scoped;
    let occasion =
        Occasion { person: PersonId(of), arrival: None, last_sequence: 0, at, departement: "00", manner };
    let instantane = Instantane { id: of, abonne: subscriber, personnes: persons };
    render(occasion, 1, SHOWN, Ended { instantane })
}

/// The type of the event that ends a snapshot, and how its routing key begins.
pub const SHOWN: &str = "fr.dlnuf.instantane.termine";
pub(crate) const SHOWN_KEY: &str = "instantane.termine.";

/// An event's data but for what makes it one. What made somebody come or go is no affair of those who are told of it in their scope.
fn data<'a>(occasion: Occasion<'a>, origin: &'a Origin) -> Data<'a> {
    Data {
        personne: Personne { id: occasion.person },
        fusionnee_dans: None,
        scindee_en: None,
        instantane: None,
        provenance: (occasion.manner == Manner::Journal).then(|| Provenance::of(origin, occasion.manner)),
        changements: Vec::new(),
    }
}

/// Renders the one event of a first load, of which no person is announced by itself: `persons` were made from `origin`.
pub fn announce_load(run: RunId, at: Timestamp, persons: u64, origin: &Origin) -> Event {
    let subject = PersonId(run.0);
    let manner = Manner::Journal;
    let occasion =
        Occasion { person: subject, arrival: None, last_sequence: 0, at, departement: "00", manner };
    let load = Load { chargement: Chargement { personnes: persons }, provenance: origin };
    render(occasion, 1, "fr.dlnuf.chargement.termine", load)
}

/// Renders all that is known of a person as one `CloudEvent`, as if it had just been made known; `None` when nothing is.
/// It is a reading, not a fact: `id` is fresh, `sequence` that of the person's last event.
pub fn show_state(
    canon: &Canon,
    id: Uuid,
    (person, sequence): (PersonId, u64),
    (at, manner): (Timestamp, Manner),
    state: &Stated,
) -> Option<String> {
    let origin = state.origins.first()?;
    let nothing = Stated::default();
    let changes = diff(&nothing, state, origin);
    let data = Data {
        personne: Personne { id: person },
        fusionnee_dans: None,
        scindee_en: None,
        instantane: None,
        provenance: Some(Provenance::of(origin, manner)),
        changements: changes.iter().map(|change| changement(canon, change, (origin, manner))).collect(),
    };
    Some(write(id, "fr.dlnuf.personne.etat", person, (at, sequence), data))
}

/// Whether this state of the RSA right closes it.
pub(crate) fn closes(state: &str) -> bool {
    matches!(state, "rsa_clos" | "rsa_clos_anterieur" | "rsa_refuse")
}

fn kind(canon: &Canon, family: Category, arrival: Option<Arrival>, changes: &[&Change<'_>]) -> &'static str {
    match (family, arrival) {
        (_, Some(Arrival::Created)) => "fr.dlnuf.personne.creee",
        (_, Some(Arrival::Entered)) => "fr.dlnuf.personne.entree",
        (Category::Personne, None) => "fr.dlnuf.personne.modifiee",
        (Category::Inscription, None) => "fr.dlnuf.inscription.modifiee",
        (Category::Orientation, None) => "fr.dlnuf.orientation.modifiee",
        (Category::Engagement, None) => "fr.dlnuf.engagement.modifie",
        (Category::Droit, None) => {
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
