//! Which names are common here: counted, not estimated.
//!
//! Claims and the names declared common enter; names leave, each with the share of claims that bear it. A name few bear is a person's:
//! it never enters a policy file.

use std::collections::BTreeMap;

use compact_str::CompactString;
use hashbrown::HashMap;

use super::declaration::CommonNames;
use super::{Member, Shares, Trait, number, rate};

/// Claims that bear a name below which it is not told.
const FEWEST_BEARERS: u64 = 50;
/// How many times commoner than what two share by chance a name is that is listed.
const COMMONER: f64 = 2.0;
/// Names listed of a trait.
const MOST_NAMES: usize = 100;

/// The names of each trait that are common, those declared first to be counted again.
pub(super) fn common(members: &[Member], declared: &CommonNames, shares: &Shares) -> CommonNames {
    let listed = |of: Trait| {
        let by_chance = shares.get(of, 0)?.u;
        let declared = declared.get(&of);
        let (bearers, claims) = counted(members, of);
        let known = |name: &str| declared.and_then(|names| names.get(name)).copied();
        let mut names: Vec<(CompactString, f64)> = bearers
            .iter()
            .filter(|(name, count)| **count >= FEWEST_BEARERS && known(name).is_none())
            .map(|(name, count)| ((*name).clone(), number(*count) / number(claims)))
            .filter(|(_, share)| *share >= COMMONER * by_chance)
            .collect();
        names.sort_by(|(a, one), (b, other)| other.total_cmp(one).then_with(|| a.cmp(b)));
        names.truncate(MOST_NAMES);
        let again = declared.into_iter().flatten().map(|(name, share)| {
            let count = bearers.get(name).copied().unwrap_or(0);
            (name.clone(), rate(number(count), number(claims), *share))
        });
        names.extend(again.filter(|(_, share)| *share > by_chance));
        Some((of, names.into_iter().collect::<BTreeMap<_, _>>()))
    };
    let listed = [Trait::Nom, Trait::Prenoms].into_iter().filter_map(listed);
    listed.filter(|(_, names)| !names.is_empty()).collect()
}

/// How many claims bear each name, of how many that bear any.
fn counted(members: &[Member], of: Trait) -> (HashMap<&CompactString, u64>, u64) {
    let (mut bearers, mut claims) = (HashMap::new(), 0);
    for Member { profile, .. } in members {
        let names = if of == Trait::Prenoms { &profile.given } else { &profile.names };
        claims += u64::from(!names.is_empty());
        for name in names.iter() {
            *bearers.entry(name).or_insert(0) += 1;
        }
    }
    (bearers, claims)
}
