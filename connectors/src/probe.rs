//! Looks at the first bytes of a delivery and tells what they are, so that a mapping can be chosen.
//!
//! At most 64 KiB enter, cut anywhere; the element paths, header cells or member paths seen leave. Archives, encrypted
//! and other binary files are named as such.

use hub_core::code::Code;
use hub_core::connector::{Fault, Probe};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::format::line::{Row, line_end};
use crate::format::{csv::row, json, text};

const HEAD: usize = 64 << 10;
const MOST_PATHS: usize = 400;
/// Nulls among so many first characters tell a binary file.
const BINARY: usize = 256;
const DEEPEST: usize = 64;

/// Tells what the first bytes show.
pub(crate) fn probe(head: &[u8]) -> Result<Probe, Fault> {
    let head = head.get(..head.len().min(HEAD)).unwrap_or_default();
    if let Some(kind) = archive(head) {
        return Err(Fault::new(Code::Compressed, format!("expected text, found {kind}")));
    }
    let text = readable(head);
    let start = text.trim_start();
    match start.as_bytes().first() {
        None => Err(Fault::new(Code::EmptyDelivery, "expected a delivery, found nothing")),
        // A stray null further on costs its record alone.
        Some(_) if text.get(..BINARY).unwrap_or(&text).contains('\0') => {
            Err(Fault::new(Code::NotTheFormat, "expected text, found binary data"))
        }
        Some(b'<') => xml(start),
        Some(b'{' | b'[') => Ok(members(start)),
        Some(_) => Ok(columns(start)),
    }
}

fn archive(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Some("a zip archive"),
        [0x1F, 0x8B, ..] => Some("gzip"),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Some("zstd"),
        [b'7', b'z', 0xBC, 0xAF, ..] => Some("a 7z archive"),
        [0x30, 0x80..=0x84, ..] => Some("an encrypted CMS envelope"),
        _ => None,
    }
}

