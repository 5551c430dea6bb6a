//! One session with an SFTP server: the few operations the hub needs, each with its time.
//!
//! Paths enter, offers and bytes leave. What the server answers is bounded: so many names, no more bytes than were asked for, so
//! much on its way at once. Its own words are never quoted.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use hub_core::code::Code;
use hub_core::transport::{Offer, Sink, TransportError};
use jiff::Timestamp;
use russh::client::Handle;
use russh::keys::ssh_key::Fingerprint;
use russh::{Channel, ChannelMsg, Disconnect, client};
use russh_sftp::client::error::Error;
use russh_sftp::client::{Config, RawSftpSession};
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use super::SftpConfig;
use super::host_key::{Guard, Pins};
use super::login::log_in;
use crate::transport::arrival::{changed, not_kept};
use crate::transport::names::{Listed, Wanted};

/// What every server reads or writes at once.
const PIECE_BYTES: u32 = 32 << 10;
/// How many pieces are asked for at once, so that a long way does not make a slow fetch.
const PIECES_ON_THE_WAY: usize = 16;
/// A folder with more files is none that anybody meant to show us.
const MOST_FILES: usize = 100_000;
/// How long a server is given to take note that we leave.
const PARTING: Duration = Duration::from_secs(2);

/// A session, logged in.
pub(super) struct Session {
    sftp: RawSftpSession,
    ssh: Handle<Guard>,
    host_key: Fingerprint,
}

impl Session {
    /// Connects, makes sure of the server, logs in and starts SFTP.
    pub(super) async fn open(config: &SftpConfig, pins: &Pins) -> Result<Self, TransportError> {
        let time = Duration::from_secs(config.timeout_seconds.into());
        let place = format!("{}:{}", config.host, config.port);
        let late = |_| hung(&place);
        let (mut ssh, host_key) = pins.connect((&config.host, config.port), time).await?;
        timeout(time, log_in(&mut ssh, config)).await.map_err(late)??;
        let channel = timeout(time, subsystem(&ssh, &place)).await.map_err(late)??;
        let limits = Config { request_timeout_secs: time.as_secs(), ..Config::default() };
        let sftp = RawSftpSession::new_with_config(channel.into_stream(), limits);
        sftp.init().await.map_err(|error| failed(&place, error))?;
        Ok(Self { sftp, ssh, host_key })
    }

    /// The fingerprint of the host key the server showed.
    pub(super) fn host_key(&self) -> Fingerprint {
        self.host_key
    }

    /// Takes leave.
    pub(super) async fn close(self) {
        let parting = self.ssh.disconnect(Disconnect::ByApplication, "", "");
        // A server that does not hear it sees the connection end.
        let _ = timeout(PARTING, parting).await;
    }

    /// The plain files of a folder whose names are wanted, in no order.
    pub(super) async fn list(&self, folder: &str, wanted: &Wanted) -> Result<Listed, TransportError> {
        let folder = if folder.is_empty() { "." } else { folder };
        let handle = self.sftp.opendir(folder).await.map_err(|error| failed(folder, error))?.handle;
        let (mut listed, mut seen) = (Listed::default(), 0);
        loop {
            let files = match self.sftp.readdir(handle.as_str()).await {
                Ok(page) if !page.files.is_empty() => page.files,
                Err(Error::Status(status)) if status.status_code != StatusCode::Eof => {
                    return Err(failed(folder, Error::Status(status)));
                }
                Ok(_) | Err(Error::Status(_)) => break,
                Err(error) => return Err(failed(folder, error)),
            };
            seen += files.len();
            if seen > MOST_FILES {
                let detail = format!("expected `{folder}` to hold {MOST_FILES} files at most, found more");
                return Err(TransportError::new(Code::AnswerNotUnderstood, detail));
            }
            for file in files.into_iter().filter(|file| is_plain(&file.attrs)) {
                if wanted.takes(&file.filename) {
                    listed.offers.push(offer(file.filename, &file.attrs));
                } else if wanted.is_odd(file.filename.as_bytes()) {
                    listed.pass_over(file.filename.as_bytes());
                }
            }
        }
        self.end(handle).await;
        Ok(listed)
    }

