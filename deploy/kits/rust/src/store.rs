//! Where persons and sequences are kept: the port, and the store in memory that the file's is built on.

use crate::{Decision, Fields};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// What is held of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// The sequence applied last.
    pub last: u64,
    /// Its fields; none: erased. The sequence stays, lest a repeat bring the person back.
    pub state: Option<Fields>,
}

/// How far a snapshot has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// How many persons were read so far.
    pub read: u64,
    /// Whether its end was seen.
    pub ended: bool,
}

/// Keeps persons, sequences and snapshots. `write` writes all of a decision or nothing, and returns when it outlives a
/// power cut. Called by one consumer, one call after the other; the calls block, so they have to be short.
pub trait Store: Send {
    /// A person as held.
    fn person(&self, person: &str) -> io::Result<Option<Person>>;
    /// A snapshot so far.
    fn snapshot(&self, snapshot: &str) -> io::Result<Option<Marks>>;
    /// The persons held who were neither read for this open snapshot nor told about since its first reading, sorted.
    fn unseen(&self, snapshot: &str) -> io::Result<Vec<String>>;
    /// Writes a decision, and erases who is `gone`.
    fn write(&mut self, decision: &Decision, gone: &[String]) -> io::Result<()>;
}

/// Who was read for an open snapshot, and who was seen since its first reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenSnapshot {
    pub(crate) read: BTreeSet<String>,
    pub(crate) seen: BTreeSet<String>,
}

/// What one transaction does; a line of the file.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Step {
    pub(crate) persons: Vec<(String, Person)>,
    pub(crate) read: Option<(String, String)>,
    pub(crate) ended: Option<String>,
    pub(crate) snapshots: Vec<(String, Option<OpenSnapshot>)>,
}

/// Keeps everything in memory, for tests and for tools that ask for a snapshot at each start.
#[derive(Debug, Default, PartialEq)]
pub struct MemoryStore {
    pub(crate) persons: BTreeMap<String, Person>,
    /// None: ended. It is remembered by its name, for its end may come again.
    pub(crate) snapshots: BTreeMap<String, Option<OpenSnapshot>>,
}

impl MemoryStore {
    /// Everybody, also the erased, in the order of their names.
    pub fn persons(&self) -> impl Iterator<Item = (&str, &Person)> {
        self.persons.iter().map(|(id, person)| (id.as_str(), person))
    }

    /// The snapshots whose end was not seen.
    pub fn open_snapshots(&self) -> impl Iterator<Item = &str> {
        self.snapshots.iter().filter(|(_, open)| open.is_some()).map(|(id, _)| id.as_str())
    }

    pub(crate) fn step(&self, decision: &Decision, gone: &[String]) -> Step {
        let last = |id: &String| self.persons.get(id).map_or(0, |person| person.last);
        let erased = gone.iter().map(|id| (id.clone(), Person { last: last(id), state: None }));
        let written = decision.write.iter().map(|person| (decision.person.clone(), person.clone()));
        Step {
            persons: erased.chain(written).collect(),
            read: decision.reading_of.clone().map(|snapshot| (snapshot, decision.person.clone())),
            ended: decision.ends.clone(),
            snapshots: Vec::new(),
        }
    }

    pub(crate) fn replay(&mut self, step: Step) {
        if let Some((snapshot, person)) = step.read
            && let Some(open) =
                self.snapshots.entry(snapshot).or_insert_with(|| Some(OpenSnapshot::default()))
        {
            open.seen.insert(person.clone());
            open.read.insert(person);
        }
        for (id, person) in step.persons {
            for open in self.snapshots.values_mut().flatten() {
                open.seen.insert(id.clone());
            }
            self.persons.insert(id, person);
        }
        self.snapshots.extend(step.ended.map(|snapshot| (snapshot, None)));
        self.snapshots.extend(step.snapshots);
    }
}

impl Store for MemoryStore {
    fn person(&self, person: &str) -> io::Result<Option<Person>> {
        Ok(self.persons.get(person).cloned())
    }

    fn snapshot(&self, snapshot: &str) -> io::Result<Option<Marks>> {
        let marks = |open: &Option<OpenSnapshot>| match open {
            Some(open) => Marks { read: open.read.len() as u64, ended: false },
            None => Marks { read: 0, ended: true },
        };
        Ok(self.snapshots.get(snapshot).map(marks))
    }

    fn unseen(&self, snapshot: &str) -> io::Result<Vec<String>> {
        let open = self.snapshots.get(snapshot).and_then(Option::as_ref);
        let unseen = |(id, person): &(&String, &Person)| {
            person.state.is_some() && !open.is_some_and(|open| open.seen.contains(*id))
        };
        Ok(self.persons.iter().filter(unseen).map(|(id, _)| id.clone()).collect())
    }

    fn write(&mut self, decision: &Decision, gone: &[String]) -> io::Result<()> {
        let step = self.step(decision, gone);
        self.replay(step);
        Ok(())
    }
}
