//! Requests no library would send, over a plain socket: each is answered by a problem with a code, or by the connection's end, and
//! leaves nothing.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value as Json;

use crate::support::extracts::{Hub, PAUL, household, made, monthly};
use crate::support::serving::{Serving, delivery_of, token_of};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn serving(hub: &Hub) -> (Serving, String) {
    let (token, line) = token_of("caf-52");
    let sources = format!("sources: {{ caf: {{ tokens: [{line}], max_bytes: 1MiB }} }}");
    (Serving::start(&hub.folder().join("hub"), &sources, &[]), token)
}

/// What a hub answers to these very bytes: the status, and the whole text.
fn answer(serving: &Serving, request: &[u8]) -> (u16, String) {
    let address = serving.base.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // Who is answered before it has said all may find the door closed.
    let _ = socket.write_all(request).and_then(|()| socket.shutdown(Shutdown::Write));
    let mut text = Vec::new();
    if let Err(error) = socket.read_to_end(&mut text) {
        assert!(!text.is_empty(), "no answer: {error}");
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text)
}

/// The code of a problem.
fn code(text: &str) -> Option<String> {
    let body = text.split_once("\r\n\r\n")?.1;
    let problem: Json = serde_json::from_str(body).ok()?;
    assert!(problem["explication"].as_str().is_some_and(|french| !french.is_empty()), "{problem}");
    Some(problem["code"].as_str()?.to_owned())
}

