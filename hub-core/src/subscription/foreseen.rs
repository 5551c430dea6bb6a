//! Foresee: whom something that may become of persons would be told to.
//!
//! Events the hub would announce and the persons before and after enter; how many events each subscriber would be told leaves. It takes
//! the very path of telling ([`Lens::tell`]), so nobody is counted who would not be told; nothing is kept. Pure.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use jiff::Timestamp;
use jiff::civil::Date;

use super::news::kin;
use super::{Declared, Followed, Kin, Lens, Pseudonyms, Standing, Step, Territory};
use crate::canonical::Canon;
use crate::delivery::PersonId;
use crate::event::Event;
use crate::referential::departement;
use crate::statement::{Origin, Stated};
use crate::store::KnownPerson;

/// What may become of persons.
#[derive(Debug, Clone, Copy)]
pub struct Prospect<'p> {
    /// What the hub would announce.
    pub events: &'p [Event],
    /// The persons they are about as they are known now.
    pub before: &'p [KnownPerson],
    /// Those and whom they would be found to be, as they would be known.
    pub after: &'p [KnownPerson],
}

impl Declared {
    /// How many events each subscriber would be told; who would be told none is left out.
    pub fn foresee(
        &self,
        canon: &Canon,
        today: Date,
        prospect: Prospect<'_>,
    ) -> BTreeMap<CompactString, u64> {
        let mut counts = BTreeMap::new();
        for followed in self.followed(today) {
            let keys = prospect.told(canon, &followed);
            for subscription in &followed.subscriptions {
                let count = keys.iter().filter(|key| subscription.follows(key)).count() as u64;
                if count > 0 {
                    counts.insert(subscription.subscriber.clone(), count);
                }
            }
        }
        counts
    }
}

impl Prospect<'_> {
    /// The routing keys of what a profile would be told.
    fn told(&self, canon: &Canon, followed: &Followed<'_>) -> Vec<String> {
        // Names of persons are in no routing key.
        let pseudonyms = Pseudonyms::new([0; 32]);
        let Followed { scope, subscriptions, .. } = followed;
        let territories: Vec<Territory> = subscriptions.iter().map(|s| s.territory.clone()).collect();
        let lens = Lens { canon, scope, territories: &territories, pseudonyms: &pseudonyms };
        let persons: BTreeSet<PersonId> = self.events.iter().map(|event| event.person).collect();
        let told = persons.into_iter().flat_map(|person| self.told_of(person, &lens));
        told.map(|event| event.routing_key).collect()
    }

    fn told_of(&self, person: PersonId, lens: &Lens<'_>) -> Vec<Event> {
        let nothing = Stated::default();
        let known = find(self.before, person).filter(|known| known.merged_into.is_none());
        let before = known.map_or(&nothing, |known| &known.state);
        let after = find(self.after, person).map_or(&nothing, |known| &known.state);
        let saw = lens.scope.see(before);
        let place = departement(lens.canon, before);
        let seen_in: Option<CompactString> = lens.shows(before).then(|| place.as_str().into());
        let nowhere = Origin::nowhere();
        let by = after.origins.first().unwrap_or(&nowhere);
        let step = Step {
            saw: &saw,
            after,
            by,
            created: known.is_none(),
            kin: self.kin(person, seen_in.as_deref(), lens),
            at: Timestamp::UNIX_EPOCH,
        };
        lens.tell(person, Standing { sequence: 0, seen_in }, step).0
    }

    /// Whom a person would turn out to be, or not to be, as far as those who are told may know that one.
    fn kin(&self, person: PersonId, seen_in: Option<&str>, lens: &Lens<'_>) -> Kin {
        let mut own = self.events.iter().filter(|event| event.person == person);
        let kin = own.find_map(|event| kin(&event.routing_key, &event.json));
        let visible = |kin: &Kin| {
            let named = kin.person().and_then(|named| find(self.after, named));
            seen_in.zip(named).is_some_and(|(place, named)| lens.may_name(&[], (place, &named.state)))
        };
        kin.filter(visible).unwrap_or(Kin::None)
    }
}

fn find(persons: &[KnownPerson], id: PersonId) -> Option<&KnownPerson> {
    persons.iter().find(|known| known.id == id)
}
