//! Cases of delimited text: header, quotes, widths, line breaks and their faults, on invented rows.

use hub_core::code::Code::{
    self, EmptyDelivery, HeaderTooLarge, MalformedCsv, NotTheFormat, RecordTooLarge, Truncated, WrongEncoding,
};
use hub_core::connector::{Dialect, Edge, Edges, Layout};
use proptest::prelude::*;

use super::row::Signs;
use crate::format::testing::{Run, dialect, run};

const SEMICOLON: Signs = Signs { separator: b';', quotes: true };

fn feed() -> Dialect {
    let layout = Layout::Csv { separator: None, quotes: true, columns: None, edges: Edges::default() };
    dialect(layout, &["nom", "Date de naissance", "b"])
}

fn read_as(bytes: &[u8], dialect: &Dialect) -> Result<Run, Code> {
    let whole = run(bytes, dialect, 1 << 20).map_err(|f| f.code);
    for step in 1..=7 {
        assert_eq!(run(bytes, dialect, step).map_err(|f| f.code), whole, "by {step} bytes");
    }
    whole
}

fn outcomes(text: &[u8]) -> Vec<Result<String, Code>> {
    let run = read_as(text, &feed()).unwrap_or_else(|c| panic!("{c}"));
    assert_eq!(run.end, Ok(()));
    run.seen.into_iter().map(|seen| seen.outcome).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "stands beside the faults in a table")]
fn ok(text: &str) -> Result<String, Code> {
    Ok(text.to_owned())
}

