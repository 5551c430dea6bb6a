//! What is learnt from pairs drawn from known shares, from invented claims, and from hardly anything.

use std::cell::RefCell;

use super::chance::Dice;
use super::*;
use crate::canonical::{Canon, FieldValues, Value};
use crate::delivery::DeliveryId;
use crate::identity::{IdentityFields, Profile, Span};
use uuid::Uuid;

const POLICY: &str = include_str!("../../../../mappings/identite.yaml");

fn declared() -> (Shares, Policy) {
    (Declaration::read(POLICY).expect("a policy").shares, Policy::read(POLICY).expect("a policy"))
}

/// A share in ten thousand: `true` that often.
fn happens(dice: &mut Dice, in_ten_thousand: u32) -> bool {
    dice.next() % 10_000 < u64::from(in_ten_thousand)
}

/// Traits, and how often the most alike and the least alike level are seen in ten thousand pairs of one person and of two.
const KNOWN: [(Trait, u32, u32); 5] = [
    (Trait::Nom, 9_100, 30),
    (Trait::Prenoms, 8_300, 120),
    (Trait::Sexe, 9_800, 5_000),
    (Trait::Lieu, 7_000, 200),
    (Trait::Telephone, 5_500, 40),
];

fn drawn(pairs: usize, ones_in_ten_thousand: u32) -> (Patterns, Levels) {
    let mut dice = Dice(7);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..pairs {
        let one = happens(&mut dice, ones_in_ten_thousand);
        let mut pattern: Pattern = [None; TRAITS];
        for (of, m, u) in KNOWN {
            // One pair in five is not known by the trait.
            if !happens(&mut dice, 2_000) {
                let same = happens(&mut dice, if one { m } else { u });
                let last = u8::try_from(of.levels().len() - 1).expect("few levels");
                pattern[of as usize] = Some(if same { 0 } else { last });
            }
        }
        *counts.entry(pattern).or_insert(0) += 1;
    }
    let mut by_chance = [[1e-6; LEVELS]; TRAITS];
    for (of, _, u) in KNOWN {
        by_chance[of as usize][0] = f64::from(u) / 10_000.0;
        by_chance[of as usize][of.levels().len() - 1] = 1.0 - by_chance[of as usize][0];
    }
    (counts.into_iter().collect(), by_chance)
}

#[test]
fn shares_that_pairs_were_drawn_from_are_found_again() {
    let (declared, _) = declared();
    for ones in [9_500, 5_000, 1_000] {
        let (patterns, by_chance) = drawn(40_000, ones);
        let path = RefCell::new(Vec::new());
        let told = |_, log_likelihood| path.borrow_mut().push(log_likelihood);
        let found = Mixture::of(&patterns, (&declared, &by_chance), &[]).find(&told);
        assert!(found.converged, "{ones}: {} rounds", found.iterations);
        let matches = found.matches / 40_000.0;
        assert!((matches - f64::from(ones) / 10_000.0).abs() < 0.01, "{ones}: {matches}");
        for (of, m, _) in KNOWN {
            let levels = found.expected[of as usize];
            let same = levels[0] / levels.iter().sum::<f64>();
            let true_m = f64::from(m) / 10_000.0;
            assert!((same - true_m).abs() < 0.02, "{ones} {}: {same}, not {true_m}", of.word());
        }
        let path = path.into_inner();
        assert!(path.windows(2).all(|two| two[1] > two[0] - 0.5), "{ones}: {path:?}");
    }
}

#[test]
fn one_pattern_pairs_without_traits_and_no_pairs_give_numbers() {
    let (declared, _) = declared();
    let (_, by_chance) = drawn(10, 5_000);
    let mut same: Pattern = [None; TRAITS];
    same[Trait::Sexe as usize] = Some(0);
    for patterns in [vec![(same, 1_000)], vec![([None; TRAITS], 5)], Vec::new(), vec![(same, u64::MAX >> 12)]]
    {
        let found = Mixture::of(&patterns, (&declared, &by_chance), &[]).find(&|_, likelihood| {
            assert!(likelihood.is_finite(), "{likelihood}");
        });
        assert!(found.matches.is_finite() && found.expected.iter().flatten().all(|count| count.is_finite()));
    }
}

#[test]
fn what_was_not_seen_keeps_what_is_declared_and_no_sign_turns() {
    let (declared, _) = declared();
    let by_chance = [[0.9; LEVELS]; TRAITS];
    let mut seen = Seen::default();
    assert_eq!(learnt(&declared, &seen, &by_chance), declared);
    seen.expected[Trait::Sexe as usize][0] = 10.0;
    seen.among[Trait::Sexe as usize][0] = 10.0;
    assert_eq!(learnt(&declared, &seen, &by_chance), declared, "ten pairs teach nothing");
    for level in 0..2 {
        seen.expected[Trait::Sexe as usize][level] = 500.0;
        seen.among[Trait::Sexe as usize][level] = 1_000.0;
    }
    let mut by_chance = by_chance;
    by_chance[Trait::Sexe as usize][1] = 0.1;
    let found = learnt(&declared, &seen, &by_chance);
    let bits = |level| found.get(Trait::Sexe, level).expect("declared").bits();
    assert!((bits(0), bits(1)) == (0.0, 0.0), "{} {}", bits(0), bits(1));
}

