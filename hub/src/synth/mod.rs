//! Synthetic nightly extracts of three sources, as dirty as the real ones, of persons who do not exist.
//!
//! A plan enters, files leave: the CAF's snapshot, France Travail's two extracts, the département's list. The same plan always
//! gives the same bytes; a household left alone on a night keeps its records byte for byte. One household in memory at a time.

mod caf;
mod calendar;
mod departement;
mod evolution;
mod fault;
mod france_travail;
mod household;
mod names;
mod output;
mod person;
mod places;
mod random;
mod said;
pub mod truth;
mod vocabulary;

use std::io;
use std::path::{Path, PathBuf};

pub use fault::{Fault, Planted};

/// Households between two reports of progress.
const REPORT_EVERY: u64 = 1_000;

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Households of the first night.
    pub households: u64,
    /// Start of all chance.
    pub seed: u64,
    /// The night, from 1.
    pub night: u32,
    /// Households changed each night, in a million.
    pub changed_per_million: u64,
}

/// A file written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extract {
    /// The source to deliver it as.
    pub source: &'static str,
    /// Where it is.
    pub file: PathBuf,
    /// Records in it.
    pub records: u64,
    /// Its size.
    pub size_bytes: u64,
    /// Records with a planted fault.
    pub faults: u64,
    /// The faults, by kind.
    pub planted: Vec<Planted>,
}

/// Writes the extracts of the plan's night into a folder that exists; `progress` is told of households done.
///
/// # Errors
/// When a file cannot be written.
pub fn write(plan: &Plan, folder: &Path, progress: &dyn Fn(u64)) -> io::Result<Vec<Extract>> {
    let mut caf = caf::Caf::create(folder, plan)?;
    let mut france_travail = france_travail::FranceTravail::create(folder, plan)?;
    let mut departement = departement::Departement::create(folder, plan)?;
    for number in 0..evolution::last(plan) {
        if let Some(household) = evolution::on_night(plan, number) {
            caf.household(&household)?;
            france_travail.household(&household)?;
            departement.household(&household)?;
        }
        if number % REPORT_EVERY == 0 {
            progress(number);
        }
    }
    progress(evolution::last(plan));
    let [principal, actions] = france_travail.close()?;
    Ok(vec![caf.close()?, principal, actions, departement.close()?])
}

/// Households the plan goes through, for a progress bar.
pub fn households(plan: &Plan) -> u64 {
    evolution::last(plan)
}

#[cfg(test)]
mod tests;
