//! The archive keeps bytes once, whole, or not at all: one suite for a folder and for a bucket, and what each may do wrong alone.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path as Folder;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;
use hub::archive::{BucketArchive, FolderArchive};
use hub_core::archive::{Archive, Kept};
use hub_core::delivery::Digest;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::support::program::command;
use crate::support::s3::{BUCKET, Line, REGION, S3};

const HOUR: Duration = Duration::from_hours(1);

/// Bytes that differ all along, made as they are read.
struct Made {
    left: u64,
    state: u64,
}

impl Made {
    fn bytes(left: u64) -> Self {
        Self { left, state: 88_172_645_463_325_252 }
    }
}

impl Read for Made {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        for byte in &mut into[..count] {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            *byte = self.state.to_le_bytes()[0];
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// Bytes that break off.
struct Broken<R>(R);

impl<R: Read> Read for Broken<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
            count => Ok(count),
        }
    }
}

fn keep(archive: &dyn Archive, mut bytes: impl Read) -> io::Result<Kept> {
    archive.stage(&mut bytes)?.settle()
}

fn digest(mut bytes: impl Read) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut bytes).expect("readable bytes");
    Digest(*hasher.finalize().as_bytes())
}

fn files(folder: &Folder) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        if entry.path().is_dir() && entry.file_name() != ".landing" {
            names.extend(files(&entry.path()));
        } else if entry.path().is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names
}

fn objects(store: &dyn ObjectStore) -> Vec<String> {
    let listed = store.list(None).map_ok(|object| object.location.to_string()).try_collect();
    Handle::current().block_on(listed).expect("a listing")
}

fn landed(archive: &dyn Archive) -> usize {
    fs::read_dir(archive.landing()).expect("the landing folder").count()
}

/// What every archive promises; `visible` lists what anybody could find.
fn conforms(archive: &dyn Archive, visible: &dyn Fn() -> Vec<String>) {
    bytes_are_seen_once_settled_and_once_only(archive, visible);
    what_is_not_settled_is_gone(archive, visible);
    what_crashes_left_is_swept(archive);
    fifty_megabytes_stream_through(archive);
}

fn bytes_are_seen_once_settled_and_once_only(archive: &dyn Archive, visible: &dyn Fn() -> Vec<String>) {
    for text in ["<Racine/>", ""] {
        let (before, expected) = (visible(), digest(text.as_bytes()));
        let absent = archive.open(expected).err().expect("nothing is kept yet");
        assert_eq!(absent.kind(), io::ErrorKind::NotFound);
        let staged = archive.stage(&mut text.as_bytes()).expect("staged");
        assert_eq!(staged.kept(), Kept { digest: expected, size_bytes: text.len() as u64 });
        assert_eq!((visible(), landed(archive)), (before.clone(), 1), "nobody finds it yet");
        let kept = staged.settle().expect("settled");
        let again = keep(archive, text.as_bytes()).expect("kept again");
        assert_eq!(kept, again);
        assert_eq!((visible().len(), landed(archive)), (before.len() + 1, 0));
        assert!(visible().iter().any(|name| name.ends_with(&expected.to_string())));
        let mut read = String::new();
        archive.open(expected).expect("kept").read_to_string(&mut read).expect("readable");
        assert_eq!(read, text);
    }
}

fn what_is_not_settled_is_gone(archive: &dyn Archive, visible: &dyn Fn() -> Vec<String>) {
    let before = visible();
    drop(archive.stage(&mut Made::bytes(1000)).expect("staged"));
    let broken = archive.stage(&mut Broken(Made::bytes(600_000))).err().expect("the bytes broke off");
    assert_eq!(broken.kind(), io::ErrorKind::ConnectionReset);
    assert_eq!((visible(), landed(archive)), (before, 0));
}

fn what_crashes_left_is_swept(archive: &dyn Archive) {
    let arriving = archive.stage(&mut Made::bytes(10)).expect("staged");
    let old = archive.landing().join("incoming-old");
    let file = File::create(&old).expect("a file");
    file.set_modified(SystemTime::UNIX_EPOCH + HOUR).expect("an old file");
    assert_eq!(archive.sweep(HOUR).expect("swept"), 1);
    assert!(!old.exists());
    arriving.settle().expect("what is still arriving was left alone");
}

fn fifty_megabytes_stream_through(archive: &dyn Archive) {
    let kept = keep(archive, Made::bytes(50_000_000)).expect("kept");
    assert_eq!(kept, Kept { digest: digest(Made::bytes(50_000_000)), size_bytes: 50_000_000 });
    assert_eq!(digest(archive.open(kept.digest).expect("kept")), kept.digest);
}

