//! What binds two persons: rules on numbers first, then what their likeness weighs.
//!
//! Two profiles and the policy enter; a bond, a doubt, or nothing leaves. A shared key is never enough against a contradiction: two
//! persons of a household may carry one France Travail number (seen in real feeds), and two persons may have one name and one
//! birth date. Numbers are ruled, not weighed: a NIR that fits decides, one that does not forbids.

use super::kin::Kin;
use super::likeness::Likeness;
use super::policy::{Centibits, Policy, Weighed};
use super::profile::Profile;

/// What binds two, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bond {
    /// A number both bear, by how much its kind tells.
    Number(u8),
    /// A number its source no longer gives one of them: it may be somebody else's now.
    FormerNumber(u8),
    /// The NIR, although a name, given name or birth differs.
    NirNearly,
    /// The whole name, every given name and the full birth date.
    WholeName,
    /// Name, given names and birth as far as both are known.
    Name,
    /// Likeness alone.
    Likeness,
}

impl Bond {
    /// What goes before what: numbers before likeness, and of what is alike only the weight counts.
    pub(super) fn rank(self) -> (u8, u8) {
        match self {
            Self::Number(rank) => (0, rank),
            Self::FormerNumber(rank) => (1, rank),
            Self::NirNearly => (2, 0),
            Self::WholeName | Self::Name | Self::Likeness => (3, 0),
        }
    }
}

/// Why a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Doubt {
    /// Alike, not alike enough.
    Alike,
    /// Several persons are as near, and are not one.
    Several,
    /// The whole name and birth, under two NIR; or as alike as may be, and a correction of sex or birth would make the two NIR one.
    OtherNir,
    /// One NIR, and more than one other trait that differs.
    SharedNir,
    /// The same name and birth, which one source states apart: under two numbers, or with two lives.
    OtherNumber,
    /// The same name and birth under another given name: a twin, or the given name they go by.
    Twins,
}

impl Doubt {
    /// Every reason.
    pub const ALL: [Self; 6] =
        [Self::Alike, Self::Several, Self::OtherNir, Self::SharedNir, Self::OtherNumber, Self::Twins];

    /// A word for tables, JSON and the store.
    pub fn word(self) -> &'static str {
        match self {
            Self::Alike => "ressemblance",
            Self::Several => "plusieurs",
            Self::OtherNir => "autre_nir",
            Self::SharedNir => "nir_partage",
            Self::OtherNumber => "autre_numero",
            Self::Twins => "jumeaux",
        }
    }
}

/// How two persons stand to one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation {
    /// What was found: a bond, or why to ask.
    pub found: Result<Bond, Doubt>,
    /// What their likeness weighs.
    pub weight: Centibits,
}

/// Relates two persons that share a key; nothing when they have nothing to do with one another.
pub fn relate(a: &Profile, b: &Profile, policy: &Policy) -> Option<Relation> {
    if !a.shares_a_key(b) {
        return None;
    }
    let likeness = Likeness::of(a, b);
    let weighed = policy.weigh(&likeness, policy.common(a, b, &likeness));
    let weight = weighed.weight;
    let found = if a.shares_a_nir(b) {
        Some(by_nir(a, b, weight >= policy.link && !likeness.is_of_another_name()))
    } else if a.nirs_differ(b) {
        let mended = || weight >= policy.review && a.nirs_may_be_mended(b) && !a.differ_in_rank(b);
        (a.has_whole_name_of(b) || mended()).then_some(Err(Doubt::OtherNir))
    } else {
        by_number(a, b).map(Ok).or_else(|| by_likeness(a, b, weighed, policy))
    };
    found.map(|found| Relation { found, weight })
}

/// Whether nothing known of two speaks against their being one.
pub(super) fn may_be_one(a: &Profile, b: &Profile) -> bool {
    if a.shares_a_nir(b) {
        return a.given_go_together(b) || may_be_misspelt(a, b);
    }
    a.speaks_for(b) && !a.differ_in_number(b) && !a.differ_in_rank(b)
}

/// A NIR shared: one trait may differ, more only when all that agrees outweighs them and some
/// name does. It is written for spouses and children too.
fn by_nir(a: &Profile, b: &Profile, alike: bool) -> Result<Bond, Doubt> {
    match a.differing(b) {
        0 | 1 if !may_be_one(a, b) => Err(Doubt::SharedNir),
        0 => Ok(Bond::Number(0)),
        1 => Ok(Bond::NirNearly),
        _ if alike && !a.differ_in_rank(b) => Ok(Bond::NirNearly),
        _ => Err(Doubt::SharedNir),
    }
}

/// Whether two of one NIR may be one although a given name differs: it alone may be written wrong. Twins have ranks or numbers of
/// their own, or another NIR; a source that numbers one person twice writes nearly the same given name.
fn may_be_misspelt(a: &Profile, b: &Profile) -> bool {
    let apart = a.differ_in_number(b) && !a.has_nearly_the_given_of(b);
    a.have_one_nir(b) && a.differing(b) < 2 && !a.differ_in_rank(b) && !apart
}

