//! What a CSV header does not have of what a rule reads: without it the rule would say less than the source does.

use std::collections::{BTreeSet, HashSet};

use super::condition::Condition;
use super::path::Path;
use super::rule::{ListRule, Origin, Rule, Shape, ValueRule};
use crate::canonical::FieldId;
use crate::record::NameId;

/// What a CSV header does not have of what a rule reads.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    pub columns: BTreeSet<NameId>,
    /// Of several columns joined or split, how many are there.
    pub there: usize,
    /// Members of a repeated group that need them, when the group itself does not.
    pub members: BTreeSet<FieldId>,
}

impl Rule {
    /// What a header does not have of what it reads.
    pub fn lacking(&self, there: &HashSet<NameId>) -> Lacking {
        match self {
            Self::Value(rule) => rule.lacking(there),
            Self::List(rule) => rule.lacking(there),
        }
    }
}

impl ValueRule {
    fn lacking(&self, there: &HashSet<NameId>) -> Lacking {
        let parts = match &self.origin {
            Origin::Joined(parts, _) => parts.iter().map(Vec::as_slice).collect(),
            Origin::First(paths) | Origin::Agreed(paths) | Origin::Piece(paths) => vec![paths.as_slice()],
            Origin::Constant(_) => Vec::new(),
        };
        let mut lacking = Lacking::default();
        for paths in parts {
            let names = paths.iter().filter_map(Path::last_name);
            let missing: Vec<NameId> = names.filter(|name| !there.contains(name)).collect();
            // One is enough: they are names of the same thing.
            if missing.len() < paths.len() {
                lacking.there += 1;
            } else {
                lacking.columns.extend(missing);
            }
        }
        lacking.columns.extend(missing_of(self.when.as_ref(), there));
        lacking
    }
}

impl ListRule {
    fn lacking(&self, there: &HashSet<NameId>) -> Lacking {
        let mut lacking = match &self.shape {
            Shape::Split(piece, _) => piece.lacking(there),
            Shape::Each(_) | Shape::One => Lacking::default(),
        };
        lacking.columns.extend(missing_of(self.when.as_ref(), there));
        for rule in &self.rules {
            let of_member = rule.lacking(there);
            if !of_member.columns.is_empty() {
                lacking.members.insert(rule.field);
                lacking.columns.extend(of_member.columns);
            }
        }
        lacking
    }
}

fn missing_of(when: Option<&Condition>, there: &HashSet<NameId>) -> Vec<NameId> {
    let paths = when.map(Condition::paths).unwrap_or_default();
    paths.into_iter().filter_map(Path::last_name).filter(|name| !there.contains(name)).collect()
}
