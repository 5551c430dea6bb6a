//! Which mapping a delivery belongs to, from what its first bytes show.
//!
//! A probe and the file's name enter, a fit leaves. The name is only a hint of last resort: institutions rename files.

use std::borrow::Cow;

use crate::connector::{Edge, Layout, Probe, fold_header};

use super::Mapping;

/// One condition of recognition; all must hold.
#[derive(Debug, Clone)]
pub(super) enum Detect {
    /// A header element holds one of these texts.
    Among(String, Vec<String>),
    /// One of these elements, columns or members is there.
    Present(Vec<String>),
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
        let (probe, opened) = self.below_first(probe)?;
        let probe = probe.as_ref();
        let same_format = match (&self.dialect.layout, probe) {
            (Layout::Xml { record, .. }, Probe::Xml { paths }) => record.first().is_some_and(|root| {
                paths.first().is_some_and(|(path, _)| path.split('/').next() == Some(root))
            }),
            (Layout::Csv { .. } | Layout::Fixed { .. }, Probe::Csv { .. })
            | (Layout::Json { .. }, Probe::Json { .. }) => true,
            _ => false,
        };
        let all = same_format && self.detect.iter().all(|detect| detect.holds(probe, filename));
        let weights = self.detect.iter().map(Detect::weight).sum::<usize>();
        all.then_some(Fit(weights + usize::from(opened)))
    }

    /// A probe as this mapping sees it, and whether its first row is there: the columns are then named below that row. `None` when it
    /// must be there and is not.
    fn below_first<'p>(&self, probe: &'p Probe) -> Option<(Cow<'p, Probe>, bool)> {
        let Probe::Csv { line, below, .. } = probe else { return Some((Cow::Borrowed(probe), false)) };
        match self.first_row() {
            Some((starts, _)) if line.starts_with(starts) => {
                let (line, below) = (line.clone(), below.clone());
                Some((Cow::Owned(Probe::Csv { columns: below, line, below: Vec::new() }), true))
            }
            Some((_, true)) => None,
            _ => Some((Cow::Borrowed(probe), false)),
        }
    }

    /// What the first row starts with, and whether it must be there.
    fn first_row(&self) -> Option<(&str, bool)> {
        fn of<C>(edge: Option<&Edge<C>>) -> Option<(&str, bool)> {
            edge.map(|edge| (edge.starts.as_str(), edge.required))
        }
        match &self.dialect.layout {
            Layout::Csv { edges, .. } => of(edges.first.as_ref()),
            Layout::Fixed { edges, .. } => of(edges.first.as_ref()),
            Layout::Xml { .. } | Layout::Json { .. } => None,
        }
    }
    /// The columns this mapping is recognised by that a CSV header lacks, folded; none for another format, or when it has none
    /// of them at all.
    pub(super) fn missing_columns(&self, probe: &Probe) -> Option<Vec<&str>> {
        let (probe, _) = self.below_first(probe)?;
        let (Layout::Csv { .. }, Probe::Csv { columns, .. }) = (&self.dialect.layout, probe.as_ref()) else {
            return None;
        };
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
            Self::Present(paths) => paths.iter().any(|path| has(probe, path)),
            Self::Absent(path) => !has(probe, path),
            Self::Columns(wanted) => match probe {
                Probe::Csv { columns, .. } => {
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
        Probe::Csv { columns, .. } => columns.iter().any(|column| fold_header(column) == fold_header(wanted)),
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
    use crate::canonical::Canon;
    use crate::connector::{Layout, Probe};
    use crate::mapping::{CodeLists, Diagnostic, Mapping, compile};

    /// A mapping of this format and these signs.
    fn mapping(format: &str, detect: &str) -> Result<Mapping, Vec<Diagnostic>> {
        let canon =
            Canon::from_schema(include_str!("../../../schemas/personne/v1.json")).expect("the schema");
        let text = format!(
            "mapping: a/x\nversion: \"1\"\nsource: a\nformat: {format}\ndetect: {detect}\nrecord: {{key: [nom]}}\n\
             persons: {{fields: {{identite.nom_usage: nom, identite.date_naissance: ne}}}}\n"
        );
        compile(&text, &canon, &CodeLists::default())
    }

    fn lines(line: &str, below: &str) -> Probe {
        let cells = |line: &str| line.split('|').map(str::to_owned).collect();
        Probe::Csv { columns: cells(line), line: line.to_owned(), below: cells(below) }
    }

    #[test]
    fn columns_are_looked_for_below_a_first_row() {
        let csv =
            |required| format!("{{csv: {{quotes: none, first: {{starts: 'L|ASP', required: {required}}}}}}}");
        for (required, probe, fit) in [
            (true, lines("L|ASP|x", "Nom|Ne"), Some(3)),
            (true, lines("Nom|Ne", "a|b"), None),
            (false, lines("L|ASP|x", "Nom|Ne"), Some(3)),
            (false, lines("Nom|Ne", "a|b"), Some(2)),
            (false, lines("L|ASP|x", "Nom|Prenom"), None),
        ] {
            let mapping = mapping(&csv(required), "[{columns: [nom, ne]}]").expect("a mapping");
            assert_eq!(mapping.recognises(&probe, None).map(|fit| fit.0), fit, "{required} {probe:?}");
        }
        let fixed = "{fixed: {columns: [{name: nom, width: 5}, {name: ne, width: 8}], first: {starts: '00', required: true}}}";
        let fixed = mapping(fixed, "[{filename: '*.txt'}]").expect("a mapping");
        assert!(matches!(&fixed.dialect.layout, Layout::Fixed { columns, .. } if columns.len() == 2));
        let fits = |line| fixed.recognises(&lines(line, "x"), Some("a.txt")).map(|fit| fit.0);
        assert_eq!((fits("00 nuit"), fits("01 nuit")), (Some(2), None));
    }

    #[test]
    fn one_of_several_members_is_enough() {
        let json = mapping("{json: {}}", "[{present: [id, evenement/id]}]").expect("a mapping");
        let fits = |member: &str| {
            json.recognises(&Probe::Json { members: vec![member.to_owned()] }, None).map(|fit| fit.0)
        };
        assert_eq!([fits("id"), fits("evenement/id"), fits("evenement")], [Some(1), Some(1), None]);
    }

    #[test]
    fn mistakes_of_a_layout_are_found_at_load() {
        for format in [
            "{csv: {quotes: double}}",
            "{csv: {first: {cells: [a]}}}",
            "{csv: {last: {starts: ''}}}",
            "{csv: {last: {starts: F, required: perhaps}}}",
            "{fixed: {}}",
            "{fixed: {columns: [{name: nom, width: 0}]}}",
            "{fixed: {columns: [{name: nom}]}}",
            "{csv: {}, fixed: {columns: [{name: nom, width: 3}]}}",
        ] {
            assert!(mapping(format, "[{columns: [nom]}]").is_err(), "{format}");
        }
    }

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
