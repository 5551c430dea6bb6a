//! Fields a delivery does not have all the columns of: what of them was known and may still be so. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::canonical::{FieldId, Item, Value};

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

impl Partly {
    /// Whether what was known may come from a column that is not there: of a list, when it has more elements than columns are.
    pub fn beyond(&self, before: &Value) -> bool {
        match before {
            Value::List(known) => known.len() > self.there,
            _ => true,
        }
    }

    /// Fills what the delivery cannot state of a value from what was known; false when all that was known is to stay. Where the
    /// column was never there, nothing is known of it and the value is what the delivery says.
    pub fn complete(&self, value: &mut Value, before: &Value) -> bool {
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
