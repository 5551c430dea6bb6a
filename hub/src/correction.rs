//! Which deliveries hold mended records of another one: known by the name the hub gave the file, or because somebody said so.
//!
//! Who says so is noted, so that every later run of that delivery (released, replayed, gone on with) stays a correction.

use hub_core::delivery::{Delivery, DeliveryId};
use hub_core::ledger::Book;
use hub_core::store::{Store, StoreError};
use uuid::Uuid;

use crate::receipt::refused;

/// What deliveries correct, by delivery.
const CORRECTIONS: Book<Uuid> = Book::named("correction");

/// Notes what a delivery corrects.
///
/// # Errors
/// When the ledger fails.
pub async fn note(store: &dyn Store, delivery: DeliveryId, corrects: DeliveryId) -> Result<(), StoreError> {
    CORRECTIONS.change(store, &delivery.to_string(), |_| corrects.0).await.map(|_| ())
}

/// What a delivery corrects, if it does.
///
/// # Errors
/// When the ledger fails.
pub async fn of(store: &dyn Store, delivery: &Delivery) -> Result<Option<DeliveryId>, StoreError> {
    let noted = CORRECTIONS.read(store, &delivery.id.to_string()).await?;
    Ok(noted.map(DeliveryId).or_else(|| delivery.filename.as_deref().and_then(refused::corrected)))
}
