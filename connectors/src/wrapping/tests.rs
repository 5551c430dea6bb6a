//! Unwrapping end to end, of wrappings made here: what comes out, what is refused, and that nothing makes it panic or swell.

use std::io::{self, Cursor, Write as _};

use ::zip::write::{SimpleFileOptions, ZipWriter};
use ::zip::{AesMode, CompressionMethod};
use flate2::{Compression, write::GzEncoder};
use hub_core::code::Code;
use proptest::prelude::*;

use super::{Keys, Limits, WrappingError, unwrap};

const TEXT: &[u8] = b"nom;prenom\nVanternier;Melinda\n";
const SMALL: Limits = Limits { unpacked_bytes: 1 << 20, ratio: 250, entries: 8, depth: 4 };

type Extracts = Vec<(Option<String>, Vec<u8>)>;

/// Unwraps bytes; the code of the fault when they are refused.
fn opened(bytes: &[u8], name: Option<&str>, passwords: &[&str]) -> Result<Extracts, Code> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    io::Seek::rewind(&mut file).expect("rewound");
    let keys = Keys { passwords: passwords.iter().map(|p| (*p).to_owned()).collect(), ..Keys::default() };
    let mut extracts = Vec::new();
    let result = unwrap(file, name, &keys, &SMALL, &mut |extract| {
        let mut bytes = Vec::new();
        extract.bytes.read_to_end(&mut bytes)?;
        extracts.push((extract.name, bytes));
        Ok(())
    });
    match result {
        Ok(()) => Ok(extracts),
        Err(WrappingError::Fault(fault)) => Err(fault.code),
        Err(WrappingError::Io(error)) => panic!("an error of the disk: {error}"),
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn zip_of(entries: &[(&str, &[u8])], options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, options).expect("started");
        writer.write_all(bytes).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    zip_of(entries, SimpleFileOptions::default())
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with a result")]
fn one(name: Option<&str>) -> Result<Extracts, Code> {
    Ok(vec![(name.map(str::to_owned), TEXT.to_vec())])
}

#[test]
fn a_file_wrapped_in_nothing_is_handed_over_as_it_is() {
    assert_eq!(opened(TEXT, Some("a.csv"), &[]), one(Some("a.csv")));
    assert_eq!(opened(b"", None, &[]), Ok(vec![(None, Vec::new())]));
}

#[test]
fn each_wrapping_gives_the_extract_and_its_name() {
    assert_eq!(opened(&gzip(TEXT), Some("a.csv.gz"), &[]), one(Some("a.csv")));
    assert_eq!(opened(&gzip(TEXT), Some("lies.zip"), &[]), one(Some("lies.zip")));
    assert_eq!(opened(&zstd(TEXT), Some("a.csv.zst"), &[]), one(Some("a.csv")));
    assert_eq!(opened(&zip(&[("dossier/a.csv", TEXT)]), Some("b.riae"), &[]), one(Some("a.csv")));
}

#[test]
fn wrappings_nest_up_to_the_limit() {
    let nested = gzip(&zip(&[("a.csv.gz", &gzip(TEXT))]));
    assert_eq!(opened(&nested, None, &[]), one(Some("a.csv")));
    assert_eq!(opened(&gzip(&nested), None, &[]), one(Some("a.csv")));
    assert_eq!(opened(&gzip(&gzip(&nested)), None, &[]), Err(Code::Unpackable));
}

#[test]
fn all_members_of_a_gzip_and_all_frames_of_a_zstd_are_read() {
    let (start, end) = TEXT.split_at(9);
    assert_eq!(opened(&[gzip(start), gzip(b""), gzip(end)].concat(), None, &[]), one(None));
    let skipped =
        [&b"\x50\x2A\x4D\x18\x02\0\0\0xx"[..], &zstd(start), b"\x5F\x2A\x4D\x18\0\0\0\0", &zstd(end)]
            .concat();
    assert_eq!(opened(&skipped, None, &[]), one(None));
}

#[test]
fn zeros_after_a_gzip_are_padding_and_anything_else_is_refused() {
    assert_eq!(opened(&[&gzip(TEXT)[..], &[0; 9000]].concat(), None, &[]), one(None));
    for garbage in [&b"x"[..], b"\0\0x", b"\x1F", b"\x1F\x8B"] {
        assert_eq!(
            opened(&[&gzip(TEXT)[..], garbage].concat(), None, &[]),
            Err(Code::Unpackable),
            "{garbage:?}"
        );
    }
}

#[test]
fn a_wrapping_cut_short_anywhere_is_refused() {
    for whole in [gzip(TEXT), zstd(TEXT), zip(&[("a.csv", TEXT)]), gzip(&gzip(TEXT))] {
        // Up to the second byte, nothing tells that it was a wrapping.
        for end in 4..whole.len() {
            assert_eq!(opened(&whole[..end], None, &[]), Err(Code::Unpackable), "{end} of {}", whole.len());
        }
    }
}

#[test]
fn an_altered_checksum_is_refused() {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for whole in [gzip(TEXT), zstd(TEXT), zip_of(&[("a.csv", TEXT)], stored)] {
        let mut altered = whole.clone();
        let at = whole.windows(4).position(|found| found == b"elin").unwrap_or(whole.len() - 6);
        altered[at] ^= 1;
        assert_eq!(opened(&altered, None, &[]), Err(Code::Unpackable));
    }
}

#[test]
fn folders_empty_entries_and_what_a_mac_adds_are_passed_over() {
    let archive = zip(&[
        ("d/", b""),
        ("d/empty.csv", b""),
        ("__MACOSX/d/._a.csv", b"x"),
        ("d/.DS_Store", b"x"),
        ("d/a.csv", TEXT),
    ]);
    assert_eq!(opened(&archive, None, &[]), one(Some("a.csv")));
    assert_eq!(opened(&zip(&[("d/", b"")]), None, &[]), Err(Code::Unpackable));
}

#[test]
fn entries_come_in_order_with_names_of_both_alphabets() {
    let archive = zip(&[("é.csv", b"1"), ("b.csv", b"2"), ("a.csv", b"3")]);
    let names = |archive: &[u8]| -> Vec<_> {
        opened(archive, None, &[]).expect("opens").into_iter().filter_map(|(name, _)| name).collect()
    };
    assert_eq!(names(&archive), ["é.csv", "b.csv", "a.csv"]);
    // Without the mark of UTF-8, names are of code page 437.
    let mut old = zip(&[("xx.csv", b"1")]);
    while let Some(at) = old.windows(6).position(|found| found == b"xx.csv") {
        old[at..at + 2].copy_from_slice(b"\x82\x82");
    }
    assert_eq!(names(&old), ["éé.csv"]);
}

#[test]
fn names_that_leave_their_folder_links_and_doubles_refuse_the_archive() {
    for name in ["../a.csv", "d/../../a.csv", "/a.csv", "..\\a.csv", "\\a.csv", "C:\\a.csv", "a\0.csv"] {
        // The writer mends some names, so they are put in after.
        let place = "x".repeat(name.len());
        let mut archive = zip(&[("first.csv", b"1"), (&place, TEXT)]);
        while let Some(at) = archive.windows(name.len()).position(|found| found == place.as_bytes()) {
            archive[at..at + name.len()].copy_from_slice(name.as_bytes());
        }
        assert_eq!(opened(&archive, None, &[]), Err(Code::Unpackable), "{name:?}");
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("a.csv", "/etc/passwd", SimpleFileOptions::default()).expect("a link");
    assert_eq!(opened(&writer.finish().expect("finished").into_inner(), None, &[]), Err(Code::Unpackable));
    let mut doubled = zip(&[("a.csv", b"1"), ("b.csv", b"2")]);
    while let Some(at) = doubled.windows(5).position(|found| found == b"b.csv") {
        doubled[at] = b'a';
    }
    assert_eq!(opened(&doubled, None, &[]), Err(Code::Unpackable));
}

#[test]
fn an_encrypted_zip_opens_by_the_right_password_only() {
    for mode in [AesMode::Aes128, AesMode::Aes192, AesMode::Aes256] {
        let options = SimpleFileOptions::default().with_aes_encryption(mode, "s3same");
        let mut archive = zip_of(&[("a.csv", TEXT)], options);
        assert_eq!(opened(&archive, None, &["other", "s3same"]), one(Some("a.csv")));
        assert_eq!(opened(&archive, None, &[]), Err(Code::CannotDecrypt));
        assert_eq!(opened(&archive, None, &["other"]), Err(Code::CannotDecrypt));
        let at = archive.windows(4).position(|found| found == b"PK\x01\x02").expect("a directory") - 1;
        let descriptor = archive.windows(4).position(|found| found == b"PK\x07\x08").unwrap_or(at + 1);
        archive[descriptor - 1] ^= 1;
        assert_eq!(opened(&archive, None, &["s3same"]), Err(Code::CannotDecrypt), "altered");
    }
}

#[test]
fn more_than_the_limits_allow_is_refused() {
    let many: Vec<_> = (0..9).map(|at| format!("{at}.csv")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), TEXT)).collect();
    assert_eq!(opened(&zip(&many[..8]), None, &[]).map(|extracts| extracts.len()), Ok(8));
    assert_eq!(opened(&zip(&many), None, &[]), Err(Code::Unpackable));
    let zeros = vec![0; (1 << 20) + 1];
    for bomb in [gzip(&zeros), zstd(&zeros), zip(&[("a.csv", &zeros)]), gzip(&zip(&[("a.csv", &zeros)]))] {
        assert_eq!(opened(&bomb, None, &[]), Err(Code::TooLarge));
    }
    let half = &zeros[..=1 << 19];
    assert_eq!(opened(&zip(&[("a.csv", half), ("b.csv", half)]), None, &[]), Err(Code::TooLarge), "together");
}

