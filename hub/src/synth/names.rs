//! Names of nobody: common French given names and surnames put together by chance, and the ways sources spell them.
//!
//! Accents, hyphens, apostrophes and particules are there on purpose. No `œ`: windows-1252 files keep one byte a letter.

use std::fmt::{self, Write};

use super::random::Random;

/// Surnames.
#[rustfmt::skip]
const SURNAMES: &[&str] = &[
    "Abadie", "Albaret", "Allègre", "Aubertin", "Bachelet", "Baudouin", "Bazin", "Beauvais", "Bédard", "Belhadj", "Benoît",
    "Bertaud", "Besançon", "Blanchet", "Boissière", "Bonnefoy", "Bouchet", "Boulègue", "Bréant", "Brézard", "Caillaud",
    "Carpentier", "Cazenave", "Chabrol", "Châtelain", "Chevallier", "Clément", "Collinet", "Cornu", "Coulibaly", "Courtois",
    "Couturier", "D'Almeida", "D'Arcambal", "Da Silva", "Dansette", "Daubigné", "de La Fontaine", "de La Tour", "de Saint-Aubin",
    "Delacroix-Vaubois", "Delorme", "Desgranges", "Desprez", "Diallo", "Diarra", "du Bellay", "Duchêne", "Dufresnoy", "Dupré",
    "Durantel", "El Amrani", "Esnault", "Estève", "Fauconnier", "Favre", "Férey", "Ferreira", "Fontanel", "Forestier", "Fréchet",
    "Gaillardon", "Garnier", "Gauthier", "Géraud", "Girardot", "Goncalves", "Grandjean", "Guérin", "Guichard", "Guyonnet",
    "Haddad", "Hamelin", "Hébrard", "Hernandez", "Hervieu", "Huguenin", "Imbert", "Jacquemin", "Jaouen", "Jégou", "Joly",
    "Jourdain", "Kaddour", "Keller", "Kerleau", "L'Hermitte", "L'Hostis", "La Rivière", "Labbé", "Lacombe", "Lagrange", "Lambin",
    "Langlois", "Larrieu", "Lasserre", "Le Bihan", "Le Floc'h", "Le Goff", "Le Guen", "Lebrun", "Lefebvre", "Lefèvre", "Legrand",
    "Lemaître", "Leroux", "Letellier", "Lhuillier", "Loiseau", "Macé", "Maillard", "Malherbe", "Marchal", "Maréchal", "Mathurin",
    "Mazières", "Mendès", "Mercier", "Meunier", "Mézières", "Michelet", "Monnier", "Morvan", "Moulinier", "N'Diaye", "N'Guessan",
    "Naudin", "Nguyen", "Noël", "Olivier", "Ouattara", "Pélissier", "Peltier", "Perrault", "Petitjean", "Pichon", "Pinçon",
    "Poirier", "Prévost", "Quéméner", "Rambaud", "Renaudin", "Ribeiro", "Rivoire", "Rocheteau", "Rougier", "Roussel", "Sabatier",
    "Saïdi", "Saint-Martin", "Sauvageot", "Schneider", "Séguin", "Simonet", "Soulié", "Tavernier", "Tessier", "Thévenet",
    "Thibault", "Tisserand", "Touré", "Traoré", "Vaillant", "Valentin", "Vandenbroucke", "Vasseur", "Verdier", "Vialatte",
    "Villeneuve-Bargemont", "Vuillemin", "Weber", "Yilmaz", "Zimmermann",
];

/// Given names of women.
#[rustfmt::skip]
const WOMEN: &[&str] = &[
    "Adèle", "Agnès", "Aïcha", "Alice", "Amélie", "Anaïs", "Anne-Laure", "Anne-Sophie", "Aurélie", "Aya", "Béatrice", "Bénédicte",
    "Camille", "Carole", "Cécile", "Céline", "Chantal", "Chloé", "Christelle", "Claire", "Coralie", "Delphine", "Élisabeth", "Élodie",
    "Émilie", "Estelle", "Fanny", "Fatima", "Florence", "Françoise", "Gaëlle", "Hélène", "Inès", "Isabelle", "Jeanne", "Julie",
    "Karine", "Khadija", "Laëtitia", "Laure", "Léa", "Lucie", "Manon", "Marie", "Marie-Christine", "Marie-Thérèse", "Marion",
    "Mathilde", "Mélanie", "Myriam", "Nadia", "Nathalie", "Noémie", "Océane", "Pauline", "Perrine", "Rachida", "Sabrina", "Sandrine",
    "Sarah", "Solène", "Sophie", "Stéphanie", "Sylvie", "Valérie", "Véronique", "Virginie", "Yasmine", "Zoé",
];

