//! The closed set of text operations a mapping may apply before a value is typed.
//!
//! `upper`, `take(5)`, `between('(', ')')`… Written text enters and is checked at load; at run time text enters and text leaves.

use std::borrow::Cow;

/// One operation, its arguments checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Operation {
    Upper,
    Lower,
    Digits,
    FirstWord,
    Spreadsheet,
    PadLeft(usize, char),
    Take(usize),
    Skip(usize),
    Before(String),
    After(String),
    Between(String, String),
    BeforeLast(String),
    /// A shape of letters (`A`) and digits (`9`).
    Pattern(String),
    WithoutPattern(String),
    /// A shape; where no word has it, what the last parentheses hold, when a digit is in it.
    PatternOrBracketed(String),
    Replace(String, String),
    DropIf(Vec<String>),
}

/// The names of the operations, as proposals for a misspelt one.
pub(super) const NAMES: &[&str] = &[
    "upper",
    "lower",
    "digits",
    "first_word",
    "spreadsheet",
    "pad_left",
    "take",
    "skip",
    "before",
    "after",
    "between",
    "before_last",
    "pattern",
    "without_pattern",
    "pattern_or_bracketed",
    "replace",
    "drop_if",
];

impl Operation {
    /// Parses `name` or `name(argument, …)`; the error says what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (name, arguments) = match text.split_once('(') {
            None => (text, Vec::new()),
            Some((name, rest)) => (name.trim(), arguments(rest)?),
        };
        let usage = |form: &str| format!("`{name}` is written `{form}`");
        let texts: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match (name, texts.as_slice()) {
            ("upper", []) => Ok(Self::Upper),
            ("lower", []) => Ok(Self::Lower),
            ("digits", []) => Ok(Self::Digits),
            ("first_word", []) => Ok(Self::FirstWord),
            ("spreadsheet", []) => Ok(Self::Spreadsheet),
            ("pad_left", [width, fill]) => match (count(width), fill.chars().next()) {
                (Some(width), Some(fill)) => Ok(Self::PadLeft(width, fill)),
                _ => Err(usage("pad_left(5, '0')")),
            },
            ("pad_left", _) => Err(usage("pad_left(5, '0')")),
            ("take", [n]) => count(n).map(Self::Take).ok_or_else(|| usage("take(5)")),
            ("skip", [n]) => count(n).map(Self::Skip).ok_or_else(|| usage("skip(5)")),
            ("before", [mark]) => Ok(Self::Before((*mark).to_owned())),
            ("after", [mark]) => Ok(Self::After((*mark).to_owned())),
            ("between", [open, close]) => Ok(Self::Between((*open).to_owned(), (*close).to_owned())),
            ("before_last", [mark]) => Ok(Self::BeforeLast((*mark).to_owned())),
            ("pattern", [shape]) if !shape.is_empty() => Ok(Self::Pattern((*shape).to_owned())),
            ("without_pattern", [shape]) if !shape.is_empty() => {
                Ok(Self::WithoutPattern((*shape).to_owned()))
            }
            ("pattern_or_bracketed", [shape]) if !shape.is_empty() => {
                Ok(Self::PatternOrBracketed((*shape).to_owned()))
            }
            ("replace", [from, to]) => Ok(Self::Replace((*from).to_owned(), (*to).to_owned())),
            ("drop_if", [_, ..]) => Ok(Self::DropIf(arguments)),
            (known, _) if NAMES.contains(&known) => {
                Err(format!("`{known}` does not take {} arguments", texts.len()))
            }
            (unknown, _) => Err(format!("there is no operation `{unknown}`")),
        }
    }

    pub fn apply<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        match self {
            Self::Upper => Cow::Owned(text.to_uppercase()),
            Self::Lower => Cow::Owned(text.to_lowercase()),
            Self::Digits => Cow::Owned(text.chars().filter(char::is_ascii_digit).collect()),
            Self::FirstWord => cut(text, |t| t.split_whitespace().next().unwrap_or("")),
            Self::Spreadsheet => {
                cut(text, |t| t.strip_suffix(".0").or_else(|| t.strip_suffix(",0")).unwrap_or(t))
            }
            Self::PadLeft(width, fill) => pad_left(text, *width, *fill),
            Self::Take(n) => cut(text, |t| t.char_indices().nth(*n).map_or(t, |(at, _)| &t[..at])),
            Self::Skip(n) => cut(text, |t| t.char_indices().nth(*n).map_or("", |(at, _)| &t[at..])),
            Self::Before(mark) => cut(text, |t| t.split_once(mark.as_str()).map_or(t, |(before, _)| before)),
            Self::After(mark) => cut(text, |t| t.split_once(mark.as_str()).map_or("", |(_, after)| after)),
            Self::Between(open, close) => cut(text, |t| {
                t.split_once(open.as_str())
                    .and_then(|(_, rest)| rest.split_once(close.as_str()))
                    .map_or("", |(inner, _)| inner)
            }),
            Self::BeforeLast(mark) => {
                cut(text, |t| t.rsplit_once(mark.as_str()).map_or(t, |(before, _)| before))
            }
            Self::Pattern(shape) => cut(text, |t| shaped(t, shape)),
            Self::WithoutPattern(shape) => without(text, shape),
            Self::PatternOrBracketed(shape) => cut(text, |t| {
                let shaped = shaped(t, shape);
                if shaped.is_empty() { bracketed_code(t) } else { shaped }
            }),
            Self::Replace(from, to) => Cow::Owned(text.replace(from.as_str(), to)),
            Self::DropIf(words) if words.iter().any(|word| word.eq_ignore_ascii_case(text.trim())) => {
                Cow::Borrowed("")
            }
            Self::DropIf(_) => text,
        }
    }
}

