//! What each source makes of a person: habits of the source, facts it missed, and mistakes, all from the one table.
//!
//! A true person enters with the chance of one statement; the source's copy of the adult leaves, ready for its writer. What a
//! source cannot state it does not: France Travail has one name, one given name and no NIR.

use hub_core::canonical::nir::key;

use super::super::calendar::Day;
use super::super::person::Adult;
use super::super::places::Place;
use super::super::said::Said;
use super::rates::{Dice, Kind, Source};
use super::who::{Person, surname};
use super::{Nirs, slip, variant};

/// A birth place nobody wrote down.
const NOWHERE: Place = Place { insee: "", postal: "", name: "" };

/// Birth places as others write them.
const PLACES: &[(&str, &[&str])] = &[
    ("Paris 12e", &["Paris", "Paris 12", "Paris 12ème arrondissement"]),
    ("Saint-Dizier", &["St-Dizier", "St Dizier"]),
    ("Saint-Étienne", &["St-Étienne", "Saint Etienne"]),
    ("Saint-Denis", &["St-Denis", "Saint-Denis de la Réunion", "La Réunion"]),
    ("Lyon", &["Lyon 3e", "Lyon 03"]),
    ("Marseille", &["Marseille 5e", "Marseille 05"]),
    ("Chaumont", &["Chaumont (52)", "Chaumont en Bassigny"]),
    ("Langres", &["Langres (52)"]),
    ("Troyes", &["Troyes (10)"]),
    ("Bar-le-Duc", &["Bar le Duc"]),
    ("Clermont-Ferrand", &["Clermont Fd", "Clermont"]),
    ("Charleville-Mézières", &["Charleville", "Charleville Mezieres"]),
    ("Le Havre", &["Havre (Le)"]),
    ("Le Mans", &["Mans (Le)"]),
    ("Alger", &["Algérie", "Alger (Algérie)"]),
    ("Casablanca", &["Maroc", "Casablanca (Maroc)"]),
    ("Tunis", &["Tunisie", "Tunis (Tunisie)"]),
    ("Dakar", &["Sénégal", "Dakar (Sénégal)"]),
    ("Porto", &["Portugal", "Porto (Portugal)"]),
    ("Izmir", &["Turquie", "Izmir (Turquie)"]),
];

/// What one source says of a person; `adult` is what else is known of them, `spouse` the other one of the household.
pub fn told(
    adult: &Adult,
    person: &Person,
    spouse: Option<&Person>,
    nirs: Nirs,
    dice: &mut Dice<'_>,
) -> Adult {
    let mut given = given_names(person, dice);
    let (mut usage, birth_name) = surnames(person, dice);
    // Who fills the one form fills the other: only one column each can be exchanged.
    if dice.source != Source::Caf && dice.hits(Kind::Swapped) {
        let first = std::mem::replace(&mut given[0], usage);
        usage = first;
    }
    let (born, known) = birth(person, dice);
    let said = Said {
        usage,
        birth_name,
        given,
        known,
        nir: nir(person, spouse, nirs, dice),
        email: email(person, dice),
    };
    let woman = person.woman != dice.hits(Kind::SexWrong);
    let birthplace = place(person.birthplace, dice);
    Adult { woman, born, birthplace, nir: person.nir.clone(), said: Some(said), ..adult.clone() }
}

/// Name in use and at birth, as the source has them.
fn surnames(person: &Person, dice: &mut Dice<'_>) -> (String, String) {
    let birth_name = written_name(&person.birth_name, dice);
    let mut usage = match &person.married_name {
        None => birth_name.clone(),
        Some(name) => written_name(name, dice),
    };
    if person.married_name.is_some() && dice.source != Source::Caf {
        if dice.hits(Kind::BirthNameForUsage) {
            usage.clone_from(&birth_name);
        } else if dice.hits(Kind::BothNames) {
            usage = format!("{birth_name} {usage}");
        }
    }
    if person.woman && dice.hits(Kind::FormerName) {
        usage = surname(person.origin, &mut dice.random);
    }
    (usage, birth_name)
}

fn written_name(name: &str, dice: &mut Dice<'_>) -> String {
    let mut name = name.to_owned();
    let steps: [(Kind, Change); 4] = [
        (Kind::NameTransliterated, variant::surname),
        (Kind::NamePunctuation, variant::punctuated),
        (Kind::NameBySound, slip::heard),
        (Kind::NameTypo, slip::typed),
    ];
    for step in steps {
        changed(&mut name, step, dice);
    }
    name
}

/// What may become of a name; none when it cannot.
type Change = fn(&str, &mut super::super::random::Random) -> Option<String>;

