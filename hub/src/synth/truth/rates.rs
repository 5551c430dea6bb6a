//! How often identities go wrong: the one table of labelled data, and the chance that keeps to it.
//!
//! A source, a level of noise and a kind enter, a share leaves. No public study measures the three feeds; where a comment names no
//! source the figure is an assumption, chosen so that the realistic column is worse than a register and better than a paper form.

use super::super::random::{Purpose, Random};

/// How much goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Noise {
    /// Well-kept files: about a third of what is usual.
    Calm,
    /// What is usual.
    #[default]
    Real,
    /// About three times what is usual.
    Harsh,
}

/// Who states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The CAF.
    Caf,
    /// France Travail.
    FranceTravail,
    /// The département.
    Departement,
}

/// A way an identity goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table tells each")]
pub enum Kind {
    NameTypo,
    NameBySound,
    NamePunctuation,
    NameTransliterated,
    BirthNameForUsage,
    BothNames,
    FormerName,
    GivenTypo,
    GivenBySound,
    GivenCompound,
    GivenTransliterated,
    GivenInNumber,
    GivenReordered,
    GivenSecond,
    Swapped,
    DayForMonth,
    DateDigit,
    FirstOfJanuary,
    DayUnknown,
    SexWrong,
    PlaceOtherwise,
    PlaceMissing,
    Moved,
    PhoneChanged,
    EmailChanged,
    NirMissing,
    NirWithoutKey,
    NirLostZero,
    NirDigit,
    NirOfSpouse,
    Twice,
}

/// What a kind's share depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// A clerk's: the more careful the source, the rarer.
    Mistake,
    /// A habit of the source or a fact of life: alike in all three.
    Habit,
}

use Nature::{Habit, Mistake};

/// The table: kind, word, nature; calm, realistic and harsh shares, in ten thousand of the statements of which it can happen.
#[rustfmt::skip]
const TABLE: [(Kind, &str, Nature, [u32; 3]); 31] = [
    // Linkage studies count one to three names in a hundred misspelt, a little less in registers: assumption within that.
    (Kind::NameTypo,            "name_typo",             Mistake, [   50,   150,   450]),
    // PH for F, Y for I, one letter for two: taken down by ear. Assumption.
    (Kind::NameBySound,         "name_by_sound",         Mistake, [   30,   100,   300]),
    // LE FLOCH, LEFLOC'H, LE-FLOC'H: of names with a space, hyphen or apostrophe. Assumption: every source has its rule.
    (Kind::NamePunctuation,     "name_punctuation",      Habit,   [1_000, 3_000, 5_000]),
    // Ben Ali, Benali; Ouattara, Wattara: of names with another spelling. Assumption: papers of two countries.
    (Kind::NameTransliterated,  "name_transliterated",   Habit,   [  100,   400, 1_200]),
    // Of those who use another name than the one they were born with; the feeds say `nom` and not which. Assumption.
    (Kind::BirthNameForUsage,   "birth_name_for_usage",  Mistake, [  500, 1_500, 3_000]),
    // `DUPONT MARTIN`: of the same. Assumption.
    (Kind::BothNames,           "both_names",            Mistake, [  300,   800, 1_500]),
    // A name of a former marriage that no other source has: of women. Assumption.
    (Kind::FormerName,          "former_name",           Mistake, [   20,    60,   200]),
    // As surnames.
    (Kind::GivenTypo,           "given_typo",            Mistake, [   50,   150,   450]),
    // As surnames.
    (Kind::GivenBySound,        "given_by_sound",        Mistake, [   30,   100,   300]),
    // Jean Pierre, Jeanpierre: of compound given names. Assumption: free fields, no rule.
    (Kind::GivenCompound,       "given_compound",        Habit,   [1_000, 3_000, 5_000]),
    // Mohamed, Mohammed: of given names with another spelling. Assumption.
    (Kind::GivenTransliterated, "given_transliterated",  Habit,   [  200,   800, 2_000]),
    // All given names where the source writes one, one where it writes all: of those who have several. Assumption.
    (Kind::GivenInNumber,       "given_in_number",       Habit,   [  300, 1_000, 2_500]),
    // Another order: of those with several. Assumption.
    (Kind::GivenReordered,      "given_reordered",       Mistake, [   30,   100,   300]),
    // The second given name, the one in use, as the first: of those who use it. Assumption: the source asked the person.
    (Kind::GivenSecond,         "given_second",          Mistake, [2_000, 4_000, 6_000]),
    // Name and given name in each other's column. Assumption: seen in FEEDS.md 2.4, les emplois search a second time swapped.
    (Kind::Swapped,             "swapped",               Mistake, [   10,    40,   150]),
    // Of births up to the 12th. Assumption.
    (Kind::DayForMonth,         "day_for_month",         Mistake, [   10,    40,   150]),
    // One digit of the birth date. Assumption: half of a name's typos, a date has eight characters.
    (Kind::DateDigit,           "date_digit",            Mistake, [   25,    75,   250]),
    // The day is not known to the source: 1 January. Assumption.
    (Kind::FirstOfJanuary,      "first_of_january",      Mistake, [   10,    30,   100]),
    // The CAF alone says so: TYPEDTNAI J (FEEDS.md 1.5). Assumption for the share.
    (Kind::DayUnknown,          "day_unknown",           Habit,   [   30,   100,   300]),
    // Civilité or sex. Assumption.
    (Kind::SexWrong,            "sex_wrong",             Mistake, [   10,    30,   100]),
    // ST DIZIER, PARIS: of places with another spelling. Assumption.
    (Kind::PlaceOtherwise,      "place_otherwise",       Habit,   [  500, 1_500, 3_000]),
    // Assumption; the département leaves one in five blank whatever the noise.
    (Kind::PlaceMissing,        "place_missing",         Habit,   [  200,   600, 1_500]),
    // The address before the last: about one household in ten moves in a year (Insee), a source lags more than one.
    (Kind::Moved,               "moved",                 Mistake, [  500, 1_500, 3_000]),
    // Assumption.
    (Kind::PhoneChanged,        "phone_changed",         Habit,   [  500, 1_500, 3_000]),
    // Assumption.
    (Kind::EmailChanged,        "email_changed",         Habit,   [  300, 1_000, 2_500]),
    // The département's share without labels.
    (Kind::NirMissing,          "nir_missing",           Habit,   [1_500, 3_000, 5_000]),
    // The département's share without labels.
    (Kind::NirWithoutKey,       "nir_without_key",       Habit,   [4_000, 4_000, 4_000]),
    // Of keys that begin with zero: a spreadsheet's columns. Assumption.
    (Kind::NirLostZero,         "nir_lost_zero",         Habit,   [  500, 2_000, 4_000]),
    // One digit wrong. Assumption: copied from a card, the key tells most.
    (Kind::NirDigit,            "nir_digit",             Habit,   [   10,    40,   150]),
    // The spouse's number: of couples. Assumption: an insured and their dependants once shared one.
    (Kind::NirOfSpouse,         "nir_of_spouse",         Habit,   [   10,    40,   150]),
    // The same person under two keys of one file. Assumption; users complain first of duplicates.
    (Kind::Twice,               "twice",                 Mistake, [   50,   150,   500]),
];