fn cut(text: Cow<'_, str>, part: impl Fn(&str) -> &str) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(borrowed) => Cow::Borrowed(part(borrowed).trim()),
        Cow::Owned(owned) => Cow::Owned(part(&owned).trim().to_owned()),
    }
}

/// The first word of `text` that has the shape: `A` stands for a letter, `9` for a digit, anything else for itself.
fn shaped<'t>(text: &'t str, shape: &str) -> &'t str {
    text.split(|c: char| !c.is_alphanumeric()).find(|word| has_shape(word, shape)).unwrap_or("")
}

/// Whether a text has a shape, whole.
pub(super) fn has_shape(text: &str, shape: &str) -> bool {
    let like = |(c, s): (char, char)| match s {
        'A' => c.is_ascii_alphabetic(),
        '9' => c.is_ascii_digit(),
        other => c == other,
    };
    text.len() == shape.len() && text.chars().zip(shape.chars()).all(like)
}

/// What the last parentheses hold, when a digit is in it: a code that is wrong is a code still, `(H/F)` is none.
fn bracketed_code(text: &str) -> &str {
    let held = text.rsplit_once('(').map_or("", |(_, held)| held);
    let held = held.split_once(')').map_or(held, |(held, _)| held);
    if held.contains(|c: char| c.is_ascii_digit()) { held } else { "" }
}

/// The text without its first word of the shape, spaces at the seam made one; a country's sign before it (`F-75007`) and the mark
/// that parts them go with it.
fn without<'t>(text: Cow<'t, str>, shape: &str) -> Cow<'t, str> {
    let word = shaped(&text, shape);
    let Some((before, after)) = text.split_once(word).filter(|_| !word.is_empty()) else { return text };
    let marks = |c: char| c.is_whitespace() || matches!(c, '-' | ',');
    let (before, after) = (without_sign(before).trim_end_matches(marks), after.trim_start_matches(marks));
    let (before, after) = (before.trim_start(), after.trim_end());
    let seam = if before.is_empty() || after.is_empty() { "" } else { " " };
    Cow::Owned(format!("{before}{seam}{after}"))
}

/// The text without the one to three letters and the hyphen it ends with.
fn without_sign(text: &str) -> &str {
    let Some(signed) = text.strip_suffix('-') else { return text };
    let rest = signed.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let alone = rest.is_empty() || rest.ends_with(char::is_whitespace);
    if alone && (1..=3).contains(&(signed.len() - rest.len())) { rest } else { text }
}

