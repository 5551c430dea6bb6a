//! The words of a page, in French and in English.
//!
//! A tongue enters, a phrase leaves. Canonical names and their descriptions are French in both: they are the law's.

use hub_core::canonical::Classification;

/// The language of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// French.
    French,
    /// English.
    English,
}

impl Tongue {
    /// The phrase of this tongue.
    pub fn say(self, french: &str, english: &str) -> String {
        if self == Self::French { french.to_owned() } else { english.to_owned() }
    }

    /// Its code in HTML.
    pub fn code(self) -> &'static str {
        if self == Self::French { "fr" } else { "en" }
    }

    /// A text quoted.
    pub fn quote(self, text: &str) -> String {
        if self == Self::French { format!("« {text} »") } else { format!("“{text}”") }
    }

    /// Texts quoted, the last after "or".
    pub fn any_of(self, texts: &[String]) -> String {
        let quoted: Vec<String> = texts.iter().map(|text| self.quote(text)).collect();
        self.or(&quoted)
    }

    /// Phrases, the last after "or".
    pub fn or(self, phrases: &[String]) -> String {
        let or = self.say(" ou ", " or ");
        match phrases.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{}{or}{last}", rest.join(", ")),
            _ => phrases.concat(),
        }
    }

    /// Who may read a field.
    pub fn classification(self, classification: Classification) -> String {
        match classification {
            Classification::Identifying => self.say("identifiant", "identifying"),
            Classification::Sensitive => self.say("sensible", "sensitive"),
            Classification::Ordinary => self.say("ordinaire", "ordinary"),
        }
    }

    /// The headings of the table of fields.
    pub fn headings(self) -> [String; 4] {
        [
            self.say("Champ canonique", "Canonical field"),
            self.say("D'où vient la valeur", "Where the value comes from"),
            self.say("Ce qui lui est fait", "What is done to it"),
            self.say("Absente ou fausse", "When missing or wrong"),
        ]
    }

    /// The headings of a code list.
    pub fn list_headings(self) -> [String; 3] {
        [
            self.say("Code reçu", "Code received"),
            self.say("Valeur canonique", "Canonical value"),
            self.say("Libellé", "Label"),
        ]
    }

    /// The heading of the fields.
    pub fn fields(self) -> String {
        self.say("Les données reprises", "The data taken in")
    }

    /// The heading of the code lists.
    pub fn lists(self) -> String {
        self.say("Les listes de codes", "The code lists")
    }

    /// The title of one code list.
    pub fn list(self, name: &str) -> String {
        self.say(&format!("Liste `{name}`"), &format!("List `{name}`"))
    }

    /// The heading of what is not read, and what stands under it.
    pub fn unread(self) -> [String; 3] {
        [
            self.say("Ce qui n'est jamais lu", "What is never read"),
            self.say(
                "Ces champs figurent dans les extraits d'essai, et aucune règle ne les lit :",
                "These fields stand in the trial extracts, and no rule reads them:",
            ),
            self.say(
                "Tous les champs des extraits d'essai sont lus.",
                "All fields of the trial extracts are read.",
            ),
        ]
    }
}
