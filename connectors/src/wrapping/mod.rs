//! Opens what is wrapped around an extract. Nothing yet: a file is handed over as it is.

use std::fs::File;
use std::io::{self, Read};

use hub_core::connector::Fault;

/// What may open an encrypted delivery.
#[derive(Clone, Default)]
pub struct Keys;

/// Limits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Most bytes.
    pub unpacked_bytes: u64,
    /// Ratio.
    pub ratio: u64,
}

/// An extract.
pub struct Extract<'a> {
    /// Its name.
    pub name: Option<String>,
    /// Its bytes.
    pub bytes: &'a mut dyn Read,
}

/// Why it cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum WrappingError {
    /// Its own fault.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The disk's.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Opens a file.
///
/// # Errors
/// None yet.
pub fn unwrap(
    mut file: File,
    name: Option<&str>,
    _keys: &Keys,
    _limits: &Limits,
    take: &mut dyn FnMut(Extract<'_>) -> io::Result<()>,
) -> Result<(), WrappingError> {
    take(Extract { name: name.map(str::to_owned), bytes: &mut file })?;
    Ok(())
}
