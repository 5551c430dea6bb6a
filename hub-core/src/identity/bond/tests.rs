//! What binds two, and what does not, under the policy as shipped.

use uuid::Uuid;

use super::*;
use crate::canonical::{Canon, FieldValues, Value};
use crate::delivery::DeliveryId;
use crate::identity::{IdentityFields, Span};

/// Somebody of one name, birth and home, as a source has them.
fn stated(by: &str, more: &[(&str, &str)]) -> Profile {
    let canon = Canon::from_schema(include_str!("../../../../schemas/personne/v1.json")).expect("the schema");
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
    let policy = Policy::read(include_str!("../../../../mappings/identite.yaml")).expect("a policy");
    for shared in [
        &[][..],
        &[("identite.sexe", "2")],
        &[("identite.sexe", "2"), ("identite.lieu_naissance", "CHAUMONT")],
        &[("identite.lieu_naissance", "CHAUMONT")],
    ] {
        let of = |by, given, name| {
            let named = [("identite.prenoms", given), ("identite.nom_naissance", name)];
            stated(by, &[shared, &named].concat())
        };
        // A name that is less alike makes nobody likelier to be one.
        for name in ["Vuillemin", "Vuilemin", "Vuillemin Girardot"] {
            let (own, theirs) = (of("caf", "Sophie", "Vuillemin"), of("ft", "Julie", name));
            let relation = relate(&own, &theirs, &policy).expect("alike");
            assert_eq!(relation.found, Err(Doubt::Twins), "{shared:?} {name}: {}", relation.weight);
        }
    }
}

#[test]
fn namesakes_of_1_january_in_two_towns_are_asked_about() {
    let policy = Policy::read(include_str!("../../../../mappings/identite.yaml")).expect("a policy");
    let of = |by, birth, street, postal_code| {
        let more = [
            ("identite.prenoms", "Mohamed"),
            ("identite.date_naissance", birth),
            ("adresse.voie", street),
            ("adresse.code_postal", postal_code),
        ];
        stated(by, &more)
    };
    for (birth, found) in [("1985-01-01", Err(Doubt::Alike)), ("1985-01-02", Ok(Bond::WholeName))] {
        let here = of("caf", birth, "12 rue des Tilleuls", "52000");
        let relation = relate(&here, &of("ft", birth, "3 rue Haute", "51100"), &policy);
        assert_eq!(relation.map(|relation| relation.found), Some(found), "{birth}");
    }
}

#[test]
fn who_one_source_numbers_twice_is_one_under_a_mistyped_given_name_and_two_under_another_one() {
    let policy = Policy::read(include_str!("../../../../mappings/identite.yaml")).expect("a policy");
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
    let policy = Policy::read(include_str!("../../../../mappings/identite.yaml")).expect("a policy");
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
    let policy = Policy::read(include_str!("../../../../mappings/identite.yaml")).expect("a policy");
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
    let policy = Policy::read(include_str!("../../../../mappings/identite.yaml")).expect("a policy");
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
    let found = |other| relate(&of("Julie", "1985-03-04"), &other, &policy).map(|relation| relation.found);
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
    let policy = Policy::read(include_str!("../../../../mappings/identite.yaml")).expect("a policy");
    let own = stated("caf", &[("identite.prenoms", "Sophie"), ("identite.nir", "2740652121103")]);
    for (given, birth, nir, found) in [
        ("Sophie", "1974-07-17", "2740752121103", Some(Err(Doubt::OtherNir))),
        ("Sophie", "1984-06-17", "2840652121103", Some(Err(Doubt::OtherNir))),
        ("Sophie", "1984-06-17", "2840652121207", None),
        ("Julie", "1974-06-17", "2740652121104", None),
    ] {
        let born = [("identite.prenoms", given), ("identite.date_naissance", birth), ("identite.nir", nir)];
        let relation = relate(&own, &stated("departement", &born), &policy);
        assert_eq!(relation.map(|relation| relation.found), found, "{nir}");
    }
}

#[test]
fn a_national_number_that_one_of_two_sources_writes_wrong_does_not_part_them() {
    let policy = Policy::read(include_str!("../../../../mappings/identite.yaml")).expect("a policy");
    let of = |by, given, number| {
        let number = ("identifiants.identifiant_asp", number);
        stated(by, &[("identite.prenoms", given), ("identite.sexe", "2"), number])
    };
    let known = of("siae", "Sophie", "5304218");
    for (by, given, number, found) in [
        ("ft", "Sophie", "5304128", Some(Ok(Bond::WholeName))),
        ("ft", "Sophie", "530421", Some(Ok(Bond::WholeName))),
        // The numbers of those who came together follow one another.
        ("ft", "Julie", "5304219", Some(Err(Doubt::Twins))),
        ("siae", "Sophie", "5304219", Some(Ok(Bond::WholeName))),
        ("siae", "Julie", "5304219", None),
    ] {
        let relation = relate(&known, &of(by, given, number), &policy);
        assert_eq!(relation.map(|relation| relation.found), found, "{by} {given} {number}");
    }
}
