//! The brokers the hub can publish to, chosen by URL. Today RabbitMQ.

mod rabbitmq;

use std::sync::Arc;

use hub_core::broker::{Broker, BrokerError};

pub use rabbitmq::{Binding, Exchange, Management, ManagementError, Permissions, Policy, Queue};
pub use rabbitmq::{DEAD_LETTERS, EXCHANGE, QUEUE};

/// The broker at `amqp://…` or `amqps://…`; nothing is connected yet.
///
/// # Errors
/// When the URL is not understood.
pub fn at(url: &str) -> Result<Arc<dyn Broker>, BrokerError> {
    Ok(Arc::new(rabbitmq::RabbitMq::new(url)?))
}
