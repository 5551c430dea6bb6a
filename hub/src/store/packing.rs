//! Texts are packed before they are sealed: sealed bytes do not compress, and a store is bound by the bytes it writes.
//!
//! LZ4 with a dictionary of what events have in common. The dictionary is part of the format and never edited: another one
//! gets another number, which is the first byte of what leaves.

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};

/// What most events have in common, fields in the order of the schema.
const DICTIONARY: &[u8] = include_bytes!("dictionary-1.txt");
const NUMBER: u8 = 1;

pub(super) fn pack(text: &[u8]) -> Vec<u8> {
    let mut packed = compress_prepend_size_with_dict(text, DICTIONARY);
    packed.insert(0, NUMBER);
    packed
}

/// `None` when the bytes are not what [`pack`] makes.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let (number, packed) = packed.split_first()?;
    (*number == NUMBER).then(|| decompress_size_prepended_with_dict(packed, DICTIONARY).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_packed_and_an_event_to_less_than_half() {
        for text in [&b""[..], b"x", &vec![0; 100_000], "été".as_bytes()] {
            assert_eq!(unpack(&pack(text)).as_deref(), Some(text));
        }
        assert!(pack(DICTIONARY).len() * 2 < DICTIONARY.len());
        assert_eq!(unpack(b""), None);
        assert_eq!(unpack(&[9, 1, 2, 3]), None);
    }
}
