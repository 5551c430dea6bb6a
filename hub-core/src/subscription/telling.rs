//! Tell: what a profile is told when something becomes of a person.
//!
//! What was known and what is known now enter, with what the profile was last told; its events leave, made of what its scope sees and
//! of nothing else. A person it does not see is not spoken of; one who comes into its territory is told whole, one who leaves it
//! is told to be gone. Pure, and the same for the same: an event told again has the same identifier and bytes.

use compact_str::CompactString;
use jiff::Timestamp;
use uuid::Uuid;

use super::scope::told;
use super::{Scope, Territory};
use crate::canonical::Canon;
use crate::delivery::PersonId;
use crate::diff::diff;
use crate::event::{
    Arrival, Event, Manner, Occasion, announce, announce_exit, announce_merger, announce_split,
};
use crate::referential::departement;
use crate::statement::{Origin, Stated};

/// What persons are told apart by, one profile's names of them being no other's.
#[derive(Clone)]
pub struct Pseudonyms([u8; 32]);

impl Pseudonyms {
    /// From a secret of the hub.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The name a profile knows a person by.
    pub fn of(&self, profile: &str, person: PersonId) -> PersonId {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(person.0.as_bytes());
        hasher.update(profile.as_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        PersonId(Uuid::new_v8(bytes))
    }
}

/// A profile: what it sees, of whom, under which names.
#[derive(Clone, Copy)]
pub struct Lens<'l> {
    /// The canonical record.
    pub canon: &'l Canon,
    /// What it sees.
    pub scope: &'l Scope,
    /// The territory of each subscription to it.
    pub territories: &'l [Territory],
    /// What it calls persons.
    pub pseudonyms: &'l Pseudonyms,
}

/// What a profile was last told of a person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// How many events it was told.
    pub sequence: u64,
    /// The département it saw the person in; `None` while it does not see them.
    pub seen_in: Option<CompactString>,
}

/// What became of a person.
#[derive(Debug, Clone, Copy)]
pub struct Step<'s> {
    /// What it saw of the person.
    pub saw: &'s Stated,
    /// What is known now.
    pub after: &'s Stated,
    /// What made the difference.
    pub by: &'s Origin,
    /// Nobody knew the person before.
    pub created: bool,
    /// Others it turned out to have to do with.
    pub kin: Kin,
    /// When.
    pub at: Timestamp,
}

/// Whom a person turned out to be, or not to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kin {
    /// Nobody else.
    None,
    /// Found to be another one.
    MergedInto(PersonId),
    /// Part of what was known goes to another one.
    PartedFrom(PersonId),
}

impl Kin {
    /// Who it is about.
    pub(super) fn person(self) -> Option<PersonId> {
        match self {
            Self::None => None,
            Self::MergedInto(person) | Self::PartedFrom(person) => Some(person),
        }
    }
}

impl Lens<'_> {
    /// Tells one step of a person; the events, and what the profile was told once they are.
    pub fn tell(&self, person: PersonId, standing: Standing, step: Step<'_>) -> (Vec<Event>, Standing) {
        let place = departement(self.canon, step.after);
        let by = told(step.by);
        let step = Step { by: &by, ..step };
        let teller = Teller { lens: self, subject: self.name(person), step, events: Vec::new(), standing };
        match step.kin {
            Kin::MergedInto(into) => teller.merged(into),
            Kin::PartedFrom(apart) => teller.parted(apart).stepped(&place),
            Kin::None => teller.stepped(&place),
        }
        .done()
    }

    fn name(&self, person: PersonId) -> PersonId {
        self.pseudonyms.of(&self.scope.profile, person)
    }

    /// Whether some subscription covers a département.
    pub fn covers(&self, departement: &str) -> bool {
        self.territories.iter().any(|territory| territory.covers(departement))
    }

    /// Whether it sees anything of somebody of whom this is known.
    pub fn shows(&self, known: &Stated) -> bool {
        self.covers(&departement(self.canon, known)) && !self.scope.see(known).fields.is_empty()
    }

    /// Whether all who are told of somebody of one département may know another one by name, of whom this is known: whoever covers the
    /// one covers the other's. `away` are the territories of those who are told nothing now, and may read it later.
    pub(super) fn may_name(&self, away: &[Territory], (seen_in, other): (&str, &Stated)) -> bool {
        let place = departement(self.canon, other);
        let may = |territory: &Territory| !territory.covers(seen_in) || territory.covers(&place);
        self.shows(other) && self.territories.iter().chain(away).all(may)
    }

    /// Whether somebody is told of one département and not of the other.
    fn parts(&self, one: &str, other: &str) -> bool {
        self.territories.iter().any(|territory| territory.covers(one) != territory.covers(other))
    }
}

