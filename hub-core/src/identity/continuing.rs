//! Whether a record that stated one person may state the same one now, although something was corrected.
//!
//! Two claims' traits enter, yes or no leaves. What is not known says nothing.

use super::traits::Traits;
use super::{birth, names};
use crate::canonical::nir::may_be_mended;

impl Traits {
    /// Whether this may be the other after one correction: of name, given name and birth two are the same, and the NIR but for what
    /// follows from it.
    pub fn nearly(&self, other: &Self) -> bool {
        let name = self.names.iter().any(|name| other.names.contains(name));
        let given = !self.given.is_empty()
            && !other.given.is_empty()
            && names::given_agree(&self.given, &other.given);
        let birth = self.birth.is_some() && self.birth == other.birth;
        let nirs =
            self.nir.iter().zip(&other.nir).all(|(own, other)| own == other || may_be_mended(own, other));
        nirs && u8::from(name) + u8::from(given) + u8::from(birth) >= 2
    }

    /// Whether a record that stated the other may state this now: one of name, given name and birth was corrected, or the NIR. More
    /// than that, and the record speaks of somebody else.
    pub fn may_follow(&self, other: &Self) -> bool {
        let name = self.names.is_empty()
            || other.names.is_empty()
            || self.names.iter().any(|a| other.names.iter().any(|b| names::names_agree(a, b)));
        let unknown = self.given.is_empty() || other.given.is_empty();
        let given = unknown || names::given_agree(&self.given, &other.given);
        let births = self.birth.iter().zip(&other.birth);
        let birth = births.into_iter().all(|(own, other)| own.nearness(*other).agrees());
        let differing = u8::from(!name) + u8::from(!given) + u8::from(!birth);
        match (&self.nir, &other.nir) {
            (Some(own), Some(other)) if own == other => true,
            (Some(own), Some(other)) => differing == 0 || (differing == 1 && may_be_mended(own, other)),
            _ => differing < 2,
        }
    }

    /// Whether what was corrected may make it somebody else: quite another given name or birth, or another sex beside another given
    /// name. A number is passed on within families.
    pub fn is_far_from(&self, other: &Self) -> bool {
        if self.nir.is_some() && self.nir == other.nir {
            return false;
        }
        let given = !self.given.is_empty() && !other.given.is_empty();
        let given = given.then(|| names::given(&self.given, &other.given));
        let sexes = self.woman.zip(other.woman).is_some_and(|(own, other)| own != other);
        let births = self.birth.zip(other.birth).map(|(own, other)| own.nearness(other));
        given == Some(names::Nearness::Other)
            || (sexes && given.is_some_and(|given| given != names::Nearness::Same))
            || births == Some(birth::Nearness::Other)
    }

    /// Whether two records of one delivery may speak of one person: nothing corrects a number between them, so two NIR or two household
    /// numbers are two persons'.
    pub fn may_be(&self, other: &Self) -> bool {
        let (own, theirs) = (&self.around.household, &other.around.household);
        let apart = !own.is_empty() && !theirs.is_empty() && own != theirs;
        let nirs = self.nir.as_ref().zip(other.nir.as_ref()).is_some_and(|(own, theirs)| own != theirs);
        self.may_follow(other) && !apart && !nirs
    }
}