    /// What stands at a path, links not followed.
    pub(super) async fn look_at(&self, path: &str) -> Result<Option<FileAttributes>, TransportError> {
        match self.sftp.lstat(path).await {
            Ok(found) => Ok(Some(found.attrs)),
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(None),
            Err(error) => Err(failed(path, error)),
        }
    }

    /// Reads an offer's bytes, and makes sure before and after that it is still what was offered.
    pub(super) async fn fetch(
        &self,
        path: &str,
        offer: &Offer,
        into: Sink<'_>,
    ) -> Result<(), TransportError> {
        let handle = self.open_to_read(path, offer).await?;
        let size_bytes = self.unchanged(&handle, path, offer).await?;
        let pieces = (0..size_bytes).step_by(PIECE_BYTES as usize);
        let mut pieces = stream::iter(pieces)
            .map(|at| {
                let left = u32::try_from(size_bytes - at).unwrap_or(u32::MAX);
                self.piece(&handle, at, left.min(PIECE_BYTES))
            })
            .buffered(PIECES_ON_THE_WAY);
        while let Some(bytes) = pieces.try_next().await.map_err(|error| failed(path, error))? {
            into.write_all(&bytes.ok_or_else(|| changed(offer))?).await.map_err(not_kept)?;
        }
        drop(pieces);
        self.unchanged(&handle, path, offer).await?;
        self.end(handle).await;
        Ok(())
    }

    /// Makes sure that an offer may be read.
    pub(super) async fn may_read(&self, path: &str, offer: &Offer) -> Result<(), TransportError> {
        let handle = self.open_to_read(path, offer).await?;
        self.end(handle).await;
        Ok(())
    }

    async fn open_to_read(&self, path: &str, offer: &Offer) -> Result<String, TransportError> {
        match self.sftp.open(path, OpenFlags::READ, FileAttributes::empty()).await {
            Ok(opened) => Ok(opened.handle),
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => Err(changed(offer)),
            Err(error) => Err(failed(path, error)),
        }
    }

    /// The size of an open file, when it is what was offered.
    async fn unchanged(&self, handle: &str, path: &str, offer: &Offer) -> Result<u64, TransportError> {
        let found = self.sftp.fstat(handle).await.map_err(|error| failed(path, error))?.attrs;
        let is_offered = version(&found) == offer.version;
        found.size.filter(|_| is_offered).ok_or_else(|| changed(offer))
    }

    /// One whole piece of a file, asked for again from where a server stopped short; none when the file ends before.
    async fn piece(&self, handle: &str, at: u64, length: u32) -> Result<Option<Vec<u8>>, Error> {
        let mut piece = Vec::new();
        loop {
            let read = u32::try_from(piece.len()).unwrap_or(u32::MAX);
            let data = match self.sftp.read(handle, at + u64::from(read), length - read).await {
                Err(Error::Status(status)) if status.status_code == StatusCode::Eof => return Ok(None),
                answer => answer?.data,
            };
            if data.is_empty() || data.len() > (length - read) as usize {
                return Err(Error::UnexpectedPacket);
            }
            if piece.is_empty() {
                piece = data;
            } else {
                piece.extend(data);
            }
            if piece.len() == length as usize {
                return Ok(Some(piece));
            }
        }
    }

    /// Deletes a file; that it is gone already is well.
    pub(super) async fn remove(&self, path: &str) -> Result<(), TransportError> {
        match self.sftp.remove(path).await {
            Ok(_) => Ok(()),
            Err(Error::Status(status)) if status.status_code == StatusCode::NoSuchFile => Ok(()),
            Err(error) => Err(failed(path, error)),
        }
    }

    /// Renames a file; what stands at the new name makes it fail.
    pub(super) async fn rename(&self, from: &str, to: &str) -> Result<(), TransportError> {
        self.sftp.rename(from, to).await.map(drop).map_err(|error| failed(to, error))
    }

