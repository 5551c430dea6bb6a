//! Extracts are fetched from a bucket: in order, byte for byte, one version or none, and told apart when refused.

use std::path::Path as Folder;

use connectors::transport::object_store::{After, Bucket, Config};
use hub_core::code::Code;
use hub_core::disposition::Disposition;
use hub_core::transport::{Fetched, Offer, Transport as _, TransportError};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};

use crate::support::place::{Place, reply};
use crate::support::s3::{Line, S3};

async fn names(bucket: &Bucket) -> Vec<String> {
    let offers = bucket.look(None).await.expect("a listing");
    offers.into_iter().map(|offer| offer.name).collect()
}

async fn first(bucket: &Bucket) -> Offer {
    bucket.look(None).await.expect("a listing").into_iter().next().expect("an offer")
}

async fn bytes(bucket: &Bucket, offer: &Offer) -> Result<Vec<u8>, TransportError> {
    let mut bytes = Vec::new();
    let fetched = bucket.fetch(offer, &mut bytes).await?;
    assert_eq!(fetched, Fetched::Whole { cursor: None, missing: Vec::new() });
    Ok(bytes)
}

fn told(error: &TransportError) -> String {
    format!("{error} {error:?}")
}

#[tokio::test]
async fn what_waits_is_listed_oldest_first_and_the_rest_is_left_alone() {
    let mut server = S3::start();
    for key in ["caf/b.xml", "caf/a.xml", "caf/2026/deep é+%.xml", "caf/note.txt", "autre/c.xml"] {
        server.make(key, "<Racine/>");
    }
    for marker in ["caf/", "caf/vide.xml/", "caf/2026/"] {
        server.make(marker, "");
    }
    server.make("caf/rien.xml", "");
    for ours in ["caf/pris/d.xml", "caf/recus/e.xml"] {
        server.make(ours, "<Racine/>");
    }
    let mut config = server.config("caf");
    config.after = After::Move("caf/pris".to_owned());
    config.receipts = Some("caf/recus".to_owned());
    let bucket = server.open(&config).expect("a bucket");
    let offers = bucket.look(None).await.expect("a listing");
    let mut sorted = offers.clone();
    sorted.sort_by(|one, other| (one.changed_at, &one.name).cmp(&(other.changed_at, &other.name)));
    assert_eq!(offers, sorted);
    let mut names: Vec<&str> = offers.iter().map(|offer| offer.name.as_str()).collect();
    names.sort_unstable();
    // An empty extract is offered: somebody is to hear of it. An empty folder is not.
    assert_eq!(names, ["caf/2026/deep é+%.xml", "caf/a.xml", "caf/b.xml", "caf/rien.xml"]);
    for offer in &offers {
        let expected = if offer.name == "caf/rien.xml" { "" } else { "<Racine/>" };
        assert_eq!(bytes(&bucket, offer).await.expect("bytes"), expected.as_bytes(), "{}", offer.name);
    }
}

#[tokio::test]
async fn a_key_no_path_can_be_does_not_hide_the_others() {
    let mut server = S3::start();
    for key in [
        "caf/a.xml",
        "caf//odd.xml",
        "caf/../odd.xml",
        "caf//odd.csv",
        "caf/b.xml",
        "caf/b\\odd.xml",
        "caf/z//odd.xml",
        "caf/zz.xml",
    ] {
        server.make(key, "<Racine/>");
    }
    let bucket = server.open(&server.config("caf")).expect("a bucket");
    let mut names = names(&bucket).await;
    names.sort_unstable();
    assert_eq!(names, ["caf/a.xml", "caf/b.xml", "caf/zz.xml"]);
    let told = ["caf/../odd.xml", "caf//odd.xml", "caf/b\\\\odd.xml", "caf/z//odd.xml"];
    assert_eq!(bucket.passed_over(), told, "each that is wanted is told, escaped");
}

