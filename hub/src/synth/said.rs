//! What one source says of an adult, where labelled data lets it differ from what is true.
//!
//! The truth and its noise fill it, the writers of the three sources print it in their own capitals and forms. Sex, birth and
//! birth place are not here: a source's copy of the adult carries them as that source has them.

use super::fault::Fault;

/// The words a source has for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Name in use, or the only one known.
    pub usage: String,
    /// Name at birth, where the source has a place for it.
    pub birth_name: String,
    /// Given names, each as the source holds it; never empty.
    pub given: Vec<String>,
    /// The CAF's word for what is known of the birth date: `N` all of it, `J` not the day, `O` neither day nor month.
    pub known: char,
    /// The NIR as it is written.
    pub nir: Option<String>,
    /// E-mail address.
    pub email: String,
}

impl Said {
    /// The NIR with a planted fault.
    pub fn nir(&self, fault: Option<Fault>) -> Option<String> {
        let stated = self.nir.as_deref()?;
        let number = stated.get(..13).unwrap_or(stated);
        Some(match fault {
            Some(Fault::WrongNirKey) => format!("{number}00"),
            Some(Fault::NirWithoutKey) => number.to_owned(),
            Some(Fault::SpreadsheetNir) => {
                let (first, rest) = number.split_at_checked(1).unwrap_or_default();
                format!("{first}.{}E+14", rest.get(..2).unwrap_or("00"))
            }
            _ => stated.to_owned(),
        })
    }
}
