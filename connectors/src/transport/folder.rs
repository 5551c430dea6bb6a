//! A drop folder on this machine, or mounted on it.
//!
//! Files an institution puts down enter as offers, once their writer has finished: no file is taken while it is written. What was
//! taken in is moved aside, deleted or kept, and never another file that came under its name since. Links, devices and pipes are
//! never opened, and no file is ever written over but a receipt.

mod check;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::mem;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use hub_core::clock::Clock;
use hub_core::code::Code;
use hub_core::transport::{Fetched, Offer, Sink, Transport, TransportError};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::arrival::{changed, not_kept};
use super::names::{Listed, PassedOver, Wanted, numbered, one_or_more, segment};

/// Where files taken in are moved to, inside the folder.
const TAKEN: &str = "traites";
/// Where receipts are left, inside the folder, unless another place is configured.
const RECEIPTS: &str = "comptes-rendus";
/// How many files of one name may stand side by side.
const MOST_OF_ONE_NAME: u32 = 100_000;
const BUFFER_BYTES: usize = 64 << 10;
/// Longest wait for a folder to answer: one that is mounted may hang for ever.
const PATIENCE: Duration = Duration::from_mins(5);

/// A drop folder's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderConfig {
    /// The folder.
    pub path: PathBuf,
    /// Globs of the names that are taken, such as `*.xml`; every name when none is given.
    #[serde(default, deserialize_with = "one_or_more")]
    pub pattern: Vec<String>,
    /// How a file is known to be finished.
    #[serde(default)]
    pub done: Done,
    /// What the name of a marker adds to the name of the file it speaks of.
    #[serde(default = "marker_suffix")]
    pub marker_suffix: String,
    /// A file that nobody has changed for so long is finished, even when it is seen for the first time.
    #[serde(default = "settle_seconds")]
    pub settle_seconds: u32,
    /// What becomes of a file taken in.
    #[serde(default)]
    pub after: After,
    /// Where receipts are left; `comptes-rendus` inside the folder when not given.
    #[serde(default)]
    pub receipts: Option<PathBuf>,
}

/// How a file is known to be finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// It is written under another name, then renamed; whoever writes under the final name is given time to settle.
    #[default]
    Rename,
    /// A second file, the marker, is put beside it afterwards.
    Marker,
}

/// What becomes of a file taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// It moves to `traites` inside the folder.
    #[default]
    Move,
    /// It is deleted.
    Delete,
    /// It stays where it is.
    Keep,
}

fn marker_suffix() -> String {
    String::from(".done")
}

fn settle_seconds() -> u32 {
    5
}

impl FolderConfig {
    fn marker(&self, name: &str) -> Option<PathBuf> {
        (self.done == Done::Marker).then(|| self.path.join(format!("{name}{}", self.marker_suffix)))
    }

    /// Whether a name is that of a marker.
    fn is_marker(&self, name: &[u8]) -> bool {
        self.done == Done::Marker && name.ends_with(self.marker_suffix.as_bytes())
    }

    /// Whether its writer says that the file is finished; without markers the writer says nothing.
    fn is_marked(&self, name: &str) -> bool {
        let is_file = |marker: PathBuf| marker.symlink_metadata().is_ok_and(|found| found.is_file());
        self.marker(name).is_none_or(|marker| !self.is_marker(name.as_bytes()) && is_file(marker))
    }
}

/// A drop folder.
pub struct Folder {
    config: Arc<FolderConfig>,
    wanted: Wanted,
    clock: Arc<dyn Clock>,
    /// The version of each file at the last look, and since when it was seen so.
    seen: Mutex<HashMap<String, (String, Timestamp)>>,
    passed_over: PassedOver,
}

impl Folder {
    /// A drop folder as configured; the folder itself is looked at later.
    pub fn new(config: FolderConfig, clock: Arc<dyn Clock>) -> Result<Self, TransportError> {
        if config.marker_suffix.is_empty() {
            return Err(TransportError::new(Code::BadConfig, "expected a `marker_suffix`, found none"));
        }
        if config.receipts.as_ref() == Some(&config.path) {
            // They would be taken for extracts.
            let detail = "expected `receipts` to be another folder than `path`";
            return Err(TransportError::new(Code::BadConfig, detail));
        }
        let wanted = Wanted::new(&config.pattern, true)?;
        let (seen, passed_over) = (Mutex::default(), PassedOver::default());
        Ok(Self { config: Arc::new(config), wanted, clock, seen, passed_over })
    }