#[test]
fn what_the_taker_leaves_is_read_so_that_integrity_is_verified() {
    let mut altered = gzip(TEXT);
    let last = altered.len() - 5;
    altered[last] ^= 1;
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&altered).and_then(|()| io::Seek::rewind(&mut file)).expect("written");
    let result = unwrap(file, None, &Keys::default(), &SMALL, &mut |_| Ok(()));
    assert!(matches!(result, Err(WrappingError::Fault(fault)) if fault.code == Code::Unpackable));
}

#[test]
fn an_error_of_the_taker_is_no_fault_of_the_file() {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&gzip(TEXT)).and_then(|()| io::Seek::rewind(&mut file)).expect("written");
    let full = || Err(io::ErrorKind::StorageFull.into());
    let result = unwrap(file, None, &Keys::default(), &SMALL, &mut |_| full());
    assert!(matches!(result, Err(WrappingError::Io(error)) if error.kind() == io::ErrorKind::StorageFull));
}

#[test]
fn wrappings_the_hub_does_not_open_are_refused() {
    for head in [
        &b"7z\xBC\xAF\x27\x1C"[..],
        b"Rar!\x1A\x07",
        b"PK\x07\x08PK\x03\x04",
        b"\xA3\x01\x03\0",
        b"\xC8\x03\x01\x03\0",
    ] {
        assert_eq!(opened(head, None, &[]), Err(Code::Unpackable), "{head:?}");
    }
    let book = zip(&[("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<w/>")]);
    assert_eq!(opened(&book, None, &[]), Err(Code::Unpackable));
}

