//! How alike two persons are, trait by trait: one level for each trait both are known by.
//!
//! Two profiles enter, a level per trait leaves. A person may have several names, births or addresses: the best pair counts, but not
//! where one contradicts what another says, so that MARIE is not MARIE ANNE once she is known as MARIE LOUISE.

use strsim::osa_distance;

use super::birth::{self, Birth};
use super::names;
use super::numbers::{level_of_nirs, level_of_numbers};
use super::profile::{Address, Profile};
use super::traits::Birthplace;
use crate::referential::of_commune;

/// A trait that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the field's own words")]
pub enum Trait {
    Nom,
    Prenoms,
    Naissance,
    Sexe,
    Lieu,
    Adresse,
    Telephone,
    Courriel,
    Foyer,
    Numero,
    Nir,
    Sources,
}

impl Trait {
    /// Every trait, in the order they are told.
    pub const ALL: [Self; 12] = [
        Self::Nom,
        Self::Prenoms,
        Self::Naissance,
        Self::Sexe,
        Self::Lieu,
        Self::Adresse,
        Self::Telephone,
        Self::Courriel,
        Self::Foyer,
        Self::Numero,
        Self::Nir,
        Self::Sources,
    ];

    /// Its name in a policy file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Nom => "nom",
            Self::Prenoms => "prenoms",
            Self::Naissance => "naissance",
            Self::Sexe => "sexe",
            Self::Lieu => "lieu_naissance",
            Self::Adresse => "adresse",
            Self::Telephone => "telephone",
            Self::Courriel => "courriel",
            Self::Foyer => "foyer",
            Self::Numero => "numero",
            Self::Nir => "nir",
            Self::Sources => "sources",
        }
    }

    /// The canonical fields it is read from.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Nom => &["identite.nom_naissance", "identite.nom_usage"],
            Self::Prenoms => &["identite.prenoms"],
            Self::Naissance => &["identite.date_naissance"],
            Self::Sexe => &["identite.sexe", "identite.civilite"],
            Self::Lieu => &["identite.lieu_naissance", "identite.commune_naissance"],
            Self::Adresse => &["adresse.voie", "adresse.code_postal"],
            Self::Telephone => &["contacts.telephones"],
            Self::Courriel => &["contacts.courriels"],
            Self::Foyer => &["identifiants.numero_allocataire"],
            Self::Numero => &[
                "identifiants.identifiant_ft_uuid",
                "identifiants.identifiant_ft",
                "identifiants.identifiant_departement",
                "identifiants.identifiant_mission_locale",
                "identifiants.identifiant_asp",
            ],
            Self::Nir => &["identite.nir"],
            Self::Sources => &[],
        }
    }

    /// The names of its levels, the most alike first.
    pub fn levels(self) -> &'static [&'static str] {
        match self {
            Self::Nom => &["identique", "partie", "proche", "inverse", "different"],
            Self::Prenoms => &["identique", "partie", "commun", "proche", "inverse", "different"],
            Self::Naissance => &[
                "identique",
                "premier_janvier",
                "mois",
                "annee",
                "inverse",
                "chiffre",
                "jour_inconnu",
                "proche",
                "different",
            ],
            Self::Sexe => &["identique", "different"],
            Self::Lieu | Self::Nir => &["identique", "proche", "different"],
            Self::Adresse => &["identique", "proche", "commune", "different"],
            Self::Telephone | Self::Courriel | Self::Foyer => &["commun", "different"],
            // Of one source; of several, which two of a household may bear, or one of which may be written wrong.
            Self::Numero => &["identique", "partage", "proche", "different"],
            // Three sources or more, of which none states both; two, each one; one states both at one time.
            Self::Sources => &["complementaires", "distinctes", "commune"],
        }
    }
}

/// Traits compared.
pub const TRAITS: usize = Trait::ALL.len();
/// Most levels one trait has.
pub const LEVELS: usize = 9;
/// The level of a trait one of the two is not known by.
const UNKNOWN: u8 = u8::MAX;

/// A level for each trait both are known by: an index into [`Trait::levels`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Likeness([u8; TRAITS]);

impl Default for Likeness {
    fn default() -> Self {
        Self([UNKNOWN; TRAITS])
    }
}

