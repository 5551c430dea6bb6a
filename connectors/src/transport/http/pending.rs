//! What a fetch has to tell the place or the roster once its bytes are durable; forgotten with the process.

use std::sync::Mutex;

/// What the last fetch brought, under its offer's version.
pub(super) struct Pending<T>(Mutex<Option<(String, Vec<T>)>>);

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Pending<T> {
    /// Keeps what a fetch brought, in place of what the one before did.
    pub(super) fn remember(&self, version: &str, brought: Vec<T>) {
        *self.0.lock().expect("nobody panics while holding it") = Some((version.to_owned(), brought));
    }

    /// What the fetch of this version brought; nothing when it was another process that fetched.
    pub(super) fn recall(&self, version: &str) -> Vec<T> {
        let held = self.0.lock().expect("nobody panics while holding it");
        held.as_ref().filter(|(of, _)| of == version).map(|(_, brought)| brought.clone()).unwrap_or_default()
    }
}
