//! Fuzzes the XML framer and decoder.
#![no_main]

use hub_core::connector::Layout;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let path = |last: &str| vec!["R".to_owned(), last.to_owned()];
    let layout = Layout::Xml {
        record: path("Rec"),
        header: Some(path("Head")),
        trailer: Some(path("Tail")),
    };
    dlnuf_fuzz::drive(bytes, layout);
});
