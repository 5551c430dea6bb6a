//! Follows the persons a dlnuf subscription tells about, from its RabbitMQ queue.
//!
//! Events come in at least once and in order per person. Each is read ([`Event::parse`]), judged ([`decide`], pure),
//! written with its sequence in one append, and only then acknowledged. What comes again is dropped, what is missing is
//! told, what cannot be read goes to the dead letters. No value of a person is ever logged. What the queue does not say,
//! [`Hub`] asks.

mod consumer;
mod digest;
mod event;
mod file;
mod hub;
mod rule;
mod store;

pub use consumer::{Change, Consumer, Failure, Settings, Tool, handle};
pub use digest::Differing;
pub use event::{Event, Fields, Kind, Poison};
pub use file::FileStore;
pub use hub::{Effect, Etat, Hub, HubError};
pub use rule::{Decision, Gap, Verdict, decide};
pub use store::{Marks, MemoryStore, Person, Store};
