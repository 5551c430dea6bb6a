//! Puts the adapters together: for now the mappings and the canonical schema.

use std::sync::Arc;

use hub_core::canonical::Canon;

use crate::mappings::{MappingFiles, PERSON_SCHEMA};
use crate::settings::Settings;

/// The mapping files in force.
///
/// # Errors
/// When the folder cannot be read.
pub fn mapping_files(settings: &Settings) -> anyhow::Result<MappingFiles> {
    Ok(match &settings.mappings {
        Some(folder) => MappingFiles::folder(folder)?,
        None => MappingFiles::built_in(),
    })
}

/// The canonical schema in force.
///
/// # Errors
/// When the built-in schema is broken.
pub fn canon() -> anyhow::Result<Arc<Canon>> {
    Ok(Arc::new(Canon::from_schema(PERSON_SCHEMA)?))
}
