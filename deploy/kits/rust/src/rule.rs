//! The rule: an event and what is known become a decision. Pure, and the same in every kit (`../cases.json`).

use crate::{Event, Fields, Kind, Marks, Person};

/// What becomes of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// The person's new state is written.
    Apply,
    /// It came before.
    #[default]
    Drop,
    /// The person is erased.
    Erase,
    /// A snapshot ended.
    End,
    /// Nothing for this version.
    Ignore,
}

/// Something is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Events of a person: ask for the person's repair.
    Person {
        /// Who.
        person: String,
        /// The last sequence applied, if any.
        last: Option<u64>,
        /// The sequence that came.
        sequence: u64,
    },
    /// Readings of a snapshot: ask for another one.
    Snapshot {
        /// Which.
        snapshot: String,
        /// How many persons came.
        read: u64,
        /// How many it holds.
        persons: u64,
    },
}

/// What to do, and what to write and to tell.
#[derive(Debug, Default)]
pub struct Decision {
    /// What becomes of the event; `Drop` when left out.
    pub verdict: Verdict,
    /// Whom it is about.
    pub person: String,
    /// What to hold of the person from now on.
    pub write: Option<Person>,
    /// The fields that differ, sorted.
    pub changed: Vec<String>,
    /// What is missing.
    pub gap: Option<Gap>,
    /// The open snapshot this person was read for, also when the reading itself is dropped.
    pub reading_of: Option<String>,
    /// The snapshot that ends.
    pub ends: Option<String>,
    /// Whether to erase whom the ended snapshot did not see.
    pub sweep: bool,
}

/// Judges an event: `known` is its person as held, `marks` its snapshot so far, `complete` whether every family is subscribed.
pub fn decide(event: &Event, known: Option<&Person>, marks: Option<Marks>, complete: bool) -> Decision {
    match event.kind {
        Kind::Ignore => return Decision { verdict: Verdict::Ignore, ..Decision::default() },
        Kind::End => return decide_end(event, marks.unwrap_or_default()),
        _ => {}
    }
    let person = event.person.clone();
    let reading_of = event.snapshot.clone().filter(|_| !marks.is_some_and(|marks| marks.ended));
    // A reading at the last sequence is no repeat: it is how a gap is repaired.
    let reading = matches!(event.kind, Kind::Reading | Kind::Gone);
    let first_taken = |last: u64| if reading { last } else { last + 1 };
    if known.is_some_and(|known| event.sequence < first_taken(known.last)) {
        return Decision { person, reading_of, ..Decision::default() };
    }
    let nothing = Fields::new();
    let held = known.and_then(|known| known.state.as_ref()).unwrap_or(&nothing);
    let state = next_state(event, held);
    Decision {
        verdict: if state.is_some() { Verdict::Apply } else { Verdict::Erase },
        changed: differing(held, state.as_ref().unwrap_or(&nothing)),
        gap: gap(event, known, complete),
        write: Some(Person { last: event.sequence, state }),
        person,
        reading_of,
        ..Decision::default()
    }
}

fn next_state(event: &Event, held: &Fields) -> Option<Fields> {
    let mut state = match event.kind {
        Kind::Erase | Kind::Gone => return None,
        Kind::Change => held.clone(),
        _ => Fields::new(), // a start and a reading tell all there is
    };
    state.extend(event.values.clone());
    state.retain(|_, value| !value.is_null());
    Some(state)
}

fn differing(before: &Fields, after: &Fields) -> Vec<String> {
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    let mut names: Vec<_> = before.keys().chain(after.keys()).filter(differs).cloned().collect();
    names.sort();
    names.dedup();
    names
}

fn gap(event: &Event, known: Option<&Person>, complete: bool) -> Option<Gap> {
    // Who did not ask for every family of events sees sequences missing all the time.
    if !complete || matches!(event.kind, Kind::Start | Kind::Reading | Kind::Gone) {
        return None;
    }
    if known.is_some_and(|known| known.state.is_some() && event.sequence == known.last + 1) {
        return None;
    }
    let last = known.map(|known| known.last);
    Some(Gap::Person { person: event.person.clone(), last, sequence: event.sequence })
}

fn decide_end(event: &Event, marks: Marks) -> Decision {
    if marks.ended {
        return Decision::default();
    }
    let snapshot = event.snapshot.clone().unwrap_or_default();
    // Erasing cannot be undone: with a reading missing, nobody is erased, and another snapshot is to be asked for.
    let whole = marks.read >= event.persons;
    let gap = Gap::Snapshot { snapshot: snapshot.clone(), read: marks.read, persons: event.persons };
    Decision {
        verdict: Verdict::End,
        gap: (!whole).then_some(gap),
        ends: Some(snapshot),
        sweep: whole,
        ..Decision::default()
    }
}