impl Kind {
    /// Every kind, in the table's order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.into_iter().map(|(kind, ..)| kind)
    }

    /// A word for tables and JSON.
    pub fn word(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// How often it happens to a source, in ten thousand of the statements of which it can.
    pub fn share(self, noise: Noise, source: Source) -> u32 {
        let (_, _, nature, [calm, real, harsh]) = TABLE[self as usize];
        let share = match noise {
            Noise::Calm => calm,
            Noise::Real => real,
            Noise::Harsh => harsh,
        };
        if nature == Mistake { share * source.mistakes() / 100 } else { share }
    }
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::Caf, Self::FranceTravail, Self::Departement];

    /// The name it delivers under.
    pub fn word(self) -> &'static str {
        match self {
            Self::Caf => "caf",
            Self::FranceTravail => "france-travail",
            Self::Departement => "departement",
        }
    }

    /// Mistakes made where the table has a hundred: the CAF certifies identities (TOPVALIEC), people type theirs in at France
    /// Travail, many hands fill the département's list. Assumption.
    fn mistakes(self) -> u32 {
        match self {
            Self::Caf => 30,
            Self::FranceTravail => 70,
            Self::Departement => 100,
        }
    }
}

/// How often each kind could happen to a source's statements, and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally([[(u64, u64); 3]; TABLE.len()]);

impl Tally {
    /// How often a kind could happen to a source, and did.
    pub fn of(&self, kind: Kind, source: Source) -> (u64, u64) {
        self.0[kind as usize][source as usize]
    }

    /// Counts a statement to which a kind can happen.
    pub fn could(&mut self, kind: Kind, source: Source) {
        self.0[kind as usize][source as usize].0 += 1;
    }

    /// Counts one to which it did.
    pub fn did(&mut self, kind: Kind, source: Source) {
        self.0[kind as usize][source as usize].1 += 1;
    }
}

/// The chance of one statement.
#[derive(Debug)]
pub struct Dice<'t> {
    /// The stream drawn from.
    pub random: Random,
    /// Who states.
    pub source: Source,
    noise: Noise,
    tally: &'t mut Tally,
}

impl<'t> Dice<'t> {
    /// The chance of what `source` states of the adult of `rank`, for the first time or the second.
    pub fn of(numbers: [u64; 3], source: Source, noise: Noise, tally: &'t mut Tally) -> Self {
        let [seed, rank, time] = numbers;
        let random = Random::of(Purpose::Telling, &[seed, rank, time, source as u64]);
        Self { random, source, noise, tally }
    }

    /// Whether a kind that can happen here does.
    pub fn hits(&mut self, kind: Kind) -> bool {
        let hit = self.random.per_ten_thousand(kind.share(self.noise, self.source));
        self.tally.could(kind, self.source);
        if hit {
            self.tally.did(kind, self.source);
        }
        hit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_stands_at_its_place_and_more_noise_is_no_less() {
        for (at, (kind, word, _, [calm, real, harsh])) in TABLE.into_iter().enumerate() {
            assert_eq!(kind as usize, at, "{word}");
            assert!(calm <= real && real <= harsh && harsh <= 10_000, "{word}");
        }
    }
}
