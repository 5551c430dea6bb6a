//! How common a name is: two who share a common one are strangers more often than two who share any.
//!
//! The declared shares of common names enter; for two persons, by how much what they share weighs less leaves (term frequencies: Winkler,
//! 1989). Kin share a name because they are kin, however common it is: only against strangers does it weigh less.

use compact_str::CompactString;
use hashbrown::HashMap;

use super::few::Few;
use super::likeness::{Likeness, Trait};
use super::names::{self, Nearness};
use super::policy::Centibits;
use super::profile::Profile;

/// Common names and given names, each with how much less it weighs than one as common as most.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Frequencies {
    names: Listed,
    given: Listed,
}

type Listed = HashMap<CompactString, Centibits>;

/// By how much the names two persons share weigh less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Common {
    name: Centibits,
    given: Centibits,
}

impl Common {
    /// Of a trait.
    pub fn of(self, of: Trait) -> Centibits {
        match of {
            Trait::Nom => self.name,
            Trait::Prenoms => self.given,
            _ => 0,
        }
    }

    pub(super) fn sum(self) -> Centibits {
        self.name + self.given
    }
}

impl Frequencies {
    /// Lists a name, folded, of a trait.
    pub fn list(&mut self, of: Trait, name: CompactString, less: Centibits) {
        let listed = if of == Trait::Prenoms { &mut self.given } else { &mut self.names };
        listed.insert(name, less.max(0));
    }

    /// What two persons share.
    pub fn shared(&self, a: &Profile, b: &Profile, likeness: &Likeness) -> Common {
        if likeness.word(Trait::Nom) == Some("inverse") {
            let names = a.names.iter().chain(b.names.iter());
            return Common { name: names.map(|name| less(&self.names, name)).max().unwrap_or(0), given: 0 };
        }
        Common {
            name: nearest(&self.names, (&a.names, &b.names), names::names),
            given: nearest(&self.given, (&a.given, &b.given), names::given),
        }
    }
}

fn less(listed: &Listed, name: &str) -> Centibits {
    listed.get(name).copied().unwrap_or(0)
}

/// Of the nearest names two share, the least common.
fn nearest(
    listed: &Listed,
    (a, b): (&Few<CompactString>, &Few<CompactString>),
    nearness: impl Fn(&str, &str) -> Nearness,
) -> Centibits {
    if a.iter().chain(b.iter()).all(|name| less(listed, name) == 0) {
        return 0;
    }
    let pairs = a.iter().flat_map(|one| b.iter().map(move |other| (one, other)));
    let near = pairs.map(|(one, other)| (nearness(one, other), less(listed, one).max(less(listed, other))));
    near.min().filter(|(nearness, _)| *nearness != Nearness::Other).map_or(0, |(_, less)| less)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use crate::canonical::{Canon, FieldValues, Value};
    use crate::delivery::DeliveryId;
    use crate::identity::{Bond, Doubt, IdentityFields, Policy, Profile, Span, relate};

    const POLICY: &str = include_str!("../../../mappings/identite.yaml");

    /// Somebody born on 17 June 1974.
    fn stated(by: &str, name: &str, given: &str, place: &str) -> Profile {
        let canon =
            Canon::from_schema(include_str!("../../../schemas/personne/v1.json")).expect("the schema");
        let texts = [
            ("identite.nom_naissance", name),
            ("identite.prenoms", given),
            ("identite.date_naissance", "1974-06-17"),
            ("identite.sexe", "2"),
            ("identite.lieu_naissance", place),
            ("adresse.code_postal", if by == "caf" { "52000" } else { "51100" }),
        ];
        let mut values: FieldValues = texts
            .iter()
            .map(|(path, text)| (canon.find(path).expect("a field"), Value::text(text)))
            .collect();
        values.sort_by_key(|(field, _)| *field);
        let traits = IdentityFields::of(&canon).traits(&values, by, by);
        Profile::of(&traits, Span::since(DeliveryId(Uuid::nil())))
    }

    #[test]
    fn two_of_one_day_born_elsewhere_are_one_under_a_rare_name_and_asked_about_under_a_common_one() {
        // A département of a million: eleven MARIE MARTIN in 200 000 seldom share a day.
        let policy = POLICY.replace("population: 200000", "population: 1000000");
        let policy = Policy::read(&policy).expect("a policy");
        let found = |name, given| {
            let (one, other) =
                (stated("caf", name, given, "CHAUMONT"), stated("ft", name, given, "MONTPELLIER"));
            relate(&one, &other, &policy).expect("as alike as may be").found
        };
        assert_eq!(found("Vuillemin", "Solène"), Ok(Bond::WholeName));
        assert_eq!(found("Martin", "Marie"), Err(Doubt::Alike));
    }

    #[test]
    fn a_list_of_common_names_says_what_is_wrong_with_it() {
        for (list, expected) in [
            ("sexe: {F: 0.5}", "no names of `sexe` are listed"),
            ("noms: {DURAND: 0.01}", "no names of `noms` are listed"),
            ("prenoms: {MARIE: 1.7}", "expected names, each with its share"),
            ("prenoms: {'-': 0.01}", "expected names, each with its share"),
        ] {
            let head = POLICY.split("courants:").next().expect("the policy");
            let mistakes = Policy::read(&format!("{head}courants:\n  {list}\n")).expect_err(list);
            assert!(mistakes[0].message.contains(expected), "{list}: {}", mistakes[0].message);
        }
    }
}
