//! Compiled rules: one canonical field each, applied to a record.
//!
//! A scope in a record enters; a canonical value, nothing, or a coded problem leaves. No allocation happens for a value that is
//! absent, and none for a short one that is present.

use std::borrow::Cow;
use std::sync::Arc;

use compact_str::CompactString;

use super::Key;
use super::codes::CodeList;
use super::condition::Condition;
use super::operation::Operation;
use super::path::{Path, Scope};
use super::watch::{Branch, Spot, Watch};
use crate::canonical::date::{Form, Precision};
use crate::canonical::kind::{Kind, Reads};
use crate::canonical::{FieldId, FieldValues, Item, Value};
use crate::claim::{Refusal, Remark};
use crate::code::Code;

/// Where a rule's text comes from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// The first path that holds text.
    First(Vec<Path>),
    /// The first path that holds text, which no other contradicts.
    Agreed(Vec<Path>),
    /// The first text of each part that holds any, joined.
    Joined(Key, String),
    /// Of a list split from a column, what the same column holds: each piece by itself.
    Piece(Vec<Path>),
    /// The same value for every record.
    Constant(Value),
}

/// Which parts of a date the source says are not known.
#[derive(Debug, Clone)]
pub(super) struct PrecisionRule {
    pub path: Path,
    pub month: Vec<String>,
    pub year: Vec<String>,
}

/// What happens to a record whose value is missing or invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    Drop,
    Reject,
}

/// Fills one single field.
#[derive(Debug, Clone)]
pub(super) struct ValueRule {
    pub field: FieldId,
    pub kind: Kind,
    /// A date after the day the delivery came is not one.
    pub past: bool,
    pub line: u32,
    pub origin: Origin,
    pub operations: Vec<Operation>,
    pub codes: Option<Arc<CodeList>>,
    pub forms: Vec<Form>,
    pub precision: Option<PrecisionRule>,
    pub when: Option<Condition>,
    pub missing: Policy,
    pub invalid: Policy,
}

/// Fills one repeated group.
#[derive(Debug, Clone)]
pub(super) struct ListRule {
    pub field: FieldId,
    pub line: u32,
    pub when: Option<Condition>,
    pub shape: Shape,
    pub rules: Vec<ValueRule>,
    pub missing: Policy,
}

/// How the elements of a repeated group are found.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// One element per node at these paths.
    Each(Vec<Path>),
    /// One element per piece of a text; the piece fills the boxed rule's field.
    Split(Box<ValueRule>, String),
    /// One element, from the scope itself.
    One,
}

/// A rule of either form.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    Value(ValueRule),
    List(ListRule),
}

impl Rule {
    pub fn field(&self) -> FieldId {
        match self {
            Self::Value(rule) => rule.field,
            Self::List(rule) => rule.field,
        }
    }

    pub fn line(&self) -> u32 {
        match self {
            Self::Value(rule) => rule.line,
            Self::List(rule) => rule.line,
        }
    }
}

/// What rules need besides the scope, and where they leave their remarks.
pub(super) struct Outcome<'m, W> {
    pub nulls: &'m [String],
    /// The day the delivery came, `YYYY-MM-DD`.
    pub today: &'m str,
    pub remarks: Vec<Remark>,
    /// Fields dropped because their text could not be read.
    pub unreadable: Vec<FieldId>,
    /// Nothing costs the record: what can be read of it is read.
    pub forgiving: bool,
    /// Told of each branch taken.
    pub watch: &'m mut W,
}

impl<W: Watch> Outcome<'_, W> {
    /// Whether a condition, if there is one, holds.
    pub fn holds(
        &mut self,
        when: Option<&Condition>,
        scope: Scope<'_>,
        line: u32,
        field: Option<FieldId>,
    ) -> bool {
        let Some(when) = when else { return true };
        let holds = when.holds(scope, self.nulls);
        if W::LOOKS {
            let mut tell = |branch| self.watch.branch(Spot { line, field, branch });
            tell(if holds { Branch::Held } else { Branch::Unheld });
            for term in when.terms_that_hold(scope, self.nulls) {
                tell(Branch::Or(term));
            }
        }
        holds
    }
}

