//! The hub's edge: how facts are kept, sent and operated. The binary `dlnuf` is a thin shell over this library.

pub mod admission;
pub mod api;
pub mod archive;
pub mod arrival;
pub mod backlog;
pub mod broker;
pub mod cli;
pub mod clock;
pub mod consultations;
pub mod contract;
pub mod correction;
pub mod court;
pub mod decision;
pub mod declarations;
pub mod effects;
pub mod examining;
pub mod heralds;
pub mod installation;
pub mod lag;
pub mod mappings;
pub mod measuring;
pub mod notice;
pub mod provision;
pub mod pull;
pub mod receipt;
pub mod seal;
pub mod service;
pub mod settings;
pub mod snapshot;
pub mod sources;
pub mod store;
pub mod subscriptions;
pub mod synth;
pub mod training;
pub mod webhook;
pub mod workbench;

/// A batch is made on one thread and dropped on another. The C library's allocator keeps, for every thread, what it has given
/// back, and grows with the delivery; this one returns it after a second (`.cargo/config.toml`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
