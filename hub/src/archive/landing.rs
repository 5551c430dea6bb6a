//! Bytes on their way into an archive: written to a private file and hashed as they come.
//!
//! Any reader enters; a synced file leaves, with its digest and size. The file is gone when it is dropped. A crash leaves it in
//! the landing folder, where the sweep finds it by its age.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hub_core::archive::Kept;
use hub_core::delivery::Digest;
use tempfile::{NamedTempFile, TempPath};

use super::private_folder;

const CHUNK_BYTES: usize = 256 << 10;

/// The folder bytes land in.
#[derive(Debug)]
pub(super) struct Landing {
    folder: PathBuf,
}

/// A file that landed.
#[derive(Debug)]
pub(super) struct Landed {
    pub(super) file: TempPath,
    pub(super) kept: Kept,
}

impl Landing {
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        private_folder(&folder)?;
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes all of `bytes` and syncs them.
    pub(super) fn write(&self, bytes: &mut dyn Read) -> io::Result<Landed> {
        let mut file = tempfile::Builder::new().prefix("incoming-").tempfile_in(&self.folder)?;
        let kept = copy_hashed(bytes, &mut file)?;
        file.as_file().sync_all()?;
        Ok(Landed { file: file.into_temp_path(), kept })
    }

    /// Removes the files nobody wrote to for `age`.
    pub(super) fn sweep(&self, age: Duration) -> io::Result<u64> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder)? {
            removed += u64::from(removed_if_old(&entry?, age)?);
        }
        Ok(removed)
    }
}

/// A file may have been settled or removed by its owner since it was listed.
fn removed_if_old(entry: &fs::DirEntry, age: Duration) -> io::Result<bool> {
    let found = entry.metadata().and_then(|file| {
        // A time in the future is a clock set back: no age is known then.
        let old = file.is_file() && file.modified()?.elapsed().is_ok_and(|since| since >= age);
        if old {
            fs::remove_file(entry.path())?;
        }
        Ok(old)
    });
    match found {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        found => found,
    }
}

fn copy_hashed(bytes: &mut dyn Read, file: &mut NamedTempFile) -> io::Result<Kept> {
    let (mut hasher, mut size_bytes) = (blake3::Hasher::new(), 0);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = match bytes.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        let read = chunk.get(..count).unwrap_or_default();
        if read.is_empty() {
            return Ok(Kept { digest: Digest(*hasher.finalize().as_bytes()), size_bytes });
        }
        hasher.update(read);
        file.write_all(read)?;
        size_bytes += count as u64;
    }
}