fn by_number(a: &Profile, b: &Profile) -> Option<Bond> {
    let (rank, former) = a.shared_number(b)?;
    let bond = if former { Bond::FormerNumber(rank) } else { Bond::Number(rank) };
    may_be_one(a, b).then_some(bond)
}

fn by_likeness(
    a: &Profile,
    b: &Profile,
    Weighed { weight, against }: Weighed,
    policy: &Policy,
) -> Option<Result<Bond, Doubt>> {
    if a.differ_in_rank(b) {
        return None;
    }
    // Of those one source numbers apart, it is asked whenever the name is the same: they are its duplicates, or namesakes. Or where
    // they are alike for all that.
    if a.differ_in_number(b) && (weight < policy.link || !a.may_be_numbered_twice(b)) {
        return (weight >= policy.review || a.has_name_of(b)).then_some(Err(Doubt::OtherNumber));
    }
    if weight < policy.review {
        return None;
    }
    if a.is_stated_beside(b) && a.may_be_two_of_one_day(b) {
        return Some(Err(Doubt::OtherNumber));
    }
    Some(match (weight >= policy.link, a.has_name_of(b)) {
        (false, _) if matches!(against, Some(Kin::Twins | Kin::TwinsAtHome)) => Err(Doubt::Twins),
        (false, _) => Err(Doubt::Alike),
        (true, true) if a.has_whole_name_of(b) => Ok(Bond::WholeName),
        (true, true) => Ok(Bond::Name),
        (true, false) => Ok(Bond::Likeness),
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::canonical::{Canon, FieldValues, Value};
    use crate::delivery::DeliveryId;
    use crate::identity::{IdentityFields, Span};

    /// Somebody of one name, birth and home, as a source has them.
    fn stated(by: &str, more: &[(&str, &str)]) -> Profile {
        let canon =
            Canon::from_schema(include_str!("../../../schemas/personne/v1.json")).expect("the schema");
        let texts = [
            ("identite.nom_naissance", "Vuillemin"),
            ("identite.date_naissance", "1974-06-17"),
            ("adresse.voie", "12 rue des Tilleuls"),
            ("adresse.code_postal", "52000"),
        ];
        let stated = texts.iter().filter(|(path, _)| more.iter().all(|(other, _)| other != path)).chain(more);
        let mut values: FieldValues =
            stated.map(|(path, text)| (canon.find(path).expect("a field"), Value::text(text))).collect();
        values.sort_by_key(|(field, _)| *field);
        let traits = IdentityFields::of(&canon).traits(&values, by, by);
        Profile::of(&traits, Span::since(DeliveryId(Uuid::nil())))
    }

    #[test]
    fn twins_at_one_address_are_asked_about_whatever_else_twins_share() {
        let policy = Policy::read(include_str!("../../../mappings/identite.yaml")).expect("a policy");
        for shared in [
            &[][..],
            &[("identite.sexe", "2")],
            &[("identite.sexe", "2"), ("identite.lieu_naissance", "CHAUMONT")],
            &[("identite.lieu_naissance", "CHAUMONT")],
        ] {
            let of = |by, given| stated(by, &[shared, &[("identite.prenoms", given)]].concat());
            let relation = relate(&of("caf", "Sophie"), &of("ft", "Julie"), &policy).expect("alike");
            assert_eq!(relation.found, Err(Doubt::Twins), "{shared:?}: {}", relation.weight);
        }
    }

    #[test]
    fn who_one_source_numbers_twice_is_one_under_a_mistyped_given_name_and_two_under_another_one() {
        let policy = Policy::read(include_str!("../../../mappings/identite.yaml")).expect("a policy");
        let of = |number, given, birth, place| {
            let more = [
                ("identite.prenoms", given),
                ("identite.date_naissance", birth),
                ("identite.sexe", "2"),
                ("identite.lieu_naissance", place),
                ("identifiants.identifiant_ft_uuid", number),
            ];
            stated("ft", &more)
        };
        let (one, asked) = (Some(Ok(Bond::Likeness)), Some(Err(Doubt::OtherNumber)));
        for (other, birth, place, found) in [
            ("Sophei", "1974-06-17", "CHAUMONT", one),
            ("Sonia", "1974-06-17", "CHAUMONT", None),
            ("Sophei", "1974-01-01", "CHAUMONT", one),
            // Of one name at one address there may be several whose day nobody knows, of one département too.
            ("Sophie", "1974-01-01", "LANGRES", asked),
        ] {
            let (own, theirs) = (of("11", "Sophie", birth, "CHAUMONT"), of("12", other, birth, place));
            let relation = relate(&own, &theirs, &policy);
            assert_eq!(relation.map(|relation| relation.found), found, "{other} {birth} {place}");
        }
        // One country's code, and one of its towns for it.
        let born = |number, code, town| {
            let more = [
                ("identite.prenoms", "Sophie"),
                ("identite.date_naissance", "1974-01-01"),
                ("identite.commune_naissance", code),
                ("identite.lieu_naissance", town),
                ("identifiants.identifiant_ft_uuid", number),
            ];
            stated("ft", &more)
        };
        let relation = relate(&born("11", "99351", "TUNIS"), &born("12", "99351", "TUNISIE"), &policy);
        assert!(matches!(relation.map(|relation| relation.found), Some(Ok(_))));
        let twins = (of("11", "Lina", "1974-06-17", "CHAUMONT"), of("12", "Lila", "1974-06-17", "LANGRES"));
        assert_eq!(relate(&twins.0, &twins.1, &policy), None);
    }

    #[test]
    fn two_of_1_january_whom_one_source_states_with_two_birthplaces_are_asked_about() {
        let policy = Policy::read(include_str!("../../../mappings/identite.yaml")).expect("a policy");
        let of = |birth, place| {
            let more = [
                ("identite.prenoms", "Mohamed"),
                ("identite.date_naissance", birth),
                ("identite.lieu_naissance", place),
            ];
            stated("caf", &more)
        };
        let found = |birth, other| {
            let relation = relate(&of(birth, "CONAKRY"), &of(birth, other), &policy);
            relation.map(|relation| relation.found)
        };
        assert_eq!(found("1985-01-01", "KANKAN"), Some(Err(Doubt::OtherNumber)));
        assert!(matches!(found("1985-01-01", "CONAKRY"), Some(Ok(_))));
        assert!(matches!(found("1985-03-17", "KANKAN"), Some(Ok(_))));
    }

    #[test]
    fn a_nir_one_character_apart_is_a_misprint_unless_both_came_with_their_keys() {
        let policy = Policy::read(include_str!("../../../mappings/identite.yaml")).expect("a policy");
        let of = |by, nir, keyed: bool| {
            let more = [("identite.prenoms", "Mohamed"), ("identite.nir", nir)];
            let mut profile = stated(by, &more);
            profile.sure_nirs.extend(keyed.then(|| nir.into()));
            profile
        };
        let found = |keyed, also| {
            let (own, theirs) = (of("caf", "1740699330001", keyed), of("dept", "1740699330007", also));
            relate(&own, &theirs, &policy).map(|relation| relation.found)
        };
        assert_eq!(found(true, true), Some(Err(Doubt::OtherNir)));
        // Whoever else states one of them without its key.
        let mut own = of("caf", "1740699330001", true);
        own.join(of("ft", "1740699330001", false));
        let relation = relate(&own, &of("dept", "1740699330007", true), &policy);
        assert_eq!(relation.map(|relation| relation.found), Some(Err(Doubt::OtherNir)));
        for (keyed, also) in [(true, false), (false, true), (false, false)] {
            assert!(matches!(found(keyed, also), Some(Ok(_))), "{keyed} {also}");
        }
    }

    #[test]
    fn a_number_passed_on_within_a_home_makes_nobody_one() {
        let policy = Policy::read(include_str!("../../../mappings/identite.yaml")).expect("a policy");
        let of = |given, birth| {
            stated(
                "dept",
                &[
                    ("identite.prenoms", given),
                    ("identite.date_naissance", birth),
                    ("identifiants.identifiant_departement", "1"),
                ],
            )
        };
        let found =
            |other| relate(&of("Julie", "1985-03-04"), &other, &policy).map(|relation| relation.found);
        assert_eq!(found(of("Paul", "1981-07-19")), None);
        assert!(matches!(found(of("Julie", "1985-03-14")), Some(Ok(_))));
        // A wife's name and the given name she goes by, under the number and the day she had.
        let renamed = stated(
            "ft",
            &[
                ("identite.nom_naissance", "Kermadec"),
                ("identite.prenoms", "Lise"),
                ("identite.date_naissance", "1985-03-04"),
                ("identifiants.identifiant_asp", "1"),
            ],
        );
        let own = stated(
            "dept",
            &[
                ("identite.prenoms", "Julie"),
                ("identite.date_naissance", "1985-03-04"),
                ("identifiants.identifiant_asp", "1"),
            ],
        );
        let relation = relate(&own, &renamed, &policy).map(|relation| relation.found);
        assert_eq!(relation, Some(Ok(Bond::Likeness)));
    }

    #[test]
    fn two_nir_that_one_correction_would_make_one_are_asked_about_and_those_of_twins_are_not() {
        let policy = Policy::read(include_str!("../../../mappings/identite.yaml")).expect("a policy");
        let own = stated("caf", &[("identite.prenoms", "Sophie"), ("identite.nir", "2740652121103")]);
        for (given, birth, nir, found) in [
            ("Sophie", "1974-07-17", "2740752121103", Some(Err(Doubt::OtherNir))),
            ("Sophie", "1984-06-17", "2840652121103", Some(Err(Doubt::OtherNir))),
            ("Sophie", "1984-06-17", "2840652121207", None),
            ("Julie", "1974-06-17", "2740652121104", None),
        ] {
            let born =
                [("identite.prenoms", given), ("identite.date_naissance", birth), ("identite.nir", nir)];
            let relation = relate(&own, &stated("departement", &born), &policy);
            assert_eq!(relation.map(|relation| relation.found), found, "{nir}");
        }
    }
}
