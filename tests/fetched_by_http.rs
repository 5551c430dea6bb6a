//! A list read by HTTP comes whole, page by page, as it was written; only what is new, when the list can say so; and calls are
//! bounded, wait when asked to, and tell why they failed without telling a secret.

use std::time::Duration;

use connectors::transport::http::{Collection, CollectionConfig, post};
use hub_core::code::Code;
use hub_core::transport::{Fetched, Missing, Transport as _, TransportError};

use serde_json::json;

use crate::support::hours::Hours;
use crate::support::place::{Place, Seen, fetch, reply};

/// A list at a place, with more configuration.
fn list(place: &Place, hours: &std::sync::Arc<Hours>, more: &str) -> Result<Collection, TransportError> {
    let yaml = format!("url: {}/v1/jeunes?actif=oui\n{more}\n", place.base);
    let config: CollectionConfig = serde_saphyr::from_str(&yaml).expect("a configuration");
    Collection::new(config, hours.time())
}

/// What came of fetching all of a list.
async fn all(place: &Place, more: &str) -> Result<(Fetched, Vec<String>), TransportError> {
    fetch(&list(place, &Hours::fresh(), more)?, None).await
}

fn parameter(seen: &Seen, name: &str) -> Option<u64> {
    let query = seen.line.split_once('?')?.1;
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")))?;
    pair.parse().ok()
}

