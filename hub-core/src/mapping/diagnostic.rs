//! What the mapping compiler says of a mistake: code, place, expectation, fix.

use std::ops::Range;

use crate::code::Code;

/// One mistake in a mapping file or beside it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Diagnostic {
    /// Stable code.
    pub code: Code,
    /// Bytes of the mapping file to underline.
    pub span: Range<usize>,
    /// What was found and what was expected.
    pub message: String,
    /// A proposal ("did you mean `X`?").
    pub help: Option<String>,
    /// The code list the mistake stands in, and its line, when it is not in the mapping file.
    pub list: Option<(String, u32)>,
}

impl Diagnostic {
    /// Builds a diagnostic without a proposal.
    pub fn new(code: Code, span: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), help: None, list: None }
    }

    /// Adds a proposal.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says that the mistake stands at a line of a code list; the span is of the rule that reads it.
    #[must_use]
    pub fn in_list(mut self, name: &str, line: u32) -> Self {
        self.list = Some((name.to_owned(), line));
        self
    }

    /// Proposes the candidate nearest to what was written, when one is near.
    #[must_use]
    pub fn near<'c>(self, written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Self {
        match nearest(written, candidates) {
            Some(candidate) => self.with_help(format!("did you mean `{candidate}`?")),
            None => self,
        }
    }
}

/// The candidate nearest to what was written, when one is near.
pub fn nearest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let scored = candidates.into_iter().map(|c| (strsim::jaro_winkler(written, c), c));
    let (score, candidate) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score > 0.75).then_some(candidate)
}
