//! Who is who, asked and ruled: what the hub cannot say by itself, and what a person has said.
//!
//! A question stands between two persons until their claims or a ruling answer it. A ruling is a dated fact about claims; later runs
//! never go against it, and undone it leaves everything as it was. Both are kept with the store, in its commits.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::delivery::PersonId;
use crate::identity::{Centibits, Doubt};
use crate::store::error::StoreError;

/// Two persons of whom somebody is to say whether they are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The persons, the lower identifier first.
    pub persons: (PersonId, PersonId),
    /// Why it is asked.
    pub doubt: Doubt,
    /// What their likeness weighs.
    pub weight: Centibits,
    /// Since when.
    pub since: Timestamp,
}

/// Two claims a person has ruled on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruled {
    /// The ruling.
    pub ruling: Uuid,
    /// The claims, by row.
    pub claims: (i64, i64),
    /// They speak of one person, or of two.
    pub one: bool,
}

/// A person's word on two persons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// Its identifier.
    pub id: Uuid,
    /// The two, as they were.
    pub persons: (PersonId, PersonId),
    /// They are one, or two.
    pub one: bool,
    /// The claims it is about.
    pub claims: Vec<(i64, i64)>,
    /// When.
    pub at: Timestamp,
    /// Who, and why.
    pub word: Word,
    /// Who was absorbed by it: restored when it is undone.
    pub absorbed: Vec<Absorbed>,
    /// When it was undone, by whom, and why.
    pub undone: Option<(Timestamp, Word)>,
}

/// Who said something, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Who.
    pub by: String,
    /// Why.
    pub note: String,
}

/// A person that was made one with another: who it was, and the claims it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absorbed {
    /// The person.
    pub person: PersonId,
    /// Its claims, by row.
    pub claims: Vec<i64>,
}

/// What is asked and ruled, read. Written with [`crate::store::Commit`].
#[async_trait]
pub trait Rulings: Send + Sync {
    /// Open questions: the longest waiting first.
    async fn questions(&self, limit: u32) -> Result<Vec<Question>, StoreError>;

    /// How many questions are open.
    async fn count_questions(&self) -> Result<u64, StoreError>;

    /// The open questions about any of these persons.
    async fn questions_of(&self, persons: &[PersonId]) -> Result<Vec<Question>, StoreError>;

    /// What holds of claims of these persons, the earliest ruling first: of two that say opposite things the later counts.
    async fn ruled_of(&self, persons: &[PersonId]) -> Result<Vec<Ruled>, StoreError>;

    /// Rulings, latest first, those undone too.
    async fn rulings(&self, limit: u32) -> Result<Vec<Ruling>, StoreError>;

    /// Finds a ruling.
    async fn ruling(&self, id: Uuid) -> Result<Option<Ruling>, StoreError>;
}