/// Applies `rules`, which are sorted by field, so that the values come out sorted.
pub(super) fn apply<W: Watch>(
    rules: &[Rule],
    scope: Scope<'_>,
    out: &mut Outcome<'_, W>,
) -> Result<FieldValues, Refusal> {
    let mut fields = Vec::with_capacity(rules.len());
    for rule in rules {
        let value = match rule {
            Rule::Value(rule) => rule.evaluate(scope, out)?,
            Rule::List(rule) => rule.evaluate(scope, out)?,
        };
        if let Some(value) = value {
            fields.push((rule.field(), value));
        }
    }
    Ok(fields)
}

impl ValueRule {
    fn evaluate<W: Watch>(
        &self,
        scope: Scope<'_>,
        out: &mut Outcome<'_, W>,
    ) -> Result<Option<Value>, Refusal> {
        if !out.holds(self.when.as_ref(), scope, self.line, Some(self.field)) {
            return Ok(None);
        }
        let nulls = out.nulls;
        let text = match &self.origin {
            Origin::Constant(value) => {
                self.tell(Branch::Value, out);
                return Ok(Some(value.clone()));
            }
            Origin::First(paths) | Origin::Piece(paths) => {
                self.texts(paths, scope, nulls).next().map(|(at, text)| {
                    self.tell(Branch::From(at), out);
                    text
                })
            }
            Origin::Agreed(paths) => {
                if W::LOOKS {
                    self.texts(paths, scope, nulls).for_each(|(at, _)| self.tell(Branch::From(at), out));
                }
                let mut texts = self.texts(paths, scope, nulls).map(|(_, text)| text);
                let first = texts.next();
                let same = |other: Cow<'_, str>| first.as_ref().is_none_or(|first| self.same(first, &other));
                if !texts.all(same) {
                    self.tell(Branch::Contradiction, out);
                    return self.refuse(Code::Contradiction, out);
                }
                first
            }
            Origin::Joined(parts, separator) => {
                self.tell_parts(parts, scope, out);
                let text = joined(parts, separator, scope, nulls).map(|text| self.operated(text));
                text.filter(|text| !text.is_empty())
            }
        };
        match text {
            Some(text) => self.read(&text, scope, out),
            None => self.absent(out),
        }
    }

    fn is_of_piece(&self) -> bool {
        matches!(self.origin, Origin::Piece(_))
    }

    /// What it makes of one piece of a text.
    fn of_piece<W: Watch>(
        &self,
        part: &str,
        scope: Scope<'_>,
        out: &mut Outcome<'_, W>,
    ) -> Result<Option<Value>, Refusal> {
        if !out.holds(self.when.as_ref(), scope, self.line, Some(self.field)) {
            return Ok(None);
        }
        let part = self.operated(Cow::Borrowed(part));
        if part.is_empty() || is_null(&part, out.nulls) {
            return self.absent(out);
        }
        self.read(&part, scope, out)
    }

    #[inline]
    fn tell<W: Watch>(&self, branch: Branch, out: &mut Outcome<'_, W>) {
        out.watch.branch(Spot { line: self.line, field: Some(self.field), branch });
    }

    /// Tells which paths of joined parts are used.
    fn tell_parts<W: Watch>(&self, parts: &Key, scope: Scope<'_>, out: &mut Outcome<'_, W>) {
        if !W::LOOKS {
            return;
        }
        let mut before = 0;
        for paths in parts {
            let said = |path: &Path| path.first(scope).is_some_and(|text| !is_null(text, out.nulls));
            if let Some(at) = paths.iter().position(said) {
                self.tell(Branch::From(before + at), out);
            }
            before += paths.len();
        }
    }

    /// Whether two texts are one value, however each is written.
    fn same(&self, a: &str, b: &str) -> bool {
        let value =
            |text| self.kind.parse(text, Reads { forms: &self.forms, ..Reads::default() }).map(|p| p.value);
        a == b || value(a).is_ok_and(|a| value(b).is_ok_and(|b| a == b))
    }

