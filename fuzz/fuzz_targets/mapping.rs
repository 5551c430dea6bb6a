//! Fuzzes the mapping compiler: any text is a mapping or a list of diagnostics inside the text.
#![no_main]

use std::sync::LazyLock;

use hub_core::canonical::Canon;
use hub_core::mapping::{CodeLists, compile};

static CANON: LazyLock<Canon> = LazyLock::new(|| {
    Canon::from_schema(include_str!("../../schemas/personne/v1.json")).expect("the canonical schema")
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Err(found) = compile(text, &CANON, &CodeLists::default()) else {
        return;
    };
    assert!(!found.is_empty());
    for diagnostic in found {
        assert!(text.get(diagnostic.span.clone()).is_some(), "{diagnostic:?}");
    }
});