    /// Writes a file beside its name, then gives it the name. Some servers take no other name than the last one, or no renaming, and
    /// some cannot tell what they hold: then it is written under its name, and nothing is asked back.
    pub(super) async fn put_down(&self, path: &str, bytes: &[u8]) -> Result<(), TransportError> {
        let part = format!("{path}.part");
        match self.write(&part, bytes).await {
            Ok(()) if self.put_in_place(&part, path).await => Ok(()),
            Ok(()) => {
                self.write(path, bytes).await?;
                self.remove(&part).await
            }
            Err(error) if error.code == Code::PlaceUnreachable => Err(error),
            Err(_) => self.write(path, bytes).await,
        }
    }

    /// Makes an empty file and removes it.
    pub(super) async fn try_writing(&self, path: &str) -> Result<(), TransportError> {
        self.write(path, b"").await?;
        self.remove(path).await
    }

    /// Renames over a receipt of the same name, left before a crash; by the protocol that takes two steps.
    async fn put_in_place(&self, part: &str, path: &str) -> bool {
        self.rename(part, path).await.is_ok()
            || (self.remove(path).await.is_ok() && self.rename(part, path).await.is_ok())
    }

    async fn write(&self, path: &str, bytes: &[u8]) -> Result<(), TransportError> {
        let new = OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::WRITE;
        let write = async {
            let handle = self.sftp.open(path, new, FileAttributes::empty()).await?.handle;
            let mut at = 0;
            for piece in bytes.chunks(PIECE_BYTES as usize) {
                self.sftp.write(handle.as_str(), at, piece.to_vec()).await?;
                at += piece.len() as u64;
            }
            self.sftp.close(handle).await
        };
        write.await.map(drop).map_err(|error| failed(path, error))
    }

    async fn end(&self, handle: String) {
        // What was read is read; the session ends soon.
        let _ = self.sftp.close(handle).await;
    }
}

async fn subsystem(ssh: &Handle<Guard>, place: &str) -> Result<Channel<client::Msg>, TransportError> {
    let broken = |error| hung(place).because(error);
    let mut channel = ssh.channel_open_session().await.map_err(broken)?;
    channel.request_subsystem(true, "sftp").await.map_err(broken)?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => return Ok(channel),
            Some(ChannelMsg::Failure) | None => {
                let detail = format!("expected {place} to offer SFTP, found a refusal");
                return Err(TransportError::new(Code::AnswerNotUnderstood, detail));
            }
            Some(_) => {}
        }
    }
}

/// A file's version: the protocol tells no more than its size and the second it was changed in.
pub(super) fn version(found: &FileAttributes) -> String {
    format!("{}-{}", found.size.unwrap_or_default(), found.mtime.unwrap_or_default())
}

fn offer(name: String, found: &FileAttributes) -> Offer {
    let changed_at = found.mtime.and_then(|seconds| Timestamp::from_second(seconds.into()).ok());
    Offer { name, version: version(found), size_bytes: found.size, changed_at }
}

/// Whether it is a file; a server that tells no kind is taken to show files.
fn is_plain(found: &FileAttributes) -> bool {
    found.permissions.is_none() || found.file_type().is_file()
}

fn hung(place: &str) -> TransportError {
    TransportError::new(
        Code::PlaceUnreachable,
        format!("expected {place} to go on, found that it broke off or hangs"),
    )
}

fn failed(path: &str, error: Error) -> TransportError {
    let Error::Status(status) = &error else {
        let code = match error {
            Error::UnexpectedPacket | Error::Limited(_) => Code::AnswerNotUnderstood,
            _ => Code::PlaceUnreachable,
        };
        return TransportError::new(code, format!("expected an answer about `{path}`, found none"))
            .because(error);
    };
    let (code, found) = match status.status_code {
        StatusCode::NoSuchFile => (Code::AnswerNotUnderstood, "no such file or folder"),
        StatusCode::PermissionDenied => (Code::PlaceRefused, "that it is not permitted"),
        StatusCode::NoConnection | StatusCode::ConnectionLost => (Code::PlaceUnreachable, "no connection"),
        StatusCode::OpUnsupported => (Code::AnswerNotUnderstood, "that it cannot do that"),
        _ => (Code::AnswerNotUnderstood, "that it failed"),
    };
    // The server's own words are left aside: they may be anything.
    TransportError::new(code, format!("expected the server to serve `{path}`, found {found}"))
}
