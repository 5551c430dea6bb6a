//! What was asked for and did not come, counted by cause.

use std::borrow::Cow;

use hub_core::code::Code;
use hub_core::transport::Missing;

/// Why something did not come.
pub(super) type Cause = (Code, Cow<'static, str>);

/// Counts by cause.
#[derive(Default)]
pub(super) struct Toll(Vec<Missing>);

impl Toll {
    /// Counts one.
    pub(super) fn count(&mut self, (code, detail): Cause) {
        match self.0.iter_mut().find(|known| known.code == code && known.detail == detail) {
            Some(known) => known.count += 1,
            None => self.0.push(Missing { code, detail: detail.into_owned(), count: 1 }),
        }
    }

    /// Whether this code was counted so often, and nothing else.
    pub(super) fn holds_only(&self, code: Code, count: usize) -> bool {
        let counted: u64 = self.0.iter().map(|missing| missing.count).sum();
        counted == count as u64 && self.0.iter().all(|missing| missing.code == code)
    }

    /// All that was counted.
    pub(super) fn told(self) -> Vec<Missing> {
        self.0
    }
}
