//! Paths into a record: `A/B`, `/A` from the record, `../A` from the surrounding scope, `A[B=c]/D` with a filter.
//!
//! Written text enters, steps over interned names leave. In CSV a path is one column name, taken whole.

use crate::connector::fold_header;
use crate::record::{NameId, Names, NodeId, Record};

/// Where rules stand inside a record: the record, the surrounding scope, the node at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'r> {
    pub record: &'r Record,
    pub outer: NodeId,
    pub here: NodeId,
}

impl<'r> Scope<'r> {
    pub fn of(record: &'r Record) -> Self {
        Self { record, outer: record.root(), here: record.root() }
    }

    pub fn inside(self, here: NodeId) -> Self {
        Self { record: self.record, outer: self.here, here }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    Record,
    Outer,
    Here,
}

#[derive(Debug, Clone)]
struct Step {
    name: NameId,
    filter: Option<Filter>,
}

#[derive(Debug, Clone)]
struct Filter {
    path: Vec<NameId>,
    wanted: String,
}

/// A compiled path.
#[derive(Debug, Clone)]
pub(super) struct Path {
    base: Base,
    steps: Vec<Step>,
}

impl Path {
    /// A CSV column, whatever characters its name holds.
    pub fn column(name: &str, names: &mut Names) -> Self {
        Self {
            base: Base::Record,
            steps: vec![Step { name: names.intern(&fold_header(name)), filter: None }],
        }
    }

    /// The name it ends with.
    pub fn last_name(&self) -> Option<NameId> {
        self.steps.last().map(|step| step.name)
    }

    /// Parses path syntax; the error says what was expected.
    pub fn parse(text: &str, names: &mut Names) -> Result<Self, String> {
        let text = text.trim();
        let (base, rest) = match (text.strip_prefix('/'), text.strip_prefix("../")) {
            (Some(rest), _) => (Base::Record, rest),
            (_, Some(rest)) => (Base::Outer, rest),
            _ => (Base::Here, text),
        };
        if rest == "." {
            return Ok(Self { base, steps: Vec::new() });
        }
        let steps =
            split_outside_brackets(rest).map(|step| Step::parse(step, names)).collect::<Result<_, _>>()?;
        Ok(Self { base, steps })
    }

    /// The first non-empty text at the path.
    pub fn first<'r>(&self, scope: Scope<'r>) -> Option<&'r str> {
        first_below(scope.record, self.start(scope), &self.steps)
    }

    /// Calls `visit` for each node at the path, in document order.
    pub fn each(&self, scope: Scope<'_>, visit: &mut dyn FnMut(NodeId)) {
        each_below(scope.record, self.start(scope), &self.steps, visit);
    }

    /// Where it leads, written from the record down, and what its filters read on the way; `outer` and `here` are where it is
    /// read from, `name` gives a name back.
    pub fn leads<'n>(
        &self,
        outer: &str,
        here: &str,
        name: &dyn Fn(NameId) -> &'n str,
    ) -> (String, Vec<String>) {
        let mut at = match self.base {
            Base::Record => String::new(),
            Base::Outer => outer.to_owned(),
            Base::Here => here.to_owned(),
        };
        let down =
            |at: &str, id| if at.is_empty() { name(id).to_owned() } else { format!("{at}/{}", name(id)) };
        let mut filters = Vec::new();
        for step in &self.steps {
            at = down(&at, step.name);
            if let Some(filter) = &step.filter {
                filters.push(filter.path.iter().fold(at.clone(), |at, id| down(&at, *id)));
            }
        }
        (at, filters)
    }

    fn start(&self, scope: Scope<'_>) -> NodeId {
        match self.base {
            Base::Record => scope.record.root(),
            Base::Outer => scope.outer,
            Base::Here => scope.here,
        }
    }
}

