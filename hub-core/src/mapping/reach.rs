//! What a mapping can do and what it reads: the branches of its rules, its code lists, the fields of the source.
//!
//! A compiled mapping enters; what its cases should go through leaves, and the paths it reads, so that the others can be told.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::codes::CodeList;
use super::condition::Condition;
use super::path::{Path, Scope};
use super::rule::{ListRule, Origin, Policy, Rule, Shape, ValueRule};
use super::watch::{Branch, Spot, Watch};
use super::{Key, Mapping};
use crate::canonical::FieldId;
use crate::record::NameId;

impl Mapping {
    /// Every branch its rules have: that each gives a value; conditions held and not, terms of `or`, alternative paths,
    /// precisions, what costs a record.
    pub fn spots(&self) -> Vec<Spot> {
        let mut spots = Spots { found: BTreeSet::new(), line: self.record.line, field: None };
        spots.add(Branch::Key);
        if !self.record.or.is_empty() {
            spots.add(Branch::OtherKey);
        }
        spots.line = self.persons.line;
        spots.condition(self.persons.when.as_ref());
        for rule in &self.persons.rules {
            match rule {
                Rule::Value(rule) => spots.value(rule),
                Rule::List(rule) => spots.list(rule),
            }
        }
        spots.found.into_iter().collect()
    }

    /// The code lists its rules use, by name.
    pub fn code_lists(&self) -> Vec<&CodeList> {
        let mut lists: BTreeMap<&str, &CodeList> = BTreeMap::new();
        for rule in &self.persons.rules {
            let rules = match rule {
                Rule::Value(rule) => std::slice::from_ref(rule),
                Rule::List(rule) => rule.rules.as_slice(),
            };
            lists.extend(
                rules.iter().filter_map(|rule| rule.codes.as_deref()).map(|list| (&*list.name, list)),
            );
        }
        lists.into_values().collect()
    }

    /// The fields of a record it reads: folded columns in CSV, else paths from the record down.
    pub fn reads(&self) -> BTreeSet<String> {
        let written = self.dialect.names.iter().map(|(name, id)| (id, name)).collect();
        let mut reads = Reads { written, found: BTreeSet::new() };
        let record = &self.record;
        for key in [&record.key, &record.or, &record.emitter.key] {
            reads.key(key, "", "");
        }
        if let Some(as_of) = &record.as_of {
            reads.path(&as_of.path, "", "");
        }
        let person = self.persons.each.as_ref().map(|each| reads.path(each, "", "")).unwrap_or_default();
        reads.key(&self.persons.key, "", &person);
        reads.condition(self.persons.when.as_ref(), "", &person);
        for rule in &self.persons.rules {
            match rule {
                Rule::Value(rule) => reads.value(rule, "", &person),
                Rule::List(rule) => reads.list(rule, &person),
            }
        }
        reads.found
    }

    pub(super) fn tell_key<W: Watch>(&self, scope: Scope<'_>, watch: &mut W) {
        let branch = match (self.key(&self.record.key, scope), self.key(&self.record.or, scope)) {
            (Some(_), _) => Branch::Key,
            (None, Some(_)) => Branch::OtherKey,
            (None, None) => return,
        };
        watch.branch(Spot { line: self.record.line, field: None, branch });
    }
}

struct Spots {
    found: BTreeSet<Spot>,
    line: u32,
    field: Option<FieldId>,
}

impl Spots {
    fn add(&mut self, branch: Branch) {
        self.found.insert(Spot { line: self.line, field: self.field, branch });
    }

    fn add_if(&mut self, there: bool, branch: Branch) {
        if there {
            self.add(branch);
        }
    }

    fn condition(&mut self, when: Option<&Condition>) {
        let Some(when) = when else { return };
        self.add(Branch::Held);
        self.add(Branch::Unheld);
        (0..when.terms()).for_each(|term| self.add(Branch::Or(term)));
    }

    /// Paths among which one is used; a single one has no alternative.
    fn paths(&mut self, count: usize) {
        (0..count).filter(|_| count > 1).for_each(|at| self.add(Branch::From(at)));
    }

    fn value(&mut self, rule: &ValueRule) {
        (self.line, self.field) = (rule.line, Some(rule.field));
        self.add(Branch::Value);
        self.condition(rule.when.as_ref());
        match &rule.origin {
            Origin::First(paths) | Origin::Piece(paths) => self.paths(paths.len()),
            Origin::Agreed(paths) => {
                self.paths(paths.len());
                self.add(Branch::Contradiction);
            }
            Origin::Joined(parts, _) => self.paths(parts.iter().map(Vec::len).sum()),
            Origin::Constant(_) => return,
        }
        let precision = rule.precision.as_ref();
        self.add_if(precision.is_some_and(|p| !p.month.is_empty()), Branch::Month);
        self.add_if(precision.is_some_and(|p| !p.year.is_empty()), Branch::Year);
        self.add_if(rule.missing == Policy::Reject, Branch::Missing);
        self.add_if(rule.invalid == Policy::Reject, Branch::Invalid);
    }

    fn list(&mut self, rule: &ListRule) {
        if let Shape::Split(piece, _) = &rule.shape {
            self.value(piece);
        }
        for member in &rule.rules {
            self.value(member);
        }
        (self.line, self.field) = (rule.line, Some(rule.field));
        self.add(Branch::Value);
        self.condition(rule.when.as_ref());
        if let Shape::Each(paths) = &rule.shape {
            self.paths(paths.len());
        }
        self.add_if(rule.missing == Policy::Reject, Branch::Missing);
    }
}

struct Reads<'m> {
    written: HashMap<NameId, &'m str>,
    found: BTreeSet<String>,
}

impl Reads<'_> {
    /// Notes a path read from `here`; returns where it leads.
    fn path(&mut self, path: &Path, outer: &str, here: &str) -> String {
        let (at, filters) = path.leads(outer, here, &|id| self.written.get(&id).copied().unwrap_or_default());
        self.found.extend(filters);
        self.found.insert(at.clone());
        at
    }

    fn key(&mut self, key: &Key, outer: &str, here: &str) {
        for path in key.iter().flatten() {
            self.path(path, outer, here);
        }
    }

    fn condition(&mut self, when: Option<&Condition>, outer: &str, here: &str) {
        for path in when.map(Condition::paths).unwrap_or_default() {
            self.path(path, outer, here);
        }
    }

    fn value(&mut self, rule: &ValueRule, outer: &str, here: &str) {
        match &rule.origin {
            Origin::First(paths) | Origin::Agreed(paths) | Origin::Piece(paths) => {
                for path in paths {
                    self.path(path, outer, here);
                }
            }
            Origin::Joined(parts, _) => self.key(parts, outer, here),
            Origin::Constant(_) => {}
        }
        if let Some(precision) = &rule.precision {
            self.path(&precision.path, outer, here);
        }
        self.condition(rule.when.as_ref(), outer, here);
    }

    fn list(&mut self, rule: &ListRule, person: &str) {
        self.condition(rule.when.as_ref(), "", person);
        match &rule.shape {
            Shape::Each(paths) => {
                for path in paths {
                    let element = self.path(path, "", person);
                    for member in &rule.rules {
                        self.value(member, person, &element);
                    }
                }
            }
            Shape::Split(piece, _) => {
                self.value(piece, "", person);
                for member in &rule.rules {
                    self.value(member, "", person);
                }
            }
            Shape::One => {
                for member in &rule.rules {
                    self.value(member, "", person);
                }
            }
        }
    }
}
