//! The brokers the hub can publish to, chosen by URL. Today RabbitMQ.

mod rabbitmq;

use std::sync::Arc;

use hub_core::broker::{Broker, BrokerError};

pub use rabbitmq::{Binding, Exchange, Management, ManagementError, Permissions, Policy, Queue};
pub use rabbitmq::{DEAD_LETTERS, EXCHANGE, NOWHERE, QUEUE, REFUSED};
pub use rabbitmq::{DeadLetter, DeadLetters, Masked, is_the_last};
pub use rabbitmq::{
    Drift, Reader, Standing, Topology, dead_letter_policy, exchange_of, of_journal, of_readers, permissions,
    queue_of,
};

/// The broker at `amqp://…` or `amqps://…`; nothing is connected yet.
///
/// # Errors
/// When the URL is not understood.
pub fn at(url: &str) -> Result<Arc<dyn Broker>, BrokerError> {
    Ok(Arc::new(rabbitmq::RabbitMq::new(url, None, None)?))
}

/// The same broker for those who subscribe: what each of them reads is declared when a session opens. With the management API it is seen
/// too when that is taken away.
///
/// # Errors
/// When the URL is not understood.
pub fn of_profiles(
    url: &str,
    readers: Vec<Reader>,
    api: Option<&str>,
) -> Result<Arc<dyn Broker>, BrokerError> {
    Ok(Arc::new(rabbitmq::RabbitMq::new(url, Some(readers), api)?))
}
