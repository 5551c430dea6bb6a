//! Whose département a subscription covers.

use std::collections::BTreeSet;

use compact_str::CompactString;

use crate::canonical::is_departement;

/// Départements, by their official codes; or all there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Territory {
    /// Everybody, those whose département nobody knows too.
    Everywhere,
    /// Those of these codes. `00`, when listed, is those of no known département.
    Of(BTreeSet<CompactString>),
}

/// Those of no known département, in routing keys.
const NOWHERE: &str = "00";

impl Territory {
    /// Reads codes; those that are none are given back.
    pub(super) fn read(codes: &[String]) -> Result<Self, Vec<&str>> {
        if codes == [EVERYWHERE] {
            return Ok(Self::Everywhere);
        }
        let wrong = |code: &&str| *code != NOWHERE && !is_departement(code);
        let wrong: Vec<&str> = codes.iter().map(String::as_str).filter(wrong).collect();
        if wrong.is_empty() {
            return Ok(Self::Of(codes.iter().map(CompactString::from).collect()));
        }
        Err(wrong)
    }

    /// Whether somebody of a département, or of `00`, is covered.
    pub fn covers(&self, departement: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Of(codes) => codes.contains(departement),
        }
    }

    /// Of codes as [`Territory::codes`] gives them.
    pub fn of_codes(codes: &[CompactString]) -> Self {
        if codes.iter().any(|code| code == "*") {
            return Self::Everywhere;
        }
        Self::Of(codes.iter().cloned().collect())
    }

    /// Whether all of another one is covered.
    pub fn holds(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everywhere, _) => true,
            (Self::Of(_), Self::Everywhere) => false,
            (Self::Of(codes), Self::Of(others)) => codes.is_superset(others),
        }
    }

    /// What both cover.
    #[must_use]
    pub fn within(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Everywhere, other) => other.clone(),
            (own, Self::Everywhere) => own.clone(),
            (Self::Of(codes), Self::Of(others)) => Self::Of(codes.intersection(others).cloned().collect()),
        }
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        match (self, other) {
            (Self::Of(mut codes), Self::Of(others)) => {
                codes.extend(others.iter().cloned());
                Self::Of(codes)
            }
            _ => Self::Everywhere,
        }
    }

    /// Its codes, or a star for all there are: what routing keys are bound by.
    pub fn codes(&self) -> Vec<CompactString> {
        match self {
            Self::Everywhere => vec![CompactString::from("*")],
            Self::Of(codes) => codes.iter().cloned().collect(),
        }
    }
}

/// The word for all there are.
pub(super) const EVERYWHERE: &str = "tous";
