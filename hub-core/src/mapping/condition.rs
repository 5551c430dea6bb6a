//! Conditions: a tiny typed expression over paths and texts, and nothing more.
//!
//! `PATH = 'x'`, `PATH != 'x'`, `PATH in ('a', 'b')`, `present(PATH)`, `and`, `or`, `not`, parentheses. A CSV column is written
//! in backquotes. There is no other function and no arithmetic.

use super::path::{Path, Scope};
use crate::record::Names;

/// A compiled condition.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    Among { path: Path, texts: Vec<String> },
    Present(Path),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Condition {
    /// Parses a condition; the error says what was expected and what was found.
    pub fn parse(text: &str, names: &mut Names, csv: bool) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, names, csv, depth: 0 };
        let condition = parser.any()?;
        match parser.peek() {
            None => Ok(condition),
            Some(token) => Err(format!("expected the end of the condition, found {}", token.shown())),
        }
    }

    /// The paths it reads.
    pub fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Among { path, .. } | Self::Present(path) => vec![path],
            Self::Not(inner) => inner.paths(),
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::paths).collect(),
        }
    }

    /// Tells whether it holds; texts among `nulls` count as absent.
    pub fn holds(&self, scope: Scope<'_>, nulls: &[String]) -> bool {
        let text = |path: &Path| path.first(scope).filter(|text| !nulls.iter().any(|null| null == text));
        match self {
            Self::Among { path, texts } => {
                let found = text(path).unwrap_or("");
                texts.iter().any(|text| text == found)
            }
            Self::Present(path) => text(path).is_some(),
            Self::Not(inner) => !inner.holds(scope, nulls),
            Self::All(parts) => parts.iter().all(|part| part.holds(scope, nulls)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(scope, nulls)),
        }
    }
}

impl Condition {
    /// How many terms its `or`s have.
    pub fn terms(&self) -> usize {
        self.walk(&mut |_| {})
    }

    /// The terms of its `or`s that hold, counted from 0 over the whole condition.
    pub fn terms_that_hold(&self, scope: Scope<'_>, nulls: &[String]) -> Vec<usize> {
        let (mut at, mut held) = (0, Vec::new());
        self.walk(&mut |term| {
            if term.holds(scope, nulls) {
                held.push(at);
            }
            at += 1;
        });
        held
    }