fn in_bucket(store: Arc<dyn ObjectStore>) -> (TempDir, BucketArchive) {
    let landing = tempfile::tempdir().expect("a folder");
    let archive = BucketArchive::over(store, Path::from("archive"), landing.path()).expect("an archive");
    (landing, archive)
}

#[test]
fn a_folder_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let archive = FolderArchive::open(folder.path()).expect("an archive");
    conforms(&archive, &|| files(folder.path()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_conforms() {
    let server = S3::start();
    let store = server.client(server.port());
    let (_landing, archive) = in_bucket(Arc::clone(&store) as Arc<dyn ObjectStore>);
    spawn_blocking(move || conforms(&archive, &|| objects(store.as_ref()))).await.expect("conforms");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_conforms() {
    let store = Arc::new(InMemory::new());
    let (_landing, archive) = in_bucket(Arc::clone(&store) as Arc<dyn ObjectStore>);
    spawn_blocking(move || conforms(&archive, &|| objects(store.as_ref()))).await.expect("conforms");
}

#[test]
fn bytes_a_disk_lost_are_kept_again_and_all_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let archive = FolderArchive::open(folder.path()).expect("an archive");
    let kept = keep(&archive, "<Racine/>".as_bytes()).expect("kept");
    let name = kept.digest.to_string();
    let place = folder.path().join(&name[..2]).join(&name);
    fs::write(&place, "<Rac").expect("a shorter file");
    keep(&archive, "<Racine/>".as_bytes()).expect("kept again");
    assert_eq!(fs::read_to_string(&place).expect("a file"), "<Racine/>");
    assert_eq!(place.metadata().expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(archive.landing().metadata().expect("a folder").permissions().mode() & 0o777, 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_shows_nothing_and_may_be_tried_again() {
    let server = S3::start();
    let (direct, line) =
        (server.client(server.port()), Line::breaking(server.port(), 20 << 20, u64::MAX).await);
    let (_landing, archive) = in_bucket(server.client(line.port));
    let (_other, whole) = in_bucket(Arc::clone(&direct) as Arc<dyn ObjectStore>);
    let secret = server.told("secret");
    let tried = move || {
        let broke = keep(&archive, Made::bytes(40 << 20)).expect_err("the line broke");
        assert!(!format!("{broke:?}").contains(&secret));
        assert_eq!(objects(direct.as_ref()), Vec::<String>::new());
        assert_eq!(landed(&archive), 0);
        let kept = keep(&whole, Made::bytes(40 << 20)).expect("kept at the next try");
        assert_eq!(objects(direct.as_ref()).len(), 1);
        assert_eq!(digest(whole.open(kept.digest).expect("kept")), kept.digest);
    };
    spawn_blocking(tried).await.expect("nothing half kept");
    assert!(line.breaks() >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_goes_on_from_where_the_line_broke() {
    let server = S3::start();
    let line = Line::breaking(server.port(), u64::MAX, 5 << 20).await;
    let (_landing, direct) = in_bucket(server.client(server.port()));
    let (_other, archive) = in_bucket(server.client(line.port));
    let read = move || {
        let kept = keep(&direct, Made::bytes(50_000_000)).expect("kept");
        assert_eq!(digest(archive.open(kept.digest).expect("kept")), kept.digest);
    };
    spawn_blocking(read).await.expect("the bytes kept");
    assert!(line.breaks() >= 9, "{} breaks are more than the client mends by itself", line.breaks());
}

#[test]
fn the_program_archives_in_a_bucket_and_the_doctor_reads_it_back() {
    let server = S3::start();
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        let ended = command()
            .args(["--home", "home", "--archive", &format!("s3://{BUCKET}/archive")])
            .args(arguments)
            .env("AWS_ENDPOINT_URL", server.url())
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", server.told("access"))
            .env("AWS_SECRET_ACCESS_KEY", server.told("secret"))
            .current_dir(folder.path())
            .output()
            .expect("the program starts");
        let told =
            String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{arguments:?}: {told}");
        told
    };
    run(&["synth", "--households", "20", "--night", "1", "extraits"]);
    let extracts = files(&folder.path().join("extraits"));
    let extract = extracts.iter().find(|name| name.to_lowercase().contains("caf")).expect("an extract");
    run(&["deliver", "caf", &format!("extraits/{extract}")]);
    assert!(run(&["config"]).contains("s3://extraits/archive"));
    assert!(run(&["doctor"]).contains("reads back unchanged"));
    assert!(!folder.path().join("home/archive").exists());
}
