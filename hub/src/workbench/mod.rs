//! The workbench of those who write mappings: tries, cases, coverage, impact, pages for readers, skeletons.
//!
//! Mappings and bytes enter, what can be said of them leaves. Nothing here writes to a store.

pub mod cases;
pub mod coverage;
pub mod docs;
pub mod impact;
pub mod outline;
pub mod reading;
pub mod skeleton;
pub mod themes;
pub mod trial;

use std::fmt::{Arguments, Write as _};

pub use cases::run_case;
pub use trial::{Trial, try_mapping};

/// Appends words to a text.
pub(crate) fn put(text: &mut String, words: Arguments<'_>) {
    text.write_fmt(words).expect("a string takes any text");
}