#[test]
fn a_policy_written_from_its_shares_says_the_same() {
    let declaration = Declaration::read(POLICY).expect("a policy");
    let again = Declaration::read(&declaration.text()).expect("what was written is read");
    assert_eq!(again, declaration);
    assert_eq!(Policy::read(&declaration.text()), Policy::read(POLICY));
    assert!(Declaration::read("population: many").is_err());
}

/// Invented claims: `persons`, each stated by two sources; the second writes one birth in ten with a wrong digit.
fn claims(persons: u64) -> Vec<Member> {
    let canon = Canon::from_schema(include_str!("../../../../schemas/personne/v1.json")).expect("the schema");
    let identity = IdentityFields::of(&canon);
    let letters = |mut number: u64| -> String {
        let mut name = String::new();
        for _ in 0..4 {
            name.push(char::from(b"BCDFGJKLMNPRSTV"[usize::try_from(number % 15).expect("small")]));
            name.push(char::from(b"AEIOU"[usize::try_from(number / 15 % 5).expect("small")]));
            number /= 75;
        }
        name
    };
    let mut dice = Dice(3);
    let mut members = Vec::new();
    for person in 0..persons {
        let (name, given) = (letters(dice.next() % 40_000_000), letters(dice.next() % 75));
        let (year, month, day) = (1950 + dice.below(50), 1 + dice.below(12), 1 + dice.below(28));
        let place = letters(dice.next() % 300);
        for source in ["one", "two"] {
            let wrong = source == "two" && happens(&mut dice, 1_000);
            let day = if wrong { (day + 10) % 28 + 1 } else { day };
            let texts = [
                ("identite.nom_naissance", name.clone()),
                ("identite.prenoms", given.clone()),
                ("identite.date_naissance", format!("{year}-{month:02}-{day:02}")),
                ("identite.lieu_naissance", place.clone()),
                ("identifiants.identifiant_ft_uuid", format!("uuid-{person}")),
            ];
            let mut values: FieldValues = texts
                .iter()
                .map(|(path, text)| (canon.find(path).expect("a field"), Value::text(text)))
                .collect();
            values.sort_by_key(|(field, _)| *field);
            let traits = identity.traits(&values, source, "e");
            let span = Span::since(DeliveryId(Uuid::nil()));
            let stands = (members.len() as u64, 0);
            members.push(Member { profile: Profile::of(&traits, span), stands, span });
        }
    }
    members
}

fn trained(members: &[Member], seed: u64) -> Result<Trained, TrainingError> {
    let (_, policy) = declared();
    let declaration = Declaration::read(POLICY).expect("a policy");
    train(members, (&declaration, &policy), Effort { pairs: 100_000, seed }, &|_| {})
}

#[test]
fn claims_teach_how_often_births_are_wrong_and_the_same_seed_teaches_the_same() {
    let members = claims(2_000);
    let found = trained(&members, 1).expect("pairs");
    let share = |of, level| found.shares.get(of, level).expect("declared");
    let same_birth = share(Trait::Naissance, 0);
    assert!((0.87..0.93).contains(&same_birth.m), "{same_birth:?}");
    assert!(same_birth.u < 0.001, "{same_birth:?}");
    assert!(share(Trait::Nom, 0).m > 0.95);
    assert_eq!(share(Trait::Telephone, 0), declared().0.get(Trait::Telephone, 0).expect("declared"));
    assert_eq!(found, trained(&members, 1).expect("pairs"));
    assert_ne!(found.shares, trained(&members, 2).expect("pairs").shares);
}

#[test]
fn names_many_bear_are_listed_and_names_few_bear_are_never_told() {
    let mut members = claims(1_000);
    let canon = Canon::from_schema(include_str!("../../../../schemas/personne/v1.json")).expect("the schema");
    let identity = IdentityFields::of(&canon);
    let name = canon.find("identite.nom_naissance").expect("a field");
    let mut named = |text: &str, times: u64| {
        for at in 0..times {
            let traits = identity.traits(&vec![(name, Value::text(text))], "one", "e");
            let span = Span::since(DeliveryId(Uuid::nil()));
            let stands = (1_000_000 + at, u64::from(times == 49));
            members.push(Member { profile: Profile::of(&traits, span), stands, span });
        }
    };
    named("Courant", 60);
    named("Discret", 49);
    let found = trained(&members, 1).expect("pairs").common;
    let listed = found.get(&Trait::Nom).expect("names");
    let share = listed.get("COURANT").copied().unwrap_or_default();
    assert!((share - 60.0 / 2_109.0).abs() < 1e-9, "{share}");
    assert!(!listed.contains_key("DISCRET"));
    // Declared, and borne by nobody here: it fades.
    assert!(listed.get("MARTIN").copied().unwrap_or_default() < 0.0005);
}

#[test]
fn too_few_claims_teach_nothing_and_say_so() {
    assert_eq!(trained(&[], 1), Err(TrainingError::FewClaims(0)));
    let members = claims(40);
    assert_eq!(trained(&members[..1], 1), Err(TrainingError::FewClaims(1)));
    assert_eq!(trained(&[members[0].clone(), members[2].clone()], 1), Err(TrainingError::NoPairs(2)));
    let two = trained(&members[..2], 1).expect("a pair");
    assert_eq!(two.shares, declared().0, "one pair teaches nothing");
}
