//! What stays known where a delivery is silent: a column its header does not have, a value that could not be read, a whole block
//! left blank where the mapping has blanks mean nothing. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::canonical::{FieldId, FieldValues, Item, Value};
use crate::claim::Claim;
use crate::statement::Statement;

use super::context::Context;

/// Fields a delivery cannot state whole.
pub(super) type Unread = BTreeMap<FieldId, Partly>;

/// What a delivery can state of a field it does not have all the columns of.
#[derive(Debug, Clone)]
pub(super) struct Partly {
    /// Of several columns joined or split, how many are there.
    pub there: usize,
    /// Members the elements of a repeated group lack.
    pub members: BTreeSet<FieldId>,
}

/// What is stated now, with what was stated before where this delivery is silent.
pub(super) fn with_kept(context: Context<'_>, old: Option<&Statement>, claim: Claim) -> FieldValues {
    let Claim { fields: mut values, unreadable, .. } = claim;
    let all = context.mapping.keeps_blanks();
    let silent = all || !context.unread.is_empty() || !unreadable.is_empty();
    let Some(old) = old.filter(|_| silent) else { return values };
    let before = |field: FieldId| old.stated.get(field).map(|(value, _)| value);
    let block = |field: FieldId| context.canon.field(field).block;
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
    let kept = old.stated.fields.iter().filter(|(field, value, _)| {
        let blank = all && !blocks.contains(&block(*field));
        let gone = context.canon.field(*field).indivisible && moved.contains(&block(*field));
        let doubted = unreadable.contains(field) && !gone;
        let beyond = !gone && context.unread.get(field).is_some_and(|partly| partly.beyond(value));
        !fields.contains(field) && (blank || doubted || beyond)
    });
    values.extend(kept.map(|(field, value, _)| (*field, value.clone())));
    values.sort_by_key(|(field, _)| *field);
    values
}

impl Partly {
    /// Whether what was known may come from a column that is not there: of a list, when it has more elements than columns are.
    fn beyond(&self, before: &Value) -> bool {
        match before {
            Value::List(known) => known.len() > self.there,
            _ => true,
        }
    }

    /// Fills what the delivery cannot state of a value from what was known; false when all that was known is to stay. Where the
    /// column was never there, nothing is known of it and the value is what the delivery says.
    fn complete(&self, value: &mut Value, before: &Value) -> bool {
        match (value, before) {
            (Value::List(items), Value::List(known)) => {
                let alone = items.len() == 1 && known.len() == 1;
                for item in items.iter_mut() {
                    if let Some(known) = known.iter().find(|known| alone || self.alike(item, known)) {
                        self.take_over(item, known);
                    }
                }
                // Without members that lack, it is the elements that do.
                !self.members.is_empty() || known.len() <= self.there
            }
            (Value::Text(text), Value::Text(known)) => text == known || !known.contains(text.as_str()),
            _ => true,
        }
    }

    fn alike(&self, item: &Item, known: &Item) -> bool {
        let rest = |item: &Item| -> Item {
            item.iter().filter(|(member, _)| !self.members.contains(member)).cloned().collect()
        };
        rest(item) == rest(known)
    }

    fn take_over(&self, item: &mut Item, known: &Item) {
        let there: BTreeSet<FieldId> = item.iter().map(|(member, _)| *member).collect();
        let lacking =
            known.iter().filter(|(member, _)| self.members.contains(member) && !there.contains(member));
        item.extend(lacking.cloned());
        item.sort_by_key(|(member, _)| *member);
    }
}
