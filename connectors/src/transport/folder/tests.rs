//! A drop folder, in a folder of the test's own.

use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use tempfile::TempDir;
use uuid::Uuid;

use super::*;

/// What the clock of these tests shows, in seconds.
const NOW: u64 = 1_700_000_000;

/// A clock that goes on when a test says so, by seconds.
#[derive(Default)]
struct Slow(AtomicU64);

impl Clock for Slow {
    fn now(&self) -> Timestamp {
        let passed = self.0.load(Ordering::Relaxed);
        Timestamp::from_second((NOW + passed).cast_signed()).expect("an instant")
    }

    fn mint(&self) -> Uuid {
        Uuid::nil()
    }
}

/// A drop folder with the settings given, and where it is.
fn place(settings: &str) -> (TempDir, Folder) {
    let (home, place, _) = place_and_clock(settings);
    (home, place)
}

fn place_and_clock(settings: &str) -> (TempDir, Folder, Arc<Slow>) {
    let clock = Arc::new(Slow::default());
    let home = tempfile::tempdir().expect("folder");
    let text = format!("path: {}\n{settings}", home.path().display());
    let config = serde_saphyr::from_str(&text).expect("settings");
    let place = Folder::new(config, Arc::clone(&clock) as _).expect("a folder");
    (home, place, clock)
}

/// Puts a file down, changed so many seconds ago.
fn put(home: &TempDir, name: &str, bytes: &[u8], age: u64) {
    let mut file = File::create(home.path().join(name)).expect("created");
    file.write_all(bytes).expect("written");
    file.set_modified(UNIX_EPOCH + Duration::from_secs(NOW - age)).expect("dated");
}

async fn names(place: &Folder) -> Vec<String> {
    place.look(None).await.expect("a look").into_iter().map(|offer| offer.name).collect()
}

/// The one file that waits.
async fn only(place: &Folder) -> Offer {
    let mut offers = place.look(None).await.expect("a look");
    assert_eq!(offers.len(), 1);
    offers.remove(0)
}

async fn fetch(place: &Folder, offer: &Offer) -> Result<Vec<u8>, Code> {
    let mut bytes = Vec::new();
    place.fetch(offer, &mut bytes).await.map(|_| bytes).map_err(|error| error.code)
}

