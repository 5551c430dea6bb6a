//! Tells by the first bytes what is wrapped around an extract.
//!
//! A text never looks like a wrapping: each kind is told by bytes that no text holds.

use hub_core::code::Code;

use super::layer::Blame;

/// How many first bytes are looked at.
pub(super) const HEAD: u64 = 1024;

/// `1.2.840.113549.1.7.3`, enveloped data.
pub(super) const ENVELOPED: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03";
/// What every content type of CMS starts with: an object identifier of `1.2.840.113549.1`.
const PKCS: &[u8] = b"\x2A\x86\x48\x86\xF7\x0D\x01";

/// A wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gzip,
    Zstd,
    Zip,
    /// CMS enveloped data, DER or BER.
    Cms,
    /// The same as text: PEM, or an S/MIME message.
    CmsText,
    /// An OpenPGP message, binary or armoured.
    OpenPgp,
    /// A wrapping the hub does not open, by its name.
    Other(&'static str),
}

impl Kind {
    /// The wrapping these first bytes belong to, if any.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1F, 0x8B, ..] => Some(Self::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Some(Self::Zstd),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            [b'P', b'K', 7, 8, ..] => Some(Self::Other("a zip in several parts")),
            [b'7', b'z', 0xBC, 0xAF, ..] => Some(Self::Other("a 7z archive")),
            [b'R', b'a', b'r', b'!', 0x1A, ..] => Some(Self::Other("a rar archive")),
            [0xFD, b'7', b'z', b'X', b'Z', ..] => Some(Self::Other("xz")),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Some(Self::Other("bzip2")),
            _ if head.get(257..262) == Some(b"ustar") => Some(Self::Other("a tar archive")),
            [0x30, length, rest @ ..] => Self::of_sequence(*length, rest),
            [tag @ 0x80..=0xFF, rest @ ..] if is_message(*tag, rest) => Some(Self::OpenPgp),
            _ => Self::of_text(head),
        }
    }

    fn of_sequence(length: u8, rest: &[u8]) -> Option<Self> {
        let more = if length > 0x80 { usize::from(length & 0x7F) } else { 0 };
        let content = rest.get(more..)?;
        if content.starts_with(ENVELOPED) {
            return Some(Self::Cms);
        }
        let is_cms =
            content.first() == Some(&0x06) && content.get(2..).is_some_and(|oid| oid.starts_with(PKCS));
        is_cms.then_some(Self::Other("CMS of another kind than enveloped data"))
    }

    fn of_text(head: &[u8]) -> Option<Self> {
        let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
        let begins = |with: &str| {
            text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with.as_bytes()))
        };
        if begins("-----BEGIN PGP MESSAGE-----") {
            return Some(Self::OpenPgp);
        }
        if ["-----BEGIN CMS-----", "-----BEGIN PKCS7-----"].into_iter().any(begins) {
            return Some(Self::CmsText);
        }
        let message = begins("MIME-Version:") || begins("Content-");
        let encrypted = || text.windows(10).any(|word| word.eq_ignore_ascii_case(b"pkcs7-mime"));
        (message && encrypted()).then_some(Self::CmsText)
    }

    /// What it is called in a message.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zip => "a zip",
            Self::Cms | Self::CmsText => "CMS enveloped data",
            Self::OpenPgp => "an OpenPGP message",
            Self::Other(what) => what,
        }
    }

    /// The fault when its stream fails.
    pub(super) fn blame(self) -> Blame {
        let (code, detail) = match self {
            Self::Gzip => (Code::Unpackable, "expected a whole gzip, found it damaged or cut short"),
            Self::Zstd => (
                Code::Unpackable,
                "expected a whole zstd of a window of at most 128 MiB, found it damaged, cut short or of a larger one",
            ),
            Self::Cms | Self::CmsText => {
                (Code::CannotDecrypt, "expected a whole CMS envelope, found it altered or cut short")
            }
            Self::OpenPgp => {
                (Code::CannotDecrypt, "expected a whole OpenPGP message, found it altered or cut short")
            }
            Self::Zip | Self::Other(_) => (Code::Unpackable, "expected a whole archive, found it damaged"),
        };
        Blame::Bytes(code, detail)
    }

    /// The name without the ending this wrapping adds to one.
    pub(super) fn unwrapped(self, name: &str) -> &str {
        let endings: &[&str] = match self {
            Self::Gzip => &[".gz"],
            Self::Zstd => &[".zst"],
            Self::Cms | Self::CmsText => &[".p7m", ".p7e", ".cms", ".der", ".enc"],
            Self::OpenPgp => &[".gpg", ".pgp", ".asc"],
            Self::Zip | Self::Other(_) => &[],
        };
        let ends = |ending: &&str| {
            let (name, ending) =
                name.split_at_checked(name.len().checked_sub(ending.len())?).zip(Some(*ending))?;
            (!name.0.is_empty() && name.1.eq_ignore_ascii_case(ending)).then_some(name.0)
        };
        endings.iter().find_map(ends).unwrap_or(name)
    }
}

