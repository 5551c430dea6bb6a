//! Discretion: the note of a ruling says why, and holds no value of the persons it is about.
//!
//! A note and those persons enter, yes or no leaves. What looks like a NIR, a telephone or an address of e-mail is somebody's, whoever it is.

use crate::canonical::Canon;
use crate::store::KnownPerson;
use crate::text::fold_name;

/// Digits in a row, spaces and points left out, that may be a telephone or a NIR.
const NUMBER: usize = 9;
/// The months, as [`fold_name`] leaves them.
const MONTHS: [&str; 12] = [
    "JANVIER",
    "FEVRIER",
    "MARS",
    "AVRIL",
    "MAI",
    "JUIN",
    "JUILLET",
    "AOUT",
    "SEPTEMBRE",
    "OCTOBRE",
    "NOVEMBRE",
    "DECEMBRE",
];
/// Letters of a name that is no mere word.
const NAME: usize = 3;
/// Letters of a street that is no mere word.
const STREET: usize = 8;

/// Whether a note holds a name, a birth, where somebody lives, a NIR, a telephone or an address of e-mail.
pub(super) fn tells_of(note: &str, canon: &Canon, persons: &[KnownPerson]) -> bool {
    note.contains('@') || has_number(note) || persons.iter().any(|person| names(note, canon, person))
}

/// Whether who signs is written as one of those persons, or with their birth or such a number. An operator may bear a name one of them bears.
pub(super) fn names_whole(by: &str, canon: &Canon, persons: &[KnownPerson]) -> bool {
    let of = |person: &KnownPerson| {
        let named = is_said(by, (canon, person), &["identite.nom_naissance", "identite.nom_usage"]);
        (named && is_said(by, (canon, person), &["identite.prenoms"])) || has_birth(by, canon, person)
    };
    has_number(by) || persons.iter().any(of)
}

fn has_number(note: &str) -> bool {
    let kept: String =
        note.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '\u{a0}' | '\u{202f}')).collect();
    let runs = kept.split(|c: char| !c.is_ascii_digit());
    runs.map(str::len).any(|length| length >= NUMBER)
}

fn names(note: &str, canon: &Canon, person: &KnownPerson) -> bool {
    let paths = ["identite.nom_naissance", "identite.nom_usage", "identite.prenoms"];
    let run_together = || runs_together(note, (canon, person), &paths);
    is_said(note, (canon, person), &paths)
        || run_together()
        || has_birth(note, canon, person)
        || has_street(note, canon, person)
}

/// Whether a word of what some claim states in these fields stands in a text.
fn is_said(text: &str, (canon, person): (&Canon, &KnownPerson), paths: &[&str]) -> bool {
    let folded = fold_name(text);
    let said: Vec<&str> = folded.split(' ').collect();
    let names = paths.iter().flat_map(|path| stated(canon, person, path));
    let mut parts = names.map(|name| fold_name(&name));
    parts.any(|name| name.split(' ').any(|part| part.len() >= NAME && said.contains(&part)))
}

/// Whether a compound name stands in a text with its parts joined or parted otherwise, or a name and a given name as one word.
fn runs_together(text: &str, (canon, person): (&Canon, &KnownPerson), paths: &[&str]) -> bool {
    let folded = fold_name(text);
    let words: Vec<&str> = folded.split(' ').collect();
    let runs: Vec<String> = (1..=3).flat_map(|length| words.windows(length)).map(<[&str]>::concat).collect();
    let names = paths.iter().flat_map(|path| stated(canon, person, path));
    let names: Vec<String> = names.map(|name| fold_name(&name).replace(' ', "")).collect();
    let names: Vec<&String> = names.iter().filter(|name| name.len() >= NAME).collect();
    let two = names.iter().flat_map(|one| names.iter().map(move |other| format!("{one}{other}")));
    let two: Vec<String> = two.collect();
    runs.iter().any(|run| names.contains(&run) || two.contains(run))
}

/// Whether the street somebody lives in stands in a text, with its number or without.
fn has_street(text: &str, canon: &Canon, person: &KnownPerson) -> bool {
    let said = format!(" {} ", fold_name(text));
    let numbered = |c: char| c.is_ascii_digit() || c == ' ';
    let streets = stated(canon, person, "adresse.voie");
    let mut streets = streets.iter().map(|street| fold_name(street));
    streets.any(|street| {
        let street = street.trim_start_matches(numbered);
        street.len() >= STREET && said.contains(&format!(" {street} "))
    })
}

fn has_birth(text: &str, canon: &Canon, person: &KnownPerson) -> bool {
    stated(canon, person, "identite.date_naissance").iter().any(|birth| is_in(birth, text))
}

fn stated(canon: &Canon, person: &KnownPerson, path: &str) -> Vec<String> {
    let field = canon.find(path);
    let values = person.statements.iter().filter_map(move |statement| statement.stated.get(field?));
    values.filter_map(|(value, _)| value.as_text().map(str::to_owned)).collect()
}

/// Whether a date stands in a text, written the French way, in figures or in words, or as ISO 8601 has it; its month and year alone, in
/// words, too.
fn is_in(birth: &str, note: &str) -> bool {
    let figures = |text: &str| text.parse::<usize>().unwrap_or_default();
    let mut parts = birth.split('-').map(figures);
    let (Some(year), Some(month), Some(day)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let in_words = MONTHS.get(month.wrapping_sub(1)).map(|month| format!(" {month} {year} "));
    let said = format!(" {} ", fold_name(note));
    if in_words.is_some_and(|in_words| said.contains(&in_words)) {
        return true;
    }
    let is = |(d, m, y): (&str, &str, &str)| {
        let of_century = y.len() == 2 && figures(y) == year % 100;
        (figures(d), figures(m)) == (day, month) && (figures(y) == year || of_century)
    };
    let numbers: Vec<&str> =
        note.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).collect();
    numbers.windows(3).any(|date| match date {
        [y, m, d] if y.len() == 4 => is((d, m, y)),
        [d, m, y] => is((d, m, y)),
        _ => false,
    })
}
