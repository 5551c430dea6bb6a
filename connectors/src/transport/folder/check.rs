//! Whether a drop folder can be worked with: it is looked into, each file that waits is opened, and what becomes of files taken in is
//! tried.
//!
//! Settings enter; what waits leaves in a few words, or every right that lacks, each by its path. Nothing is left there but the
//! folder files are moved to.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use hub_core::code::Code;
use hub_core::transport::TransportError;

use super::{After, FolderConfig, TAKEN, Wanted, list, open_plain, own_folder};
use crate::transport::names::few;

/// A file made to see whether one can be; no look takes it for an extract.
const TRIAL: &str = ".dlnuf-essai";
/// Files that are opened; with so many, one more tells nothing new.
const MOST_OPENED: usize = 1_000;
/// Only the owner of a file, or of the folder, takes it out of a folder with this bit.
const STICKY: u32 = 0o1000;

/// Tries all that a look and what follows it need.
pub(super) fn tried(config: &FolderConfig, wanted: &Wanted) -> Result<String, TransportError> {
    let listed = list(config, wanted)?;
    let names: Vec<&str> = listed.offers.iter().map(|offer| offer.name.as_str()).collect();
    let mut lacking = Vec::new();
    lacking.extend(unreadable(&config.path, &names));
    lacking.extend(match config.after {
        After::Keep => None,
        After::Delete => untakeable(&config.path, "`after: delete`"),
        After::Move => {
            untakeable(&config.path, "`after: move`").or_else(|| unwritable(&config.path.join(TAKEN)))
        }
    });
    lacking.extend(config.receipts.as_deref().and_then(unwritable));
    if !lacking.is_empty() {
        return Err(TransportError::new(Code::PlaceRefused, lacking.join("; ")));
    }
    Ok(listed.told("files", &config.path.display().to_string()))
}

/// The files that cannot be opened.
fn unreadable(folder: &Path, names: &[&str]) -> Option<String> {
    let refused = |name: &&&str| {
        let opened = open_plain(&folder.join(name));
        opened.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    };
    let refused: Vec<&&str> = names.iter().take(MOST_OPENED).filter(refused).collect();
    let count = refused.len();
    (count > 0)
        .then(|| format!("{count} of {} files that wait may not be read: {}", names.len(), few(&refused)))
}

/// Why files cannot be taken out of the folder.
fn untakeable(folder: &Path, what_for: &str) -> Option<String> {
    let needs = |found: String| format!("{what_for} takes files out of `{}`, {found}", folder.display());
    match write(folder) {
        Err(error) => Some(needs(format!("which the hub may not change: {}", error.kind()))),
        Ok(who) => {
            let found = fs::metadata(folder).ok()?;
            let others = found.mode() & STICKY != 0 && who != 0 && who != found.uid();
            others.then(|| needs(String::from("whose sticky bit forbids it for files of others")))
        }
    }
}

/// Why nothing can be put into a folder, which is made when it is missing.
fn unwritable(folder: &Path) -> Option<String> {
    let refused = |found: String| format!("nothing can be put into `{}`: {found}", folder.display());
    match own_folder(folder) {
        Err(error) => Some(refused(error.detail)),
        Ok(folder) => write(&folder).err().map(|error| refused(error.kind().to_string())),
    }
}

/// Makes a file and takes it away; who the hub is there.
fn write(folder: &Path) -> io::Result<u32> {
    let trial = folder.join(format!("{TRIAL}-{}", std::process::id()));
    let made = File::create_new(&trial)?;
    fs::remove_file(&trial)?;
    Ok(made.metadata()?.uid())
}
