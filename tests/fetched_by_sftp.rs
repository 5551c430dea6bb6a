//! What an institution puts on its SFTP server is fetched byte for byte from that server and no other, and no server holds us up.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use connectors::transport::sftp::Sftp;
use hub_core::code::Code;
use hub_core::disposition::Disposition;
use hub_core::transport::{Fetched, Offer, Transport as _, TransportError};
use serde_json::{Value as Json, json};
use tokio::io::AsyncWrite;
use tokio::net::TcpListener;

use crate::support::openssh::{OpenSsh, signal};

/// When the files of these tests were written.
const THEN: u64 = 1_700_000_000;
/// More than can be on its way when a server breaks off.
const LARGE: usize = 20 << 20;

/// A place on the server, by a key it knows, with some settings more.
fn place(server: &OpenSsh, more: &Json) -> Sftp {
    let mut settings = json!({
        "host": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "host_key": server.host_key("ed25519"),
        "folder": server.folder(),
    });
    for (name, value) in more.as_object().expect("settings") {
        settings[name] = value.clone();
    }
    if more.get("key_file").is_none() {
        settings["key_file"] = json!(server.known_key("ed25519", ""));
    }
    Sftp::new(serde_json::from_value(settings).expect("settings")).expect("a place")
}

async fn look(place: &Sftp) -> Vec<Offer> {
    place.look(None).await.expect("a look")
}

async fn names(place: &Sftp) -> Vec<String> {
    look(place).await.into_iter().map(|offer| offer.name).collect()
}

fn there(server: &OpenSsh) -> BTreeSet<String> {
    let entries = fs::read_dir(server.folder()).expect("a folder").flatten();
    entries.map(|entry| entry.file_name().into_string().expect("text")).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn some_bytes(length: usize) -> Vec<u8> {
    (0..length as u64 / 8).flat_map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()).collect()
}

/// Does something once the first bytes come.
struct Meddler<F>(Option<F>);