    /// Keeps the files that were not changed for a while, by their own time or by what was seen of them: their time may lie ahead.
    fn settled(&self, mut found: Vec<Offer>) -> Vec<Offer> {
        let now = self.clock.now();
        let settle = SignedDuration::from_secs(self.config.settle_seconds.into());
        let is_old = |instant: Timestamp| now.duration_since(instant) >= settle;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let before = mem::take(&mut *seen);
        found.retain(|offer| {
            let since = match before.get(&offer.name) {
                // A clock that was ahead begins again.
                Some((version, since)) if *version == offer.version => now.min(*since),
                _ => now,
            };
            seen.insert(offer.name.clone(), (offer.version.clone(), since));
            is_old(since) || offer.changed_at.is_some_and(is_old)
        });
        found
    }
}

#[async_trait]
impl Transport for Folder {
    async fn look(&self, _cursor: Option<&str>) -> Result<Vec<Offer>, TransportError> {
        let (config, wanted) = (Arc::clone(&self.config), self.wanted.clone());
        let mut found = blocking(move || list(&config, &wanted)).await?;
        self.passed_over.keep(&mut found);
        Ok(match self.config.done {
            Done::Rename => self.settled(found.offers),
            Done::Marker => found.offers,
        })
    }

    fn passed_over(&self) -> Vec<String> {
        self.passed_over.names()
    }

    async fn fetch(&self, offer: &Offer, into: Sink<'_>) -> Result<Fetched, TransportError> {
        let path = self.config.path.join(segment(&offer.name)?);
        let (opened, expected) = (path.clone(), offer.clone());
        let (file, size_bytes) = blocking(move || open(&opened, &expected)).await?;
        // Whoever goes on writing cannot hold us: the offer's size is read, and the growth is found afterwards.
        let mut file = tokio::fs::File::from_std(file).take(size_bytes);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = tokio::time::timeout(PATIENCE, file.read(&mut buffer)).await;
            let read = read.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
            let read = read.map_err(|error| failed(&path, error))?;
            match buffer.get(..read) {
                Some([]) | None => break,
                Some(bytes) => into.write_all(bytes).await.map_err(not_kept)?,
            }
        }
        match tokio::fs::symlink_metadata(&path).await {
            Ok(found) if version(&found) == offer.version => {
                Ok(Fetched::Whole { cursor: None, missing: Vec::new() })
            }
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&path, error)),
            _ => Err(changed(offer)),
        }
    }

    async fn taken(&self, offer: &Offer) -> Result<(), TransportError> {
        let (config, offer) = (Arc::clone(&self.config), offer.clone());
        blocking(move || take_away(&config, &offer)).await
    }

    async fn leave(&self, name: &str, bytes: &[u8]) -> Result<(), TransportError> {
        let folder = self.config.receipts.clone().unwrap_or_else(|| self.config.path.join(RECEIPTS));
        let (name, bytes) = (segment(name)?.to_owned(), bytes.to_owned());
        blocking(move || put_down(&folder, &name, &bytes)).await
    }

    async fn check(&self) -> Result<String, TransportError> {
        let (config, wanted) = (Arc::clone(&self.config), self.wanted.clone());
        blocking(move || check::tried(&config, &wanted)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, TransportError> + Send + 'static,
) -> Result<T, TransportError> {
    within(PATIENCE, work).await
}

async fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> Result<T, TransportError> + Send + 'static,
) -> Result<T, TransportError> {
    let broken = || TransportError::new(Code::PlaceUnreachable, "work on the folder broke off, or hangs");
    let worked = tokio::time::timeout(patience, tokio::task::spawn_blocking(work)).await;
    worked.map_err(|late| broken().because(late))?.map_err(|error| broken().because(error))?
}