    /// The texts at these paths that still say something once operated on, with the number of their path.
    fn texts<'t, 'r: 't>(
        &'t self,
        paths: &'t [Path],
        scope: Scope<'r>,
        nulls: &'t [String],
    ) -> impl Iterator<Item = (usize, Cow<'r, str>)> + 't {
        paths.iter().enumerate().filter_map(move |(at, path)| {
            let text = path.first(scope).filter(|text| !is_null(text, nulls))?;
            let text = self.operated(Cow::Borrowed(text));
            (!text.is_empty()).then_some((at, text))
        })
    }

    fn operated<'r>(&self, text: Cow<'r, str>) -> Cow<'r, str> {
        self.operations.iter().fold(text, |text, operation| operation.apply(text))
    }

    /// Types a text that is there and was operated on.
    fn read<W: Watch>(
        &self,
        text: &str,
        scope: Scope<'_>,
        out: &mut Outcome<'_, W>,
    ) -> Result<Option<Value>, Refusal> {
        if let Some(list) = &self.codes {
            self.tell(Branch::Value, out);
            return Ok(Some(self.coded(list, text, out)));
        }
        let precision = self.precision(scope);
        let reads = Reads { forms: &self.forms, precision };
        match self.kind.parse(text, reads) {
            Ok(parsed) if self.past && parsed.value.as_ref().and_then(Value::as_text) > Some(out.today) => {
                self.refuse(Code::FutureDate, out)
            }
            Ok(parsed) => {
                if let Some(code) = parsed.notice {
                    out.remarks.push(self.remark(code));
                }
                // A date without end is no value.
                let Some(value) = parsed.value else { return self.absent(out) };
                self.tell(Branch::Value, out);
                match precision {
                    Precision::Day => {}
                    Precision::Month => self.tell(Branch::Month, out),
                    Precision::Year => self.tell(Branch::Year, out),
                }
                Ok(Some(value))
            }
            Err(code) => self.refuse(code, out),
        }
    }

    /// What becomes of a value that cannot be read.
    fn refuse<W: Watch>(&self, code: Code, out: &mut Outcome<'_, W>) -> Result<Option<Value>, Refusal> {
        match self.invalid {
            Policy::Reject if !out.forgiving => {
                self.tell(Branch::Invalid, out);
                Err(Refusal { code, field: Some(self.field), rule_line: self.line })
            }
            Policy::Reject | Policy::Drop => {
                out.remarks.push(self.remark(code));
                out.unreadable.push(self.field);
                Ok(None)
            }
        }
    }

    fn coded<W: Watch>(&self, list: &CodeList, text: &str, out: &mut Outcome<'_, W>) -> Value {
        let value = if let Some(entry) = list.entry(text) {
            out.watch.code(list, entry.line);
            entry.value.clone()
        } else {
            out.remarks.push(self.remark(Code::UnknownCode));
            CompactString::from(text)
        };
        match (self.kind, value.as_str()) {
            (Kind::Booleen, "true" | "oui") => Value::Bool(true),
            (Kind::Booleen, "false" | "non") => Value::Bool(false),
            _ => Value::Text(value),
        }
    }

    fn precision(&self, scope: Scope<'_>) -> Precision {
        let Some(rule) = &self.precision else {
            return Precision::Day;
        };
        let stated = rule.path.first(scope).unwrap_or("");
        if rule.year.iter().any(|word| word == stated) {
            Precision::Year
        } else if rule.month.iter().any(|word| word == stated) {
            Precision::Month
        } else {
            Precision::Day
        }
    }

    fn absent<W: Watch>(&self, out: &mut Outcome<'_, W>) -> Result<Option<Value>, Refusal> {
        match self.missing {
            Policy::Reject if !out.forgiving => {
                self.tell(Branch::Missing, out);
                Err(Refusal { code: Code::MissingValue, field: Some(self.field), rule_line: self.line })
            }
            Policy::Reject | Policy::Drop => Ok(None),
        }
    }

    fn remark(&self, code: Code) -> Remark {
        Remark { code, field: Some(self.field), rule_line: self.line }
    }
}

