//! Cases of the XML format: each rule of cutting, wrapping and decoding, on invented records.

use hub_core::code::Code::{
    self, DoctypeRefused, EmptyDelivery, EntityRefused, HeaderTooLarge, MalformedXml, NotTheFormat,
    RecordTooLarge, TooDeep, Truncated, WrongEncoding,
};
use hub_core::connector::{Dialect, Layout};
use proptest::prelude::*;

use crate::format::testing::{Run, dialect, run};

fn path(path: &str) -> Vec<String> {
    path.split('/').map(str::to_owned).collect()
}

fn feed() -> Dialect {
    let layout =
        Layout::Xml { record: path("R/Rec"), header: Some(path("R/Head")), trailer: Some(path("R/Tail")) };
    dialect(layout, &["A", "B", "@id", "N"])
}

fn read(bytes: &[u8]) -> Result<Run, Code> {
    let whole = run(bytes, &feed(), 1 << 20).map_err(|f| f.code);
    for step in 1..=7 {
        assert_eq!(run(bytes, &feed(), step).map_err(|f| f.code), whole, "by {step} bytes");
    }
    whole
}

fn outcomes(inside: &str) -> Vec<Result<String, Code>> {
    let run = read(format!("<R>{inside}</R>").as_bytes()).unwrap_or_else(|c| panic!("{c}"));
    assert_eq!(run.end, Ok(()), "{inside}");
    run.seen.into_iter().map(|seen| seen.outcome).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "stands beside the faults in a table")]
fn ok(text: &str) -> Result<String, Code> {
    Ok(text.to_owned())
}

#[test]
fn header_records_and_trailer_are_read_with_their_places() {
    let text = "<?xml version=\"1.0\"?>\n<R>\n<Head><N>7</N></Head>\n<Rec id=\"é\"><A>1</A></Rec>\n <Rec/>\n<Tail><N>2</N></Tail>\n</R>\n";
    let run = read(text.as_bytes()).unwrap_or_else(|c| panic!("{c}"));
    assert_eq!((run.header.as_str(), run.trailer.as_str(), run.end), ("N=7", "N=2", Ok(())));
    let places: Vec<_> = run.seen.iter().map(|s| (s.number, s.line, s.byte, s.raw.as_str())).collect();
    assert_eq!(places, [(1, 4, 48, "<Rec id=\"é\"><A>1</A></Rec>"), (2, 5, 77, "<Rec/>")]);
    assert_eq!(
        run.outcomes(),
        [Ok("A=1 @id=é"), Ok("")].map(|o| o.map(|t| if t.is_empty() { t } else { "@id=é A=1" }))
    );
}

#[test]
fn records_are_cut_where_they_really_end() {
    for (inside, expected) in [
        ("", vec![]),
        ("<Rec><A>1</A></Rec><Rec\n><A>2</A></Rec >", vec![ok("A=1"), ok("A=2")]),
        ("<Record><A>0</A></Record><Rec><A>1</A><Rec2/></Rec>", vec![ok("A=1")]),
        ("<Rec><A><!-- </Rec><Rec> -->1</A></Rec>", vec![ok("A=1")]),
        ("<Rec><?p </Rec><Rec> ?><A>1</A></Rec><?p <Rec> ?><Rec/>", vec![ok("A=1"), ok("")]),
        ("<Rec><A><![CDATA[<?p]]></A></Rec><Rec/>", vec![ok("A=<?p"), ok("")]),
        ("<Rec><A><![CDATA[</Rec><Rec>]]></A></Rec>", vec![ok("A=</Rec><Rec>")]),
        ("<!-- <Rec> --><Rec id='a>b/>'><A>1</A></Rec>", vec![ok("@id=a>b/> A=1")]),
        ("<Other><Rec><A>1</A></Rec></Other><Rec/>", vec![ok("")]),
        ("<x:Other xmlns:x='u'/><Rec><x:A xmlns:x='u'>1</x:A></Rec>", vec![ok("A=1")]),
    ] {
        assert_eq!(outcomes(inside), expected, "{inside}");
    }
}

#[test]
fn a_bad_record_costs_one_record() {
    let long = format!("<Rec><A>{}</A></Rec>", "x".repeat(900));
    let comment = format!("<Rec><!-- <Rec><A>1</A></Rec>{}", "<Rec><A>2</A></Rec>".repeat(30));
    for (inside, expected) in [
        ("<Rec><A>1</A><Rec><A>2</A></Rec>", vec![Err(MalformedXml), ok("A=2")]),
        ("<Rec><A>1</B></Rec><Rec/>", vec![Err(MalformedXml), ok("")]),
        ("<Rec/></Rec><Rec/>", vec![ok(""), Err(MalformedXml), ok("")]),
        ("stray<Rec/><Rec/>", vec![Err(MalformedXml), ok(""), ok("")]),
        ("\n <Head><N>7</N></Head> &amp; x<Tail/><Rec/>", vec![Err(MalformedXml), ok("")]),
        ("<Rec/>stray<Rec/>", vec![ok(""), Err(MalformedXml), ok("")]),
        ("<Rec></Rec x><Rec/>", vec![Err(MalformedXml), Err(MalformedXml), ok("")]),
        ("<Rec><A>&eacute;</A></Rec><Rec/>", vec![Err(EntityRefused), ok("")]),
        ("<Rec><Z>&eacute;</Z></Rec><Rec/>", vec![Err(EntityRefused), ok("")]),
        ("<Rec a='1' a='2'/><Rec/>", vec![Err(MalformedXml), ok("")]),
        ("<Rec a='' b='' c='' d=''/><Rec/>", vec![Err(TooDeep), ok("")]),
        ("<Rec><a><b><c><d><e><f/></e></d></c></b></a></Rec><Rec/>", vec![Err(TooDeep), ok("")]),
        (&format!("{long}<Rec/>"), vec![Err(RecordTooLarge), ok("")]),
    ] {
        assert_eq!(outcomes(inside), expected, "{inside}");
    }
    let swallowed = outcomes(&comment);
    assert_eq!(swallowed.first(), Some(&Err(MalformedXml)));
    assert_eq!(swallowed.last(), Some(&ok("A=2")));
    assert_eq!(swallowed.len(), 32);
}

