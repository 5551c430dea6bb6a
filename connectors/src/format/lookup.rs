//! The names a mapping reads, ready to be looked up once for every element of every record.
//!
//! An open-addressing table over xxh3, half full at most: a lookup costs a few nanoseconds and allocates nothing.

use hub_core::record::{NameId, Names};
use xxhash_rust::xxh3::xxh3_64;

/// A table of names.
#[derive(Debug, Clone, Default)]
pub(super) struct Lookup {
    slots: Vec<Option<(Box<str>, NameId)>>,
}

impl Lookup {
    /// Every name of `names`.
    pub(super) fn all(names: &Names) -> Self {
        Self::build(names.iter().collect())
    }

    /// The names written `@name`, without their sign: XML attributes.
    pub(super) fn attributes(names: &Names) -> Self {
        let bare = |(name, id): (&'_ str, NameId)| name.strip_prefix('@').map(|n| (n.to_owned(), id));
        let found: Vec<_> = names.iter().filter_map(bare).collect();
        Self::build(found.iter().map(|(name, id)| (name.as_str(), *id)).collect())
    }

    /// Looks a name up.
    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<NameId> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = slot(name) & mask;
        while let Some((known, id)) = self.slots.get(at)? {
            if **known == *name {
                return Some(*id);
            }
            at = (at + 1) & mask;
        }
        None
    }

    fn build(names: Vec<(&str, NameId)>) -> Self {
        if names.is_empty() {
            return Self::default();
        }
        let size = (names.len() * 2).next_power_of_two();
        let mut slots = vec![None; size];
        for (name, id) in names {
            let mut at = slot(name) & (size - 1);
            while slots.get(at).is_some_and(Option::is_some) {
                at = (at + 1) & (size - 1);
            }
            if let Some(free) = slots.get_mut(at) {
                *free = Some((name.into(), id));
            }
        }
        Self { slots }
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "only the low bits choose a slot")]
fn slot(name: &str) -> usize {
    xxh3_64(name.as_bytes()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        let mut names = Names::default();
        let ids: Vec<_> = (0..50).map(|n| names.intern(&format!("N{n}"))).collect();
        let attribute = names.intern("@id");
        let (all, attributes) = (Lookup::all(&names), Lookup::attributes(&names));
        for (n, id) in ids.iter().enumerate() {
            assert_eq!(all.get(&format!("N{n}")), Some(*id));
        }
        assert_eq!(all.get("N50"), None);
        assert_eq!(attributes.get("id"), Some(attribute));
        assert_eq!(attributes.get("N1"), None);
        assert_eq!(Lookup::default().get("a"), None);
    }
}
