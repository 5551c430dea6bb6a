//! Diff: what changed between what was known of a person and what is known now.
//!
//! Two states enter, real differences leave, in field order. A value that only changed its origin is not a change.

use crate::canonical::{FieldId, Value};
use crate::statement::{Origin, Stated};

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The field.
    pub field: FieldId,
    /// What was known; `None` when nothing was.
    pub before: Option<Value>,
    /// What is known; `None` when nothing is any more.
    pub after: Option<Value>,
    /// Where the new value was stated; of the old one when there is no new one.
    pub origin: Origin,
}

/// Compares two states.
pub fn diff(before: &Stated, after: &Stated) -> Vec<Change> {
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
        let origin = is
            .and_then(|(_, _, at)| after.origins.get(usize::from(*at)))
            .or_else(|| was.and_then(|(_, _, at)| before.origins.get(usize::from(*at))));
        changes.extend(origin.map(|origin| Change {
            field,
            before: was.map(|(_, v, _)| v.clone()),
            after: is.map(|(_, v, _)| v.clone()),
            origin: origin.clone(),
        }));
    }
}