/// Items of a list of seven, from one to another.
fn items(from: u64, to: u64) -> String {
    let items: Vec<String> = (from..to.min(7)).map(|n| format!(r#"{{"n":{n}}}"#)).collect();
    format!("[{}]", items.join(","))
}

fn seven() -> Vec<String> {
    (0..7).map(|n| format!(r#"{{"n":{n}}}"#)).collect()
}

#[tokio::test]
async fn items_come_one_a_line_exactly_as_they_were_written() {
    let page = "\u{feff}{\"total\": 2, \"data\": {\"jeunes\": [\n {\"z\": 1.50,\n  \"a\": \"é \\u00e9\\n\"}, {\"b\":1,\"b\":2} ]}}";
    let place = Place::open(move |_, _| reply(200, &[], page)).await;
    let (fetched, lines) = all(&place, "items: /data/jeunes").await.expect("comes");
    assert_eq!(fetched, Fetched::Whole { cursor: None, missing: Vec::new() });
    assert_eq!(lines, ["{\"z\": 1.50,   \"a\": \"é \\u00e9\\n\"}", "{\"b\":1,\"b\":2}"]);
    assert_eq!(place.lines(), ["GET /v1/jeunes?actif=oui"]);
}

#[tokio::test]
async fn every_kind_of_paging_brings_every_item_once() {
    let linked = Place::open(|seen, _| {
        let page = parameter(seen, "p").unwrap_or(0);
        let link = format!("</v1/jeunes?p={}>; rel=\"next\"", page + 1);
        let headers = [("link", link.as_str())];
        reply(200, if page < 2 { &headers } else { &[] }, &items(page * 3, page * 3 + 3))
    })
    .await;
    let numbered = Place::open(|seen, _| {
        let page = parameter(seen, "page").expect("a page") - 1;
        reply(200, &[], &items(page * 3, page * 3 + 3))
    })
    .await;
    let offset = Place::open(|seen, _| {
        let (from, size) = (parameter(seen, "debut").expect("from"), parameter(seen, "nb").expect("size"));
        reply(
            206,
            &[("content-range", &format!("items {from}-{}/7", from + size))],
            &items(from, from + size),
        )
    })
    .await;
    let ranged = Place::open(|seen, _| {
        let (_, range) = seen.header("range").and_then(|text| text.split_once('=')).expect("a range");
        let (from, to) = range.split_once('-').expect("a range");
        let (from, to): (u64, u64) = (from.parse().expect("from"), to.parse().expect("to"));
        if from >= 7 { reply(416, &[], "") } else { reply(206, &[], &items(from, to + 1)) }
    })
    .await;
    let marked = Place::open(|seen, _| {
        let from = parameter(seen, "suite").unwrap_or(0);
        let next = if from + 2 < 7 { format!("\"{}\"", from + 2) } else { "null".to_owned() };
        reply(200, &[], &format!(r#"{{"jeunes":{},"suite":{next}}}"#, items(from, from + 2)))
    })
    .await;
    // Sends three at most, whatever it is asked for.
    let capped = Place::open(|seen, _| {
        let from = parameter(seen, "debut").expect("from");
        reply(200, &[], &items(from, from + 3))
    })
    .await;
    let short = Place::open(|seen, _| match parameter(seen, "page") {
        Some(1) => reply(200, &[], &items(0, 7)),
        _ => reply(404, &[], ""),
    })
    .await;
    for (place, more, calls) in [
        (&linked, "paging: next_link", 3),
        (&numbered, "paging: {page: {parameter: page}}", 4),
        (&numbered, "paging: {page: {parameter: page, size: 3}}", 3),
        (&offset, "paging: {offset_limit: {offset: debut, limit: nb, size: 4}}", 2),
        (&capped, "paging: {offset_limit: {offset: debut, limit: nb, size: 5}}", 3),
        (&short, "paging: {page: {parameter: page, size: 10}}", 2),
        (&ranged, "paging: {range: {size: 7}}", 2),
        (&marked, "paging: {cursor: {next: /suite, parameter: suite}}\nitems: /jeunes", 4),
    ] {
        let before = place.seen().len();
        let (fetched, lines) = all(place, more).await.expect("comes");
        assert_eq!(lines, seven(), "{more}");
        assert_eq!(fetched, Fetched::Whole { cursor: None, missing: Vec::new() }, "{more}");
        assert_eq!(place.seen().len() - before, calls, "{more}");
    }
}

#[tokio::test]
async fn a_list_that_never_ends_or_leads_elsewhere_is_refused() {
    let endless = Place::open(|_, number| reply(200, &[], &format!("[{number}]"))).await;
    let looping = Place::open(|_, _| reply(200, &[], r#"{"l":[1],"suite":"a"}"#)).await;
    let elsewhere =
        Place::open(|_, _| reply(200, &[("link", "<http://evil.example/x>; rel=next")], "[1]")).await;
    for (place, more) in [
        (&endless, "paging: {page: {parameter: page}}\nmax_pages: 5"),
        (&looping, "paging: {cursor: {next: /suite, parameter: suite}}\nitems: /l"),
        (&elsewhere, "paging: next_link"),
        (&endless, "items: /absent"),
        (&endless, "limits: {max_answer_bytes: 2}"),
    ] {
        let error = all(place, more).await.expect_err(more);
        assert_eq!(error.code, Code::AnswerNotUnderstood, "{more}: {error}");
    }
    assert_eq!(endless.seen().len(), 5 + 1 + 1);
}

#[tokio::test]
async fn a_list_that_gives_the_same_page_again_is_refused_at_once() {
    // One does not know the parameter of pages, one leads in a circle; both say something new each time.
    let deaf = Place::open(|_, _| reply(200, &[], r#"[{"n":1},{"n":2}]"#)).await;
    let circle = Place::open(|seen, _| {
        let page = parameter(seen, "p").unwrap_or(0);
        let link = format!("</v1/jeunes?p={}>; rel=\"next\"", (page + 1) % 3);
        reply(200, &[("link", link.as_str())], &format!(r#"[{{"n":{page}}}]"#))
    })
    .await;
    for (place, more, calls) in [
        (&deaf, "paging: {page: {parameter: page}}", 2),
        (&deaf, "paging: {offset_limit: {offset: debut, limit: nb, size: 2}}", 4),
        (&circle, "paging: next_link", 4),
    ] {
        let error = all(place, more).await.expect_err(more);
        assert_eq!(error.code, Code::AnswerNotUnderstood, "{more}: {error}");
        assert_eq!(place.seen().len(), calls, "{more}");
    }
}

#[tokio::test]
async fn a_list_is_not_gone_on_from_a_time_far_ahead() {
    let body = r#"[{"maj":"2026-03-01T09:30:00Z"},{"maj":"2206-03-01T09:30:00Z"}]"#;
    let place = Place::open(move |_, _| reply(200, &[], body)).await;
    let changed = list(&place, &Hours::fresh(), "since: {parameter: {name: depuis, largest: /maj}}");
    let (fetched, lines) = fetch(&changed.expect("a list"), None).await.expect("comes");
    let Fetched::Whole { cursor, missing } = fetched else { unreachable!("lines came") };
    assert_eq!((cursor.as_deref(), lines.len()), (Some("2026-03-01T09:30:00Z"), 2));
    assert!(matches!(missing.as_slice(), [Missing { count: 1, .. }]), "it is told: {missing:?}");
}

#[tokio::test]
async fn a_receipt_that_is_sent_elsewhere_was_not_taken() {
    let place = Place::open(|seen, _| {
        let asked_for_login = seen.line.starts_with("GET");
        if asked_for_login { reply(200, &[], "{}") } else { reply(302, &[("location", "/login")], "") }
    })
    .await;
    let config = serde_json::from_value(json!({ "callback": format!("{}/recus", place.base) }));
    let error = post(&config.expect("a configuration"), b"{}".to_vec()).await.expect_err("sent elsewhere");
    assert_eq!(error.code, Code::AnswerNotUnderstood);
    assert_eq!(place.lines(), ["POST /recus"]);
}

#[tokio::test]
async fn only_what_is_new_is_asked_for() {
    let place = Place::open(|seen, _| match seen.header("if-none-match") {
        Some("\"v1\"") => reply(304, &[], ""),
        _ => reply(200, &[("etag", "\"v1\"")], "[1]"),
    })
    .await;
    let etag = list(&place, &Hours::fresh(), "since: etag").expect("a list");
    let (fetched, _) = fetch(&etag, None).await.expect("comes");
    assert_eq!(fetched, Fetched::Whole { cursor: Some("\"v1\"".to_owned()), missing: Vec::new() });
    assert_eq!(fetch(&etag, Some("\"v1\"")).await.expect("comes"), (Fetched::Nothing, Vec::new()));

    let body = r#"[{"maj":"2026-03-01T10:00:00+01:00"},{"maj":"2026-03-01T09:30:00Z"},{"maj":"2026-03-01T10:10:00+01:00"}]"#;
    let place = Place::open(move |_, _| reply(200, &[("date", "Mon, 02 Mar 2026 04:59:00 GMT")], body)).await;
    for (since, cursor) in [
        ("{parameter: {name: depuis, largest: /maj, first: 2020-01-01}}", "2026-03-01T09:30:00Z"),
        ("{parameter: {name: depuis}}", "2026-03-02T04:59:00Z"),
    ] {
        let changed = list(&place, &Hours::fresh(), &format!("since: {since}")).expect("a list");
        let (fetched, _) = fetch(&changed, None).await.expect("comes");
        assert_eq!(fetched, Fetched::Whole { cursor: Some(cursor.to_owned()), missing: Vec::new() });
        fetch(&changed, Some(cursor)).await.expect("comes");
    }
    assert_eq!(
        place.lines(),
        [
            "GET /v1/jeunes?actif=oui&depuis=2020-01-01",
            "GET /v1/jeunes?actif=oui&depuis=2026-03-01T09%3A30%3A00Z",
            "GET /v1/jeunes?actif=oui",
            "GET /v1/jeunes?actif=oui&depuis=2026-03-02T04%3A59%3A00Z",
        ]
    );
}

#[tokio::test]
async fn no_content_is_nothing_and_partial_content_goes_on_and_is_told() {
    let empty = Place::open(|_, _| reply(204, &[], "")).await;
    assert_eq!(all(&empty, "").await.expect("comes"), (Fetched::Nothing, Vec::new()));
    let partial = Place::open(|_, _| reply(206, &[], "[1,2]")).await;
    let (fetched, lines) = all(&partial, "").await.expect("comes");
    assert_eq!(lines, ["1", "2"]);
    let Fetched::Whole { missing, .. } = fetched else { unreachable!("lines came") };
    assert!(matches!(missing.as_slice(), [Missing { count: 1, .. }]), "{missing:?}");
}

#[tokio::test]
async fn a_place_that_asks_to_wait_is_waited_for_as_long_as_it_asks() {
    let asked = ["7", "Mon, 02 Mar 2026 05:00:37 GMT", "demain", ""];
    let place = Place::open(move |_, number| match asked.get(number) {
        Some(&"") => reply(429, &[], ""),
        Some(text) => reply(429, &[("retry-after", text)], ""),
        None => reply(200, &[], "[1]"),
    })
    .await;
    let hours = Hours::fresh();
    let patient = list(&place, &hours, "limits: {retry_after_seconds: 2}").expect("a list");
    fetch(&patient, None).await.expect("comes");
    assert_eq!(hours.waits(), [7, 30, 2, 2]);
}

#[tokio::test]
async fn patience_ends_and_the_scheduler_is_told_when_to_come_back() {
    let busy = Place::open(|_, _| reply(429, &[("retry-after", "400")], "")).await;
    let error = all(&busy, "").await.expect_err("patience ends");
    assert_eq!((error.code, error.retry_after), (Code::TooManyRequests, Some(Duration::from_secs(400))));
    assert_eq!(busy.seen().len(), 1);

    let busy = Place::open(|_, _| reply(429, &[], "")).await;
    let error = all(&busy, "").await.expect_err("ten tries");
    assert_eq!(error.code, Code::TooManyRequests);
    assert_eq!(busy.seen().len(), 10);
}

#[tokio::test]
async fn a_failing_place_is_tried_again_with_growing_waits_and_then_left() {
    let failing =
        Place::open(|_, number| if number < 3 { reply(502, &[], "") } else { reply(200, &[], "[]") }).await;
    let hours = Hours::fresh();
    fetch(&list(&failing, &hours, "").expect("a list"), None).await.expect("comes");
    assert_eq!(hours.waits(), [1, 2, 4]);

    let down = Place::open(|_, _| reply(503, &[("retry-after", "5")], "")).await;
    let hours = Hours::fresh();
    let error = fetch(&list(&down, &hours, "").expect("a list"), None).await.expect_err("down");
    assert_eq!((error.code, hours.waits()), (Code::PlaceUnreachable, vec![5, 5, 5]));
    assert_eq!(error.retry_after, Some(Duration::from_secs(5)), "the last wait asked for is kept to as well");

    let nobody = format!("url: http://127.0.0.1:{}/l", free_port());
    let config = serde_saphyr::from_str(&nobody).expect("a configuration");
    let gone = Collection::new(config, Hours::fresh().time()).expect("a list");
    let error = fetch(&gone, None).await.expect_err("nobody there");
    assert_eq!(error.code, Code::PlaceUnreachable);
}

/// A port nobody listens on: it was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.local_addr().expect("an address").port()
}

#[tokio::test]
async fn a_refusal_is_told_by_its_code_and_never_by_its_body() {
    for (status, code) in [
        (400, Code::AnswerNotUnderstood),
        (401, Code::LoginRefused),
        (403, Code::PlaceRefused),
        (404, Code::AnswerNotUnderstood),
        (302, Code::AnswerNotUnderstood),
    ] {
        let body = r#"{"code":"E42","message":"FICTIVE Jeanne, 1850578006084"}"#;
        let place =
            Place::open(move |_, _| reply(status, &[("location", "http://evil.example/")], body)).await;
        let error = all(&place, "").await.expect_err("refused");
        assert_eq!(error.code, code, "{status}");
        assert_eq!(place.seen().len(), 1, "{status}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("`E42`") && shown.contains(&status.to_string()), "{shown}");
        assert!(!shown.contains("Jeanne") && !shown.contains("1850578006084"), "{shown}");
    }
}

#[tokio::test]
async fn keys_and_passwords_are_sent_and_wrong_settings_are_told_before_any_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "s3same\n").expect("written");
    let file = format!("{{file: '{}'}}", secret.display());
    let place = Place::open(|_, _| reply(200, &[], "[1]")).await;
    for (auth, header, value) in [
        (format!("{{api_key: {{header: X-Cle, key: {file}}}}}"), "x-cle", "s3same"),
        (format!("{{bearer: {{token: {file}}}}}"), "authorization", "Bearer s3same"),
        (format!("{{basic: {{user: hub, password: {file}}}}}"), "authorization", "Basic aHViOnMzc2FtZQ=="),
    ] {
        all(&place, &format!("auth: {auth}\nheaders: {{X-Lot: nuit}}")).await.expect("comes");
        let seen = place.seen().pop().expect("a request");
        assert_eq!((seen.header(header), seen.header("x-lot")), (Some(value), Some("nuit")));
    }
    let calls = place.seen().len();
    let agent =
        "auth: {oauth2: {token_url: 'http://h/t?realm=/agent', client_id: c, client_secret: {env: PATH}}}";
    for (more, named) in [
        ("auth: {bearer: {token: {env: DLNUF_NO_SUCH_SECRET}}}", "DLNUF_NO_SUCH_SECRET"),
        ("headers: {'mal nommé': x}", "mal nommé"),
        ("since: etag\npaging: next_link", "paging: none"),
        ("items: data.jeunes", "data.jeunes"),
        (agent, "pa-identifiant-agent"),
    ] {
        let error = list(&place, &Hours::fresh(), more).err().expect(more);
        assert_eq!(error.code, Code::BadConfig, "{more}");
        assert!(error.detail.contains(named), "{error}");
    }
    let complete = format!(
        "{agent}\nheaders: {{pa-identifiant-agent: BATCH, pa-nom-agent: dlnuf, pa-prenom-agent: nuit}}"
    );
    assert!(list(&place, &Hours::fresh(), &complete).is_ok());
    assert_eq!(place.seen().len(), calls);
    let misspelt = serde_saphyr::from_str::<CollectionConfig>("url: http://h/l\npagination: none\n");
    assert!(misspelt.is_err());
}

#[tokio::test]
async fn calls_keep_the_pace_and_nothing_is_left_at_a_list() {
    let place = Place::open(|seen, _| {
        let page = parameter(seen, "page").expect("a page");
        reply(200, &[], &if page <= 8 { format!("[{page}]") } else { "[]".to_owned() })
    })
    .await;
    let hours = Hours::fresh();
    let paced = "limits: {requests_per_second: 2}\npaging: {page: {parameter: page}}";
    let paced = list(&place, &hours, paced).expect("a list");
    fetch(&paced, None).await.expect("comes");
    let took = connectors::transport::http::Patience::elapsed(hours.as_ref());
    assert_eq!(took, Duration::from_secs(4));
    let offer = paced.look(None).await.expect("looks").pop().expect("an offer");
    paced.taken(&offer).await.expect("nothing to do");
    assert_eq!(paced.leave("recu.json", b"{}").await.expect_err("no place for it").code, Code::BadConfig);
    assert_eq!(paced.check().await.expect("answers"), "the list answers, 1 items on its first page");
}
