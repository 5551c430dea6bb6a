//! The event: a message's body becomes what the rule needs of a CloudEvent, or [`Poison`]. Never panics, quotes nothing.

use serde_json::{Map, Value};

/// Fields of a person by their path, or any JSON object.
pub type Fields = Map<String, Value>;

/// What will never be handled, however often it comes: the message goes to the dead letters. Its text bears no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poison(pub &'static str);

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All that may be known of a person who is new here.
    Start,
    /// Changes only.
    Change,
    /// The person is not to be held any more.
    Erase,
    /// The whole state as it is: no change.
    Reading,
    /// The person is gone for this subscriber alone, at the sequence others go on from.
    Gone,
    /// A snapshot is complete.
    End,
    /// A type this version does not know.
    Ignore,
}

/// What the rule needs of a CloudEvent.
#[derive(Debug)]
pub struct Event {
    /// What it does.
    pub kind: Kind,
    /// Whom it is about; empty where it is about nobody.
    pub person: String,
    /// Its rank among the person's events.
    pub sequence: u64,
    /// Each field told, `null` for no longer known.
    pub values: Fields,
    /// The snapshot it belongs to, or ends.
    pub snapshot: Option<String>,
    /// How many persons the ended snapshot holds.
    pub persons: u64,
    /// All of it.
    pub cloudevent: Fields,
}

impl Event {
    /// Reads a message's body.
    pub fn parse(body: &[u8]) -> Result<Self, Poison> {
        let event = serde_json::from_slice(body).map_err(|_| Poison("unreadable JSON"))?;
        let Value::Object(cloudevent) = event else { return Err(Poison("unknown specversion")) };
        if text(&cloudevent, "specversion") != Some("1.0") {
            return Err(Poison("unknown specversion"));
        }
        let kind = Kind::of(text(&cloudevent, "type").ok_or(Poison("no type"))?);
        let (person, sequence, persons) = (String::new(), 0, 0);
        let event =
            Self { kind, person, sequence, values: Fields::new(), snapshot: None, persons, cloudevent };
        match kind {
            Kind::Ignore => Ok(event),
            Kind::End => event.with_end(),
            _ => event.with_person(),
        }
    }

    fn data(&self) -> Result<&Fields, Poison> {
        self.cloudevent.get("data").and_then(Value::as_object).ok_or(Poison("no data"))
    }

    fn with_end(mut self) -> Result<Self, Poison> {
        let snapshot =
            self.data()?.get("instantane").and_then(Value::as_object).ok_or(Poison("no snapshot"))?;
        let id = text(snapshot, "id").ok_or(Poison("no snapshot"))?.to_owned();
        self.persons =
            snapshot.get("personnes").and_then(Value::as_u64).ok_or(Poison("no number of persons"))?;
        self.snapshot = Some(id);
        Ok(self)
    }

    fn with_person(mut self) -> Result<Self, Poison> {
        let data = self.data()?;
        // Printable ASCII without blanks: it is written in logs.
        let printable =
            |id: &&str| (1..=200).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
        let person = text(&self.cloudevent, "subject").filter(printable).ok_or(Poison("no subject"))?;
        let digits =
            |rank: &&str| (1..=15).contains(&rank.len()) && rank.bytes().all(|byte| byte.is_ascii_digit());
        let sequence = text(&self.cloudevent, "sequence").filter(digits).and_then(|rank| rank.parse().ok());
        let snapshot = match data.get("instantane").filter(|_| self.kind == Kind::Reading) {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(Poison("no snapshot")),
        };
        let alone = data.get("instantane").is_some_and(Value::is_string);
        let (person, values) = (person.to_owned(), values(data.get("changements"))?);
        if self.kind == Kind::Erase && alone {
            self.kind = Kind::Gone;
        }
        (self.person, self.values, self.snapshot) = (person, values, snapshot);
        self.sequence = sequence.ok_or(Poison("no sequence"))?;
        Ok(self)
    }
}

impl Kind {
    fn of(event_type: &str) -> Self {
        let Some(name) = event_type.strip_prefix("fr.dlnuf.") else { return Self::Ignore };
        match name {
            "personne.creee" | "personne.entree" => Self::Start,
            "personne.modifiee" | "personne.scindee" => Self::Change,
            "personne.sortie" | "personne.fusionnee" => Self::Erase,
            "personne.etat" => Self::Reading,
            "instantane.termine" => Self::End,
            // Every verb of these families, also one added later, tells changes in the same form.
            _ => match name.split('.').next() {
                Some("droit" | "inscription" | "orientation" | "engagement") => Self::Change,
                _ => Self::Ignore,
            },
        }
    }
}

fn values(changes: Option<&Value>) -> Result<Fields, Poison> {
    let Some(changes) = changes else { return Ok(Fields::new()) };
    let value = |change: &Value| {
        let field = text(change.as_object()?, "champ")?;
        Some((field.to_owned(), change.get("apres").cloned().unwrap_or(Value::Null)))
    };
    let changes = changes.as_array().ok_or(Poison("no list of changes"))?.iter();
    changes.map(value).collect::<Option<_>>().ok_or(Poison("a change without field"))
}

fn text<'a>(object: &'a Fields, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str()
}
