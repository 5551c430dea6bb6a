//! Profiles and subscriptions checked; what a profile is told, and what it never is.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::canonical::{Canon, FieldId, Item, Kind, Value};
use crate::code::Code;
use crate::delivery::{DeliveryId, PersonId};
use crate::event::Event;
use crate::mapping::Diagnostic;
use crate::statement::{Origin, Stated};

const PROFILE: &str = "
profil: suivi
titre: Suivi de l'accompagnement
champs: [identite.nom_usage, adresse, droits.rsa.etat, contacts.telephones]
reserves:
  parcours.freins.sante: CASF R. 263-5, convention du 12 janvier 2026
";
const SUBSCRIPTION: &str = "
abonne: rdv
titre: RDV-Insertion
profil: suivi
finalite: Convoquer les allocataires du RSA
base_legale: CASF L. 263-4-1
expire: 2027-12-31
territoire: [\"52\", \"2A\"]
evenements: [personne, droit]
canal: file
";

fn canon() -> Canon {
    Canon::from_schema(include_str!("../../../schemas/personne/v1.json")).expect("the schema")
}

fn today() -> Date {
    date(2026, 12, 1)
}

fn checked(profile: &str, subscription: &str) -> (Declared, Vec<(Code, String)>) {
    let files = [
        ("profils/suivi.yaml".to_owned(), profile.to_owned()),
        ("rdv.yaml".to_owned(), subscription.to_owned()),
    ];
    let (declared, mistakes) = check(&canon(), &files, today());
    let told = |mistaken: Mistaken| {
        let Diagnostic { code, message, help, .. } = mistaken.diagnostic;
        (code, format!("{message} {}", help.unwrap_or_default()))
    };
    (declared, mistakes.into_iter().map(told).collect())
}

#[test]
fn a_profile_and_a_subscription_say_who_is_told_what_of_whom() {
    let (declared, mistakes) = checked(PROFILE, SUBSCRIPTION);
    assert_eq!(mistakes, []);
    let canon = canon();
    let scope = &declared.scopes["suivi"];
    let holds = |path: &str| scope.holds(canon.find(path).expect(path));
    for path in ["identite.nom_usage", "adresse.voie", "contacts.telephones", "contacts.telephones[].numero"]
    {
        assert!(holds(path), "{path}");
    }
    assert!(holds("parcours.freins.sante"));
    for path in ["identite.nir", "identite.prenoms", "parcours.freins.budget", "adresse.sans_domicile_fixe"] {
        assert!(!holds(path), "{path}");
    }
    let subscription = &declared.subscriptions["rdv"];
    assert!(subscription.territory.covers("2A") && !subscription.territory.covers("00"));
    assert!(subscription.wants(Category::Droit) && !subscription.wants(Category::Engagement));
    assert_eq!((&subscription.channel, subscription.has_expired(today())), (&Channel::Queue, false));
}

#[test]
fn each_mistake_of_a_profile_has_its_code_and_leaves_its_subscriptions_out() {
    for (was, is, code, said) in [
        (
            "identite.nom_usage",
            "identite.nom_usag",
            Code::UnknownScopeField,
            "did you mean `identite.nom_usage`?",
        ),
        ("identite.nom_usage", "identite.nir", Code::ReservedField, "expected under `reserves`"),
        ("identite.nom_usage", "parcours.freins.sante", Code::ReservedField, "expected under `reserves`"),
        ("  parcours.freins.sante", "  identite.sexe", Code::ReservedField, "expected under `champs`"),
        ("  parcours.freins.sante", "  parcours.freins", Code::UnknownScopeField, "parcours.freins"),
        ("CASF R. 263-5, convention du 12 janvier 2026", "\"\"", Code::BadSubscription, "says nothing"),
        ("profil: suivi", "profil: Suivi RSA", Code::BadSubscription, "small letters"),
        ("profil: suivi", "profil: autre", Code::BadSubscription, "to be named `autre.yaml`"),
        ("titre:", "title:", Code::SubscriptionSyntax, "title"),
    ] {
        let (declared, mistakes) = checked(&PROFILE.replacen(was, is, 1), SUBSCRIPTION);
        let [(found, message), (followed, _)] = mistakes.as_slice() else { panic!("{is}: {mistakes:?}") };
        assert_eq!((*found, *followed), (code, Code::UnknownProfile), "{is}: {message}");
        assert!(message.contains(said), "{is}: {message}");
        assert_eq!(declared, Declared::default());
    }
}

#[test]
fn a_mistake_is_shown_where_it_stands_also_where_another_key_names_the_same_field() {
    let profile = "profil: suivi\ntitre: la base, identite.nir\nchamps: [identite.prenoms, parcours.freins]\n\
                   reserves:\n  parcours.freins.sante: \"  . \"\n  parcours.freins: texte\n  identite.prenoms: texte\n";
    let (_, mistakes) = check(&canon(), &[("profils/suivi.yaml".to_owned(), profile.to_owned())], today());
    let lines = mistakes.iter().map(|mistaken| {
        let start = mistaken.diagnostic.span.start;
        (profile[..start].lines().count(), &profile[mistaken.diagnostic.span.clone()])
    });
    let mut lines: Vec<(usize, &str)> = lines.collect();
    lines.sort_unstable();
    assert_eq!(lines, [(5, "parcours.freins.sante"), (6, "parcours.freins"), (7, "identite.prenoms")]);
}

#[test]
fn each_mistake_of_a_subscription_has_its_code_and_leaves_it_out() {
    for (was, is, code, said) in [
        ("profil: suivi", "profil: suivis", Code::UnknownProfile, "did you mean `suivi`?"),
        ("CASF L. 263-4-1", "' '", Code::BadSubscription, "`base_legale` says nothing"),
        ("2027-12-31", "31/12/2027", Code::BadSubscription, "YYYY-MM-DD"),
        ("\"2A\"", "\"2C\"", Code::BadSubscription, "`2C` is no département"),
        ("[\"52\", \"2A\"]", "[]", Code::BadSubscription, "no territory"),
        ("droit]", "droits]", Code::BadSubscription, "did you mean `droit`?"),
        ("canal: file", "canal: ftp", Code::BadSubscription, "no such channel"),
        ("canal: file", "canal: {webhook: \"http://outil.fr/e\"}", Code::BadSubscription, "https"),
        ("abonne: rdv", "abonne: RDV", Code::BadSubscription, "small letters"),
        ("titre: RDV-Insertion\n", "", Code::SubscriptionSyntax, "titre"),
        ("titre: RDV-Insertion", "titre: \"a\\e[2Jb\"", Code::BadSubscription, "none of them a control"),
        ("titre: RDV-Insertion", "titre: \"a\\u202eb\"", Code::BadSubscription, "none of them a control"),
    ] {
        let (declared, mistakes) = checked(PROFILE, &SUBSCRIPTION.replacen(was, is, 1));
        let [(found, message)] = mistakes.as_slice() else { panic!("{is}: {mistakes:?}") };
        assert_eq!(*found, code, "{is}: {message}");
        assert!(message.contains(said), "{is}: {message}");
        assert!(declared.subscriptions.is_empty(), "{is}");
    }
}

#[test]
fn an_expired_subscription_is_a_mistake_and_is_known_to_be_over() {
    let (declared, mistakes) = checked(PROFILE, &SUBSCRIPTION.replace("2027-12-31", "2026-12-01"));
    assert_eq!(mistakes.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [Code::SubscriptionExpired]);
    assert!(declared.subscriptions["rdv"].has_expired(today()));
}

/// Where what is known was stated, in which nothing may be told but source and date.
fn origin() -> Origin {
    Origin {
        emitter: "emetteur-secret".into(),
        delivery: DeliveryId(Uuid::from_u128(0xdead_beef)),
        mapping: "correspondance-secrete".into(),
        source: "caf".into(),
        valid_at: "2026-03-05".into(),
        ..Origin::nowhere()
    }
}

/// Everything that can be known of a person, each value a canary of its own: its field's number and `tag`.
fn everything(canon: &Canon, tag: &str) -> Stated {
    let canary = |id: FieldId| Value::text(&format!("canari{:03}{tag}", id.0));
    let mut known = Stated::default();
    for (id, field) in canon.fields().filter(|(_, field)| field.list.is_none()) {
        let value = match (field.path.as_str(), field.kind) {
            ("adresse.departement", _) => continue,
            (_, Kind::List) => {
                let members = canon.fields().filter(|(_, member)| member.list == Some(id));
                let item: Item = members.map(|(member, _)| (member, canary(member))).collect();
                Value::List(vec![item])
            }
            _ => canary(id),
        };
        known.push(id, value, &origin());
    }
    known
}

/// Only some of what is known, and a département.
fn known(canon: &Canon, tag: &str, some: &[bool], departement: &str) -> Stated {
    let mut known = Stated::default();
    let place = canon.find("adresse.departement").expect("a field");
    let all = everything(canon, tag);
    let kept =
        all.fields.into_iter().filter(|(id, _, _)| some.get(usize::from(id.0)).copied().unwrap_or(false));
    let mut values: Vec<(FieldId, Value)> = kept.map(|(id, value, _)| (id, value)).collect();
    values.push((place, Value::text(departement)));
    values.sort_by_key(|(id, _)| *id);
    for (id, value) in values {
        known.push(id, value, &origin());
    }
    known
}

struct World {
    canon: Canon,
    scope: Scope,
    territories: Vec<Territory>,
    pseudonyms: Pseudonyms,
}

impl World {
    fn of(profile: &str, paths: &[&str], territories: &[&[&str]]) -> Self {
        let canon = canon();
        let mut held = vec![false; canon.fields().count()];
        for (id, field) in canon.fields() {
            if paths.iter().any(|path| field.path.starts_with(path)) {
                held[usize::from(id.0)] = true;
            }
        }
        Self::seeing(profile, held, territories)
    }

    fn seeing(profile: &str, held: Vec<bool>, territories: &[&[&str]]) -> Self {
        let codes = |codes: &&[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
        let territories = territories.iter().map(|of| Territory::read(&codes(of)).expect("codes")).collect();
        Self {
            canon: canon(),
            scope: Scope::new(profile, held),
            territories,
            pseudonyms: Pseudonyms::new([7; 32]),
        }
    }

    fn tell(
        &self,
        standing: Standing,
        (before, after): (&Stated, &Stated),
        kin: Kin,
    ) -> (Vec<Event>, Standing) {
        let created = before.fields.is_empty();
        let saw = self.scope.see(before);
        let step = Step { saw: &saw, after, by: &origin(), created, kin, at: Timestamp::UNIX_EPOCH };
        self.lens().tell(person(), standing, step)
    }

    fn lens(&self) -> Lens<'_> {
        Lens {
            canon: &self.canon,
            scope: &self.scope,
            territories: &self.territories,
            pseudonyms: &self.pseudonyms,
        }
    }
}

fn person() -> PersonId {
    PersonId(Uuid::from_u128(0x0123_4567_89ab))
}

fn kinds(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{} {}", event.sequence, event.routing_key)).collect()
}

#[test]
fn a_person_is_followed_through_territories_and_told_in_unbroken_sequence() {
    let world = World::of("suivi", &["identite.nom_usage"], &[&["52"], &["52", "51"]]);
    let all = vec![true; world.canon.fields().count()];
    let in_52 = known(&world.canon, "a", &all, "52");
    let in_51 = known(&world.canon, "a", &all, "51");
    let in_75 = known(&world.canon, "a", &all, "75");
    let nothing = Stated::default();
    let mut standing = Standing::default();
    let mut told = Vec::new();
    for (before, after) in [
        (&nothing, &in_52),
        (&in_52, &in_52),
        // Of the two subscriptions one follows: it is told the whole again, the other that the person is gone.
        (&in_52, &in_51),
        (&in_51, &in_75),
        (&in_75, &in_75),
        (&in_75, &in_52),
    ] {
        let (events, now) = world.tell(standing, (before, after), Kin::None);
        told.extend(kinds(&events));
        standing = now;
    }
    assert_eq!(
        told,
        [
            "1 personne.creee.52",
            "2 personne.sortie.52",
            "3 personne.entree.51",
            "4 personne.sortie.51",
            "5 personne.entree.52"
        ]
    );
}

#[test]
fn a_change_of_nothing_a_profile_holds_tells_it_nothing() {
    let world = World::of("suivi", &["identite.nom_usage", "droits.rsa.etat"], &[&["tous"]]);
    let all = vec![true; world.canon.fields().count()];
    let one = known(&world.canon, "a", &all, "52");
    let mut other = known(&world.canon, "b", &all, "52");
    let (_, standing) = world.tell(Standing::default(), (&Stated::default(), &one), Kin::None);
    let kept = |path: &str| world.canon.find(path).expect("a field");
    for (id, value, _) in &mut other.fields {
        if [kept("identite.nom_usage"), kept("droits.rsa.etat")].contains(id) {
            *value = one.get(*id).expect("known").0.clone();
        }
    }
    let (events, after) = world.tell(standing.clone(), (&one, &other), Kin::None);
    assert_eq!((events, &after), (Vec::new(), &standing));
}

#[test]
fn two_profiles_know_nobody_by_one_name() {
    let pseudonyms = Pseudonyms::new([7; 32]);
    let names = [pseudonyms.of("suivi", person()), pseudonyms.of("sante", person()), person()];
    assert!(names[0] != names[1] && names[1] != names[2] && names[0] != names[2]);
    assert_eq!(pseudonyms.of("suivi", person()), names[0]);
    assert_ne!(Pseudonyms::new([8; 32]).of("suivi", person()), names[0], "another hub's secret");
}

#[test]
fn a_merger_leads_to_the_other_by_the_name_the_profile_knows_and_is_told_to_those_who_saw_the_person() {
    let world = World::of("suivi", &["identite.nom_usage"], &[&["52"]]);
    let all = vec![true; world.canon.fields().count()];
    let (one, nothing) = (known(&world.canon, "a", &all, "52"), Stated::default());
    let into = PersonId(Uuid::from_u128(99));
    let unseen = world.tell(Standing::default(), (&one, &nothing), Kin::MergedInto(into));
    assert_eq!(unseen, (Vec::new(), Standing::default()));
    let (_, standing) = world.tell(Standing::default(), (&nothing, &one), Kin::None);
    let (events, standing) = world.tell(standing, (&one, &nothing), Kin::MergedInto(into));
    assert_eq!(kinds(&events), ["2 personne.fusionnee.52"]);
    assert!(events[0].json.contains(&world.pseudonyms.of("suivi", into).to_string()));
    assert_eq!(standing, Standing { sequence: 2, seen_in: None });
}

#[test]
fn whom_not_all_who_are_told_may_know_is_named_to_none_of_them() {
    let world = World::of("suivi", &["identite.nom_usage"], &[&["52"], &["51", "52"]]);
    let all = vec![true; world.canon.fields().count()];
    let may_name =
        |seen_in, other| world.lens().may_name(&[], (seen_in, &known(&world.canon, "a", &all, other)));
    assert!(may_name("52", "52") && may_name("51", "52"));
    assert!(!may_name("52", "51"), "who covers 52 alone is told of this one, and never heard of the other");
    assert!(!may_name("51", "75"));
    let away = [Territory::read(&["51".to_owned()]).expect("codes")];
    let in_52 = known(&world.canon, "a", &all, "52");
    assert!(!world.lens().may_name(&away, ("51", &in_52)), "who is paused reads it later");
}

proptest! {
    /// Every value is a canary. Whatever is held, and whatever becomes of the person, no canary of a field that is not held is in what
    /// is told, nor the person's own identifier, nor the record it was stated in; and what is told again is the same, byte for byte.
    #[test]
    fn no_byte_of_what_a_scope_does_not_hold_is_told(
        held in prop::collection::vec(prop::bool::weighted(0.3), 400),
        some in prop::collection::vec(prop::collection::vec(any::<bool>(), 400), 4),
        places in prop::collection::vec(prop::sample::select(vec!["52", "51", "75"]), 4),
        kin in prop::sample::select(vec![Kin::None, Kin::MergedInto(PersonId(Uuid::from_u128(5))), Kin::PartedFrom(PersonId(Uuid::from_u128(5)))]),
    ) {
        let mut world = World::of("suivi", &[], &[&["52"], &["51", "52"]]);
        let held: Vec<bool> = held.into_iter().take(world.canon.fields().count()).collect();
        world = World::seeing("suivi", held, &[&["52"], &["51", "52"]]);
        let mut states = vec![Stated::default()];
        for (at, (some, place)) in some.iter().zip(&places).enumerate() {
            states.push(known(&world.canon, &format!("v{at}"), some, place));
        }
        let mut standing = Standing::default();
        for (at, pair) in states.windows(2).enumerate() {
            let kin = if at == 2 { kin } else { Kin::None };
            let told = world.tell(standing.clone(), (&pair[0], &pair[1]), kin);
            prop_assert_eq!(&told, &world.tell(standing, (&pair[0], &pair[1]), kin));
            let (events, now) = told;
            standing = now;
            for event in &events {
                let all = format!("{} {} {}", event.id, event.routing_key, event.json);
                for (id, field) in world.canon.fields() {
                    let inside = field.list.is_none_or(|list| world.scope.holds(list));
                    if !(world.scope.holds(id) && inside) {
                        prop_assert!(!all.contains(&format!("canari{:03}v", id.0)), "{} in {}", field.path, all);
                    }
                }
                for secret in ["secret", "deadbeef", &person().to_string(), &PersonId(Uuid::from_u128(5)).to_string()] {
                    prop_assert!(!all.contains(secret), "{secret} in {all}");
                }
            }
        }
    }
}