struct Teller<'t> {
    lens: &'t Lens<'t>,
    subject: PersonId,
    step: Step<'t>,
    events: Vec<Event>,
    standing: Standing,
}

impl Teller<'_> {
    /// What changed of what the profile sees; all of it, of somebody it comes to see.
    fn stepped(mut self, place: &str) -> Self {
        let seen = self.lens.scope.see(self.step.after);
        let shown = self.lens.covers(place) && !seen.fields.is_empty();
        match self.standing.seen_in.clone() {
            Some(before) if !shown => self.exit(&before),
            Some(before) if self.lens.parts(&before, place) => {
                self.exit(&before);
                self.enter(&seen, Arrival::Entered, place);
            }
            Some(_) => self.change(&seen, place),
            None if shown => {
                let arrival = if self.step.created { Arrival::Created } else { Arrival::Entered };
                self.enter(&seen, arrival, place);
            }
            None => {}
        }
        self
    }

    fn merged(mut self, into: PersonId) -> Self {
        if let Some(place) = self.standing.seen_in.take() {
            let into = self.lens.name(into);
            let event = announce_merger(self.occasion(&place, None), into, self.step.by);
            self.told([event]);
        }
        self
    }

    fn parted(mut self, apart: PersonId) -> Self {
        if let Some(place) = self.standing.seen_in.clone() {
            let apart = self.lens.name(apart);
            let event = announce_split(self.occasion(&place, None), apart, self.step.by);
            self.told([event]);
        }
        self
    }

    fn change(&mut self, seen: &Stated, place: &str) {
        // Of what it no longer holds not even the value before is told: whoever came since never knew it.
        let held = self.lens.scope.see(self.step.saw);
        let mut changes = diff(self.step.saw, seen, self.step.by);
        for change in &mut changes {
            change.before = held.get(change.field).map(|(value, _)| value);
        }
        let events = announce(self.lens.canon, self.occasion(place, None), &changes);
        self.told(events);
        self.standing.seen_in = Some(place.into());
    }

    fn enter(&mut self, seen: &Stated, arrival: Arrival, place: &str) {
        let nothing = Stated::default();
        let changes = diff(&nothing, seen, self.step.by);
        let events = announce(self.lens.canon, self.occasion(place, Some(arrival)), &changes);
        self.told(events);
        self.standing.seen_in = Some(place.into());
    }

    fn exit(&mut self, place: &str) {
        let event = announce_exit(self.occasion(place, None), self.step.by);
        self.told([event]);
        self.standing.seen_in = None;
    }

    fn occasion<'o>(&self, departement: &'o str, arrival: Option<Arrival>) -> Occasion<'o> {
        Occasion {
            person: self.subject,
            arrival,
            last_sequence: self.standing.sequence,
            at: self.step.at,
            departement,
            manner: Manner::Scoped,
        }
    }

    fn told(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.standing.sequence = event.sequence;
            self.events.push(event);
        }
    }

    fn done(self) -> (Vec<Event>, Standing) {
        (self.events, self.standing)
    }
}