impl Likeness {
    /// Compares two persons.
    pub fn of(a: &Profile, b: &Profile) -> Self {
        let mut likeness = Self::default();
        let sets = [
            (Trait::Nom, level_of_names(a, b)),
            (Trait::Prenoms, level_of_given(a, b)),
            (Trait::Naissance, level_of_births(a, b)),
            (Trait::Sexe, both(&a.women, &b.women, |a, b| u8::from(a != b))),
            (Trait::Lieu, both(&a.birthplaces, &b.birthplaces, level_of_places)),
            (Trait::Adresse, both(&a.addresses, &b.addresses, level_of_addresses)),
            (Trait::Telephone, both(&a.phones, &b.phones, |a, b| u8::from(a != b))),
            (Trait::Courriel, both(&a.emails, &b.emails, |a, b| u8::from(a != b))),
            (Trait::Foyer, both(&a.households, &b.households, |a, b| u8::from(a != b))),
            (Trait::Numero, level_of_numbers(a, b)),
            (Trait::Sources, Some(level_of_sources(a, b))),
            (Trait::Nir, level_of_nirs(a, b)),
        ];
        for (of, level) in sets {
            likeness.set(of, level);
        }
        likeness.turn_round(a, b);
        likeness.part_by_sex();
        likeness.tell_once();
        likeness.let_numbers_pass_on();
        likeness
    }

    /// The level of a trait, when both are known by it.
    pub fn level(&self, of: Trait) -> Option<u8> {
        self.0.get(of as usize).copied().filter(|level| *level != UNKNOWN)
    }

    /// The name of the level of a trait.
    pub fn word(&self, of: Trait) -> Option<&'static str> {
        of.levels().get(usize::from(self.level(of)?)).copied()
    }

    /// Neither name nor given name has anything in common.
    pub(super) fn is_of_another_name(&self) -> bool {
        self.level(Trait::Nom) == Some(NAMES_OTHER) && self.level(Trait::Prenoms) == Some(GIVEN_OTHER)
    }

    pub(super) fn set(&mut self, of: Trait, level: Option<u8>) {
        if let Some(place) = self.0.get_mut(of as usize) {
            *place = level.unwrap_or(UNKNOWN);
        }
    }

    /// LOUIS and LOUISE, of two sexes, are two given names, not one mistyped.
    fn part_by_sex(&mut self) {
        if self.word(Trait::Sexe) == Some("different") && self.word(Trait::Prenoms) == Some("proche") {
            self.set(Trait::Prenoms, Some(GIVEN_OTHER));
        }
    }

    /// A family name written where the given name goes, and the other way round.
    fn turn_round(&mut self, a: &Profile, b: &Profile) {
        let other = |of, level| self.level(of) == Some(level);
        if !(other(Trait::Nom, NAMES_OTHER) && other(Trait::Prenoms, GIVEN_OTHER)) {
            return;
        }
        // Two words may be wrong in two ways: turned round, and mistyped.
        let is = |name: &str, given: &str| names::given(name, given) != names::Nearness::Other;
        let crossed = |one: &Profile, two: &Profile| {
            one.names.iter().any(|name| two.given.iter().any(|given| is(name, given)))
        };
        if crossed(a, b) && crossed(b, a) {
            self.set(Trait::Nom, Some(NAMES_OTHER - 1));
            self.set(Trait::Prenoms, Some(GIVEN_OTHER - 1));
        }
    }
}

const NAMES_OTHER: u8 = 4;
const GIVEN_OTHER: u8 = 5;

/// The best pair of what two persons are known by.
fn both<T: PartialEq>(
    a: &super::few::Few<T>,
    b: &super::few::Few<T>,
    level: impl Fn(&T, &T) -> u8,
) -> Option<u8> {
    a.iter().flat_map(|a| b.iter().map(|b| level(a, b)).collect::<Vec<u8>>()).min()
}

fn level_of_names(a: &Profile, b: &Profile) -> Option<u8> {
    both(&a.names, &b.names, |a, b| match names::names(a, b) {
        names::Nearness::Same => 0,
        names::Nearness::Part => 1,
        names::Nearness::Shared | names::Nearness::Near => 2,
        names::Nearness::Other => NAMES_OTHER,
    })
}

