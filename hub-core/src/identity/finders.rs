//! Keys that find who a claim may speak of, when no number does.
//!
//! Traits enter, keys leave, each made of two or three traits together: one alone is borne by too many, and persons found cost more
//! than keys looked up. Any one trait may be wrong or missing and another key still finds.

use compact_str::{CompactString, format_compact};

use super::key::{IdentityKey, KeyKind};
use super::names;
use super::sound::sound;
use super::traits::{Around, Traits};
use crate::text::fold_name;

/// Makes the keys.
pub(super) fn finders(traits: &Traits) -> Vec<IdentityKey> {
    let given = traits.given.split(' ').map(sound).find(|sound| !sound.is_empty()).unwrap_or_default();
    let names = sounds(traits);
    let around = &traits.around;
    let home = Home::of(around);
    let mut keys = Vec::with_capacity(8);
    if let Some(birth) = traits.birth {
        // The day may be wrong.
        keys.extend(
            both(&names, &given).map(|both| key(KeyKind::Nom, &[&both, &format_compact!("{}", birth.year)])),
        );
    }
    if let Some(birth) = traits.birth.filter(|birth| birth.is_whole()) {
        let day = birth.either_way_round();
        // The year may.
        if let Some(anniversary) = birth.anniversary() {
            let both = both(&names, &given);
            keys.extend(both.map(|both| key(KeyKind::Anniversaire, &[&both, &anniversary])));
        }
        // The given name may be another; or the name, mistyped behind its beginning.
        keys.extend(names.iter().map(|name| key(KeyKind::Jour, &[name, &day])));
        if !given.is_empty() {
            keys.extend(beginnings(&names).map(|first| key(KeyKind::Debut, &[&first, &given, &day])));
            // The name may be another, also of somebody who moved: a wife's name.
            keys.extend(birthplace(traits).map(|place| key(KeyKind::Natal, &[&given, &day, &place])));
        }
        // The names may.
        keys.extend(home.most_exactly().map(|place| key(KeyKind::Lieu, &[&day, place])));
    }
    // The birth may be unknown, or its year wrong; and the name another.
    if let Some(house) = &home.house {
        // Any of the given names: another source may know one alone, or write them as one word.
        keys.extend(all_given(&traits.given).iter().map(|given| key(KeyKind::Maison, &[given, house])));
    } else if let Some(postal_code) = &home.postal_code {
        keys.extend(both(&names, &given).map(|both| key(KeyKind::Poste, &[&both, postal_code])));
    }
    keys.extend(around.phones.iter().map(|phone| IdentityKey::new(KeyKind::Telephone, phone)));
    keys.extend(around.emails.iter().map(|email| IdentityKey::new(KeyKind::Courriel, email)));
    keys
}

/// Kinds of ways and buildings, which name no street.
const WAYS: [&str; 16] = [
    "RUE",
    "AVENUE",
    "BOULEVARD",
    "CHEMIN",
    "IMPASSE",
    "PLACE",
    "ALLEE",
    "ALLEES",
    "ROUTE",
    "SQUARE",
    "QUARTIER",
    "LOTISSEMENT",
    "RESIDENCE",
    "BATIMENT",
    "APPARTEMENT",
    "ESCALIER",
];

/// Where somebody lives, in two ways: one of them may be wrong, or written otherwise.
#[derive(Default)]
struct Home {
    postal_code: Option<CompactString>,
    /// Number and street, as its longest word sounds.
    door: Option<CompactString>,
    /// Postal code, number and how the street begins: a postal code alone is home to thousands, and the towns of one to many of one
    /// number.
    house: Option<CompactString>,
}

impl Home {
    fn of(around: &Around) -> Self {
        let postal_code = Some(around.postal_code.clone()).filter(|code| !code.is_empty());
        let number =
            around.street.split(|letter: char| !letter.is_ascii_digit()).find(|number| !number.is_empty());
        let street = fold_name(&around.street);
        let words = street.split(' ').filter(|word| word.len() > 2 && !WAYS.contains(word));
        let names = words.filter(|word| word.chars().all(char::is_alphabetic));
        let street = names.max_by_key(|word| word.len()).map(sound).filter(|sound| !sound.is_empty());
        let begins = street.as_ref().and_then(|street| street.chars().next());
        let door = number.zip(street.as_ref()).map(|(number, street)| format_compact!("{number}|{street}"));
        let house = number.zip(postal_code.as_ref()).zip(begins);
        Self {
            door,
            house: house.map(|((number, code), begins)| format_compact!("{number}|{code}|{begins}")),
            postal_code,
        }
    }

    /// The door; the postal code where no street is known.
    fn most_exactly(&self) -> impl Iterator<Item = &CompactString> {
        self.door.as_ref().or(self.postal_code.as_ref()).into_iter()
    }
}

fn key(kind: KeyKind, parts: &[&str]) -> IdentityKey {
    IdentityKey::new(kind, &parts.join("|"))
}

/// How the names sound, whole; and each part of a compound one, which may stand alone elsewhere.
fn sounds(traits: &Traits) -> Vec<CompactString> {
    let mut sounds: Vec<CompactString> = Vec::with_capacity(2);
    let whole = traits.names.iter().map(|name| sound(name));
    let parts = traits.names.iter().flat_map(|name| names::parts(name)).map(sound);
    for sound in whole.chain(parts).filter(|sound| !sound.is_empty()) {
        if !sounds.contains(&sound) {
            sounds.push(sound);
        }
    }
    sounds
}

