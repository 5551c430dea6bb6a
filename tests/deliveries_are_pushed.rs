//! Institutions push: `201` means durable, the receipt tells the rest; whatever is wrong is said by a code and leaves nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::support::extracts::{Hub, JULIE, Member, PAUL, household, made, monthly};
use crate::support::program::dlnuf;
use crate::support::serving::{Serving, delivery_of, token_of};

/// A hub that serves two sources, with their tokens.
fn serving(hub: &Hub) -> (Serving, String, String) {
    let ((caf, caf_line), (ft, ft_line)) = (token_of("caf-52"), token_of("ft"));
    let sources = format!(
        "sources:\n  caf:\n    tokens: [{caf_line}]\n    max_bytes: 1MiB\n  france-travail:\n    tokens: [{ft_line}]\n"
    );
    (Serving::start(&hub.folder().join("hub"), &sources, &[]), caf, ft)
}

fn one_household() -> Vec<u8> {
    monthly(&made("2026-03-01", "01:00:00"), 1, &[household("1024041", "521", "2", &[PAUL])])
}

async fn problem(answer: reqwest::Response, status: u16, code: &str) {
    let found = answer.status().as_u16();
    let kind = answer.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body: Json = answer.json().await.expect("a problem");
    assert_eq!((found, body["code"].as_str()), (status, Some(code)), "{body}");
    assert_eq!(kind.as_deref(), Some("application/problem+json"));
    assert!(body["remede"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
}

#[tokio::test]
async fn a_pushed_extract_is_acknowledged_taken_in_and_answered() {
    let hub = Hub::fresh();
    let (serving, caf, ft) = serving(&hub);
    let answer = serving.push(&caf, "RSABEM.RCV", one_household()).await;
    assert_eq!(answer.status(), 201);
    let place = answer.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let id = delivery_of(answer).await;
    assert_eq!(place, Some(format!("/v1/deliveries/{id}")));
    let kept = serving.archived();
    assert!(kept.iter().any(|(_, bytes)| *bytes == one_household()), "byte for byte");

    let receipt = serving.receipt(&caf, &id).await;
    assert_eq!(receipt["etat"], "integree", "{receipt}");
    assert_eq!((&receipt["comptes"]["lus"], &receipt["comptes"]["personnes_creees"]), (&1.into(), &1.into()));
    assert_eq!((&receipt["fichier"], &receipt["source"]), (&"RSABEM.RCV".into(), &"caf".into()));
    let other =
        serving.ask(Method::GET, &format!("/v1/deliveries/{id}"), &ft).send().await.expect("an answer");
    problem(other, 404, "DLN0702").await;
    assert_eq!(hub.persons().len(), 1);

    let again = serving.push(&caf, "RSABEM.RCV", one_household()).await;
    assert_eq!(again.status(), 200, "the same bytes are no news");
    let again: Json = again.json().await.expect("JSON");
    assert_eq!(
        (&again["livraisons"][0]["livraison"], &again["livraisons"][0]["deja_recue"]),
        (&id.into(), &true.into())
    );
    assert_eq!(serving.stop(), Some(0));
}

#[tokio::test]
async fn whoever_may_not_is_told_so_and_leaves_nothing() {
    let hub = Hub::fresh();
    let (serving, caf, _) = serving(&hub);
    problem(serving.push("dlnuf_guess", "x.xml", one_household()).await, 401, "DLN0801").await;
    let none = connectors::transport::http::builder().no_proxy().build().expect("a client");
    let none =
        none.post(format!("{}/v1/deliveries", serving.base)).body("x").send().await.expect("an answer");
    assert!(none.headers().contains_key("www-authenticate"));
    problem(none, 401, "DLN0801").await;
    let of = |source: &str| {
        serving.ask(Method::POST, &format!("/v1/deliveries?source={source}"), &caf).body("x").send()
    };
    problem(of("france-travail").await.expect("an answer"), 401, "DLN0801").await;
    problem(of("nobody").await.expect("an answer"), 404, "DLN0802").await;
    problem(serving.push(&caf, "x.xml", vec![b'x'; (1 << 20) + 1]).await, 413, "DLN0804").await;
    assert_eq!(serving.archived(), []);
    assert_eq!(hub.ask(&["deliveries"]).json().len(), 0);
    assert!(!serving.log().contains(&caf), "no token in the log");
}

#[tokio::test]
async fn what_broke_on_the_way_is_seen_by_its_digest() {
    let hub = Hub::fresh();
    let (serving, caf, _) = serving(&hub);
    let digest = |bytes: &[u8]| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)));
    let push = |announced: String, coding: &'static str, body: Vec<u8>| {
        let request = serving.ask(Method::POST, "/v1/deliveries", &caf).header("content-digest", announced);
        request.header("content-encoding", coding).body(body).send()
    };
    let whole = one_household();
    let wrong = push(digest(b"others"), "identity", whole.clone()).await.expect("an answer");
    problem(wrong, 422, "DLN0803").await;
    problem(push("sha-256=abc".into(), "identity", whole.clone()).await.expect("an answer"), 400, "DLN0703")
        .await;
    problem(push(digest(&whole), "br", whole.clone()).await.expect("an answer"), 415, "DLN0823").await;
    let form = serving.ask(Method::POST, "/v1/deliveries", &caf);
    let form = form.header("content-type", "multipart/form-data; boundary=x");
    problem(form.body(whole.clone()).send().await.expect("an answer"), 415, "DLN0823").await;
    problem(push(digest(&whole), "gzip", whole.clone()).await.expect("an answer"), 422, "DLN0805").await;
    assert_eq!(serving.archived(), []);
    let unknown_too = format!("sha=:AAAA:, {}", digest(&whole));
    assert_eq!(push(unknown_too, "identity", whole).await.expect("an answer").status(), 201);
}

