//! What a place refuses of one file stops no other: it is told once, tried again at each look, and taken when the right is given. A
//! check says beforehand which right lacks. A name that cannot be used is told once too, and no place sends more than it may.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::support::extracts::{Hub, Member, PAUL, daily, household, made};
use crate::support::openssh::OpenSsh;
use crate::support::place::{Place, reply};
use crate::support::program::{Ended, ended, humble};
use crate::support::s3::S3;

/// An extract of one person, of a CAF of its own.
fn extract(name: &str, body: &str) -> Vec<u8> {
    let person = Member { name, nir: "", ..PAUL };
    daily(&made("2026-03-01", "01:00:00"), &[household(&format!("1024{body}"), body, "2", &[person])])
}

/// A hub that fetches from one place, run by a user whom files can be kept from.
struct Fetching {
    hub: Hub,
    environment: Vec<(&'static str, String)>,
}

impl Fetching {
    fn from(place: &str) -> Self {
        let hub = Hub::fresh();
        fs::create_dir_all(hub.home()).expect("a folder");
        let sources =
            format!("sources:\n  caf:\n    max_bytes: 1MiB\n    pulls:\n      nuit: {{ {place} }}\n");
        fs::write(Path::new(&hub.home()).join("sources.yaml"), sources).expect("a file");
        Self { hub, environment: Vec::new() }
    }

    fn from_folder(folder: &Path) -> Self {
        Self::from(&format!(
            "folder: {{ path: {}, settle_seconds: 0, pattern: \"*.xml\" }}",
            folder.display()
        ))
    }

    fn ask(&self, command: &[&str]) -> Ended {
        let mut program = humble();
        program.envs(self.environment.iter().map(|(name, value)| (name, value)));
        ended(program.args(["--home", &self.hub.home(), "--output", "json"]).args(command))
    }

    /// How many deliveries a look brings, and how it ends.
    fn pull(&self) -> (usize, i32) {
        let pulled = self.ask(&["pull", "caf"]);
        let brought = |line: &&str| line.contains("\"deliveries\"");
        let line = pulled.output.lines().find(brought).unwrap_or_else(|| panic!("{}", pulled.errors));
        let line: Json = serde_json::from_str(line).expect("JSON");
        (line["deliveries"].as_array().map_or(0, Vec::len), pulled.code)
    }

    fn notices(&self) -> Vec<(String, String)> {
        let text = |value: &Json| value.as_str().expect("text").to_owned();
        self.ask(&["notices"])
            .json()
            .iter()
            .map(|notice| (text(&notice["code"]), text(&notice["detail"])))
            .collect()
    }

    /// What `dlnuf doctor` finds of the place: its state, and what it says with what to do.
    fn doctor(&self) -> (String, String) {
        let found = self.ask(&["doctor"]).json();
        let place = found.iter().find(|finding| finding["part"] == "caf/nuit").expect("the place is tried");
        let text = |name: &str| place[name].as_str().expect("text").to_owned();
        (text("state"), format!("{}: {}", text("found"), text("remedy")))
    }

    /// One file refused: the others come, it is told once, and comes when it may be read.
    fn one_is_refused(&self, name: &str, allow: impl FnOnce()) {
        assert_eq!(self.pull(), (1, 4), "the others come");
        let told = self.notices();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].0 == "DLN0815" && told[0].1.contains(name), "{told:?}");
        assert_eq!(self.pull(), (0, 4), "nothing is paused");
        assert_eq!(self.notices(), told, "it is told once");
        let (state, found) = self.doctor();
        assert!(
            state == "fails" && found.contains(name) && found.contains("may not be read"),
            "{state}: {found}"
        );
        allow();
        assert_eq!(self.pull(), (1, 0), "it comes when it may be read");
        assert_eq!((self.hub.persons().len(), self.notices()), (2, told));
    }
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
}

/// A drop folder with two extracts, of which one may not be read.
fn folder_with_one_refused() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("lu.xml"), extract("UN", "521")).expect("a file");
    let refused = folder.path().join("refuse.xml");
    fs::write(&refused, extract("DEUX", "522")).expect("a file");
    allow(&refused, 0o000);
    (folder, refused)
}

#[test]
fn a_file_of_a_drop_folder_that_may_not_be_read_is_told_and_passed_over() {
    let (folder, refused) = folder_with_one_refused();
    Fetching::from_folder(folder.path()).one_is_refused("refuse.xml", || allow(&refused, 0o644));
}

#[test]
fn a_file_of_an_sftp_server_that_may_not_be_read_is_told_and_passed_over() {
    let server = OpenSsh::humble();
    server.put("lu.xml", &extract("UN", "521"), 1_000);
    server.put("refuse.xml", &extract("DEUX", "522"), 1_000);
    let refused = server.folder().join("refuse.xml");
    allow(&refused, 0o000);
    let place = format!(
        "sftp: {{ host: 127.0.0.1, port: {}, user: {}, key_file: {}, host_key: \"{}\", folder: {} }}",
        server.port,
        server.user,
        server.known_key("ed25519", "").display(),
        server.fingerprint("ed25519"),
        server.folder().display()
    );
    Fetching::from(&place).one_is_refused("refuse.xml", || allow(&refused, 0o644));
}

