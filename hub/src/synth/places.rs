//! Where people live and were born: real communes (INSEE code, postal code), invented streets.
//!
//! The extracts are those of one département, Haute-Marne; births are spread over France, overseas and abroad.

use super::calendar::Day;
use super::random::Random;

/// A commune, or a country for births abroad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// INSEE code, five characters.
    pub insee: &'static str,
    /// Postal code; empty for birth places.
    pub postal: &'static str,
    /// Name.
    pub name: &'static str,
}

const fn home(insee: &'static str, postal: &'static str, name: &'static str) -> Place {
    Place { insee, postal, name }
}

const fn birth(insee: &'static str, name: &'static str) -> Place {
    Place { insee, postal: "", name }
}

const HOMES: &[Place] = &[
    home("52448", "52100", "Saint-Dizier"),
    home("52121", "52000", "Chaumont"),
    home("52269", "52200", "Langres"),
    home("52250", "52300", "Joinville"),
    home("52550", "52130", "Wassy"),
    home("52093", "52600", "Chalindrey"),
    home("52060", "52400", "Bourbonne-les-Bains"),
];

/// Birth places; their number takes part in making each NIR unique.
#[rustfmt::skip]
pub const BIRTHS: [Place; 46] = [
    birth("75112", "Paris 12e"), birth("13055", "Marseille"), birth("69123", "Lyon"), birth("31555", "Toulouse"),
    birth("06088", "Nice"), birth("44109", "Nantes"), birth("67482", "Strasbourg"), birth("33063", "Bordeaux"),
    birth("59350", "Lille"), birth("35238", "Rennes"), birth("51454", "Reims"), birth("42218", "Saint-Étienne"),
    birth("76351", "Le Havre"), birth("83137", "Toulon"), birth("38185", "Grenoble"), birth("21231", "Dijon"),
    birth("49007", "Angers"), birth("30189", "Nîmes"), birth("63113", "Clermont-Ferrand"), birth("72181", "Le Mans"),
    birth("29019", "Brest"), birth("37261", "Tours"), birth("80021", "Amiens"), birth("87085", "Limoges"),
    birth("57463", "Metz"), birth("25056", "Besançon"), birth("45234", "Orléans"), birth("68224", "Mulhouse"),
    birth("14118", "Caen"), birth("54395", "Nancy"), birth("10387", "Troyes"), birth("08105", "Charleville-Mézières"),
    birth("2A004", "Ajaccio"), birth("2B033", "Bastia"), birth("52448", "Saint-Dizier"), birth("52121", "Chaumont"),
    birth("52269", "Langres"), birth("55029", "Bar-le-Duc"), birth("88160", "Épinal"), birth("97411", "Saint-Denis"),
    birth("99352", "Alger"), birth("99350", "Casablanca"), birth("99351", "Tunis"), birth("99341", "Dakar"),
    birth("99139", "Porto"), birth("99208", "Izmir"),
];

#[rustfmt::skip]
const STREETS: &[&str] = &[
    "de l'Écluse", "des Tilleuls", "du Moulin", "Haute", "des Anciens Lavoirs", "du Pont-Levis", "de la Fontaine-aux-Fées",
    "des Vieux Métiers", "du Puits-Salé", "de l'Abreuvoir", "des Maraîchers", "du Chêne-Rond", "des Trois-Épis", "de la Tuilerie",
    "du Bac", "des Hirondelles", "de la Forge", "du Haut-Fourneau", "des Coutelliers", "de l'Orangeraie", "du Belvédère",
    "des Prés-Fleuris", "de la Croix-Percée", "du Vieux-Lavoir", "d'Arcantes", "des Remparts-Neufs", "du Colombier", "de Vaubresson",
];

const WAYS: &[&str] = &["rue", "rue", "rue", "avenue", "chemin", "place", "allée", "impasse", "boulevard"];

const COMPLEMENTS: &[&str] =
    &["Bâtiment A", "Bâtiment C", "Appartement 12", "Escalier 2", "Résidence Les Vannes"];

/// An address.
#[derive(Debug, Clone, Copy)]
pub struct Address {
    /// The commune.
    pub place: Place,
    /// Number in the street.
    pub number: u16,
    /// Kind of way: rue, avenue…
    pub way: &'static str,
    /// Name of the street.
    pub street: &'static str,
    /// Building, flat.
    pub complement: Option<&'static str>,
    /// Day of moving in.
    pub since: Day,
}

impl Address {
    /// An address lived at since a day.
    pub fn drawn(random: &mut Random, since: Day) -> Self {
        Self {
            place: random.one(HOMES),
            number: random.between(1, 180),
            way: random.one(WAYS),
            street: random.one(STREETS),
            complement: random.percent(25).then(|| random.one(COMPLEMENTS)),
            since,
        }
    }
}