#[tokio::test]
async fn digests_of_older_tools_are_compared_too() {
    let hub = Hub::fresh();
    let (serving, caf, _) = serving(&hub);
    let sha = |bytes: &[u8]| STANDARD.encode(Sha256::digest(bytes));
    let push = |name: &'static str, value: String| {
        serving.ask(Method::POST, "/v1/deliveries", &caf).header(name, value).body(one_household()).send()
    };
    for (name, wrong) in [
        ("digest", format!("SHA-256={}", sha(b"others"))),
        ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==".to_owned()),
        ("repr-digest", format!("sha-256=:{}:", sha(b"others"))),
    ] {
        problem(push(name, wrong).await.expect("an answer"), 422, "DLN0803").await;
    }
    let two = format!("sha-256={},sha-256={}", sha(&one_household()), sha(b"others"));
    problem(push("digest", two).await.expect("an answer"), 400, "DLN0703").await;
    problem(push("content-md5", "abc".to_owned()).await.expect("an answer"), 400, "DLN0703").await;
    assert_eq!(serving.archived(), []);
    let right = format!("adler32=03da0195,SHA-256={}", sha(&one_household()));
    assert_eq!(push("digest", right).await.expect("an answer").status(), 201);
}

#[tokio::test]
async fn a_key_makes_a_retry_the_same_request_and_no_other() {
    let hub = Hub::fresh();
    let (serving, caf, ft) = serving(&hub);
    let push = |token: &str, body: Vec<u8>| {
        let request = serving.ask(Method::POST, "/v1/deliveries", token).header("idempotency-key", "night-1");
        request.body(body).send()
    };
    let first = push(&caf, one_household()).await.expect("an answer");
    assert_eq!(first.status(), 201);
    let (first, retry) = (delivery_of(first).await, push(&caf, one_household()).await.expect("an answer"));
    assert_eq!(retry.status(), 201, "the same answer as the first time");
    assert_eq!(delivery_of(retry).await, first);
    problem(push(&caf, b"<Racine/>".to_vec()).await.expect("an answer"), 422, "DLN0807").await;
    assert_eq!(serving.archived().len(), 1, "nothing was kept");
    assert_eq!(
        push(&ft, b"a;b\n1;2\n".to_vec()).await.expect("an answer").status(),
        201,
        "another source's key"
    );
}

