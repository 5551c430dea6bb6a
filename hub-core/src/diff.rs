//! Diff: what changed between what was known of a person and what is known now.
//!
//! Two states enter, real differences leave, in field order. A value that only changed its origin is not a change.

use crate::canonical::{FieldId, Value};
use crate::statement::{Origin, Stated};

/// One field that differs, by reference to the two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'s> {
    /// The field.
    pub field: FieldId,
    /// What was known; `None` when nothing was.
    pub before: Option<&'s Value>,
    /// What is known; `None` when nothing is any more.
    pub after: Option<&'s Value>,
    /// Where the new value was stated; what took the old one back when there is no new one.
    pub origin: &'s Origin,
}

/// Compares two states; `by` is the record, or the silence, that made the difference.
pub fn diff<'s>(before: &'s Stated, after: &'s Stated, by: &'s Origin) -> Vec<Change<'s>> {
    let mut changes = Vec::new();
    let (mut old, mut new) = (before.fields.iter().peekable(), after.fields.iter().peekable());
    loop {
        let field = match (old.peek(), new.peek()) {
            (Some((o, _, _)), Some((n, _, _))) => *o.min(n),
            (Some((o, _, _)), None) => *o,
            (None, Some((n, _, _))) => *n,
            (None, None) => return changes,
        };
        let was = old.next_if(|(id, _, _)| *id == field);
        let is = new.next_if(|(id, _, _)| *id == field);
        if was.map(|(_, v, _)| v) == is.map(|(_, v, _)| v) {
            continue;
        }
        let origin = is.and_then(|(_, _, at)| after.origins.get(usize::from(*at))).unwrap_or(by);
        changes.push(Change { field, before: was.map(|(_, v, _)| v), after: is.map(|(_, v, _)| v), origin });
    }
}
