//! Walks JSON text by brackets and strings, without judging the rest.
//!
//! Text that may end anywhere enters; places leave: the end of a value, of the path to an array, of a broken object.

/// How far a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// It ends before this place.
    At(usize),
    /// A closing bracket does not match.
    Broken,
    /// The text ends first.
    More,
}

/// A walk over brackets that can stop and go on with more text.
#[derive(Debug, Default)]
pub(super) struct Walk {
    at: usize,
    quoted: bool,
    open: Vec<u8>,
}

impl Walk {
    /// Goes on over `text`, the same text as before and perhaps more, up to the end of its first value.
    pub(super) fn extent(&mut self, text: &[u8]) -> Extent {
        while let Some(byte) = text.get(self.at) {
            if self.quoted {
                if !self.string(text) {
                    return Extent::More;
                }
                if self.open.is_empty() {
                    return Extent::At(self.at);
                }
                continue;
            }
            match byte {
                b'"' => self.quoted = true,
                b'{' => self.open.push(b'}'),
                b'[' => self.open.push(b']'),
                b'}' | b']' => {
                    if self.open.pop() != Some(*byte) {
                        return Extent::Broken;
                    }
                    if self.open.is_empty() {
                        return Extent::At(self.at + 1);
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        Extent::More
    }

    /// Passes the rest of a string; false when the text ends first.
    fn string(&mut self, text: &[u8]) -> bool {
        while let Some(found) = text.get(self.at..).and_then(|t| memchr::memchr2(b'"', b'\\', t)) {
            self.at += found;
            if text.get(self.at) == Some(&b'"') {
                self.at += 1;
                self.quoted = false;
                return true;
            }
            if self.at + 1 >= text.len() {
                return false;
            }
            self.at += 2;
        }
        self.at = text.len();
        false
    }
}

/// A place after `at` white space.
pub(super) fn blank(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|b| b.is_ascii_whitespace()).count()
}

/// The members of the object that starts at `at`: name, and where its value starts. Stops at the first oddity.
pub(crate) fn members(text: &[u8], at: usize) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut next = at;
    while let Some((name, value)) = member(text, next) {
        found.push((name, value));
        match value_end(text, value) {
            Some(end) => next = blank(text, end),
            None => break,
        }
        if text.get(next) != Some(&b',') {
            break;
        }
    }
    found
}

/// The member after the `{` or `,` at `at`.
pub(super) fn member(text: &[u8], at: usize) -> Option<(String, usize)> {
    let name = blank(text, at + 1);
    let end = match text.get(name) {
        Some(b'"') => value_end(text, name)?,
        _ => return None,
    };
    let colon = blank(text, end);
    let value = blank(text, colon + 1);
    let known = text.get(colon) == Some(&b':') && value < text.len();
    let name: String = serde_json::from_slice(text.get(name..end)?).ok()?;
    known.then_some((name, value))
}

/// The end of the value at `at`, when the text holds it.
pub(super) fn value_end(text: &[u8], at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    match rest.first()? {
        b'{' | b'[' | b'"' => match Walk::default().extent(rest) {
            Extent::At(end) => Some(at + end),
            Extent::Broken | Extent::More => None,
        },
        _ => rest
            .iter()
            .position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'))
            .map(|end| at + end),
    }
}

/// Where the next object starts after a broken one at the start of `text`: one that begins with the same member, or,
/// when that cannot be read, the first after `}` `,` or a line break.
pub(super) fn next_object(text: &[u8]) -> Option<usize> {
    let first = member_name(text, 0);
    let mut at = 1;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr(b'{', rest)) {
        let place = at + found;
        let alike = match first {
            Some(name) => member_name(text, place) == Some(name),
            None => follows_object(text, place),
        };
        if alike {
            return Some(place);
        }
        at = place + 1;
    }
    None
}

/// The raw name of the first member of the object at `at`.
fn member_name(text: &[u8], at: usize) -> Option<&[u8]> {
    let from = blank(text, at + 1);
    let rest = text.get(from..)?.strip_prefix(b"\"")?;
    rest.get(..memchr::memchr2(b'"', b'\n', rest)?)
}

fn follows_object(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_ascii_end();
    before.strip_suffix(b",").is_some_and(|b| b.trim_ascii_end().ends_with(b"}"))
}

/// What stands after the array of records: it must close as many objects as wrap it.
#[derive(Debug)]
pub(super) struct Tail {
    open: usize,
    quoted: bool,
    escaped: bool,
}

impl Tail {
    /// A tail inside this many objects.
    pub(super) fn new(open: usize) -> Self {
        Self { open, quoted: false, escaped: false }
    }

    /// Passes more text; false when something stands after the end.
    pub(super) fn pass(&mut self, text: &[u8]) -> bool {
        for byte in text {
            if self.quoted {
                let ends = *byte == b'"' && !self.escaped;
                self.escaped = *byte == b'\\' && !self.escaped;
                self.quoted = !ends;
                continue;
            }
            if self.open == 0 && !byte.is_ascii_whitespace() {
                return false;
            }
            match byte {
                b'"' => self.quoted = true,
                b'{' | b'[' => self.open += 1,
                b'}' | b']' => self.open -= 1,
                _ => {}
            }
        }
        true
    }

    /// True once everything is closed.
    pub(super) fn closed(&self) -> bool {
        self.open == 0
    }
}
