//! Which mapping a delivery belongs to, from what its first bytes show.
//!
//! A probe and the file's name enter, a fit leaves. The name is only a hint of last resort: institutions rename files.

use crate::connector::{Layout, Probe, fold_header};

use super::Mapping;

/// One condition of recognition; all must hold.
#[derive(Debug, Clone)]
pub(super) enum Detect {
    /// A header element holds one of these texts.
    Among(String, Vec<String>),
    /// An element or member is there.
    Present(String),
    /// An element or member is not there.
    Absent(String),
    /// The CSV header has these cells, folded.
    Columns(Vec<String>),
    /// The file's name matches `*` patterns, ignoring case.
    Filename(String),
}

/// How well a mapping fits a delivery; more conditions met is a better fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fit(pub usize);

impl Mapping {
    /// Tells whether this mapping recognises a delivery, and how precisely.
    pub fn recognises(&self, probe: &Probe, filename: Option<&str>) -> Option<Fit> {
        let same_format = match (&self.dialect.layout, probe) {
            (Layout::Xml { record, .. }, Probe::Xml { paths }) => record.first().is_some_and(|root| {
                paths.first().is_some_and(|(path, _)| path.split('/').next() == Some(root))
            }),
            (Layout::Csv { .. }, Probe::Csv { .. }) | (Layout::Json { .. }, Probe::Json { .. }) => true,
            _ => false,
        };
        let all = same_format && self.detect.iter().all(|detect| detect.holds(probe, filename));
        all.then(|| Fit(self.detect.iter().map(Detect::weight).sum()))
    }
}

impl Mapping {
    /// The columns this mapping is recognised by that a CSV header lacks, folded; none for another format, or when it has none
    /// of them at all.
    pub(super) fn missing_columns(&self, probe: &Probe) -> Option<Vec<&str>> {
        let (Layout::Csv { .. }, Probe::Csv { columns }) = (&self.dialect.layout, probe) else { return None };
        let there: Vec<String> = columns.iter().map(|column| fold_header(column)).collect();
        let wanted = self.detect.iter().filter_map(|detect| match detect {
            Detect::Columns(columns) => Some(columns),
            _ => None,
        });
        let wanted: Vec<&str> = wanted.flatten().map(String::as_str).collect();
        let missing: Vec<&str> = wanted.iter().filter(|w| !there.iter().any(|t| t == **w)).copied().collect();
        (missing.len() < wanted.len() && !missing.is_empty()).then_some(missing)
    }
}

impl Detect {
    fn weight(&self) -> usize {
        match self {
            Self::Columns(columns) => columns.len(),
            _ => 1,
        }
    }

    fn holds(&self, probe: &Probe, filename: Option<&str>) -> bool {
        match self {
            Self::Among(path, texts) => {
                text_at(probe, path).is_some_and(|text| texts.iter().any(|t| t == text.trim()))
            }
            Self::Present(path) => has(probe, path),
            Self::Absent(path) => !has(probe, path),
            Self::Columns(wanted) => match probe {
                Probe::Csv { columns } => {
                    let folded: Vec<String> = columns.iter().map(|c| fold_header(c)).collect();
                    wanted.iter().all(|column| folded.contains(column))
                }
                _ => false,
            },
            Self::Filename(pattern) => {
                filename.is_some_and(|name| matches(&pattern.to_lowercase(), &name.to_lowercase()))
            }
        }
    }
}

fn text_at<'p>(probe: &'p Probe, wanted: &str) -> Option<&'p str> {
    match probe {
        Probe::Xml { paths } => paths.iter().find(|(path, _)| path == wanted).map(|(_, text)| text.as_str()),
        _ => None,
    }
}

fn has(probe: &Probe, wanted: &str) -> bool {
    match probe {
        Probe::Xml { paths } => paths.iter().any(|(path, _)| path == wanted),
        Probe::Csv { columns } => columns.iter().any(|column| fold_header(column) == fold_header(wanted)),
        Probe::Json { members } => members.iter().any(|member| member == wanted),
    }
}

/// Matches `*` against any run of characters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn star_patterns_match_whole_names() {
        for (pattern, name, wanted) in [
            ("*cessation*", "pe_cessations_2024.csv", true),
            ("*cessation*", "inscriptions.csv", false),
            ("a*b", "ab", true),
            ("a*b", "abc", false),
            ("exact", "exact", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