#[tokio::test]
async fn a_listing_that_gives_the_same_page_for_ever_is_given_up() {
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken><Contents>\
<Key>caf/a.xml</Key><LastModified>2026-03-01T00:00:00.000Z</LastModified><ETag>e</ETag><Size>3</Size></Contents></ListBucketResult>";
    let place = Place::open(move |_, _| reply(200, &[("content-type", "application/xml")], page)).await;
    let config = serde_json::json!({
        "url": "s3://extraits/caf", "endpoint": place.base, "region": "eu-west-3", "allow_http": true,
        "access_key_env": "KEY", "secret_key_env": "SECRET",
    });
    let config = serde_json::from_value(config).expect("a configuration");
    let bucket = Bucket::open_with(&config, &|_| Some("held".to_owned())).expect("a bucket");
    let error = bucket.look(None).await.expect_err("no end of it");
    assert_eq!(error.code, Code::AnswerNotUnderstood);
    assert!(error.detail.contains("no end of it"), "{error}");
    assert_eq!(place.seen().len(), 2);
}

#[tokio::test]
async fn a_large_object_comes_byte_for_byte_over_a_line_that_breaks() {
    let server = S3::start();
    let sent: Vec<u8> = (0..6_000_000_u32).flat_map(u32::to_le_bytes).take(12 << 20).collect();
    let key = Path::from("caf/grand.xml");
    server.client(server.port()).put(&key, PutPayload::from(sent.clone())).await.expect("an object");
    let line = Line::breaking(server.port(), u64::MAX, 5 << 20).await;
    let mut config = server.config("caf");
    config.endpoint = Some(format!("http://127.0.0.1:{}", line.port));
    let bucket = server.open(&config).expect("a bucket");
    let offer = first(&bucket).await;
    assert_eq!(offer.size_bytes, Some(12 << 20));
    assert!(bytes(&bucket, &offer).await.expect("bytes") == sent, "the bytes are those sent");
    assert!(line.breaks() >= 2);
}

#[tokio::test]
async fn an_object_replaced_or_gone_since_it_was_listed_is_asked_for_again_later() {
    let mut server = S3::start();
    server.make("caf/a.xml", "<Premier/>");
    let mut config = server.config("caf");
    config.after = After::Delete;
    let bucket = server.open(&config).expect("a bucket");
    let old = first(&bucket).await;
    server.make("caf/a.xml", "<Second/>");
    let error = bytes(&bucket, &old).await.expect_err("another object is there");
    assert_eq!((error.code, Disposition::of(error.code)), (Code::OfferChanged, Disposition::Retry));
    assert!(error.detail.contains("replaced"), "{error}");
    bucket.taken(&old).await.expect("nothing to remove");
    let new = first(&bucket).await;
    assert_eq!(bytes(&bucket, &new).await.expect("bytes"), b"<Second/>");
    bucket.taken(&new).await.expect("removed");
    let error = bytes(&bucket, &new).await.expect_err("nothing is there");
    assert_eq!(error.code, Code::OfferChanged);
}

#[tokio::test]
async fn what_was_taken_stays_goes_or_moves_and_may_be_told_twice() {
    let mut server = S3::start();
    for (after, there) in [
        (After::Keep, vec!["caf/sous/a.xml"]),
        (After::Delete, vec![]),
        (After::Move("pris".to_owned()), vec!["pris/sous/a.xml"]),
    ] {
        server.make("caf/sous/a.xml", "<Racine/>");
        let bucket = server.open(&Config { after, ..server.config("caf") }).expect("a bucket");
        let offer = first(&bucket).await;
        for _ in 0..2 {
            bucket.taken(&offer).await.expect("taken");
        }
        let all = server.open(&server.config("")).expect("a bucket");
        assert_eq!(names(&all).await, there);
    }
}

