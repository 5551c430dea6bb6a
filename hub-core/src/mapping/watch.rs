//! Whoever watches a mapping read a record: which rules gave a value, which of their branches were taken.
//!
//! A run is watched by nobody, `()`: everything here is then nothing, also in the machine's code. `dlnuf mapping test
//! --coverage` watches.

use super::codes::CodeList;
use crate::canonical::FieldId;

/// A branch of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Branch {
    /// It gave a value.
    Value,
    /// Its condition held.
    Held,
    /// Its condition did not hold.
    Unheld,
    /// This term of an `or` of its condition held, counted from 0 over the whole condition.
    Or(usize),
    /// This one of its paths was used, counted from 0.
    From(usize),
    /// The month alone was kept of a date.
    Month,
    /// The year alone was kept of a date.
    Year,
    /// Paths that should agree did not.
    Contradiction,
    /// A value was missing that costs the record.
    Missing,
    /// A value was invalid that costs the record.
    Invalid,
    /// The record was named by its key.
    Key,
    /// The record was named by what stands in for its key.
    OtherKey,
}

/// A branch with the rule it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// Line of the rule in the mapping file.
    pub line: u32,
    /// The canonical field it fills; none for what is said of the record or the person as a whole.
    pub field: Option<FieldId>,
    /// The branch.
    pub branch: Branch,
}

/// Told of each branch a mapping takes. It sees no value.
pub trait Watch {
    /// Whether it looks: what only a watch asks for is not computed for one that does not.
    const LOOKS: bool = true;

    /// A branch was taken.
    fn branch(&mut self, spot: Spot);

    /// The entry of a code list that stands at this line was used.
    fn code(&mut self, list: &CodeList, line: u32);
}

/// Nobody.
impl Watch for () {
    const LOOKS: bool = false;

    #[inline]
    fn branch(&mut self, _: Spot) {}

    #[inline]
    fn code(&mut self, _: &CodeList, _: u32) {}
}
