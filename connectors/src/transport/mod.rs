//! The places extracts are fetched from, behind the port `hub_core::transport::Transport`.

pub mod object_store;
