//! Places read by HTTP: a list, persons asked about one by one, an event queue.
//!
//! Configuration enters, a `Transport` leaves. Every call is bounded in time, size and number of tries, stays on the host it was
//! configured for, waits when it is asked to, and no error shows a token, a value of a person or a body.

mod answer;
mod auth;
mod callback;
mod caller;
mod client;
mod collection;
mod enrichment;
mod event;
mod json;
mod limits;
mod lines;
mod milo;
mod paging;
mod pending;
mod person;
mod secret;
mod since;
mod time;
mod tls;
mod token;
mod toll;

pub use auth::Auth;
pub use callback::{CallbackConfig, post};
pub use collection::{Collection, CollectionConfig};
pub use enrichment::{Enrichment, EnrichmentConfig};
pub use limits::Limits;
pub use milo::{Milo, MiloConfig, MiloKeys};
pub use paging::Paging;
pub use person::PersonCall;
pub use secret::Secret;
pub use since::Since;
pub use time::{MachinePatience, Patience, Time};
pub use tls::builder;
pub use token::ClientCredentials;