impl<F: FnOnce() + Unpin> AsyncWrite for Meddler<F> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(meddle) = self.0.take() {
            meddle();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Fetches a large file, doing something once its first bytes come.
async fn fetch_with(place: &Sftp, meddle: impl FnOnce() + Unpin + Send) -> Result<Fetched, TransportError> {
    let offer = look(place).await.remove(0);
    place.fetch(&offer, &mut Meddler(Some(meddle))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_offered_in_order_and_come_byte_for_byte() {
    let server = OpenSsh::start();
    let large = some_bytes(LARGE);
    server.put("b.xml", b"", THEN + 1);
    server.put("a.xml", b"<r/>", THEN + 1);
    server.put("c.xml", &large, THEN);
    server.put("d.csv", b"-", THEN);
    server.put("e.xml.filepart", b"-", THEN);
    fs::create_dir(server.folder().join("f.xml")).expect("folder");
    std::os::unix::fs::symlink("/etc/hostname", server.folder().join("g.xml")).expect("link");
    let place = place(&server, &json!({"pattern": ["*.xml", "*.filepart"]}));
    let offers = look(&place).await;
    assert_eq!(
        offers.iter().map(|offer| offer.name.as_str()).collect::<Vec<_>>(),
        ["c.xml", "a.xml", "b.xml"]
    );
    assert_eq!(offers[0].size_bytes, Some(LARGE as u64));
    assert_eq!(offers[0].changed_at.map(|at| at.as_second().cast_unsigned()), Some(THEN));
    let mut fetched = Vec::new();
    for offer in &offers {
        let mut bytes = Vec::new();
        let whole = place.fetch(offer, &mut bytes).await.expect("bytes");
        assert_eq!(whole, Fetched::Whole { cursor: None, missing: Vec::new() });
        fetched.push(bytes);
    }
    assert!(fetched == [large, b"<r/>".to_vec(), Vec::new()], "the bytes are the same");
    let found = place.check().await.expect("a check");
    assert!(found.contains(&server.fingerprint("ed25519")) && found.contains("3 files wait"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_alone_is_offered_by_time_or_by_name() {
    let server = OpenSsh::start();
    for (name, changed_at) in
        [("principal_20260103.csv", 1), ("principal_20260101.csv", 3), ("actions.csv", 5)]
    {
        server.put(name, b"-", THEN + changed_at);
    }
    let by_time = place(&server, &json!({"pattern": "*principal*", "pick": "newest"}));
    assert_eq!(names(&by_time).await, ["principal_20260101.csv"]);
    let by_name = place(&server, &json!({"pattern": "*principal*", "pick": "newest", "newest_by": "name"}));
    assert_eq!(names(&by_name).await, ["principal_20260103.csv"]);
    let none = place(&server, &json!({"pattern": "*.xml", "pick": "newest"}));
    assert!(names(&none).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_taken_is_kept_deleted_or_moved_and_once_more_is_well() {
    let server = OpenSsh::start();
    let aside = server.folder().join("aside");
    fs::create_dir(&aside).expect("folder");
    for (after, left) in [
        (json!("keep"), set(&["a.xml", "aside"])),
        (json!("delete"), set(&["aside"])),
        (json!({"move": aside}), set(&["aside"])),
        (json!({"move": aside}), set(&["aside"])),
    ] {
        server.put("a.xml", b"<r/>", THEN);
        let place = place(&server, &json!({"after": after}));
        let offer = look(&place).await.remove(0);
        place.taken(&offer).await.expect("taken");
        place.taken(&offer).await.expect("taken again, as after a crash");
        assert_eq!(there(&server), left, "{after}");
    }
    assert!(aside.join("a.xml").exists() && aside.join("a-2.xml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_file_under_the_same_name_is_neither_taken_for_it_nor_taken_away() {
    let server = OpenSsh::start();
    server.put("a.xml", b"<r/>", THEN);
    let place = place(&server, &json!({"after": "delete"}));
    let offer = look(&place).await.remove(0);
    server.put("a.xml", b"<s/>", THEN + 1);
    let error = place.fetch(&offer, &mut Vec::new()).await.expect_err("changed");
    assert_eq!(error.code, Code::OfferChanged);
    place.taken(&offer).await.expect("left alone");
    assert_eq!(there(&server), set(&["a.xml"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_while_it_is_fetched_is_tried_again_later() {
    let server = OpenSsh::start();
    server.put("a.xml", &some_bytes(LARGE), THEN);
    let path = server.folder().join("a.xml");
    let grow = move || {
        let file = fs::OpenOptions::new().append(true).open(&path);
        io::Write::write_all(&mut file.expect("opened"), b"more").expect("written");
    };
    let error = fetch_with(&place(&server, &json!({})), grow).await.expect_err("changed");
    assert_eq!(error.code, Code::OfferChanged);
    assert!(error.detail.contains("changed meanwhile"), "{}", error.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_known_by_any_of_its_keys_as_a_line_or_a_fingerprint_and_by_no_other() {
    let server = OpenSsh::start();
    let other = OpenSsh::start();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        for pin in [server.host_key(kind), server.fingerprint(kind)] {
            let place = place(&server, &json!({"host_key": [other.host_key("rsa"), pin]}));
            assert!(names(&place).await.is_empty());
        }
        let place = place(&server, &json!({"host_key": other.host_key(kind)}));
        let error = place.look(None).await.expect_err("another server");
        assert_eq!(error.code, Code::HostKeyChanged, "{}", error.detail);
        assert_eq!(Disposition::of(error.code), Disposition::Halt);
        for fingerprint in [server.fingerprint(kind), other.fingerprint(kind)] {
            assert!(error.detail.contains(&fingerprint), "{}", error.detail);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_kind_of_key_the_server_knows_logs_in_and_no_other() {
    let server = OpenSsh::start();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let known = place(&server, &json!({"key_file": server.known_key(kind, "")}));
        assert!(names(&known).await.is_empty());
        let unknown = place(&server, &json!({"key_file": server.unknown_key(kind, "")}));
        let error = unknown.look(None).await.expect_err("a key the server does not know");
        assert_eq!(error.code, Code::LoginRefused, "{}", error.detail);
    }
    // A variable that every test has, so that none is set for all of them: a key's passphrase must have five characters.
    let passphrase = std::env::var("PATH").expect("a path");
    let sealed = server.known_key("ed25519", &passphrase);
    let place_by = |more: Json| place(&server, &more);
    let opened = place_by(json!({"key_file": sealed, "key_passphrase_env": "PATH"}));
    assert!(names(&opened).await.is_empty());
    for wrong in
        [json!({"key_file": sealed}), json!({"key_file": sealed, "key_passphrase_env": "DLNUF_NO_SUCH"})]
    {
        let error = place_by(wrong).look(None).await.expect_err("the key stays shut");
        assert_eq!(error.code, Code::BadConfig, "{}", error.detail);
    }
    let by_password = json!({"key_file": null, "password_env": "PATH"});
    let error = place_by(by_password).look(None).await.expect_err("no password is accepted");
    assert_eq!(error.code, Code::LoginRefused);
    assert!(!format!("{error:?}").contains(&passphrase));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_forbidden_says_so() {
    let server = OpenSsh::start();
    let code = async |place: Sftp| place.look(None).await.map_err(|error| error.code);
    let folder = place(&server, &json!({"folder": server.folder().join("none")}));
    assert_eq!(code(folder).await, Err(Code::AnswerNotUnderstood));
    server.put("a.xml", b"<r/>", THEN);
    let here = place(&server, &json!({}));
    let offer = look(&here).await.remove(0);
    fs::remove_file(server.folder().join("a.xml")).expect("removed");
    let error = here.fetch(&offer, &mut Vec::new()).await.expect_err("missing");
    assert_eq!(error.code, Code::OfferChanged);
    // Nobody, not even root, makes a file there.
    let error =
        place(&server, &json!({"receipts": "/sys"})).leave("a.json", b"{}").await.expect_err("forbidden");
    assert_eq!(error.code, Code::PlaceRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wanted_name_that_cannot_be_used_is_passed_over_and_told() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let server = OpenSsh::start();
    for name in [&b"caf\xe9.xml"[..], b"deux\nlignes.xml", b"caf\xe9.csv", b"a.xml"] {
        fs::write(server.folder().join(OsStr::from_bytes(name)), b"<r/>").expect("written");
    }
    let place = place(&server, &json!({"pattern": "*.xml"}));
    assert_eq!(names(&place).await, ["a.xml"]);
    let told = place.passed_over();
    // What is not UTF-8 is not told byte for byte by every library.
    assert_eq!(told, ["caf\u{fffd}.xml", "deux\\nlignes.xml"]);
    fs::remove_file(server.folder().join("deux\nlignes.xml")).expect("removed");
    names(&place).await;
    assert_eq!(place.passed_over().len(), 1);
    assert!(place.check().await.expect("a check").contains("1 names cannot be used"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_what_files_taken_in_need_and_leaves_nothing() {
    let server = OpenSsh::start();
    let aside = server.folder().join("aside");
    let place = place(&server, &json!({"after": {"move": aside}}));
    let error = place.check().await.expect_err("no folder to move to");
    assert!(error.code == Code::PlaceRefused && error.detail.contains("there is no folder"), "{error}");
    fs::create_dir(&aside).expect("folder");
    place.check().await.expect("a check");
    assert_eq!((there(&server), fs::read_dir(&aside).expect("a folder").count()), (set(&["aside"]), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_or_hangs_in_the_middle_of_a_fetch_is_an_error() {
    for name in ["KILL", "STOP"] {
        let server = OpenSsh::start();
        server.put("a.xml", &some_bytes(LARGE), THEN);
        let place = place(&server, &json!({"timeout_seconds": 2}));
        let process = server.process();
        let error = fetch_with(&place, move || signal(process, name)).await.expect_err("breaks off");
        assert_eq!(error.code, Code::PlaceUnreachable, "{name}: {}", error.detail);
        let error = place.look(None).await.expect_err("nobody there");
        assert_eq!(error.code, Code::PlaceUnreachable, "{name}: {}", error.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_says_a_word_is_left() {
    let server = OpenSsh::start();
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = silent.local_addr().expect("an address").port();
    let place = place(&server, &json!({"port": port, "timeout_seconds": 1}));
    let error = place.look(None).await.expect_err("silence");
    assert_eq!(error.code, Code::PlaceUnreachable);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_are_left_whole_and_again_and_nothing_is_asked_back() {
    // Some servers refuse to rename, or cannot tell what they hold.
    for subsystem in
        ["internal-sftp", "internal-sftp -P rename,posix-rename", "internal-sftp -P stat,lstat,fstat"]
    {
        let server = OpenSsh::start_with(subsystem);
        let place = place(&server, &json!({"receipts": server.folder(), "folder": "/tmp"}));
        for text in [some_bytes(100_000), b"second".to_vec()] {
            place.leave("a.xml.json", &text).await.expect("left");
            assert_eq!(there(&server), set(&["a.xml.json"]), "{subsystem}");
            assert!(fs::read(server.folder().join("a.xml.json")).expect("bytes") == text, "{subsystem}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_folder_for_receipts_none_is_left() {
    let server = OpenSsh::start();
    let error = place(&server, &json!({})).leave("a.json", b"{}").await.expect_err("nowhere");
    assert_eq!(error.code, Code::BadConfig);
    let error =
        place(&server, &json!({"receipts": server.folder(), "folder": "/tmp"})).leave("../a", b"{}").await;
    assert!(error.is_err() && there(&server).is_empty());
}