#[tokio::test]
async fn an_upload_goes_on_where_it_broke_off_also_in_a_hub_started_again() {
    let hub = Hub::fresh();
    let (serving, caf, ft) = serving(&hub);
    let whole = one_household();
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&whole)));
    let metadata = format!("filename {}", STANDARD.encode("RSABEM.RCV"));
    let created = serving
        .ask(Method::POST, "/v1/uploads", &caf)
        .header("upload-length", whole.len())
        .header("upload-metadata", metadata)
        .header("repr-digest", &digest);
    let created = created.send().await.expect("an answer");
    assert_eq!(created.status(), 201);
    let place = header(created.headers(), "location");
    let piece = |serving: &Serving, at: usize, bytes: &[u8]| {
        let request = serving.ask(Method::PATCH, &place, &caf).header("upload-offset", at);
        request.header("content-type", "application/offset+octet-stream").body(bytes.to_vec()).send()
    };
    let (first, rest) = whole.split_at(100);
    let sent = piece(&serving, 0, first).await.expect("an answer");
    assert_eq!((sent.status().as_u16(), header(sent.headers(), "upload-offset")), (204, "100".to_owned()));
    problem(piece(&serving, 7, rest).await.expect("an answer"), 409, "DLN0809").await;
    let other = serving.ask(Method::HEAD, &place, &ft).send().await.expect("an answer");
    assert_eq!(other.status(), 404, "another source's upload");

    serving.kill();
    let serving = Serving::again(&hub.folder().join("hub"), &[]);
    let asked = serving.ask(Method::HEAD, &place, &caf).send().await.expect("an answer");
    assert_eq!(header(asked.headers(), "upload-offset"), "100");
    let done = piece(&serving, 100, rest).await.expect("an answer");
    assert_eq!(done.status(), 204);
    let delivery = header(done.headers(), "location");
    let id = delivery.rsplit('/').next().expect("an identifier");
    assert_eq!(serving.receipt(&caf, id).await["etat"], "integree");
    let asked = serving.ask(Method::HEAD, &place, &caf).send().await.expect("an answer");
    assert_eq!(header(asked.headers(), "location"), delivery, "also told to who lost the last answer");
}

#[tokio::test]
async fn an_upload_speaks_one_version_of_its_protocol_and_takes_no_piece_that_is_not_what_it_says() {
    let hub = Hub::fresh();
    let (serving, caf, _) = serving(&hub);
    let create = |version: &'static str| {
        let request = serving.ask(Method::POST, "/v1/uploads", &caf).header("tus-resumable", version);
        request.header("upload-length", 4).header("upload-metadata", "is_secret,filename eC5jc3Y=").send()
    };
    let other = create("0.2.2").await.expect("an answer");
    assert_eq!(header(other.headers(), "tus-version"), "1.0.0");
    problem(other, 412, "DLN0703").await;
    let created = create("1.0.0").await.expect("an answer");
    assert_eq!(
        (created.status().as_u16(), header(created.headers(), "tus-resumable")),
        (201, "1.0.0".into())
    );
    let place = header(created.headers(), "location");
    let piece = |digest: String| {
        let request = serving.ask(Method::PATCH, &place, &caf).header("upload-offset", 0);
        let request = request.header("content-type", "application/offset+octet-stream");
        request.header("content-digest", digest).body("a;b\n").send()
    };
    let digest = |bytes: &[u8]| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)));
    problem(piece(digest(b"others")).await.expect("an answer"), 422, "DLN0803").await;
    let asked = serving.ask(Method::HEAD, &place, &caf).send().await.expect("an answer");
    assert_eq!(header(asked.headers(), "upload-offset"), "0", "the piece was taken back");
    assert_eq!(piece(digest(b"a;b\n")).await.expect("an answer").status(), 204);
    let offered = serving.ask(Method::OPTIONS, "/v1/uploads", &caf).send().await.expect("an answer");
    assert_eq!(header(offered.headers(), "tus-extension"), "creation,termination");
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_else(|| panic!("`{name}` in {headers:?}")).to_owned()
}

