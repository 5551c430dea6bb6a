//! What speaks of whom in a batch: claims just read and claims kept, as identity hears them.
//!
//! Pending claims and the persons at hand enter; voices leave, those of one person together. A person nobody new may be is left out.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64;

use crate::delivery::PersonId;
use crate::identity::{Member, Profile, Span, Traits};
use crate::statement::Statement;

use super::context::Grounds;
use super::hand::Hand;
use super::pairing::Pending;
use super::people::People;

/// A claim as identity hears it.
pub(super) struct Voice {
    pub traits: Arc<Traits>,
    /// What it tells.
    pub profile: Profile,
    pub of: Spoken,
    /// Its record, and which of the persons in it.
    stands: (u64, u64),
    span: Span,
}

/// Where a voice comes from.
pub(super) enum Spoken {
    /// A claim of the batch, by place.
    Pending(usize),
    /// A claim as it is kept.
    Kept(Arc<Statement>),
}

/// Those who may be somebody: a person known, or a claim that belongs to nobody yet.
pub(super) struct Somebody {
    pub person: Option<PersonId>,
    pub voices: Vec<Voice>,
    pub profile: Profile,
    /// One of the voices says something new.
    pub stirred: bool,
}

impl Voice {
    fn pending(place: usize, pending: &Pending, grounds: Grounds<'_>) -> Self {
        let record = [grounds.origin.source.as_str(), &pending.record.0, &pending.record.1];
        let from = pending.old.as_ref().map_or(grounds.origin.delivery, |old| Span::of(old).from);
        let (traits, span) = (Arc::clone(&pending.traits), Span::since(from));
        let stands = (hash(&record), hash(&[&pending.key]));
        Self { profile: Profile::of(&traits, span), traits, of: Spoken::Pending(place), stands, span }
    }

    fn kept((grounds, people): (Grounds<'_>, &People), statement: &Arc<Statement>) -> Self {
        let Statement { source, emitter, record_key, key, .. } = statement.as_ref();
        let traits = Arc::new(grounds.identity.traits_of(statement));
        let goes = people.goes_silent(statement).then_some(grounds.origin.delivery);
        let span = Span { until: goes.or(Span::of(statement).until), ..Span::of(statement) };
        let stands = (hash(&[source, emitter, record_key]), hash(&[key]));
        let of = Spoken::Kept(Arc::clone(statement));
        Self { profile: Profile::of(&traits, span), traits, of, stands, span }
    }

    /// It is no longer stated from this delivery on.
    pub fn goes(&self, people: &People) -> bool {
        matches!(&self.of, Spoken::Kept(statement) if people.goes_silent(statement))
    }

    /// What orders voices whatever came first: where they stand.
    pub fn order(&self) -> ((u64, u64), bool) {
        (self.stands, self.span.lasts())
    }

    /// Ready to be placed.
    pub fn member(&self) -> Member {
        Member { profile: self.profile.clone(), stands: self.stands, span: self.span }
    }
}

fn hash(parts: &[&str]) -> u64 {
    xxh3_64(parts.join("\u{1f}").as_bytes())
}

/// Everybody who may be meant by a claim of the batch, but for those it is known to be alone.
pub(super) fn gather(
    grounds: Grounds<'_>,
    (pending, alone): (&[Pending], &BTreeSet<usize>),
    hand: &Hand,
    people: &People,
) -> Vec<Somebody> {
    let continued: HashSet<i64> =
        pending.iter().filter_map(|pending| pending.old.as_ref()).filter_map(|old| old.id).collect();
    let mut wanted: HashMap<PersonId, Vec<usize>> =
        hand.candidates.iter().map(|(_, person)| (*person, Vec::new())).collect();
    let asked = hand.bench.questions.iter().flat_map(|question| [question.persons.0, question.persons.1]);
    let summoned = hand.bench.summoned.iter().copied();
    wanted.extend(asked.chain(summoned).chain(people.gone_silent()).map(|person| (person, Vec::new())));
    for sought in pending.iter().filter(|pending| pending.sought) {
        wanted.extend(sought.old.iter().map(|old| (old.person, Vec::new())));
    }
    let mut all = Vec::with_capacity(pending.len());
    for (place, pending) in pending.iter().enumerate() {
        match pending.old.as_ref().map(|old| wanted.get_mut(&old.person)) {
            Some(Some(places)) => places.push(place),
            Some(None) => {}
            None if alone.contains(&place) => {}
            None => all.push(newcomer(grounds, place, pending)),
        }
    }
    for (person, places) in wanted {
        let Some(working) = people.get(person) else { continue };
        let kept = working.statements.iter().filter(|kept| kept.id.is_none_or(|id| !continued.contains(&id)));
        let mut voices: Vec<Voice> = kept.map(|kept| Voice::kept((grounds, people), kept)).collect();
        let stirred = hand.bench.summoned.contains(&person)
            || voices.iter().any(|voice| voice.goes(people))
            || places.iter().any(|place| pending.get(*place).is_some_and(|pending| pending.sought));
        let restated = places.into_iter().filter_map(|place| Some((place, pending.get(place)?)));
        voices.extend(restated.map(|(place, pending)| Voice::pending(place, pending, grounds)));
        all.push(Somebody { person: Some(person), profile: profile(&voices), voices, stirred });
    }
    all
}

fn newcomer(grounds: Grounds<'_>, place: usize, pending: &Pending) -> Somebody {
    let voices = vec![Voice::pending(place, pending, grounds)];
    Somebody { person: None, profile: profile(&voices), voices, stirred: true }
}

fn profile(voices: &[Voice]) -> Profile {
    let mut voices = voices.iter().map(|voice| voice.profile.clone());
    let mut profile = voices.next().unwrap_or_default();
    voices.for_each(|other| profile.join(other));
    profile
}
