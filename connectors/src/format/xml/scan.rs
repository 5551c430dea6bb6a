//! Finds the tags of the record element in a window of text, by bytes.
//!
//! Comments, CDATA sections and processing instructions may hold the text of a tag without being one; they are looked for only
//! when `<!` or `<?` shows.
//! Every answer is either a place in the window or the place from which to look again once more text has come.

use memchr::memmem::{Finder, find};

/// Finds one element's tags.
pub(super) struct Scanner {
    open: Finder<'static>,
    close: Finder<'static>,
    bang: Finder<'static>,
    instruction: Finder<'static>,
}

/// Where the next record starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At this place.
    At(usize),
    /// Not in the window; look again from this place.
    More(usize),
}

/// Where the record that starts the window ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Before this place, well closed.
    At(usize),
    /// Before this place, without its end tag.
    Unclosed(usize),
    /// Not in the window; look again from this place.
    More(usize),
}

impl Scanner {
    /// A scanner for the element with this qualified name.
    pub(super) fn new(name: &str) -> Self {
        Self {
            open: Finder::new(&format!("<{name}")).into_owned(),
            close: Finder::new(&format!("</{name}")).into_owned(),
            bang: Finder::new("<!").into_owned(),
            instruction: Finder::new("<?").into_owned(),
        }
    }

    /// Length of `<name`.
    pub(super) fn open_len(&self) -> usize {
        self.open.needle().len()
    }

    /// How much of the window's end may hold the beginning of a tag.
    pub(super) fn tail(&self) -> usize {
        self.close.needle().len().max(9) + 1
    }

    /// The next start tag outside comments, CDATA sections and instructions.
    pub(super) fn start(&self, window: &[u8], mut from: usize) -> Start {
        loop {
            let open = tag(&self.open, window, from, window.len());
            let limit = open.unwrap_or(window.len());
            match self.aside(window, from, limit) {
                Some(at) => match section_end(window, at) {
                    Some(end) => from = end,
                    None => return Start::More(at),
                },
                None => {
                    return open.map_or_else(|| Start::More(self.resume(window, from)), Start::At);
                }
            }
        }
    }

    /// The next start tag, even inside a comment: the way out of a record that never ends.
    pub(super) fn plain_start(&self, window: &[u8], from: usize) -> Option<usize> {
        tag(&self.open, window, from, window.len())
    }

    /// The end of the record that starts the window; `from` is 0 or what `End::More` gave.
    pub(super) fn end(&self, window: &[u8], mut from: usize) -> End {
        if from == 0 {
            match start_tag_end(window) {
                None => return End::More(0),
                Some((end, true)) => return End::At(end),
                Some((end, false)) => from = end,
            }
        }
        let mut close = None;
        loop {
            let at = match close {
                Some(at) if at >= from => at,
                _ => tag(&self.close, window, from, window.len()).unwrap_or(window.len()),
            };
            close = Some(at);
            let aside = self.aside(window, from, at);
            if let Some(open) = tag(&self.open, window, from, aside.unwrap_or(at)) {
                return End::Unclosed(open);
            }
            match aside.map(|aside| (aside, section_end(window, aside))) {
                Some((_, Some(end))) => from = end,
                Some((aside, None)) => return End::More(aside),
                None if at < window.len() => return self.close_tag(window, at),
                None => return End::More(self.resume(window, from)),
            }
        }
    }

    /// The first place at or after the next tag of the record: past its end tag, or at a start tag.
    pub(super) fn way_out(&self, window: &[u8]) -> Option<usize> {
        let close = tag(&self.close, window, 0, window.len());
        let open = tag(&self.open, window, 0, close.unwrap_or(window.len()));
        let after = |at| match self.close_tag(window, at) {
            End::At(end) | End::Unclosed(end) => Some(end),
            End::More(_) => None,
        };
        open.or_else(|| close.and_then(after))
    }

    /// The first comment, CDATA section or instruction.
    fn aside(&self, window: &[u8], from: usize, to: usize) -> Option<usize> {
        let bang = self.bang.find(window.get(from..to)?).map(|at| from + at);
        let before = window.get(from..bang.unwrap_or(to))?;
        self.instruction.find(before).map(|at| from + at).or(bang)
    }

    fn resume(&self, window: &[u8], from: usize) -> usize {
        window.len().saturating_sub(self.tail()).max(from)
    }

    fn close_tag(&self, window: &[u8], at: usize) -> End {
        let name_end = at + self.close.needle().len();
        let rest = window.get(name_end..).unwrap_or_default();
        match rest.iter().position(|b| !b.is_ascii_whitespace()) {
            None => End::More(at),
            Some(blank) if rest.get(blank) == Some(&b'>') => End::At(name_end + blank + 1),
            Some(_) => End::Unclosed(name_end),
        }
    }
}

/// The first tag in `from..to` whose name ends where `finder`'s does; the byte after it must be in the window.
fn tag(finder: &Finder<'_>, window: &[u8], mut from: usize, to: usize) -> Option<usize> {
    loop {
        let at = from + finder.find(window.get(from..to)?)?;
        let after = at + finder.needle().len();
        match window.get(after)? {
            b'>' | b'/' | b' ' | b'\t' | b'\r' | b'\n' => return Some(at),
            _ => from = after,
        }
    }
}

/// Past the `>` of the start tag at the window's start, and whether it closes itself.
fn start_tag_end(window: &[u8]) -> Option<(usize, bool)> {
    let mut at = 0;
    loop {
        let found = at + memchr::memchr3(b'>', b'"', b'\'', window.get(at..)?)?;
        match window.get(found)? {
            b'>' => return Some((found + 1, found > 0 && window.get(found - 1) == Some(&b'/'))),
            quote => at = found + 2 + memchr::memchr(*quote, window.get(found + 1..)?)?,
        }
    }
}

/// Past the comment, CDATA section or instruction that starts at `at`; past `<!` when it is none.
fn section_end(window: &[u8], at: usize) -> Option<usize> {
    let rest = window.get(at..)?;
    for (mark, end) in [(&b"<!--"[..], &b"-->"[..]), (b"<![CDATA[", b"]]>"), (b"<?", b"?>")] {
        if rest.starts_with(mark) {
            let inside = rest.get(mark.len()..)?;
            return find(inside, end).map(|found| at + mark.len() + found + end.len());
        }
        if mark.starts_with(rest) {
            return None;
        }
    }
    Some(at + 2)
}