    /// Visits each term of each `or`; returns how many there are.
    fn walk(&self, visit: &mut dyn FnMut(&Self)) -> usize {
        match self {
            Self::Among { .. } | Self::Present(_) => 0,
            Self::Not(inner) => inner.walk(visit),
            Self::All(parts) => parts.iter().map(|part| part.walk(visit)).sum(),
            Self::Any(parts) => {
                for part in parts {
                    visit(part);
                }
                parts.len() + parts.iter().map(|part| part.walk(visit)).sum::<usize>()
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Column(String),
    Text(String),
    Sign(&'static str),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Word(text) | Self::Column(text) => format!("`{text}`"),
            Self::Text(text) => format!("the text '{text}'"),
            Self::Sign(sign) => format!("`{sign}`"),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, left) = match first {
            '\'' | '"' => quoted(rest, first).map(|(inner, left)| (Token::Text(inner.to_owned()), left))?,
            '`' => quoted(rest, '`').map(|(inner, left)| (Token::Column(inner.to_owned()), left))?,
            _ => match ["!=", "=", "(", ")", ","].into_iter().find(|sign| rest.starts_with(sign)) {
                Some(sign) => (Token::Sign(sign), &rest[sign.len()..]),
                None => word(rest),
            },
        };
        tokens.push(token);
        rest = left.trim_start();
    }
    Ok(tokens)
}

fn quoted(text: &str, quote: char) -> Result<(&str, &str), String> {
    text.get(1..)
        .and_then(|inner| inner.split_once(quote))
        .ok_or_else(|| format!("the quote {quote} is not closed"))
}

fn word(text: &str) -> (Token, &str) {
    let mut depth = 0_usize;
    let end = text
        .find(|c: char| {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && (c.is_whitespace() || "=!(),'\"`".contains(c))
        })
        .unwrap_or(text.len())
        .max(text.chars().next().map_or(0, char::len_utf8));
    let (word, rest) = text.split_at(end);
    (Token::Word(word.to_owned()), rest)
}

struct Parser<'n> {
    tokens: Vec<Token>,
    at: usize,
    names: &'n mut Names,
    csv: bool,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.all()?];
        while self.take_word("or") {
            parts.push(self.all()?);
        }
        Ok(single(parts, Condition::Any))
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut parts = vec![self.one()?];
        while self.take_word("and") {
            parts.push(self.one()?);
        }
        Ok(single(parts, Condition::All))
    }

    fn one(&mut self) -> Result<Condition, String> {
        self.depth += 1;
        if self.depth > 32 {
            return Err("the condition nests more than 32 levels".to_owned());
        }
        let condition = self.primary();
        self.depth -= 1;
        condition
    }

    fn primary(&mut self) -> Result<Condition, String> {
        if self.take_word("not") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.take_sign("(") {
            let inner = self.any()?;
            return self.expect_sign(")").map(|()| inner);
        }
        if self.tokens.get(self.at + 1) == Some(&Token::Sign("(")) && self.take_word("present") {
            self.expect_sign("(")?;
            let path = self.path()?;
            return self.expect_sign(")").map(|()| Condition::Present(path));
        }
        let path = self.path()?;
        if self.take_sign("=") {
            return Ok(Condition::Among { path, texts: vec![self.quoted_text()?] });
        }
        if self.take_sign("!=") {
            let texts = vec![self.quoted_text()?];
            return Ok(Condition::Not(Box::new(Condition::Among { path, texts })));
        }
        if self.take_word("in") {
            self.expect_sign("(")?;
            let mut texts = vec![self.quoted_text()?];
            while self.take_sign(",") {
                texts.push(self.quoted_text()?);
            }
            return self.expect_sign(")").map(|()| Condition::Among { path, texts });
        }
        Err(format!("expected `=`, `!=` or `in` after a path, found {}", self.shown()))
    }

    fn path(&mut self) -> Result<Path, String> {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Column(name)) => Ok(Path::column(&name, self.names)),
            Some(Token::Word(name)) if self.csv => Ok(Path::column(&name, self.names)),
            Some(Token::Word(path)) => Path::parse(&path, self.names),
            _ => {
                self.at -= 1;
                Err(format!("expected a path, found {}", self.shown()))
            }
        }
    }

    fn quoted_text(&mut self) -> Result<String, String> {
        let Some(Token::Text(text)) = self.peek().cloned() else {
            return Err(format!("expected a text in quotes, found {}", self.shown()));
        };
        self.at += 1;
        Ok(text)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn shown(&self) -> String {
        self.peek().map_or_else(|| "the end".to_owned(), Token::shown)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w == word);
        self.at += usize::from(found);
        found
    }

    fn take_sign(&mut self, sign: &'static str) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn expect_sign(&mut self, sign: &'static str) -> Result<(), String> {
        if self.take_sign(sign) { Ok(()) } else { Err(format!("expected `{sign}`, found {}", self.shown())) }
    }
}

fn single(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.len() {
        1 => parts.remove(0),
        _ => many(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;

    fn holds(text: &str, columns: &[(&str, &str)]) -> Result<bool, String> {
        let mut names = Names::default();
        let condition = Condition::parse(text, &mut names, true)?;
        let mut record = Record::default();
        record.clear();
        for (name, value) in columns {
            record.leaf(names.intern(name), value);
        }
        record.finish();
        Ok(condition.holds(Scope::of(&record), &["NULL".to_owned()]))
    }

    #[test]
    fn conditions_read_as_they_are_written() {
        let row = [("role", "DEM"), ("motif", "NULL"), ("date de naissance", "1990")];
        for (text, wanted) in [
            ("role = 'DEM'", true),
            ("role != 'DEM' or present(`Date de naissance`)", true),
            ("not (role in ('CJT', 'ENF')) and present(role)", true),
            ("present(nir)", false),
            ("present(motif)", false),
        ] {
            assert_eq!(holds(text, &row), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_what_was_expected() {
        for text in [
            "",
            "role",
            "role =",
            "role = DEM",
            "(role = 'a'",
            "role = 'a' role",
            "role ~ 'a'",
            "'a' = role",
            "role = 'a",
        ] {
            assert!(holds(text, &[]).is_err(), "{text}");
        }
        assert!(holds(&"(".repeat(5_000), &[]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[a-z=!()`', éor]{0,40}") {
            let _ = holds(&text, &[]);
        }
    }
}