#[test]
fn text_is_unescaped_and_unknown_elements_are_skipped() {
    for (inside, expected) in [
        ("<A>a &amp; b&#233;&#xE9;</A>", "A=a & béé"),
        ("<A>a<![CDATA[<b>]]>c</A>", "A=a<b>c"),
        ("<Z><A>no</A></Z><A><B>1</B><B>2</B></A>", "A(B=1 B=2)"),
        ("<A id='&lt;1'>x</A>", "A=x @id=<1"),
        ("<A/><A></A>", "A() A()"),
    ] {
        assert_eq!(outcomes(&format!("<Rec>{inside}</Rec>")), [ok(expected)], "{inside}");
    }
}

#[test]
fn an_invalid_byte_costs_its_record_alone() {
    let run = read(b"<R><Rec><A>\xE9</A></Rec><Rec/></R>").unwrap_or_else(|c| panic!("{c}"));
    assert_eq!(run.outcomes(), [Err(WrongEncoding), Ok("")]);
    let latin = b"<?xml version='1.0' encoding='iso-8859-1'?><R><Rec><A>\xE9</A></Rec><Rec/></R>";
    let run = read(latin).unwrap_or_else(|c| panic!("{c}"));
    assert_eq!(run.outcomes(), [Ok("A=é"), Ok("")]);
    assert_eq!(run.seen.last().map(|s| s.byte), Some(65));
}

#[test]
fn a_delivery_that_is_not_the_format_is_refused_at_once() {
    let far = format!("<R><!--{}--><Rec/></R>", "x".repeat(900));
    for (text, code) in [
        ("", EmptyDelivery),
        (" \n", EmptyDelivery),
        ("a;b", NotTheFormat),
        ("<Other/>", NotTheFormat),
        ("<R/><R/>", NotTheFormat),
        ("<R>stray</R>", NotTheFormat),
        ("<!DOCTYPE R [<!ENTITY a 'b'>]><R/>", DoctypeRefused),
        ("<R><Head>", Truncated),
        ("<R", Truncated),
        (&far, HeaderTooLarge),
    ] {
        assert_eq!(read(text.as_bytes()).map(|_| ()), Err(code), "{text}");
    }
}

#[test]
fn a_last_record_without_its_end_tag_costs_itself() {
    for text in ["<R><Rec/><Rec><A>1</A></R>", "<R><Rec/><Rec><A>1</A><Tail><N>2</N></Tail></R>"] {
        let run = read(text.as_bytes()).unwrap_or_else(|c| panic!("{c}"));
        assert_eq!((run.outcomes(), run.end), (vec![Ok(""), Err(MalformedXml)], Ok(())), "{text}");
    }
}

#[test]
fn a_fault_of_the_delivery_comes_after_what_preceded_it() {
    let far = format!("<R><Rec/><!--{}--></R>", "x".repeat(900));
    for (text, outcomes, code) in [
        ("<R><Rec/><Rec><A>", vec![Ok(""), Err(MalformedXml)], Truncated),
        ("<R><Rec/><Rec/>", vec![Ok(""), Ok("")], Truncated),
        ("<R><Rec/><Rec><A></R", vec![Ok(""), Err(MalformedXml)], Truncated),
        ("<R><Rec/><Tail>", vec![Ok("")], Truncated),
        ("<R><Rec/></R><R/>", vec![Ok("")], NotTheFormat),
        ("<R><Rec/></R>x", vec![Ok("")], NotTheFormat),
        (&far, vec![Ok("")], HeaderTooLarge),
    ] {
        let run = read(text.as_bytes()).unwrap_or_else(|c| panic!("{c}"));
        assert_eq!((run.outcomes(), run.end), (outcomes, Err(code)), "{text}");
    }
}

fn soup() -> impl Strategy<Value = Vec<u8>> {
    const BITS: &[&str] = &[
        "<R>",
        "</R>",
        "<Rec>",
        "</Rec>",
        "<Rec/>",
        "<Rec id='1'>",
        "<A>1</A>",
        "<A>",
        "</A>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<Head>",
        "</Head>",
        "<Tail/>",
        "x",
        "\n",
        "<",
        ">",
        "'",
        "&",
        "&lt;",
        "<?p?>",
        "é",
        "</Rec",
        "<Re",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ];
    prop::collection::vec(prop::sample::select(BITS), 0..40).prop_map(|parts| {
        let mut text = b"<R>".to_vec();
        for part in parts {
            text.extend(part.bytes());
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_markup_and_the_chunks_the_frames_are_the_same(text in soup(), step in 1_usize..8) {
        let by = |step| run(&text, &feed(), step).map_err(|f| f.code);
        prop_assert_eq!(by(step), by(1 << 20));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = run(&bytes, &feed(), 5);
        let _ = run(&[b"<R><Rec>", &bytes[..], b"</Rec></R>"].concat(), &feed(), 64);
    }
}
