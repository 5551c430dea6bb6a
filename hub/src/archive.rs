//! The archive in a local folder: each delivery's bytes once, under their digest.
//!
//! Files first: written under a temporary name, synced, renamed, folder synced. A crash leaves at most a temporary file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hub_core::archive::{Archive, Kept, Staged};
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
    landing: PathBuf,
    next: AtomicU64,
}

impl FolderArchive {
    /// Opens, creating it if need be, the archive in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be created.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let landing = folder.join("landing");
        private_folder(&landing)?;
        Ok(Self { folder: folder.to_owned(), landing, next: AtomicU64::new(0) })
    }

    fn place(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        let prefix = name.get(..2).unwrap_or("00");
        self.folder.join(prefix).join(&name)
    }
}

/// A file under a temporary name.
struct Temporary {
    folder: PathBuf,
    path: PathBuf,
    place: PathBuf,
    kept: Kept,
}

impl Archive for FolderArchive {
    fn stage(&self, bytes: &mut dyn Read) -> io::Result<Box<dyn Staged>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!(".incoming-{}-{number}", std::process::id()));
        let written = copy_hashed(bytes, &path);
        if written.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(&path);
        }
        let kept = written?;
        Ok(Box::new(Temporary { folder: self.folder.clone(), path, place: self.place(kept.digest), kept }))
    }

    fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(File::open(self.place(digest))?))
    }

    fn landing(&self) -> &Path {
        &self.landing
    }

    fn sweep(&self, _age: Duration) -> io::Result<u64> {
        Ok(0)
    }
}

impl Staged for Temporary {
    fn kept(&self) -> Kept {
        self.kept
    }

    fn settle(self: Box<Self>) -> io::Result<Kept> {
        if self.place.try_exists()? {
            return Ok(self.kept);
        }
        let parent = self.place.parent().unwrap_or(&self.folder);
        private_folder(parent)?;
        fs::rename(&self.path, &self.place)?;
        File::open(parent)?.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        Ok(self.kept)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Settled, it has another name by now.
        let _ = fs::remove_file(&self.path);
    }
}

fn copy_hashed(source: &mut dyn Read, to: &Path) -> io::Result<Kept> {
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
        let archive = FolderArchive::open(&folder.path().join("archive"))?;
        let keep = || archive.stage(&mut &b"<Racine/>"[..])?.settle();
        let (first, second) = (keep()?, keep()?);
        assert_eq!(first, second);
        let mut bytes = Vec::new();
        archive.open(first.digest)?.read_to_end(&mut bytes)?;
        assert_eq!(bytes, b"<Racine/>");
        Ok(())
    }
}
