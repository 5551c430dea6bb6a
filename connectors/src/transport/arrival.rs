//! What may go wrong with the bytes of an offer once the place answers: they changed on the way, or could not be kept here.

use std::io;

use hub_core::code::Code;
use hub_core::transport::{Offer, TransportError};

/// The offer is not what it was when it was seen; the next look shows what it has become.
pub(super) fn changed(offer: &Offer) -> TransportError {
    let detail =
        format!("expected `{}` as it was offered, found that it changed meanwhile, or is gone", offer.name);
    TransportError::new(Code::OfferChanged, detail)
}

/// The hub's own side did not take the bytes.
pub(super) fn not_kept(error: io::Error) -> TransportError {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Code::DiskFull,
        _ => Code::ArchiveFailed,
    };
    TransportError::new(code, "expected to keep what was fetched, found that it cannot be written")
        .because(error)
}
