//! Compiles the rules of repeated groups: one element per node, per piece of a text, or one in all.

use super::compile::{Compiler, line_of};
use super::diagnostic::Diagnostic;
use super::rule::{ListRule, Origin, Shape, ValueRule};
use super::tree::{Node, Tree};
use crate::canonical::FieldId;
use crate::code::Code;

const LIST_KEYS: &[&str] = &["each", "from", "split", "as", "do", "fields", "when", "missing", "invalid"];

impl Compiler<'_> {
    pub(super) fn list_rule(&mut self, field: FieldId, rule: &Tree, line: u32) -> Option<ListRule> {
        self.check_keys(rule, LIST_KEYS);
        let shape = match (rule.get("each"), rule.get("split")) {
            (Some(each), None) => Shape::Each(self.paths(each)),
            (None, Some(separator)) => {
                let piece = self.piece(field, rule, line)?;
                Shape::Split(Box::new(piece), separator.text().unwrap_or(",").to_owned())
            }
            (None, None) if rule.get("fields").is_some() => Shape::One,
            _ => {
                let message = format!(
                    "`{}` is a repeated group: it takes `each` and `fields`, or `from`, `split` and `as`",
                    self.canon.field(field).path
                );
                self.found.push(Diagnostic::new(Code::ListMismatch, rule.span.clone(), message));
                return None;
            }
        };
        let none = Tree { node: Node::Null, span: rule.span.clone(), line: rule.line };
        let members = rule.get("fields").unwrap_or(&none).entries();
        let mut rules: Vec<ValueRule> =
            members.iter().filter_map(|(name, member)| self.member_rule(field, name, member)).collect();
        if matches!(shape, Shape::Split(..)) {
            of_pieces(rule, members, &mut rules);
        }
        rules.sort_by_key(|rule| rule.field);
        let when = rule.get("when").and_then(|w| self.condition(w));
        Some(ListRule { field, line, when, shape, rules, missing: self.policy(rule, "missing") })
    }

    fn member_rule(&mut self, list: FieldId, name: &Tree, rule: &Tree) -> Option<ValueRule> {
        let member = self.member(list, name)?;
        self.value_rule(member, rule, line_of(name))
    }

    fn piece(&mut self, list: FieldId, rule: &Tree, line: u32) -> Option<ValueRule> {
        let name = self.required(rule, "as")?;
        let member = self.member(list, name)?;
        let from = self.required(rule, "from")?;
        // The separator of the list is the one that joins its columns.
        let origin = Origin::Joined(self.key(from), String::new());
        let mut piece = self.plain(member, origin, line);
        piece.operations = self.operations(rule);
        piece.invalid = self.policy(rule, "invalid");
        Some(piece)
    }

    fn member(&mut self, list: FieldId, name: &Tree) -> Option<FieldId> {
        let text = name.text().unwrap_or_default();
        let found = self.canon.member(list, text);
        if found.is_none() {
            let group = &self.canon.field(list).path;
            let members = self.canon.fields().filter(|(_, f)| f.list == Some(list)).map(|(_, f)| f.name());
            let message = format!("`{group}` has no member `{text}`");
            self.found
                .push(Diagnostic::new(Code::UnknownField, name.span.clone(), message).near(text, members));
        }
        found
    }
}

/// The members of a split list that read its very column read the piece.
fn of_pieces(list: &Tree, members: &[(Tree, Tree)], rules: &mut [ValueRule]) {
    let column = list.get("from").and_then(Tree::text);
    let same = |member: &Tree| column.is_some() && member.get("from").unwrap_or(member).text() == column;
    let lines: Vec<u32> =
        members.iter().filter(|(_, member)| same(member)).map(|(name, _)| line_of(name)).collect();
    for rule in rules.iter_mut().filter(|rule| lines.contains(&rule.line)) {
        if let Origin::First(paths) = &mut rule.origin {
            rule.origin = Origin::Piece(std::mem::take(paths));
        }
    }
}
