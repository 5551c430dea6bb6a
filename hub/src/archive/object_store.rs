//! The archive in a bucket of an object store: each delivery's bytes once, under their digest.
//!
//! Bytes land on this machine's disk while they are hashed, then are uploaded; a bucket shows an object only once it is complete,
//! so that a broken upload shows nothing. Reading streams, and goes on from where a connection broke.
//!
//! The port is synchronous and the client is not: every call blocks its thread on the runtime, and panics on one of the runtime's
//! own threads. Callers use `spawn_blocking`, as for any archive.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path as Folder;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use connectors::transport::object_store::{PATIENCE, bounded, failure};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use hub_core::archive::{Archive, Kept, Staged};
use hub_core::delivery::Digest;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutPayload,
};
use tokio::runtime::Handle;

use super::landing::{Landed, Landing};

/// Sent at once and held in memory meanwhile; with the 10,000 parts a bucket takes, up to 160 GB.
const PART_BYTES: u64 = 16 << 20;
/// How often in a row reading goes on from where it broke without a byte gained.
const RESUMPTIONS: u32 = 4;

/// A prefix of archived deliveries in a bucket.
pub struct BucketArchive {
    bucket: Bucket,
    landing: Landing,
}

/// The bucket, and the runtime its client works on.
#[derive(Clone)]
struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    runtime: Handle,
}

impl BucketArchive {
    /// Prepares the archive at `s3://bucket/prefix`; endpoint, region and keys come from the usual `AWS_…` variables. Called on the
    /// runtime its client is to work on.
    ///
    /// # Errors
    /// When the URL or the variables make no client, or the landing folder cannot be made.
    pub fn at(url: &str, landing: &Folder) -> io::Result<Self> {
        let wrong = |found: &str| io::Error::new(io::ErrorKind::InvalidInput, found);
        let place = url.strip_prefix("s3://").ok_or_else(|| wrong("expected `s3://bucket/prefix`"))?;
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let prefix = Path::parse(prefix).map_err(|_| wrong("the archive's prefix is no prefix of keys"))?;
        // What the library says of a wrong setting may quote the setting.
        let store = bounded(AmazonS3Builder::from_env().with_bucket_name(bucket), PATIENCE)
            .map_err(|_| wrong("the archive's URL and the variables `AWS_…` make no client"))?;
        Self::over(Arc::new(store), prefix, landing)
    }

    /// Prepares the archive under a prefix of any object store. Called on the runtime its client is to work on.
    ///
    /// # Errors
    /// When the landing folder cannot be made.
    pub fn over(store: Arc<dyn ObjectStore>, prefix: Path, landing: &Folder) -> io::Result<Self> {
        let landing = Landing::open(landing.to_owned())?;
        Ok(Self { bucket: Bucket { store, prefix, runtime: Handle::current() }, landing })
    }
}

impl Archive for BucketArchive {
    fn stage(&self, bytes: &mut dyn Read) -> io::Result<Box<dyn Staged>> {
        let landed = self.landing.write(bytes)?;
        Ok(Box::new(InBucket { bucket: self.bucket.clone(), landed }))
    }

    fn open(&self, digest: Digest) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Reader::open(self.bucket.clone(), digest)?))
    }

    fn landing(&self) -> &Folder {
        self.landing.folder()
    }

    fn sweep(&self, age: Duration) -> io::Result<u64> {
        self.landing.sweep(age)
    }
}

impl Bucket {
    fn key(&self, digest: Digest) -> Path {
        let name = digest.to_string();
        self.prefix.clone().join(name.get(..2).unwrap_or("00")).join(name)
    }

    /// Whether the bytes stand there in their full size.
    async fn holds(&self, key: &Path, kept: Kept) -> io::Result<bool> {
        match self.store.head(key).await {
            Ok(object) => Ok(object.size == kept.size_bytes),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(told("looking into the archive", &error)),
        }
    }