#[test]
fn an_object_of_a_bucket_that_may_not_be_read_is_told_and_passed_over() {
    let mut server = S3::start();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    server.make("depot/lu.xml", &text(extract("UN", "521")));
    server.make("depot/refuse.xml", &text(extract("DEUX", "522")));
    let place = format!(
        "bucket: {{ url: \"s3://extraits/depot\", endpoint: \"{}\", region: eu-west-3, access_key_env: TEST_KEY, \
         secret_key_env: TEST_SECRET, allow_http: true }}",
        server.url()
    );
    let guest = vec![("TEST_KEY", server.told("guest")), ("TEST_SECRET", server.told("guest_secret"))];
    let fetching = Fetching { environment: guest, ..Fetching::from(&place) };
    // The object is the same; only who may read it changes.
    fetching.one_is_refused("refuse.xml", || server.make("", "guest may read all"));
}

#[test]
fn what_may_not_be_moved_away_is_taken_in_once_and_a_check_says_so_before() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, body) in [("UN", "521"), ("DEUX", "522")] {
        fs::write(folder.path().join(format!("{name}.xml")), extract(name, body)).expect("a file");
    }
    allow(folder.path(), 0o555);
    let fetching = Fetching::from_folder(folder.path());
    fs::create_dir_all(fetching.hub.home()).expect("a folder");
    assert_eq!(fetching.pull(), (2, 0), "both are taken in");
    let told = fetching.notices();
    assert!(
        matches!(told.as_slice(), [(code, detail)] if code == "DLN0815" && detail.contains("could not be put away"))
    );
    assert!(["UN.xml", "DEUX.xml", "traites"].iter().all(|word| told[0].1.contains(word)), "{told:?}");
    assert_eq!((fetching.pull(), fetching.notices()), ((0, 0), told), "neither comes nor is told again");
    let (state, found) = fetching.doctor();
    assert!(
        state == "fails" && found.contains("takes files out of") && found.contains("permission denied"),
        "{found}"
    );
    allow(folder.path(), 0o755);
    assert_eq!(fetching.pull(), (0, 0));
    assert!(["UN.xml", "DEUX.xml"].iter().all(|name| folder.path().join("traites").join(name).exists()));
    assert_eq!(fetching.doctor().0, "ok");
}

#[test]
fn a_folder_that_may_not_be_looked_into_stops_the_pull_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let depot = folder.path().join("depot");
    fs::create_dir(&depot).expect("a folder");
    allow(&depot, 0o000);
    let fetching = Fetching::from_folder(&depot);
    assert_eq!(fetching.ask(&["pull", "caf"]).code, 1);
    let (state, found) = fetching.doctor();
    assert!(state == "fails" && found.contains("depot") && found.contains("permission denied"), "{found}");
    assert!(fetching.ask(&["pull", "caf"]).errors.contains("paused"), "nothing of it can be had");
}

#[test]
fn a_name_that_cannot_be_used_is_told_once_and_again_when_it_comes_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let odd =
        [&b"caf\xe9.xml"[..], b"deux\nlignes.xml"].map(|name| folder.path().join(OsStr::from_bytes(name)));
    for path in &odd {
        fs::write(path, extract("UN", "521")).expect("a file");
    }
    fs::write(folder.path().join("lu.xml"), extract("DEUX", "522")).expect("a file");
    let fetching = Fetching::from_folder(folder.path());
    assert_eq!(fetching.pull(), (1, 4));
    let told = fetching.notices();
    assert!(matches!(told.as_slice(), [(code, _)] if code == "DLN0831"), "{told:?}");
    assert!(told[0].1.contains("caf\\xe9.xml") && told[0].1.contains("deux\\nlignes.xml"), "{told:?}");
    assert_eq!((fetching.pull(), fetching.notices()), ((0, 4), told), "it is told once");
    fs::rename(&odd[0], folder.path().join("café.xml")).expect("renamed");
    assert_eq!(fetching.pull(), (1, 4), "under a name that can be used it comes");
    fs::rename(&odd[1], folder.path().join("deux.xml")).expect("renamed");
    assert_eq!((fetching.pull(), fetching.notices().len()), ((1, 0), 1));
    fs::write(&odd[1], b"").expect("a file");
    assert_eq!((fetching.pull(), fetching.notices().len()), ((0, 4), 2), "it came again, and is told again");
}

#[test]
fn a_file_larger_than_the_source_may_send_is_set_apart_unread() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("lu.xml"), extract("UN", "521")).expect("a file");
    fs::write(folder.path().join("grand.xml"), vec![b' '; (1 << 20) + 1]).expect("a file");
    let fetching = Fetching::from_folder(folder.path());
    assert_eq!(fetching.pull(), (1, 4));
    let told = fetching.notices();
    assert!(
        matches!(told.as_slice(), [(code, detail)] if code == "DLN0804" && detail.contains("grand.xml")),
        "{told:?}"
    );
    assert_eq!((fetching.pull(), fetching.notices()), ((0, 0), told));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_sends_more_than_the_source_may_is_left_and_told_once() {
    let page = format!("[{}]", vec![r#"{"nom":"FICTIF"}"#; 80_000].join(","));
    let place = Place::open(move |_, _| reply(200, &[], &page)).await;
    let fetching = Fetching::from(&format!("collection: {{ url: \"{}/l\" }}", place.base));
    let work = move || {
        for _ in 0..2 {
            let pulled = fetching.ask(&["pull", "caf"]);
            assert!(pulled.code == 1 && pulled.errors.contains("DLN0804"), "{}", pulled.errors);
        }
        fetching.notices()
    };
    let told = tokio::task::spawn_blocking(work).await.expect("ended");
    assert!(
        matches!(told.as_slice(), [(code, detail)] if code == "DLN0821" && detail.contains("max_bytes")),
        "{told:?}"
    );
}
