//! What the hub promises, one module per promise, and the house rules it is built by.

mod a_killed_hub_goes_on;
mod a_tool_starts;
mod events_by_http;
mod events_reach_the_broker;
mod events_survive_the_broker;
mod files_out_of_shape;
mod house_rules;
mod mappings_and_cases;
mod one_change_is_one_event;
mod order_of_arrival;
mod schema_comparison;
mod store_conformance;
mod support;
mod the_commands;
mod the_hub_serves;
mod the_last_word_counts;
mod ugly_extracts;
mod who_is_who;
mod wrapped_extracts;
