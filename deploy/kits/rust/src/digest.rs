//! Digests: what the hub says of whom a subscriber should know, beside what is held, becomes whom to repair and to forget.
//!
//! Pure, and the same in every kit. A compartment is the persons whose names begin by the same two digits. Its digest is
//! the SHA-256 of a line a person, with the sequence where the subscription asks for every family of events.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// In whom the tool and the hub differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differing {
    /// Whom to have repaired.
    pub repair: BTreeSet<String>,
    /// Whom to forget.
    pub forget: BTreeSet<String>,
}

/// The last sequence of each person of a compartment.
pub(crate) type Held<'a> = BTreeMap<&'a str, u64>;

/// What the hub says of all compartments.
#[derive(Debug)]
pub(crate) struct Digests {
    pub(crate) ranked: bool,
    compartments: BTreeMap<String, String>,
}

impl Digests {
    /// Reads the hub's answer.
    pub(crate) fn parse(answer: &Value) -> Option<Self> {
        let ranked = match answer["lignes"].as_str()? {
            "subject sequence" => true,
            "subject" => false,
            _ => return None,
        };
        let read = |part: &Value| {
            Some((part["compartiment"].as_str()?.to_owned(), part["empreinte"].as_str()?.to_owned()))
        };
        let compartments: Option<_> = answer["compartiments"].as_array()?.iter().map(read).collect();
        Some(Self { ranked, compartments: compartments? })
    }

    /// The compartments that are not the same on both sides, with what is held of each.
    pub(crate) fn unlike<'a>(&'a self, known: &'a BTreeMap<String, u64>) -> BTreeMap<&'a str, Held<'a>> {
        let named = self.compartments.keys().map(|name| (name.as_str(), Held::new()));
        let mut all: BTreeMap<&str, Held<'_>> = named.collect();
        for (person, sequence) in known {
            all.entry(person.get(..2).unwrap_or(person)).or_default().insert(person, *sequence);
        }
        all.retain(|name, held| self.compartments.get(*name) != Some(&digest(held, self.ranked)));
        all
    }
}

impl Differing {
    /// Compares one compartment with the persons the hub tells for it.
    pub(crate) fn compare(&mut self, held: &Held<'_>, told: &BTreeMap<String, u64>, ranked: bool) {
        let differs = |person: &str, at: u64| held.get(person).is_none_or(|last| ranked && *last != at);
        let lacking = told.iter().filter(|(person, at)| differs(person, **at));
        self.repair.extend(lacking.map(|(person, _)| person.clone()));
        let gone = held.keys().filter(|person| !told.contains_key(**person));
        self.forget.extend(gone.map(|person| (*person).to_owned()));
    }
}

/// Reads the persons of a compartment and their sequences in the hub's answer.
pub(crate) fn persons(answer: &Value) -> Option<BTreeMap<String, u64>> {
    let read =
        |line: &Value| Some((line["subject"].as_str()?.to_owned(), line["sequence"].as_str()?.parse().ok()?));
    answer["personnes"].as_array()?.iter().map(read).collect()
}

fn digest(held: &Held<'_>, ranked: bool) -> String {
    let mut hasher = Sha256::new();
    for (person, sequence) in held {
        hasher.update(if ranked { format!("{person} {sequence}\n") } else { format!("{person}\n") });
    }
    format!("{:x}", hasher.finalize())
}
