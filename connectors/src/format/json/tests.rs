//! Cases of JSON: the three shapes, what becomes of values, and what a mistake costs, on invented objects.

use hub_core::code::Code::{
    self, EmptyDelivery, MalformedJson, NotTheFormat, RecordTooLarge, TooDeep, Truncated, WrongEncoding,
};
use hub_core::connector::{Dialect, Layout};
use proptest::prelude::*;

use crate::format::testing::{Run, dialect, run};

fn feed(records: &[&str]) -> Dialect {
    let records = records.iter().map(|name| (*name).to_owned()).collect();
    dialect(Layout::Json { records }, &["a", "b", "c"])
}

fn read(text: &[u8], records: &[&str]) -> Result<Run, Code> {
    let whole = run(text, &feed(records), 1 << 20).map_err(|f| f.code);
    for step in 1..=7 {
        assert_eq!(run(text, &feed(records), step).map_err(|f| f.code), whole, "by {step} bytes");
    }
    whole
}

fn outcomes(text: &str, records: &[&str]) -> Vec<Result<String, Code>> {
    let run = read(text.as_bytes(), records).unwrap_or_else(|c| panic!("{c}: {text}"));
    assert_eq!(run.end, Ok(()), "{text}");
    run.seen.into_iter().map(|seen| seen.outcome).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "stands beside the faults in a table")]
fn ok(text: &str) -> Result<String, Code> {
    Ok(text.to_owned())
}

#[test]
fn objects_are_found_in_all_three_shapes() {
    let two = vec![ok("a=1"), ok("a=2")];
    for (text, path) in [
        ("{\"a\":1}\n{\"a\":2}\n", vec![]),
        ("\u{feff}{\"a\":1}\r\n\r\n {\"a\":2}", vec![]),
        ("[{\"a\":1},{\"a\":2}]", vec![]),
        ("[\n  {\n \"a\":1},\n  {\"a\":2}\n]\n", vec![]),
        ("{\"n\":2,\"data\":[{\"a\":1},{\"a\":2}],\"end\":\"}\"}", vec!["data"]),
        ("{\"x\":{\"data\":[9]},\"d\":{\"y\":[],\"data\":[{\"a\":1},{\"a\":2}]}}\n", vec!["d", "data"]),
    ] {
        assert_eq!(outcomes(text, &path), two, "{text}");
    }
    assert_eq!(outcomes("[]", &[]), []);
}

#[test]
fn values_keep_their_digits_and_null_is_nothing() {
    for (object, expected) in [
        (r#"{"a":0001.0}"#, Err(MalformedJson)),
        (r#"{"a":12345678901234567890.10,"b":1e5}"#, ok("a=12345678901234567890.10 b=1e5")),
        (r#"{"a":null,"b":"null","c":true}"#, ok("b=null c=true")),
        (r#"{"a":["x","y"],"b":[]}"#, ok("a=x a=y")),
        (r#"{"a":[{"b":1},{"b":{"c":2}}],"z":{"a":9}}"#, ok("a(b=1) a(b(c=2))")),
        (r#"{"a":"\u00e9\"}","\u0062":"2"}"#, ok("a=é\"} b=2")),
        (r#"{"a":[[[[[[1]]]]]]}"#, Err(TooDeep)),
        ("{}", ok("")),
    ] {
        assert_eq!(outcomes(&format!("[{object}]"), &[]), [expected], "{object}");
    }
}

#[test]
fn a_mistake_costs_one_object() {
    let long = "x".repeat(900);
    for (text, expected) in [
        (
            "{\"a\":1}\n{\"a\":\n{\"a\":3}\nnope\n",
            vec![ok("a=1"), Err(MalformedJson), ok("a=3"), Err(MalformedJson)],
        ),
        ("[{\"a\":1},{\"a\":]},{\"a\":3}]", vec![ok("a=1"), Err(MalformedJson), ok("a=3")]),
        ("[{\"a\":\"x\"y\"},{\"a\":3}]", vec![Err(MalformedJson), ok("a=3")]),
        ("[{\"a\":1,{\"a\":3}]", vec![Err(MalformedJson), ok("a=3")]),
        ("[{\"a\":1},{\"a\":2]", vec![ok("a=1"), Err(MalformedJson)]),
        ("[{\"a\":1 \"b\":2},5,{\"a\":3}]", vec![Err(MalformedJson), Err(MalformedJson), ok("a=3")]),
        (&format!("{{\"a\":\"{long}\"}}\n{{\"a\":2}}"), vec![Err(RecordTooLarge), ok("a=2")]),
        (&format!("[{{\"a\":\"{long}\"}},{{\"a\":2}}]"), vec![Err(RecordTooLarge), ok("a=2")]),
    ] {
        assert_eq!(outcomes(text, &[]), expected, "{text}");
    }
    let run = read(b"{\"a\":\"\xE9\"}\n{}", &[]).unwrap_or_else(|c| panic!("{c}"));
    assert_eq!(run.outcomes(), [Err(WrongEncoding), Ok("")]);
}

#[test]
fn what_is_not_the_format_is_refused_and_what_stops_short_is_truncated() {
    for (text, path, code) in [
        ("", vec![], EmptyDelivery),
        ("a;b", vec![], NotTheFormat),
        ("{\"a\":1}", vec!["data"], NotTheFormat),
        ("[{\"a\":1}]", vec!["data"], NotTheFormat),
    ] {
        assert_eq!(read(text.as_bytes(), &path).map(|_| ()), Err(code), "{text}");
    }
    for (text, path, code) in [
        ("[{\"a\":1},{\"a\":", vec![], Truncated),
        ("[{\"a\":1},", vec![], Truncated),
        ("{\"d\":[{\"a\":1}]", vec!["d"], Truncated),
        ("[{\"a\":1}]]", vec![], NotTheFormat),
    ] {
        let run = read(text.as_bytes(), &path).unwrap_or_else(|c| panic!("{c}"));
        assert_eq!(run.outcomes().first(), Some(&Ok("a=1")), "{text}");
        assert_eq!(run.end, Err(code), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_text_and_the_chunks_the_frames_are_the_same(
        start in prop::sample::select(vec!["[", "{", "{\"d\":["]),
        rest in "(\\{\"a\":|[\\]\\[{},:\"\\\\a1 \n]){0,60}(x{390,420})?(\\{\"a\":|[\\]\\[{},:\"a\n]){0,20}",
        step in 1_usize..8,
    ) {
        let text = format!("{start}{rest}");
        let feed = feed(if start.len() > 1 { &["d"] } else { &[] });
        let by = |step| run(text.as_bytes(), &feed, step).map_err(|f| f.code);
        prop_assert_eq!(by(step), by(1 << 20));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = run(&bytes, &feed(&[]), 5);
        let _ = run(&[b"[{\"a\":", &bytes[..], b"}]"].concat(), &feed(&[]), 64);
    }
}
