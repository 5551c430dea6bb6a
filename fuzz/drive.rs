//! Reads one fuzzed delivery whole, as the hub does: probe, open, cut, decode.
//!
//! Bytes and a layout enter; nothing leaves. Whatever the bytes, it must end, without a panic.

use std::io::Cursor;

use connectors::BuiltIn;
use hub_core::connector::{Dialect, Formats, Frames, Layout, Limits};
use hub_core::record::{Names, Record};

/// Reads `bytes` as a delivery of this layout.
pub fn drive(bytes: &[u8], layout: Layout) {
    let _ = BuiltIn.probe(bytes);
    let mut names = Names::default();
    for name in ["A", "B", "@id", "a", "b"] {
        names.intern(name);
    }
    let limits = Limits {
        record_bytes: 4096,
        header_bytes: 1024,
        ..Limits::default()
    };
    let dialect = Dialect {
        layout,
        encoding: None,
        names,
        limits,
    };
    let Ok(mut opened) = BuiltIn.open(Box::new(Cursor::new(bytes.to_vec())), &dialect) else {
        return;
    };
    let (mut batch, mut record) = (Frames::default(), Record::default());
    while opened.framer.next_batch(&mut batch, 16, 8192).is_ok() && !batch.frames.is_empty() {
        for frame in batch.frames.iter().filter(|frame| frame.fault.is_none()) {
            let _ = opened.decoder.decode(batch.bytes_of(frame), &mut record);
        }
    }
}
