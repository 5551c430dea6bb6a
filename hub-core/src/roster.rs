//! The port to the persons a place is asked about, one by one: who is due, and who was asked.
//!
//! Contract: `due` lists in one stable order and leaves out whoever was asked less long ago than the configuration calls fresh, so
//! nobody is asked twice for nothing; `asked` may be told the same twice, after a crash. Debug output shows ids, never values.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::delivery::PersonId;
use crate::store::StoreError;

/// A person to ask about, by what the place knows them by.
#[derive(Clone, PartialEq, Eq)]
pub struct Asked {
    /// The person, here.
    pub person: PersonId,
    /// The NIR in 13 characters.
    pub nir13: Option<String>,
    /// The whole birth date, `1982-02-01`; a date known to the month only asks nothing.
    pub birth_date: Option<String>,
    /// The number France Travail gave.
    pub france_travail: Option<String>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("person", &self.person).finish_non_exhaustive()
    }
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The place knows the person and answered.
    Answered,
    /// The place does not know the person.
    Unknown,
    /// The place finds several persons.
    Several,
    /// The place answers nothing about this person.
    Refused,
    /// Nothing is known to ask by.
    Unaskable,
}

/// The persons a place is asked about. Called in parallel.
#[async_trait]
pub trait Roster: Send + Sync {
    /// The persons to ask about now, at most `limit`, in order, from after this one.
    async fn due(&self, after: Option<PersonId>, limit: u32) -> Result<Vec<Asked>, StoreError>;

    /// A person was asked about, and the answer is durable here.
    async fn asked(&self, person: PersonId, at: Timestamp, outcome: Outcome) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn debug_output_shows_no_value_of_a_person() {
        let asked = Asked {
            person: PersonId(Uuid::nil()),
            nir13: Some("1850578006084".to_owned()),
            birth_date: Some("1985-05-12".to_owned()),
            france_travail: Some("12345678901".to_owned()),
        };
        let shown = format!("{asked:?}");
        for value in ["1850578006084", "1985-05-12", "12345678901"] {
            assert!(!shown.contains(value), "{shown}");
        }
    }
}