    async fn upload(&self, key: &Path, landed: &Landed) -> io::Result<()> {
        let mut file = File::open(&landed.file)?;
        if landed.kept.size_bytes <= PART_BYTES {
            let put = self.store.put(key, part(&mut file)?).await;
            return put.map(drop).map_err(|error| told("writing to the archive", &error));
        }
        let started = self.store.put_multipart(key).await;
        let mut upload = started.map_err(|error| told("writing to the archive", &error))?;
        let sent = send(upload.as_mut(), &mut file).await;
        if sent.is_err() {
            // The first error is the one to tell. Parts that stay are seen by nobody; the bucket's lifecycle removes them.
            let _ = upload.abort().await;
        }
        sent
    }
}

/// Bytes that wait to be uploaded.
struct InBucket {
    bucket: Bucket,
    landed: Landed,
}

impl Staged for InBucket {
    fn kept(&self) -> Kept {
        self.landed.kept
    }

    /// Uploads unless the bytes are there. Two that upload at once write the same bytes under the same name: either may win.
    fn settle(self: Box<Self>) -> io::Result<Kept> {
        let (bucket, kept) = (&self.bucket, self.landed.kept);
        let key = bucket.key(kept.digest);
        bucket.runtime.block_on(async {
            if !bucket.holds(&key, kept).await? {
                bucket.upload(&key, &self.landed).await?;
                if !bucket.holds(&key, kept).await? {
                    return Err(io::Error::other("the bucket does not show what it said it had written"));
                }
            }
            Ok(kept)
        })
    }
}

async fn send(upload: &mut dyn MultipartUpload, file: &mut File) -> io::Result<()> {
    loop {
        let part = part(file)?;
        if part.content_length() == 0 {
            break;
        }
        upload.put_part(part).await.map_err(|error| told("writing to the archive", &error))?;
    }
    upload.complete().await.map(drop).map_err(|error| told("writing to the archive", &error))
}

fn part(file: &mut File) -> io::Result<PutPayload> {
    let mut bytes = Vec::new();
    file.take(PART_BYTES).read_to_end(&mut bytes)?;
    Ok(PutPayload::from(bytes))
}

type Chunks = BoxStream<'static, object_store::Result<Bytes>>;

/// Kept bytes as they come from the bucket.
struct Reader {
    bucket: Bucket,
    object: ObjectMeta,
    position: u64,
    chunk: Bytes,
    chunks: Chunks,
    broken: u32,
}

impl Reader {
    fn open(bucket: Bucket, digest: Digest) -> io::Result<Self> {
        let opened = bucket.runtime.block_on(bucket.store.get(&bucket.key(digest)));
        let opened = opened.map_err(|error| told("reading from the archive", &error))?;
        let (object, chunks) = (opened.meta.clone(), opened.into_stream());
        Ok(Self { bucket, object, position: 0, chunk: Bytes::new(), chunks, broken: 0 })
    }

    /// Waits for the next bytes; there are some to come.
    fn next(&mut self) -> io::Result<Bytes> {
        loop {
            let next = self.bucket.runtime.block_on(self.chunks.next());
            let why = match next {
                Some(Ok(chunk)) if !chunk.is_empty() => {
                    self.broken = 0;
                    return Ok(chunk);
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => told("reading from the archive", &error),
                None => {
                    io::Error::new(io::ErrorKind::UnexpectedEof, "the bucket gave less than it announced")
                }
            };
            self.broken += 1;
            if self.broken > RESUMPTIONS {
                return Err(why);
            }
            self.resume()?;
        }
    }

    /// Asks for the rest, of the same version only.
    fn resume(&mut self) -> io::Result<()> {
        let range = Some(GetRange::Bounded(self.position..self.object.size));
        let options = GetOptions { range, if_match: self.object.e_tag.clone(), ..GetOptions::default() };
        let asked = self.bucket.store.get_opts(&self.object.location, options);
        let rest = self.bucket.runtime.block_on(asked);
        self.chunks = rest.map_err(|error| told("reading from the archive", &error))?.into_stream();
        Ok(())
    }
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() && self.position < self.object.size && !into.is_empty() {
            self.chunk = self.next()?;
            self.position += self.chunk.len() as u64;
        }
        let count = self.chunk.len().min(into.len());
        self.chunk.split_to(count).copy_to_slice(into.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}

/// What went wrong, without anything the server or the library said of keys.
fn told(doing: &str, error: &Error) -> io::Error {
    let kind = match error {
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, failure(doing, error))
}
