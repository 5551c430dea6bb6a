//! dlnuf: how facts are kept, sent and operated.

pub mod seal;
pub mod store;