#[tokio::test]
async fn refused_records_come_back_mended_in_the_format_they_came_in() {
    let hub = Hub::fresh();
    let (serving, caf, _) = serving(&hub);
    let nobody = Member { born: "1980-13-45", ..JULIE };
    let good = |at: usize| {
        household(
            &format!("10240{at}"),
            "521",
            "2",
            &[Member { name: &format!("NOM{}", ["A", "B", "C"][at - 41]), nir: "", ..PAUL }],
        )
    };
    let bad = household("1024099", "521", "2", &[Member { nir: "", ..nobody }]);
    let extract = monthly(&made("2026-03-01", "01:00:00"), 4, &[good(41), bad, good(42), good(43)]);
    let id = delivery_of(serving.push(&caf, "dépot n°1.RCV", extract.clone()).await).await;
    let receipt = serving.receipt(&caf, &id).await;
    assert_eq!(receipt["etat"], "integree_avec_rejets", "{receipt}");
    assert_eq!(receipt["fichier"], "dépot n°1.RCV", "{receipt}");
    let reject = &receipt["rejets"][0];
    assert_eq!((&reject["enregistrement"], &reject["code"]), (&2.into(), &"DLN0302".into()), "{receipt}");
    assert!(!receipt.to_string().contains("PETIT"), "no value of a person");
    let theirs = "Écrivez la date comme convenu pour ce flux, puis livrez l'enregistrement de nouveau.";
    assert_eq!(reject["que_faire"], theirs, "what the institution can do: {receipt}");

    let table = serving.ask(Method::GET, &format!("/v1/deliveries/{id}/receipt.csv"), &caf).send().await;
    let table = table.expect("an answer").text().await.expect("text");
    assert!(table.contains("\r\nrejet;correspondance;1;2;1;identite.date_naissance;DLN0302;"), "{table}");
    assert!(table.contains("\r\ncomptage;lus;4;"), "{table}");

    let path = format!("/v1/deliveries/{id}/refused");
    let file = serving.ask(Method::GET, &path, &caf).send().await.expect("an answer");
    let named = header(file.headers(), "content-disposition");
    let file = String::from_utf8(file.bytes().await.expect("bytes").to_vec()).expect("text");
    assert!(file.starts_with("<?xml") && file.ends_with("</Racine>"), "{file}");
    assert_eq!(file.matches("<InfosFoyerRSA>").count(), 1, "{file}");
    assert!(named.contains("; filename*=UTF-8''d%C3%A9pot%20n%C2%B01.rejets-"), "{named}");
    let mended = file.replace("1980-13-45", "1980-12-25").into_bytes();
    let request = serving.ask(Method::POST, "/v1/deliveries", &caf).header("content-disposition", named);
    let mended = delivery_of(request.body(mended).send().await.expect("an answer")).await;
    let receipt = serving.receipt(&caf, &mended).await;
    assert_eq!(receipt["etat"], "integree", "{receipt}");
    assert_eq!(
        (&receipt["comptes"]["personnes_creees"], &receipt["comptes"]["absentes"]),
        (&1.into(), &0.into())
    );
    assert_eq!(receipt["avertissements"][0]["code"], "DLN0127", "{receipt}");
    assert_eq!(hub.persons().len(), 4);
}

#[tokio::test]
async fn a_file_without_a_name_is_listed_as_such() {
    let hub = Hub::fresh();
    let (serving, caf, _) = serving(&hub);
    let request = serving.ask(Method::POST, "/v1/deliveries", &caf).body(one_household());
    let id = delivery_of(request.send().await.expect("an answer")).await;
    assert_eq!(serving.receipt(&caf, &id).await["etat"], "integree");
    for list in ["deliveries", "runs"] {
        let listed = dlnuf(&["--home", &hub.home(), list]).output;
        assert!(listed.contains("\n  (no name)"), "{listed}");
    }
}
