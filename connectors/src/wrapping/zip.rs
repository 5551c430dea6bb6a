//! Reads the entries of a zip, plain or encrypted (AES, or the old weak cipher), each on to what is wrapped in it.
//!
//! The whole directory is judged before the first entry is handed over: names that leave their folder, links, too many or doubled
//! entries refuse the archive. Folders, empty entries and what a Mac adds are passed over. Checksums and authentication codes are
//! verified at the end of each entry. No message names an entry, as its name may hold a person's.

use std::fmt::Display;
use std::io;

use ::zip::result::ZipError;
use ::zip::{CompressionMethod, ZipArchive, read::ZipFile};
use hub_core::code::Code;

use super::bounded::{Allowance, Bounded};
use super::layer::{Blame, Layer};
use super::{Opening, Place, Source, WrappingError};

/// Most bytes read to find and hold the directory.
const DIRECTORY_BYTES: u64 = 4 << 20;
/// Bits of the mode that tell what a Unix entry is, those of a regular file, and those `zip` gives what it read from a pipe.
const MODE_KIND: u32 = 0o170_000;
const MODE_FILE: u32 = 0o100_000;
const MODE_PIPE: u32 = 0o010_000;

const DAMAGED: Blame =
    Blame::Bytes(Code::Unpackable, "expected a whole zip entry, found it damaged or cut short");
const ALTERED: Blame = Blame::Bytes(
    Code::CannotDecrypt,
    "expected the zip entry as it was encrypted, found it altered, or the password wrong",
);

type Archive<'b> = ZipArchive<Bounded<Box<dyn Place + 'b>>>;

/// An entry that holds something.
struct Wanted {
    index: usize,
    name: String,
    encrypted: bool,
}

impl Opening<'_> {
    /// Opens a zip, and what is wrapped in its entries.
    pub(super) fn zip(&mut self, place: Box<dyn Place + '_>, depth: usize) -> Result<(), WrappingError> {
        let mut archive = directory(place)?;
        self.tally.entries(archive.len())?;
        let wanted = wanted(&mut archive)?;
        if wanted.is_empty() {
            return Err(WrappingError::unpackable("expected a zip that holds a file, found nothing in it"));
        }
        let tally = self.tally;
        for Wanted { index, name, encrypted } in wanted {
            let file = if encrypted {
                let password = self.password(&mut archive, index)?;
                archive.by_index_decrypt(index, password)
            } else {
                archive.by_index(index)
            };
            let file = file.map_err(|error| refused(index, &error))?;
            let layer = Layer::counted(file, tally, if encrypted { ALTERED } else { DAMAGED }, depth);
            self.open(Source::Stream(Box::new(layer)), Some(name), depth + 1)?;
        }
        Ok(())
    }

    /// The password that opens an entry. The check in its header lets a wrong one pass now and then, more often with the weak cipher:
    /// of several that pass, the one is taken by which the entry can be read whole.
    fn password(&self, archive: &mut Archive<'_>, index: usize) -> Result<&[u8], WrappingError> {
        let mut passing: Vec<&[u8]> = Vec::new();
        for password in self.keys.passwords.iter().map(String::as_bytes) {
            match archive.by_index_decrypt(index, password) {
                Ok(_) => passing.push(password),
                Err(ZipError::InvalidPassword) => {}
                Err(error) => return Err(refused(index, &error)),
            }
        }
        if passing.len() > 1 {
            passing.retain(|password| {
                let trial = self.tally.afresh();
                let whole = |file: ZipFile<'_, _>| {
                    io::copy(&mut Layer::counted(file, &trial, ALTERED, 0), &mut io::sink()).is_ok()
                };
                archive.by_index_decrypt(index, password).is_ok_and(whole)
            });
        }
        let count = self.keys.passwords.len();
        passing.into_iter().next().ok_or_else(|| {
            let detail =
                format!("expected zip entry {} to open by one of {count} passwords, none does", index + 1);
            WrappingError::cannot_decrypt(detail)
        })
    }
}

