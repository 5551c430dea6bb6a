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
}

/// What rules need besides the scope, and where they leave their remarks.
pub(super) struct Outcome<'m> {
    pub nulls: &'m [String],
    /// The day the delivery came, `YYYY-MM-DD`.
    pub today: &'m str,
    pub remarks: Vec<Remark>,
    /// Fields dropped because their text could not be read.
    pub unreadable: Vec<FieldId>,
    /// Nothing costs the record: what can be read of it is read.
    pub forgiving: bool,
}

/// Applies `rules`, which are sorted by field, so that the values come out sorted.
pub(super) fn apply(rules: &[Rule], scope: Scope<'_>, out: &mut Outcome<'_>) -> Result<FieldValues, Refusal> {
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
    fn evaluate(&self, scope: Scope<'_>, out: &mut Outcome<'_>) -> Result<Option<Value>, Refusal> {
        if self.when.as_ref().is_some_and(|when| !when.holds(scope, out.nulls)) {
            return Ok(None);
        }
        let text = match &self.origin {
            Origin::Constant(value) => return Ok(Some(value.clone())),
            Origin::First(paths) => self.texts(paths, scope, out.nulls).next(),
            Origin::Agreed(paths) => {
                let mut texts = self.texts(paths, scope, out.nulls);
                let first = texts.next();
                let same = |other: Cow<'_, str>| first.as_ref().is_none_or(|first| self.same(first, &other));
                if !texts.all(same) {
                    return self.refuse(Code::Contradiction, out);
                }
                first
            }
            Origin::Joined(parts, separator) => joined(parts, separator, scope, out.nulls)
                .map(|text| self.operated(text))
                .filter(|text| !text.is_empty()),
        };
        match text {
            Some(text) => self.read(&text, scope, out),
            None => self.absent(out),
        }
    }

    /// Whether two texts are one value, however each is written.
    fn same(&self, a: &str, b: &str) -> bool {
        let value =
            |text| self.kind.parse(text, Reads { forms: &self.forms, ..Reads::default() }).map(|p| p.value);
        a == b || value(a).is_ok_and(|a| value(b).is_ok_and(|b| a == b))
    }

    /// The texts at these paths that still say something once operated on.
    fn texts<'t, 'r: 't>(
        &'t self,
        paths: &'t [Path],
        scope: Scope<'r>,
        nulls: &'t [String],
    ) -> impl Iterator<Item = Cow<'r, str>> + 't {
        paths.iter().filter_map(move |path| {
            let text = path.first(scope).filter(|text| !is_null(text, nulls))?;
            let text = self.operated(Cow::Borrowed(text));
            (!text.is_empty()).then_some(text)
        })
    }

    fn operated<'r>(&self, text: Cow<'r, str>) -> Cow<'r, str> {
        self.operations.iter().fold(text, |text, operation| operation.apply(text))
    }

    /// Types a text that is there and was operated on.
    fn read(&self, text: &str, scope: Scope<'_>, out: &mut Outcome<'_>) -> Result<Option<Value>, Refusal> {
        if let Some(list) = &self.codes {
            return Ok(Some(self.coded(list, text, out)));
        }
        let reads = Reads { forms: &self.forms, precision: self.precision(scope) };
        match self.kind.parse(text, reads) {
            Ok(parsed) if self.past && parsed.value.as_ref().and_then(Value::as_text) > Some(out.today) => {
                self.refuse(Code::FutureDate, out)
            }
            Ok(parsed) => {
                if let Some(code) = parsed.notice {
                    out.remarks.push(self.remark(code));
                }
                // A date without end is no value.
                parsed.value.map_or_else(|| self.absent(out), |value| Ok(Some(value)))
            }
            Err(code) => self.refuse(code, out),
        }
    }

    /// What becomes of a value that cannot be read.
    fn refuse(&self, code: Code, out: &mut Outcome<'_>) -> Result<Option<Value>, Refusal> {
        match self.invalid {
            Policy::Reject if !out.forgiving => {
                Err(Refusal { code, field: Some(self.field), rule_line: self.line })
            }
            Policy::Reject | Policy::Drop => {
                out.remarks.push(self.remark(code));
                out.unreadable.push(self.field);
                Ok(None)
            }
        }
    }

    fn coded(&self, list: &CodeList, text: &str, out: &mut Outcome<'_>) -> Value {
        let value = list.get(text).cloned().unwrap_or_else(|| {
            out.remarks.push(self.remark(Code::UnknownCode));
            CompactString::from(text)
        });
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

    fn absent(&self, out: &Outcome<'_>) -> Result<Option<Value>, Refusal> {
        match self.missing {
            Policy::Reject if !out.forgiving => {
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
    fn evaluate(&self, scope: Scope<'_>, out: &mut Outcome<'_>) -> Result<Option<Value>, Refusal> {
        if self.when.as_ref().is_some_and(|when| !when.holds(scope, out.nulls)) {
            return Ok(None);
        }
        let unread_before = out.unreadable.len();
        let items = match &self.shape {
            Shape::One => vec![self.item(scope, out)?],
            Shape::Each(paths) => {
                let mut nodes = Vec::new();
                for path in paths {
                    path.each(scope, &mut |node| nodes.push(node));
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
            (false, _) => Ok(Some(Value::List(items))),
            (true, Policy::Reject) if !out.forgiving => {
                Err(Refusal { code: Code::MissingValue, field: Some(self.field), rule_line: self.line })
            }
            (true, Policy::Reject | Policy::Drop) => Ok(None),
        }
    }

    fn item(&self, scope: Scope<'_>, out: &mut Outcome<'_>) -> Result<Item, Refusal> {
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

    fn pieces(
        &self,
        piece: &ValueRule,
        separator: &str,
        scope: Scope<'_>,
        out: &mut Outcome<'_>,
    ) -> Result<Vec<Item>, Refusal> {
        let text = match &piece.origin {
            Origin::Joined(parts, _) => joined(parts, separator, scope, out.nulls),
            Origin::First(_) | Origin::Agreed(_) | Origin::Constant(_) => None,
        };
        let mut items = Vec::new();
        for part in
            text.as_deref().unwrap_or("").split(separator).map(str::trim).filter(|part| !part.is_empty())
        {
            let part = piece.operated(Cow::Borrowed(part));
            if part.is_empty() || is_null(&part, out.nulls) {
                continue;
            }
            let Some(value) = piece.read(&part, scope, out)? else {
                continue;
            };
            let mut item: Item = vec![(piece.field, value)];
            for rule in &self.rules {
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