fn in_folder(home: &TempDir, name: &str) -> Vec<String> {
    let entries = fs::read_dir(home.path().join(name)).expect("a folder").flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn files_are_offered_in_the_order_they_were_written_and_nothing_but_files() {
    let (home, place) = place("pattern: ['*.xml', '*.RCV']");
    put(&home, "b.xml", b"2", 60);
    put(&home, "a.xml", b"2", 60);
    put(&home, "c.RCV", b"1", 90);
    put(&home, "d.csv", b"-", 90);
    fs::create_dir(home.path().join("e.xml")).expect("folder");
    symlink("/etc/hostname", home.path().join("f.xml")).expect("link");
    let made = Command::new("mkfifo").arg(home.path().join("g.xml")).status().expect("mkfifo");
    assert!(made.success());
    assert_eq!(names(&place).await, ["c.RCV", "a.xml", "b.xml"]);
    assert!(place.check().await.expect("a check").starts_with("3 files wait"));
}

#[tokio::test]
async fn a_file_still_written_is_not_offered_and_one_seen_alike_for_a_while_is() {
    let (home, place, clock) = place_and_clock("");
    put(&home, "a.xml", b"<r>", 1);
    put(&home, "b.xml.part", b"<r>", 60);
    assert!(names(&place).await.is_empty());
    put(&home, "a.xml", b"<r><a/>", 1);
    for passed in [0, 3] {
        // Its writer may pause for as long as that.
        clock.0.store(passed, Ordering::Relaxed);
        assert!(names(&place).await.is_empty(), "{passed}");
    }
    clock.0.store(5, Ordering::Relaxed);
    assert_eq!(names(&place).await, ["a.xml"]);
}

#[tokio::test]
async fn a_file_whose_time_lies_ahead_is_offered_once_seen_alike_for_a_while() {
    let (home, place, clock) = place_and_clock("");
    let file = File::create(home.path().join("a.xml")).expect("created");
    file.set_modified(UNIX_EPOCH + Duration::from_secs(NOW + 3600)).expect("dated");
    assert!(names(&place).await.is_empty());
    clock.0.store(5, Ordering::Relaxed);
    assert_eq!(names(&place).await, ["a.xml"]);
}

#[tokio::test]
async fn a_wanted_name_that_cannot_be_used_is_passed_over_and_told() {
    use std::ffi::OsStr;
    let (home, place) = place("pattern: '*.xml'\ndone: marker");
    for name in [
        &b"caf\xe9.xml"[..],
        b"deux\nlignes.xml",
        b"caf\xe9.csv",
        b"caf\xe9.xml.done",
        b"a.xml",
        b"a.xml.done",
    ] {
        File::create(home.path().join(OsStr::from_bytes(name))).expect("created");
    }
    fs::create_dir(home.path().join("dossier\t.xml")).expect("folder");
    assert_eq!(names(&place).await, ["a.xml"]);
    assert_eq!(place.passed_over(), ["caf\\xe9.xml", "deux\\nlignes.xml"]);
    let found = place.check().await.expect("a check");
    assert!(found.contains("caf\\xe9.xml") && !found.contains('\n'), "{found}");
    fs::remove_file(home.path().join("deux\nlignes.xml")).expect("removed");
    assert_eq!(names(&place).await, ["a.xml"]);
    assert_eq!(place.passed_over(), ["caf\\xe9.xml"]);
}

#[tokio::test]
async fn a_check_makes_the_folder_files_are_moved_to_and_says_what_it_cannot() {
    let (home, place) = place("");
    put(&home, "a.xml", b"1", 60);
    assert!(place.check().await.expect("a check").starts_with("1 files wait"));
    assert_eq!(
        (in_folder(&home, "."), in_folder(&home, "traites")),
        (vec!["a.xml".into(), "traites".into()], vec![])
    );
    fs::remove_dir(home.path().join("traites")).expect("removed");
    put(&home, "traites", b"a file of that name", 60);
    let error = place.check().await.expect_err("nothing can be moved");
    assert_eq!(error.code, Code::PlaceRefused);
    assert!(
        error.detail.starts_with("nothing can be put into") && error.detail.contains("traites"),
        "{}",
        error.detail
    );
}

#[tokio::test]
async fn a_folder_that_hangs_is_left() {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let hung = within(Duration::from_millis(10), move || Ok(ended.recv().is_ok())).await;
    assert_eq!(hung.map_err(|error| error.code), Err(Code::PlaceUnreachable));
    drop(end);
}

#[tokio::test]
async fn with_markers_only_a_marked_file_is_offered_and_its_marker_goes_with_it() {
    let (home, place) = place("done: marker\nmarker_suffix: .ok");
    put(&home, "a.xml", b"1", 0);
    put(&home, "b.xml", b"2", 60);
    put(&home, "a.xml.ok", b"", 0);
    let offer = only(&place).await;
    assert_eq!(offer.name, "a.xml");
    place.taken(&offer).await.expect("taken");
    assert_eq!(in_folder(&home, "."), ["b.xml", "traites"]);
    put(&home, "a.xml.ok", b"", 0);
    place.taken(&offer).await.expect("taken again");
    assert_eq!(in_folder(&home, "."), ["b.xml", "traites"]);
}

#[tokio::test]
async fn a_file_comes_byte_for_byte() {
    let (home, place) = place("");
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    put(&home, "a.bin", &bytes, 60);
    put(&home, "b.bin", b"", 50);
    let offers = place.look(None).await.expect("a look");
    assert_eq!(offers.first().and_then(|offer| offer.size_bytes), Some(1_200_000));
    let mut fetched = Vec::new();
    for offer in &offers {
        fetched.push(fetch(&place, offer).await.expect("bytes"));
    }
    assert_eq!(fetched, [bytes, Vec::new()]);
}

#[tokio::test]
async fn a_file_that_changed_since_it_was_offered_is_not_taken_for_it() {
    let (home, place) = place("");
    put(&home, "a.xml", b"<r/>", 60);
    let offer = only(&place).await;
    put(&home, "a.xml", b"<s/>", 30);
    assert_eq!(fetch(&place, &offer).await, Err(Code::OfferChanged));
    place.taken(&offer).await.expect("left alone");
    assert_eq!(in_folder(&home, "."), ["a.xml"]);
    fs::remove_file(home.path().join("a.xml")).expect("removed");
    assert_eq!(fetch(&place, &offer).await, Err(Code::OfferChanged), "gone");
    symlink("/etc/hostname", home.path().join("a.xml")).expect("link");
    assert_eq!(fetch(&place, &offer).await, Err(Code::OfferChanged), "a link");
}

/// Changes the file it is fetched from, as soon as the first bytes come.
struct Meddler(PathBuf);

impl tokio::io::AsyncWrite for Meddler {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        let mut file = OpenOptions::new().append(true).open(&self.0)?;
        std::task::Poll::Ready(file.write_all(b"more").map(|()| bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_fetched_is_tried_again_later() {
    let (home, place) = place("");
    put(&home, "a.xml", b"<r/>", 60);
    let offer = only(&place).await;
    let mut meddler = Meddler(home.path().join("a.xml"));
    let error = place.fetch(&offer, &mut meddler).await.expect_err("changed");
    assert_eq!(error.code, Code::OfferChanged);
    assert!(error.detail.contains("changed meanwhile"), "{}", error.detail);
}

#[tokio::test]
async fn a_file_taken_is_moved_aside_and_never_over_another() {
    let (home, place) = place("");
    for content in [b"1", b"2"] {
        put(&home, "a.xml", content, 60);
        let offer = only(&place).await;
        place.taken(&offer).await.expect("taken");
        place.taken(&offer).await.expect("taken again, as after a crash");
    }
    assert_eq!(in_folder(&home, "traites"), ["a-2.xml", "a.xml"]);
    assert_eq!(fs::read(home.path().join("traites/a.xml")).expect("bytes"), b"1");
    assert!(names(&place).await.is_empty());
}

#[tokio::test]
async fn a_file_taken_is_deleted_or_kept_as_configured() {
    for (settings, left) in [("after: delete", &[][..]), ("after: keep", &["a.xml"][..])] {
        let (home, place) = place(settings);
        put(&home, "a.xml", b"1", 60);
        let offer = only(&place).await;
        place.taken(&offer).await.expect("taken");
        place.taken(&offer).await.expect("taken again");
        assert_eq!(in_folder(&home, "."), left);
    }
}

#[tokio::test]
async fn a_receipt_is_left_whole_and_again() {
    let (home, place) = place("");
    for text in [&b"first"[..], b"second"] {
        place.leave("a.xml.json", text).await.expect("left");
    }
    assert_eq!(in_folder(&home, "comptes-rendus"), ["a.xml.json"]);
    assert_eq!(fs::read(home.path().join("comptes-rendus/a.xml.json")).expect("bytes"), b"second");
    assert!(names(&place).await.is_empty());
}

#[tokio::test]
async fn no_name_and_no_link_leads_out_of_the_folder() {
    let (home, place) = place("");
    let outside = tempfile::tempdir().expect("folder");
    assert!(place.leave("../escaped", b"x").await.is_err());
    symlink(outside.path(), home.path().join("comptes-rendus")).expect("link");
    let error = place.leave("a.json", b"x").await.expect_err("refused");
    assert_eq!(error.code, Code::PlaceRefused);
    symlink(outside.path(), home.path().join("traites")).expect("link");
    put(&home, "a.xml", b"1", 60);
    let offer = only(&place).await;
    assert_eq!(place.taken(&offer).await.map_err(|error| error.code), Err(Code::PlaceRefused));
    let escaped = Offer { name: String::from("../a.xml"), ..offer };
    assert!(fetch(&place, &escaped).await.is_err());
    assert!(in_folder(&outside, ".").is_empty());
}

#[tokio::test]
async fn a_folder_that_is_missing_says_so() {
    let (home, place) = place("");
    fs::remove_dir(home.path()).expect("removed");
    let error = place.look(None).await.expect_err("missing");
    assert_eq!(error.code, Code::AnswerNotUnderstood);
}

#[test]
fn settings_are_read_and_unknown_ones_refused() {
    let read = |text: &str| serde_saphyr::from_str::<FolderConfig>(text);
    let config = read("path: /depot\npattern: '*.xml'\nafter: keep\nsettle_seconds: 60").expect("settings");
    assert_eq!(
        (config.pattern, config.after, config.settle_seconds),
        (vec![String::from("*.xml")], After::Keep, 60)
    );
    assert!(read("path: /depot\nafther: keep").is_err());
}
