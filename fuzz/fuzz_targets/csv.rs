//! Fuzzes the framers and decoders of text in lines: delimited, with and without quotes and rows around, and of fixed width.
#![no_main]

use hub_core::connector::{Edge, Edges, Layout, Slot};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let delimited = |separator, quotes, edges| Layout::Csv { separator, quotes, columns: None, edges };
    dlnuf_fuzz::drive(bytes, delimited(None, true, Edges::default()));
    let cells = || ["a", "b"].map(str::to_owned).to_vec();
    dlnuf_fuzz::drive(bytes, delimited(Some(b'|'), false, around(cells)));
    let slots = || ["a", "b?"].map(|name| Slot { name: name.to_owned(), width: 3 }).to_vec();
    dlnuf_fuzz::drive(bytes, Layout::Fixed { columns: slots(), edges: around(slots) });
});

fn around<C>(cells: impl Fn() -> Vec<C>) -> Edges<C> {
    let edge = |starts: &str, required| Some(Edge { starts: starts.to_owned(), cells: cells(), required });
    Edges { first: edge("D", false), last: edge("F", true) }
}
