//! What stays known where a delivery is silent: a column its header does not have, a value that could not be read, a whole block
//! left blank where the mapping has blanks mean nothing. Pure.

use std::collections::BTreeSet;

use crate::canonical::{FieldId, FieldValues};
use crate::claim::Claim;
use crate::statement::Stated;

use super::context::Context;

/// What is stated now, with what was stated before where this delivery is silent.
pub(super) fn with_kept(context: Context<'_>, old: Option<&Stated>, claim: Claim) -> FieldValues {
    let Claim { fields: mut values, unreadable, .. } = claim;
    let all = context.mapping.keeps_blanks();
    let silent = all || !context.unread.is_empty() || !unreadable.is_empty();
    let Some(old) = old.filter(|_| silent) else { return values };
    let before = |field: FieldId| old.get(field).map(|(value, _)| value);
    let block = |field: FieldId| context.grounds.canon.field(field).block;
    // Of a repeated group in part unreadable, what can be read may say nothing new: what was known stays whole.
    for (field, value) in values.iter_mut().filter(|(field, _)| unreadable.contains(field)) {
        if let Some(before) = before(*field).filter(|before| before.holds(value)) {
            value.clone_from(before);
        }
    }
    // Half an address of yesterday beside half of today's would be an address nobody stated.
    let moved: BTreeSet<u16> = values
        .iter()
        .filter(|(field, value)| before(*field) != Some(value) && !context.unread.contains_key(field))
        .map(|(field, _)| block(*field))
        .collect();
    values.retain_mut(|(field, value)| match (context.unread.get(field), before(*field)) {
        (Some(partly), Some(before)) if !moved.contains(&block(*field)) => partly.complete(value, before),
        _ => true,
    });
    let fields: BTreeSet<FieldId> = values.iter().map(|(field, _)| *field).collect();
    let blocks: BTreeSet<u16> = fields.iter().map(|field| block(*field)).collect();
    let kept = old.fields.iter().filter(|(field, value, _)| {
        let blank = all && !blocks.contains(&block(*field));
        let gone = context.grounds.canon.field(*field).indivisible && moved.contains(&block(*field));
        let doubted = unreadable.contains(field) && !gone;
        let beyond = !gone && context.unread.get(field).is_some_and(|partly| partly.beyond(value));
        !fields.contains(field) && (blank || doubted || beyond)
    });
    values.extend(kept.map(|(field, value, _)| (*field, value.clone())));
    values.sort_by_key(|(field, _)| *field);
    values
}
