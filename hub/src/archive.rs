//! The archive in a local folder: each delivery's bytes once, under their digest.
//!
//! Files first: written under a temporary name, synced, renamed, folder synced. A crash leaves at most a temporary file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hub_core::archive::{Archive, Kept};
use hub_core::delivery::Digest;

const CHUNK_BYTES: usize = 256 << 10;

/// Makes a folder only its owner may look into, when it is not there.
pub fn private_folder(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// A folder of archived deliveries.
#[derive(Debug)]
pub struct FolderArchive {
    folder: PathBuf,
    next: AtomicU64,
}

impl FolderArchive {
    /// Opens, creating it if need be, the archive in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn open(folder: &Path) -> io::Result<Self> {
        private_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), next: AtomicU64::new(0) })
    }

    fn place(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        let prefix = name.get(..2).unwrap_or("00");
        self.folder.join(prefix).join(&name)
    }

    fn temporary(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.join(format!(".incoming-{}-{number}", std::process::id()))
    }
}

impl Archive for FolderArchive {
    fn keep(&self, file: &Path) -> io::Result<Kept> {
        let temporary = self.temporary();
        let kept = copy_hashed(file, &temporary).and_then(|kept| self.settle(&temporary, kept));
        if kept.is_err() {
            // The first error is the one to tell; a leftover temporary file is harmless.
            let _ = fs::remove_file(&temporary);
        }
        kept
    }

    fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.place(digest))?))
    }
}

impl FolderArchive {
    fn settle(&self, temporary: &Path, kept: Kept) -> io::Result<Kept> {
        let place = self.place(kept.digest);
        if place.try_exists()? {
            fs::remove_file(temporary)?;
            return Ok(kept);
        }
        let parent = place.parent().unwrap_or(&self.folder);
        private_folder(parent)?;
        fs::rename(temporary, &place)?;
        File::open(parent)?.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        Ok(kept)
    }
}

fn copy_hashed(from: &Path, to: &Path) -> io::Result<Kept> {
    let mut source = File::open(from)?;
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let mut hasher = blake3::Hasher::new();
    let mut size_bytes = 0;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = source.read(&mut chunk)?;
        let read = chunk.get(..count).unwrap_or_default();
        if read.is_empty() {
            break;
        }
        hasher.update(read);
        target.write_all(read)?;
        size_bytes += count as u64;
    }
    target.sync_all()?;
    Ok(Kept { digest: Digest(*hasher.finalize().as_bytes()), size_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_kept_once_and_read_back_exactly() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("extract.xml");
        fs::write(&file, b"<Racine/>")?;
        let archive = FolderArchive::open(&folder.path().join("archive"))?;
        let (first, second) = (archive.keep(&file)?, archive.keep(&file)?);
        assert_eq!(first, second);
        let mut bytes = Vec::new();
        archive.open(first.digest)?.read_to_end(&mut bytes)?;
        assert_eq!(bytes, b"<Racine/>");
        let entries: Vec<_> = fs::read_dir(folder.path().join("archive"))?.collect::<Result<_, _>>()?;
        assert_eq!(entries.len(), 1, "no temporary file is left");
        Ok(())
    }
}
