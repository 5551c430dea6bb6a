//! Where extracts are fetched from, behind the port `hub_core::transport::Transport`: one module a kind of place.

pub mod http;