impl Step {
    fn parse(text: &str, names: &mut Names) -> Result<Self, String> {
        let (name, filter) = match text.split_once('[') {
            None => (text, None),
            Some((name, rest)) => {
                let inner = rest.strip_suffix(']').ok_or_else(|| format!("`[` is not closed in `{text}`"))?;
                (name, Some(Filter::parse(inner, names)?))
            }
        };
        check_name(name)?;
        Ok(Self { name: names.intern(name), filter })
    }

    fn admits(&self, record: &Record, node: NodeId) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.holds(record, node))
    }
}

impl Filter {
    fn parse(text: &str, names: &mut Names) -> Result<Self, String> {
        let (path, wanted) =
            text.split_once('=').ok_or_else(|| format!("a filter reads `[path=text]`, found `[{text}]`"))?;
        let path = path
            .split('/')
            .map(|name| check_name(name.trim()).map(|()| names.intern(name.trim())))
            .collect::<Result<_, _>>()?;
        let wanted = wanted.trim().trim_matches(['\'', '"']);
        Ok(Self { path, wanted: wanted.to_owned() })
    }

    fn holds(&self, record: &Record, node: NodeId) -> bool {
        let found = self.path.iter().try_fold(node, |at, name| record.child(at, *name));
        found.is_some_and(|leaf| same_code(record.value(leaf), &self.wanted))
    }
}

/// Two codes are one when they are one number: schemas type them as integers (`RGADR` of the CAF), and `1` is `01`.
fn same_code(found: &str, wanted: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let significant = |text: &'_ str| text.trim_start_matches('0').len();
    found == wanted
        || (number(found)
            && number(wanted)
            && found[found.len() - significant(found)..] == wanted[wanted.len() - significant(wanted)..])
}

fn check_name(name: &str) -> Result<(), String> {
    let fine = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.@:".contains(c));
    if fine { Ok(()) } else { Err(format!("`{name}` is not an element or member name")) }
}

fn split_outside_brackets(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '/' && depth == 0
    })
}

fn first_below<'r>(record: &'r Record, at: NodeId, steps: &[Step]) -> Option<&'r str> {
    let Some((step, rest)) = steps.split_first() else {
        let value = record.value(at);
        return (!value.is_empty()).then_some(value);
    };
    record
        .children(at, step.name)
        .filter(|node| step.admits(record, *node))
        .find_map(|node| first_below(record, node, rest))
}

fn each_below(record: &Record, at: NodeId, steps: &[Step], visit: &mut dyn FnMut(NodeId)) {
    let Some((step, rest)) = steps.split_first() else {
        return visit(at);
    };
    for node in record.children(at, step.name).filter(|node| step.admits(record, *node)) {
        each_below(record, node, rest, visit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_chooses_among_repeated_nodes() {
        let mut names = Names::default();
        let path = Path::parse("P[N=RSA]/ROLE", &mut names).expect("a path");
        let (p, n, role) = (names.intern("P"), names.intern("N"), names.intern("ROLE"));
        let mut record = Record::default();
        record.clear();
        for (nature, value) in [("PFA", "CJT"), ("RSA", "DEM")] {
            record.open(p);
            record.leaf(n, nature);
            record.leaf(role, value);
            record.close();
        }
        record.finish();
        assert_eq!(path.first(Scope::of(&record)), Some("DEM"));
    }

    #[test]
    fn codes_of_digits_are_compared_as_numbers() {
        for (found, wanted, same) in [
            ("1", "01", true),
            ("001", "1", true),
            ("0", "00", true),
            ("10", "1", false),
            ("", "0", false),
            ("A1", "A01", false),
            ("RSA", "RSA", true),
        ] {
            assert_eq!(same_code(found, wanted), same, "{found} {wanted}");
        }
    }

    #[test]
    fn malformed_paths_say_what_was_expected() {
        let mut names = Names::default();
        for text in ["", "A//B", "A[B/C", "A[B]", "A B"] {
            assert!(Path::parse(text, &mut names).is_err(), "{text}");
        }
    }
}
