//! Fuzzes the delimited text framer and decoder.
#![no_main]

use hub_core::connector::Layout;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    dlnuf_fuzz::drive(
        bytes,
        Layout::Csv {
            separator: None,
            columns: None,
        },
    );
});
