//! Resolve, for a batch: who each of its claims speaks of, and what that makes of the persons known.
//!
//! Pending claims and the persons at hand enter. Claims that have to do with one another are grouped anew, all of them, so that what
//! is known never depends on the order it came in; a group is the person its oldest claim belonged to. Pure.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::{HashMap, HashSet};
use uuid::Uuid;

use crate::code::Code;
use crate::delivery::PersonId;
use crate::identity::{Doubt, IdentityKey, Partition, Profile, Question as Open, Ruling, Span, partition};
use crate::ruling::{Absorbed, Question, Ruled};
use crate::statement::Origin;

use super::circles::Circles;
use super::context::Grounds;
use super::hand::Hand;
use super::pairing::{Pending, Told};
use super::people::{Parted, People};
use super::voices::{Somebody, Spoken, Voice, gather};

/// Claims that have to do with one another above which nobody is compared any more.
const MOST_VOICES: usize = 400;

/// Who is who after a batch.
#[derive(Default)]
pub(super) struct Resolution {
    /// Who each pending claim speaks of, by place; nobody yet, when it waits for the end of its delivery.
    pub persons: Vec<Option<PersonId>>,
    /// Keys nothing of the person bore yet.
    pub keys: Vec<(IdentityKey, PersonId)>,
    pub told: Vec<Told>,
    /// Keys that were not looked up and should have been: their persons may be one with somebody here.
    pub further: Vec<IdentityKey>,
    /// Persons whose questions are all known anew, and the questions.
    pub examined: Vec<PersonId>,
    pub questions: Vec<Question>,
}

/// Finds who each pending claim speaks of.
pub(super) fn resolve(
    grounds: Grounds<'_>,
    (pending, hand): (&[Pending], &Hand),
    people: &mut People,
    mint: &mut dyn FnMut() -> Uuid,
) -> Resolution {
    let alone = alone(pending, hand);
    let everybody = gather(grounds, (pending, &alone), hand, people);
    let together = !hand.bench.one_by_one;
    let circles = Circles::of(&everybody, (&hand.bench.summoned, together), grounds.policy);
    let known = |pending: &Pending| pending.old.as_ref().map(|old| old.person);
    let resolution = Resolution { persons: pending.iter().map(known).collect(), ..Resolution::default() };
    let mut resolving = Resolving { grounds, pending, hand, people, mint, resolution };
    for place in alone {
        resolving.make(place);
    }
    for circle in &circles.all {
        let circle: Vec<&Somebody> = circle.iter().filter_map(|at| everybody.get(*at)).collect();
        resolving.place(&circle);
    }
    let crowded = circles.crowded.iter().filter_map(|at| everybody.get(*at));
    let numbers = crowded.flat_map(|somebody| &somebody.voices).filter_map(|voice| resolving.number(voice));
    let crowded = |pending: &&Pending| pending.wanted().iter().any(|key| hand.crowded.contains(key));
    let numbers = numbers.chain(pending.iter().filter(crowded).map(|pending| pending.position.number));
    let told: Vec<Told> = numbers.map(|number| (Code::CrowdedKey, number)).collect();
    resolving.resolution.told.extend(told);
    resolving.resolution
}

/// Claims that share no key with anybody, by place: most of a first load. Each is somebody new, and nobody is compared with them.
fn alone(pending: &[Pending], hand: &Hand) -> BTreeSet<usize> {
    let mut bearing: HashMap<&IdentityKey, u32> = HashMap::new();
    for key in pending.iter().flat_map(|pending| pending.traits.keys()) {
        *bearing.entry(key).or_default() += 1;
    }
    for key in hand.candidates.iter().map(|(key, _)| key).chain(&hand.crowded) {
        *bearing.entry(key).or_default() += 1;
    }
    let only = |key: &IdentityKey| bearing.get(key) == Some(&1);
    let is_alone = |pending: &Pending| pending.old.is_none() && pending.traits.keys().iter().all(only);
    (0..).zip(pending).filter(|(_, pending)| is_alone(pending)).map(|(place, _)| place).collect()
}

