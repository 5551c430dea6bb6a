//! Cases of columns of fixed width: places, lengths, rows around the records and their faults, on invented lines.

use hub_core::code::Code::{
    self, EmptyDelivery, MalformedCsv, NotTheFormat, RecordTooLarge, Truncated, WrongEncoding,
};
use hub_core::connector::{Dialect, Edge, Edges, Layout, Slot};
use proptest::prelude::*;

use crate::format::testing::{Run, dialect, run};

fn slots(columns: &[(&str, usize)]) -> Vec<Slot> {
    columns.iter().map(|(name, width)| Slot { name: (*name).to_owned(), width: *width }).collect()
}

fn feed(edges: Edges<Slot>) -> Dialect {
    let columns = slots(&[("nom", 5), ("-", 2), ("b", 3), ("c?", 2)]);
    dialect(Layout::Fixed { columns, edges }, &["nom", "b", "c", "total"])
}

fn between() -> Dialect {
    let edge = |starts: &str, cells, required| {
        Some(Edge { starts: starts.to_owned(), cells: slots(cells), required })
    };
    let first = edge("00", &[("type", 2), ("c", 4)], true);
    feed(Edges { first, last: edge("99", &[("type", 2), ("total", 4)], true) })
}

fn read_as(bytes: &[u8], dialect: &Dialect) -> Result<Run, Code> {
    let whole = run(bytes, dialect, 1 << 20).map_err(|f| f.code);
    for step in 1..=7 {
        assert_eq!(run(bytes, dialect, step).map_err(|f| f.code), whole, "by {step} bytes");
    }
    whole
}

#[test]
fn lines_are_cut_at_their_places_and_must_be_as_long_as_their_columns() {
    let long = format!("{}\nFICTI..  2\n", "x".repeat(900));
    for (text, expected) in [
        (&b"FICTI..  2\r\nA    ..123xy\n"[..], vec![Ok("b=2 nom=FICTI"), Ok("b=123 c=xy nom=A")]),
        ("Zoé  ..é 2yz\n\n   \n  B  ..   \n\u{1a}".as_bytes(), vec![Ok("b=é 2 c=yz nom=Zoé"), Ok("nom=B")]),
        (b"FICTI..  2  \nFICTI..  2   \n", vec![Ok("b=2 nom=FICTI"), Ok("b=2 nom=FICTI")]),
        (b"FICTI..  \nFICTI..  2x\nFICTI..  2xyz\n", vec![Err(MalformedCsv); 3]),
        (b"FICT\xE9..  2\nFICTI..  2\n", vec![Err(WrongEncoding), Ok("b=2 nom=FICTI")]),
        (b"\"F;C\"..  2\n", vec![Ok("b=2 nom=\"F;C\"")]),
        (long.as_bytes(), vec![Err(RecordTooLarge), Ok("b=2 nom=FICTI")]),
    ] {
        let run = read_as(text, &feed(Edges::default())).unwrap_or_else(|c| panic!("{c}"));
        assert_eq!((run.outcomes(), run.end), (expected, Ok(())), "{text:?}");
    }
    assert_eq!(read_as(b" \n", &feed(Edges::default())).map(|_| ()), Err(EmptyDelivery));
}

#[test]
fn the_rows_around_the_records_are_none_and_say_whether_the_delivery_is_whole() {
    let whole = read_as(b"00nuit\nFICTI..  2\n990001\n\n", &between()).unwrap_or_else(|c| panic!("{c}"));
    assert_eq!((whole.outcomes(), whole.end), (vec![Ok("b=2 nom=FICTI")], Ok(())));
    assert_eq!((whole.header.as_str(), whole.trailer.as_str()), ("c=nuit", "total=0001"));
    let first = whole.seen.first().map(|seen| (seen.number, seen.line, seen.byte));
    assert_eq!(first, Some((1, 2, 7)));
    for (text, end) in [
        (&b"00nuit\nFICTI..  2\n"[..], Truncated),
        (b"00nuit\nFICTI..  2\n990001\nFICTI..  2\n", NotTheFormat),
    ] {
        assert_eq!(read_as(text, &between()).map(|run| run.end), Ok(Err(end)));
    }
    assert_eq!(read_as(b"FICTI..  2\n990001\n", &between()).map(|_| ()), Err(NotTheFormat));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_text_and_the_chunks_the_frames_are_the_same(
        rows in "([aé09 ]{8,13}[\r\n]{1,2}){0,8}(x{390,420})?[a\n9]{0,40}",
        step in 1_usize..8,
    ) {
        let text = [b"00\n", rows.as_bytes()].concat();
        let by = |step| run(&text, &between(), step).map_err(|f| f.code);
        prop_assert_eq!(by(step), by(1 << 20));
    }

    #[test]
    fn every_record_cut_is_whole_and_no_line_is_lost(lines in prop::collection::vec("[a-z]{1,14}", 1..20)) {
        let run = run(lines.join("\n").as_bytes(), &feed(Edges::default()), 3).map_err(|f| f.code);
        let run = run.unwrap_or_else(|c| panic!("{c}"));
        let found: Vec<_> = run.seen.iter().map(|seen| (seen.raw.as_str(), seen.outcome.is_ok())).collect();
        let whole = |line: &str| [10, 12].contains(&line.len());
        let expected: Vec<_> = lines.iter().map(|line| (line.as_str(), whole(line))).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = run(&bytes, &feed(Edges::default()), 5);
        let _ = run(&[b"00", bytes.as_slice()].concat(), &between(), 5);
    }
}