/// Given names of men.
#[rustfmt::skip]
const MEN: &[&str] = &[
    "Adrien", "Ahmed", "Alain", "Alexandre", "Amadou", "André", "Antoine", "Arnaud", "Aurélien", "Bastien", "Benoît", "Brahim",
    "Cédric", "Christophe", "Clément", "Damien", "David", "Didier", "Éric", "Étienne", "Fabrice", "Florian", "François",
    "François-Xavier", "Frédéric", "Gaël", "Gérard", "Gilles", "Grégory", "Guillaume", "Hervé", "Hugo", "Ibrahima", "Jean",
    "Jean-Baptiste", "Jean-François", "Jean-Noël", "Jérémy", "Jérôme", "Joël", "Julien", "Karim", "Kévin", "Laurent", "Loïc", "Lucas",
    "Ludovic", "Mamadou", "Marc", "Mathieu", "Mickaël", "Mohamed", "Nicolas", "Noël", "Olivier", "Pascal", "Philippe", "Pierre-Yves",
    "Rachid", "Raphaël", "Régis", "Rémi", "Sébastien", "Stéphane", "Thierry", "Tiémoko", "Vincent", "Xavier", "Yann", "Youssef",
];

/// A family name, of one or two parts joined by a hyphen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surname(pub &'static str, pub Option<&'static str>);

impl Surname {
    /// A name; six in a hundred are double.
    pub fn drawn(random: &mut Random) -> Self {
        let first = random.one(SURNAMES);
        let second = random.percent(6).then(|| random.one(SURNAMES));
        Self(first, second)
    }

    /// The name as `spelling` writes it, no longer than `most` letters.
    pub fn spelled(self, spelling: Spelling, most: usize) -> Spelled<'static> {
        Spelled { parts: [Some(self.0), self.1], spelling, most }
    }
}

/// One given name.
pub fn given(random: &mut Random, woman: bool) -> &'static str {
    random.one(if woman { WOMEN } else { MEN })
}

/// The text as `spelling` writes it.
pub fn spelled(text: &str, spelling: Spelling) -> Spelled<'_> {
    Spelled { parts: [Some(text), None], spelling, most: usize::MAX }
}

/// How a source writes a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `Lefèvre`.
    Full,
    /// `Lefevre`.
    NoAccents,
    /// `LEFÈVRE`.
    Capitals,
    /// `LEFEVRE`.
    BareCapitals,
    /// `lefevre`, letters only, for e-mail addresses.
    Letters,
}

/// A name to be written.
#[derive(Debug, Clone, Copy)]
pub struct Spelled<'t> {
    parts: [Option<&'t str>; 2],
    spelling: Spelling,
    most: usize,
}

impl Spelled<'_> {
    /// The same, no longer than `most` letters.
    pub fn cut(self, most: usize) -> Self {
        Self { most, ..self }
    }
}

impl fmt::Display for Spelled<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.parts;
        let join = second.map(|_| '-');
        let letters = first.unwrap_or_default().chars().chain(join).chain(second.unwrap_or_default().chars());
        for letter in letters.take(self.most) {
            match self.spelling {
                Spelling::Full => f.write_char(letter)?,
                Spelling::NoAccents => f.write_char(bare(letter))?,
                Spelling::Capitals => f.write_char(capital(letter))?,
                Spelling::BareCapitals => f.write_char(bare(letter).to_ascii_uppercase())?,
                Spelling::Letters if letter.is_alphabetic() => {
                    f.write_char(bare(letter).to_ascii_lowercase())?;
                }
                Spelling::Letters => {}
            }
        }
        Ok(())
    }
}

fn capital(letter: char) -> char {
    letter.to_uppercase().next().unwrap_or(letter)
}

fn bare(letter: char) -> char {
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' => 'a',
        'ç' => 'c',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'î' | 'ï' => 'i',
        'ñ' => 'n',
        'ó' | 'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        'É' | 'È' | 'Ê' | 'Ë' => 'E',
        'Î' | 'Ï' => 'I',
        'À' | 'Â' => 'A',
        'Ç' => 'C',
        'Ô' | 'Ö' => 'O',
        'Ü' => 'U',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_writes_its_way_and_stops_at_its_length() {
        let name = Surname("Le Floc'h", Some("Mézières"));
        for (spelling, most, text) in [
            (Spelling::Full, 40, "Le Floc'h-Mézières"),
            (Spelling::NoAccents, 40, "Le Floc'h-Mezieres"),
            (Spelling::Capitals, 12, "LE FLOC'H-MÉ"),
            (Spelling::BareCapitals, 40, "LE FLOC'H-MEZIERES"),
            (Spelling::Letters, 40, "leflochmezieres"),
        ] {
            assert_eq!(name.spelled(spelling, most).to_string(), text);
        }
    }

    #[test]
    fn every_name_fits_one_byte_a_letter() {
        for letter in SURNAMES.iter().chain(WOMEN).chain(MEN).flat_map(|name| name.chars()) {
            assert!(u32::from(letter) < 0x100 && u32::from(capital(letter)) < 0x100, "{letter}");
            assert!(bare(letter).is_ascii(), "{letter}");
        }
    }
}
