//! Fuzzes the JSON framer and decoder, bare and wrapped.
#![no_main]

use hub_core::connector::Layout;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    dlnuf_fuzz::drive(
        bytes,
        Layout::Json {
            records: Vec::new(),
        },
    );
    dlnuf_fuzz::drive(
        bytes,
        Layout::Json {
            records: vec!["a".to_owned()],
        },
    );
});