impl ListRule {
    fn evaluate<W: Watch>(
        &self,
        scope: Scope<'_>,
        out: &mut Outcome<'_, W>,
    ) -> Result<Option<Value>, Refusal> {
        if !out.holds(self.when.as_ref(), scope, self.line, Some(self.field)) {
            return Ok(None);
        }
        let unread_before = out.unreadable.len();
        let items = match &self.shape {
            Shape::One => vec![self.item(scope, out)?],
            Shape::Each(paths) => {
                let mut nodes = Vec::new();
                for (at, path) in paths.iter().enumerate() {
                    let before = nodes.len();
                    path.each(scope, &mut |node| nodes.push(node));
                    if W::LOOKS && nodes.len() > before {
                        self.tell(Branch::From(at), out);
                    }
                }
                nodes.into_iter().map(|node| self.item(scope.inside(node), out)).collect::<Result<_, _>>()?
            }
            Shape::Split(piece, separator) => self.pieces(piece, separator, scope, out)?,
        };
        let items: Vec<Item> = items.into_iter().filter(|item| !item.is_empty()).collect();
        if out.unreadable.len() > unread_before {
            out.unreadable.push(self.field);
        }
        match (items.is_empty(), self.missing) {
            (false, _) => {
                self.tell(Branch::Value, out);
                Ok(Some(Value::List(items)))
            }
            (true, Policy::Reject) if !out.forgiving => {
                self.tell(Branch::Missing, out);
                Err(Refusal { code: Code::MissingValue, field: Some(self.field), rule_line: self.line })
            }
            (true, Policy::Reject | Policy::Drop) => Ok(None),
        }
    }

    #[inline]
    fn tell<W: Watch>(&self, branch: Branch, out: &mut Outcome<'_, W>) {
        out.watch.branch(Spot { line: self.line, field: Some(self.field), branch });
    }

    fn item<W: Watch>(&self, scope: Scope<'_>, out: &mut Outcome<'_, W>) -> Result<Item, Refusal> {
        let mut item = Item::with_capacity(self.rules.len());
        let mut stated = false;
        for rule in &self.rules {
            if let Some(value) = rule.evaluate(scope, out)? {
                stated |= !matches!(rule.origin, Origin::Constant(_));
                item.push((rule.field, value));
            }
        }
        // An element of constants alone says nothing of the person.
        Ok(if stated { item } else { Item::new() })
    }

    fn pieces<W: Watch>(
        &self,
        piece: &ValueRule,
        separator: &str,
        scope: Scope<'_>,
        out: &mut Outcome<'_, W>,
    ) -> Result<Vec<Item>, Refusal> {
        if let Origin::Joined(parts, _) = &piece.origin {
            piece.tell_parts(parts, scope, out);
        }
        let text = match &piece.origin {
            Origin::Joined(parts, _) => joined(parts, separator, scope, out.nulls),
            Origin::First(_) | Origin::Agreed(_) | Origin::Piece(_) | Origin::Constant(_) => None,
        };
        let mut items = Vec::new();
        for part in
            text.as_deref().unwrap_or("").split(separator).map(str::trim).filter(|part| !part.is_empty())
        {
            let own = piece.of_piece(part, scope, out)?;
            let mut item: Item = own.map(|value| (piece.field, value)).into_iter().collect();
            for rule in self.rules.iter().filter(|rule| rule.is_of_piece()) {
                item.extend(rule.of_piece(part, scope, out)?.map(|value| (rule.field, value)));
            }
            // What stands beside pieces makes none by itself.
            if item.is_empty() {
                continue;
            }
            for rule in self.rules.iter().filter(|rule| !rule.is_of_piece()) {
                item.extend(rule.evaluate(scope, out)?.map(|value| (rule.field, value)));
            }
            item.sort_by_key(|(id, _)| *id);
            items.push(item);
        }
        Ok(items)
    }
}

fn joined<'r>(
    parts: &[Vec<Path>],
    separator: &str,
    scope: Scope<'r>,
    nulls: &[String],
) -> Option<Cow<'r, str>> {
    let text = |path: &Path| path.first(scope).filter(|text| !is_null(text, nulls));
    let mut texts = parts.iter().filter_map(|paths| paths.iter().find_map(text));
    let first = texts.next()?;
    let mut joined = Cow::Borrowed(first);
    for text in texts {
        joined = Cow::Owned(format!("{joined}{separator}{text}"));
    }
    Some(joined)
}

pub(super) fn is_null(text: &str, nulls: &[String]) -> bool {
    nulls.iter().any(|null| null == text)
}