/// Changes a name if the kind hits; a name it cannot happen to is not counted.
fn changed(name: &mut String, (kind, change): (Kind, Change), dice: &mut Dice<'_>) {
    let Some(other) = change(name, &mut dice.random) else { return };
    if dice.hits(kind) {
        *name = other;
    }
}

fn given_names(person: &Person, dice: &mut Dice<'_>) -> Vec<String> {
    let mut given: Vec<String> = person.given.iter().map(|name| written_given(name, dice)).collect();
    let several = given.len() > 1;
    if person.second_in_use && dice.hits(Kind::GivenSecond) {
        given.swap(0, 1);
    }
    if several && dice.hits(Kind::GivenReordered) {
        given.rotate_left(1);
    }
    let otherwise = several && dice.hits(Kind::GivenInNumber);
    match (dice.source, otherwise) {
        (Source::Caf, false) => {}
        // In one column, one behind the other.
        (Source::FranceTravail | Source::Departement, true) => given = vec![given.join(" ")],
        (Source::Caf, true) | (_, false) => given.truncate(1),
    }
    given
}

fn written_given(name: &str, dice: &mut Dice<'_>) -> String {
    let mut name = name.to_owned();
    let steps: [(Kind, Change); 4] = [
        (Kind::GivenTransliterated, variant::given),
        (Kind::GivenCompound, variant::punctuated),
        (Kind::GivenBySound, slip::heard),
        (Kind::GivenTypo, slip::typed),
    ];
    for step in steps {
        changed(&mut name, step, dice);
    }
    name
}

/// The birth date as the source has it, and what the CAF says is known of it.
fn birth(person: &Person, dice: &mut Dice<'_>) -> (Day, char) {
    let born = person.born;
    if person.day_unknown {
        let said = dice.source == Source::Caf && dice.random.percent(50);
        return (born, if said { 'O' } else { 'N' });
    }
    if dice.source == Source::Caf && dice.hits(Kind::DayUnknown) {
        return (Day { of_month: 1, ..born }, 'J');
    }
    if dice.hits(Kind::FirstOfJanuary) {
        return (Day { month: 1, of_month: 1, ..born }, 'N');
    }
    if let Some(exchanged) = slip::exchanged(born)
        && dice.hits(Kind::DayForMonth)
    {
        return (exchanged, 'N');
    }
    let wrong = slip::misdialled(born, &mut dice.random).filter(|_| dice.hits(Kind::DateDigit));
    (wrong.unwrap_or(born), 'N')
}

fn place(place: Place, dice: &mut Dice<'_>) -> Place {
    if dice.hits(Kind::PlaceMissing) {
        return NOWHERE;
    }
    match PLACES.iter().find(|(name, _)| *name == place.name) {
        Some((_, others)) if dice.hits(Kind::PlaceOtherwise) => {
            Place { name: dice.random.one(others), ..place }
        }
        _ => place,
    }
}

/// The NIR as the source writes it: the CAF with its key, the département as its agents have it.
fn nir(person: &Person, spouse: Option<&Person>, nirs: Nirs, dice: &mut Dice<'_>) -> Option<String> {
    if nirs == Nirs::None || dice.source == Source::FranceTravail {
        return None;
    }
    let key = |number: &str| format!("{:02}", key(number).unwrap_or(0));
    if dice.source == Source::Caf {
        return Some(format!("{}{}", person.nir, key(&person.nir)));
    }
    if nirs == Nirs::All && dice.hits(Kind::NirMissing) {
        return None;
    }
    let number = match spouse {
        Some(spouse) if dice.hits(Kind::NirOfSpouse) => &spouse.nir,
        _ => &person.nir,
    };
    let key = key(number);
    let number = if dice.hits(Kind::NirDigit) {
        slip::misdialled_number(number, &mut dice.random)
    } else {
        number.clone()
    };
    if dice.hits(Kind::NirWithoutKey) {
        return Some(number);
    }
    let lost = key.starts_with('0') && dice.hits(Kind::NirLostZero);
    Some(format!("{number}{}", if lost { &key[1..] } else { &key }))
}

/// The address a person had made for themselves, or another since.
fn email(person: &Person, dice: &mut Dice<'_>) -> String {
    use super::super::names::{Spelling, spelled};
    let (given, name) =
        (spelled(&person.given[0], Spelling::Letters), spelled(&person.birth_name, Spelling::Letters));
    let changed = dice.source == Source::Departement && dice.hits(Kind::EmailChanged);
    let number = if changed { dice.random.below(10_000) } else { person.rank % 10_000 };
    format!("{given}.{name}{number}@example.org")
}