/// The text, by its mark or its XML declaration, else UTF-8, else windows-1252. A first line whose accents are UTF-8 says it for
/// all: a bad byte further on costs its record alone.
pub(crate) fn readable(head: &[u8]) -> String {
    let xml = head.trim_ascii_start().first() == Some(&b'<') || head.get(1) == Some(&b'<');
    let cut_short = |e: std::str::Utf8Error| e.error_len().is_none();
    let line = head
        .get(..head.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(0))
        .unwrap_or_default();
    let accented = !line.is_ascii() && std::str::from_utf8(line).is_ok();
    let utf8 = accented || std::str::from_utf8(head).map_or_else(cut_short, |_| true);
    let (encoding, mark) = text::choose(head, Some(if utf8 { "utf-8" } else { "windows-1252" }), xml)
        .unwrap_or((encoding_rs::WINDOWS_1252, 0));
    let bytes = head.get(mark..).unwrap_or_default();
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

fn xml(text: &str) -> Result<Probe, Fault> {
    let mut reader = Reader::from_str(text);
    let mut paths: Vec<(String, String)> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    // The head may be cut anywhere: the first mistake ends the look.
    while let Ok(event) = reader.read_event() {
        match event {
            Event::DocType(_) => {
                return Err(Fault::new(Code::DoctypeRefused, "found a document type"));
            }
            Event::Start(tag) if open.len() < DEEPEST => {
                open.push(tag.local_name().into_inner().to_owned());
                note(&mut paths, &open);
            }
            Event::Empty(tag) => {
                open.push(tag.local_name().into_inner().to_owned());
                note(&mut paths, &open);
                open.pop();
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(found) => first_text(&mut paths, &open, found.trim()),
            Event::Start(_) | Event::Eof => break,
            _ => {}
        }
        if paths.len() >= MOST_PATHS {
            break;
        }
    }
    if paths.is_empty() {
        return Err(Fault::new(Code::NotTheFormat, "expected XML, found no element"));
    }
    Ok(Probe::Xml { paths })
}

fn note(paths: &mut Vec<(String, String)>, open: &[String]) {
    let path = open.join("/");
    if !paths.iter().any(|(known, _)| *known == path) {
        paths.push((path, String::new()));
    }
}

fn first_text(paths: &mut [(String, String)], open: &[String], text: &str) {
    let path = open.join("/");
    if let Some((_, first)) = paths.iter_mut().find(|(known, first)| *known == path && first.is_empty()) {
        text.clone_into(first);
    }
}

fn columns(text: &str) -> Probe {
    let (separator, at) = row::announced(text.as_bytes());
    let bytes = text.as_bytes().get(at..).unwrap_or_default();
    let (columns, end) = cells(bytes, separator);
    let line = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
    let rest = bytes.get(end..).unwrap_or_default();
    let breaks = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let (below, _) = cells(rest.get(breaks..).unwrap_or_default(), separator);
    Probe::Csv { columns, line, below }
}

/// The cells of the first row, and where it ends.
fn cells(bytes: &[u8], separator: Option<u8>) -> (Vec<String>, usize) {
    let signs = row::Signs::quoting(separator.unwrap_or_else(|| row::sniff(bytes)));
    let end = match row::measure(bytes, signs, true, usize::MAX) {
        Row::Whole { end, .. } => end,
        Row::Partial | Row::Stray => line_end(bytes).unwrap_or(bytes.len()),
    };
    let mut cells = Vec::new();
    row::cells(bytes.get(..end).unwrap_or_default(), signs, |_, cell| {
        cells.push(String::from_utf8_lossy(cell).into_owned());
    });
    (cells, end)
}

fn members(text: &str) -> Probe {
    let bytes = text.as_bytes();
    let mut members = Vec::new();
    if let Some(at) = memchr::memchr(b'{', bytes) {
        note_members(bytes, at, "", &mut members, 0);
    }
    Probe::Json { members }
}

fn note_members(text: &[u8], at: usize, above: &str, into: &mut Vec<String>, depth: usize) {
    for (name, value) in json::members(text, at) {
        if into.len() >= MOST_PATHS || depth >= DEEPEST {
            return;
        }
        let path = if above.is_empty() { name } else { format!("{above}/{name}") };
        if !into.contains(&path) {
            into.push(path.clone());
        }
        let rest = text.get(value..).unwrap_or_default();
        // Of an array, the first object speaks for all.
        let skipped = rest.iter().take_while(|b| **b == b'[' || b.is_ascii_whitespace()).count();
        if rest.get(skipped) == Some(&b'{') {
            note_members(text, value + skipped, &path, into, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_core::code::Code::{Compressed, DoctypeRefused, EmptyDelivery, NotTheFormat};

    #[test]
    fn archives_binaries_and_nothing_are_refused_by_name() {
        for (head, code) in [
            (&b""[..], EmptyDelivery),
            (b" \n", EmptyDelivery),
            (b"PK\x03\x04..", Compressed),
            (b"\x1F\x8B\x08", Compressed),
            (b"\x28\xB5\x2F\xFD", Compressed),
            (b"7z\xBC\xAF\x27\x1C", Compressed),
            (b"\x30\x82\x01\x02\x06", Compressed),
            (b"ab\0\0cd", NotTheFormat),
            (b"<!DOCTYPE a><a/>", DoctypeRefused),
            (b"<", NotTheFormat),
        ] {
            assert_eq!(probe(head).map_err(|f| f.code), Err(code), "{head:?}");
        }
    }

    #[test]
    fn each_format_shows_its_names() {
        let own = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let xml = probe(b"<?xml version='1.0'?><R><H><N> 7 </N></H><H/><Rec><A>1</A><B>cut he");
        let paths =
            [("R", ""), ("R/H", ""), ("R/H/N", "7"), ("R/Rec", ""), ("R/Rec/A", "1"), ("R/Rec/B", "")];
        match xml {
            Ok(Probe::Xml { paths: found }) => {
                let found: Vec<_> = found.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
                assert_eq!(found.get(..5), paths.get(..5));
            }
            other => panic!("{other:?}"),
        }
        for (head, wanted) in [
            (&b"\xEF\xBB\xBFnom;\"a;b\";c\n1;2;3"[..], own(&["nom", "a;b", "c"])),
            (b"pr\xE9nom,nom\r\n", own(&["prénom", "nom"])),
            (b"pr\xC3\xA9nom,nom\r\nZo\xE9,F\r\n", own(&["prénom", "nom"])),
            (b"sep=,\r\nnom,a;b;c\r\n", own(&["nom", "a;b;c"])),
        ] {
            assert!(matches!(probe(head), Ok(Probe::Csv { columns, .. }) if columns == wanted), "{head:?}");
        }
        let edge = probe(b"DEB***\nnom|pr\xC3\xA9nom\n1|2\n");
        let (columns, line) = (own(&["DEB***"]), "DEB***".to_owned());
        assert_eq!(edge, Ok(Probe::Csv { columns, line, below: own(&["nom", "prénom"]) }));
        let json = probe(br#"[{"a":1,"b":{"c":[{"d":2}]},"e":"cut"#);
        assert_eq!(json, Ok(Probe::Json { members: own(&["a", "b", "b/c", "b/c/d", "e"]) }));
    }
}