#[test]
fn keys_show_nothing_of_themselves() {
    let keys = Keys { passwords: vec!["s3same".to_owned()], ..Keys::default() };
    assert_eq!(format!("{keys:?}"), "Keys(1 passwords, 0 for CMS, 0 for OpenPGP)");
}

/// What a random change starts from.
fn samples() -> Vec<Vec<u8>> {
    let aes = SimpleFileOptions::default().with_aes_encryption(AesMode::Aes128, "s3same");
    let cms = b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03\xA0\x80\x30\x80\x02\x01\0\x31\x00\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01\x30\x1D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2A\x04\x100123456789012345\xA0\x80\x04\x020123\0\0\0\0\0\0\0\0\0\0";
    vec![
        gzip(TEXT),
        zstd(TEXT),
        zip(&[("a.csv", TEXT), ("b.csv.gz", &gzip(TEXT))]),
        zip_of(&[("a.csv", TEXT)], aes),
        cms.to_vec(),
        b"\x8C\x0D\x04\x09\x03\x02abcdefgh\x60\xD2\x20\x01abcdefghijklmnopqrstuvwxyz12345".to_vec(),
        b"-----BEGIN PGP MESSAGE-----\n\njA0ECQMCabcdefgh0kABabcd\n=abcd\n-----END PGP MESSAGE-----\n"
            .to_vec(),
        b"-----BEGIN CMS-----\nMIAGCSqGSIb3DQEHA6CAMIACAQAxADCABgkq\n-----END CMS-----\n".to_vec(),
    ]
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(head in 0usize..8, tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let starts: [&[u8]; 8] = [b"", b"\x1F\x8B\x08\0", b"\x28\xB5\x2F\xFD", b"PK\x03\x04", b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03",
            b"\x85\x01\x0C\x03", b"\xC3\x0D\x04\x09", b"-----BEGIN PGP MESSAGE-----\n\n"];
        let _ = opened(&[starts[head], &tail].concat(), None, &["s3same"]);
    }

    #[test]
    fn no_change_to_a_wrapping_makes_it_panic(
        sample in 0usize..8, changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = samples().swap_remove(sample);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut.index(4) == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        let _ = opened(&bytes, None, &["s3same"]);
    }
}
