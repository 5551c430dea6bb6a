//! The places extracts are fetched from, behind the port `hub_core::transport::Transport`: one module a kind of place.
//!
//! A place's configuration enters, its offers and their bytes leave. Nothing is taken away there before the bytes are durable
//! here, and no error shows a password or a value of a person.

mod arrival;
pub mod folder;
pub mod http;
mod names;
pub mod object_store;
pub mod sftp;
