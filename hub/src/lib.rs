//! The hub's edge: how facts are kept, sent and operated. The binary `dlnuf` is a thin shell over this library.

pub mod api;
pub mod archive;
pub mod broker;
pub mod cli;
pub mod clock;
pub mod installation;
pub mod mappings;
pub mod seal;
pub mod settings;
pub mod snapshot;
pub mod store;
pub mod synth;
pub mod workbench;
