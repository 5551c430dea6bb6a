//! What the hub promises, one module each, on both stores.

mod schema_comparison;
mod store_conformance;
