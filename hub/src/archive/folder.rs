//! The archive in a local folder: each delivery's bytes once, under their digest.
//!
//! Files first: written in the landing folder on the same disk, synced, renamed, folders synced. A crash leaves at most a file in
//! the landing folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hub_core::archive::{Archive, Kept, Staged};
use hub_core::delivery::Digest;

use super::landing::{Landed, Landing};

/// Makes a folder only its owner may look into, when it is not there.
pub fn private_folder(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A folder of archived deliveries.
#[derive(Debug)]
pub struct FolderArchive {
    folder: PathBuf,
    landing: Landing,
}

impl FolderArchive {
    /// Opens, creating it if need be, the archive in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn open(folder: &Path) -> io::Result<Self> {
        private_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), landing: Landing::open(folder.join(".landing"))? })
    }

    fn place(&self, digest: Digest) -> (PathBuf, String) {
        let name = digest.to_string();
        (self.folder.join(name.get(..2).unwrap_or("00")), name)
    }
}

impl Archive for FolderArchive {
    fn stage(&self, bytes: &mut dyn Read) -> io::Result<Box<dyn Staged>> {
        let landed = self.landing.write(bytes)?;
        let (parent, name) = self.place(landed.kept.digest);
        Ok(Box::new(InFolder { landed, folder: self.folder.clone(), parent, name }))
    }

    fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>> {
        let (parent, name) = self.place(digest);
        Ok(Box::new(File::open(parent.join(name))?))
    }

    fn landing(&self) -> &Path {
        self.landing.folder()
    }

    fn sweep(&self, age: Duration) -> io::Result<u64> {
        self.landing.sweep(age)
    }
}

/// Bytes that wait to be put in their place.
struct InFolder {
    landed: Landed,
    folder: PathBuf,
    parent: PathBuf,
    name: String,
}

impl Staged for InFolder {
    fn kept(&self) -> Kept {
        self.landed.kept
    }

    fn settle(self: Box<Self>) -> io::Result<Kept> {
        let Self { landed, folder, parent, name } = *self;
        let (Landed { file, kept }, place) = (landed, parent.join(name));
        if !whole(&place, kept)? {
            private_folder(&parent)?;
            file.persist(&place).map_err(|error| error.error)?;
        }
        // Also when it was there: another thread may have renamed it and not synced it yet.
        File::open(&parent)?.sync_all()?;
        File::open(&folder)?.sync_all()?;
        Ok(kept)
    }
}

/// Whether the bytes stand there in their full size: a disk that lies may have lost some of them at a power cut.
fn whole(place: &Path, kept: Kept) -> io::Result<bool> {
    match fs::metadata(place) {
        Ok(file) => Ok(file.len() == kept.size_bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