/// The plain files wanted and marked, by time of change, then by name.
fn list(config: &FolderConfig, wanted: &Wanted) -> Result<Listed, TransportError> {
    let mut listed = Listed::default();
    for entry in fs::read_dir(&config.path).map_err(|error| failed(&config.path, error))? {
        let entry = entry.map_err(|error| failed(&config.path, error))?;
        let name = entry.file_name();
        if wanted.is_odd(name.as_bytes()) {
            if !config.is_marker(name.as_bytes()) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
                listed.pass_over(name.as_bytes());
            }
            continue;
        }
        let Ok(name) = name.into_string() else { continue };
        if !wanted.takes(&name) || !config.is_marked(&name) {
            continue;
        }
        match entry.metadata() {
            Ok(found) if found.is_file() => listed.offers.push(offer(name, &found)),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(&entry.path(), error)),
            _ => {}
        }
    }
    listed.offers.sort_by(|a, b| (a.changed_at, &a.name).cmp(&(b.changed_at, &b.name)));
    Ok(listed)
}

fn offer(name: String, found: &Metadata) -> Offer {
    let changed_at = found.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    Offer { name, version: version(found), size_bytes: Some(found.len()), changed_at }
}

fn version(found: &Metadata) -> String {
    format!("{}-{}.{:09}-{}", found.len(), found.mtime(), found.mtime_nsec(), found.ino())
}

/// Opens what was offered and nothing else: a link put in its place is not followed, a pipe not waited for.
fn open(path: &Path, offer: &Offer) -> Result<(File, u64), TransportError> {
    let file = open_plain(path).map_err(|error| match error.raw_os_error() {
        Some(libc::ENOENT | libc::ELOOP | libc::ENXIO) => changed(offer),
        _ => failed(path, error),
    })?;
    let found = file.metadata().map_err(|error| failed(path, error))?;
    if !found.is_file() || version(&found) != offer.version {
        return Err(changed(offer));
    }
    Ok((file, found.len()))
}

fn open_plain(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

fn take_away(config: &FolderConfig, offer: &Offer) -> Result<(), TransportError> {
    let name = segment(&offer.name)?;
    let path = config.path.join(name);
    if config.after == After::Keep {
        return Ok(());
    }
    match path.symlink_metadata() {
        // Another file has come under the name since: it is an offer of its own.
        Ok(found) if version(&found) != offer.version => return Ok(()),
        Ok(_) if config.after == After::Delete => gone(&path)?,
        Ok(_) => set_aside(&path, name, &own_folder(&config.path.join(TAKEN))?)?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(&path, error)),
    }
    config.marker(name).map_or(Ok(()), |marker| gone(&marker))
}

/// Moves a file to a name nobody has there: the name is taken first, so that a rename never hits another file.
fn set_aside(path: &Path, name: &str, folder: &Path) -> Result<(), TransportError> {
    for number in 1..=MOST_OF_ONE_NAME {
        let target = folder.join(numbered(name, number));
        match OpenOptions::new().write(true).create_new(true).open(&target) {
            Ok(_) => {
                return fs::rename(path, &target).map_err(|error| {
                    // Nothing more can be done about the empty file than to try.
                    let _ = fs::remove_file(&target);
                    failed(path, error)
                });
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&target, error)),
        }
    }
    Err(TransportError::new(Code::PlaceRefused, format!("expected a free name in `{}`", folder.display())))
}

/// Writes a receipt beside its name, and gives it the name once it is on the disk.
fn put_down(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), TransportError> {
    let folder = own_folder(folder)?;
    let part = folder.join(format!(".{name}.part"));
    // Left by a crash, or a link put there to have us write elsewhere.
    gone(&part)?;
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, folder.join(name))?;
        File::open(&folder)?.sync_all()
    };
    write().map_err(|error| failed(&folder.join(name), error))
}

/// Makes the folder if it is missing; a link in its place would let whoever put it there choose where we write.
fn own_folder(path: &Path) -> Result<PathBuf, TransportError> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(path, error)),
        _ => {}
    }
    if !path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        let detail = format!("expected `{}` to be a folder, found something else", path.display());
        return Err(TransportError::new(Code::PlaceRefused, detail));
    }
    Ok(path.to_owned())
}

fn gone(path: &Path) -> Result<(), TransportError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(path, error)),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: io::Error) -> TransportError {
    let code = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Code::AnswerNotUnderstood,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::CrossesDevices => {
            Code::PlaceRefused
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Code::DiskFull,
        _ => Code::PlaceUnreachable,
    };
    let found = match error.kind() {
        ErrorKind::NotFound => "nothing of that name: make it, or mend `path`".to_owned(),
        kind => kind.to_string(),
    };
    TransportError::new(code, format!("expected `{}`, found {found}", path.display())).because(error)
}
