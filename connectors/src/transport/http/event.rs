//! Events of an i-milo queue, and what they say of each dossier: its last event, and the last of each of its appointments.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::Word;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The dossier itself.
    Dossier,
    /// An appointment.
    Rdv,
    /// A session, which no resource tells more of.
    Session,
    /// Something else.
    Unknown,
}

/// An event.
pub(super) struct Event {
    /// Its number in the queue.
    pub(super) id: Word,
    pub(super) dossier: Word,
    pub(super) kind: Kind,
    /// What it concerns in the dossier.
    pub(super) object: Option<Word>,
    /// The object is there no more.
    pub(super) ended: bool,
    /// The event as it came.
    pub(super) raw: Box<RawValue>,
    date: String,
}

/// The events of one dossier that count.
pub(super) struct Concerned {
    pub(super) dossier: Word,
    /// The last of the dossier itself.
    pub(super) own: Option<Event>,
    /// The last of each appointment.
    pub(super) rdv: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stated {
    identifiant: Word,
    id_dossier: Word,
    #[serde(rename = "type")]
    kind: String,
    action: String,
    id_type: Option<Word>,
    date: Option<String>,
}

impl Event {
    /// An element of the queue; none when it is not an event.
    pub(super) fn read(raw: &RawValue) -> Option<Self> {
        let stated: Stated = serde_json::from_str(raw.get()).ok()?;
        let kind = match stated.kind.as_str() {
            "DOSSIER" => Kind::Dossier,
            "RDV" => Kind::Rdv,
            "SESSION" => Kind::Session,
            _ => Kind::Unknown,
        };
        Some(Self {
            id: stated.identifiant,
            dossier: stated.id_dossier,
            kind,
            object: stated.id_type,
            ended: matches!(stated.action.as_str(), "DELETE" | "ARCHIVE"),
            raw: raw.to_owned(),
            date: stated.date.unwrap_or_default(),
        })
    }
}

/// The dossiers events concern, in the order in which the queue names them first. Of one object the newest event counts, of one
/// date the one further on in the queue.
pub(super) fn by_dossier(events: Vec<Event>) -> Vec<Concerned> {
    let mut concerned: Vec<Concerned> = Vec::new();
    let mut places: HashMap<Word, usize> = HashMap::new();
    for event in events.into_iter().filter(|event| matches!(event.kind, Kind::Dossier | Kind::Rdv)) {
        let place = *places.entry(event.dossier.clone()).or_insert(concerned.len());
        if place == concerned.len() {
            concerned.push(Concerned { dossier: event.dossier.clone(), own: None, rdv: Vec::new() });
        }
        let at = concerned.get_mut(place).expect("its place was just made sure of");
        at.take(event);
    }
    concerned
}

impl Concerned {
    fn take(&mut self, event: Event) {
        let known = if event.kind == Kind::Dossier {
            self.own.as_mut()
        } else {
            self.rdv.iter_mut().find(|known| known.object == event.object)
        };
        match known {
            Some(known) if event.date >= known.date => *known = event,
            Some(_) => {}
            None if event.kind == Kind::Dossier => self.own = Some(event),
            None => self.rdv.push(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, action: &str, object: u32, date: &str) -> Event {
        let text = format!(
            r#"{{"identifiant":"e{object}","idDossier":7,"type":"{kind}","action":"{action}","idType":{object},"date":"{date}"}}"#
        );
        Event::read(serde_json::from_str(&text).expect("JSON")).expect("an event")
    }

    #[test]
    fn of_one_object_the_newest_event_counts_whatever_the_order() {
        let found = by_dossier(vec![
            event("DOSSIER", "UPDATE", 7, "2026-03-02 10:00:00"),
            event("RDV", "CREATE", 3, "2026-03-02 08:00:00"),
            event("DOSSIER", "CREATE", 7, "2026-03-01 09:00:00"),
            event("SESSION", "UPDATE", 9, "2026-03-02 11:00:00"),
            event("RDV", "DELETE", 3, "2026-03-02 08:00:00"),
            event("RDV", "CREATE", 4, "2026-03-02 08:00:00"),
        ]);
        let [only] = found.as_slice() else { unreachable!("one dossier") };
        assert!(only.own.as_ref().is_some_and(|own| own.raw.get().contains("UPDATE") && !own.ended));
        assert_eq!(only.rdv.iter().map(|rdv| rdv.ended).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn what_is_no_event_is_not_read_as_one() {
        for text in [
            r#"{"identifiant":"e1"}"#,
            "[]",
            "3",
            r#"{"identifiant":{},"idDossier":1,"type":"RDV","action":"X"}"#,
        ] {
            assert!(Event::read(serde_json::from_str(text).expect("JSON")).is_none(), "{text}");
        }
    }
}
