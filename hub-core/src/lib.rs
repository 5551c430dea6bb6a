//! What the hub knows: pure stages, the ports they need and the two drivers that join them.
//!
//! Bytes become records, records become claims in the canonical form, claims find their person, the person is compared with
//! what was known, the difference is stored with its events in one transaction. Nothing here touches a database, a broker
//! or a socket; adapters live in `connectors` and `hub`.

pub mod archive;
pub mod broker;
pub mod canonical;
pub mod claim;
pub mod clock;
pub mod code;
pub mod connector;
pub mod delivery;
pub mod diff;
pub mod disposition;
pub mod event;
pub mod guard;
pub mod identity;
pub mod ledger;
pub mod mapping;
pub mod merge;
pub mod pipeline;
pub mod publisher;
pub mod record;
pub mod referential;
pub mod rehearsal;
pub mod reject;
pub mod roster;
pub mod ruling;
pub mod statement;
pub mod store;
pub mod subscription;
pub mod text;
pub mod transport;
