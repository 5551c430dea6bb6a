//! Fuzzes what opens wrappings: gzip, zstd, zip, CMS, OpenPGP.
#![no_main]

use std::io::{Seek, Write};

use connectors::wrapping::{Keys, Limits, unwrap};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(mut file) = tempfile::tempfile() else {
        return;
    };
    if file.write_all(bytes).and_then(|()| file.rewind()).is_err() {
        return;
    }
    let mut keys = Keys::default();
    keys.passwords.push("s3same".to_owned());
    let limits = Limits {
        unpacked_bytes: 1 << 20,
        entries: 16,
        ..Limits::default()
    };
    let _ = unwrap(file, None, &keys, &limits, &mut |extract| {
        std::io::copy(extract.bytes, &mut std::io::sink()).map(drop)
    });
});
