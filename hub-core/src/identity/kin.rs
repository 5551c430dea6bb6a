//! Who two persons may be who are alike and are not one.
//!
//! Strangers are alike by chance alone. Kin are alike for a reason: those of one home share it, and often the name; twins share
//! name and birth, and not the given name; a son may bear all his father's names. Each kind of kin has its own shares in the policy,
//! so that what kin share says little and what they do not share says much.

/// A kind of kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kin {
    /// Those who live together.
    Household,
    /// Born together, and living elsewhere.
    Twins,
    /// Born together and living together: what a home shares says nothing of them.
    TwinsAtHome,
    /// Of one name and one given name: father and son, or namesakes of one family.
    Namesakes,
}

impl Kin {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Household, Self::Twins, Self::TwinsAtHome, Self::Namesakes];

    /// Its name in a policy file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Household => "foyer",
            Self::Twins => "jumeaux",
            Self::TwinsAtHome => "jumeaux_au_foyer",
            Self::Namesakes => "homonymes",
        }
    }

    /// The kind of a name.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kin| kin.word() == word)
    }
}