/// The same somewhere, or the best of what nothing contradicts.
fn level_of_given(a: &Profile, b: &Profile) -> Option<u8> {
    let best = a.given.iter().flat_map(|a| b.given.iter().map(|b| names::given(a, b))).min()?;
    let contradicted = match best {
        names::Nearness::Same => a.further_given_contradict(b),
        names::Nearness::Part => a.given_contradict(b),
        _ => false,
    };
    Some(match best {
        _ if contradicted => GIVEN_OTHER,
        names::Nearness::Same => 0,
        names::Nearness::Part => 1,
        names::Nearness::Shared => 2,
        names::Nearness::Near => 3,
        names::Nearness::Other => GIVEN_OTHER,
    })
}

fn level_of_births(a: &Profile, b: &Profile) -> Option<u8> {
    // That some claim says 1 January of both says nothing once their days are known.
    let known = a.days_contradict(b);
    let counted = |birth: &&Birth| !known || birth.anniversary().is_some();
    let theirs = || b.births.iter().filter(counted);
    let pairs = || a.births.iter().filter(counted).flat_map(|own| theirs().map(|birth| own.nearness(*birth)));
    let best = pairs().min()?;
    // Known to the month in one place, to another day of it in another.
    let contradicted =
        matches!(best, birth::Nearness::Month | birth::Nearness::Year) && pairs().any(|pair| !pair.agrees());
    Some(if contradicted { birth::Nearness::Part as u8 } else { best as u8 })
}

fn level_of_places(a: &Birthplace, b: &Birthplace) -> u8 {
    let names = alike(a, b);
    let codes = !a.code.is_empty() && !b.code.is_empty();
    if (codes && a.code == b.code) || names == Some(names::Nearness::Same) {
        return 0;
    }
    let near = names.is_some_and(|names| names != names::Nearness::Other);
    let departements = codes && departement(&a.code) == departement(&b.code);
    if departements || near || !(codes || names.is_some()) { 1 } else { 2 }
}

/// Whether two birthplaces may be one: by their codes, or by how their names are written.
pub(super) fn may_be_one_place(a: &Birthplace, b: &Birthplace) -> bool {
    let names = alike(a, b).map(|names| names != names::Nearness::Other);
    let codes = !a.code.is_empty() && !b.code.is_empty();
    (codes && a.code == b.code) || names.unwrap_or(!codes)
}

/// How alike the names of two birthplaces are: PARIS 13E ARRONDISSEMENT, PARIS 13 and PARIS are the same.
fn alike(a: &Birthplace, b: &Birthplace) -> Option<names::Nearness> {
    let plain = |name: &str| name.chars().take_while(|letter| !letter.is_ascii_digit()).collect::<String>();
    let (a, b) = (plain(&a.name), plain(&b.name));
    let (a, b) = (a.trim(), b.trim());
    (!a.is_empty() && !b.is_empty()).then(|| if a == b { names::Nearness::Same } else { names::names(a, b) })
}

/// The département of a commune's code; of what lies abroad there is none: the code itself.
fn departement(code: &str) -> &str {
    if code.starts_with("99") { code } else { of_commune(code) }
}

/// The street nearly written alike in one postal code, or the very street and one digit of the code wrong, is near.
fn level_of_addresses(a: &Address, b: &Address) -> u8 {
    let streets = !a.street.is_empty() && !b.street.is_empty();
    let codes = osa_distance(&a.postal_code, &b.postal_code);
    match (codes, streets && a.street == b.street) {
        (0, true) => 0,
        (1, true) => 1,
        (0, false) if streets && is_near(&a.street, &b.street) => 1,
        (0, false) => 2,
        _ => 3,
    }
}

/// Nearly the same letters, and a house number with one digit wrong at most.
fn is_near(a: &str, b: &str) -> bool {
    let number = |street: &str| street.chars().take_while(char::is_ascii_digit).collect::<String>();
    osa_distance(&number(a), &number(b)) <= 1 && names::names(a, b) == names::Nearness::Near
}

/// A source seldom states somebody twice; and two persons are seldom stated each where the other is not.
fn level_of_sources(a: &Profile, b: &Profile) -> u8 {
    match a.givers_of_either(b) {
        _ if a.is_stated_beside(b) => 2,
        0..3 => 1,
        _ => 0,
    }
}
