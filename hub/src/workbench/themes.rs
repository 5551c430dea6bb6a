//! The crosswalk of the freins: which code of which vocabulary speaks of which frein of the canonical record.
//!
//! Two CSV files built into the program enter, checked rows leave; a row that ties a frein nobody has, or a vocabulary nobody
//! declared, is refused with its line.

use std::collections::{BTreeMap, BTreeSet};

use hub_core::canonical::Canon;

/// `frein;vocabulaire;code;sens;libelle`.
pub const FREINS: &str = include_str!("../../../schemas/themes/freins.csv");
/// `vocabulaire;titre;origine`.
pub const VOCABULARIES: &str = include_str!("../../../schemas/themes/vocabulaires.csv");

/// The section of the canonical record whose fields are the freins.
const SECTION: &str = "parcours.freins.";
/// In the place of a frein: the code speaks of none.
const NONE: &str = "aucun";

/// What a code says of a frein.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It is there.
    Present,
    /// It is not.
    RuledOut,
    /// The value that stands with the code says which.
    ByValue,
    /// It concerns the frein and settles nothing.
    ToJudge,
    /// It names a service that answers the frein, not a person's situation.
    Service,
    /// It speaks of no frein.
    Nothing,
}

/// A code tied to a frein.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// The frein, as its field of the canonical record is called; `None` for a code that speaks of none.
    pub frein: Option<&'static str>,
    /// The vocabulary, `france-travail/diagnostic-v1-contrainte`.
    pub vocabulary: &'static str,
    /// The code in it; a criterion with its value is `contrainte_logement=SANS_LOGEMENT`.
    pub code: &'static str,
    /// What it says.
    pub meaning: Meaning,
    /// The code in a few words.
    pub label: &'static str,
}

/// A row that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BadTie {
    /// Its line, from 1.
    pub line: usize,
    message: String,
}

impl Meaning {
    const ALL: [Self; 6] =
        [Self::Present, Self::RuledOut, Self::ByValue, Self::ToJudge, Self::Service, Self::Nothing];

    /// As the table writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::RuledOut => "ecarte",
            Self::ByValue => "selon_valeur",
            Self::ToJudge => "a_apprecier",
            Self::Service => "service",
            Self::Nothing => NONE,
        }
    }

    /// In French, for those who read the table.
    pub fn told(self) -> &'static str {
        match self {
            Self::Present => "frein présent",
            Self::RuledOut => "frein écarté",
            Self::ByValue => "selon la valeur",
            Self::ToJudge => "à apprécier",
            Self::Service => "offre de service",
            Self::Nothing => "aucun frein",
        }
    }
}

/// The vocabularies, by name: what each is.
pub fn vocabularies() -> BTreeMap<&'static str, &'static str> {
    let rows = VOCABULARIES.lines().skip(1).filter_map(|line| line.split_once(';'));
    rows.filter_map(|(name, rest)| Some((name, rest.split(';').next()?))).collect()
}

/// Reads the rows of [`FREINS`], or of a table like it.
///
/// # Errors
/// The first row that ties what does not exist, or what is tied already.
pub fn ties(canon: &Canon, table: &'static str) -> Result<Vec<Tie>, BadTie> {
    let known = vocabularies();
    let mut met = BTreeSet::new();
    let mut ties = Vec::new();
    for (number, text) in (1..).zip(table.lines()).skip(1) {
        let bad = |message: String| BadTie { line: number, message };
        let tie = tie(canon, &known, text).map_err(bad)?;
        if !met.insert((tie.frein, tie.vocabulary, tie.code)) {
            return Err(bad(format!("`{}` of `{}` is tied to it twice", tie.code, tie.vocabulary)));
        }
        ties.push(tie);
    }
    Ok(ties)
}

fn tie(
    canon: &Canon,
    known: &BTreeMap<&'static str, &'static str>,
    text: &'static str,
) -> Result<Tie, String> {
    let cells: Vec<&'static str> = text.split(';').collect();
    let [frein, vocabulary, code, word, label] = cells.as_slice() else {
        return Err("expected `frein;vocabulaire;code;sens;libelle`".to_owned());
    };
    let meaning = Meaning::ALL.into_iter().find(|meaning| meaning.word() == *word);
    let meaning = meaning.ok_or_else(|| format!("there is no meaning `{word}`"))?;
    let none = *frein == NONE;
    if !none && canon.find(&format!("{SECTION}{frein}")).is_none() {
        return Err(format!("there is no frein `{frein}`"));
    }
    if none != (meaning == Meaning::Nothing) {
        return Err(format!("`{frein}` and `{word}` contradict each other"));
    }
    if !known.contains_key(vocabulary) {
        return Err(format!("there is no vocabulary `{vocabulary}`"));
    }
    if code.is_empty() || label.is_empty() {
        return Err("expected a code and a label".to_owned());
    }
    Ok(Tie { frein: (!none).then_some(*frein), vocabulary, code, meaning, label })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mappings::PERSON_SCHEMA;

    fn of(table: &'static str) -> Result<usize, usize> {
        let canon = Canon::from_schema(PERSON_SCHEMA).expect("the schema");
        ties(&canon, table).map(|ties| ties.len()).map_err(|bad| bad.line)
    }

    #[test]
    fn a_row_that_ties_what_does_not_exist_is_refused_with_its_line() {
        for (table, expected) in [
            ("f\nsante;cnaf/difsoc;0402;present;Santé\n", Ok(1)),
            ("f\nsanté;cnaf/difsoc;0402;present;Santé\n", Err(2)),
            ("f\nsante;cnaf/dif;0402;present;Santé\n", Err(2)),
            ("f\nsante;cnaf/difsoc;0402;peut-être;Santé\n", Err(2)),
            ("f\nsante;cnaf/difsoc;0402;present\n", Err(2)),
            ("f\nsante;cnaf/difsoc;;present;Santé\n", Err(2)),
            ("f\naucun;cnaf/difsoc;0401;present;Rien\n", Err(2)),
            ("f\nsante;cnaf/difsoc;0401;aucun;Rien\n", Err(2)),
            ("f\nsante;cnaf/difsoc;1;present;A\nsante;cnaf/difsoc;1;ecarte;A\n", Err(3)),
        ] {
            assert_eq!(of(table), expected, "{table}");
        }
    }
}