/// How each given name sounds, and all of them as one word.
fn all_given(given: &str) -> Vec<CompactString> {
    let mut sounds: Vec<CompactString> = given.split(' ').take(MOST_GIVEN).map(sound).collect();
    if sounds.len() > 1 {
        sounds.push(sound(&given.replace(' ', "")));
    }
    sounds.retain(|sound| !sound.is_empty());
    sounds.sort_unstable();
    sounds.dedup();
    sounds
}

/// Given names that make keys.
const MOST_GIVEN: usize = 3;

/// What each name begins with, as it sounds.
fn beginnings(names: &[CompactString]) -> impl Iterator<Item = CompactString> {
    let mut first: Vec<CompactString> =
        names.iter().filter_map(|name| Some(format_compact!("{}", name.chars().next()?))).collect();
    first.dedup();
    first.into_iter()
}

/// The name of the birthplace as it sounds, without an arrondissement or a département: every source gives it, few its code.
fn birthplace(traits: &Traits) -> Option<CompactString> {
    let name = &traits.birthplace.as_ref()?.name;
    let town = name.split(|letter: char| letter.is_ascii_digit()).next()?;
    Some(sound(town)).filter(|town| !town.is_empty())
}

/// Each name with the given name, whichever was written for which.
fn both<'n>(
    names: &'n [CompactString],
    given: &'n CompactString,
) -> impl Iterator<Item = CompactString> + 'n {
    let pair = move |name: &CompactString| format_compact!("{}|{}", name.min(given), name.max(given));
    names.iter().filter(|_| !given.is_empty()).map(pair)
}

#[cfg(test)]
mod tests {
    use crate::canonical::{Canon, FieldValues, Value};
    use crate::identity::{IdentityFields, Traits};

    fn traits(values: &[(&str, &str)]) -> Traits {
        let canon =
            Canon::from_schema(include_str!("../../../schemas/personne/v1.json")).expect("the schema");
        let value = |(path, text): &(&str, &str)| (canon.find(path).expect("a field"), Value::text(text));
        let mut values: FieldValues = values.iter().filter(|(_, text)| !text.is_empty()).map(value).collect();
        values.sort_by_key(|(field, _)| *field);
        IdentityFields::of(&canon).traits(&values, "s", "e")
    }

    fn person(name: &str, given: &str, birth: &str, postal: &str) -> Traits {
        traits(&[
            ("identite.nom_naissance", name),
            ("identite.prenoms", given),
            ("identite.date_naissance", birth),
            ("adresse.code_postal", postal),
        ])
    }

    fn meet(one: &Traits, other: &Traits) -> bool {
        one.keys().iter().any(|key| other.keys().contains(key))
    }

    #[test]
    fn a_person_written_wrong_in_one_way_shares_a_key_with_the_person_written_right() {
        let right = person("Lefèvre", "Mohamed", "1982-02-03", "64000");
        for (name, given, birth, postal) in [
            ("Lefebvre", "Mouhamed", "1982-02-03", ""),
            ("Lefevre", "Ali", "1982-02-03", "31000"),
            ("Lefevre", "", "1982-02-03", ""),
            ("Mohamed", "Lefevre", "1982-02-03", ""),
            ("LEFEVRE", "MOHAMED", "1982-03-02", ""),
            ("LEFEVRE", "MOHAMED", "1982-12-30", ""),
            ("LEFEVRE", "MOHAMED", "1982-02", ""),
            ("LEFEVRE DURAND", "MOHAMED", "1982-02-13", ""),
            ("Lefèbre", "Mohamed", "1982-02-03", "31000"),
            ("Duval", "Mohamed", "1982-02-03", "64000"),
            ("Duval", "Ali", "1982-03-02", "64000"),
            ("LEFEVRE", "MOHAMED", "", "64000"),
            ("LEFEVRE", "MOHAMED", "1928-02-03", "64000"),
        ] {
            let wrong = person(name, given, birth, postal);
            assert!(meet(&wrong, &right), "{name} {given} {birth} {postal}");
        }
        let home = [("adresse.code_postal", "64000"), ("adresse.voie", "12 rue des Tilleuls")];
        let at_home = |given: &str| {
            traits(&[&home[..], &[("identite.prenoms", given), ("identite.nom_usage", given)]].concat())
        };
        assert!(meet(&at_home("Jean-Pierre"), &at_home("JEANPIERRE")));
        assert!(meet(&at_home("Marie Louise"), &at_home("LOUISE")));
        assert!(!meet(&at_home("Marie Louise"), &at_home("Anne")));
        assert!(!meet(&person("Duval", "Ali", "1982-02-03", "31000"), &right));
        let born_in = |name: &str, place: &str| {
            traits(&[
                ("identite.nom_naissance", name),
                ("identite.prenoms", "Solène"),
                ("identite.date_naissance", "1974-06-17"),
                ("identite.lieu_naissance", place),
            ])
        };
        assert!(meet(&born_in("Vuillemin", "CHAUMONT"), &born_in("Girardot", "Chaumont 52")));
        assert!(!meet(&born_in("Vuillemin", "CHAUMONT"), &born_in("Girardot", "LANGRES")));
        assert!(!meet(&person("Duval", "Ali", "1975-02-03", "64000"), &right));
    }
}