fn directory(place: Box<dyn Place + '_>) -> Result<Archive<'_>, WrappingError> {
    let allowance = Allowance::of(DIRECTORY_BYTES);
    let archive = ZipArchive::new(Bounded::new(place, allowance.clone()));
    let archive = archive.map_err(|_| {
        WrappingError::unpackable("expected a zip, found its directory damaged, cut off or too large")
    })?;
    allowance.lift();
    if archive.has_duplicate_names() {
        return Err(WrappingError::unpackable("expected each name once in a zip, found one twice"));
    }
    Ok(archive)
}

/// Judges all entries, and keeps those that hold something.
fn wanted(archive: &mut Archive<'_>) -> Result<Vec<Wanted>, WrappingError> {
    let mut wanted = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|error| refused(index, &error))?;
        let refuse = |why: &str| WrappingError::unpackable(format!("zip entry {} {why}", index + 1));
        let name = entry.name().map_err(|_| refuse("has a name that cannot be read"))?;
        let folder = entry.is_dir() || name.ends_with('\\');
        let inside = segments(&name).ok_or_else(|| refuse("leaves its folder"))?;
        if entry.is_symlink()
            || entry
                .unix_mode()
                .is_some_and(|mode| !matches!(mode & MODE_KIND, 0 | MODE_FILE | MODE_PIPE) && !folder)
        {
            return Err(refuse("is a link or a device, expected a file"));
        }
        let [.., last] = inside.as_slice() else { continue };
        if *last == "[Content_Types].xml" {
            return Err(WrappingError::unpackable(
                "expected a zip of extracts, found a spreadsheet or another office document",
            ));
        }
        let of_a_mac = inside.first() == Some(&"__MACOSX") || *last == ".DS_Store";
        let empty = entry.size() == 0 && entry.crc32() == 0;
        if !folder && !of_a_mac && !empty {
            let method = entry.compression();
            if !matches!(method, CompressionMethod::Stored | CompressionMethod::Deflated) {
                return Err(WrappingError::unpackable(not_read(index, method)));
            }
            wanted.push(Wanted { index, name: (*last).to_owned(), encrypted: entry.encrypted() });
        }
    }
    Ok(wanted)
}

/// The parts of a name; none of one that leaves its folder or that no file can have.
fn segments(name: &str) -> Option<Vec<&str>> {
    let drive = name.get(1..2) == Some(":");
    if drive || name.starts_with(['/', '\\']) || name.chars().any(char::is_control) {
        return None;
    }
    let segments: Vec<&str> = name.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
    (!segments.contains(&"..")).then_some(segments)
}

fn not_read(index: usize, method: impl Display) -> String {
    format!("expected zip entry {} to be stored or deflated, found method {method}", index + 1)
}

fn refused(index: usize, error: &ZipError) -> WrappingError {
    let entry = index + 1;
    WrappingError::unpackable(match error {
        ZipError::CompressionMethodNotSupported(method) => not_read(index, method),
        ZipError::UnsupportedArchive(_) => format!("zip entry {entry} needs what the hub does not read"),
        _ => format!("expected zip entry {entry} whole, found it damaged or cut short"),
    })
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn a_name_that_leaves_its_folder_has_no_segments() {
        for name in ["../x", "a/../../x", "/etc/x", "\\x", "..\\x", "C:x", "c:\\x", "a\0b", "a\nb", ".."] {
            assert_eq!(segments(name), None, "{name:?}");
        }
        assert_eq!(segments("a/./b//c.csv"), Some(vec!["a", "b", "c.csv"]));
        assert_eq!(segments("dossier\\c.csv"), Some(vec!["dossier", "c.csv"]));
        assert_eq!(segments("é..csv"), Some(vec!["é..csv"]));
    }
}
