//! The port to the hub's own notes: what a person decided of a delivery, where a pull stands, which upload key was used for what.
//!
//! A note is small JSON, found by its book and its entry. Contract: verbs may be called in parallel; a write says which version
//! it replaces and changes nothing when another came first; what was written is durable. Notes hold no value of a person.

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::error::StoreError;

/// A note as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// JSON.
    pub value: String,
    /// How often it was written, from 1.
    pub version: u64,
}

/// The notes.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// One note, if it was written.
    async fn note(&self, book: &str, entry: &str) -> Result<Option<Note>, StoreError>;

    /// Notes of a book behind `after`, in the order of their entries (compared as bytes).
    async fn notes(&self, book: &str, after: &str, limit: u32) -> Result<Vec<(String, Note)>, StoreError>;

    /// Writes a note in the place of version `expected` (0: it is not there). False, and nothing changed, when it is another.
    async fn write_note(
        &self,
        book: &str,
        entry: &str,
        value: &str,
        expected: u64,
    ) -> Result<bool, StoreError>;

    /// Removes a note, if it is there.
    async fn erase_note(&self, book: &str, entry: &str) -> Result<(), StoreError>;
}

/// A book whose notes are all of one kind. Copied freely.
#[derive(Debug)]
pub struct Book<T> {
    name: &'static str,
    kind: std::marker::PhantomData<fn() -> T>,
}

impl<T> Clone for Book<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Book<T> {}

impl<T: Serialize + DeserializeOwned> Book<T> {
    /// The book of this name.
    pub const fn named(name: &'static str) -> Self {
        Self { name, kind: std::marker::PhantomData }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// One note, if it was written.
    ///
    /// # Errors
    /// When the ledger fails, or the note is not of this kind.
    pub async fn read<L: Ledger + ?Sized>(self, ledger: &L, entry: &str) -> Result<Option<T>, StoreError> {
        let note = ledger.note(self.name, entry).await?;
        note.map(|note| parsed(&note)).transpose()
    }

    /// Up to `limit` notes behind `after`.
    ///
    /// # Errors
    /// As [`Book::read`].
    pub async fn page<L: Ledger + ?Sized>(
        self,
        ledger: &L,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(String, T)>, StoreError> {
        let notes = ledger.notes(self.name, after, limit).await?;
        notes.into_iter().map(|(entry, note)| Ok((entry, parsed(&note)?))).collect()
    }

    /// Changes a note, again from the start when another came first; gives back what stands now.
    ///
    /// # Errors
    /// As [`Book::read`].
    pub async fn change<L: Ledger + ?Sized>(
        self,
        ledger: &L,
        entry: &str,
        change: impl Fn(Option<T>) -> T + Send,
    ) -> Result<T, StoreError> {
        loop {
            let note = ledger.note(self.name, entry).await?;
            let version = note.as_ref().map_or(0, |note| note.version);
            let changed = change(note.map(|note| parsed(&note)).transpose()?);
            let text = written(&changed)?;
            if ledger.write_note(self.name, entry, &text, version).await? {
                return Ok(changed);
            }
        }
    }

    /// Writes a note unless there is one; gives back the one that stands when there is.
    ///
    /// # Errors
    /// As [`Book::read`].
    pub async fn claim<L: Ledger + ?Sized>(
        self,
        ledger: &L,
        entry: &str,
        value: &T,
    ) -> Result<Option<T>, StoreError> {
        let text = written(value)?;
        loop {
            if ledger.write_note(self.name, entry, &text, 0).await? {
                return Ok(None);
            }
            if let Some(stands) = self.read(ledger, entry).await? {
                return Ok(Some(stands));
            }
        }
    }

    /// Removes a note.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn erase<L: Ledger + ?Sized>(self, ledger: &L, entry: &str) -> Result<(), StoreError> {
        ledger.erase_note(self.name, entry).await
    }
}

fn parsed<T: DeserializeOwned>(note: &Note) -> Result<T, StoreError> {
    serde_json::from_str(&note.value).map_err(|_| StoreError::Unreadable { context: "a note" })
}

fn written<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Unreadable { context: "a note" })
}
