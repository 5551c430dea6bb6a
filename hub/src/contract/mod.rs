//! The contract with those who call the hub and those it tells: OpenAPI 3.1 of its doors, AsyncAPI 3 of its events.
//!
//! The table of doors, the canonical record and what is declared enter; documents leave. What `schemas/` holds is what leaves here, so a
//! change of the contract is seen where it is made.

mod answers;
mod asyncapi;
mod doors;
mod openapi;

pub use asyncapi::{asyncapi, asyncapi_of};
pub use doors::DOORS;
pub use openapi::openapi;

use serde_json::Value as Json;

/// The version of the contract: additions raise the second number, what breaks a reader the first.
pub const VERSION: &str = "1.1.0";

/// The schema of events.
pub const EVENT: &str = include_str!("../../../schemas/evenement/v1.json");

/// The schema of events as a component: without what only a document of its own says, its references led to where it stands now.
fn event() -> Json {
    let mut schema: Json = serde_json::from_str(EVENT).expect("a schema of this repository is JSON");
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        schema.remove("$id");
    }
    lead(&mut schema);
    schema
}

fn lead(schema: &mut Json) {
    match schema {
        Json::Object(keys) => {
            if let Some(Json::String(to)) = keys.get_mut("$ref")
                && let Some(within) = to.strip_prefix('#')
            {
                *to = format!("#/components/schemas/Evenement{within}");
            }
            keys.values_mut().for_each(lead);
        }
        Json::Array(items) => items.iter_mut().for_each(lead),
        _ => {}
    }
}