#[test]
fn rows_are_split_whatever_their_separator_quotes_and_line_breaks() {
    for (text, expected) in [
        ("nom;b\nx;1\ny;2\n", vec![ok("b=1 nom=x"), ok("b=2 nom=y")]),
        ("nom,b\r\nx,1\r\n\r\ny,2", vec![ok("b=1 nom=x"), ok("b=2 nom=y")]),
        ("nom\tb\rx\t1\ry\t2\r", vec![ok("b=1 nom=x"), ok("b=2 nom=y")]),
        ("nom|b|z\nx|1|;\n", vec![ok("b=1 nom=x")]),
        ("\u{feff}NOM*;\"B\"\nx;\"a;\"\"b\"\"\nc\"\n", vec![ok("b=a;\"b\"\nc nom=x")]),
        ("\"Date\nde  Naissance\";Nom\t\n2;x\n", vec![ok("Date de naissance=2 nom=x")]),
        ("nom;nom\nx;y\n", vec![ok("nom=x nom=y")]),
        ("nom;b\nl\"x;5\"\n", vec![ok("b=5\" nom=l\"x")]),
        ("nom\nx\n", vec![ok("nom=x")]),
        ("nom;b;;\nx;1\ny;2;;\n", vec![ok("b=1 nom=x"), ok("b=2 nom=y")]),
        ("nom;b\nx;\"\"\n;\n\"\"; \ny;\n\u{1a}", vec![ok("nom=x"), ok("nom=y")]),
        ("nom;b;z\nx;1;2\n;;;;;\n", vec![ok("b=1 nom=x")]),
        ("nom;b\n=\"077\";\"=\"\"2\"\"\"\n=\"a\"b;=\n", vec![ok("b=2 nom=077"), ok("b== nom==\"a\"b")]),
        ("nom;b\n", vec![]),
    ] {
        assert_eq!(outcomes(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn a_bad_row_costs_its_line() {
    let long = format!("nom;b\n{};1\ny;2\n", "x".repeat(900));
    let late = format!("nom;b\n\"x;1\n{}", "y;2\n".repeat(200));
    for (text, expected) in [
        ("nom;b\nx\ny;2\n", vec![Err(MalformedCsv), ok("b=2 nom=y")]),
        ("nom;b\nx;1;3\ny;2;;\n", vec![Err(MalformedCsv), ok("b=2 nom=y")]),
        ("nom;b\nx;\"1\ny;2\n", vec![Err(MalformedCsv), ok("b=2 nom=y")]),
        ("nom;b\n\"x;1\ny;\"2\"\n", vec![Err(MalformedCsv), ok("b=2 nom=y")]),
        (
            "nom;b\nx;\"1\ny;2\nz;\"3;4\"\nu;5\n",
            vec![Err(MalformedCsv), ok("b=2 nom=y"), ok("b=3;4 nom=z"), ok("b=5 nom=u")],
        ),
        (
            "nom;b;c\nx;\"1;\ny;2;4\nz;\"3\"\";\nu;;\n",
            vec![Err(MalformedCsv), ok("b=2 nom=y"), Err(MalformedCsv), ok("nom=u")],
        ),
        // Two rows without the line break between them; rows as wide as the first one.
        ("nom;b;c\nx;1;2\ny;1;u;;\nz;;\n", vec![ok("b=1 nom=x"), Err(MalformedCsv), ok("nom=z")]),
        ("nom;b\nx;1;;\ny;2;\nz;3;;\n", vec![ok("b=1 nom=x"), ok("b=2 nom=y"), ok("b=3 nom=z")]),
        (&long, vec![Err(RecordTooLarge), ok("b=2 nom=y")]),
    ] {
        assert_eq!(outcomes(text.as_bytes()), expected, "{text}");
    }
    let found = outcomes(late.as_bytes());
    assert_eq!((found.len(), found.first()), (201, Some(&Err(MalformedCsv))));
    assert!(found.iter().skip(1).all(Result::is_ok));
    assert_eq!(outcomes(b"nom;b\n\xE9;1\ny;2\n"), [Err(WrongEncoding), ok("b=2 nom=y")]);
}

#[test]
fn columns_may_be_declared_and_the_first_line_is_then_skipped() {
    let columns = Some(vec!["b".to_owned(), String::new(), "nom".to_owned()]);
    let feed = dialect(
        Layout::Csv { separator: Some(b';'), quotes: true, columns, edges: Edges::default() },
        &["nom", "b"],
    );
    let run = read_as(b"whatever\n1;2;x\n1;2\n", &feed).unwrap_or_else(|c| panic!("{c}"));
    assert_eq!(run.outcomes(), [Ok("b=1 nom=x"), Err(MalformedCsv)]);
}

/// Text as the ASP writes it: `|`, no quotes, a row before and a row after.
fn asp(quotes: bool, required: bool) -> Dialect {
    let edge = |starts: &str, cells: [&str; 3]| {
        Some(Edge { starts: starts.to_owned(), cells: cells.map(str::to_owned).to_vec(), required })
    };
    let edges = Edges { first: edge("L|ASP|", ["", "", "date"]), last: edge("Z|ASP|", ["", "", "total"]) };
    dialect(
        Layout::Csv { separator: Some(b'|'), quotes, columns: None, edges },
        &["nom", "b", "date", "total"],
    )
}

#[test]
fn a_quote_may_be_a_character_like_any_other() {
    let text = b"t|nom|b|\n1|\"x|=\"5\"|\n1|l\"x\"\"|\"|\n1|\"\n\"|2|\n";
    let run = read_as(text, &asp(false, false)).unwrap_or_else(|c| panic!("{c}"));
    let expected = [Ok("b==\"5\" nom=\"x"), Ok("b=\" nom=l\"x\"\""), Err(MalformedCsv), Ok("nom=2")];
    assert_eq!((run.outcomes(), run.end), (expected.to_vec(), Ok(())));
}

#[test]
fn the_rows_around_the_records_are_none_and_say_whether_the_delivery_is_whole() {
    let text = b"\xEF\xBB\xBF\nL|ASP|2026-11-02|x\r\nt|nom|b|\r\n1|\"x|5|\r\nZ|ASP|0001\r\n\x1a";
    let whole = read_as(text, &asp(false, true)).unwrap_or_else(|c| panic!("{c}"));
    assert_eq!((whole.outcomes(), whole.end), (vec![Ok("b=5 nom=\"x")], Ok(())));
    assert_eq!((whole.header.as_str(), whole.trailer.as_str()), ("date=2026-11-02", "total=0001"));
    let first = whole.seen.first().map(|seen| (seen.number, seen.line, seen.byte));
    assert_eq!(first, Some((1, 4, 34)));
    for (text, required, end) in [
        (&b"L|ASP|\nt|nom|b\n1|x|5\n"[..], true, Err(Truncated)),
        (b"L|ASP|\nt|nom|b\n1|x|5\n", false, Ok(())),
        (b"t|nom|b\n1|x|5\nZ|ASP|1\n", false, Ok(())),
        (b"t|nom|b\n1|x|5\nZ|ASP|1\n1|x|5\n", false, Err(NotTheFormat)),
        (b"L|ASP|\nt|nom|b\n1|x|5\nZ|ASP|1\nZ|ASP|1\n", true, Err(NotTheFormat)),
    ] {
        let run = read_as(text, &asp(true, required)).unwrap_or_else(|c| panic!("{c}"));
        assert_eq!((run.outcomes(), run.end), (vec![Ok("b=5 nom=x")], end), "{text:?}");
    }
    for text in [&b"t|nom|b\n1|x|5\nZ|ASP|1\n"[..], b"L|AS", b"nom;b\n"] {
        assert_eq!(read_as(text, &asp(true, true)).map(|_| ()), Err(NotTheFormat), "{text:?}");
    }
    assert_eq!(read_as(b"L|ASP|", &asp(true, true)).map(|_| ()), Err(EmptyDelivery));
}

#[test]
fn places_count_lines_and_original_bytes() {
    let mut feed = feed();
    feed.encoding = Some("iso-8859-15".to_owned());
    let run = read_as(b"nom;b\n\xE9\xA4;\"\n\"\n\ny;2\n", &feed).unwrap_or_else(|c| panic!("{c}"));
    let places: Vec<_> = run.seen.iter().map(|s| (s.number, s.line, s.byte)).collect();
    assert_eq!(places, [(1, 2, 6), (2, 5, 14)]);
}

#[test]
fn a_delivery_that_is_not_the_format_is_refused_at_once() {
    let wide = "x".repeat(900);
    for (text, code) in [
        ("", EmptyDelivery),
        ("\n \r\n", EmptyDelivery),
        ("\"nom;b\nx;1\n", NotTheFormat),
        (wide.as_str(), HeaderTooLarge),
    ] {
        assert_eq!(read_as(text.as_bytes(), &feed()).map(|_| ()), Err(code), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_text_and_the_chunks_the_frames_are_the_same(rows in "[a;\"\r\n ,]{0,80}(x{390,420})?[a;\"\n]{0,40}", step in 1_usize..8) {
        let text = [b"nom;b\n", rows.as_bytes()].concat();
        let by = |step| run(&text, &feed(), step).map_err(|f| f.code);
        prop_assert_eq!(by(step), by(1 << 20));
    }

    #[test]
    fn with_rows_around_and_without_quotes_too(rows in "[a|\"\r\n ZASP]{0,80}(x{390,420})?(Z\\|ASP\\|\n)?[a|\n]{0,40}", step in 1_usize..8, quotes: bool) {
        let text = [b"L|ASP|\nnom|b\n", rows.as_bytes()].concat();
        let by = |step| run(&text, &asp(quotes, true), step).map_err(|f| f.code);
        prop_assert_eq!(by(step), by(1 << 20));
    }

    #[test]
    fn without_quotes_every_row_cut_is_a_whole_line(lines in prop::collection::vec("[a\"|]{1,12}", 1..20)) {
        let found = run([&["nom|b"], &lines.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat().join("\n").as_bytes(), &asp(false, false), 3);
        let found = found.unwrap_or_else(|f| panic!("{f}"));
        let raws: Vec<_> = found.seen.iter().map(|seen| seen.raw.as_str()).collect();
        let solid: Vec<_> = lines.iter().map(String::as_str).filter(|line| line.bytes().any(|b| b != b'|')).collect();
        prop_assert_eq!(raws, solid);
    }

    #[test]
    fn cells_are_those_of_csv_core(line in "[a;\"]{1,30}") {
        prop_assume!(matches!(super::row::measure(line.as_bytes(), SEMICOLON, true, 2), crate::format::line::Row::Whole { .. }));
        let (mut reader, mut output, mut ends) = (csv_core::ReaderBuilder::new().delimiter(b';').build(), [0; 64], [0; 64]);
        let (_, _, _, count) = reader.read_record(&[line.as_bytes(), b"\n"].concat(), &mut output, &mut ends);
        let mut from = 0;
        let expected: Vec<_> = ends[..count].iter().map(|end| output[std::mem::replace(&mut from, *end)..*end].to_vec()).collect();
        let mut found = Vec::new();
        super::row::cells(line.as_bytes(), SEMICOLON, |_, cell| found.push(cell.to_vec()));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = run(&bytes, &feed(), 5);
        let _ = run(&[b"L|ASP|", bytes.as_slice()].concat(), &asp(false, true), 5);
    }
}
