//! What the hub promises, one module per promise, and the house rules it is built by.

mod a_killed_hub_goes_on;
mod a_suspicious_night_waits;
mod a_tool_starts;
mod acknowledged_deliveries_stay;
mod asked_by_http;
mod deliveries_are_pushed;
mod events_by_http;
mod events_reach_the_broker;
mod events_survive_the_broker;
mod fetched_by_http;
mod fetched_by_sftp;
mod fetched_from_a_bucket;
mod files_out_of_shape;
mod house_rules;
mod mappings_and_cases;
mod one_change_is_one_event;
mod order_of_arrival;
mod schema_comparison;
mod store_conformance;
mod support;
mod the_archive_keeps;
mod the_commands;
mod the_hub_serves;
mod the_last_word_counts;
mod ugly_extracts;
mod who_is_who;