#[tokio::test]
async fn a_wrong_secret_a_missing_bucket_and_a_missing_right_are_told_apart() {
    let mut server = S3::start();
    server.make("caf/a.xml", "<Racine/>");
    let good = server.config("caf");
    let (access, secret) = (server.told("access"), server.told("secret"));
    let wrong_secret = Config { secret_key_env: Some("reader_secret".to_owned()), ..good.clone() };
    let wrong_key = Config { access_key_env: Some("secret".to_owned()), ..good.clone() };
    let no_bucket = Config { url: "s3://nulle-part/caf".to_owned(), ..good.clone() };
    let no_right = Config {
        access_key_env: Some("reader".to_owned()),
        secret_key_env: Some("reader_secret".to_owned()),
        ..good.clone()
    };
    for (config, code) in [
        (wrong_secret, Code::LoginRefused),
        (wrong_key, Code::LoginRefused),
        (no_bucket, Code::AnswerNotUnderstood),
        (no_right, Code::PlaceRefused),
    ] {
        let bucket = server.open(&config).expect("a bucket");
        let error = bucket.check().await.expect_err("a refusal");
        assert_eq!(error.code, code, "{error}");
        for held in [&access, &secret, &server.told("reader"), &server.told("reader_secret")] {
            assert!(!told(&error).contains(held), "{error}");
        }
    }
    let found = server.open(&good).expect("a bucket").check().await.expect("an answer");
    assert_eq!(found, "it answers; 1 objects wait in `s3://extraits/caf`");
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again_later_with_tls_or_without() {
    let server = S3::start();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = gone.local_addr().expect("an address").port();
    drop(gone);
    for scheme in ["http", "https"] {
        let endpoint = Some(format!("{scheme}://127.0.0.1:{port}"));
        let bucket = server.open(&Config { endpoint, ..server.config("caf") }).expect("a bucket");
        let error = bucket.look(None).await.expect_err("nobody is there");
        assert_eq!(error.code, Code::PlaceUnreachable, "{error}");
    }
}

#[tokio::test]
async fn receipts_are_left_where_the_configuration_says_or_not_at_all() {
    let server = S3::start();
    let without = server.open(&server.config("caf")).expect("a bucket");
    let error = without.leave("a.xml.recu", b"recu").await.expect_err("nowhere to leave it");
    assert_eq!(error.code, Code::BadConfig);
    let config = Config { receipts: Some("recus".to_owned()), ..server.config("caf") };
    server.open(&config).expect("a bucket").leave("a/b.xml", b"recu").await.expect("left");
    let all = server.open(&server.config("recus")).expect("a bucket");
    let offer = first(&all).await;
    assert_eq!(offer.name, "recus/a%2Fb.xml", "a receipt's name is one segment");
    assert_eq!(bytes(&all, &offer).await.expect("bytes"), b"recu");
}

#[test]
fn a_setting_that_cannot_be_meant_is_told_before_any_call() {
    let config = |url: &str| Config {
        access_key_env: Some("DLNUF_TEST_NOT_SET".to_owned()),
        ..serde_json::from_value(serde_json::json!({ "url": url })).expect("a configuration")
    };
    for url in ["ftp://ailleurs", "s3://extraits/caf"] {
        let error = Bucket::open(&config(url)).err().expect("a wrong setting");
        assert_eq!(error.code, Code::BadConfig, "{error}");
    }
}

#[tokio::test]
async fn a_folder_is_spoken_to_in_the_same_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Folder::new("/"))).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write("sous/a.xml", "<Premier/>");
    write("b.txt", "autre");
    let config = serde_json::json!({
        "url": format!("file://{}", folder.path().display()), "pattern": ["*.xml"],
        "after": { "move": "pris" }, "receipts": "recus",
    });
    let bucket = Bucket::open(&serde_json::from_value(config).expect("a configuration")).expect("a folder");
    let old = first(&bucket).await;
    write("sous/a.xml", "<Second plus long/>");
    assert!(bytes(&bucket, &old).await.is_err(), "it was replaced");
    let new = first(&bucket).await;
    assert_eq!(bytes(&bucket, &new).await.expect("bytes"), b"<Second plus long/>");
    bucket.taken(&new).await.expect("moved");
    bucket.taken(&new).await.expect("moved already");
    bucket.leave("a.recu", b"recu").await.expect("left");
    assert!(names(&bucket).await.is_empty());
    assert!(folder.path().join("pris/sous/a.xml").exists() && folder.path().join("recus/a.recu").exists());
}
