//! The declared policy: which source is believed first, which value is preferred, which dossier replaces another.
//!
//! A file's lists enter, answers about claims leave. Nothing is compared here; that is the contest's.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;

use crate::canonical::{Canon, FieldId, Value};
use crate::statement::Statement;

use super::contest::Contender;

/// Declared authority: which source is believed first, by field prefix.
#[derive(Debug, Clone, Default)]
pub struct Precedence {
    default: Vec<Vec<String>>,
    by_prefix: BTreeMap<String, Vec<Vec<String>>>,
    preferred: BTreeMap<String, Vec<String>>,
    replaced: BTreeMap<String, Vec<String>>,
    kept: Vec<String>,
}

impl Precedence {
    /// Builds a policy: an order of sources, several of which may share a place, and exceptions by field path or section.
    pub fn new(default: Vec<Vec<String>>, by_prefix: BTreeMap<String, Vec<Vec<String>>>) -> Self {
        Self { default, by_prefix, preferred: BTreeMap::new(), replaced: BTreeMap::new(), kept: Vec::new() }
    }

    /// Prefers, between claims of equal authority, those whose value of a field comes first here.
    #[must_use]
    pub fn preferring(self, preferred: BTreeMap<String, Vec<String>>) -> Self {
        Self { preferred, ..self }
    }

    /// By source, the fields that name its dossiers: claims of an emitter that state one value of such a field are one dossier, and one
    /// that first came after another had last changed replaces it. Who only repeats a dossier's number has no dossier.
    #[must_use]
    pub fn replacing(self, replaced: BTreeMap<String, Vec<String>>) -> Self {
        Self { replaced, ..self }
    }

    /// What a dossier that is over states of these sections or fields stays known where no other claim says better: who somebody is
    /// does not end with a dossier.
    #[must_use]
    pub fn keeping(self, kept: Vec<String>) -> Self {
        Self { kept, ..self }
    }

    /// Whether what is stated of a block outlives the dossier it was stated in.
    pub(super) fn keeps(&self, canon: &Canon, block: u16) -> bool {
        let kept = |path: &str| {
            let behind = |prefix: &String| path.strip_prefix(prefix.as_str());
            self.kept.iter().filter_map(behind).any(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        canon.fields().any(|(_, field)| field.block == block && kept(&field.path))
    }

    /// Whether a claim has the last word no more: gone silent, or replaced.
    pub(super) fn is_over(&self, canon: &Canon, statement: &Statement, statements: &[&Statement]) -> bool {
        let latest = statement.stated.latest();
        let replaced = |field: FieldId, value: &Value| {
            let beside = statements.iter().filter(|other| {
                !other.absent && other.emitter == statement.emitter && other.source == statement.source
            });
            let mut stated = beside.filter_map(|other| other.stated.get(field));
            stated.any(|(other, since)| other == value && Some(since.place()) > latest)
        };
        let named = |field| statement.stated.get(field).is_some_and(|(value, _)| replaced(field, value));
        statement.absent || self.dossier(canon, statement).any(named)
    }

    /// Whether a claim names a dossier, which counts whole.
    pub(super) fn is_dossier(&self, canon: &Canon, statement: &Statement) -> bool {
        self.dossier(canon, statement).any(|field| statement.stated.get(field).is_some())
    }

    /// The fields that name a dossier of its source.
    fn dossier<'c>(
        &'c self,
        canon: &'c Canon,
        statement: &Statement,
    ) -> impl Iterator<Item = FieldId> + use<'c> {
        let declared = self.replaced.get(statement.source.as_str());
        declared.into_iter().flatten().filter_map(|path| canon.find(path))
    }

    /// A dossier that is over says nothing any more beside one of its source that is not, but what it says of sections that are kept:
    /// what the new one does not state is not so. Marks those.
    pub(super) fn forget_old_dossiers(&self, canon: &Canon, contenders: &mut [Contender<'_>]) {
        let is_dossier = |c: &Contender<'_>| self.is_dossier(canon, c.statement);
        let lasting: BTreeSet<CompactString> = contenders
            .iter()
            .filter(|c| !c.over && is_dossier(c))
            .map(|c| c.statement.source.clone())
            .collect();
        for contender in contenders {
            contender.forgotten =
                contender.over && is_dossier(contender) && lasting.contains(&contender.statement.source);
        }
    }

    /// Where a claim stands by its preferred values, 0 before all others; nowhere when it states none.
    pub(super) fn preference(&self, canon: &Canon, statement: &Statement) -> Option<usize> {
        let stated =
            |path: &str| statement.stated.get(canon.find(path)?).and_then(|(value, _)| value.as_text());
        let place = |(path, order): (&String, &Vec<String>)| {
            stated(path).and_then(|text| order.iter().position(|word| word == text)).unwrap_or(order.len())
        };
        let any = self.preferred.keys().any(|path| stated(path).is_some());
        any.then(|| self.preferred.iter().map(place).sum())
    }

    /// Whether a preferred field stands in this block.
    pub(super) fn prefers_in(&self, canon: &Canon, block: u16) -> bool {
        let mut fields = self.preferred.keys().filter_map(|path| canon.find(path));
        fields.any(|field| canon.field(field).block == block)
    }

    /// Rank of a source for a field, 0 the most believed; the longest prefix decides.
    pub fn rank(&self, source: &str, path: &str) -> usize {
        let order = self.section(path).and_then(|section| self.by_prefix.get(section));
        let order = order.unwrap_or(&self.default);
        order.iter().position(|alike| alike.iter().any(|s| s == source)).unwrap_or(order.len())
    }

    /// The section or field whose order decides for a path; `None` when it is the order for all.
    pub fn section<'p>(&self, path: &'p str) -> Option<&'p str> {
        let mut prefix = path;
        while !self.by_prefix.contains_key(prefix) {
            (prefix, _) = prefix.rsplit_once('.')?;
        }
        Some(prefix)
    }

    /// The fields whose value may be preferred.
    pub fn preferred(&self) -> impl Iterator<Item = &str> {
        self.preferred.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_in_one_place_are_believed_alike() {
        let order = |places: &[&[&str]]| {
            places
                .iter()
                .map(|alike| alike.iter().map(|s| (*s).to_owned()).collect())
                .collect::<Vec<Vec<_>>>()
        };
        let exceptions = BTreeMap::from([("contacts".to_owned(), order(&[&["d"], &["caf"]]))]);
        let precedence = Precedence::new(order(&[&["caf", "msa"], &["d"]]), exceptions);
        let ranks = |path| ["caf", "msa", "d", "other"].map(|source| precedence.rank(source, path));
        assert_eq!(ranks("droits.rsa.etat"), [0, 0, 1, 2]);
        assert_eq!(ranks("contacts.courriels"), [1, 2, 0, 2]);
        let section = |path| precedence.section(path);
        assert_eq!((section("droits.rsa.etat"), section("contacts.courriels")), (None, Some("contacts")));
    }
}
