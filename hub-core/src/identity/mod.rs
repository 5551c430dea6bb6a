//! Resolve: who is who.
//!
//! A claim's traits give keys to find others by; what two claims or persons have in common is ruled and weighed; claims are grouped
//! by person. All of it is pure, and depends on the claims alone: not on the order they came in.

mod birth;
mod bond;
mod comparison;
mod continuing;
pub mod crowd;
mod few;
mod fields;
mod finders;
mod frequency;
mod key;
mod kin;
mod likeness;
mod names;
mod numbers;
mod partition;
mod policy;
mod profile;
mod sound;
mod span;
pub mod training;
mod traits;

pub use bond::{Bond, Doubt, Relation, relate};
pub use comparison::{Comparison, Line};
pub use fields::IdentityFields;
pub use frequency::Common;
pub use key::{IdentityKey, KEYS_MADE, KeyKind};
pub use kin::Kin;
pub use likeness::{LEVELS, Likeness, TRAITS, Trait};
pub use partition::{Member, Partition, Question, Ruling, partition};
pub use policy::{Centibits, Policy, Weighed};
pub use profile::Profile;
pub use span::Span;
pub use traits::Traits;