/// A voice, and the person it belonged to.
#[derive(Clone, Copy)]
struct Heard<'v> {
    voice: &'v Voice,
    person: Option<PersonId>,
}

impl<'v> Heard<'v> {
    fn all(somebody: &'v Somebody) -> impl Iterator<Item = Self> {
        somebody.voices.iter().map(|voice| Self { voice, person: somebody.person })
    }

    /// The row of its claim, when it is kept already.
    fn claim(&self, pending: &[Pending]) -> Option<i64> {
        match &self.voice.of {
            Spoken::Kept(statement) => statement.id,
            Spoken::Pending(place) => pending.get(*place)?.old.as_ref()?.id,
        }
    }
}

/// A group of voices, and the person it is.
struct Group<'v> {
    voices: Vec<Heard<'v>>,
    home: PersonId,
}

struct Resolving<'r> {
    grounds: Grounds<'r>,
    pending: &'r [Pending],
    hand: &'r Hand,
    people: &'r mut People,
    mint: &'r mut dyn FnMut() -> Uuid,
    resolution: Resolution,
}

impl Resolving<'_> {
    /// Makes somebody new of a claim.
    fn make(&mut self, place: usize) {
        let Some(pending) = self.pending.get(place) else { return };
        let home = PersonId((self.mint)());
        if let Some(person) = self.resolution.persons.get_mut(place) {
            *person = Some(home);
        }
        self.resolution.keys.extend(pending.traits.keys().iter().map(|key| (*key, home)));
    }

    /// Groups those who have to do with one another, and says who each group is.
    fn place(&mut self, circle: &[&Somebody]) {
        let mut voices: Vec<Heard<'_>> = circle.iter().flat_map(|somebody| Heard::all(somebody)).collect();
        // What tells nothing of who it is stays where it is.
        voices.retain(|heard| heard.person.is_none() || !heard.voice.traits.keys().is_empty());
        voices.sort_by_key(|heard| heard.voice.order());
        let too_many = voices.len() > MOST_VOICES;
        let Partition { groups, questions } = if too_many {
            as_they_were(&voices)
        } else {
            let members = voices.iter().map(|heard| heard.voice.member()).collect();
            partition(members, &self.rulings(&voices), self.grounds.policy)
        };
        let voices_of = |group: &Vec<usize>| group.iter().filter_map(|at| voices.get(*at).copied()).collect();
        let groups: Vec<Vec<Heard<'_>>> = groups.iter().map(voices_of).collect();
        let waiting = self.waiting(&groups, &questions);
        let (stays, returns) = (self.stays(&voices), self.returns(&voices));
        let before = self.people.changes();
        let homes: Vec<Option<Group<'_>>> = (0..)
            .zip(groups)
            .map(|(at, voices)| (!waiting.contains(&at)).then(|| self.home(voices, (&stays, &returns))))
            .collect();
        homes.iter().flatten().for_each(|group| self.move_in(group));
        self.let_go(&voices, &homes);
        homes.iter().flatten().for_each(|group| self.learn(circle, group));
        if self.people.changes() != before
            || homes.iter().flatten().any(|group| self.is_news(circle, group))
            || self.asks_elsewhere(&voices)
        {
            self.look_further(&voices);
        }
        for question in &questions {
            self.ask(question, &homes);
        }
        // Those nobody compared are asked about as they were.
        let examined = homes.iter().flatten().filter(|group| !too_many && self.is_heard_anew(group));
        let examined: Vec<PersonId> = examined.map(|group| group.home).collect();
        self.resolution.examined.extend(examined);
    }

    /// What a person has ruled of these voices: of two claims, the last word.
    fn rulings(&self, voices: &[Heard<'_>]) -> Vec<Ruling> {
        let place = |claim: i64| voices.iter().position(|heard| heard.claim(self.pending) == Some(claim));
        let mut last: BTreeMap<(usize, usize), bool> = BTreeMap::new();
        for Ruled { claims, one, .. } in &self.hand.bench.ruled {
            if let (Some(a), Some(b)) = (place(claims.0), place(claims.1)) {
                last.insert((a.min(b), a.max(b)), *one);
            }
        }
        last.into_iter().map(|(of, one)| Ruling { of, one }).collect()
    }

    /// Whether a claim of a group says something new, or is another's than it was, or its person was summoned.
    fn is_heard_anew(&self, Group { voices, home }: &Group<'_>) -> bool {
        let new = |heard: &Heard<'_>| match heard.voice.of {
            Spoken::Pending(place) => self.pending.get(place).is_some_and(|pending| pending.sought),
            Spoken::Kept(_) => heard.person != Some(*home) || heard.voice.goes(self.people),
        };
        let parted = self.people.parted.iter().any(|parted| parted.from == *home);
        parted || voices.iter().any(new) || self.hand.bench.summoned.contains(home)
    }

    /// Groups that are one claim only a number keeps from one of its name, which the delivery may yet show to be gone.
    fn waiting(&self, groups: &[Vec<Heard<'_>>], questions: &[Open]) -> HashSet<usize> {
        let asked = |at: usize| {
            questions.iter().any(|q| q.doubt == Doubt::OtherNumber && (q.of.0 == at || q.of.1 == at))
        };
        let mut waiting = HashSet::new();
        for (at, group) in groups.iter().enumerate() {
            let [only] = group.as_slice() else { continue };
            let Spoken::Pending(place) = only.voice.of else { continue };
            let alone = self.pending.get(place).filter(|pending| pending.alone && pending.old.is_none());
            if alone.is_some() && asked(at) && self.grounds.may_leave {
                waiting.insert(at);
            }
        }
        waiting
    }

    /// For each person of a circle, the claim it has had longest: where that goes, the person goes. What it had of somebody restored
    /// goes with them.
    fn stays(&self, voices: &[Heard<'_>]) -> BTreeMap<PersonId, i64> {
        let restored =
            |claim: i64| self.hand.bench.restored.iter().any(|restored| restored.claims.contains(&claim));
        let mut stays: BTreeMap<PersonId, (bool, i64)> = BTreeMap::new();
        for heard in voices {
            if let (Some(person), Some(claim)) = (
                heard.person,
                heard
                    .claim(self.pending)
                    .filter(|claim| !restored(*claim) && !self.is_said_another_s(*claim)),
            ) {
                let claim = (self.came_by_a_word(person, claim), claim);
                let oldest = stays.entry(person).or_insert(claim);
                *oldest = claim.min(*oldest);
            }
        }
        stays.into_iter().map(|(person, (_, claim))| (person, claim)).collect()
    }

    /// Whether somebody has a claim only because it was said to be another's than whose it is again.
    fn came_by_a_word(&self, person: PersonId, claim: i64) -> bool {
        self.hand
            .bench
            .stays
            .as_ref()
            .is_some_and(|stays| stays.person != person && stays.again.contains(&claim))
    }

    /// Who a group is: of those whose oldest claim is in it the one of the oldest, who absorbs the others; else somebody new, who was
    /// taken for another until now. Should they part again, each finds its own claim.
    fn home<'v>(
        &mut self,
        voices: Vec<Heard<'v>>,
        (stays, returns): (&BTreeMap<PersonId, i64>, &BTreeMap<i64, PersonId>),
    ) -> Group<'v> {
        let holds = |claim: &i64| voices.iter().any(|heard| heard.claim(self.pending) == Some(*claim));
        let mut staying: Vec<(i64, PersonId)> =
            stays.iter().filter(|(_, claim)| holds(claim)).map(|(person, claim)| (*claim, *person)).collect();
        let remains =
            |person: PersonId| self.hand.bench.stays.as_ref().is_some_and(|stays| stays.person == person);
        staying.sort_unstable_by_key(|(claim, person)| (!remains(*person), *claim));
        let shown_by = self.shown_by(&voices);
        if staying.is_empty() {
            let back = returns.iter().find(|(claim, _)| holds(claim)).map(|(_, person)| *person);
            let home = back.unwrap_or_else(|| PersonId((self.mint)()));
            let left: BTreeSet<PersonId> = voices.iter().filter_map(|heard| heard.person).collect();
            let parted =
                left.into_iter().map(|from| Parted { from, apart: home, shown_by: shown_by.clone() });
            self.people.parted.extend(parted);
            return Group { voices, home };
        }
        let (_, home) = staying.remove(0);
        for (_, gone) in staying {
            self.people.absorb(gone, home, &shown_by);
        }
        Group { voices, home }
    }

    /// Whether a claim was just said to be another's than who it belonged to.
    fn is_said_another_s(&self, claim: i64) -> bool {
        self.hand.bench.stays.as_ref().is_some_and(|stays| stays.apart.contains(&claim))
    }

    /// Those a ruling that holds no more had absorbed, each by the oldest of the claims it had: who has that one now is them again.
    fn returns(&self, voices: &[Heard<'_>]) -> BTreeMap<i64, PersonId> {
        let heard: HashSet<i64> = voices.iter().filter_map(|heard| heard.claim(self.pending)).collect();
        let oldest =
            |restored: &Absorbed| restored.claims.iter().copied().filter(|claim| heard.contains(claim)).min();
        let restored = self.hand.bench.restored.iter();
        restored.filter_map(|restored| Some((oldest(restored)?, restored.person))).collect()
    }

    /// Where the claim that shows who a group is stands: one just read, if any.
    fn shown_by(&self, voices: &[Heard<'_>]) -> Origin {
        let read = voices.iter().filter_map(|heard| match heard.voice.of {
            Spoken::Pending(place) => self.pending.get(place),
            Spoken::Kept(_) => None,
        });
        let shown = read.max_by_key(|pending| pending.sought);
        shown.map_or_else(|| self.grounds.origin.clone(), |pending| pending.origin(self.grounds))
    }

    /// Gives a group its claims.
    fn move_in(&mut self, Group { voices, home }: &Group<'_>) {
        for heard in voices {
            match &heard.voice.of {
                Spoken::Kept(statement) if self.people.now(statement.person) == *home => {}
                Spoken::Kept(statement) => self.people.give(statement, *home),
                Spoken::Pending(place) => {
                    if let Some(person) = self.resolution.persons.get_mut(*place) {
                        *person = Some(*home);
                    }
                }
            }
        }
    }

    /// Whoever has no claim any more, because a ruling that holds no more had made them, is who has the oldest of those they had.
    fn let_go(&mut self, voices: &[Heard<'_>], homes: &[Option<Group<'_>>]) {
        let emptied = |person: &PersonId| self.people.get(*person).is_some_and(|left| !left.has_claims());
        let persons: BTreeSet<PersonId> = voices.iter().filter_map(|heard| heard.person).collect();
        for person in persons.into_iter().filter(emptied).collect::<Vec<_>>() {
            let had = voices.iter().filter(|heard| heard.person == Some(person));
            let oldest = had.filter_map(|heard| heard.claim(self.pending)).min();
            let holds = |group: &&Group<'_>| {
                group
                    .voices
                    .iter()
                    .any(|heard| heard.claim(self.pending).is_some_and(|id| Some(id) == oldest))
            };
            let Some(Group { voices, home }) = homes.iter().flatten().find(holds) else { continue };
            let shown_by = self.shown_by(voices);
            self.people.parted.retain(|parted| parted.from != person);
            self.people.absorb(person, *home, &shown_by);
        }
    }

    /// The keys nothing of the person bore yet.
    fn learn(&mut self, circle: &[&Somebody], Group { voices, home }: &Group<'_>) {
        let own = self.own(circle, *home);
        let borne: HashSet<IdentityKey> = own.iter().flat_map(|somebody| self.borne(somebody)).collect();
        let keys = voices.iter().flat_map(|heard| heard.voice.traits.keys());
        let new = keys.filter(|key| !borne.contains(*key)).map(|key| (*key, *home));
        let new: Vec<_> = new.collect();
        self.resolution.keys.extend(new);
    }

    /// Those of a circle who are a person now.
    fn own<'s>(&self, circle: &[&'s Somebody], home: PersonId) -> Vec<&'s Somebody> {
        let is =
            |somebody: &&&Somebody| somebody.person.is_some_and(|person| self.people.now(person) == home);
        circle.iter().filter(is).copied().collect()
    }

    /// The keys claims of somebody bore before this batch.
    fn borne(&self, somebody: &Somebody) -> Vec<IdentityKey> {
        let keys = somebody.voices.iter().flat_map(|voice| match voice.of {
            Spoken::Kept(_) => voice.traits.keys().to_vec(),
            Spoken::Pending(place) => match self.pending.get(place) {
                Some(Pending { sought: false, traits, .. }) => traits.keys().to_vec(),
                Some(Pending { old: Some(old), .. }) => self.grounds.identity.traits_of(old).keys().to_vec(),
                _ => Vec::new(),
            },
        });
        keys.collect()
    }

    /// Whether a claim tells of its person a birth or given names nobody had told: it may be one with others now.
    fn is_news(&self, circle: &[&Somebody], Group { voices, home }: &Group<'_>) -> bool {
        let own = self.own(circle, *home);
        voices.iter().any(|heard| {
            let Spoken::Pending(place) = heard.voice.of else { return false };
            let Some(pending) = self.pending.get(place).filter(|pending| pending.sought) else {
                return false;
            };
            match pending.old.as_ref() {
                Some(old) => {
                    Profile::of(&self.grounds.identity.traits_of(old), Span::of(old)).is_news(&pending.traits)
                }
                None => own.iter().any(|somebody| somebody.profile.is_news(&pending.traits)),
            }
        })
    }

    /// Whether somebody here is asked about with somebody who is not: what links them, a claim of a third, was not looked up.
    fn asks_elsewhere(&self, voices: &[Heard<'_>]) -> bool {
        let here: BTreeSet<PersonId> = voices.iter().filter_map(|heard| heard.person).collect();
        let mut asked = self.hand.bench.questions.iter().map(|question| question.persons);
        asked.any(|(one, other)| here.contains(&one) != here.contains(&other))
    }

    fn look_further(&mut self, voices: &[Heard<'_>]) {
        let keys = voices.iter().flat_map(|heard| heard.voice.traits.keys());
        let further = keys.filter(|key| self.hand.looked_up.binary_search(key).is_err());
        self.resolution.further.extend(further.copied());
    }

    /// Notes what somebody is to be asked, and tells it of a claim that might have been somebody known.
    fn ask(&mut self, question: &Open, homes: &[Option<Group<'_>>]) {
        let group = |at: usize| homes.get(at).and_then(Option::as_ref);
        let (Some(one), Some(other)) = (group(question.of.0), group(question.of.1)) else { return };
        let Open { doubt, weight, .. } = *question;
        let persons = (one.home.min(other.home), one.home.max(other.home));
        let before = self.hand.bench.questions.iter().find(|known| known.persons == persons);
        let since = before.map_or(self.grounds.at, |known| known.since);
        self.resolution.questions.push(Question { persons, doubt, weight, since });
        let code = match doubt {
            Doubt::Alike | Doubt::Twins => Code::ToExamine,
            // The end of the delivery may yet show one of the two to be gone.
            Doubt::OtherNumber if self.grounds.may_leave && !self.grounds.unjudged => return,
            _ => Code::SeveralPersons,
        };
        let new = |heard: &&Heard<'_>| heard.person.is_none();
        let told = [one, other].into_iter().filter(|group| group.voices.iter().all(|heard| new(&heard)));
        let numbers: Vec<u64> = told.filter_map(|group| self.number(group.voices.first()?.voice)).collect();
        self.resolution.told.extend(numbers.into_iter().map(|number| (code, number)));
    }

    fn number(&self, voice: &Voice) -> Option<u64> {
        match voice.of {
            Spoken::Pending(place) => self.pending.get(place).map(|pending| pending.position.number),
            Spoken::Kept(_) => None,
        }
    }
}

/// Too many to compare: everybody stays who they were.
fn as_they_were(voices: &[Heard<'_>]) -> Partition {
    let mut groups = Vec::new();
    let mut of_person: BTreeMap<PersonId, Vec<usize>> = BTreeMap::new();
    for (at, heard) in voices.iter().enumerate() {
        match heard.person {
            Some(person) => of_person.entry(person).or_default().push(at),
            None => groups.push(vec![at]),
        }
    }
    groups.extend(of_person.into_values());
    Partition { groups, questions: Vec::new() }
}