/// Whether the bytes are the first packet of an OpenPGP message: its tag, its length, then a version or algorithm, a small number that
/// no text holds there.
fn is_message(tag: u8, rest: &[u8]) -> bool {
    let (kind, length) = if tag & 0x40 == 0 {
        let length = match tag & 3 {
            3 => 0,
            size => 1 << size,
        };
        ((tag >> 2) & 0x0F, length)
    } else {
        let length = match rest.first() {
            Some(0..192 | 224..255) => 1,
            Some(192..224) => 2,
            Some(255) => 5,
            None => return false,
        };
        (tag & 0x3F, length)
    };
    // Session keys by public key and by password, compressed, three kinds of encrypted data; marker packets do not come first.
    matches!(kind, 1 | 3 | 8 | 18 | 20) && matches!(rest.get(length), Some(1..=6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappings_are_told_by_their_first_bytes() {
        for (head, kind) in [
            (&b"\x1F\x8B\x08"[..], Kind::Gzip),
            (b"\x28\xB5\x2F\xFD\x04", Kind::Zstd),
            (b"PK\x03\x04\x14", Kind::Zip),
            (b"PK\x05\x06\0", Kind::Zip),
            (b"\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03\xA0", Kind::Cms),
            (b"\x30\x82\x01\x02\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x03\xA0", Kind::Cms),
            (b"-----BEGIN CMS-----\n", Kind::CmsText),
            (b"MIME-Version: 1.0\nContent-Type: application/x-pkcs7-mime; x\n\nMII", Kind::CmsText),
            (b"\x85\x01\x0C\x03", Kind::OpenPgp),
            (b"\x8C\x0D\x04\x09", Kind::OpenPgp),
            (b"\xC3\x0D\x04\x09", Kind::OpenPgp),
            (b"-----BEGIN PGP MESSAGE-----\n", Kind::OpenPgp),
            (b"7z\xBC\xAF\x27\x1C", Kind::Other("a 7z archive")),
        ] {
            assert_eq!(Kind::of(head), Some(kind), "{head:?}");
        }
    }

    #[test]
    fn texts_are_no_wrapping_whatever_their_encoding() {
        let latin = b"\xC9lise;\xC8ve\r\n\x8C";
        for head in [
            &b""[..],
            b"0",
            b"0123;nom",
            b"nom;prenom\n",
            b"<?xml?>",
            "Élise;1".as_bytes(),
            latin,
            b"PK;NOM\n",
            b"Content-Id;nom\n",
        ] {
            assert_eq!(Kind::of(head), None, "{head:?}");
        }
        for first in 0x80..=0xFFu8 {
            for second in [b';', b'a', b'\n', 0x80, 0xA9, 0xC3, 0xFF] {
                assert_eq!(
                    Kind::of(&[first, second, b';', b'1', b'\r', b'\n', b'z', b'\t']),
                    None,
                    "{first} {second}"
                );
            }
        }
    }

    #[test]
    fn a_name_loses_what_its_wrapping_added() {
        for (kind, name, bare) in [
            (Kind::Gzip, "radiations.csv.GZ", "radiations.csv"),
            (Kind::Gzip, ".gz", ".gz"),
            (Kind::Cms, "principal.csv", "principal.csv"),
            (Kind::OpenPgp, "é.gpg", "é"),
            (Kind::Zip, "a.zip", "a.zip"),
        ] {
            assert_eq!(kind.unwrapped(name), bare);
        }
    }
}