fn pad_left(text: Cow<'_, str>, width: usize, fill: char) -> Cow<'_, str> {
    let missing = width.saturating_sub(text.chars().count());
    if missing == 0 || text.is_empty() {
        return text;
    }
    let mut padded: String = std::iter::repeat_n(fill, missing).collect();
    padded.push_str(&text);
    Cow::Owned(padded)
}

fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|n| *n <= 1_000)
}

/// Splits `'a', 5)` into its arguments; quotes are optional around numbers.
fn arguments(text: &str) -> Result<Vec<String>, String> {
    let mut rest = text.trim_end().strip_suffix(')').ok_or("the parenthesis is not closed")?.trim();
    let mut arguments = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (argument, left) = if first == '\'' || first == '"' {
            rest.get(1..).and_then(|inner| inner.split_once(first)).ok_or("a quote is not closed")?
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (rest.get(..end).unwrap_or("").trim(), rest.get(end..).unwrap_or(""))
        };
        arguments.push(argument.to_owned());
        let left = left.trim_start();
        rest = match (left.is_empty(), left.strip_prefix(',')) {
            (true, _) => "",
            (_, Some(next)) => next.trim_start(),
            _ => return Err("arguments are separated by a comma".to_owned()),
        };
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_do_what_they_say() {
        for (operation, text, wanted) in [
            ("upper", "été", "ÉTÉ"),
            ("digits", "a1 b2", "12"),
            ("take(5)", "08300 RETHEL", "08300"),
            ("skip(5)", "08300 RETHEL", "RETHEL"),
            ("after(' ')", "08300 RETHEL", "RETHEL"),
            ("before('(')", "Soudeur (H2913)", "Soudeur"),
            ("between('(', ')')", "Soudeur (H2913)", "H2913"),
            ("between('(', ')')", "Soudeur", ""),
            ("before_last('(')", "Agent (H/F) de tri (K2304)", "Agent (H/F) de tri"),
            ("pattern('A9999')", "Agent (H/F) de tri (K2304)", "K2304"),
            ("pattern('A9999')", "k2304", "k2304"),
            ("pattern('A9999')", "Soudeur", ""),
            ("pattern_or_bracketed('A9999')", "Agent (H/F) de tri (K2304)", "K2304"),
            ("pattern_or_bracketed('A9999')", "K2304", "K2304"),
            ("pattern_or_bracketed('A9999')", "Soudeur (H291)", "H291"),
            ("pattern_or_bracketed('A9999')", "Soudeur (291 H", "291 H"),
            ("pattern_or_bracketed('A9999')", "Agent de tri (H/F)", ""),
            ("without_pattern('99999')", "08300  RETHEL", "RETHEL"),
            ("without_pattern('99999')", "SAINT-DIZIER 52100", "SAINT-DIZIER"),
            ("without_pattern('99999')", "6700 ARLON", "6700 ARLON"),
            ("without_pattern('99999')", "F-75007 PARIS", "PARIS"),
            ("without_pattern('99999')", "75007-PARIS", "PARIS"),
            ("without_pattern('99999')", "SAINT-DIZIER, FR-52100", "SAINT-DIZIER"),
            ("pad_left(5,'0')", "1000", "01000"),
            ("replace('.', ',')", "1.2", "1,2"),
            ("drop_if('FAKE','NC')", "fake", ""),
            ("spreadsheet", "1803331476872.0", "1803331476872"),
            ("first_word", "Jean Pierre", "Jean"),
        ] {
            let parsed = Operation::parse(operation).expect("an operation");
            assert_eq!(parsed.apply(Cow::Borrowed(text)), wanted, "{operation}");
        }
    }

    #[test]
    fn unknown_or_misused_operations_are_refused() {
        for text in
            ["uper", "take", "take(x)", "pad_left(5)", "between('(')", "take(5", "before('x)", "take(5 6)"]
        {
            assert!(Operation::parse(text).is_err(), "{text}");
        }
    }
}