#[test]
fn whatever_is_asked_is_answered_by_a_problem_with_a_code() {
    let hub = Hub::fresh();
    let (serving, token) = serving(&hub);
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let long = "a".repeat(300);
    for (line, headers, status, wanted) in [
        ("GET /v1/deliveries", "", 405, "DLN0703"),
        ("PUT /v1/deliveries", "", 405, "DLN0703"),
        ("OPTIONS /v1/deliveries", "", 405, "DLN0703"),
        ("BREW /v1/deliveries", "", 405, "DLN0703"),
        ("GET /v1/uploads", "", 405, "DLN0703"),
        ("GET /v1/deliveries/../../etc/passwd", "", 404, "DLN0702"),
        ("GET /v1/deliveries/%2e%2e%2f%2e%2e%2fetc", "", 404, "DLN0702"),
        ("GET /v1/deliveries/%ff", "", 404, "DLN0702"),
        ("GET /v1/deliveries/%00", "", 404, "DLN0702"),
        (&format!("GET /v1/deliveries/{id}"), "", 404, "DLN0702"),
        (&format!("GET /v1/deliveries/{id}?wait=-1"), "", 400, "DLN0703"),
        (&format!("GET /v1/deliveries/{id}?wait=1&wait=2"), "", 400, "DLN0703"),
        (&format!("GET /v1/deliveries/{id}/refused"), "", 404, "DLN0702"),
        (&format!("PATCH /v1/uploads/{id}"), "", 415, "DLN0703"),
        (&format!("DELETE /v1/uploads/{id}"), "", 404, "DLN0810"),
        ("DELETE /v1/uploads/%ff", "", 404, "DLN0810"),
        ("POST /v1/uploads", "Upload-Length: -1\r\n", 400, "DLN0703"),
        ("POST /v1/uploads", "Upload-Length: 99999999999999999999999\r\n", 400, "DLN0703"),
        ("POST /v1/uploads", "Upload-Length: 9999999999\r\n", 413, "DLN0804"),
        ("POST /v1/uploads", "Upload-Length: 1\r\nUpload-Metadata: filename ~~\r\n", 400, "DLN0703"),
        ("POST /v1/deliveries?source=caf&x=1", "", 400, "DLN0703"),
        ("POST /v1/deliveries?source=%ff", "", 404, "DLN0802"),
        ("POST /v1/deliveries", "Content-Length: 99999999\r\nExpect: 100-continue\r\n", 413, "DLN0804"),
        ("POST /v1/deliveries", "Idempotency-Key: a\r\nIdempotency-Key: b\r\n", 400, "DLN0703"),
        ("POST /v1/deliveries", &format!("Idempotency-Key: {long}\r\n"), 400, "DLN0703"),
        ("POST /v1/deliveries", "Content-Encoding: gzip, gzip\r\n", 415, "DLN0823"),
        ("POST /v1/deliveries", "Content-Digest: sha-256\r\n", 400, "DLN0703"),
        ("GET /v1/evenements?after=x", "", 400, "DLN0703"),
        ("GET /v1/evenements?limit=1001", "", 400, "DLN0703"),
        ("GET /nowhere", "", 404, "DLN0702"),
    ] {
        let request =
            format!("{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: bearer  {token}\r\n{headers}\r\n");
        let (found, text) = answer(&serving, request.as_bytes());
        assert_eq!((found, code(&text).as_deref()), (status, Some(wanted)), "{line} {headers}: {text}");
    }
    let host = answer(&serving, b"GET /v1/personnes HTTP/1.1\r\n\r\n");
    assert_eq!((host.0, code(&host.1).as_deref()), (421, Some("DLN0703")), "without a host");
    let host =
        answer(&serving, b"GET http://evil.example/v1/personnes HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!((host.0, code(&host.1).as_deref()), (421, Some("DLN0703")), "another host");
    assert_eq!(serving.archived(), []);
    assert_eq!(serving.stop(), Some(0));
}

#[test]
fn a_body_is_what_its_frame_says_and_nothing_of_a_broken_one_is_kept() {
    let hub = Hub::fresh();
    let (serving, token) = serving(&hub);
    let push = |rest: &str| {
        let head =
            format!("POST /v1/deliveries HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n");
        answer(&serving, format!("{head}{rest}").as_bytes())
    };
    for (frame, status) in [
        // Cut short.
        ("Content-Length: 10\r\n\r\na;b", 400),
        ("Transfer-Encoding: chunked\r\n\r\n4\r\na;b\n\r\n9\r\n1;2", 400),
        // A chunk that says no length.
        ("Transfer-Encoding: chunked\r\n\r\nzz\r\na;b\n\r\n0\r\n\r\n", 400),
        // Two lengths, or one that is none.
        ("Content-Length: 4\r\nContent-Length: 5\r\n\r\na;b\n", 400),
        ("Content-Length: 4, 5\r\n\r\na;b\n", 400),
        ("Content-Length: +4\r\n\r\na;b\n", 400),
        ("Transfer-Encoding: gzip\r\n\r\na;b\n", 400),
        ("Transfer-Encoding: gzip, chunked\r\n\r\n4\r\na;b\n\r\n0\r\n\r\n", 501),
    ] {
        let (found, text) = push(frame);
        assert_eq!(found, status, "{frame:?}: {text}");
        assert_eq!(serving.archived(), [], "{frame:?}");
    }
    // With both, chunks count and the length is nothing: what a proxy that believes the length takes for a second request is not one.
    let both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n8\r\na;b\n1;2\n\r\n0\r\n\r\n";
    let (found, text) = push(both);
    assert_eq!(found, 201, "{text}");
    assert!(text.contains("\r\nconnection: close\r\n"), "nothing behind it is believed: {text}");
    let kept = serving.archived();
    assert!(matches!(kept.as_slice(), [(_, bytes)] if bytes == b"a;b\n1;2\n"), "{kept:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_pushed_by_many_at_once_are_one_delivery() {
    let hub = Hub::fresh();
    let (serving, token) = serving(&hub);
    let extract = monthly(&made("2026-03-01", "01:00:00"), 1, &[household("1024041", "521", "2", &[PAUL])]);
    let many = (0..50).map(|_| {
        let request = serving.ask(Method::POST, "/v1/deliveries", &token).header("idempotency-key", "night");
        request.body(extract.clone()).send()
    });
    let mut ids = Vec::new();
    for answer in futures_util::future::join_all(many).await {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 201);
        ids.push(delivery_of(answer).await);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(serving.archived().len(), 1);
    assert_eq!(serving.receipt(&token, &ids[0]).await["etat"], "integree");
    assert_eq!(hub.persons().len(), 1);
}
